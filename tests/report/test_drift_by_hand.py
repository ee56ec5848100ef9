"""What drift says of a client that people confirmed and no run has recorded yet."""

from __future__ import annotations

from typing import Any

import pytest

from acmidm.commands import drift
from tests.support.by_hand import adopt
from tests.support.by_hand_stack import carry_out, opened, set_by_hand
from tests.support.confirmed import CLIENT_ID
from tests.support.forms import FormFile
from tests.support.repository import Repository, repository

__all__ = ["repository"]

NOTHING: dict[str, Any] = {"deployment": {"resources": []}}


@pytest.fixture
def form(repository: Repository) -> FormFile:
    """A form whose client is confirmed."""
    set_by_hand(repository)
    made = repository.write("mijn-app", environment="tni")
    repository.form.path.unlink()
    carry_out(opened())
    return made


def test_a_confirmed_client_of_a_form_is_declared(form: FormFile) -> None:
    """Nobody has to import it: the next run records it."""
    report = drift._look(opened(NOTHING)).report
    assert [one.key for one in report.not_applied] == [form.key]
    assert report.undeclared == ()


def test_a_client_that_a_form_takes_over_is_looked_up_by_that_name(form: FormFile) -> None:
    """Not by that of the confirmed client: nobody knows whether the other one is there. So the
    report is not whole, and does not say that the run would make a client."""
    adopt(form, "another")
    report = drift._look(opened(NOTHING)).report
    assert [one for one in report.notes if one.startswith("Client another could not be looked at")]
    assert (report.is_whole, report.in_sync, report.not_applied) == (False, False, ())
    adopt(form, CLIENT_ID)
    report = drift._look(opened(NOTHING)).report
    assert not [note for note in report.notes if "could not be looked at" in note]
    assert (report.is_whole, len(report.not_applied)) == (True, 1)
