"""Two stacks by hand that keep their confirmations in one folder: what the other takes is not
ordered to go."""

from __future__ import annotations

import pytest

from acmidm_onboarding.settings import InvalidSettings
from tests.support.by_hand_stack import carry_out, opened, recorded, set_by_hand
from tests.support.forms import PLAIN, FormFile, write_form
from tests.support.repository import Repository


def test_what_another_stack_takes_is_not_ordered_away(
    form: FormFile, repository: Repository
) -> None:
    write_form(form.folder, "zele/loket", scopes=(PLAIN,), application="loket")
    set_by_hand(repository, organisations="zele")
    carry_out(opened(), "another")
    set_by_hand(repository, organisations="gent")
    carry_out(opened())
    for organisations in ("gent", "zele", ""):
        set_by_hand(repository, organisations=organisations)
        assert opened().orders == ()
    write_form(form.folder, "zele/ander", scopes=(PLAIN,), application="ander")
    form.path.unlink()
    set_by_hand(repository, organisations="zele")
    assert [order.part for order in opened().orders] == ["create"]


def test_nothing_is_done_before_a_connection_has_moved(
    form: FormFile, repository: Repository
) -> None:
    write_form(form.folder, "zele/loket", scopes=(PLAIN,))
    state = recorded(form.key)
    set_by_hand(repository, organisations="gent zele")
    assert opened(state).desired.wanted
    set_by_hand(repository, organisations="zele")
    with pytest.raises(InvalidSettings) as caught:
        _ = opened(state).desired
    assert (
        str(caught.value)
        == f"stack hand has {form.key} still, which acmidm:organisations leaves to another one, so"
        f" that nothing is done; move it there: acmidm move {form.key} --from hand --to STACK"
    )
