"""What people confirm is written whole or not at all, of the client that was ordered and of no
other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from acmidm.orders import writing
from acmidm.orders.writing import attestation, confirm, refuse
from acmidm_onboarding.files import write_whole
from acmidm_onboarding.rules.orders import Order, removals
from acmidm_onboarding.values.problems import Failure
from tests.support.by_hand import adopt
from tests.support.by_hand_stack import (
    CONFIRMED,
    carry_out,
    opened,
    order_of,
    recorded,
    set_by_hand,
)
from tests.support.confirmed import BY, CLIENT_ID, NOW, jwk
from tests.support.forms import PLAIN, FormFile
from tests.support.repository import Repository

FILE = CONFIRMED / "OVO002067/mijn-app.yaml"
LATER = attestation("ander@vlaanderen.example", datetime(2026, 12, 1, 9, tzinfo=UTC))


class Killed(BaseException):
    """What no handler of errors sees."""


@contextmanager
def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Ends whoever writes or removes the file of this number, from 0; yields what was done
    before."""
    done: list[str] = []

    def counted(act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(file: Path, *words: Any, **how: Any) -> Any:
            if len(done) == step:
                raise Killed
            done.append(file.name)
            return act(file, *words, **how)

        return acting

    with monkeypatch.context() as context:
        context.setattr(writing, "write_whole", counted(write_whole))
        context.setattr(Path, "unlink", counted(Path.unlink))
        yield done


def files() -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(CONFIRMED.rglob("*")) if file.is_file()}


def other_keys(form: FormFile) -> None:
    """In the place of its key two others."""
    form.request()["jwks"] = []
    for kid in ("key-2", "key-3"):
        form.add_key(kid)
    form.save()


PARTS: dict[str, Callable[[FormFile], object]] = {
    "create": lambda _: None,
    "scopes": lambda form: form.request()["scopes"].pop(PLAIN),
    "client": lambda form: form.document["contacts"].append("b@stad-gent.example"),
    "keys": other_keys,
    "product/notificaties": (
        lambda form: form.request()["products"]["notificaties"].update(merk_code="nieuw")
    ),
    "remove": lambda form: form.remove(),
}


def open_order(form: FormFile, part: str) -> Order:
    """The order of a part, after the form has changed."""
    if part != "create":
        carry_out(opened())
    PARTS[part](form)
    if part != "remove":
        form.save()
    return order_of(opened(), part)


@pytest.mark.parametrize("part", PARTS)
def test_a_kill_loses_no_order_and_makes_none_twice(
    form: FormFile, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each file that is written or removed: the order is open until its confirmation is
    there, and the same command ends with what it would have written at once."""
    if part != "create":
        carry_out(opened())
    PARTS[part](form)
    if part != "remove":
        form.save()
    before, order = files(), order_of(opened(), part)
    confirm(opened(), order, BY, client_id=CLIENT_ID)
    expected = files()
    for step in range(10):
        for file in expected.keys() - before.keys():
            Path(file).unlink(missing_ok=True)
        for file, content in before.items():
            Path(file).write_bytes(content)
        with killed_at(step, monkeypatch) as done:
            try:
                confirm(opened(), order, BY, client_id=CLIENT_ID)
            except Killed:
                pass
            else:
                assert step == len(done) > 0
                break
        is_done = FILE.name in done
        parts = [one.part for one in opened().orders]
        assert (part in parts) is not is_done, f"killed after {done}"
        confirm(opened(), order, BY, client_id=CLIENT_ID)
        assert expected.items() <= files().items()
        assert part not in [one.part for one in opened().orders]
    assert files() == expected


@pytest.mark.parametrize("part", PARTS)
def test_a_second_time_writes_nothing(form: FormFile, part: str) -> None:
    """Whoever says so again, and later, changes nothing of who said so first."""
    order = open_order(form, part)
    assert confirm(opened(), order, BY, client_id=CLIENT_ID).is_new
    there = files()
    assert not confirm(opened(), order, LATER, client_id=CLIENT_ID).is_new
    assert files() == there


def test_keys_are_files_with_their_thumbprint(form: FormFile) -> None:
    """Public halves alone; one that stays has been there since it was confirmed first, and one that
    went leaves no file."""
    carry_out(opened())
    other_keys(form)
    later = attestation("ander@vlaanderen.example", datetime(2026, 12, 1, 9, 30, 0, 5, tzinfo=UTC))
    confirm(opened(), order_of(opened(), "keys"), later)
    said = yaml.safe_load(FILE.read_text())["keys"]
    assert set(said) == {file.name for file in FILE.parent.glob("*.json")}
    assert set(said.values()) == {"2026-12-01T09:30:00Z"}
    members = [json.loads(file.read_text()) for file in FILE.parent.glob("*.json")]
    assert {one["kid"] for one in members} == {"key-2", "key-3"}
    assert not any("d" in one for one in members)


def test_a_key_that_stays_is_there_since_it_was_confirmed(form: FormFile) -> None:
    carry_out(opened())
    form.add_key("key-2")
    form.save()
    later = attestation("ander@vlaanderen.example", datetime(2026, 12, 1, tzinfo=UTC))
    confirm(opened(), order_of(opened(), "keys"), later)
    assert sorted(yaml.safe_load(FILE.read_text())["keys"].values()) == [
        f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
        "2026-12-01T00:00:00Z",
    ]


def sentence(act: Callable[[], object]) -> str:
    there = files()
    with pytest.raises(Failure) as raised:
        act()
    assert files() == there, "nothing is written of what is refused"
    return str(raised.value)


def test_what_a_person_has_to_bring_back(form: FormFile) -> None:
    create = order_of(opened(), "create")
    assert "makes a client: give the client-ID that the portal shows with --client-id" in sentence(
        lambda: confirm(opened(), create, BY)
    )
    form.request().pop("jwks")
    form.save()
    confirm(opened(), order_of(opened(), "create"), BY, client_id=CLIENT_ID)
    look = order_of(opened(), "keys")
    assert "asks which public keys are there" in sentence(lambda: confirm(opened(), look, BY))
    confirm(opened(), look, BY, keys=[jwk("seen")])
    assert set(next(iter(opened().confirmations.values())).jwks or {}) == {"seen"}
    with pytest.raises(Failure, match="who confirms this"):
        attestation(None, NOW)


def test_a_client_id_of_another_connection(repository: Repository, form: FormFile) -> None:
    """A careless paste is refused before it is written: afterwards no command could read the
    confirmations."""
    carry_out(opened())
    repository.write("ander", environment="tni", keys=())
    order = order_of(opened(), "create")
    said = sentence(lambda: confirm(opened(), order, BY, client_id=CLIENT_ID))
    assert (
        said
        == f"{order.name}: that client-ID is confirmed already of another connection, in {FILE};"
        " look in the portal whose it is"
    )
    assert form.application == "mijn-app"


def test_a_client_is_made_once(form: FormFile) -> None:
    """By two people who carried out one order: which of the two stays is for them to say."""
    order = order_of(opened(), "create")
    confirm(opened(), order, BY, client_id=CLIENT_ID)
    said = sentence(lambda: confirm(opened(), order, BY, client_id="another"))
    assert f"client {CLIENT_ID} is confirmed already, in {FILE};" in said
    assert form.code in said


def test_a_client_that_was_made_keeps_what_was_confirmed_since(form: FormFile) -> None:
    """Whoever repeats the order that made it takes away neither keys nor products, and a scope that
    was withdrawn stays withdrawn; with its client-ID or without."""
    create = order_of(opened(), "create")
    carry_out(opened())
    form.request()["scopes"].pop(PLAIN)
    form.save()
    carry_out(opened())
    refuse_what_is_new(form)
    there = files()
    for client_id in (CLIENT_ID, None):
        assert not confirm(opened(), create, LATER, client_id=client_id).is_new
        assert files() == there


def refuse_what_is_new(form: FormFile) -> None:
    """Somebody refuses what the form asks from now on."""
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.save()
    refuse(opened(), order_of(opened(), "client"), "not this contact", BY)


def test_an_order_that_is_carried_out_ends_no_refusal_of_another(form: FormFile) -> None:
    """What is refused is a newer order about the same part."""
    carry_out(opened())
    form.document["contacts"] = ["b@stad-gent.example"]
    form.save()
    first = order_of(opened(), "client")
    carry_out(opened())
    refuse_what_is_new(form)
    there = files()
    assert not confirm(opened(), first, LATER).is_new
    assert files() == there


def test_a_client_that_was_removed_comes_back_by_no_repeated_order(form: FormFile) -> None:
    """A new client has another client-ID, of another connection too; one that was adopted comes
    back where that is ordered."""
    create = order_of(opened(), "create")
    carry_out(opened())
    form.request()["scopes"].pop(PLAIN)
    form.save()
    scopes = order_of(opened(), "scopes")
    confirm(opened(), next(removals(opened().confirmations)), BY)
    said = f"client {CLIENT_ID} is confirmed as removed, in {FILE}"
    assert said in sentence(lambda: confirm(opened(), create, LATER, client_id=CLIENT_ID))
    assert said in sentence(lambda: confirm(opened(), scopes, LATER))
    assert said in sentence(lambda: refuse(opened(), scopes, "no mandate", LATER))
    adopt(form, CLIENT_ID)
    compare = order_of(opened(), "create")
    still_recorded = opened(recorded(form.key))
    assert said in sentence(lambda: confirm(still_recorded, compare, LATER))
    confirm(opened(), compare, LATER)
    assert yaml.safe_load(FILE.read_text()).get("removed") is None


def test_a_client_id_that_another_connection_had(repository: Repository, form: FormFile) -> None:
    carry_out(opened())
    confirm(opened(), next(removals(opened().confirmations)), BY)
    other = repository.write("ander", environment="tni", keys=())
    create = next(order for order in opened().orders if order.client_key[0] == other.key)
    assert f"client {CLIENT_ID} is confirmed as removed, in {FILE}" in sentence(
        lambda: confirm(opened(), create, BY, client_id=CLIENT_ID)
    )
    assert form.application == "mijn-app"


@pytest.mark.parametrize("part", PARTS)
def test_what_is_confirmed_already_is_not_refused(form: FormFile, part: str) -> None:
    order = open_order(form, part)
    confirm(opened(), order, BY, client_id=CLIENT_ID)
    said = sentence(lambda: refuse(opened(), order, "no mandate", LATER))
    assert said == f"{order.name} is confirmed already, in {FILE}, and cannot be refused any more"


def test_an_order_that_the_form_gives_no_more_is_not_refused(form: FormFile) -> None:
    """It would take the place of the refusal of the order that is open."""
    carry_out(opened())
    form.document["contacts"] = ["b@stad-gent.example"]
    form.save()
    former = order_of(opened(), "client")
    refuse_what_is_new(form)
    said = sentence(lambda: refuse(opened(), former, "nor this one", LATER))
    assert f"{former.name} is not open any more, so that nothing of it can be refused" in said


def test_another_client_than_an_order_is_about(form: FormFile) -> None:
    """That of ``adopt``, or the one that is confirmed."""
    adopt(form, CLIENT_ID)
    order = order_of(opened(), "create")
    assert f"is about client {CLIENT_ID}:" in sentence(
        lambda: confirm(opened(), order, BY, client_id="another")
    )
    confirm(opened(), order, BY)
    keys = order_of(opened(), "keys")
    assert f"is about client {CLIENT_ID}:" in sentence(
        lambda: confirm(opened(), keys, BY, client_id="another")
    )


def test_a_rename_and_a_new_form_of_the_old_name(repository: Repository, form: FormFile) -> None:
    """What is confirmed goes with the client, by the state once ``formerly`` is gone; a new form of
    the old name gets nothing of it, and takes nothing away."""
    carry_out(opened())
    form.document |= {"application": "nieuw", "formerly": "mijn-app"}
    form.save()
    assert [one.part for one in opened().orders] == ["client"]
    state = recorded("OVO002067/nieuw")
    del form.document["formerly"]
    form.save()
    stack = opened(state)
    assert [(one.client_key[0], one.part) for one in stack.orders] == [
        ("OVO002067/nieuw", "client")
    ]
    assert stack.unconfirmed == []
    carry_out(stack)
    assert yaml.safe_load(FILE.read_text())["metadata"]["client_name"] == "Stad Gent - nieuw"

    repository.write("mijn-app", environment="tni", keys=())
    stack = opened(state)
    create = order_of(stack, "create")
    assert create.client_key[0] == "OVO002067/mijn-app"
    assert f"{FILE} has what is confirmed of a connection that has another name by now" in sentence(
        lambda: confirm(stack, create, BY, client_id="another")
    )


@pytest.mark.parametrize(
    ("protects", "protected", "ordered"),
    [("false", True, True), ("true", True, False), ("true", False, True)],
)
def test_a_form_that_is_gone(
    repository: Repository, form: FormFile, protects: str, protected: bool, ordered: bool
) -> None:
    """A stack that protects its clients orders none of them away: it refuses the change, until the
    form retires it."""
    carry_out(opened())
    set_by_hand(repository, protectClients=protects)
    form.remove()
    stack = opened(recorded(form.key, protected=protected))
    assert [one.part for one in stack.orders] == (["remove"] if ordered else [])
    assert [one.key for one in stack.desired.declared] == (
        [] if protects == "true" and protected else [form.key]
    )


def test_a_client_that_is_gone_unordered(form: FormFile) -> None:
    """Somebody saw that; it is made anew once a run has forgotten it, and not before."""
    carry_out(opened())
    (order,) = removals(opened().confirmations)
    confirm(opened(), order, BY)
    assert opened(recorded(form.key)).orders == ()
    create = order_of(opened(), "create")
    confirm(opened(), create, BY, client_id="second")
    assert yaml.safe_load(FILE.read_text()).get("removed") is None


def test_a_refusal_is_kept_with_the_order_it_is_about(form: FormFile) -> None:
    """Before there is a client too."""
    order = order_of(opened(), "create")
    refuse(opened(), order, "no such organisation", BY)
    still = order_of(opened(), "create")
    assert still.refused is not None
    assert still.refused.why == "no such organisation"
    form.document["contacts"] = ["ander@stad-gent.example"]
    form.save()
    assert order_of(opened(), "create").refused is None


def test_a_confirmation_that_is_missing_orders_nothing(form: FormFile) -> None:
    carry_out(opened())
    FILE.unlink()
    stack = opened(recorded(form.key))
    assert stack.orders == ()
    assert [one.resource_name for one in stack.unconfirmed] == [form.key]
