"""What people made at the authority: a client is taken over by naming its client-ID once, and keys
that its organisation uploads are no drift.

The preview shows what a take-over changes; what cannot be taken over is refused in one sentence,
and holds up nobody else. The forms of those keys have no ``jwks``.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

import pytest
from joserfc.jwk import ECKey

from acmidm_onboarding.values.client import NOT_DECLARED
from tests.sandbox.web import person
from tests.support.by_hand import adopt, made_by_hand, stop_adopting
from tests.support.client_secrets import has_access, secret_of
from tests.support.engine import Outcome
from tests.support.forms import (
    DOSIS,
    DOSSIERS,
    NOTIFICATIES,
    PLAIN,
    SEND,
    FormFile,
    write_form,
)
from tests.support.portal import OPERATOR, RunningPortal, new_key, public_jwk
from tests.support.previews import Preview, preview_of
from tests.support.registry import Registry, kids
from tests.support.together import OneStack, Script, own, together
from tests.support.tools import require
from toolchain.common import PULUMI_HOME

SECRET: dict[str, Any] = {"token_endpoint_auth_method": "client_secret_basic"}
OLD_SECRET = "a-secret-that-was-made-by-hand-years-ago"
TWO = ["10244", "10245"]
NOBODY = "00000000-0000-4000-8000-000000000000"
NO_CLIENT = "does not exist; correct the client-ID under adopt in the form, or remove it"


class Adoptions(OneStack):
    slow_reads = ("looked", "diff")

    def looked(self) -> Preview:
        """What is refused too."""
        return preview_of(self.project, "--refresh")


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Adoptions:
    return Adoptions.connected(tmp_path_factory, portal, registry)


def everything(at: OneStack, form: FormFile) -> dict[str, Any]:
    """All that the form's one client has."""
    (client,) = at.registry.everything(form.application)[form.application]
    return client


def adopted(at: OneStack, form: FormFile, **by_hand: Any) -> dict[str, Any]:
    """What the client has that somebody made by hand, and the form takes over."""
    adopt(form, made_by_hand(at.registry, form, **by_hand))
    return everything(at, form)


@together
def test_a_form_that_says_what_exists_changes_the_owner_alone(at: Adoptions) -> Script:
    """Scopes and keys are not written; the preview shows all that is there."""
    yield at.up
    form = write_form(at.forms, "gent/same", scopes=(SEND, DOSSIERS))
    before = adopted(at, form)
    trail = at.registry.audit(client_id=before["client_id"])
    shown = (yield at.looked).before(form)
    client = shown[f"OAuthClient {form.key}"]
    assert {"software_id", "managed_by"}.isdisjoint(client)
    assert client["organisation"] == {"name": "Stad Gent", "ovo": "OVO002067", "kbo": "0207451227"}
    assert shown[f"ClientScopes {form.key}"] == {
        "scopes": dict.fromkeys((DOSSIERS, SEND), NOT_DECLARED),
        "default_scopes": {},
    }
    assert shown[f"ClientJwks {form.key}"] == {"jwks": {"key-1": public_jwk(form.keys["key-1"])}}
    assert shown[f"ProductConfiguration {form.key}/dosis"] == {
        "configuration": form.request()["products"]["dosis"]
    }

    yield at.up
    after = everything(at, form)
    owner = {
        "software_id": f"acmidm/tni/{form.key}",
        "managed_by": "acmidm/tni",
        "incarnation": after["incarnation"],
        "keys_declared": True,
    }
    etags = {**before["etags"], "client": after["etags"]["client"]}
    assert after == {**before, **owner, "etags": etags}
    written = len(at.registry.audit(client_id=before["client_id"])) - len(trail)
    assert written == 3, "the owner in the client's document, and in those of its two products"


@together
def test_the_preview_shows_what_would_change(at: Adoptions) -> Script:
    """Per scope, key, contact and value; as text for a person, as JSON for a pipeline; afterwards
    it is as the form says."""
    yield at.up
    form = write_form(at.forms, "gent/other", scopes=(SEND, DOSSIERS))
    client_id = adopted(
        at,
        form,
        scopes=[SEND, PLAIN],
        keys=[new_key("of-2019")],
        contacts=["iemand@elders.example"],
        client_name="Gent loket (oud)",
        products={"notificaties": {**NOTIFICATIES, "merk_code": "gent"}},
    )["client_id"]
    seen = yield at.looked
    shown = {place.replace(form.key, ""): known for place, known in seen.before(form).items()}
    assert shown["OAuthClient "]["client_name"] == "Gent loket (oud)"
    assert shown["OAuthClient "]["contacts"] == ["iemand@elders.example"]
    assert set(shown["ClientScopes "]["scopes"]) == {SEND, PLAIN}
    assert set(shown["ClientJwks "]["jwks"]) == {"of-2019"}
    assert shown["ProductConfiguration /notificaties"]["configuration"]["merk_code"] == "gent"
    assert shown["ProductConfiguration /dosis"] == {}
    text = yield at.diff
    lines = [" ".join(line.split()).replace(" :", ":") for line in text.splitlines()]
    for words in (
        f'client_id: "{client_id}"',
        f'{PLAIN}: "{NOT_DECLARED}"',
        'kid: "of-2019"',
        'merk_code: "gent"',
    ):
        assert any(words in line for line in lines), f"{words} is not in\n{text}"

    yield at.up
    client = everything(at, form)
    assert client["client_id"] == client_id
    assert set(client["scopes"]) == {SEND, DOSSIERS, "vo_info"}
    assert kids(client) == {"key-1"}
    assert client["contacts"] == ["api-beheer@stad-gent.example"]
    assert client["products"] == form.request()["products"]


@together
def test_a_secret_is_replaced(at: Adoptions) -> Script:
    """Nobody can read the old one: the organisation has to be given the new one."""
    plugins = PULUMI_HOME.glob("plugins/resource-random-v*/pulumi-resource-random")
    require("the random plugin", "make random-plugin", is_here=any(plugins))
    form = write_form(at.forms, "gent/secret", keys=(), **SECRET)
    before = adopted(at, form, **SECRET, client_secret=OLD_SECRET)
    yield at.up
    client_id = everything(at, form)["client_id"]
    assert client_id == before["client_id"]
    assert has_access(at.portal, client_id, secret_of(at.project, form))
    assert not has_access(at.portal, client_id, OLD_SECRET)


@together
def test_the_order_of_a_set_is_no_change(at: Adoptions) -> Script:
    """Neither where it is taken over, nor where somebody makes it another."""
    form = write_form(at.forms, "gent/ordered")
    configuration = form.request()["products"]["notificaties"]
    configuration["product_ids"] = TWO
    reversed_ = {"notificaties": {**NOTIFICATIES, "product_ids": TWO[::-1]}}
    client_id = adopted(at, form, products=reversed_)["client_id"]
    yield at.up
    order = everything(at, form)["products"]["notificaties"]["product_ids"]
    assert set(order) == set(TWO)
    by_hand = {**NOTIFICATIES, "product_ids": order[::-1]}
    at.registry.set_configuration("notificaties", client_id, by_hand)
    configuration["merk_code"] = "nieuw"
    form.save()
    place = f"ProductConfiguration {form.key}/notificaties"
    assert (yield at.looked).of(form) == {place: ("update", ["configuration.merk_code"])}
    yield at.up
    assert everything(at, form)["products"]["notificaties"] == configuration


@pytest.mark.parametrize("line", ["stays", "goes"])
@together
def test_what_comes_later_is_a_change_of_its_own(at: Adoptions, line: str) -> Script:
    """The line may stay or go, which is no change."""
    form = write_form(at.forms, f"gent/{line}")
    client_id = adopted(at, form)["client_id"]
    yield at.up
    assert everything(at, form)["client_id"] == client_id
    if line == "goes":
        stop_adopting(form)
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.request()["scopes"][DOSSIERS] = {}
    form.request()["products"]["dosis"] = DOSIS
    form.save()
    assert (yield at.looked).of(form) == {
        f"OAuthClient {form.key}": ("update", ["contacts[0]"]),
        f"ClientScopes {form.key}": ("update", [f"scopes.{DOSSIERS}"]),
        f"ProductConfiguration {form.key}/dosis": ("create", []),
    }
    yield at.up
    later = everything(at, form)
    assert later["client_id"] == client_id
    assert later["contacts"] == ["nieuw@stad-gent.example"]
    assert set(later["scopes"]) == {SEND, DOSSIERS, "vo_info"}


@pytest.mark.parametrize("line", ["stays", "goes"])
@together
def test_adopted_but_not_recorded_is_adopted_again(at: Adoptions, line: str) -> Script:
    """The rerun writes no more than its mark. The line may be gone by then: the same stack finds
    its client by the natural key. The client then goes with its form."""
    form = write_form(at.forms, f"gent/lost-{line}")
    client_id = adopted(at, form)["client_id"]
    yield at.up
    before = everything(at, form)
    at.project.lose(form)
    if line == "goes":
        stop_adopting(form)
    yield at.up
    of_resource = {"incarnation": None, "etags": None}
    assert {**everything(at, form), **of_resource} == {**before, **of_resource}
    form.path.unlink()
    yield at.up
    assert at.registry.clients(form.application) == []
    assert at.registry.configuration("notificaties", client_id) is None


@together
def test_another_code_cannot_take_it_along(at: Adoptions) -> Script:
    """With the client-ID still in the form: it is this stack's by now, and ``formerly`` is how it
    is kept."""
    form = write_form(at.forms, "ander/verhuist")
    client_id = adopted(at, form)["client_id"]
    yield at.up
    old_key, old_code = form.key, form.code
    form.organisation = {"name": "Stad Ninove", "ovo": "OVO002003"}
    form.save()
    seen = yield at.looked
    assert [said for said in seen.problems if said.startswith(form.name)] == [
        f'{form.name}: client "{client_id}" is that of acmidm/tni/{old_key} in this stack; write'
        " formerly to keep it under another name"
    ]
    form.organisation["formerly"] = old_code
    form.save()
    yield at.up
    client = at.registry.client(form.application)
    assert (client["client_id"], client["software_id"]) == (client_id, f"acmidm/tni/{form.key}")
    assert at.registry.configuration("notificaties", client_id) is not None
    found = yield at.drift
    differing = (one["key"] for group in ("by_hand", "not_applied") for one in found[group])
    assert form.key not in differing


@together
def test_what_is_refused_is_nobody_elses_trouble(at: Adoptions) -> Script:
    """A new connection, a scope extension and a removal go through.

    Refused are the clients of others, what is no client at all, and another one for a connection
    that has its client already.
    """
    theirs = write_form(at.forms, "aalst/loket")
    extended = write_form(at.forms, "twee/uitgebreid")
    wingene = {"name": "Gemeente Wingene", "kbo": "0207.495.470"}
    removed = write_form(at.forms, "drie/weg", organisation=wingene)
    has_one = write_form(at.forms, "een/heeft")
    yield at.up
    refused = of_others(at, theirs)
    forms = {
        client_id: write_form(at.forms, f"gent/form-{number}")
        for number, client_id in enumerate(refused)
    }
    other = made_by_hand(at.registry, write_form(at.project.folder / "elsewhere", "een/ander"))
    has_one.document["contacts"] = ["nieuw@stad-gent.example"]
    forms[other] = has_one
    refused[other] = (
        "cannot be taken over, for this connection has a client already; "
        "remove adopt from the form, or see docs/adoption.md for how to change clients"
    )
    for client_id, form in forms.items():
        adopt(form, client_id)
    new = write_form(at.forms, "twee/nieuw")
    extended.request()["scopes"][DOSSIERS] = {}
    extended.request()["products"]["dosis"] = DOSIS
    extended.save()
    removed.path.unlink()
    before = documents(at.registry, refused)
    client, state = at.registry.client(has_one.application), at.project.resources()

    seen = yield at.looked
    assert seen.code != 0
    assert seen.of(new)[f"OAuthClient {new.key}"] == ("create", [])
    done: Outcome = yield at.up
    assert done.code != 0
    names = tuple(f"{form.name}: " for form in forms.values())
    for sentences in (seen.problems, done.errors):
        assert sum(sentence.startswith(names) for sentence in sentences) == len(refused)
        for client_id, sentence in refused.items():
            start = f'{forms[client_id].name}: client "{client_id}" '
            (said,) = [one for one in sentences if one.startswith(start)]
            assert sentence in said
    assert documents(at.registry, refused) == before
    assert at.registry.client(has_one.application) == client
    known = at.project.resources()
    assert own(known, has_one) == own(state, has_one)
    assert own(known, *(form for form in forms.values() if form is not has_one)) == {}

    assert DOSSIERS in at.registry.client(extended.application)["scopes"]
    made = at.registry.client(new.application)["client_id"]
    assert at.registry.configuration("notificaties", made) is not None
    assert at.registry.clients(removed.application) == []
    shown = (yield at.outputs)["connections"]
    assert shown[new.key]["acmidm"]["client_id"] == made
    assert removed.key not in shown


def of_others(at: OneStack, theirs: FormFile) -> dict[str, str]:
    """What no form of Gent can take over, and what is said of it.

    The client of another form, of another organisation, of nobody that is known, of another stack,
    the operator, and no client at all.
    """
    aalst, mine = at.registry.client(theirs.application), at.project.folder / "elsewhere"
    shared = {"name": "Departement", "ovo": None, "kbo": "0316380841"}
    old, odd, elsewhere = (write_form(mine, name) for name in ("aalst/oud", "gent/oud", "gent/el"))
    return {
        aalst["client_id"]: (
            f"is that of acmidm/tni/{theirs.key} in this stack; write formerly to keep it under"
            " another name"
        ),
        made_by_hand(
            at.registry, old
        ): "and of no code in organisation.yaml; correct the client-ID under adopt",
        made_by_hand(
            at.registry, odd, organisation=shared
        ): "has no code of an organisation at its authority",
        made_by_hand(
            at.registry, elsewhere, managed_by="elders/tni"
        ): "is managed by elders/tni already",
        OPERATOR: NO_CLIENT,
        str(uuid.uuid4()): NO_CLIENT,
    }


def documents(registry: Registry, client_ids: Iterable[str]) -> dict[str, str]:
    """What the authority answers of each."""
    return {
        client_id: registry.http.get(f"/management/v1/clients/{client_id}").text
        for client_id in client_ids
    }


@together
def test_a_stranger_keeps_nobodys_client(at: Adoptions) -> Script:
    """A form of another organisation, with the same application and a mistyped client-ID beneath
    adopt."""
    removed = write_form(at.forms, "gent/weg", scopes=(SEND, DOSSIERS))
    yield at.up
    client_id = at.registry.client(removed.application)["client_id"]
    removed.path.unlink()
    stranger = write_form(
        at.forms,
        "vreemd/loket",
        application=removed.application,
        scopes=(DOSSIERS,),
        products={"dosis": DOSIS},
    )
    adopt(stranger, NOBODY)
    done: Outcome = yield at.up
    assert done.code != 0
    assert at.registry.clients(removed.application) == []
    assert at.registry.configuration("notificaties", client_id) is None
    resources = yield at.resources
    assert not [place for place, one in resources.items() if client_id in str(one)]


def upload(at: Adoptions, client_id: str, key: ECKey | None = None) -> int:
    """What the portal answers to somebody who uploads a key."""
    somebody = person(at.portal, f"beheer-{uuid.uuid4().hex[:8]}")
    public = public_jwk(key or new_key("more"))
    return somebody.upload(client_id, json.dumps(public)).status_code


def leave_keys_to_the_portal(form: FormFile) -> None:
    form.request().pop("jwks", None)
    form.save()


def changed(form: FormFile, *kinds: str) -> dict[str, str]:
    return {f"{kind} {form.key}": "update" for kind in kinds}


@together
def test_uploaded_keys_are_no_difference(at: Adoptions) -> Script:
    """A change of the client leaves them in use."""
    form = write_form(at.forms, "gent/uploaded", keys=())
    leave_keys_to_the_portal(form)
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    outputs = yield at.outputs
    assert "keys" not in outputs["connections"][form.key]["acmidm"]
    key = new_key("by-hand")
    assert upload(at, client_id, key) == 303
    assert (yield at.looked).of(form) == {}

    form.document["contacts"].append("nog-een@stad-gent.example")
    form.save()
    yield at.up
    assert kids(at.registry.client(form.application)) == {"by-hand"}
    assert at.portal.client_token(key, client_id)
    assert (yield at.looked).of(form) == {}


@together
def test_a_declaration_of_keys_replaces_those_of_the_portal(at: Adoptions) -> Script:
    """From then on the portal takes no upload."""
    form = write_form(at.forms, "gent/taken-back", keys=())
    leave_keys_to_the_portal(form)
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    assert upload(at, client_id) == 303
    form.add_key("declared")
    form.save()
    shown = (yield at.looked).of(form)
    assert {place: step for place, (step, _) in shown.items()} == changed(
        form, "OAuthClient", "ClientJwks"
    )
    yield at.up
    assert kids(at.registry.client(form.application)) == {"declared"}
    assert upload(at, client_id) == 422
    assert (yield at.looked).of(form) == {}


@together
def test_a_declaration_that_goes_leaves_its_keys_in_use(at: Adoptions) -> Script:
    """From then on the portal takes uploads."""
    form = write_form(at.forms, "gent/handed-over")
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    assert upload(at, client_id) == 422
    leave_keys_to_the_portal(form)
    shown = (yield at.looked).of(form)
    assert {place: step for place, (step, _) in shown.items()} == changed(
        form, "OAuthClient", "ClientJwks"
    )
    yield at.up
    assert kids(at.registry.client(form.application)) == {"key-1"}
    assert at.portal.client_token(form.keys["key-1"], client_id)
    assert upload(at, client_id) == 303
    assert (yield at.looked).of(form) == {}
