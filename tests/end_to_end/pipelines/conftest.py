"""A job of a workflow on a pull request, as its commands see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.pipelines.fake_github import REPOSITORY, TOKEN, FakeGitHub, fake_github

PULL_REQUEST = 7
COMMIT = "1111111111111111111111111111111111111111"


@dataclass
class Job:
    """``environment`` is what GitHub gives every step; ``summary`` is the file that it shows
    afterwards."""

    folder: Path
    environment: dict[str, str]

    @property
    def summary(self) -> str:
        file = Path(self.environment["GITHUB_STEP_SUMMARY"])
        return file.read_text() if file.exists() else ""


def event_about(commit: str) -> dict[str, object]:
    """What GitHub says of a pull request that proposes a commit."""
    return {"pull_request": {"number": PULL_REQUEST, "head": {"sha": commit}}}


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with fake_github() as running:
        yield running


@pytest.fixture
def job(github: FakeGitHub, tmp_path: Path) -> Job:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(event_about(COMMIT)))
    environment = {
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_TOKEN": TOKEN,
    }
    return Job(tmp_path, environment)
