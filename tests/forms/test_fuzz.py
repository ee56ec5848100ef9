"""Whatever is in a form, an organisation, a catalogue file or a key file: it is read, or refused in
sentences; the loader never crashes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acmidm_onboarding.values.problems import Problem
from tests.support.broken_content import content, mutated
from tests.support.workspace import CATALOGUE, FORM, ORGANISATION, Workspace, public_key

EXAMPLES = 20


def well_formed(problems: tuple[Problem, ...]) -> bool:
    return all(
        problem.line >= 1 and problem.column >= 1 and problem.what and problem.remedy
        for problem in problems
    ) and all(str(problem).isprintable() for problem in problems)


YAML, JSON = (
    lambda value: yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "replace"),
    lambda value: json.dumps(value).encode(),
)
KEY = "onboardings/gent/tni.jwk.json"
ORIGINALS: dict[str, tuple[str, Callable[[Any], bytes], Callable[[], dict[str, Any]]]] = {
    "form": (
        "onboardings/gent/mijn-gent.yaml",
        YAML,
        lambda: yaml.safe_load(FORM.replace("{reason: dossiers,", "{until: '2027-12-31',")),
    ),
    "catalogue": (
        "catalogue/notificaties.yaml",
        YAML,
        lambda: {
            **yaml.safe_load(CATALOGUE["notificaties.yaml"]),
            "approvers": ["@digitaal-vlaanderen/notificaties"],
        },
    ),
    "organisation": (
        "onboardings/gent/organisation.yaml",
        YAML,
        lambda: {
            **yaml.safe_load(ORGANISATION),
            "formerly": ["OVO000001"],
            "owners": ["@stad-gent/api-beheer"],
            "speaks_for": {},
        },
    ),
    "key": (
        KEY,
        JSON,
        lambda: {
            **public_key("tni"),
            "use": "sig",
            "alg": "RS256",
            "key_ops": ["verify"],
            "exp": 1_800_000_000,
        },
    ),
    "elliptic key": (
        KEY,
        JSON,
        lambda: {**public_key("ec", kty="EC", crv="P-256"), "use": "sig", "alg": "ES256"},
    ),
}


def read_or_refused(workspace: Workspace, file: str, contents: st.SearchStrategy[bytes]) -> None:
    """The workspace is made once: each example writes the one file that it is about."""

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(contents)
    def one(data: bytes) -> None:
        workspace.write(file, data)
        assert well_formed(workspace.problems())

    one()


@pytest.mark.parametrize("kind", ["form", "catalogue", "key", "organisation"])
def test_arbitrary_content_is_read_or_refused(workspace: Workspace, kind: str) -> None:
    read_or_refused(workspace, ORIGINALS[kind][0], content)


@pytest.mark.parametrize("kind", ORIGINALS)
def test_anything_in_any_place_is_read_or_refused(workspace: Workspace, kind: str) -> None:
    file, written, original = ORIGINALS[kind]
    read_or_refused(workspace, file, mutated(original()).map(written))


@pytest.mark.parametrize("kind", ["form", "catalogue", "organisation"])
def test_a_field_with_the_word_of_the_library_for_a_key(workspace: Workspace, kind: str) -> None:
    """It is unknown as any other, and reported at its place."""
    file, written, original = ORIGINALS[kind]
    workspace.write(file, written({**original(), "[key]": "notificaties"}))
    (problem,) = workspace.problems()
    assert problem.what == 'unknown field "[key]"'
    assert problem.path == ("[key]",)
