"""Which run says from which revision a whole stack was last brought up."""

from __future__ import annotations

from typing import Any

from acmidm.engine.recovery import revision_of


def run(revision: str, result: str = "succeeded", **of_run: Any) -> dict[str, Any]:
    environment = {"git.head": revision, **of_run.pop("environment", {})}
    run = {"kind": "update", "result": result, "resourceChanges": {"same": 9}}
    return {**run, "environment": environment, **of_run}


def test_the_last_run_of_the_whole_stack_counts_also_one_that_failed_in_part() -> None:
    """What failed may be one organisation's alone; all others are as that revision has them."""
    assert revision_of([run("b"), run("a")]) == "b"
    assert revision_of([run("b", "failed"), run("a")]) == "b"
    assert (
        revision_of([run("b", "failed", resourceChanges={"same": 1, "create": 1}), run("a")]) == "b"
    )
    assert revision_of([]) is None


def test_a_run_that_brought_nothing_up_does_not_count() -> None:
    """Else a run that was refused would make an earlier revision the last one, and the next run
    would take back what a later one had done."""
    refused = (
        run("old", kind="refresh"),
        run("old", environment={"pulumi.flag.target": "true"}),
        run("old", "failed", resourceChanges={"same": 1}),  # the stack itself
        run("old", "failed", resourceChanges={}),
        run("old", "failed", resourceChanges=None),
    )
    for last in refused:
        assert revision_of([last, run("new")]) == "new", last
