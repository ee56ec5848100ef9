"""What goes wrong in one connection is one sentence, changes nothing else, and holds up nobody.

Refused by the authority, or since somebody edited the state: one ``up`` carries out all others.
What a form with a mistake does is in ``test_mistakes_on_main.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.engine import Outcome, Project
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.made_anew import there, urn_of
from tests.support.offered import offered
from tests.support.portal import client_document, running_portal
from tests.support.registry import Registry, kids
from tests.support.rotating import drop
from tests.support.together import OneStack, Script, differing, together

ALONE = "dv_ar_adres_beheer"
"""A scope without product configuration."""


@dataclass
class Failing(OneStack):
    """A stack whose authority lacks a scope, PLAIN; its keys overlap."""

    replaced: list[str] = field(default_factory=list)
    """The resources that somebody has made anew, by their URNs."""

    def up(self) -> Outcome:
        replaced = [word for urn in self.replaced for word in ("--replace", urn)]
        return self.project.up(*replaced)


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Failing]:
    folder, settings = tmp_path_factory.mktemp("failing"), offered()
    del settings["scopes"][PLAIN]
    with running_portal(folder / "portal", **settings) as portal, portal.operator() as http:
        project = Project(folder / "project")
        project.connect(portal, keyOverlapDays=14)
        yield Failing(project, Registry(http), portal)


@together
def test_what_the_authority_does_not_know_is_one_sentence(at: Failing) -> Script:
    """The client keeps its client-ID once the form is corrected."""
    form = write_form(at.forms, "een/geweigerd", scopes=(SEND, PLAIN))
    new = write_form(at.forms, "gent/new")
    done: Outcome = yield at.up
    assert done.code != 0
    client_id = at.registry.client(form.application)["client_id"]
    assert [sentence for sentence in done.errors if client_id in sentence] == [
        f"PUT {at.portal.origin}/management/v1/clients/{client_id}/scopes: 422 Unprocessable"
        f" Entity, The request is refused: /scopes/1: {PLAIN} is no scope of this environment; ask"
        " its provider, or correct the name; correct what the server names, then run the same"
        " command again"
    ]
    is_brought_up(at, new.application)

    del form.request()["scopes"][PLAIN]
    form.save()
    yield at.up
    assert at.registry.client(form.application)["client_id"] == client_id
    drift = yield at.drift
    assert differing(drift, form) == differing(drift, new) == []


@together
def test_what_is_somebody_elses_by_name_stays_theirs(at: Failing) -> Script:
    """A create whose answer was lost is not: a client of this stack that the state does not know
    is taken over."""
    lost, foreign, by_hand = (
        write_form(at.forms, f"gent/{name}") for name in ("lost", "foreign", "by-hand")
    )
    for form, owner in ((lost, "acmidm/tni"), (foreign, "acmidm/prod"), (by_hand, None)):
        document = client_document(
            application=form.application, software_id=f"acmidm/tni/{form.key}", managed_by=owner
        )
        at.registry.http.post("/management/v1/clients", json=document).raise_for_status()
    before = {form.name: at.registry.client(form.application) for form in (lost, foreign, by_hand)}
    ids = {name: client["client_id"] for name, client in before.items()}
    done: Outcome = yield at.up
    registered = "client {} is registered already for acmidm/tni/{}, {}; see whose it is, and {}"
    adopt = f"take it over with adopt: {{acmidm: {ids[by_hand.name]}}}"
    foreign_one, by_hand_one = ids[foreign.name], ids[by_hand.name]
    elsewhere = "have it removed there"
    assert {said for said in done.errors if any(one in said for one in ids.values())} == {
        registered.format(foreign_one, foreign.key, "managed by acmidm/prod", elsewhere),
        registered.format(by_hand_one, by_hand.key, "made by hand", adopt),
    }
    for form in (foreign, by_hand):
        assert at.registry.client(form.application) == before[form.name]
    assert at.registry.client(lost.application)["client_id"] == ids[lost.name]
    is_brought_up(at, lost.application)


def is_brought_up(at: Failing, application: str) -> None:
    client = at.registry.client(application)
    assert (client["scopes"], bool(client["jwks"]["keys"])) == ([SEND, "vo_info"], True)
    assert at.registry.configuration("notificaties", client["client_id"]) is not None


@pytest.mark.parametrize("with_output", [False, True], ids=["its id", "its output too"])
@together
def test_the_client_id_of_another_client_writes_nothing_into_that(
    at: Failing, with_output: bool
) -> Script:
    """In a state that somebody edited by hand. It got the first one's keys and scopes, with exit
    code 0: its own application was locked out, and another one let in."""
    names = [f"gent/{name}-{int(with_output)}" for name in ("own", "other")]
    form, other = forms = [write_form(at.forms, name, scopes=(ALONE,)) for name in names]
    yield at.up
    before = there(at.registry, forms)

    def confuse(deployment: dict[str, Any]) -> None:
        clients = {
            one["urn"].rpartition("::")[2]: one
            for one in deployment["resources"]
            if one["type"].endswith(":OAuthClient")
        }
        clients[form.key]["id"] = clients[other.key]["id"]
        if with_output:
            clients[form.key]["outputs"]["client_id"] = clients[other.key]["id"]

    at.project.change_state(confuse)
    done: Outcome = yield at.up
    client_id = before[other.application][0]["client_id"]
    assert there(at.registry, forms) == before, done.output
    assert (
        f"client {client_id} is that of acmidm/tni/{other.key} in acmidm/tni, and nothing of"
        f" acmidm/tni/{form.key}" in done.output
    )
    form.path.unlink()
    yield at.up
    assert there(at.registry, forms) == before, "nor does the form's removal take anything"


@pytest.mark.parametrize("how", ["plainly", "replace", "delete"])
@together
def test_a_resource_that_is_made_anew_is_no_way_around_the_overlap(at: Failing, how: str) -> Script:
    """All keys of a client are replaced at once, which is refused; and so it is where
    ``ClientJwks`` is made anew for it."""
    form = write_form(at.forms, f"gent/{how}")
    yield at.up
    form.add_key("key-2")
    drop(form, "key-1")
    urn = urn_of(at.project, f"ClientJwks {form.key}")
    if how == "replace":
        at.replaced.append(urn)
    elif how == "delete":
        at.project.succeed("state", "delete", "--yes", "--target-dependents", urn)
    done: Outcome = yield at.up
    at.replaced.clear()
    assert f'{form.name}: key "key-1" cannot leave' in done.output
    assert "key-1" in kids(at.registry.client(form.application))


@together
def test_a_configuration_that_the_state_has_lost_is_named_until_it_goes(at: Failing) -> Script:
    """The engine forgets a configuration, and the form drops the product and gets another name: the
    configuration bears the marks of a connection that the client has no more."""
    form = write_form(at.forms, "gent/forgotten", scopes=(SEND, DOSSIERS))
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    urn = urn_of(at.project, f"ProductConfiguration {form.key}/dosis")
    at.project.succeed("state", "delete", "--yes", urn)
    del form.request()["products"]["dosis"], form.request()["scopes"][DOSSIERS]
    former = form.application
    form.document |= {"application": f"{former}-balie", "formerly": former}
    form.save()
    yield at.up
    client = at.registry.client(form.application)
    assert client["client_id"] == client_id
    found = yield at.drift
    (left,) = [one for one in found["left_behind"] if one["client_id"] == client_id]
    assert left["products"] == ["dosis"]
    assert (
        f"dosis of {client['client_name']}, which is another's: {client_id} on acmidm, made by"
        " acmidm/tni" in at.project.acmidm("drift", "--stack", "tni").stdout
    )
    at.registry.remove_configuration("dosis", client_id)
    assert differing((yield at.drift), form) == []
