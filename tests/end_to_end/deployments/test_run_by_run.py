"""What takes two runs, each with a part of it: a client changes from a secret to a key, loses what
it has by a mandate that has ended, or leaves.

At no moment does neither secret nor key work, and nothing goes before what depends on it, wherever
a run is cut off. Nothing protects the clients of this stack.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import pytest

from tests.support.client_secrets import has_access, secret_of
from tests.support.forms import DOSSIERS, PLAIN, SEND, FormFile, write_form
from tests.support.messages import DOSSIER, NOTIFICATION
from tests.support.portal import RunningPortal, new_key, sign_assertion
from tests.support.registry import Registry, kids
from tests.support.retired import KEPT, retire
from tests.support.together import OneStack, Script, change_list, differing, kinds, own, together

pytestmark = pytest.mark.usefixtures("random_plugin")
ENDED = "2020-12-31"
_NUMBERS = count()


@dataclass
class RunByRun(OneStack):
    def client(self, form: FormFile) -> dict[str, Any]:
        return self.registry.client(form.application)

    def token(self, form: FormFile, kid: str) -> int:
        """The status of what a client is answered that wants a token with a key."""
        assertion = sign_assertion(
            form.keys[kid], self.client(form)["client_id"], self.portal.issuer
        )
        return self.portal.request_token(assertion, scope=PLAIN).status_code

    def works(self, form: FormFile, secret: str) -> bool:
        return has_access(self.portal, self.client(form)["client_id"], secret)

    def with_secret(self, name: str) -> FormFile:
        return write_form(
            self.forms, f"gent/{name}", keys=(), token_endpoint_auth_method="client_secret_basic"
        )


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> RunByRun:
    return RunByRun.connected(tmp_path_factory, portal, registry, keyOverlapDays=14)


def texts(review: dict[str, Any], form: FormFile) -> list[str]:
    """What the engine's review says of a form."""
    return [change["text"] for change in change_list(review, form)]


def authenticate(form: FormFile, method: str) -> None:
    form.document["token_endpoint_auth_method"] = method
    form.save()


def method_in(status: dict[str, Any], form: FormFile) -> str:
    """The method by which a client authenticates now."""
    (one,) = [one for one in status["connections"] if one["application"] == form.application]
    return str(one["token_endpoint_auth_method"])


@together
def test_a_secret_works_until_the_forms_key_does(at: RunByRun) -> Script:
    """The run that registers a form's key changes nothing else; the next one changes over."""
    form = at.with_secret("declares")
    yield at.up
    secret = secret_of(at.project, form)
    form.add_key("key-1")
    authenticate(form, "private_key_jwt")
    done = yield at.up
    said = (
        f"{form.key} goes on with its client secret until its authority has one of the keys in its"
        " form"
    )
    assert said in done.output
    assert at.works(form, secret)
    assert kids(at.client(form)) == {"key-1"}
    assert secret not in at.project.exported()
    reviewed = yield at.review
    assert kinds(reviewed, form) == ["authentication_changed"]
    yield at.up
    assert not at.works(form, secret)
    assert at.portal.client_token(form.keys["key-1"], at.client(form)["client_id"])
    assert method_in((yield at.status), form) == "private_key_jwt"
    assert own((yield at.settled), form) == {}


@together
def test_a_secret_works_until_a_key_is_uploaded(at: RunByRun) -> Script:
    """However long its organisation takes: drift is none, and reports say what is in force."""
    form = at.with_secret("waits")
    yield at.up
    secret = secret_of(at.project, form)
    authenticate(form, "private_key_jwt")
    done = yield at.up
    said = (
        f"{form.key} goes on with its client secret until its authority has a key, which its"
        " organisation uploads"
    )
    assert said in done.output
    assert secret not in at.project.exported()
    reviewed = yield at.review
    assert kinds(reviewed, form) == ["authentication_changed", "secret_until_key"]
    assert at.works(form, secret)
    found = yield at.drift
    assert differing(found, form) == ["not_applied"]
    pending = {"connections": found["not_applied"]}
    assert kinds(pending, form) == ["authentication_changed", "secret_until_key"]
    assert method_in((yield at.status), form) == "client_secret_basic"

    key = new_key("uploaded")
    client_id = at.client(form)["client_id"]
    at.registry.set_keys(client_id, [key])
    yield at.up
    assert at.portal.client_token(key, client_id)
    assert not at.works(form, secret)
    assert own((yield at.settled), form) == {}


@together
def test_a_form_that_goes_back_to_a_secret_meanwhile_gets_a_new_one(at: RunByRun) -> Script:
    """It works beside the one that its application has."""
    form = at.with_secret("regrets")
    yield at.up
    secret = secret_of(at.project, form)
    authenticate(form, "private_key_jwt")
    yield at.up
    authenticate(form, "client_secret_basic")
    reviewed = yield at.review
    assert any("gets a new client secret" in text for text in texts(reviewed, form))
    yield at.up
    new = secret_of(at.project, form)
    assert new != secret
    assert at.works(form, secret)
    assert at.works(form, new)


@together
def test_a_mandate_that_ends_takes_scopes_and_then_the_key_of_that_connection(
    at: RunByRun,
) -> Script:
    """The same key of the same supplier goes on for another. Nothing else of the form is carried
    out meanwhile."""
    town, other = (
        write_form(at.forms, f"{name}/loket", scopes=(SEND, PLAIN), keys=())
        for name in ("aalst", "halle")
    )
    for form in (town, other):
        form.use_supplier("theirs")
    other.keys = town.keys
    yield at.up
    before, of_other = at.client(town), at.client(other)
    assert (at.token(town, "theirs"), at.token(other, "theirs")) == (200, 200)
    town.use_supplier("theirs", until=ENDED)
    town.document["contacts"] = ["ander@aalst.example"]
    town.save()
    said = f"aalst/loket on tni: the mandate of leverancier ended on {ENDED}"
    assert f"not carried out: {said}" in at.project.acmidm("validate").stdout
    reviewed = yield at.review
    assert kinds(reviewed, town) == [
        "mandate_ended",
        "mandate_changed",
        "scope_withdrawn",
        "scope_withdrawn",
    ]
    assert kinds(reviewed, other) == []
    yield at.up
    there = at.client(town)
    assert set(there["scopes"]) - {"vo_info"} == set()
    assert (kids(there), there["contacts"]) == ({"theirs"}, before["contacts"])
    assert (at.token(town, "theirs"), at.token(other, "theirs")) == (400, 200)
    listed = at.project.acmidm("status", "aalst", "--stack", "tni").stdout
    assert f"mandate  leverancier ENDED {ENDED}" in listed
    board = at.project.acmidm("status", "--board", "aalst").stdout
    assert f"mandaat  leverancier GEËINDIGD op {ENDED}" in board
    reviewed = yield at.review
    assert kinds(reviewed, town) == ["mandate_ended", "client_without_key", "key_removed"]
    assert "held back from production" not in json.dumps(reviewed), "it waits for no gate"
    yield at.up
    assert kids(at.client(town)) == set()
    assert differing((yield at.drift), town) == []
    assert at.client(other) == of_other
    assert own((yield at.settled), other) == {}


@together
def test_a_later_mandate_gives_back_what_an_ended_one_took(at: RunByRun) -> Script:
    """And what the form wants besides is carried out then."""
    town = write_form(at.forms, "aalter/loket", scopes=(SEND, PLAIN), keys=())
    town.use_supplier("theirs")
    yield at.up
    before = at.client(town)
    town.use_supplier("theirs", until=ENDED)
    town.document["contacts"] = ["ander@aalter.example"]
    town.save()
    yield at.up
    assert set(at.client(town)["scopes"]) == {"vo_info"}
    town.use_supplier("theirs", until="2999-06-30")
    yield at.up
    again = at.client(town)
    assert (again["scopes"], kids(again)) == (before["scopes"], {"theirs"})
    assert again["contacts"] == ["ander@aalter.example"]
    assert own((yield at.settled), town) == {}


@pytest.mark.parametrize("keys", ["its own", "the portal's"])
@together
def test_a_suppliers_key_goes_with_its_mandate_whatever_comes_instead(
    at: RunByRun, keys: str
) -> Script:
    """At once, though nobody has proven the other key; the review says whose it was."""
    form = write_form(at.forms, f"{'menen' if keys == 'its own' else 'tielt'}/loket", keys=())
    form.use_supplier("theirs")
    yield at.up
    assert kids(at.client(form)) == {"theirs"}
    form.path.with_name("mandates.yaml").unlink()
    form.document.pop("keys_of")
    if keys == "its own":
        form.add_key("key-1")
    form.save()
    reviewed = yield at.review
    if keys == "its own":
        said = "of leverancier, whose mandate has ended: it leaves at once"
        assert [text for text in texts(reviewed, form) if text.endswith(said)]
    yield at.up
    assert kids(at.client(form)) == ({"key-1"} if keys == "its own" else set())
    yield at.up
    assert own((yield at.settled), form) == {}


@pytest.mark.parametrize(
    ("keys", "why"),
    [("its own", "its mandate is taken out"), ("the portal's", "its client is let go")],
)
@together
def test_a_suppliers_key_goes_however_many_runs_later(at: RunByRun, keys: str, why: str) -> Script:
    """Its form has named nobody for some runs, and the key waited for its overlap, or for ever in
    the portal: the state remembers whose it is."""
    name = f"{keys} {why}".replace(" ", "-").replace("'", "")
    form = write_form(at.forms, f"{name}/loket", keys=())
    form.use_supplier("theirs")
    yield at.up
    form.document.pop("keys_of")
    if keys == "its own":
        form.add_key("key-1")
    form.save()
    yield at.up
    stay = {"key-1"} if keys == "its own" else set[str]()
    assert kids(at.client(form)) == {"theirs", *stay}
    if why == "its client is let go":
        retire(form, KEPT)
    else:
        form.path.with_name("mandates.yaml").unlink()
    reviewed = yield at.review
    assert "key_removed" in kinds(reviewed, form)
    client_id = at.client(form)["client_id"]
    yield at.up
    there = at.registry.http.get(f"/management/v1/clients/{client_id}/jwks").json()["keys"]
    assert {key["kid"] for key in there} == stay


def town_of(at: RunByRun, name: str, application: str, until: str = "2999-12-31") -> None:
    """A town without forms that lets the supplier send for it, under names of its own."""
    (folder := at.forms / name).mkdir(exist_ok=True)
    code = {"ronse": "OVO001992", "zele": "OVO002339"}[name]
    speaks_for = {"merk_code": [f"stad-{name}"], "bron_uri": [f"urn://{name}/loket"]}
    organisation = {"name": f"Stad {name.title()}", "ovo": code, "speaks_for": speaks_for}
    (folder / "organisation.yaml").write_text(json.dumps(organisation))
    key = f"OVO002067/{application}"
    mandate = {"supplier": "gent", "connections": [key], "until": until}
    (folder / "mandates.yaml").write_text(json.dumps({"mandates": [mandate]}))


def sent(at: RunByRun, form: FormFile, name: str) -> tuple[int, ...]:
    """What both products answer to a message for a town."""
    number = f"n-{next(_NUMBERS)}"
    notification = {**NOTIFICATION, "MerkCode": f"stad-{name}", "Id": number}
    source = {"Bron": f"urn://{name}/loket", "DossierNummer": "2026-17"}
    dossier = {**DOSSIER, "UploadId": None, "Identificatie": source, "Agenten": []}
    calls = (
        ("notificaties", "/api/v2/notificaties", notification),
        ("dosis", "/api/v2/dosis/dossiers", dossier),
    )
    statuses = []
    for product, path, document in calls:
        token = at.portal.client_token(form.keys["key-1"], at.client(form)["client_id"], product)
        bearer = {"Authorization": f"Bearer {token}"}
        url = f"{at.portal.origin}{path}"
        statuses.append(httpx.post(url, json=document, headers=bearer, timeout=10).status_code)
    return tuple(statuses)


@together
def test_one_client_sends_for_many_and_for_each_by_its_own_mandate(at: RunByRun) -> Script:
    """The products accept what is of a registered sender alone; the review and the list name them
    together."""
    form = write_form(at.forms, "gent/berichten", scopes=(SEND, DOSSIERS))
    yield at.up
    for name in ("ronse", "zele"):
        town_of(at, name, form.application)
    form.request()["afzenders"] = ["zele", "ronse"]
    form.save()
    reviewed = yield at.review
    changes = [change for one in reviewed["connections"] for change in one["changes"]]
    more = [change for change in changes if change["kind"] == "sends_for_more"]
    assert [change["subject"] for change in more] == ["dosis", "notificaties"]
    for change in more:
        assert [field["field"] for field in change["fields"]] == ["Stad Ronse", "Stad Zele"]
    yield at.up
    listed = at.project.acmidm("status", "--stack", "tni", form.application).stdout
    assert "acts for Stad Ronse, Stad Zele" in listed
    accepted, refused = (200, 200), (403, 403)
    answers = {name: sent(at, form, name) for name in ("gent", "ronse", "zele", "ander")}
    assert answers == {"gent": accepted, "ronse": accepted, "zele": accepted, "ander": refused}

    town_of(at, "ronse", form.application, ENDED)
    validated = at.project.acmidm("validate").stdout
    ended = "it does not send for Stad Ronse, without a mandate for that now"
    assert f"gent/berichten on tni: {ended}" in validated
    reviewed = yield at.review
    assert "sends for fewer organisations through dosis: 1" in texts(reviewed, form)
    yield at.up
    answers = {name: sent(at, form, name) for name in ("gent", "ronse", "zele", "ander")}
    assert answers == {"gent": accepted, "ronse": refused, "zele": accepted, "ander": refused}
    assert own((yield at.settled), form) == {}
