"""A repository of one form, whose stack people manage by hand."""

from __future__ import annotations

import pytest

from tests.support.by_hand_stack import set_by_hand
from tests.support.forms import PLAIN, SEND, FormFile
from tests.support.repository import Repository, repository

__all__ = ["repository"]


@pytest.fixture
def form(repository: Repository) -> FormFile:
    set_by_hand(repository)
    repository.form.path.unlink()
    return repository.write("mijn-app", environment="tni", scopes=(PLAIN, SEND))
