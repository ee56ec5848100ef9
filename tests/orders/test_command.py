"""``acmidm orders`` as people type it: what they confirm, and what a careless operator says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Never

import pytest
from typer.testing import Result

from acmidm.engine import pulumi as engine
from acmidm.orders.writing import attestation
from tests.support.by_hand_stack import (
    CONFIRMED,
    NAME,
    carry_out,
    opened,
    order_of,
    recorded,
    set_by_hand,
)
from tests.support.confirmed import BY, CLIENT_ID
from tests.support.forms import PLAIN, FormFile
from tests.support.repository import Repository

FILE = CONFIRMED / "OVO002067/mijn-app.yaml"


@pytest.fixture(autouse=True)
def _no_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "stack_deployment", lambda _: {})


@pytest.fixture
def changed(repository: Repository, form: FormFile) -> FormFile:
    """One whose client is confirmed, and that asks for something else since. It is in no Git."""
    carry_out(opened())
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.save()
    (repository.folder / ".git").rename(repository.folder / "elsewhere.git")
    return form


def say(repository: Repository, *words: str, code: int = 0) -> Result:
    return repository.run("orders", *words, "--stack", NAME, code=code)


def test_a_client_is_made_and_looked_at(repository: Repository, form: FormFile) -> None:
    """Its client-ID is brought back, and that it has no key yet."""
    form.request().pop("jwks")
    form.save()
    say(repository, "done", order_of(opened(), "create").name, "--by", BY.by, code=2)
    made = order_of(opened(), "create").name
    say(repository, "done", made, "--client-id", CLIENT_ID, "--by", BY.by)
    say(repository, "done", order_of(opened(), "keys").name, "--no-keys", "--by", BY.by)
    (confirmed,) = opened().confirmations.values()
    assert (confirmed.content.client_id, confirmed.jwks) == (CLIENT_ID, {})


def test_a_careless_operator_is_refused_in_one_sentence(
    repository: Repository, changed: FormFile
) -> None:
    """With its exit code, and nothing is written."""
    other = repository.write("other", environment="tni", scopes=(PLAIN,))
    carry_out(opened(), "of-the-other", other.key)
    (order,) = opened().orders
    name, there = order.name, FILE.read_text()
    wrong: dict[tuple[str, ...], str] = {
        ("done", f"{name[:-2]}zz"): "is not open, and no version of the forms in Git gives it",
        ("done", name, "--client-id", "of-the-other"): "is about client",
        ("done", f"{changed.key} client"): "is no name of an order",
        ("done", name, "--key", str(changed.path)): "this is not JSON",
        ("gone", "OVO002067/nobody"): 'no client "OVO002067/nobody" is confirmed here',
        ("list", "--for", "boss"): '--for: "boss" is not known; use api-owner',
        ("refused", name): "Missing option '--why'",
    }
    for words, sentence in wrong.items():
        who = () if words[0] == "list" else ("--by", BY.by)
        assert sentence in say(repository, *words, *who, code=2).output
    assert FILE.read_text() == there
    assert (
        f"is about client {CLIENT_ID}"
        in say(
            repository, "done", name, "--client-id", "of-the-other", "--by", BY.by, code=2
        ).output
    )


def test_an_order_is_refused_shown_and_carried_out_after_all(
    repository: Repository, changed: FormFile
) -> None:
    """Once: outside Git nothing is known of what was ordered before."""
    (order,) = opened().orders
    say(repository, "refused", order.name, "--by", BY.by, "--why", "no mandate")
    (still,) = json.loads(say(repository, "list", "--output", "json").stdout)["orders"]
    assert still["refused"]["why"] == "no mandate"
    shown = say(repository, "show", order.name, "--output", "json")
    assert [(one["key"], one["order"]) for one in json.loads(shown.stdout)["orders"]] == [
        (changed.key, order.name)
    ]
    say(repository, "done", order.name, "--by", BY.by)
    assert opened().orders == ()
    say(repository, "done", order.name, "--by", BY.by, code=2)


def test_an_order_is_repeated_once_a_later_one_is_carried_out(
    repository: Repository, form: FormFile
) -> None:
    """Nothing is written, and who carried it out at the portal since hears what to do."""
    repository.commit()
    carry_out(opened())
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.save()
    repository.commit()
    former = order_of(opened(), "client").name
    carry_out(opened())
    form.document["contacts"] = ["ander@stad-gent.example"]
    form.save()
    repository.commit()
    carry_out(opened(), by=attestation(BY.by, datetime.now(UTC) + timedelta(days=1)))
    there = FILE.read_text()
    assert (
        f"{former}: a later order of the same part is confirmed already, in {FILE};"
        " see to it that the portal has what that file says"
    ) in say(repository, "done", former, "--by", BY.by, code=2).output
    refused = say(repository, "refused", former, "--why", "no", "--by", BY.by, code=2)
    assert f"{former} is not open any more" in refused.output
    assert FILE.read_text() == there


def test_on_production_what_is_not_known_to_be_merged_is_not_ordered(
    repository: Repository, form: FormFile
) -> None:
    """As in the checkout of a workflow, which has a branch that was never merged."""
    set_by_hand(repository, environment="prod")
    repository.commit()
    say(repository, "list")
    repository.git("update-ref", "refs/remotes/origin/change", "HEAD")
    refused = say(repository, "list", code=2).output
    assert "git remote set-head origin main" in refused
    assert form.key not in refused


def test_a_rename_moves_its_confirmation(repository: Repository, form: FormFile) -> None:
    """So that nobody is ordered to remove the client in use and to make another, once the form
    forgets its earlier name and the state is lost."""
    carry_out(opened())
    form.document |= {"application": "nieuw", "formerly": "mijn-app"}
    form.save()
    moved = FILE.with_name("nieuw.yaml")
    assert (
        f"{FILE}:1:1: this is what is confirmed of OVO002067/nieuw, which had this name before;"
        f" move it to {moved}, with the public keys that it names"
    ) in repository.run("validate", code=1).output
    FILE.rename(moved)
    repository.run("validate")
    assert opened(recorded("OVO002067/mijn-app")).unconfirmed == []
    del form.document["formerly"]
    form.save()
    assert {order.part for order in opened().orders} == {"client"}


def test_a_stack_that_the_engine_does_not_know_has_no_orders(
    repository: Repository, form: FormFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its state is elsewhere: as an empty one it would order clients that are there."""

    def unknown(stack: str) -> Never:
        raise engine.UnknownStack(f"no stack named {stack!r} found")

    monkeypatch.setattr(engine, "stack_deployment", unknown)
    refused = say(repository, "list", code=2).output
    assert "no stack named 'hand' found" in refused
    assert form.key not in refused
