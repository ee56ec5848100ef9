"""Declared, recorded and real, field by field: who is said to have done what, and what a repair
would touch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from acmidm.commands.drift import _add_who, _read_actual
from acmidm.report.connection import ConnectionChanges, client_name
from acmidm.report.drift import ExpiringKey, ends_that_passed, expiring_keys, key_warnings
from acmidm.report.kinds import Change, Kind
from acmidm.report.three_views import ActualPlatform, ClientDrift, compare_clients
from acmidm.report.trail import attributed, changes_in
from acmidm.report.undeclared import undeclared
from acmidm_onboarding.authorities.errors import AuthorityError, Unintelligible, Unreachable
from acmidm_onboarding.authorities.key_names import keys_by_name
from acmidm_onboarding.authorities.port import RecordedChange
from acmidm_onboarding.recorded import Recorded
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.settings import InvalidSettings
from acmidm_onboarding.values.client import Client, Clients, Secret
from acmidm_onboarding.values.metadata import Owner
from acmidm_onboarding.values.terms import Platform
from tests.report.views import CONFIGURATION, ID, KEY, PARTS, keys, real, stored, urn, wanted
from tests.support.changed import changed
from tests.support.rendering import as_markdown, print_report
from tests.support.samples import COMPARISON, NOW, OVO, drift_report


def compared(
    recorded: Client | None,
    declared: Client | None,
    of: dict[Platform, ActualPlatform],
    *,
    forms: bool = True,
    **how: Any,
) -> ClientDrift:
    """The one client."""
    side: Clients = {declared.client_key: declared} if declared else {}
    (one,) = compare_clients(
        Recorded({recorded.resource_name: recorded} if recorded else {}, **how),
        side if forms else None,
        of,
        COMPARISON,
    )
    return one


def said(one: ClientDrift) -> tuple[set[tuple[str, str | None]], set[tuple[str, str | None]]]:
    """The changes by hand and the pending ones: kind and subject."""
    sides = [
        {(change.kind.value, change.subject) for change in side.changes} if side else set()
        for side in (one.by_hand, one.pending)
    ]
    return sides[0], sides[1]


TWO = {"vo_info": "requested", "dv_x": "requested"}
BY_HAND = [
    ({"scopes": ("vo_info", "dv_x")}, ("scope_granted", "dv_x"), "ClientScopes"),
    ({"scopes": ()}, ("scope_withdrawn", "vo_info"), "ClientScopes"),
    ({"default": ("vo_info",)}, ("scope_default", "vo_info"), "ClientScopes"),
    (
        {"scopes": ("vo_info", "dv_x"), "default": ("dv_x",)},
        ("scope_granted", "dv_x"),
        "ClientScopes",
    ),
    (
        {"metadata": {"attributes": {"setbyclient_x": "y"}}},
        ("attributes_changed", None),
        "OAuthClient",
    ),
    ({"keys": ("a", "b", "c")}, ("key_added", "c"), "ClientJwks"),
    ({"metadata": {"enabled": False}}, ("client_disabled", None), "OAuthClient"),
    ({"metadata": {"contacts": ("x@y.example",)}}, ("client_updated", None), "OAuthClient"),
    ({"metadata": {"managed_by": None}}, ("client_updated", None), "OAuthClient"),
    ({"metadata": {"software_id": "acmidm/prod/x/y"}}, ("client_renamed", None), "OAuthClient"),
    (
        {"configuration": {**CONFIGURATION, "merk_code": "x"}},
        ("product_changed", "notificaties"),
        "ProductConfiguration/notificaties",
    ),
    ({"owner": Owner()}, ("product_changed", "notificaties"), "ProductConfiguration/notificaties"),
    (
        {"configuration": None},
        ("product_removed", "notificaties"),
        "ProductConfiguration/notificaties",
    ),
]


@pytest.mark.parametrize(("how", "change", "part"), BY_HAND)
def test_what_somebody_changed_by_hand(
    how: dict[str, Any], change: tuple[str, str | None], part: str
) -> None:
    """Actual, and neither recorded nor declared: repaired by that resource alone."""
    one = compared(stored(), wanted(), real(**how))
    assert said(one) == ({change}, set())
    assert (one.healing, one.not_healed) == ([urn(part)], set())


PENDING: list[tuple[dict[str, Any], tuple[str, str | None], str]] = [
    ({"scopes": TWO}, ("scope_granted", "dv_x"), "ClientScopes"),
    ({"scopes": {}}, ("scope_withdrawn", "vo_info"), "ClientScopes"),
    ({"scopes": {"vo_info": "waarom"}}, ("scope_note_changed", "vo_info"), "ClientScopes"),
    ({"default_scopes": frozenset({"vo_info"})}, ("scope_default", "vo_info"), "ClientScopes"),
    ({"until": {"vo_info": "2027-12-31"}}, ("scope_shortened", "vo_info"), "ClientScopes"),
    ({"fields": {"attributes.setbyclient_x": "y"}}, ("attributes_changed", None), "OAuthClient"),
    ({"keys": keys("a", "b", "c")}, ("key_added", "c"), "ClientJwks"),
    ({"keys": None}, ("keys_handed_over", None), "ClientJwks"),
    ({"fields": {"contacts": ["x@y.example"]}}, ("client_updated", None), "OAuthClient"),
    (
        {"products": {"notificaties": {**CONFIGURATION, "merk_code": "x"}}},
        ("product_changed", "notificaties"),
        PARTS[3],
    ),
    ({"products": {}}, ("product_removed", "notificaties"), PARTS[3]),
]


@pytest.mark.parametrize(("how", "change", "part"), PENDING)
def test_what_waits_is_nobodys_doing(
    how: dict[str, Any], change: tuple[str, str | None], part: str
) -> None:
    """Declared, and neither recorded nor real."""
    one = compared(stored(), wanted(**how), real())
    assert said(one) == (set(), {change})
    assert (one.parts_pending, one.healing) == ({part}, [])


def test_a_hand_and_a_form_that_did_the_same() -> None:
    """What a form has and somebody did already is no drift; that a scope's reason is not in the
    state yet waits."""
    one = compared(
        stored(), wanted(scopes={**TWO, "vo_info": "requested"}), real(scopes=("vo_info", "dv_x"))
    )
    assert said(one) == (set(), {("scope_note_changed", "dv_x")})
    both = compared(
        stored(),
        wanted(fields={"contacts": ["x@y.example"]}),
        real(metadata={"contacts": ("x@y.example",)}),
    )
    assert said(both) == (set(), set())
    default = compared(
        stored(), wanted(default_scopes=frozenset({"vo_info"})), real(default=("vo_info",))
    )
    assert said(default) == (set(), set())
    fields = {"attributes.setbyclient_x": "y"}
    same, other = ({"attributes": {"setbyclient_x": value}} for value in ("y", "z"))
    assert said(compared(stored(), wanted(fields=fields), real(metadata=same))) == (set(), set())
    assert said(compared(stored(fields=fields), wanted(), real(metadata=other))) == (
        {("attributes_changed", None)},
        {("attributes_changed", None)},
    )


def test_where_both_meet_in_one_resource_it_is_left() -> None:
    """A pending scope and one by hand; a key by hand, which is another resource, is repaired."""
    one = compared(stored(), wanted(scopes=TWO), real(scopes=("vo_info", "dv_hand"), keys=("a",)))
    assert said(one) == (
        {("scope_granted", "dv_hand"), ("key_removed", "b"), ("client_with_one_key", "a")},
        {("scope_granted", "dv_x")},
    )
    assert (one.healing, one.not_healed) == ([urn("ClientJwks")], {"ClientScopes"})
    assert one.healed is not None
    assert {change.kind for change in one.healed.changes} == {
        Kind.KEY_REMOVED,
        Kind.CLIENT_WITH_ONE_KEY,
    }
    same_field = compared(
        stored(),
        wanted(fields={"contacts": ["form@y.example"]}),
        real(metadata={"contacts": ("hand@y.example",)}),
    )
    assert said(same_field) == ({("client_updated", None)}, {("client_updated", None)})
    assert same_field.not_healed == {"OAuthClient"}


def test_a_resource_that_is_not_in_the_state_is_pending() -> None:
    """Its create failed or never ran: nobody did anything by hand, whatever the authority has."""
    for how in (
        {},
        {"scopes": ("dv_hand",)},
        {"configuration": None},
        {"configuration": {"merk_code": "hand"}},
    ):
        one = compared(stored(without=PARTS[1:]), wanted(), real(**how))
        assert said(one)[0] == set()
        assert one.parts_pending == set(PARTS[1:])
    one = compared(stored(without=PARTS[1:]), wanted(), real())
    assert said(one)[1] == {
        ("product_configured", "notificaties"),
        ("not_recorded", "ClientJwks, ClientScopes"),
    }
    refused = compared(None, wanted(), {})
    assert said(refused)[0] == set()
    assert ("client_created", None) in said(refused)[1]


def test_a_confirmed_client_that_no_run_has_recorded_is_pending() -> None:
    """What is confirmed is declared with its client-ID: it is not taken over, and its first run
    waits."""
    declared = replace(wanted(), client_id=ID)
    one = compared(None, declared, real())
    assert (one.actual, one.registered) == (None, None)
    assert ("client_created", None) in said(one)[1]
    adopted = changed(declared, adopts=ID)
    assert compared(None, adopted, real()).actual is not None


def test_a_protected_client_whose_form_went_is_pending_removal() -> None:
    """Nobody granted its scopes by hand; what somebody did do by hand still shows."""
    one = compared(stored(protected=frozenset({"acmidm"})), None, real())
    assert said(one) == (set(), {("client_removed", None)})
    assert (one.parts_pending, one.healing) == (set(PARTS), [])
    hand = compared(stored(), None, real(scopes=("vo_info", "dv_hand")))
    assert said(hand) == ({("scope_granted", "dv_hand")}, {("client_removed", None)})
    assert said(compared(stored(), None, real(exists=False, configuration=None))) == (
        set(),
        set(),
    ), "both took it away"
    assert said(compared(stored(), None, real(exists=False))) == (
        set(),
        {("product_removed", "notificaties")},
    ), "but for this"


def test_a_client_that_somebody_removed() -> None:
    """Made anew with all its parts; left whole where one of them has something pending."""
    one = compared(stored(), wanted(), real(exists=False, configuration=None))
    assert said(one) == ({("client_removed", None)}, set())
    assert (set(one.healing), one.not_healed) == ({urn(part) for part in PARTS}, set())
    waiting = compared(stored(), wanted(scopes=TWO), real(exists=False))
    assert said(waiting) == ({("client_removed", None)}, {("scope_granted", "dv_x")})
    assert (waiting.healing, waiting.not_healed, waiting.healed) == ([], set(PARTS), None)
    lifted = compared(
        stored(protected=frozenset({"acmidm"})), wanted(protected=frozenset()), real(exists=False)
    )
    assert said(lifted) == (
        {("client_removed", None)},
        set(),
    ), "it is made anew with the protection of now"
    assert (len(lifted.healing), lifted.not_healed) == (len(PARTS), set())


def test_keys_in_the_portal_are_nobodys_drift() -> None:
    """They are listed with their ends, and the policies warn of them; declaring keys lists each
    that goes."""
    ends = NOW + timedelta(days=10)
    jwks = {"u": {**KEY, "exp": ends.timestamp(), "alg": "ES512"}, "d": {**KEY, "d": "secret"}}
    of = real(jwks=jwks)
    one = compared(stored(keys=None), wanted(keys=None), of)
    assert said(one) == (set(), set())
    assert [(key.kid, key.days_left) for key in expiring_keys([one], NOW, 30)] == [("u", 10)]
    warnings = key_warnings([one], Profile.FAPI2, NOW)
    assert any(
        "signs with ES512, uploaded in the portal; profile fapi2" in warning for warning in warnings
    )
    assert any('key "d" contains private members' in warning for warning in warnings)
    assert "secret" not in " ".join(warnings)
    declared = compared(stored(keys=None), wanted(), of)
    assert said(declared) == (
        set(),
        {
            ("keys_declared", None),
            ("key_added", "a"),
            ("key_added", "b"),
            ("key_removed", "d"),
            ("key_removed", "u"),
        },
    )


def test_a_key_without_a_usable_end_is_named() -> None:
    """Milliseconds, which no calendar holds: its policy says so, and no other client's report is
    lost."""
    of = real(jwks=keys_by_name([{**KEY, "kid": "u", "exp": 1_790_000_000_000}]))
    one = compared(stored(keys=None), wanted(keys=None), of)
    assert expiring_keys([one], NOW, 30) == ()
    assert any(
        'key "u" has an exp that is no moment' in warning
        for warning in key_warnings([one], Profile.ACMIDM, NOW)
    )


def test_a_secret_that_somebody_rotated() -> None:
    """Its date differs from the recorded one, also where it is sent in another way since; an
    authority without dates says nothing."""
    how: dict[str, Any] = {
        "fields": {"token_endpoint_auth_method": "client_secret_basic"},
        "keys": {},
        "secret": Secret(is_there=True),
    }
    at: dict[str, Any] = {
        "metadata": {"token_endpoint_auth_method": "client_secret_basic"},
        "keys": (),
    }
    one = compared(
        stored(**{**how, "secret": Secret(is_there=True, updated_at=5)}),
        wanted(**how),
        real(**at, secret_at=6),
    )
    assert said(one) == ({("secret_renewed", None)}, set())
    assert one.healing == [urn("OAuthClient")]
    by_post = {**at, "metadata": {"token_endpoint_auth_method": "client_secret_post"}}
    both = compared(
        stored(**{**how, "secret": Secret(is_there=True, updated_at=5)}),
        wanted(**how),
        real(**by_post, secret_at=6),
    )
    assert said(both) == ({("secret_renewed", None), ("authentication_weakened", None)}, set())
    assert said(compared(stored(**how), wanted(**how), real(**at, secret_at=6))) == (set(), set())
    refreshed = compared(
        stored(**{**how, "secret": Secret(is_there=False, updated_at=6)}),
        wanted(**how),
        real(**at, secret_at=6),
    )
    assert said(refreshed) == (set(), {("secret_restored", None)})


def test_scopes_that_a_provider_assigns() -> None:
    """Are no drift unless a form declares them."""
    assert said(
        compared(stored(), wanted(), real(scopes=("vo_info", "auto"), assigned=frozenset({"auto"})))
    ) == (
        set(),
        set(),
    )
    both = {"vo_info": "requested", "auto": "requested"}
    lost = compared(stored(scopes=both), wanted(scopes=both), real(assigned=frozenset({"auto"})))
    assert said(lost) == ({("scope_withdrawn", "auto")}, set())


@pytest.mark.parametrize("half", [False, True], ids=["waits", "half done"])
def test_a_rename_that_waits(half: bool) -> None:
    """Is the connection of the earlier key, and leaves repairs to the next up: it changes the names
    of all resources.

    Half done, the component has its new name, the client that failed its old one: it is no target
    under that name.
    """
    balie, fields = (
        f"{OVO}/balie",
        {"software_id": f"acmidm/prod/{OVO}/balie"} | ({} if half else {"application": "balie"}),
    )
    renamed = changed(wanted(fields=fields), key=balie, formerly=(f"{OVO}/loket",))
    recorded = replace(stored(), key=balie) if half else stored()
    one = compared(recorded, renamed, real(scopes=("vo_info", "dv_hand")))
    assert said(one) == ({("scope_granted", "dv_hand")}, {("client_renamed", None)})
    assert (one.healing, one.not_healed) == ([], {"ClientScopes"})


def test_a_run_that_was_cut_off() -> None:
    """What it was working on may be half done: that is nobody's hand, and waits."""
    one = compared(
        stored(), wanted(scopes=TWO), real(scopes=("dv_y",)), cut_off=(urn("ClientScopes"),)
    )
    assert said(one) == (
        set(),
        {("scope_granted", "dv_x"), ("scope_granted", "vo_info"), ("scope_withdrawn", "dv_y")},
    )


def test_a_program_without_forms() -> None:
    """Recorded and real alone: nothing waits that this can know of."""
    one = compared(stored(without=PARTS[3:]), None, real(scopes=()), forms=False)
    assert said(one) == ({("scope_withdrawn", "vo_info")}, set())
    quiet = compared(stored(without=PARTS[3:]), None, real(), forms=False)
    assert drift_report(quiet).headline == "tni is in sync: its 1 client is as declared"


def test_what_is_past_its_end_and_still_there_is_a_danger(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the command that ends it; also where nothing else waits, as a form with a mistake."""
    clients = [compared(stored(until={"vo_info": "2026-11-24"}), None, real(), forms=False)]
    past = ends_that_passed(clients, {}, NOW)
    assert [(end.of, end.what, f"{end.last_day}") for end in past] == [
        ("scope", "vo_info", "2026-11-24")
    ]
    report = drift_report(*clients, past=past)
    assert not report.in_sync
    print_report(report)
    shown = capsys.readouterr().out
    assert "1 thing on tni is past its end and still there" in shown
    assert "until 2026-11-24  Stad Gent · loket: scope vo_info" in shown
    assert "acmidm deploy --stack tni" in shown
    assert "acmidm orders" not in shown
    by_hand = drift_report(*clients, past=past, by_hand_alone=(Platform.ACMIDM,))
    assert "acmidm orders --stack tni" in as_markdown(by_hand)
    assert "acmidm deploy" not in as_markdown(by_hand)
    assert ends_that_passed(clients, {}, NOW - timedelta(days=1)) == ()
    renewed = {stored().client_key: stored()}
    assert ends_that_passed(clients, renewed, NOW) == ()


def test_clients_that_nobody_declares() -> None:
    """A copy with the same natural key is one; what a run that was cut off made, or one that is
    about to go, is not."""
    of = real()
    registered = of[Platform.ACMIDM].clients[ID]
    copied = replace(registered, client_id="copy")
    made = {"copy": copied, ID: registered}
    of = {Platform.ACMIDM: ActualPlatform(made, {}, frozenset())}
    assert [one.client_id for one in undeclared([compared(stored(), wanted(), of)], (), of)] == [
        "copy"
    ]
    assert undeclared([compared(None, wanted(), of)], (), of) == ()
    assert [one.client_id for one in undeclared([], (stored(),), of)] == ["copy"]


def test_who_did_it_is_the_newest_that_made_the_difference() -> None:
    """By the row of each kind."""
    one = compared(
        stored(),
        wanted(),
        real(scopes=("dv_hand",), metadata={"organisation": {"name": "Gent", "ovo": OVO}}),
    )

    def entry(action: str, actor: str, before: Any, after: Any) -> RecordedChange:
        return RecordedChange(datetime(2026, 11, 1, tzinfo=UTC), actor, action, "", before, after)

    trail = [
        entry("scopes.replaced", "later", {"scopes": ["dv_hand", "x"]}, {"scopes": ["dv_hand"]}),
        entry("scopes.replaced", "helpdesk", {"scopes": ["vo_info"]}, {"scopes": ["dv_hand", "x"]}),
        entry(
            "client.replaced",
            "other",
            {"organisation": {"name": "Stad Gent"}},
            {"organisation": {"name": "Gent"}},
        ),
    ]
    assert one.by_hand is not None
    found = attributed(one.by_hand, trail)
    assert {change.kind.value: change.changed_by for change in found.changes} == {
        "scope_granted": "helpdesk",
        "scope_withdrawn": "helpdesk",
        "client_updated": "other",
    }


def who_did(kind: Kind, *trail: RecordedChange, subject: str | None = None) -> str | None:
    """Who made a change by hand, by a trail that is newest first."""
    change = Change(kind=kind, subject=subject, by_hand=True)
    connection = ConnectionChanges(**client_name(stored()), changes=(change,))
    [found] = attributed(connection, trail).changes
    return found.changed_by


def entry_by(actor: str, action: str, before: Any, after: Any) -> RecordedChange:
    return RecordedChange(datetime(2026, 11, 1, tzinfo=UTC), actor, action, "", before, after)


def test_who_removed_a_client_is_the_one_whose_entry_says_so() -> None:
    removed = entry_by("an", "client.removed", {"client_name": "loket"}, None)
    replaced = entry_by("ben", "client.replaced", {"client_name": "loket"}, {"client_name": "x"})
    assert who_did(Kind.CLIENT_REMOVED, replaced, removed) == "an"


def test_who_left_one_key_is_the_last_who_left_fewer() -> None:
    """And nobody who put another one in its place, or added one to none."""
    a, b, c = ({"keys": [{**KEY, "kid": kid} for kid in kids]} for kids in ("a", "ab", "c"))
    fewer = entry_by("ben", "jwks.replaced", b, a)
    another = entry_by("cas", "jwks.replaced", a, c)
    assert who_did(Kind.CLIENT_WITH_ONE_KEY, another, fewer, subject="c") == "ben"
    none = entry_by("dirk", "jwks.replaced", b, {"keys": []})
    added = entry_by("els", "jwks.replaced", {"keys": []}, c)
    assert who_did(Kind.CLIENT_WITH_ONE_KEY, added, none, subject="c") == "dirk"


def test_who_set_another_secret_may_have_changed_how_a_client_authenticates_too() -> None:
    """There and back: an earlier entry, such as that of a run, names nobody."""
    method, at = "token_endpoint_auth_method", "client_secret_updated_at"
    first, second = ({method: "client_secret_basic", at: at_second} for at_second in (1, 2))
    by_keys = {method: "private_key_jwt", at: None}
    third = {**second, at: 3}
    run = entry_by("run", "client.replaced", first, second)
    away = entry_by("an", "client.replaced", second, by_keys)
    back = entry_by("ben", "client.replaced", by_keys, third)
    assert who_did(Kind.SECRET_RENEWED, back, away, run) == "ben"
    described = entry_by("cas", "client.replaced", third, {**third, "client_name": "x"})
    assert who_did(Kind.SECRET_RENEWED, described, back, away, run) == "ben"


def test_what_a_client_had_from_the_beginning_nobody_changed() -> None:
    """Who made it gave it a scope; that does not say who took the scope."""
    made = entry_by("run", "client.created", None, {"scopes": ["vo_info"], "client_name": "loket"})
    assert who_did(Kind.SCOPE_WITHDRAWN, made, subject="vo_info") is None


@pytest.mark.parametrize(
    "broken",
    [
        {"scopes": 5, "keys": 5},
        {"scopes": {"a": 1}, "keys": [7, {"kid": []}, {}]},
        {"scopes": [[]]},
    ],
)
def test_an_entry_that_is_broken_names_nobody(broken: dict[str, Any]) -> None:
    """Whatever an authority recorded in place of scopes and keys; the entries after it count as
    ever."""
    one = compared(stored(), wanted(), real(scopes=("vo_info", "dv_hand"), keys=("a", "b", "c")))
    at = datetime(2026, 11, 1, tzinfo=UTC)
    entries = [
        RecordedChange(at, "broken", action, "", broken, broken)
        for action in ("scopes.replaced", "jwks.replaced")
    ]
    good = RecordedChange(
        at,
        "helpdesk",
        "scopes.replaced",
        "",
        {"scopes": ["vo_info"]},
        {"scopes": ["vo_info", "dv_hand"]},
    )
    assert one.by_hand is not None
    assert [changes_in(entry, stored()) for entry in entries] == [(), ()]
    found = attributed(one.by_hand, [*entries, good])
    assert {change.kind.value: change.changed_by for change in found.changes} == {
        "scope_granted": "helpdesk",
        "key_added": None,
    }


@pytest.mark.parametrize(
    ("action", "broken"),
    [
        ("client.replaced", {"token_endpoint_auth_method": ["x"]}),
        ("client.replaced", {"jwks_uri": 5}),
        ("client.created", {"jwks": ["x"], "contacts": 5}),
        ("client.created", {"jwks": {"keys": 5}, "contacts": [5]}),
        ("product.replaced", {"configuration": {"afzenders": 5}}),
        ("product.replaced", {"configuration": {"afzenders": [5]}}),
        ("product.replaced", {"configuration": {"afzenders": [{"code": "x"}]}}),
    ],
)
def test_a_broken_entry_of_another_part_names_nobody_either(
    action: str, broken: dict[str, Any]
) -> None:
    """And stops neither a history nor a drift, which would compare no client then."""
    plain = {"client_name": "loket", "token_endpoint_auth_method": "private_key_jwt"}
    good = entry_by("helpdesk", "scopes.replaced", {"scopes": ["vo_info"]}, {"scopes": []})
    for before, after in ((plain, plain | broken), (plain | broken, plain)):
        entry = entry_by("broken", action, before, after)
        changes_in(entry, stored())
        assert who_did(Kind.SCOPE_WITHDRAWN, entry, good, subject="vo_info") == "helpdesk"


def test_a_field_of_a_product_may_be_named_as_one_of_a_client() -> None:
    """And be something else: what a configuration has is the product's, and no broken entry."""
    fields = ["contacts", "jwks", "jwks_uri", "token_endpoint_auth_method"]
    before, after = ({"configuration": dict.fromkeys(fields, value)} for value in (1, 2))
    [change] = changes_in(entry_by("an", "product.replaced", before, after), stored())
    assert [changed.field for changed in change.fields] == fields


@pytest.mark.parametrize(
    ("error", "asked"), [(Unintelligible("broken"), ["1", "2"]), (Unreachable("down"), ["1"])]
)
def test_one_trail_that_cannot_be_read_leaves_the_others(
    error: AuthorityError, asked: list[str]
) -> None:
    """Only an authority that cannot be reached ends the search; the report says whose author is not
    known."""
    seen: list[str] = []

    class Trail:
        def recorded_changes(self, client_id: str) -> Iterator[RecordedChange]:
            seen.append(client_id)
            if client_id == "1":
                raise error
            yield RecordedChange(
                NOW, "helpdesk", "scopes.replaced", "", {"scopes": []}, {"scopes": ["dv_hand"]}
            )

    clients = [compared(stored(), wanted(), real(scopes=("vo_info", "dv_hand"))) for _ in "12"]
    for client_id, one in zip("12", clients, strict=True):
        assert one.by_hand is not None
        one.by_hand = one.by_hand.model_copy(update={"client_id": client_id})
    platforms: Any = {Platform.ACMIDM: SimpleNamespace(authority=Trail())}
    [note] = _add_who(clients, platforms)
    assert str(error) in note
    assert seen == asked
    authors = [
        change.changed_by for one in clients if one.by_hand for change in one.by_hand.changes
    ]
    assert authors == [None, "helpdesk" if len(asked) > 1 else None]


def test_products_are_read_only_where_clients_have_them() -> None:
    """GeoSecure offers what the catalogue has for it alone, and answers 404 for the rest. Without
    its settings nobody looks at all."""
    read: list[tuple[Platform, str]] = []

    def platform(name: Platform) -> SimpleNamespace:
        def configurations(product: str) -> dict[str, Any]:
            read.append((name, product))
            return {}

        api = SimpleNamespace(configurations=configurations)
        return SimpleNamespace(
            listed_clients=list,
            can=SimpleNamespace(lists_clients=True),
            product_api=api,
            assigned=frozenset(),
            products=(),
            unkept=(),
            marks_products=True,
        )

    both: Any = {name: platform(name) for name in (Platform.ACMIDM, Platform.GEOSECURE)}
    known = [wanted(), wanted(platform=Platform.GEOSECURE, products={})]
    assert list(_read_actual(both, known)[0]) == list(both)
    assert read == [(Platform.ACMIDM, "notificaties")]
    with pytest.raises(
        InvalidSettings,
        match=('platform "geosecure" has no authority in this stack; set geosecure:managementUrl'),
    ):
        _read_actual({Platform.ACMIDM: both[Platform.ACMIDM]}, known)


def test_a_key_whose_thumbprint_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    """A terminal and an issue say the same of it, and neither says None."""
    name = {"key": f"{OVO}/loket", "organisation": "Stad Gent", "application": "loket"}
    key = ExpiringKey(**name, platform=Platform.ACMIDM, kid="k1", expires=NOW, days_left=3)
    report = drift_report(expiring=(key,))
    print_report(report)
    assert "Stad Gent · loket: key k1, thumbprint ?\n" in capsys.readouterr().out
    assert "**Stad Gent** · loket: key `k1`, thumbprint `?`\n" in as_markdown(report)
