"""A form with a mistake holds up no order of another, and orders nothing itself."""

from __future__ import annotations

import pytest

from acmidm.engine import pulumi as engine
from tests.support.by_hand_stack import NAME, carry_out, opened, order_of, recorded
from tests.support.confirmed import BY
from tests.support.forms import PLAIN, FormFile, write_form
from tests.support.repository import Repository


@pytest.fixture(autouse=True)
def _no_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "stack_deployment", lambda _: {})


@pytest.fixture
def other(repository: Repository) -> FormFile:
    """A new form of another organisation."""
    folder = repository.folder / "onboardings"
    return write_form(
        folder, "aalst/balie", application="balie", environment="tni", scopes=(PLAIN,)
    )


def test_the_orders_of_others_are_listed_and_confirmed(
    repository: Repository, form: FormFile, other: FormFile
) -> None:
    """The client whose form has the mistake is made already: nobody is told to remove it."""
    carry_out(opened(), key=form.key)
    form.path.write_text(form.path.read_text() + "scopes: [\n")
    listed = repository.run("orders", "list", "--stack", NAME, code=1)
    assert f"{other.key} create" in listed.stdout
    assert form.key not in listed.stdout
    assert "gent/mijn-app.yaml" in listed.stderr
    create = order_of(opened(), "create").name
    words = ("done", create, "--client-id", "of-the-other", "--by", BY.by)
    repository.run("orders", *words, "--stack", NAME)
    assert [order.client_key[0] for order in opened().orders if order.part == "create"] == []


def test_a_form_that_is_removed_beside_one_with_a_mistake_may_be_renamed(
    repository: Repository, form: FormFile
) -> None:
    """The client of a form that is gone is ordered to go once its folder has no mistake."""
    carry_out(opened(), key=form.key)
    renamed = form.path.with_name("anders.yaml")
    renamed.write_text(form.path.read_text() + "scopes: [\n")
    form.path.unlink()
    assert opened().orders == ()
    renamed.unlink()
    write_form(
        repository.folder / "onboardings",
        "gent/loket",
        application="loket",
        environment="tni",
        scopes=(PLAIN,),
    )
    assert [order.part for order in opened().orders if order.client_key[0] == form.key] == [
        "remove"
    ]


def test_a_mistake_in_what_all_share_orders_nothing(repository: Repository, form: FormFile) -> None:
    (repository.folder / "catalogue" / "dosis.yaml").write_text("product: [\n")
    refused = repository.run("orders", "list", "--stack", NAME, code=2)
    assert "catalogue/dosis.yaml" in refused.output
    assert form.key not in refused.output


def test_a_client_whose_form_is_for_another_environment_now_is_there_until_somebody_removed_it(
    form: FormFile,
) -> None:
    """Beside a form with a mistake too: its own form says what becomes of it."""
    carry_out(opened(), key=form.key)
    form.document["environments"] = {"prod": form.document["environments"]["tni"]}
    form.save()
    for left_out in ((), ("broken.yaml",)):
        for name in left_out:
            form.path.with_name(name).write_text("scopes: [\n")
        stack = opened(recorded(form.key))
        assert len(stack.forms.onboardings.problems) == len(left_out)
        assert [one.key for one in stack.desired.declared] == [form.key]
        assert [order.part for order in stack.orders] == ["remove"]
