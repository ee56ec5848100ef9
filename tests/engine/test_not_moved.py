"""A connection that the state of another stack has still: at an authority that finds no client by
its key, this one would make a second client of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from acmidm_onboarding import stack as stacks
from acmidm_onboarding.recorded import recorded_in
from acmidm_onboarding.settings import InvalidSettings
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.stack_files import stack_settings
from tests.support.by_hand_stack import recorded
from tests.support.forms import PLAIN, write_form
from tests.support.repository import Repository, repository

__all__ = ["repository"]


def test_no_second_client_is_made(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where each create finds what is there, the authority refuses by itself, and no other state is
    read."""
    form = write_form(repository.folder / "onboardings", "zele/loket", scopes=(PLAIN,))
    there = recorded_in(recorded(form.key))
    monkeypatch.setattr(
        stacks, "recorded", lambda name: there if name == "organization/acmidm/tni" else None
    )

    def opened(authority: str, organisations: str) -> Stack:
        repository.set("tni", environment="tni", authority=authority, organisations="gent")
        repository.set("tni-b", environment="tni", authority=authority, organisations=organisations)
        name = "organization/acmidm/tni-b"
        return Stack(name, lambda: stack_settings(name, Path()), export=lambda _: {})

    with pytest.raises(InvalidSettings) as caught:
        _ = opened("rfc7591", "zele").desired
    assert str(caught.value).endswith(
        f"move it there: acmidm move {form.key} --from tni --to tni-b"
    )
    assert opened("beheerportaal", "zele").desired.declared
    assert opened("rfc7591", "gent").desired.declared == ()
