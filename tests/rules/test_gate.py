"""The gate to production, by itself: what is declared, and what is missing of the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acmidm_onboarding.rules.desired import Desired, desired
from acmidm_onboarding.rules.gate import TestStack, waits_for_test
from acmidm_onboarding.rules.policies import Gate, PromotionGate
from acmidm_onboarding.values.client import NOT_CONFIGURED, Client, Grant, Records
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.evidence import Evidence, EvidenceFile, summary
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.keys import Key, PublicKeys
from acmidm_onboarding.values.metadata import ProductDocument
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform
from tests.support.changed import changed, configured
from tests.support.declared import declaration
from tests.support.evidence import proof

NOW = datetime(2027, 1, 1, tzinfo=UTC)
DAYS = 90
KEY = "OVO002067/loket"


def has(
    client_id: str,
    scopes: Iterable[str],
    products: Iterable[str] = (),
    keys: Iterable[str] | None = (),
    **more: Any,
) -> Client:
    """A client as a state has it; ``keys`` are thumbprints."""
    found = None if keys is None else {thumbprint: Key(thumbprint) for thumbprint in keys}
    client = Client(
        KEY,
        Platform.ACMIDM,
        Environment.PROD,
        client_id=client_id,
        scopes=dict.fromkeys(scopes, Grant()),
        products=dict.fromkeys(products, NOT_CONFIGURED),
        keys=PublicKeys(found),
    )
    return changed(client, **more)


def proven(at: datetime = NOW - timedelta(days=1), **changes: Any) -> Evidence:
    """Evidence of two scopes and a product, by a key of TNI."""
    said = {
        "client_id": "tni-id",
        "scopes": {"send", "dossiers"},
        "products": {"notificaties"},
        **changes,
    }
    return proof(**said, iat=int(at.timestamp()))


EVIDENCE = proven()
CONFIRMED: dict[str, Any] = {"seen": "thumb", "proven": summary(EVIDENCE)}
ON_TNI = has("tni-id", {"send", "dossiers"}, {"notificaties"}, keys={"thumb"}, **CONFIRMED)
TNI = TestStack("tni", {KEY: ON_TNI})


def connection(
    scopes: tuple[str, ...] = ("send",),
    products: tuple[str, ...] = (),
    test_evidence: Evidence | None = EVIDENCE,
    refused: str | None = None,
    **changes: object,
) -> Declaration:
    values: dict[str, Any] = {
        "scopes": dict.fromkeys(scopes, "requested"),
        "jwks": {"prod-1": PublicJwk("prod-1", {}, "prod-thumb")},
        "products": {product: {"id": product} for product in products},
        "path": "gent/loket",
        "test_evidence_file": EvidenceFile(test_evidence, refused),
    }
    return declaration(environment=Environment.PROD, **{**values, **changes})


def ask(
    asked: Declaration,
    own: Records | None = None,
    tests: TestStack | None = TNI,
    mode: PromotionGate = PromotionGate.ENFORCE,
) -> Desired:
    return desired(
        [asked], NOW, gate=Gate(mode, DAYS), records=lambda: own or {}, tests=lambda: tests
    )


def passes(asked: Declaration, *given: Any, **more: Any) -> bool:
    """Whether all of it is declared, and nothing is missing."""
    passage = ask(asked, *given, **more)
    return passage == Desired((asked,), (asked,), proven=passage.proven)


def missing(
    asked: Declaration, own: Records | None = None, tests: TestStack | None = TNI
) -> list[str]:
    """The sentences without their remedies; nothing of a connection that nothing holds is declared
    then."""
    passage = ask(asked, own, tests)
    assert bool(passage.declared) is (not passage.held_back or bool(own))
    assert all("; " in sentence for one in passage.held_back for sentence in one.sentences), (
        "each has its remedy"
    )
    return [sentence.partition("; ")[0] for one in passage.held_back for sentence in one.sentences]


def test_what_was_proven_passes() -> None:
    asked = connection(("send", "dossiers"), ("notificaties",))
    assert passes(asked)
    assert ask(asked).proven == (asked,)
    assert ask(asked, {KEY: ON_TNI}).proven == (), "nothing is added"


def test_scopes_have_the_platforms_names() -> None:
    """Evidence has the catalogue's."""
    asked = connection(("DosisImport",), catalogue_names={"DosisImport": "dossiers"})
    assert (
        missing(asked, tests=TestStack("tni", {KEY: has("tni-id", {"DosisImport"}, **CONFIRMED)}))
        == []
    )


_OLD = proven(at=NOW - timedelta(days=DAYS, seconds=1))
_OF_ANOTHER = proven(client_id="another")
_WITH_SECRET: dict[str, Any] = {"method": AuthMethod.CLIENT_SECRET_BASIC, "test_evidence": None}


@pytest.mark.parametrize(
    ("sentence", "changes"),
    [
        ("there is no evidence from TNI", {"test_evidence": None}),
        (
            "its evidence from TNI counts as none, for it is no JSON",
            {"test_evidence": None, "refused": "it is no JSON"},
        ),
        ("its evidence of 2026-10-02 is more than 90 days old", {"test_evidence": _OLD}),
        (
            'its evidence is of client "another", which is not the one of stack "tni"',
            {"test_evidence": _OF_ANOTHER},
        ),
        ("a client with a secret cannot sign evidence", _WITH_SECRET),
    ],
)
def test_evidence_that_does_not_count(sentence: str, changes: dict[str, Any]) -> None:
    assert missing(connection(**changes)) == [f"gent/loket on prod: {sentence}"]


def test_all_that_is_not_covered_is_listed() -> None:
    asked = connection(("send", "other", "more"), ("notificaties", "dosis"))
    assert missing(asked) == [
        'gent/loket on prod: scope "more" is not proven on TNI',
        'gent/loket on prod: scope "other" is not proven on TNI',
        'gent/loket on prod: product "dosis" is not proven on TNI',
    ]


def test_what_has_to_be_proven_is_said_with_the_options_that_prove_it() -> None:
    """Where a product is proven by its test message alone, that is among them."""
    for needs_test_message, options in ((False, "with --record on"), (True, "--send-test-message")):
        asked = connection(test_evidence=None, needs_test_message=needs_test_message)
        [sentence] = ask(asked).held_back[0].sentences
        assert options in sentence


def test_only_a_run_on_tni_is_missing_where_all_is_proven() -> None:
    """Evidence of a part is no reason to bring TNI up: its organisation goes on proving."""
    unseen = changed(ON_TNI, seen=None)
    assert waits_for_test(connection(("send",), ("notificaties",)), unseen)
    assert not waits_for_test(connection(("send",), ("notificaties", "dosis")), unseen)
    assert not waits_for_test(connection(("send", "more")), unseen)


def test_a_test_stack_that_proves_nothing() -> None:
    """It is not there, cannot be read, or does not have the connection: nothing crashes, and
    nothing is proven."""
    asked = connection()
    assert missing(asked, tests=TestStack("tni", {}, 'there is no stack "tni"')) == [
        "gent/loket on prod: nothing is proven, for TNI cannot be looked at: there is no stack"
        ' "tni"'
    ]
    assert missing(asked, tests=TestStack("tni", {})) == [
        'gent/loket on prod: stack "tni" does not have it'
    ]
    assert missing(replace(asked, platform=Platform.GEOSECURE)) == [
        'gent/loket on prod (geosecure): stack "tni" does not have it'
    ]


def test_tni_has_the_key_that_signed() -> None:
    """A form that leaves its keys to the portal from now on has none to compare with: until TNI was
    brought up, its state has the keys."""
    forged = proven(thumbprint="of the author")
    assert missing(connection(test_evidence=forged)) == [
        "gent/loket on prod: its evidence from https://tni.example/op was signed with a key that"
        ' stack "tni" does not have'
    ]


@pytest.mark.parametrize("in_portal", [False, True])
def test_evidence_counts_once_tnis_run_has_confirmed_it(in_portal: bool) -> None:
    """That its key is declared, or is in the portal, is not enough: it could be written without a
    single token."""
    on_tni = changed(ON_TNI, keys=None) if in_portal else ON_TNI
    assert missing(connection(), tests=TestStack("tni", {KEY: on_tni})) == []
    earlier = summary(proven(at=NOW - timedelta(days=2)))
    for changes in ({"seen": None}, {"seen": "another"}, {"proven": earlier}):
        (sentence,) = missing(
            connection(), tests=TestStack("tni", {KEY: changed(on_tni, **changes)})
        )
        assert sentence.endswith(
            'was not confirmed when stack "tni" was last brought up: its authority had not seen the'
            " key that signed it"
        )


def test_without_any_state_forms_and_evidence_alone_count() -> None:
    """As validate has it: who the client is and which keys the portal lists is not known."""
    assert missing(connection(test_evidence=proven(client_id="another")), tests=None) == []
    assert missing(connection(("send", "other")), tests=None) == [
        'gent/loket on prod: scope "other" is not proven on TNI'
    ]


def test_what_was_taken_from_who_was_to_leave_is_remembered_until_it_is_back() -> None:
    """The run that gives it back may fail halfway."""
    asked = connection(("send", "dossiers"), test_evidence=None)
    taken = has("prod-id", (), withdrawn=frozenset({"send", "dossiers"}))
    (declared,) = ask(asked, {KEY: taken}).declared
    assert (set(declared.scopes), declared.leaving.withdrawn) == (
        {"send", "dossiers"},
        frozenset({"send", "dossiers"}),
    )
    (again,) = ask(
        asked, {KEY: replace(taken, scopes=dict.fromkeys(("send", "dossiers"), Grant()))}
    ).declared
    assert again.leaving.withdrawn == frozenset()


def test_a_client_without_its_scopes_in_the_state_is_not_known() -> None:
    partial = replace(has("prod-id", ()), scopes=None)
    passage = ask(connection(test_evidence=None), {KEY: partial})
    (held_back,), (declared,) = passage.held_back, passage.declared
    assert (held_back.is_partial, declared.leaves_scopes) == (True, True)


def test_what_tni_never_granted_is_not_proven_whatever_evidence_says() -> None:
    """It is signed by the application itself, which may write what it likes into it."""
    few = TestStack("tni", {KEY: has("tni-id", {"send"}, **CONFIRMED)})
    asked = connection(("send", "dossiers"), ("notificaties",))
    assert missing(asked, tests=few) == [
        'gent/loket on prod: scope "dossiers" is in its evidence, and stack "tni" does not have it',
        (
            'gent/loket on prod: product "notificaties" is in its evidence, and stack "tni" does'
            " not have it"
        ),
    ]
    (declared,) = ask(replace(asked, products={}), {KEY: has("prod-id", {"send"})}, few).declared
    assert set(declared.scopes) == {"send"}
    assert missing(asked) == []


def test_what_was_in_production_before_stays_and_only_what_is_added_needs_evidence() -> None:
    """Withdrawals, keys, and the fields of products go through."""
    own = {KEY: has("prod-id", {"other", "withdrawn"}, {"dosis"}, keys={"old"})}
    held = connection(("other",), ("dosis",), test_evidence=None)
    assert passes(held, own, tests=None)

    more = connection(("other", "send", "new"), ("dosis", "mijn"), attributes={"a": "b"})
    passage = ask(more, own)
    (declared,) = passage.declared
    assert (set(declared.scopes), set(declared.products)) == ({"other", "send"}, {"dosis"})
    assert (declared.keys.declared, declared.configurations["dosis"], declared.attributes) == (
        more.keys.declared,
        {"id": "dosis"},
        {"a": "b"},
    )
    assert [(one.is_declared, one.is_new) for one in passage.held_back] == [(False, False)]
    assert missing(more, own) == [
        'gent/loket on prod: scope "new" is not proven on TNI',
        'gent/loket on prod: product "mijn" is not proven on TNI',
    ]
    lost = missing(replace(more, test_evidence_file=EvidenceFile()), own)
    assert lost[0] == "gent/loket on prod: there is no evidence from TNI"
    assert len(lost) == 4, "and each of the two scopes and the product that are not added"


def test_whom_it_sends_for_in_addition_is_proven_too() -> None:
    """TNI sends for them, by evidence of the product. Whom it sent for before stays."""

    def sending(*names: str) -> dict[str, Any]:
        return {"id": "x", "afzenders": [{"code": name, "name": f"Stad {name}"} for name in names]}

    def on(*names: str) -> dict[str, ProductDocument]:
        return configured({"notificaties": sending(*names)})

    own = {KEY: replace(has("prod-id", {"send"}), products=on("a"))}
    tests = TestStack("tni", {KEY: replace(ON_TNI, products=on("a", "b"))})
    asked = replace(connection(products=("notificaties",)), products=on("a", "b", "c", "d"))
    (declared,) = ask(asked, own, tests).declared
    assert declared.products == on("a", "b")
    assert missing(asked, own, tests) == [
        'gent/loket on prod: stack "tni" does not send for Stad c, Stad d through product'
        ' "notificaties"'
    ]
    assert missing(
        replace(asked, test_evidence_file=EvidenceFile(proven(products=set()))), own, None
    ) == [
        'gent/loket on prod: product "notificaties" is not proven on TNI for Stad b, Stad c, Stad d'
    ]
    assert passes(asked, own, tests=None)
    assert passes(replace(asked, products=on("a", "b")), own, tests)
    assert passes(replace(asked, products=on(), test_evidence_file=EvidenceFile()), own, tests)
    assert missing(asked, {}, tests) == missing(asked, own, tests)


def test_a_connection_is_known_by_its_earlier_name_too() -> None:
    renamed = connection(application="balie", formerly=(KEY,), test_evidence=None)
    own = {KEY: has("prod-id", {"send"})}
    assert ask(renamed, own).declared == (renamed,)
    assert missing(replace(renamed, test_evidence_file=EvidenceFile(EVIDENCE))) == [], "on TNI too"


def test_another_platform_is_a_new_connection() -> None:
    asked = replace(connection(test_evidence=None), platform=Platform.GEOSECURE)
    assert ask(asked, {KEY: has("prod-id", {"send"})}).declared == ()


def test_a_scope_whose_name_on_the_platform_was_corrected_is_none_that_is_added() -> None:
    """The state has it under the name of before; one that is asked besides is added all the
    same."""
    asked = connection(
        ("DosisImport", "other"),
        test_evidence=None,
        catalogue_names={"DosisImport": "dossiers", "other": "other"},
    )
    for recorded in (
        {"scopes": ("dossiers",)},
        {"scopes": ("Dosis",), "catalogue_names": {"Dosis": "dossiers"}},
    ):
        (declared,) = ask(asked, {KEY: has("prod-id", **recorded)}).declared
        assert set(declared.scopes) == {"DosisImport"}


def test_an_exemption_passes_whatever_is_missing() -> None:
    asked = connection(test_evidence=None, exemptions={"promotion-gate": "agreed (SD-1)"})
    assert passes(asked, tests=TestStack("tni", {}))
    assert ask(changed(asked, exemptions={"client-secret": "x"})).declared == ()


def test_off_and_warn_declare_all() -> None:
    """And a test environment has no gate. What is missing is the same with warn."""
    asked = connection(test_evidence=None)
    assert passes(asked, mode=PromotionGate.OFF)
    assert passes(replace(asked, environment=Environment.TNI))
    warned = ask(asked, mode=PromotionGate.WARN)
    assert warned.declared == (asked,)
    assert [one.sentences for one in warned.held_back] == [
        one.sentences for one in ask(asked).held_back
    ]
    assert [(one.is_declared, one.is_new) for one in warned.held_back] == [(True, True)]


_NAMES = st.frozensets(st.sampled_from(["a", "b", "c", "d"]))
_THUMBPRINTS = st.frozensets(st.sampled_from(["thumb", "x"]))
_SEEN = st.none() | st.sampled_from(["thumb", "x"])
_HELD = st.builds(
    has, st.sampled_from(["1", "2"]), _NAMES, _NAMES, keys=st.none() | _THUMBPRINTS, seen=_SEEN
)
_STATES = st.dictionaries(st.sampled_from([KEY, f"{KEY}/geosecure", "OVO000067/loket"]), _HELD)
_EVIDENCE = st.builds(
    proven,
    st.sampled_from([NOW, NOW - timedelta(days=DAYS + 1)]),
    client_id=st.sampled_from(["1", "2"]),
    scopes=_NAMES,
    products=_NAMES,
    thumbprint=st.sampled_from(["thumb", "x"]),
)
_ASKED = st.builds(
    lambda platform, scopes, products, evidence, method, formerly: connection(
        tuple(sorted(scopes)),
        tuple(sorted(products)),
        platform=platform,
        test_evidence=evidence,
        method=method,
        formerly=formerly,
    ),
    st.sampled_from(Platform),
    _NAMES,
    _NAMES,
    st.none() | _EVIDENCE,
    st.sampled_from(AuthMethod),
    st.sampled_from([(), ("OVO000067/loket",)]),
)
_TESTS = st.none() | st.builds(TestStack, st.just("tni"), _STATES, st.sampled_from(["", "why"]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_ASKED, _STATES, _TESTS, st.sampled_from(PromotionGate))
def test_what_the_state_has_is_never_undeclared(
    asked: Declaration, own: Records, tests: TestStack | None, mode: PromotionGate
) -> None:
    """Whatever is held, asked, proven, and on TNI: what is both asked and held stays declared;
    nothing is that was not asked."""
    passage = ask(asked, own, tests, mode)
    former = (
        [KEY.replace("OVO002067", "OVO000067") + asked.resource_name.removeprefix(KEY)]
        if asked.form.formerly
        else []
    )
    held = next((own[name] for name in (asked.resource_name, *former) if name in own), None)
    for declared in passage.declared:
        assert declared.scopes.items() <= asked.scopes.items()
        assert declared.products.items() <= asked.products.items()
        assert (
            replace(declared, scopes=asked.scopes, products=asked.products, leaves_scopes=False)
            == asked
        )
    if held is not None:
        (declared,) = passage.declared
        assert declared.scopes.keys() >= asked.scopes.keys() & (held.scopes or {}).keys()
        assert declared.products.keys() >= asked.products.keys() & held.products.keys()
    elif passage.held_back and mode is PromotionGate.ENFORCE:
        assert passage.declared == (), "a new connection is declared as a whole, or not at all"
    else:
        assert passage.declared == (asked,)
    assert passage.held_back or passage.declared == (asked,), "whatever is not declared is said"
