"""Connections that leave: announced, taken down from their day on in two runs, or let go where
their form keeps the client.

One protecting stack with a form for each: the first run is an ``up``, the second ``acmidm deploy``,
which goes on where that is due.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.engine import Project
from tests.support.forms import DOSSIERS, SEND, FormFile, write_form
from tests.support.portal import RunningPortal, sign_assertion
from tests.support.registry import Registry

COMING, DUE = "2999-03-31", "2020-03-31"
PRODUCTS = ("notificaties", "dosis")
NAMES = ("coming", "whole", "back", "product", "kept", "at-once", "stays")
KEPT = {"on": DUE, "keep": True}
NOBODYS = {"software_id": None, "managed_by": None, "keys_declared": False}
RETIRED = [
    "client_retired",
    "protection_lifted",
    "retirement_announced",
    "scope_withdrawn",
    "scope_withdrawn",
]


@dataclass
class Leaving:
    """What was there before the first run, what its review said, and what is there after it."""

    project: Project
    forms: dict[str, FormFile]
    before: dict[str, Any]
    reviewed: dict[str, list[str]]
    after: dict[str, Any]

    def kinds(self) -> dict[str, list[str]]:
        """The kinds of change in the engine's review, per form."""
        report = json.loads(
            self.project.acmidm("review", "--stack", "tni", "--output", "json").stdout
        )
        changes = {
            one["application"]: [change["kind"] for change in one["changes"]]
            for one in report["connections"]
        }
        return {
            name: changes[form.application]
            for name, form in self.forms.items()
            if form.application in changes
        }

    def there(self, registry: Registry) -> dict[str, Any]:
        """Per form its client with its products' configurations, but for its ETags and its
        resource's mark; None where it is gone."""
        found = registry.everything(*(form.application for form in self.forms.values()))
        return {
            name: (
                {**one, "etags": None, "incarnation": None}
                if (one := next(iter(found[form.application]), None))
                else None
            )
            for name, form in self.forms.items()
        }


def retire(form: FormFile, day: str | dict[str, Any] = DUE) -> None:
    form.document["retire"] = day
    form.save()


def granted(client: Mapping[str, Any]) -> list[str]:
    """Its scopes, but for the one that its API's provider assigns by itself."""
    return [scope for scope in client["scopes"] if scope != "vo_info"]


@pytest.fixture(scope="module")
def leaving(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Leaving:
    project = Project(tmp_path_factory.mktemp("leaving"))
    project.connect(portal, protectClients=True)
    forms = {
        name: write_form(project.forms, f"gent/{name}", scopes=(SEND, DOSSIERS)) for name in NAMES
    }
    project.apply()
    found = Leaving(project, forms, {}, {}, {})
    found.before = found.there(registry)
    retire(forms["coming"], COMING)
    for name in ("whole", "back"):
        retire(forms[name])
    retire(forms["product"], {"dosis": DUE})
    retire(forms["kept"], KEPT)
    found.reviewed = found.kinds()
    project.apply()
    found.after = found.there(registry)
    return found


def test_the_first_run_withdraws_the_scopes_and_nothing_else(leaving: Leaving) -> None:
    """Of a product its own; nothing at all of what is announced. The review says so, and the
    service desk's list.

    Of what is kept neither.
    """
    assert leaving.reviewed == {
        "coming": ["retirement_announced"],
        "whole": RETIRED,
        "back": RETIRED,
        "product": [
            "retirement_announced",
            "product_retired",
            "scope_withdrawn",
            "product_unprotected",
        ],
        "kept": ["client_let_go", "protection_lifted", "retirement_announced"],
    }
    withdrawn: dict[str, list[str]] = {"whole": [], "back": [], "product": [SEND]}
    for name, before in leaving.before.items():
        after = leaving.after[name]
        assert granted(after) == withdrawn.get(name, [DOSSIERS, SEND])
        assert {**after, "scopes": before["scopes"]} == before


def test_the_next_deployment_goes_on_and_does_both_for_others(
    leaving: Leaving, registry: Registry, portal: RunningPortal
) -> None:
    """Also after a run that was cut off between the two. A day that is taken away again gives the
    client back what it had."""
    project, forms, before = leaving.project, leaving.forms, leaving.before
    assert f"leaves   {COMING}" in project.acmidm("status", "--stack", "tni").stdout
    forms["coming"].document["contacts"] = ["loket@stad-gent.example"]
    forms["coming"].save()
    del forms["back"].document["retire"]
    forms["back"].save()
    retire(forms["at-once"])
    reviewed = leaving.kinds()
    assert [reviewed[name] for name in ("coming", "whole", "kept")] == [
        ["retirement_coming", "client_updated"],
        ["client_removed"],
        ["client_let_go"],
    ]
    done = project.recover()
    assert done.code == 0, done.output
    assert f"a second run goes on with {forms['at-once'].key}" in done.stderr

    there = leaving.there(registry)
    expected = {
        **before,
        "whole": None,
        "at-once": None,
        "kept": {**before["kept"], **NOBODYS},
    }
    expected["coming"] = {**before["coming"], "contacts": ["loket@stad-gent.example"]}
    expected["product"] = {
        **leaving.after["product"],
        "products": {**before["product"]["products"], "dosis": None},
    }
    assert there == expected
    for name in ("whole", "at-once"):
        assert [
            registry.configuration(product, before[name]["client_id"]) for product in PRODUCTS
        ] == [None, None]
    for name, status in (("at-once", 401), ("kept", 200)):
        assertion = sign_assertion(
            forms[name].keys["key-1"], before[name]["client_id"], portal.audience
        )
        assert portal.request_token(assertion).status_code == status
    resources = project.resources()
    protected = {
        name
        for name, form in forms.items()
        if resources.get(f"OAuthClient {form.key}", {}).get("protect")
    }
    assert protected == {"coming", "back", "product", "stays"}
    assert not any(forms["kept"].key in place for place in resources)
    project.in_sync()


def test_what_was_let_go_is_nobodys_and_adopt_takes_it_back(
    leaving: Leaving, registry: Registry
) -> None:
    """It is listed as made by hand, and no drift. Lines and forms of what is gone may go at any
    time."""
    project, forms, before = leaving.project, leaving.forms, leaving.before
    again = project.recover()
    assert (again.code, "a second run" in again.output) == (0, False), again.output
    looked = project.acmidm("drift", "--stack", "tni", "--output", "json")
    report = json.loads(looked.stdout)
    assert (looked.code, report["in_sync"]) == (0, True)
    client_id = before["kept"]["client_id"]
    (listed,) = [one for one in report["undeclared"] if one["client_id"] == client_id]
    assert (listed.get("made_by"), listed.get("software_id"), listed["products"]) == (
        None,
        None,
        [],
    )
    for name in PRODUCTS:
        document = registry.product_document(name, client_id)
        assert document is not None
        assert (document["software_id"], document["managed_by"]) == (None, None)

    forms["whole"].path.unlink()
    product = forms["product"]
    del (
        product.document["retire"],
        product.request()["products"]["dosis"],
        product.request()["scopes"][DOSSIERS],
    )
    product.save()
    assert project.steps() == []
    del forms["kept"].document["retire"]
    forms["kept"].request()["adopt"] = {"acmidm": client_id}
    forms["kept"].save()
    assert leaving.kinds()["kept"] == ["client_adopted"]
    project.apply()
    assert leaving.there(registry)["kept"] == before["kept"]
    assert project.resources()[f"OAuthClient {forms['kept'].key}"]["protect"] is True
    project.in_sync()
