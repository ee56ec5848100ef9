"""The gate to production on the real engine: two stacks, two authorities, and evidence beside the
forms.

All cases share the stacks. A connection is held back until it is proven on TNI. Whatever becomes of
its evidence and of TNI then, the gate takes nothing away that is there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.support.engine import Outcome
from tests.support.forms import PLAIN, SEND, FormFile
from tests.support.key_ends import TEN_DAYS, ends
from tests.support.portal import RunningPortal, new_key, public_jwk, put_current
from tests.support.registry import Registry, kids
from tests.support.together import Command, Script, differing, own, together
from tests.support.two_stacks import TwoStacks, two_stacks, with_production

NO_EVIDENCE = "there is no evidence from TNI"
NO_STACK = 'nothing is proven, for TNI cannot be looked at: there is no stack "tni"'
NOT_SEEN = "its authority had not seen the key that signed it"
_EXEMPT = {
    "promotion-gate": {"reason": "a system of before, replaced in 2027", "reference": "SD-4810"}
}


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoStacks]:
    with two_stacks(tmp_path_factory.mktemp("two"), portal, registry) as both:
        yield both


def held_back(outcome: Outcome) -> list[str]:
    """The sentences about what the gate holds back."""
    found = (
        line.strip().partition("warning: not declared: ") for line in outcome.output.splitlines()
    )
    return [sentence for before, warning, sentence in found if warning and not before]


def kinds_of(review: dict[str, Any]) -> dict[str, list[str]]:
    """Per connection that a review names, the kinds of its changes."""
    return {
        one["key"]: [change["kind"] for change in one["changes"]] for one in review["connections"]
    }


def scopes_of(at: TwoStacks, form: FormFile) -> set[str]:
    """The scopes of a client on production that somebody granted: the provider of an API assigns
    its own."""
    return set(at.in_prod.client(form.application)["scopes"]) - {"vo_info"}


def is_changed_by_hand(drift: dict[str, Any], form: FormFile) -> bool:
    return form.key in {one["key"] for one in drift["by_hand"]}


def differs(drift: dict[str, Any], form: FormFile) -> bool:
    return form.key in {one["key"] for one in (*drift["by_hand"], *drift["not_applied"])}


def let_through(at: TwoStacks, name: str) -> Generator[Command, Any, FormFile]:
    """Prove a new form on TNI and declare it on production; then its evidence goes, and TNI."""
    form = with_production(at.prod, name, scopes=(SEND,))
    yield at.up
    evidence = at.prove(form, "tni-key", SEND, products=["notificaties"])
    yield at.up
    yield at.prod_deploy
    assert scopes_of(at, form) == {SEND}
    evidence.unlink()
    yield at.destroy
    return form


@together
def test_without_a_stack_of_tni_and_evidence_all_is_held_back(at: TwoStacks) -> Script:
    """A review says so of each connection, but of one with an exemption."""
    form = with_production(at.prod, "onbewezen")
    exempted = with_production(at.prod, "uitgezonderd", exemptions=_EXEMPT)
    review = yield at.prod_review
    (found,) = [one for one in review["connections"] if one["key"] == form.key]
    for why, change in zip((NO_STACK, NO_EVIDENCE), found["changes"], strict=True):
        assert (change["kind"], why in change["text"]) == ("held_back", True), change
    assert "held_back" not in kinds_of(review)[exempted.key]
    yield at.up
    yield at.up
    yield at.prod_deploy
    assert at.in_prod.clients(form.application) == []
    assert at.in_prod.client(exempted.application)
    declared = yield at.prod_connections
    assert exempted.key in declared
    assert form.key not in declared


@together
def test_a_run_says_once_per_reason_what_is_not_proven(at: TwoStacks) -> Script:
    """The engine alone would show each warning twice."""
    forms = [with_production(at.prod, f"aan-{number}") for number in range(2)]
    yield at.up
    yield at.up
    deployed = yield at.prod_deploy
    assert deployed.code == 0, deployed.output
    (said,) = [sentence for sentence in held_back(deployed) if NO_EVIDENCE in sentence]
    assert said.startswith("gent/aan-0 on prod, gent/aan-1 on prod")
    assert not {form.key for form in forms} & (yield at.prod_connections)
    yield at.destroy
    bare = yield at.prod_up
    assert bare.code != 0, "a program does not know whether they are there"
    assert "which this state lacks, is not known here" in bare.output


@together
def test_a_review_names_what_its_change_holds_back_and_counts_the_rest(at: TwoStacks) -> Script:
    """It goes by the files since the stack was brought up last; before that nobody knows, and each
    is named."""
    earlier = [with_production(at.prod, f"vroeger-{number}") for number in range(2)]
    first = yield at.prod_review
    named = {key for key, kinds in kinds_of(first).items() if "held_back" in kinds}
    assert {form.key for form in earlier} <= named
    assert first["notes"] == []
    yield at.up
    yield at.up
    yield at.prod_deploy
    others = named - (yield at.prod_connections)
    added = with_production(at.prod, "nieuw")
    then = yield at.prod_review
    assert kinds_of(then) == {added.key: ["held_back"] * 2}
    assert then["notes"] == [
        f"{len(others)} other connections are held back from production; acmidm status --board"
        " says what each waits for."
    ]
    assert then["headline"] == "1 client is held back on prod"


@together
def test_evidence_counts_once_a_run_on_tni_has_seen_its_key(at: TwoStacks) -> Script:
    """Neither by a key with which no token was ever got, nor before that run."""
    unused, unseen = with_production(at.prod, "ongebruikt"), with_production(at.prod, "ongezien")
    yield at.up
    at.record_evidence(unused, "tni-key", PLAIN)
    yield at.up
    at.prove(unseen, "tni-key", PLAIN)
    deployed = yield at.prod_deploy
    (said,) = [sentence for sentence in held_back(deployed) if NOT_SEEN in sentence]
    assert said.startswith("gent/ongebruikt on prod, gent/ongezien on prod: ")
    assert at.in_prod.clients(unused.application) == at.in_prod.clients(unseen.application) == []


@together
def test_what_is_proven_is_declared_and_nothing_undeclares_it(at: TwoStacks) -> Script:
    """Its evidence goes, and TNI. A key is replaced all the same; a scope that is added waits."""
    form = with_production(at.prod, "aan-de-beurt")
    yield at.up
    evidence = at.prove(form, "tni-key", PLAIN)
    yield at.up
    assert differing((yield at.drift), form) == [], "evidence that was seen is no difference"
    yield at.prod_deploy
    there = at.in_prod.client(form.application)
    here = at.registry.client(form.application)
    assert [client["software_id"] for client in (here, there)] == [
        f"acmidm/tni/{form.key}",
        f"acmidm/prod/{form.key}",
    ]
    assert (kids(here), kids(there)) == ({"tni-key"}, {"prod-key"})

    evidence.unlink()
    yield at.destroy
    assert at.registry.clients(form.application) == []
    form.request("prod")["scopes"]["vo"] = {}
    form.request("prod")["jwks"] = []
    form.add_key("next-key", "prod")
    form.save()
    said = held_back((yield at.prod_up))
    for why in ('stack "tni" does not have it', NO_EVIDENCE, 'scope "vo" is not proven on TNI'):
        assert any("gent/aan-de-beurt on prod" in one and why in one for one in said), said
    after = at.in_prod.client(form.application)
    assert after["client_id"] == there["client_id"]
    assert (after["scopes"], kids(after)) == (there["scopes"], {"next-key"})
    assert not differs((yield at.prod_drift), form)


@pytest.mark.exhaustive
@together
def test_where_the_stack_of_tni_is_removed_too_nothing_differs(at: TwoStacks) -> Script:
    form = yield from let_through(at, "zonder-tni")
    yield at.prod_up
    yield at.prod_heal
    yield at.remove_stack
    yield at.prod_deploy
    assert own((yield at.prod_settled), form) == {}
    assert not differs((yield at.prod_drift), form)


@together
def test_keys_of_the_portal_prove_a_connection_too(at: TwoStacks) -> Script:
    form = with_production(at.prod, "portaal", in_portal=True)
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    form.keys["uploaded"] = new_key("uploaded")
    uploaded = {"keys": [public_jwk(form.keys["uploaded"])]}
    path = f"/management/v1/clients/{client_id}/jwks"
    put_current(at.registry.http, path, uploaded).raise_for_status()
    evidence = at.prove(form, "uploaded", PLAIN)
    yield at.up
    yield at.prod_deploy
    assert at.in_prod.client(form.application)
    evidence.unlink()
    yield at.destroy
    yield at.prod_up
    assert at.in_prod.client(form.application)


@together
def test_a_key_that_ends_is_found_while_its_connection_is_held_back(at: TwoStacks) -> Script:
    """And not where the connection has left. Neither is drift."""
    waiting = with_production(at.prod, "wacht")
    left = with_production(at.prod, "weg", retire="2020-03-31")
    for form in (waiting, left):
        ends(form, "prod-key", TEN_DAYS)
    yield at.up
    yield at.up
    yield at.prod_deploy
    listed, expiring = (
        at.prod.acmidm("status", "--stack", "prod", *words).stdout
        for words in ((), ("--expiring", "20"))
    )
    line = f"Stad Gent · {waiting.application}  production  no client yet"
    assert line in expiring.splitlines()
    assert waiting.application not in listed
    assert left.application not in listed + expiring
    drift = yield at.prod_drift
    assert not differs(drift, waiting)
    assert not differs(drift, left)


@pytest.mark.exhaustive
@together
def test_a_client_that_was_removed_by_hand_is_brought_back(at: TwoStacks) -> Script:
    """With all that is in it."""
    form = yield from let_through(at, "verwijderd")
    client_id = at.in_prod.client(form.application)["client_id"]
    yield at.prod_up
    at.in_prod.remove_configuration("notificaties", client_id)
    at.in_prod.remove(client_id)
    healed = yield at.prod_heal
    assert healed["healed"], healed["problems"]
    assert form.key in {one["key"] for one in healed["repaired"]}
    assert scopes_of(at, form) == {SEND}
    assert form.key in (yield at.prod_connections)
    yield at.prod_deploy
    assert own((yield at.prod_settled), form) == {}


@pytest.mark.exhaustive
@together
def test_a_scope_and_a_product_that_were_removed_by_hand_are_brought_back(at: TwoStacks) -> Script:
    form = yield from let_through(at, "leeggemaakt")
    client_id = at.in_prod.client(form.application)["client_id"]
    yield at.prod_up
    at.in_prod.remove_configuration("notificaties", client_id)
    at.in_prod.set_scopes(client_id, [])
    healed = yield at.prod_heal
    assert healed["healed"], healed["problems"]
    assert form.key in {one["key"] for one in healed["repaired"]}
    assert scopes_of(at, form) == {SEND}
    assert at.in_prod.configuration("notificaties", client_id) is not None
    yield at.prod_deploy
    assert own((yield at.prod_settled), form) == {}


@pytest.mark.exhaustive
@together
def test_a_run_that_looks_first_brings_a_removed_client_back_too(at: TwoStacks) -> Script:
    form = yield from let_through(at, "opgezocht")
    client_id = at.in_prod.client(form.application)["client_id"]
    yield at.prod_up
    yield at.prod_heal
    at.in_prod.remove_configuration("notificaties", client_id)
    at.in_prod.remove(client_id)
    at.prod.succeed("stack", "tag", "set", "acmidm:look-first", "true")
    yield at.prod_deploy
    assert scopes_of(at, form) == {SEND}


@pytest.mark.exhaustive
@together
def test_a_client_that_the_state_lost_is_found_again(at: TwoStacks) -> Script:
    """A program cannot ask the authority, and says so; ``acmidm deploy`` asks, and hands it on."""
    form = yield from let_through(at, "kwijt")
    there = at.in_prod.client(form.application)
    settings = (at.prod.folder / "Pulumi.prod.yaml").read_text()
    yield at.prod_up
    yield at.prod_heal
    at.prod.lose(form)
    left_behind = (yield at.prod_drift)["left_behind"]
    assert there["client_id"] in {one["client_id"] for one in left_behind}
    bare = yield at.prod_up
    assert bare.code != 0
    (said,) = [one for one in bare.errors if "is not known here" in one and form.key in one]
    assert said.endswith("run acmidm deploy --stack prod, which asks the authority")
    yield at.prod_heal
    yield at.prod_deploy
    assert at.in_prod.client(form.application)["client_id"] == there["client_id"]
    assert form.key in (yield at.prod_connections)
    drift = yield at.prod_drift
    assert (differs(drift, form), drift["left_behind"]) == (False, [])
    assert own((yield at.prod_settled), form) == {}
    assert (at.prod.folder / "Pulumi.prod.yaml").read_text() == settings, "nothing is saved there"


@pytest.mark.exhaustive
@together
def test_scopes_that_only_the_authority_knows_stay_as_they_are(at: TwoStacks) -> Script:
    """The state has lost them alone: what a run does not know it leaves, and all else is done. So
    does drift, which names the client and the way out. A command asks, and finds them again."""
    changed = with_production(at.prod, "geheeld", scopes=(SEND,), exemptions=_EXEMPT)
    form = yield from let_through(at, "scopes-kwijt")
    yield at.prod_up
    yield at.prod_heal
    urn = at.prod.resources()[f"ClientScopes {form.key}"]["urn"]
    at.prod.succeed("state", "delete", urn, "--yes", "--force")
    form.add_key("second", "prod")
    form.save()
    bare = yield at.prod_up
    assert bare.code != 0
    (said,) = [one for one in bare.errors if "the scopes of" in one]
    assert form.key in said
    assert "are left as they are" in said
    assert kids(at.in_prod.client(form.application)) == {"prod-key", "second"}
    assert scopes_of(at, form) == {SEND}
    at.in_prod.set_scopes(at.in_prod.client(changed.application)["client_id"], [])
    found = yield at.prod_heal
    assert scopes_of(at, changed) == {SEND}
    assert changed.key in {one["key"] for one in found["repaired"]}
    assert differs(found, form)
    (said,) = [note for note in found["notes"] if "the scopes of" in note]
    assert form.key in said
    assert "run acmidm deploy --stack prod" in said
    assert scopes_of(at, form) == {SEND}
    yield at.prod_deploy
    assert not differs((yield at.prod_drift), form)
    assert scopes_of(at, form) == {SEND}


@together
def test_what_somebody_grants_by_hand_is_no_more_proven_for_it(at: TwoStacks) -> Script:
    """It is requested and held back: it is drift, before a run and after it."""
    form = yield from let_through(at, "verleend")
    form.request("prod")["scopes"][PLAIN] = {}
    form.save()
    at.in_prod.set_scopes(at.in_prod.client(form.application)["client_id"], [SEND, PLAIN])
    assert is_changed_by_hand((yield at.prod_drift), form)
    yield at.prod_up
    assert is_changed_by_hand((yield at.prod_drift), form)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "day", ["2020-03-31", {"notificaties": "2020-03-31"}], ids=["client", "product"]
)
@together
def test_a_day_that_is_taken_away_gives_back_what_it_took(at: TwoStacks, day: Any) -> Script:
    """Of a client that was about to be removed, and of a product."""
    form = yield from let_through(at, "blijft" if isinstance(day, str) else "houdt")
    form.document["retire"] = day
    form.save()
    yield at.prod_up
    assert scopes_of(at, form) == set()
    yield at.prod_heal
    del form.document["retire"]
    form.save()
    yield at.prod_deploy
    assert scopes_of(at, form) == {SEND}
    assert own((yield at.prod_settled), form) == {}
