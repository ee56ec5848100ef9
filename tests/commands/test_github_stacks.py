"""Which stacks a workflow runs, as a matrix of jobs."""

from __future__ import annotations

import json

from tests.support.repository import Repository, repository

__all__ = ["repository"]


def named(repository: Repository, *options: str) -> dict[str, list[str]]:
    """Return what the command prints for ``GITHUB_OUTPUT``."""
    lines = repository.run("github", "stacks", *options).stdout.splitlines()
    return {name: json.loads(stacks) for name, _, stacks in (line.partition("=") for line in lines)}


def test_all_stacks_and_those_of_each_environment(repository: Repository) -> None:
    assert named(repository) == {"all": ["prod", "tni"], "tni": ["tni"], "prod": ["prod"]}


def test_the_stack_of_a_sandbox_is_left_out(repository: Repository) -> None:
    repository.set("sandbox", environment="tni", managementUrl="http://127.0.0.1:1")
    assert named(repository)["tni"] == ["tni"]


def test_those_whose_review_was_saved(repository: Repository) -> None:
    (repository.folder / "saved" / "approved-prod").mkdir(parents=True)
    assert named(repository, "--saved", "saved") == {"all": ["prod"], "tni": [], "prod": ["prod"]}
