"""A client that exists already is taken over by naming its client-ID once; the preview shows what
that changes.

One project with a form per client that people made by hand, brought up once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from acmidm_onboarding.values.client import NOT_DECLARED
from tests.support.by_hand import adopt, made_by_hand, stop_adopting
from tests.support.client_secrets import has_access, secret_of
from tests.support.engine import Project, details, place_of
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, PLAIN, SEND, FormFile, write_form
from tests.support.portal import RunningPortal, new_key, public_jwk
from tests.support.registry import Registry, kids

SECRET: dict[str, Any] = {"token_endpoint_auth_method": "client_secret_basic"}
OLD_SECRET = "a-secret-that-was-made-by-hand-years-ago"
TWO = ["10244", "10245"]


@dataclass
class TakenOver:
    """What there was of each form's client, what the preview showed of it, in JSON and in text, and
    what there is after ``up``."""

    project: Project
    forms: dict[str, FormFile]
    before: dict[str, Any]
    shown: dict[str, dict[str, Any]]
    text: list[str]
    written: list[dict[str, Any]]
    after: dict[str, Any]


def clients(registry: Registry, forms: dict[str, FormFile]) -> dict[str, Any]:
    found = registry.everything(*(form.application for form in forms.values()))
    return {name: found[form.application][0] for name, form in forms.items()}


@pytest.fixture(scope="module")
def taken(
    portal: RunningPortal,
    registry: Registry,
    random_plugin: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> TakenOver:
    project = Project(tmp_path_factory.mktemp("adoption"))
    project.connect(portal)
    forms = {
        name: write_form(project.forms, f"gent/{name}", scopes=(SEND, DOSSIERS))
        for name in ("same", "other")
    }
    forms |= {
        name: write_form(project.forms, f"gent/{name}") for name in ("ordered", "stays", "goes")
    }
    forms["secret"] = write_form(project.forms, "gent/secret", keys=(), **SECRET)
    forms["ordered"].request()["products"]["notificaties"]["product_ids"] = TWO
    by_hand: dict[str, dict[str, Any]] = {
        "other": {
            "scopes": [SEND, PLAIN],
            "keys": [new_key("of-2019")],
            "contacts": ["iemand@elders.example"],
            "client_name": "Gent loket (oud)",
            "products": {"notificaties": {**NOTIFICATIES, "merk_code": "gent"}},
        },
        "ordered": {"products": {"notificaties": {**NOTIFICATIES, "product_ids": TWO[::-1]}}},
        "secret": {**SECRET, "client_secret": OLD_SECRET},
    }
    for name, form in forms.items():
        adopt(form, made_by_hand(registry, form, **by_hand.get(name, {})))
    before, trail = clients(registry, forms), registry.audit()
    steps = [step for step in project.steps() if "adopt" in step["newState"]["inputs"]]
    text = project.preview("--diff").stdout
    project.apply()
    return TakenOver(
        project,
        forms,
        before,
        {place_of(step["urn"]): step["newState"]["inputs"]["adopt"]["before"] for step in steps},
        [" ".join(line.split()).replace(" :", ":") for line in text.splitlines()],
        [entry for entry in registry.audit() if entry not in trail],
        clients(registry, forms),
    )


def test_a_form_that_says_what_exists_changes_the_owner_alone(taken: TakenOver) -> None:
    """Scopes and keys are not written; the preview shows all that is there."""
    form, there, after = taken.forms["same"], taken.before["same"], taken.after["same"]
    client = taken.shown[f"OAuthClient {form.key}"]
    assert {"software_id", "managed_by"}.isdisjoint(client)
    assert client["organisation"] == {"name": "Stad Gent", "ovo": "OVO002067", "kbo": "0207451227"}
    assert taken.shown[f"ClientScopes {form.key}"] == {
        "scopes": dict.fromkeys((DOSSIERS, SEND), NOT_DECLARED),
        "default_scopes": {},
    }
    assert taken.shown[f"ClientJwks {form.key}"] == {
        "jwks": {"key-1": public_jwk(form.keys["key-1"])}
    }
    assert taken.shown[f"ProductConfiguration {form.key}/dosis"] == {
        "configuration": form.request()["products"]["dosis"]
    }

    owner = {
        "software_id": f"acmidm/tni/{form.key}",
        "managed_by": "acmidm/tni",
        "incarnation": after["incarnation"],
    }
    owner["keys_declared"] = True
    assert after == {
        **there,
        **owner,
        "etags": {**there["etags"], "client": after["etags"]["client"]},
    }
    written = [entry for entry in taken.written if entry["client_id"] == there["client_id"]]
    assert len(written) == 3, "the owner in the client's document, and in those of its two products"


def test_the_preview_shows_what_would_change(taken: TakenOver) -> None:
    """Per scope, key, contact and value; as text for a person, as JSON for a pipeline; afterwards
    it is as the form says."""
    form, client_id, client = (
        taken.forms["other"],
        taken.before["other"]["client_id"],
        taken.after["other"],
    )
    shown = {
        place.replace(form.key, ""): known
        for place, known in taken.shown.items()
        if form.key in place
    }
    assert shown["OAuthClient "]["client_name"] == "Gent loket (oud)"
    assert shown["OAuthClient "]["contacts"] == ["iemand@elders.example"]
    assert set(shown["ClientScopes "]["scopes"]) == {SEND, PLAIN}
    assert set(shown["ClientJwks "]["jwks"]) == {"of-2019"}
    assert shown["ProductConfiguration /notificaties"]["configuration"]["merk_code"] == "gent"
    assert shown["ProductConfiguration /dosis"] == {}
    for words in (
        f'client_id: "{client_id}"',
        f'{PLAIN}: "{NOT_DECLARED}"',
        'kid: "of-2019"',
        'merk_code: "gent"',
    ):
        assert any(words in line for line in taken.text), f"{words} is not in\n{taken.text}"

    assert client["client_id"] == client_id
    assert set(client["scopes"]) == {SEND, DOSSIERS, "vo_info"}
    assert kids(client) == {"key-1"}
    assert client["contacts"] == ["api-beheer@stad-gent.example"]
    assert client["products"] == form.request()["products"]


def test_what_comes_later_is_a_change_of_its_own(
    taken: TakenOver, registry: Registry, portal: RunningPortal
) -> None:
    """The line may stay or go, which is no change; nor is the order of a set, taken over or made by
    hand.

    A secret is replaced, for nobody can read the old one: the organisation has to be given the new
    one.
    """
    project, forms = taken.project, taken.forms
    ids = {name: client["client_id"] for name, client in taken.before.items()}
    assert {name: client["client_id"] for name, client in taken.after.items()} == ids
    assert has_access(portal, ids["secret"], secret_of(project, forms["secret"]))
    assert not has_access(portal, ids["secret"], OLD_SECRET)
    order = taken.after["ordered"]["products"]["notificaties"]["product_ids"]
    assert set(order) == set(TWO)
    registry.set_configuration(
        "notificaties", ids["ordered"], {**NOTIFICATIES, "product_ids": order[::-1]}
    )
    stop_adopting(forms["goes"])
    project.in_sync()

    forms["goes"].document["contacts"] = ["nieuw@stad-gent.example"]
    forms["stays"].request()["scopes"][DOSSIERS] = {}
    forms["stays"].request()["products"]["dosis"] = DOSIS
    forms["ordered"].request()["products"]["notificaties"]["merk_code"] = "nieuw"
    for name in ("goes", "stays", "ordered"):
        forms[name].save()
    assert details(project.steps()) == {
        f"OAuthClient {forms['goes'].key}": ("update", ["contacts[0]"]),
        f"ClientScopes {forms['stays'].key}": ("update", [f"scopes.{DOSSIERS}"]),
        f"ProductConfiguration {forms['stays'].key}/dosis": ("create", []),
        f"ProductConfiguration {forms['ordered'].key}/notificaties": (
            "update",
            ["configuration.merk_code"],
        ),
    }
    project.apply()
    later = clients(registry, forms)
    assert {name: client["client_id"] for name, client in later.items()} == ids
    assert later["goes"]["contacts"] == ["nieuw@stad-gent.example"]
    assert set(later["stays"]["scopes"]) == {SEND, DOSSIERS, "vo_info"}
    assert later["ordered"]["products"]["notificaties"] == {
        **NOTIFICATIES,
        "product_ids": TWO,
        "merk_code": "nieuw",
    }
    project.in_sync()
