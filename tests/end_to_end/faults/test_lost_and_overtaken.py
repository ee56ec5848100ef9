"""Answers to writes that are lost, and somebody else who writes too: nothing is done twice, nothing
is lost unseen, and a refresh that fails changes nothing.

All on one stack. What each adapter does then is in ``tests/conformance/test_faults.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from tests.support import faults
from tests.support.between import ProxiedProject, require_client, require_settled
from tests.support.by_hand import adopt, made_by_hand
from tests.support.engine import COMMAND_SECONDS, Outcome
from tests.support.fault_proxy import Exchange, Fault, FaultProxy
from tests.support.forms import DOSSIERS, NOTIFICATIES, PLAIN, SEND, FormFile, write_form
from tests.support.portal import RunningPortal, new_key
from tests.support.registry import Registry, kids
from tests.support.together import OneStack, Script, own, together

BY_HAND = {**NOTIFICATIES, "merk_code": "met-de-hand"}
OF_ANOTHER = {**NOTIFICATIES, "merk_code": "van-een-ander"}


@dataclass(kw_only=True)
class Between(OneStack):
    """A stack that reaches its authority through a proxy. Its commands in this order."""

    proxy: FaultProxy

    phases: ClassVar[Sequence[str]] = (
        "make",
        "change",
        "fail_to_refresh",
        "refresh",
        "repair",
    )

    def make(self) -> Outcome:
        return self.up()

    def change(self) -> Outcome:
        return self.up()

    def fail_to_refresh(self) -> Outcome:
        return self.refresh()

    def repair(self) -> Outcome:
        return self.up()

    def stored(self) -> dict[str, Any]:
        assert isinstance(self.project, ProxiedProject)
        return self.project.stored()


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Between]:
    project = ProxiedProject(tmp_path_factory.mktemp("stack"))
    with FaultProxy(portal.origin) as proxy:
        # A busy machine takes long over a good answer.
        seconds = {
            "requestTimeoutSeconds": COMMAND_SECONDS,
            "retryDeadlineSeconds": COMMAND_SECONDS,
        }
        project.connect(portal, **proxy.settings, **seconds)
        yield Between(project, registry, portal, proxy=proxy)


def said(done: Outcome, client_id: str) -> list[str]:
    """What a run refused to do with a client."""
    return [sentence for sentence in done.errors if client_id in sentence]


def others_write(at: Between, form: FormFile, client_id: str, scope: str, *keys: str) -> None:
    """Let somebody else write what is inside a client, and its product, at the same moment."""
    known = [form.keys.get(kid) or new_key(kid) for kid in keys]
    acts: dict[str, Callable[[], None]] = {
        f"/clients/{client_id}/scopes$": lambda: at.registry.set_scopes(client_id, [scope]),
        f"/clients/{client_id}/jwks$": lambda: at.registry.set_keys(client_id, known),
        f"/notificaties/configurations/{client_id}$": lambda: at.registry.set_configuration(
            "notificaties", client_id, OF_ANOTHER
        ),
    }
    for path, act in acts.items():
        at.proxy.rule("PUT", path, faults.after(act))


def another_changes_contacts(at: Between, client_id: str) -> None:
    contacts = ["van-een-ander@stad.example"]
    at.proxy.rule(
        "PUT",
        f"/clients/{client_id}$",
        faults.after(lambda: at.registry.change(client_id, contacts=contacts)),
    )


LOST: dict[str, tuple[str, Fault]] = {
    "client": ("/clients/{}$", faults.cut_after),
    "scopes": ("/clients/{}/scopes$", faults.cut_midway),
    "keys": ("/clients/{}/jwks$", faults.committed_but(502)),
    "product": ("/configurations/{}$", faults.cut_after),
}
"""How the answer to a write of each document is lost: cut off, broken off halfway, or a gateway's
in its place."""


def lose_answers(at: Between, client_id: str, *parts: str) -> None:
    """Lose the first answer to a write of each of these documents of a client."""
    for part in parts:
        path, fault = LOST[part]
        at.proxy.rule("PUT|DELETE", path.format(client_id), fault)


@together
def test_lost_answers_are_noticed_within_the_same_run(at: Between) -> Script:
    """Each create, each update and each delete loses its answer once: three runs that do all, each
    write committed once."""
    form = write_form(at.forms, "lost/loket", scopes=(SEND,))

    def made(exchange: Exchange) -> None:
        client_id = json.loads(exchange.forward().body)["client_id"]
        lose_answers(at, client_id, "scopes", "keys", "product")
        exchange.cut()

    at.proxy.rule("POST", "/clients$", made, containing=form.application)
    yield at.make
    client_id = require_client(at.registry, form)
    posted = at.proxy.seen("POST", "/clients$")
    assert sum(form.application.encode() in request.body for request in posted) == 2

    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.request()["scopes"][PLAIN] = {}
    form.request()["products"]["notificaties"]["merk_code"] = "stad-gent-nieuw"
    form.add_key("key-2")
    form.save()
    lose_answers(at, client_id, *LOST)
    yield at.change
    assert require_client(at.registry, form) == client_id

    form.path.unlink()
    lose_answers(at, client_id, "client", "product")
    yield at.repair
    assert at.registry.clients(form.application) == []
    assert at.registry.configuration("notificaties", client_id) is None
    assert own((yield at.resources), form) == {}
    twice = ["jwks.replaced", "product.replaced", "scopes.replaced"]
    once = ["client.created", "client.replaced", "client.removed", "product.removed"]
    assert committed(at, client_id) == sorted([*twice, *twice, *once])
    sent = [request.method for request in at.proxy.seen("PUT|DELETE", client_id)]
    assert (sent.count("PUT"), sent.count("DELETE")) == (2 * 7, 2 * 2)


def committed(at: Between, client_id: str) -> list[str]:
    """What the authority's audit trail has of a client: each write that took effect."""
    page = at.registry.http.get("/management/v1/audit", params={"client_id": client_id})
    return sorted(entry["action"] for entry in page.raise_for_status().json()["items"])


@together
def test_no_update_of_another_is_lost(at: Between) -> Script:
    """Three documents at once: each is left as the other wrote it, each error says what is declared
    and what was found."""
    form = write_form(at.forms, "gent/overtaken", scopes=(SEND,))
    yield at.make
    client_id = at.registry.client(form.application)["client_id"]
    others_write(at, form, client_id, DOSSIERS, "key-1", "key-of-another")
    form.request()["scopes"][PLAIN] = {}
    form.request()["products"]["notificaties"]["merk_code"] = "nieuw"
    form.add_key("key-2")
    form.save()
    refused = said((yield at.change), client_id)
    assert len(refused) == 3
    sentences = "\n".join(refused)
    assert (
        f"someone else changed the scopes of client {client_id} since the last refresh: added"
        f" {DOSSIERS}; removed {SEND} (declared: {SEND}, {PLAIN}; found: {DOSSIERS}), and nothing"
        " was written; run pulumi refresh" in sentences
    )
    assert (
        f"the JWK Set of client {client_id} since the last refresh: added key-of-another "
        "(declared: key-1, key-2; found: key-1, key-of-another), and nothing was written"
        in sentences
    )
    assert (
        f"the notificaties configuration of client {client_id} since the last refresh: changed"
        " merk_code" in sentences
    )
    found = at.registry.client(form.application)
    assert set(found["scopes"]) == {DOSSIERS, "vo_info"}
    assert kids(found) == {"key-1", "key-of-another"}
    assert at.registry.configuration("notificaties", client_id) == OF_ANOTHER
    yield at.refresh
    yield at.repair
    require_client(at.registry, form)
    assert own((yield at.settled), form) == {}


@together
def test_no_update_of_a_client_is_lost(at: Between) -> Script:
    """What is inside it waits for it."""
    form = write_form(at.forms, "gent/overtaken-client")
    yield at.make
    client_id = at.registry.client(form.application)["client_id"]
    another_changes_contacts(at, client_id)
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.save()
    (refused,) = said((yield at.change), client_id)
    assert (
        "changed contacts (declared: contacts nieuw@stad-gent.example; found: contacts"
        " van-een-ander@stad.example)" in refused
    )
    assert at.registry.client(form.application)["contacts"] == ["van-een-ander@stad.example"]
    yield at.refresh
    yield at.repair
    require_client(at.registry, form)
    assert own((yield at.settled), form) == {}


@together
def test_a_key_that_is_refused_leaves_the_client_as_it_was(at: Between) -> Script:
    """The old key still gets a token, the authentication method is what it was, and the rerun
    replaces the key."""
    form = write_form(at.forms, "gent/weak", scopes=(SEND,))
    yield at.make
    before = at.registry.client(form.application)
    old = form.keys.pop("key-1")
    form.request()["jwks"] = []
    form.add_key("key-2")
    form.save()
    weak = faults.answer(422, b'{"detail": "this key is too weak"}')
    at.proxy.rule("PUT", f"/clients/{before['client_id']}/jwks$", weak)
    assert said((yield at.change), before["client_id"]) != []
    assert at.registry.client(form.application) == before
    assert before["token_endpoint_auth_method"] == "private_key_jwt"
    assert at.portal.client_token(old, before["client_id"], scope=SEND)
    yield at.repair
    require_client(at.registry, form)
    assert at.portal.client_token(form.keys["key-2"], before["client_id"], scope=SEND)


def configured_by_hand(at: Between, form: FormFile) -> str:
    """Somebody configures a product that the form begins to want; the client's ID."""
    client_id = str(at.registry.client(form.application)["client_id"])
    at.registry.set_configuration("notificaties", client_id, BY_HAND)
    form.request()["scopes"][SEND] = {}
    form.request()["products"]["notificaties"] = dict(NOTIFICATIES)
    form.save()
    return client_id


@together
def test_a_product_configured_by_hand_is_not_overwritten_by_a_create(at: Between) -> Script:
    """Its preview says *create*, and shows nothing of it. The rest of the run is carried out. Nor
    is it overwritten by the next run."""
    form = write_form(at.forms, "gent/configured", scopes=(PLAIN,))
    yield at.make
    client_id = configured_by_hand(at, form)
    for run in (at.change, at.repair):
        require_refused(at, form, (yield run))
    assert at.proxy.seen("PUT", f"/configurations/{client_id}") == []


def require_refused(at: Between, form: FormFile, done: Outcome) -> None:
    """Of the form all was carried out but its product, which is as somebody configured it."""
    client_id = at.registry.client(form.application)["client_id"]
    assert done.code != 0
    (refused,) = said(done, client_id)
    assert refused.startswith(
        f"client {client_id} has a notificaties configuration already that is not this"
        " stack's: added aanbieder_uri, "
    )
    assert "and nothing was written; it was made by hand: write it into the form" in refused
    assert at.registry.configuration("notificaties", client_id) == BY_HAND
    assert set(at.registry.client(form.application)["scopes"]) == {PLAIN, SEND, "vo_info"}


@together
def test_what_a_person_does_about_it_loses_nothing(at: Between) -> Script:
    """The form says what is there."""
    form = write_form(at.forms, "gent/written-down", scopes=(PLAIN,))
    yield at.make
    client_id = configured_by_hand(at, form)
    assert said((yield at.change), client_id) != []
    form.request()["products"]["notificaties"] = dict(BY_HAND)
    form.save()
    assert said((yield at.repair), client_id) == []
    require_client(at.registry, form)
    assert own((yield at.settled), form) == {}


@together
def test_what_was_written_down_is_changed_like_any_other(at: Between) -> Script:
    """A product that was configured by hand is the form's once that says what is there."""
    form = write_form(at.forms, "gent/changed-later", scopes=(PLAIN,))
    yield at.make
    client_id = configured_by_hand(at, form)
    form.request()["products"]["notificaties"] = dict(BY_HAND)
    form.save()
    assert said((yield at.change), client_id) == []
    form.request()["products"]["notificaties"] = dict(NOTIFICATIES)
    form.save()
    yield at.repair
    require_client(at.registry, form)
    assert own((yield at.settled), form) == {}


@together
def test_adoption_overwrites_what_it_compared_and_no_more(at: Between) -> Script:
    """Four documents, each changed by another between the comparison and the write: left as they
    are; the next run compares anew."""
    form = write_form(at.forms, "gent/adopted", scopes=(SEND, PLAIN))
    client_id = made_by_hand(
        at.registry,
        form,
        scopes=[DOSSIERS],
        keys=[new_key("old")],
        products={"notificaties": BY_HAND},
    )
    adopt(form, client_id)
    another_changes_contacts(at, client_id)
    (refused,) = said((yield at.make), client_id)
    assert (
        "changed contacts (declared: contacts api-beheer@stad-gent.example; found: contacts"
        " van-een-ander" in refused
    )
    assert at.registry.client(form.application)["contacts"] == ["van-een-ander@stad.example"]

    others_write(at, form, client_id, "dv_ar_adres_beheer", "of-another")
    sentences = said((yield at.change), client_id)
    assert len(sentences) == 3, sentences
    for sentence in sentences:
        assert "someone else changed" in sentence
        assert "nothing was written" in sentence
    found = at.registry.client(form.application)
    assert set(found["scopes"]) == {"dv_ar_adres_beheer", "vo_info"}
    assert kids(found) == {"of-another"}
    assert at.registry.configuration("notificaties", client_id) == OF_ANOTHER

    assert said((yield at.repair), client_id) == []
    assert require_client(at.registry, form) == client_id
    assert own((yield at.settled), form) == {}


@together
def test_a_refresh_that_fails_leaves_the_state_as_it_was(at: Between) -> Script:
    """To the letter: a 404 on a list is a wrong address, for a refresh of many lists pages. A
    client's own 404 alone leaves the state. What else an answer may be: ``test_refresh.py``."""
    form = write_form(at.forms, "gent/forgotten", scopes=(SEND,))
    for number in range(3):
        write_form(at.forms, f"gent/other-{number}", scopes=(SEND,))
    yield at.make
    yield at.change
    before = stored(at)
    rule = at.proxy.rule("GET", r"/clients\?", faults.answer(404), times=None)
    done = yield at.fail_to_refresh
    rule.times = 0
    assert done.code != 0, done.output
    assert any("404" in one for one in done.errors), done.errors
    assert stored(at) == before

    at.registry.remove(at.registry.client(form.application)["client_id"])
    assert (yield at.refresh).code == 0
    left = [urn for urn in before.keys() - stored(at).keys() if "ProductConfiguration" not in urn]
    assert len(left) == 3, left
    assert all(form.key in urn for urn in left)
    yield at.repair
    require_client(at.registry, form)


def stored(at: Between) -> dict[str, dict[str, Any]]:
    """What the state says of each resource, by its URN. The engine's own notes, such as the time of
    its last look, are left out."""
    names = ("type", "id", "inputs", "outputs", "parent")
    return {
        resource["urn"]: {name: resource.get(name) for name in names}
        for resource in at.stored()["resources"]
    }


@together
def test_nothing_is_left_of_it(at: Between) -> Script:
    """The state knows each client that is there, once; nothing is pending, no lock is left."""
    yield at.make
    yield at.repair
    yield at.settled
    resources = yield at.resources
    applications = [
        place.rpartition("/")[2] for place in resources if place.startswith("OAuthClient ")
    ]
    assert isinstance(at.project, ProxiedProject)
    require_settled(at.project, {at.registry.client(one)["client_id"] for one in applications})
