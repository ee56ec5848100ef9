"""A stack on a realm, from the first run to the last: what people declare, what others do by hand
in Keycloak, and what Pulumi's users type.

Cases share one stack, in these steps: two runs, a look that shows what was done by hand since, a
run that repairs it, one more run, a look that finds nothing, and the end of all.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, ClassVar

import httpx
import pytest
import yaml

from tests.conformance.consoles import RealmConsole
from tests.conformance.script import KIDS, Place, from_the_first_run_to_the_last
from tests.support.client_secrets import secret_of
from tests.support.engine import Outcome, place_of
from tests.support.evidence import write_evidence
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import NOTIFICATIES, PLAIN, SEND, FormFile, write_form
from tests.support.handing_over import mailing, text_of
from tests.support.keycloak import TestRealm, make_realm
from tests.support.keycloak_by_hand import DRIFTS, TESTER, map_roles, plain_client, source
from tests.support.keycloak_import import (
    MADE_BY_HAND,
    OWN,
    SHEET,
    made_by_hand,
    without_own_attributes,
    write_sheet,
)
from tests.support.keycloak_platform import Platform, running_platform
from tests.support.keycloak_server.admin import Admin
from tests.support.keycloak_server.server import Server
from tests.support.made_anew import urn_of
from tests.support.mail_server import MailServer, running_mail_server
from tests.support.messages import NOTIFICATION
from tests.support.portal import new_key
from tests.support.previews import Preview, preview_of
from tests.support.registry import Registry
from tests.support.rotating import as_if_days_ago, drop
from tests.support.together import OneStack, Script, about, is_of, together

FIRST, SECOND = "https://keys.gent.example/jwks.json", "https://sleutels.gent.example/jwks.json"
"""Where two organisations have their keys."""
LIST = r"/clients\?first=|/(default-default-)?client-scopes$"
AT_ONCE = (
    ("scope-withdrawn", "key-slipped-in", "disabled", "name"),
    ("scope-granted", "default-scope-granted", "key-removed", "attribute-added", "description"),
    ("made-default", "keys-elsewhere"),
    ("full-scope-allowed", "login-page", "authentication-method"),
    ("claim-of-another", "key-behind-a-declared-one"),
    ("full-scope-and-claims",),
    ("public",),
    ("removed",),
    ("nothing",),
)
"""What is done by hand to one client: changes of which each shows by names of its own."""


@dataclass(kw_only=True)
class OnKeycloak(OneStack):
    """A stack on a realm of its own, with proxies that record what the last command sent."""

    writes: ClassVar[Collection[str]] = ("up", "repair", "up_without_overlap", "destroy")
    slow_reads: ClassVar[Collection[str]] = ("looked",)

    platform: Platform
    keycloak: FaultProxy
    products: FaultProxy
    mails: MailServer
    replacing: list[str] = field(default_factory=list)
    """The URNs of what the next run makes anew."""
    _recorded: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def realm(self) -> TestRealm:
        return self.platform.realm

    def up(self) -> Outcome:
        words = [word for urn in self.replacing for word in ("--replace", urn)]
        self.replacing.clear()
        self._forget_the_last_run()
        return self.project.up(*words)

    def up_without_overlap(self) -> Outcome:
        """A run of a stack whose keys leave at once."""
        self.project.configure({"keyOverlapDays": 0})
        return self.up()

    def repair(self) -> Outcome:
        """A run that looks at the authority first."""
        self._forget_the_last_run()
        return self.project.up("--refresh")

    def looked(self) -> Preview:
        return preview_of(self.project, "--refresh")

    def destroy(self) -> Outcome:
        self._forget_the_last_run()
        return self.project.succeed("destroy", "--yes", "--skip-preview")

    def resources(self) -> dict[str, dict[str, Any]]:
        """Those that the last run left in the state, which is read once for all cases."""
        if not self._recorded:
            self._recorded = super().resources()
        return self._recorded

    def client_id(self, form: FormFile) -> str:
        """As the state has it."""
        return str(self.resources()[f"OAuthClient {form.key}"]["outputs"]["client_id"])

    def works(self, form: FormFile, kid: str, scope: str = PLAIN) -> bool:
        """Whether a key gets a token."""
        answer = self.realm.request_token(form.keys[kid], self.client_id(form), scope=scope)
        return answer.status_code == httpx.codes.OK

    def opens(self, form: FormFile, secret: str) -> bool:
        """Whether a secret gets a token."""
        answer = httpx.post(
            f"{self.realm.issuer}/protocol/openid-connect/token",
            data={"grant_type": "client_credentials"},
            auth=(self.client_id(form), secret),
            timeout=30,
        )
        return answer.status_code == httpx.codes.OK

    def sent_about(self, client_id: str) -> list[str]:
        """The methods of what the last command sent to Keycloak about a client."""
        there = self.realm.administrator.client(self.realm.name, client_id)
        names = [client_id, *([there["id"]] if there else [])]
        return [
            one.method
            for one in self.keycloak.requests
            if any(name in one.path or name.encode() in one.body for name in names)
        ]

    def writes_about(self, client_id: str) -> list[str]:
        """Those of them that change something."""
        return [method for method in self.sent_about(client_id) if method != "GET"]

    def require_few_lists(self) -> None:
        """However many clients there are, the last command read no list of Keycloak more than
        twice."""
        lists = Counter(one.path for one in self.keycloak.seen("GET", LIST))
        assert 0 < max(lists.values()) <= 2, lists

    def _forget_the_last_run(self) -> None:
        self._recorded = {}
        for proxy in (self.keycloak, self.products):
            proxy.heal()


@pytest.fixture(scope="module")
def platform(
    keycloak_server: Server, administrator: Admin, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """A realm that no other tests put clients into, with the keys that Keycloak makes."""
    with running_platform(
        keycloak_server,
        administrator,
        tmp_path_factory.mktemp("products"),
        partial(make_realm, settings={}),
    ) as running:
        yield running


@pytest.fixture(scope="module")
def at(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnKeycloak]:
    realm, portal = platform.realm, platform.portal
    with (
        FaultProxy(realm.server.origin) as keycloak,
        FaultProxy(portal.origin) as products,
        running_mail_server() as mails,
    ):
        project = platform.project(
            tmp_path_factory.mktemp("stack") / "project",
            managementUrl=realm.management_url.replace(realm.server.origin, keycloak.origin),
            productsUrl=platform.products_url.replace(portal.origin, products.origin),
            keyOverlapDays=14,
        )
        mailing(project, mails)
        yield OnKeycloak(
            project,
            Registry(realm.operator_http(portal.origin)),
            portal,
            platform=platform,
            keycloak=keycloak,
            products=products,
            mails=mails,
        )


@together
def test_a_sheet_of_clients_is_taken_over(at: OnKeycloak) -> Script:
    """Two organisations, a product, a supplier's key that both use: what is imported changes
    nothing but what says whose they are."""
    realm = at.realm
    key, common = new_key("leuven-1"), new_key("leverancier-1")
    before = {
        client_id: made_by_hand(realm, client_id, name, *scopes, keys=(key, common))
        for client_id, (name, scopes) in MADE_BY_HAND.items()
    }
    at.platform.configure("leuven-loket", "notificaties", NOTIFICATIES)
    # In a project of its own: other cases' clients are in no sheet.
    importing = at.platform.project(at.project.folder.with_name("importing"))
    sheet = write_sheet(importing, *SHEET)
    options = ("--tni", "tni", "--contact", "a@leverancier.example", "--supplier", "leverancier")
    done = importing.acmidm("import", sheet, *options, "--until", "2999-12-31")
    assert done.code == 0, done.output
    assert "2 rows: 2 forms written, 0 declared already, 0 things not placed" in done.stdout
    for client_id, client in before.items():
        assert realm.client(client_id) == client, "importing itself writes nothing"
    organisation = importing.forms / "stad-leuven/organisation.yaml"
    assert yaml.safe_load(organisation.read_text())["adopts"] == ["leuven-loket"]
    said = (
        "has no code of an organisation there; adopts has it in stad-leuven/organisation.yaml: see"
        " whether it is Stad Leuven's"
    )
    assert said in done.stdout
    form = yaml.safe_load((importing.forms / "stad-leuven/mijn-loket.yaml").read_text())
    assert form["environments"]["tni"]["adopt"] == {"acmidm": "leuven-loket"}
    assert set(form["environments"]["tni"]["scopes"]) == {SEND, PLAIN}
    assert set(form["environments"]["tni"]["products"]) == {"notificaties"}

    yield at.up
    yield at.up
    shutil.copytree(importing.forms, at.forms, dirs_exist_ok=True)
    preview: Preview = yield at.looked
    shown = [step for step in preview.changed if _is_imported(step["urn"])]
    assert len(shown) == 7
    for step in shown:
        inputs = step["newState"]["inputs"]
        there = inputs["adopt"]["before"]
        if place_of(step["urn"]).startswith("OAuthClient"):
            changed = {name for name, value in there.items() if inputs[name] != value}
            assert changed <= OWN, step["urn"]
        else:
            assert all(has.keys() == inputs[name].keys() for name, has in there.items()), step
    yield at.repair
    for client_id, client in before.items():
        after = without_own_attributes(realm.client(client_id))
        assert after == without_own_attributes(client)
    granted = realm.request_token(key, "leuven-loket", scope=f"{SEND} {PLAIN}")
    assert granted.status_code == httpx.codes.OK
    yield at.up_without_overlap
    last: Preview = yield at.looked
    assert not [step for step in last.changed if _is_imported(step["urn"])]
    assert client_id not in {one["client_id"] for one in (yield at.drift)["undeclared"]}


def _is_imported(urn: str) -> bool:
    return any(kbo in urn for kbo, *_ in SHEET)


@together
def test_from_the_first_run_to_the_last(at: OnKeycloak) -> Script:
    realm = at.realm
    there = Place(
        RealmConsole(realm),
        lambda key, client_id, scopes: realm.request_token(key, client_id, scope=scopes),
        shows_products=False,
    )
    form = write_form(at.forms, "gent/first", scopes=(SEND,), keys=KIDS)
    yield from from_the_first_run_to_the_last(
        form,
        [there],
        at.up,
        at.up,
        at.looked,
        at.repair,
        at.up_without_overlap,
        at.destroy,
    )


@together
def test_a_token_is_for_what_is_requested_and_opens_a_product(at: OnKeycloak) -> Script:
    """None of its scopes is in a token that nobody requested; with the client its product's
    configuration goes."""
    realm, form = at.realm, write_form(at.forms, "gent/opens", scopes=(SEND,))
    yield at.up
    client_id = at.client_id(form)
    granted = realm.request_token(form.keys["key-1"], client_id, scope=SEND)
    sent = httpx.post(
        f"{at.portal.origin}/api/v2/notificaties",
        json=NOTIFICATION,
        headers={"authorization": f"Bearer {granted.json()['access_token']}"},
    )
    assert sent.status_code == httpx.codes.OK, sent.text
    assert realm.request_token(form.keys["key-1"], client_id).json()["scope"] == ""
    yield at.up
    yield at.repair
    yield at.up_without_overlap
    yield at.destroy
    with at.platform.products() as http:
        gone = http.get(f"/notificaties/configurations/{client_id}")
        assert gone.status_code == httpx.codes.NOT_FOUND


@together
def test_a_client_made_by_hand_is_adopted(at: OnKeycloak) -> Script:
    """Its client-ID stays, what Keycloak and people gave it goes, and the preview says so before.

    Keycloak knows no organisation: organisation.yaml, which is the onboarding team's, has to name
    the client too. While it may be an operator's, it is refused whoever names it.
    """
    realm = at.realm
    unnamed, powerful = _adopting(at, "unnamed"), _adopting(at, "powerful")
    realm.change("hand-made-unnamed", fullScopeAllowed=False)
    powerful.organisation["adopts"] = ["hand-made-powerful"]
    powerful.save()
    outcome: Outcome = yield at.up
    assert outcome.code != 0
    for sentence in (
        'client "hand-made-powerful" may have any right over the realm, for Full scope allowed is',
        'client "hand-made-unnamed" has no code of an organisation at its authority',
    ):
        assert any(sentence in line for line in outcome.errors), outcome.errors

    yield at.up
    unnamed.organisation["adopts"] = ["hand-made-unnamed"]
    unnamed.save()
    realm.change("hand-made-powerful", fullScopeAllowed=False)
    preview: Preview = yield at.looked
    for form in (unnamed, powerful):
        shown = json.dumps(preview.steps(form))
        dedicated = f"{form.request()['adopt']['acmidm']}-dedicated"
        for words in ("by-hand", "profile", dedicated, "authorization_code"):
            assert words in shown
    yield at.repair
    yield at.up_without_overlap  # each came with a secret, which works until its key is there
    for form in (unnamed, powerful):
        by_hand = form.request()["adopt"]["acmidm"]
        client = realm.client(by_hand)
        assert at.client_id(form) == by_hand
        assert realm.scopes(by_hand) == {PLAIN}
        assert not client["fullScopeAllowed"]
        assert "protocolMappers" not in client
        assert [key["kid"] for key in realm.keys(by_hand)] == ["key-1"]
        assert at.works(form, "key-1")
    assert (yield at.looked).of(unnamed, powerful) == {}


def _adopting(at: OnKeycloak, name: str) -> FormFile:
    """A form that takes over the client ``hand-made-<name>``, which is made, with what the console
    gives a client and a person gave it."""
    by_hand = f"hand-made-{name}"
    at.realm.add_client(by_hand, name="Gent", publicClient=False, standardFlowEnabled=True)
    at.realm.set_keys(by_hand, [new_key("by-hand")])
    at.realm.add_claim(by_hand, "vo_ovocode", "OVO000001")
    form = write_form(at.forms, f"{name}/loket", scopes=(PLAIN,))
    form.request()["adopt"] = {"acmidm": by_hand}
    form.save()
    return form


@together
def test_a_state_that_is_lost_finds_its_adopted_client(at: OnKeycloak) -> Script:
    """By its natural key, though its client-ID does not come from there; but not while it is
    another's."""
    realm, form = at.realm, _adopting(at, "lost")
    realm.change("hand-made-lost", fullScopeAllowed=False)
    form.organisation["adopts"] = ["hand-made-lost"]
    form.save()
    yield at.up
    assert at.client_id(form) == "hand-made-lost"
    yield at.up

    del form.request()["adopt"]
    form.save()
    at.project.change_state(lambda state: _forget(state["resources"], form))
    realm.change("hand-made-lost", attributes={"acmidm.managed_by": "other/tni"})
    refused: Outcome = yield at.repair
    assert any(
        "client hand-made-lost is registered already" in line and "managed by other/tni" in line
        for line in refused.errors
    ), refused.errors
    realm.change("hand-made-lost", attributes={"acmidm.managed_by": "acmidm/tni"})
    yield at.up_without_overlap
    assert at.client_id(form) == "hand-made-lost"


def _forget(resources: list[dict[str, Any]], form: FormFile) -> None:
    resources[:] = [one for one in resources if not is_of(one["urn"].rpartition("::")[2], form)]


@together
@pytest.mark.usefixtures("random_plugin")
def test_a_secret_is_renewed(at: OnKeycloak) -> Script:
    """A renewed one ends the former. One that somebody renewed by hand is put back."""
    realm, form = at.realm, _with_secret(at, "gent/renewed")
    yield at.up
    first, client_id = secret_of(at.project, form), at.client_id(form)
    yield at.up
    # As the console's Regenerate does. Keycloak tells the date to the second.
    path = f"/{realm.name}/clients/{realm.client(client_id)['id']}/client-secret"
    before = realm.client(client_id)["attributes"].get("client.secret.creation.time")
    while realm.client(client_id)["attributes"].get("client.secret.creation.time") == before:
        realm.administrator.post(path, {})
    at.project.secrets.append(realm.client(client_id)["secret"])
    shown: Preview = yield at.looked
    assert shown.of(form) == {f"OAuthClient {form.key}": ("update", ["client_secret"])}
    yield at.repair
    assert at.opens(form, first)

    form.request()["secret_generation"] = 2
    form.save()
    yield at.up_without_overlap
    assert [at.opens(form, first), at.opens(form, secret_of(at.project, form))] == [False, True]


@together
@pytest.mark.usefixtures("random_plugin")
def test_a_client_moves_from_a_secret_to_a_key_and_back(at: OnKeycloak) -> Script:
    """At no moment does neither work: a secret until the key is there, and from the run that sets
    one."""
    form = _with_secret(at, "gent/moving")
    yield at.up
    secret = secret_of(at.project, form)
    form.document["token_endpoint_auth_method"] = "private_key_jwt"
    form.add_key("key-1")
    form.save()
    moved: Outcome = yield at.up
    said = "goes on with its client secret until its authority has one of the keys in its form"
    assert any(said in line for line in about(form, moved.output.splitlines())), moved.output
    assert [at.opens(form, secret), at.works(form, "key-1")] == [True, False]
    yield at.repair
    assert [at.opens(form, secret), at.works(form, "key-1")] == [False, True]

    form.document["token_endpoint_auth_method"] = "client_secret_basic"
    del form.request()["jwks"]
    form.save()
    yield at.up_without_overlap
    assert at.opens(form, secret_of(at.project, form))
    assert not at.works(form, "key-1")
    assert (yield at.looked).of(form) == {}


def _with_secret(at: OnKeycloak, name: str) -> FormFile:
    method = "client_secret_basic"
    return write_form(at.forms, name, keys=(), scopes=(PLAIN,), token_endpoint_auth_method=method)


@together
def test_a_key_leaves_beside_one_that_is_proven(at: OnKeycloak) -> Script:
    """Keycloak cannot tell which keys are in use: evidence alone lets a key go."""
    form = write_form(at.forms, "gent/rotating", scopes=(SEND,), keys=("old", "new"))
    yield at.up
    client_id = at.client_id(form)
    as_if_days_ago(at.project, form, 20)
    assert at.works(form, "new", SEND)
    drop(form, "old")
    stays: Outcome = yield at.up
    said = (
        'key "old" may leave once key "new" is proven (its authority cannot tell which keys are in'
        " use)"
    )
    assert said in stays.output
    assert {key["kid"] for key in at.realm.keys(client_id)} == {"old", "new"}
    refused: Preview = yield at.looked
    assert any(said in sentence for sentence in refused.problems)

    write_evidence(
        form.path.parent,
        form.keys["new"].as_dict(private=True),
        organisation=form.code,
        application=form.application,
        client_id=client_id,
    )
    yield at.repair
    assert {key["kid"] for key in at.realm.keys(client_id)} == {"new"}
    assert at.works(form, "new", SEND)
    yield at.up_without_overlap
    assert (yield at.looked).of(form) == {}


@together
def test_keycloak_shows_what_it_can(at: OnKeycloak) -> Script:
    """The client-ID is mailed, and who has no key gives it in the form; neither names a portal that
    is not there.

    Nor does Keycloak tell when a token was fetched.
    """
    with_key = write_form(at.forms, "gent/met", scopes=(SEND,))
    without = write_form(at.forms, "gent/zonder", scopes=(SEND,))
    del without.request()["jwks"]
    for form in (with_key, without):
        form.document["contacts"] = [f"{form.application}@gent.example"]
        form.save()
    yield at.up
    mails = [text_of(mail) for mail in at.mails.received]
    for form, said in ((with_key, "zijn al opgeladen"), (without, "via uw aansluitingsformulier")):
        (mail,) = (one for one in mails if at.client_id(form) in one)
        assert said in mail
        assert "Beheerportaal" not in mail
    shown = at.project.acmidm("status", "--board", "--stack", "tni", "--output", "json")
    assert shown.code == 0, shown.output
    found = json.loads(shown.stdout)["connections"]
    rows = {one.get("client_id"): one for one in found}
    proven, waiting = rows[at.client_id(with_key)], rows[at.client_id(without)]
    assert (proven["step"], proven["order"], proven["unknown"]) == (7, "validate", ["last_token"])
    assert (waiting["step"], waiting["order"]) == (5, "first-key")
    assert waiting["waits_for"] == "organisation"
    assert "Beheerportaal" not in waiting["to_do"]


def test_all_that_is_done_by_hand_is_among_it() -> None:
    """A drift that is added there has a place in ``AT_ONCE`` too."""
    assert sorted(chain(*AT_ONCE)) == sorted(DRIFTS)


@together
@pytest.mark.parametrize("names", AT_ONCE, ids=" and ".join)
def test_what_is_done_by_hand_shows_by_name_and_is_repaired(
    at: OnKeycloak, names: tuple[str, ...]
) -> Script:
    """Also a client that was removed: it comes back with the client-ID that the organisation was
    given."""
    form = write_form(at.forms, f"gent/{names[0]}", scopes=(PLAIN, TESTER), keys=("key-1", "key-2"))
    yield at.up
    yield at.up
    client_id = at.client_id(form)
    before = at.realm.client(client_id)
    expected: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name in names:
        DRIFTS[name].act(at.realm, client_id, form.keys)
        for kind, (op, properties) in DRIFTS[name].shown.items():
            expected[kind, op] |= {one.replace("{client_id}", client_id) for one in properties}
    looked: Preview = yield at.looked
    shown = {
        (place.partition(" ")[0], op): {one for one in properties if not one.startswith("since")}
        for place, (op, properties) in looked.of(form).items()
    }
    assert shown == expected
    yield at.repair
    # `true` or absent, `false` or absent: Keycloak keeps switches in either way.
    assert plain_client(at.realm.client(client_id)) == plain_client(before)
    yield at.up_without_overlap
    assert (yield at.looked).of(form) == {}


@together
def test_drift_lists_what_no_form_declares(at: OnKeycloak) -> Script:
    """The client made by hand, and, a danger, a copy of the declared one; not itself, an operator,
    or what Keycloak makes in each realm.

    The operator of drift is often another than the one that deploys: neither is for a form to take
    over.
    """
    realm, form = at.realm, write_form(at.forms, "gent/copied", scopes=(PLAIN,))
    yield at.up
    yield at.up
    yield at.repair
    yield at.up_without_overlap
    attributes = realm.client(at.client_id(form))["attributes"]
    realm.add_client("a-copy", name="Stad Gent - kopie", attributes=attributes)
    made_by_hand(realm, "forgotten", "Stad Gent - vergeten", PLAIN, keys=())
    made_by_hand(realm, "deploying-operator", "Onboarding", keys=())
    map_roles(realm, "deploying-operator", "manage-clients")
    report = yield at.drift
    listed = [
        {client["client_id"]: client["client_name"] for client in report[name]}
        for name in ("undeclared", "left_behind")
    ]
    assert listed == [{"forgotten": "Stad Gent - vergeten"}, {"a-copy": "Stad Gent - kopie"}]
    clients = [place for place in at.resources() if place.startswith("OAuthClient ")]
    assert report["clients"] == len(clients)


@together
def test_what_is_typed_loses_no_client(at: OnKeycloak) -> Script:
    """``--replace``: the same client, with its keys.

    Its client-ID comes from its key, and is the same again: nobody need be told, and all that was
    inside is made anew.
    """
    form = write_form(at.forms, "gent/replaced", scopes=(PLAIN,))
    yield at.up
    client_id = at.client_id(form)
    before = plain_client(at.realm.client(client_id))
    yield at.up
    yield at.repair
    at.replacing.append(urn_of(at.project, f"OAuthClient {form.key}"))
    outcome: Outcome = yield at.up_without_overlap
    assert f"client {client_id} is left where it is" in outcome.output
    assert at.client_id(form) == client_id
    assert plain_client(at.realm.client(client_id)) == before
    assert at.works(form, "key-1")
    assert (yield at.looked).of(form) == {}


@together
@pytest.mark.parametrize(
    "marks",
    [
        {"acmidm.software_id": "", "acmidm.managed_by": ""},
        {"acmidm.incarnation": "anothers"},
    ],
    ids=["emptied", "another's"],
)
def test_marks_that_are_gone_lose_no_client(at: OnKeycloak, marks: dict[str, str]) -> Script:
    """Emptied by hand, or left by a run that was killed: they come back, and nothing else
    changes."""
    form = write_form(at.forms, f"gent/marks-{len(marks)}", scopes=(PLAIN,))
    yield at.up
    yield at.up
    client_id = at.client_id(form)
    before = plain_client(at.realm.client(client_id))
    at.realm.change(client_id, attributes=marks)
    shown: Preview = yield at.looked
    assert {place: op for place, (op, _) in shown.of(form).items()} == {
        f"OAuthClient {form.key}": "update"
    }
    yield at.repair
    now = plain_client(at.realm.client(client_id))
    for one in (now, before):
        # Keycloak's own, which goes with whatever a client that is nobody's would keep unseen.
        one["attributes"].pop("backchannel.logout.session.required", None)
    assert now == before
    assert at.works(form, "key-1")
    yield at.up_without_overlap
    assert (yield at.looked).of(form) == {}


@together
def test_an_address_of_keys_is_declared_and_changed(at: OnKeycloak) -> Script:
    """What somebody made of it by hand shows; and its client goes with its form."""
    realm = at.realm
    form = _at_an_address(at, "gent/address", FIRST)
    yield at.up
    client_id = at.client_id(form)
    assert source(realm, client_id) == {"jwks_uri": FIRST}
    yield at.up
    realm.change(client_id, attributes={"jwks.url": "https://elsewhere.example/jwks"})
    shown: Preview = yield at.looked
    assert shown.of(form) == {f"OAuthClient {form.key}": ("update", ["jwks_uri"])}
    form.request()["jwks_uri"] = SECOND
    form.save()
    yield at.repair
    assert source(realm, client_id) == {"jwks_uri": SECOND}
    form.remove()
    yield at.up_without_overlap
    assert client_id not in realm.client_ids()


@together
def test_an_address_of_keys_becomes_keys_and_back(at: OnKeycloak) -> Script:
    """At no moment the client has neither keys nor an address: what replaces the other is one
    request."""
    realm = at.realm
    form = _at_an_address(at, "gent/files", FIRST)
    yield at.up
    client_id = at.client_id(form)
    form.request().pop("jwks_uri")
    form.add_key("key-1")
    form.save()
    yield at.up
    assert source(realm, client_id) == {"kids": ["key-1"]}
    assert at.works(form, "key-1")
    assert (yield at.looked).of(form) == {}
    yield at.repair

    form.request()["jwks_uri"] = FIRST
    form.request().pop("jwks")
    form.save()
    yield at.up_without_overlap
    assert source(realm, client_id) == {"jwks_uri": FIRST}
    assert not at.works(form, "key-1")
    assert (yield at.looked).of(form) == {}


def _at_an_address(at: OnKeycloak, name: str, address: str) -> FormFile:
    form = write_form(at.forms, name, scopes=(PLAIN,), keys=())
    form.request()["jwks_uri"] = address
    form.save()
    return form


@together
def test_requests_for_each_client(at: OnKeycloak) -> Script:
    """What is registered in one request is not written once more, what is as declared is not
    looked at, and what is listed is not read one by one.

    How many requests each act needs is in ``tests/authorities/keycloak/test_requests.py``.
    """
    forms = [write_form(at.forms, f"gent/counted-{n}", scopes=(PLAIN, SEND)) for n in range(3)]
    yield at.up
    clients = [at.client_id(form) for form in forms]
    for client_id in clients:
        # The last withdraws the scope that Keycloak gives each client.
        assert at.writes_about(client_id) == ["POST", "DELETE"]
        assert len(at.products.seen("GET|PUT", f"/configurations/{client_id}")) == 2
    at.require_few_lists()
    yield at.up
    assert not any(map(at.sent_about, clients))
    yield at.repair
    assert not any(map(at.writes_about, clients))
    at.require_few_lists()
    # Though a refresh forgets what was registered along.
    yield at.up_without_overlap
    assert not any(map(at.sent_about, clients))
    there = [at.realm.client(client_id)["id"] for client_id in clients]
    yield at.destroy
    for internal_id in there:
        assert len(at.keycloak.seen("POST|PUT|DELETE", internal_id)) == 1
    at.require_few_lists()
    one_by_one = 3
    assert len(at.products.seen("GET", "/proef/configurations/")) == one_by_one
