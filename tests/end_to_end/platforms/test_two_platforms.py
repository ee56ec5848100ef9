"""A form that names both platforms: two clients, each with the platform's own client-ID, names and
rules; and leaving GeoSecure, by one line in the form.

Cases share one stack, in these steps: a run, a preview, a second run from which on clients are
protected, a look; then GeoSecure is away, for an approved deployment and a run; and a deployment.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import httpx
import pytest
from joserfc.jwk import Key

from tests.conformance.consoles import PortalConsole
from tests.conformance.script import KIDS, Place, from_the_first_run_to_the_last
from tests.end_to_end.platforms.conftest import connected_to_both
from tests.support.engine import Outcome
from tests.support.forms import DOSIS, DOSSIERS, SEND, FormFile, write_form
from tests.support.messages import NOTIFICATION
from tests.support.portal import RunningPortal, sign_assertion
from tests.support.previews import Preview, preview_of
from tests.support.registry import Registry
from tests.support.together import OneStack, Script, about, together

BOTH = ["acmidm", "geosecure"]
NAMES = {SEND: "NotificatiesImport", DOSSIERS: "DosisImport"}
"""Scopes as GeoSecure names them."""
ISSUER = "geosecure:issuer"
NOWHERE = "http://127.0.0.1:9"
PARTS = len(("client", "scopes", "keys", "notificaties", "dosis"))


@dataclass(kw_only=True)
class TwoPlatforms(OneStack):
    """A stack on both; ``registry`` and ``portal`` are those of ACM/IDM."""

    writes: ClassVar[Sequence[str]] = (
        "up",
        "up_protecting",
        "deploy_approved_while_away",
        "up_while_away",
        "deploy",
    )
    phases: ClassVar[Sequence[str]] = writes
    slow_reads: ClassVar[Collection[str]] = ("previewed", "review_while_away")
    last_reads: ClassVar[Collection[str]] = ("looked",)

    at_geosecure: Registry
    geosecure: RunningPortal

    def previewed(self) -> Preview:
        return preview_of(self.project)

    def looked(self) -> Preview:
        return preview_of(self.project, "--refresh")

    def up_protecting(self) -> Outcome:
        self.project.configure({"protectClients": True})
        return self.up()

    def review_while_away(self) -> Outcome:
        """A review that is saved, while GeoSecure cannot be reached."""
        with self._away():
            return self.project.acmidm("review", "--stack", "tni", "--save", self._approved)

    def deploy_approved_while_away(self) -> Outcome:
        with self._away():
            return self.project.recover("--approved", self._approved)

    def up_while_away(self) -> Outcome:
        with self._away():
            return self.up()

    def client_ids(self, form: FormFile) -> dict[str, str]:
        """Per platform that of the form's client, from the outputs."""
        outputs = self.project.outputs()["connections"][form.key]
        return {platform: shown["client_id"] for platform, shown in outputs.items()}

    @property
    def _approved(self) -> str:
        return str(self.project.folder / "approved.json")

    @contextmanager
    def _away(self) -> Iterator[None]:
        """Without its tokens nobody is let in."""
        self.project.configure({ISSUER: NOWHERE, "retryDeadlineSeconds": 0})
        yield
        self.project.configure({ISSUER: self.geosecure.issuer, "retryDeadlineSeconds": 30})


@pytest.fixture(scope="module")
def at(
    acmidm: RunningPortal,
    geosecure: RunningPortal,
    at_acmidm: Registry,
    at_geosecure: Registry,
    tmp_path_factory: pytest.TempPathFactory,
) -> TwoPlatforms:
    project = connected_to_both(acmidm, geosecure, tmp_path_factory.mktemp("both") / "project")
    return TwoPlatforms(project, at_acmidm, acmidm, at_geosecure=at_geosecure, geosecure=geosecure)


def require_gone(registry: Registry, form: FormFile, client_id: str) -> None:
    """Neither the client nor anything inside it is there."""
    assert registry.clients(form.application) == []
    for part in ("scopes", "jwks"):
        answer = registry.http.get(f"/management/v1/clients/{client_id}/{part}")
        assert answer.status_code == httpx.codes.NOT_FOUND
    for product in ("notificaties", "dosis"):
        assert registry.configuration(product, client_id) is None


def move_off(form: FormFile) -> None:
    form.document["platforms"] = ["acmidm"]
    form.document.pop("retire", None)
    form.save()


@together
def test_from_the_first_run_to_the_last(at: TwoPlatforms) -> Script:
    """At both at once."""
    api = at.portal.settings.products["notificaties"].client_id

    def token_of_acmidm(key: Key, client_id: str, scopes: str) -> httpx.Response:
        signed = sign_assertion(key, client_id, at.portal.issuer)
        return at.portal.request_token(signed, scope=scopes, audience=api)

    def token_of_geosecure(key: Key, client_id: str, scopes: str) -> httpx.Response:
        signed = sign_assertion(key, client_id, at.geosecure.token_endpoint)
        return at.geosecure.request_token(signed, scope=scopes)

    places = [
        Place(PortalConsole(at.portal), token_of_acmidm),
        Place(PortalConsole(at.geosecure), token_of_geosecure, NAMES),
    ]
    form = write_form(at.forms, "gent/first", scopes=(SEND,), keys=KIDS, platforms=BOTH)
    yield from from_the_first_run_to_the_last(form, places, at.up, at.up_protecting, at.looked)


@together
def test_each_platform_has_its_own_client(at: TwoPlatforms) -> Script:
    """Each with the platform's own client-ID and names, also in the outputs."""
    form = write_form(at.forms, "gent/both", scopes=(SEND, DOSSIERS), platforms=BOTH)
    yield at.up
    here = at.registry.client(form.application)
    there = at.at_geosecure.client(form.application)
    ids = {"acmidm": here["client_id"], "geosecure": there["client_id"]}
    assert at.client_ids(form) == ids
    assert there["client_id"].isdecimal()
    assert not here["client_id"].isdecimal()
    words = ("status", "--stack", "tni", "--api", DOSSIERS, "--output", "json")
    listed = json.loads(at.project.acmidm(*words).stdout)["connections"]
    by_either_name = {one["client_id"] for one in listed}
    assert by_either_name >= {*ids.values()}
    assert set(here["scopes"]) == {SEND, DOSSIERS, "vo_info"}
    assert set(there["scopes"]) == {"NotificatiesImport", "DosisImport"}
    outputs = at.project.outputs()["connections"][form.key]
    assert {platform: shown["scopes"] for platform, shown in outputs.items()} == {
        "acmidm": [DOSSIERS, SEND],
        "geosecure": ["DosisImport", "NotificatiesImport"],
    }


@together
def test_a_token_at_each_platform_with_its_audience(at: TwoPlatforms) -> Script:
    """The issuer at ACM/IDM, the token endpoint at GeoSecure; each token carries the platform's
    names, and opens its product's API."""
    form = write_form(at.forms, "gent/token", scopes=(SEND, DOSSIERS), platforms=BOTH)
    yield at.up
    ids, key = at.client_ids(form), form.keys["key-1"]
    api = at.portal.settings.products["notificaties"].client_id
    for portal, client_id, scope, aud, words in (
        (at.portal, ids["acmidm"], SEND, at.portal.issuer, {"audience": api}),
        (at.geosecure, ids["geosecure"], "NotificatiesImport", at.geosecure.token_endpoint, {}),
    ):
        signed = sign_assertion(key, client_id, aud)
        answer = portal.request_token(signed, scope=scope, **words)
        assert answer.status_code == httpx.codes.OK, answer.text
        assert answer.json()["scope"] == scope
        headers = {"authorization": f"Bearer {answer.json()['access_token']}"}
        url = f"{portal.origin}/api/v2/notificaties"
        sent = httpx.post(url, json=NOTIFICATION, headers=headers, timeout=10)
        assert sent.is_success, sent.text


@together
def test_the_preview_of_a_scope_extension_has_both(at: TwoPlatforms) -> Script:
    """One line in the form, one line on each platform, each under its own name."""
    form = write_form(at.forms, "gent/extended", platforms=BOTH)
    yield at.up
    form.request()["scopes"][DOSSIERS] = {}
    form.request()["products"]["dosis"] = DOSIS
    form.save()
    assert (yield at.previewed).of(form) == {
        f"ClientScopes {form.key}": ("update", [f"scopes.{DOSSIERS}"]),
        f"ProductConfiguration {form.key}/dosis": ("create", []),
        f"ClientScopes {form.key}/geosecure": (
            "update",
            ["catalogue_names.DosisImport", "scopes.DosisImport"],
        ),
        f"ProductConfiguration {form.key}/geosecure/dosis": ("create", []),
    }


@together
def test_a_platform_that_is_added_touches_no_other(at: TwoPlatforms) -> Script:
    form = write_form(at.forms, "gent/added")
    yield at.up
    before = at.registry.client(form.application)
    form.document["platforms"] = BOTH
    form.save()
    shown: Preview = yield at.previewed
    assert {op for op, _ in shown.of(form).values()} == {"create"}
    assert all(f"{form.key}/geosecure" in place for place in shown.of(form))
    yield at.up_protecting
    assert at.registry.client(form.application) == before
    assert at.at_geosecure.client(form.application)["scopes"] == ["NotificatiesImport"]


@together
def test_the_preview_shows_exactly_what_ends(at: TwoPlatforms) -> Script:
    """What it has at GeoSecure and nothing else."""
    form = write_form(at.forms, "gent/stays", scopes=(SEND, DOSSIERS), platforms=BOTH)
    yield at.up
    places = places_at_geosecure(at, form)
    move_off(form)
    shown: Preview = yield at.previewed
    assert shown.of(form) == dict.fromkeys(places, ("delete", []))
    form.document["platforms"] = BOTH  # once the stack protects its clients, that is refused
    form.save()
    yield at.up_protecting
    assert (yield at.looked).of(form) == {}


def places_at_geosecure(at: TwoPlatforms, form: FormFile) -> list[str]:
    """All that the state has of a form there."""
    places = [place for place in at.resources() if f"{form.key}/geosecure" in place]
    assert len(places) >= PARTS
    return places


@pytest.mark.exhaustive
@together
def test_others_are_reviewed_and_approved_where_a_platform_is_down(at: TwoPlatforms) -> Script:
    """Of the client that changes there nothing is approved."""
    both = write_form(at.forms, "gent/down", platforms=BOTH)
    other = write_form(at.forms, "gent/elsewhere")
    yield at.up
    yield at.up_protecting
    for form in (both, other):
        form.document["contacts"] = ["new@loket.example"]
        form.save()
    client_id = at.at_geosecure.client(both.application)["client_id"]
    reviewed: Outcome = yield at.review_while_away
    unread = f"client geosecure {client_id} could not be read at its authority: "
    assert f"nothing is approved of one: {unread}" in reviewed.output
    assert about(both, reviewed.errors) == about(other, reviewed.errors) == []
    done: Outcome = yield at.deploy_approved_while_away
    assert done.code == 1, done.output
    assert f"differs: {unread}" in done.stderr
    assert about(both, done.stderr.splitlines()) == about(other, done.stderr.splitlines()) == []
    assert " left out, for " in done.stderr
    contacts = [at.registry.client(form.application)["contacts"] for form in (both, other)]
    assert [one == ["new@loket.example"] for one in contacts] == [False, True]


@pytest.mark.exhaustive
@together
def test_an_unreachable_platform_holds_up_only_those_who_need_it(at: TwoPlatforms) -> Script:
    """A takeover there cannot be looked at: ``up`` fails, and carries out the rest."""
    yield at.up
    yield at.up_protecting
    taking = write_form(at.forms, "een/loket", platforms=BOTH)
    taking.request()["adopt"] = {"geosecure": "40001"}
    taking.save()
    other = write_form(at.forms, "twee/loket")
    refused: Outcome = yield at.up_while_away
    assert refused.code != 0
    (sentence,) = about(taking, refused.errors)
    assert "een/loket: GET http://127.0.0.1:9" in sentence
    assert "cannot be reached" in sentence
    assert about(other, refused.errors) == []
    assert other.key in refused.output
    assert at.registry.client(other.application)["jwks"]["keys"]
    assert at.registry.client(taking.application)["jwks"]["keys"]
    assert at.at_geosecure.clients(taking.application) == []
    del taking.request()["adopt"]
    taking.save()


@pytest.mark.exhaustive
@together
def test_leaving_a_protecting_stack(at: TwoPlatforms) -> Script:
    """From the day of ``retire`` on GeoSecure's client goes, in two runs, with all it had.

    ACM/IDM's stays, protected, and works. That it is refused unannounced: see ``test_leaving.py``.
    """
    form = write_form(at.forms, "gent/protected", scopes=(SEND, DOSSIERS), platforms=BOTH)
    yield at.up
    yield at.up_protecting
    kept = at.registry.client(form.application)
    client = at.at_geosecure.client(form.application)
    trails = at.registry.audit(client_id=kept["client_id"])
    form.document["retire"] = {"geosecure": "2020-03-31"}
    form.save()
    done: Outcome = yield at.deploy
    assert done.code == 0, done.output
    require_gone(at.at_geosecure, form, client["client_id"])
    assert at.registry.client(form.application) == kept
    assert at.registry.audit(client_id=kept["client_id"]) == trails
    move_off(form)
    last: Preview = yield at.looked
    assert last.of(form) == {}, "the platform's line may go at any time later"
    signed = sign_assertion(form.keys["key-1"], kept["client_id"], at.portal.audience)
    assert at.portal.request_token(signed).status_code == httpx.codes.OK
    assert at.resources()[f"OAuthClient {form.key}"]["protect"] is True
