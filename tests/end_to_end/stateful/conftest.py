"""A portal on which sequences run, one after another."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import pytest
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from acmidm_onboarding import recorded
from acmidm_onboarding.forms import catalogue_files, loading
from acmidm_onboarding.resources import base
from acmidm_onboarding.stack import forms as forms_of_stack
from tests.end_to_end.stateful.model import UNKNOWN_SCOPE
from tests.end_to_end.stateful.speeds import InProcess
from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    known = offered()
    del known["scopes"][UNKNOWN_SCOPE]
    with running_portal(tmp_path_factory.mktemp("portal"), **known) as running:
        yield running


@pytest.fixture(autouse=True)
def always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis also tries numbers that it finds in the modules of the process: other tests beside
    these would make other sequences."""
    none = Constants()
    monkeypatch.setattr(providers, "_get_local_constants", lambda: none)


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command of the real thing reads once: here all commands are one process."""
    once = lru_cache(catalogue_files.load_catalogue)
    for module in (loading, base, forms_of_stack):
        monkeypatch.setattr(module, "load_catalogue", once)
    monkeypatch.setattr(recorded, "_read", lambda _: InProcess.state)
