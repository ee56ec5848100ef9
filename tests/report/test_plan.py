"""What is read out of the engine's documents, also where they are cut short, and what a review
makes of it."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from acmidm.engine.pulumi import problems_in
from acmidm.report.kinds import Kind
from acmidm.report.plan import Plan, read_plan
from acmidm.report.review import mass_change, review_of
from acmidm_onboarding.recorded import recorded_in
from acmidm_onboarding.values.client import Secret
from acmidm_onboarding.values.keys import Key
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Platform
from tests.report.views import KEY
from tests.support.engine_records import ENDED_BY_ITSELF, plan, steps
from tests.support.samples import COMPARISON, NOW, OVO, client, metadata, plan_of, reviewed

PREFIX = "urn:pulumi:prod::acmidm-onboarding::acmidm:index:Onboarding"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
CONFIG = {"acmidm:environment": "prod"}
NOTIFICATIES = {"merk_code": "gent"}


def resource(kind: str, key: str, inputs: dict[str, Any], **how: Any) -> dict[str, Any]:
    name = f"{key}/{inputs['product']}" if "product" in inputs else key
    urn = f"{PREFIX}$pulumi-python:dynamic/acmidm:{kind}::{name}"
    return {
        "urn": urn,
        "parent": f"{PREFIX}::{key}",
        "inputs": {"platform": "acmidm", **inputs},
        **how,
    }


def resources(
    application: str = "loket", *, protect: bool = False, **how: Any
) -> list[dict[str, Any]]:
    """The resources of a client with one scope, one key and one product. ``how`` changes inputs,
    per kind."""
    key, of_client = f"{OVO}/{application}", metadata(application).properties
    inputs: dict[str, dict[str, Any]] = {
        "OAuthClient": of_client,
        "ClientScopes": {"scopes": {"vo_info": "requested"}},
        "ClientJwks": {"jwks": {"a": KEY}},
        "ProductConfiguration": {
            "product": "notificaties",
            "configuration": NOTIFICATIES,
            "software_id": of_client["software_id"],
            "managed_by": of_client["managed_by"],
        },
    }
    component = {
        "urn": f"{PREFIX}::{key}",
        "parent": "urn:pulumi:prod::p::pulumi:pulumi:Stack::s",
        "inputs": {},
    }
    made = [
        resource(
            kind, key, {**values, **how.get(kind, {})}, id=f"id-{application}", protect=protect
        )
        for kind, values in inputs.items()
    ]
    return [component, *made]


def state(*groups: list[dict[str, Any]]) -> dict[str, Any]:
    return {"deployment": {"resources": [one for group in groups for one in group]}}


def step(op: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    sides = {name: side for name, side in (("oldState", old), ("newState", new)) if side}
    return {"op": op, "urn": (new or old or {})["urn"], **sides}


def planned(
    *steps: dict[str, Any], of: dict[str, Any] | None = None, diagnostics: object = ()
) -> Plan:
    return read_plan({"config": CONFIG, "steps": list(steps), "diagnostics": list(diagnostics)}, of)  # type: ignore[call-overload]


def kinds(plan: Plan) -> dict[str, list[str]]:
    """Per application the kinds of change."""
    return {
        one.application: [change.kind for change in one.changes]
        for one in review_of([plan], COMPARISON).connections
    }


SEALED = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    "ciphertext": "v1:x",
}


@pytest.mark.parametrize(("old", "text"), [("before", "before → after"), (None, "none → after")])
def test_a_resource_of_another_type(old: str | None, text: str) -> None:
    """It is compared field by field, without secrets and what its provider alone needs; it is no
    news of a new client, and without it the client stays."""
    key, there = f"{OVO}/loket", resources()
    new = resource(
        "Remark", key, {"client_id": UNKNOWN, "text": "after", "seal": SEALED, "since": UNKNOWN}
    )
    was = (
        resource("Remark", key, {"client_id": "id-loket", "text": old, "seal": "open"})
        if old
        else None
    )
    plan = planned(
        step("update" if was else "create", was, new), of=state(there, [was] if was else [])
    )
    [connection] = review_of([plan], COMPARISON).connections
    assert [(one.kind, one.subject) for one in connection.changes] == [
        (Kind.OTHER_CHANGED, "Remark")
    ]
    said = connection.changes[0].text
    assert said == f"changes its Remark: {'seal open → none, ' if old else ''}text {text}"
    assert "v1:x" not in said
    of_new = planned(*(step("create", None, one) for one in [*there, new]), of=state())
    assert "other_changed" not in kinds(of_new)["loket"]
    assert kinds(planned(step("delete", new, None), of=state(there, [new]))) == {
        "loket": ["other_changed"]
    }
    gone = [step("delete", one, None) for one in [new, *reversed(there)]]
    assert kinds(planned(*gone, of=state(there, [new]))) == {"loket": ["client_removed"]}


def test_several_resources_of_another_type_in_a_client() -> None:
    """Each is a part of its own, named by what its name has behind the client's."""
    name = f"{OVO}/loket"
    above = {"parent": f"{PREFIX}::{name}"}
    remarks = [
        resource("Remark", f"{name}{below}", {"text": "x"}) | above
        for below in ("", "/one", "/two")
    ]
    elsewhere = resource("Remark", f"{name}/geosecure/one", {"platform": "geosecure"}) | above
    beside = remarks[0] | {"parent": "urn:pulumi:prod::p::pulumi:pulumi:Stack::s"}
    found = recorded_in(state(resources(), [*remarks, elsewhere])).parts
    assert {name: set(client.record.others or {}) for name, client in found.items()} == {
        name: {"Remark", "Remark/one", "Remark/two"},
        f"{name}/geosecure": {"Remark/one"},
    }
    assert recorded_in(state(resources(), [beside])).parts[name].record.others == {}, (
        "it is below no client"
    )


def refused(urn: str) -> dict[str, str]:
    message = (
        f'error: Preview failed: resource "{urn}" cannot be deleted\nbecause it is protected. To'
    )
    return {"severity": "error", "urn": urn, "message": message}


def test_problems_are_sentences_each_once() -> None:
    """Without the classes of exceptions, without what means nothing, and the same trouble of many
    resources once."""
    passing = (
        "error: Preview failed: acmidm_onboarding.authorities.http.retry.Passing: GET x: refused"
    )
    cause = f"{passing}\n\nThe above exception was the direct cause of …\n\n"
    diagnostics = [
        {"severity": "info", "message": "retrying"},
        {
            "severity": "error",
            "message": (
                f"{cause}acmidm_onboarding.authorities.errors.Unreachable: GET x: refused (tried 13"
                " times in 60.0 s); look\n"
            ),
        },
        {
            "severity": "error",
            "message": (
                "error: Preview failed: TokenRefused: GET x: refused (tried 1 time in 0.0 s); look"
            ),
        },
        {
            "severity": "error",
            "message": (
                "error: onboardings/gent/x.yaml:1:1: the file is empty; fill in the form, or remove"
                " the file\n"
            ),
        },
        refused(f"{PREFIX}$pulumi-python:dynamic/acmidm:ClientScopes::{OVO}/loket/geosecure"),
        {"severity": "error", "message": "error: Resource monitor has terminated, shutting down"},
        {"severity": "error", "message": "error: preview failed\n"},
    ]
    problems, protected = problems_in(diagnostics)
    assert problems == (
        "GET x: refused (tried 13 times in 60.0 s); look",
        "onboardings/gent/x.yaml:1:1: the file is empty; fill in the form, or remove the file",
    )
    assert protected == {f"{OVO}/loket"}


@pytest.mark.parametrize(
    ("others", "is_known"),
    [
        ((), False),
        (("error: Preview failed: GET x: refused", "error: Resource monitor has terminated"), True),
    ],
    ids=["by itself", "by the engine"],
)
def test_a_program_that_ends_by_itself_shows_nothing_for_certain(
    others: tuple[str, ...], is_known: bool
) -> None:
    """How far the engine was by then depends on the moment. One that the engine ends had declared
    all that it has."""
    problems = ("OVO000001/loket, key 1: wrong", *others, ENDED_BY_ITSELF)
    document = plan(*steps("create", "OVO000001/loket"), refused=problems)
    assert read_plan(document, {}).is_known is is_known


URN = f"{PREFIX}::x"


@pytest.mark.parametrize(
    "document",
    [
        *({}, [], None, {"steps": 1}, {"steps": []}, {"steps": [1]}, {"steps": [], "config": [1]}),
        {"steps": [{"urn": URN}], "config": CONFIG},
        {"steps": [{"urn": URN, "op": "same", "oldState": [1]}], "config": CONFIG},
    ],
)
def test_what_is_no_plan(document: object) -> None:
    """Is reported as that."""
    with pytest.raises(Failure):
        read_plan(document)


def test_what_the_engine_does_not_know_yet_is_absent() -> None:
    """The engine's marker of what a failed create would have given, wherever it is, breaks no
    report."""
    new = resources(
        ClientScopes={"client_id": UNKNOWN, "scopes": UNKNOWN},
        ClientJwks={"client_id": UNKNOWN, "jwks": UNKNOWN},
    )
    assert (
        kinds(planned(*(step("create", None, one) for one in new), of=state()))["loket"][0]
        == "client_created"
    )
    adopting = resources(OAuthClient={"adopt": UNKNOWN})
    assert (
        recorded_in(state(adopting))
        .clients[(f"{OVO}/loket", Platform.ACMIDM, client().environment)]
        .form.adopts
        is None
    )


def test_a_client_whose_create_failed_is_not_recorded() -> None:
    component, *_ = resources()
    assert recorded_in(state([component])).clients == {}


@pytest.mark.parametrize(
    "exported",
    [
        {},
        {"environment": "tni", "clients": {"x": 1}},
        {"connections": {}},
        {
            "connections": {
                f"{OVO}/loket": {
                    "acmidm": {
                        "client_id": "another",
                        "scopes": ["dv_x"],
                        "keys": {},
                        "products": ["dosis"],
                    }
                }
            }
        },
    ],
    ids=["nothing", "other names", "no client", "another client"],
)
def test_what_a_program_exports_means_nothing(exported: dict[str, Any]) -> None:
    """Its outputs have what is declared, also where a resource failed; and a program of one's own
    has others."""
    stack = {
        "urn": f"{PREFIX.rpartition('::')[0]}::pulumi:pulumi:Stack::s",
        "type": "pulumi:pulumi:Stack",
        "outputs": exported,
    }
    known = recorded_in(state(resources()))
    assert [
        (one.client_id, set(one.scopes or ()), set(one.products)) for one in known.clients.values()
    ] == [("id-loket", {"vo_info"}, {"notificaties"})]
    assert recorded_in(state([stack], resources())) == known


def test_what_is_marked_for_deletion_and_what_was_cut_off() -> None:
    """Both are in an export, and neither is the client that is declared."""
    old, new = resources(), resources()
    for one in old[1:]:
        one["delete"] = True
        one["id"] = "old"
    document = state(old[1:], new)
    document["deployment"]["pending_operations"] = [
        {"type": "updating", "resource": new[2]},
        {"type": "creating", "resource": {"urn": "x"}},
    ]
    recorded = recorded_in(document)
    assert [one.client_id for one in recorded.clients.values()] == ["id-loket"]
    assert [one.client_id for one in recorded.leaving] == ["old"]
    assert recorded.cut_off == (new[2]["urn"],)


def test_clients_that_do_not_change_are_known_from_the_state() -> None:
    """Without the state a review counts none, and says so."""
    changed, contacts = resources(), {"contacts": ["elders@stad.example"]}
    update = step("update", changed[1], resources(OAuthClient=contacts)[1])
    (connection,) = review_of(
        [planned(update, of=state(changed, resources("other")))], COMPARISON
    ).connections
    assert [change.kind for change in connection.changes] == ["client_updated"]
    whole = review_of([planned(update, of=state(changed, resources("other")))], COMPARISON)
    alone = review_of([planned(update)], COMPARISON)
    assert (whole.unchanged, whole.notes) == ({"prod": 1}, ())
    assert alone.connections == whole.connections
    assert alone.notes == (
        "Clients that do not change are not counted: add --show-sames to pulumi preview --json.",
    )


def test_a_renamed_connection_is_one_client() -> None:
    """``formerly`` is the engine's alias: an update in place, whose unchanged parts have no
    step."""
    old, new = resources("loket"), resources("balie")
    steps = [step("update", old[1], new[1]), step("update", old[4], new[4])]
    plan = planned(*steps, of=state(old, resources("other")))
    assert kinds(plan) == {"balie": ["client_renamed", "client_updated"]}
    (connection,) = review_of([plan], COMPARISON).connections
    assert connection.changes[0].fields[0].model_dump() == {
        "field": "key",
        "old": f"{OVO}/loket",
        "new": f"{OVO}/balie",
    }
    assert connection.client_id == "id-loket"
    assert review_of([plan], COMPARISON).unchanged == {"prod": 1}


def test_another_application_is_another_client_and_the_review_says_so() -> None:
    """Nothing is paired by guess; who only meant to rename finds what to write."""
    old, new = resources("loket"), resources("balie")
    steps = [
        *(step("create", None, one) for one in new),
        *(step("delete", one, None) for one in reversed(old)),
    ]
    review = review_of([planned(*steps, of=state(old))], COMPARISON)
    assert {one.application: one.changes[0].kind for one in review.connections} == {
        "loket": "client_removed",
        "balie": "client_created",
    }
    assert review.notes == (
        (
            f"{OVO}/balie is another client now than {OVO}/loket, which goes. To keep that one,"
            " write formerly: loket in its form."
        ),
    )


def test_a_takeover_compares_with_what_the_client_had() -> None:
    """Typed values, whatever they look like; a key that goes has its thumbprint."""
    scope, had = "granted outside this project", {"merk_code": "Gent → DOSIS", "actief": "false"}
    before: dict[str, Any] = {
        "OAuthClient": metadata(software_id=None, managed_by=None, enabled=False).properties,
        "ClientScopes": {"scopes": {"vo_info": scope, "dv_x": scope}},
        "ClientJwks": {"jwks": {"old": KEY}},
        "ProductConfiguration": {"configuration": had},
    }
    adopting: dict[str, Any] = {
        kind: {"adopt": {"client_id": "by-hand", "before": values}}
        for kind, values in before.items()
    }
    new = resources(**adopting)
    new[4]["inputs"]["configuration"] = {"merk_code": "gent", "actief": False}
    (connection,) = review_of(
        [planned(*(step("create", None, one) for one in new), of=state())], COMPARISON
    ).connections
    found = {(change.kind, change.subject): change for change in connection.changes}
    assert found.keys() == {
        (Kind.CLIENT_ADOPTED, "by-hand"),
        (Kind.CLIENT_ENABLED, None),
        (Kind.SCOPE_WITHDRAWN, "dv_x"),
        (Kind.KEY_ADDED, "a"),
        (Kind.KEY_REMOVED, "old"),
        (Kind.PRODUCT_CHANGED, "notificaties"),
    }
    assert found[Kind.CLIENT_ADOPTED, "by-hand"].severity == "danger"
    assert (
        found[Kind.CLIENT_ADOPTED, "by-hand"].text
        == "takes over the existing client by-hand, until now Stad Gent - loket; OVO002067;"
        " contacts api@stad.example; keys old oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
    )
    assert (
        found[Kind.KEY_REMOVED, "old"].thumbprint == "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
    )
    changed = {
        field.field: (field.old, field.new)
        for field in found[Kind.PRODUCT_CHANGED, "notificaties"].fields
    }
    assert changed == {"merk_code": ("Gent → DOSIS", "gent"), "actief": ('"false"', "false")}


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_takeover_says_which_names_it_changes_and_that_its_secret_is_new(method: str) -> None:
    """Import names none of it: nobody can read the secret that the client has, and its organisation
    gets another one, whichever way the client has sent its secret."""
    had = metadata(software_id=None, managed_by=None).properties | {
        "application": "balie",
        "client_name": "Gent (oud)",
        "contacts": ["voor@stad.example"],
        "organisation": {"name": "Gent", "ovo": None, "kbo": "0207451227"},
        "token_endpoint_auth_method": method,
    }
    new = resources(
        OAuthClient={
            "token_endpoint_auth_method": "client_secret_basic",
            "client_secret": UNKNOWN,
            "adopt": {"client_id": "by-hand", "before": had},
        },
        ClientJwks={"jwks": {}},
    )
    (connection,) = review_of(
        [planned(*(step("create", None, one) for one in new), of=state())], COMPARISON
    ).connections
    found = {change.kind: change for change in connection.changes}
    assert Kind.SECRET_RESTORED not in found
    assert found[Kind.SECRET_RENEWED].severity == "warning"
    assert [field.field for field in found[Kind.CLIENT_UPDATED].fields] == [
        *("application", "client_name", "contacts"),
        *("organisation.kbo", "organisation.name", "organisation.ovo"),
    ]


@pytest.mark.parametrize("shows_all", [True, False])
def test_a_protected_client_that_goes_is_one_sentence(shows_all: bool) -> None:
    """However many of its four resources the engine names. It shows the delete of some of them
    alone."""
    gone, stays = resources(protect=True), resources("other", protect=True)
    deletes = [step("delete", one, None) for one in (gone[1:] if shows_all else gone[2:3])]
    plan = planned(
        *deletes, of=state(gone, stays), diagnostics=[refused(one["urn"]) for one in gone[1:]]
    )
    review = review_of([plan], COMPARISON)
    assert {
        one.application: [change.kind for change in one.changes] for one in review.connections
    } == {"loket": ["client_removed"]}
    assert review.problems == (
        (
            f"{OVO}/loket: its client is protected: put its form back; see docs/operations.md on"
            " how to part with one"
        ),
    )
    assert review.headline == "1 client is removed on prod; what is refused is held back"


def test_a_protected_product_is_retired_first() -> None:
    old, new = (
        client(protected=frozenset({"acmidm", "notificaties"})),
        client(protected=frozenset({"acmidm"}), products={}),
    )
    (problem,) = review_of([plan_of((old, new))], COMPARISON).problems
    assert problem.startswith(
        f"{OVO}/loket: its client is protected: put product notificaties back, with retire:"
        " {notificaties: DAY}, which removes it"
    )
    ending = client(protected=frozenset({"acmidm"}))
    assert kinds(plan_of((old, ending))) == {"loket": ["product_unprotected"]}
    assert review_of([plan_of((ending, new))], COMPARISON).problems == ()


def test_a_preview_that_ends_early_shows_no_removals_and_hides_none() -> None:
    """Where a refusal ends the program, what it did not declare has no step; with mistakes in forms
    it declares nothing at all."""
    kept, gone = resources("kept"), resources("gone")
    problem = {"severity": "error", "message": "error: client x does not exist"}
    sames = [step("same", one, one) for one in kept]
    assert kinds(planned(*sames, of=state(kept, gone), diagnostics=[problem])) == {
        "gone": ["client_removed"]
    }
    assert kinds(planned(of=state(kept, gone), diagnostics=[problem])) == {}


class Counted(dict[str, Any]):
    """Inputs that count how often somebody looks for what they take over."""

    looks = 0

    def get(self, name: str, default: Any = None) -> Any:
        Counted.looks += name == "adopt"
        return super().get(name, default)


def test_a_take_over_looks_at_its_own_resources_alone() -> None:
    """Else a hundred take-overs, as after an import, would cost ten thousand looks."""
    looks = []
    for count in (2, 20):
        adopting = {"adopt": {"client_id": "by-hand", "before": metadata().properties}}
        made = [
            {**one, "inputs": Counted(one["inputs"])}
            for number in range(count)
            for one in resources(f"loket-{number}", OAuthClient=adopting)
        ]
        Counted.looks = 0
        plan = planned(*(step("create", None, one) for one in made), of=state())
        assert len(plan.before) == count
        looks.append(Counted.looks)
    assert looks[1] == looks[0] * 10


def test_a_change_that_no_report_can_show_is_reported_as_that() -> None:
    """Beside what can be shown, too: nothing passes in silence."""
    old, new = resources(), deepcopy(resources())
    new[2]["inputs"]["unheard_of"] = True
    new[1]["inputs"]["contacts"] = ["elders@stad.example"]
    both = planned(step("update", old[1], new[1]), step("update", old[2], new[2]), of=state(old))
    assert kinds(both) == {"loket": ["changed_otherwise", "client_updated"]}
    change, _ = review_of([both], COMPARISON).connections[0].changes
    assert (change.subject, change.severity) == ("ClientScopes", "warning")


def test_keys_that_are_handed_over_and_taken_back() -> None:
    """Each key that stays, and each that goes, has its thumbprint; a client that has uploaded keys
    is not called keyless."""
    declared = client()
    keys = declared.keys.declared or {}
    portal = client(keys=None, uploaded={"b": keys["b"], "old": keys["a"]})
    (over,) = review_of([plan_of((declared, portal))], COMPARISON).connections[0].changes
    assert (over.kind, over.severity) == ("keys_handed_over", "danger")
    assert [(field.field, field.new) for field in over.fields] == [
        ("a", "thumbprint-of-a"),
        ("b", "thumbprint-of-b"),
    ]
    changes = review_of([plan_of((portal, declared))], COMPARISON).connections[0].changes
    assert [(change.kind, change.subject, change.thumbprint) for change in changes] == [
        ("key_added", "a", "thumbprint-of-a"),
        ("keys_declared", None, None),
        ("key_removed", "old", "thumbprint-of-a"),
    ]
    new = review_of([plan_of((None, client(keys=None)))], COMPARISON).connections[0].changes
    assert [change.kind for change in new][:3] == ["client_created", "scope_granted", "key_awaited"]
    unknown = review_of([plan_of((client(keys=None), client(keys=None, scopes={})))], COMPARISON)
    assert [change.kind for change in unknown.connections[0].changes] == ["scope_withdrawn"]


def test_too_many_clients_at_once() -> None:
    """More than 30% of ten or more that are removed or replaced; fewer, or of a small stack, pass,
    and those that are renamed."""

    def changed(gone: int, of: int) -> Plan:
        return plan_of(
            *(
                (client(f"a{number:02}"), None if number < gone else client(f"a{number:02}"))
                for number in range(of)
            )
        )

    def retiring(number: int, day: str) -> Plan:
        """As many that are taken down from a day on: at their first step they are declared
        still."""
        pairs = [
            (client(f"a{index:02}"), client(f"a{index:02}", scopes={}, retire={"acmidm": day}))
            for index in range(number)
        ]
        return plan_of(
            *pairs,
            *((client(f"b{index:02}"), client(f"b{index:02}")) for index in range(10 - number)),
        )

    today = NOW.date()
    assert mass_change(changed(3, 10), today) == []
    assert mass_change(changed(9, 9), today) == []
    assert (
        len(mass_change(retiring(4, "2026-11-25"), today)),
        mass_change(retiring(4, "2026-11-26"), today),
    ) == (
        4,
        [],
    )
    assert mass_change(changed(4, 10), today) == [f"{OVO}/a{number:02}" for number in range(4)]
    place = client("a09").client_key
    replaced = Plan(**{**vars(changed(3, 10)), "replaced": frozenset({place})})
    assert len(mass_change(replaced, today)) == 4
    (sentence,) = review_of([changed(20, 40)], COMPARISON).too_many
    assert sentence.startswith(
        f"20 clients of 40 on prod would be removed or replaced, more than 30%: {OVO}/a00, "
    )
    assert sentence.endswith("and 10 more; if all of them are meant, add --allow-mass-change")
    assert review_of([changed(20, 40)], COMPARISON, allow_mass_change=True).too_many == ()
    renamed = [
        (client(f"a{number}"), client(f"b{number}", formerly=(f"{OVO}/a{number}",)))
        for number in range(20)
    ]
    assert mass_change(plan_of(*renamed), today) == []


def test_a_secret_goes_on_until_the_run_that_changes_over() -> None:
    """That is the one after its authority has a usable key that the form has, or any of the
    portal."""
    keys = {"a": Key("thumb-a"), "b": Key("thumb-b", NOW - timedelta(days=1))}
    secret = {"token_endpoint_auth_method": "client_secret_basic"}

    def goes_on(after: dict[str, Key] | None, **before: Any) -> bool:
        old = client(fields=secret, **before)
        changes = reviewed((old, client(keys=after))).connections[0].changes
        return Kind.SECRET_UNTIL_KEY in [change.kind for change in changes]

    waits = Secret(awaits_key=True)
    has_a, has_b = {"a": keys["a"]}, {"b": keys["b"]}
    assert goes_on(has_a, keys={})
    assert goes_on(has_a, keys=has_a), "no run has declared a key yet"
    assert not goes_on(has_a, keys=has_a, secret=waits)
    assert goes_on(has_a, keys={"c": Key("thumb-c")}, secret=waits)
    assert goes_on(has_b, keys=has_b, secret=waits), "it has expired"
    assert goes_on(None, keys=None, secret=waits)
    assert goes_on(None, keys=None, uploaded=has_b, secret=waits)
    assert not goes_on(None, keys=None, uploaded=has_a, secret=waits)
