"""The workflows' own commands, run for real in a scratch clone: a real engine, a real authority, a GitHub on loopback."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.settings import AuthorityKind
from story.authorities import Authorities
from story.forms import AALST, GENT
from story.scratch import Scratch
from story.telling import new_public_key
from tests.pipelines.conftest import PULL_REQUEST, Job
from tests.pipelines.fake_github import FakeGitHub
from tests.pipelines.workflows import ROOT, Step, steps

FILES = ("Makefile", "toolchain", "policies", "schema", "pyproject.toml", "requirements-dev.txt")
LOCKED_BY_A_RUNNER = {"pid": 4711, "username": "runner", "hostname": "a-runner-that-died", "timestamp": "2026-11-25T03:17:00Z"}


_OF_MAKE = frozenset({"MAKEFLAGS", "MAKELEVEL", "MFLAGS"})
"""What `make test` leaves to its children, and makes another make talk of the folders that it enters."""


@dataclass
class Clone:
    """A scratch clone, the steps of whose jobs are run one by one. What installs tools is left out: they are there."""

    scratch: Scratch
    job: Job

    def run(self, step: Step, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a step's command as GitHub does, by bash that stops at the first error."""
        # -o: the tools are those of the real clone, which the links of this one lead to.
        command = step.run.replace("make ", "make -o ready ")
        variables = {**self.scratch.variables, **self.job.environment, **environment}
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
            cwd=self.scratch.folder,
            env={name: value for name, value in variables.items() if name not in _OF_MAKE},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def succeed(self, step: Step, **environment: str) -> str:
        done = self.run(step, **environment)
        assert done.returncode == 0, f"{step}\n{done.stdout}{done.stderr}"
        return done.stdout


def of(workflow: str, job: str) -> list[Step]:
    """The commands of a job, in order, after those that install the tools."""
    return [step for step in steps() if (step.workflow, step.job) == (workflow, job) and step.run and not installs(step)]


def installs(step: Step) -> bool:
    return step.run.split()[:2] in (["make", "venv"], ["make", "ready"])


def named(found: list[Step], command: str) -> Step:
    return next(step for step in found if command in step.run)


@pytest.fixture
def clone(job: Job, tmp_path: Path) -> Clone:
    """With one connection on main."""
    scratch = Scratch(tmp_path / "clone", FILES)
    scratch.lay_out()
    (scratch.folder / ".local").mkdir()
    if (ROOT / ".local" / "engine").exists():
        (scratch.folder / ".local" / "engine").symlink_to(ROOT / ".local" / "engine")
    add_form(scratch, "stad-aalst/e-loket", AALST)
    return Clone(scratch, job)


@pytest.fixture
def running(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authorities]:
    """Authorities and stacks of their own, with the state where a pipeline's variable says."""
    authorities = Authorities(clone.scratch, AuthorityKind.BEHEERPORTAAL)
    monkeypatch.setenv("ACMIDM_BACKEND_URL", f"file://{clone.scratch.folder / 'state'}")
    authorities.start()
    yield authorities
    authorities.stop()


def add_form(scratch: Scratch, name: str, text: str) -> None:
    key = f"{name}-tni"
    scratch.write(f"onboardings/{key}.jwk.json", json.dumps(new_public_key(key.rpartition("/")[2])))
    scratch.write(f"onboardings/{name}.yaml", text)
    scratch.commit(f"Add {name}")


def test_a_pull_request_is_checked_and_reviewed(clone: Clone, github: FakeGitHub) -> None:
    """On the merge that GitHub checks out; only what the pull request brings is in the comment, not what main got meanwhile."""
    git = clone.scratch.run
    git("git", "switch", "--quiet", "--create", "change")
    add_form(clone.scratch, "stad-gent/mijn-gent", GENT)
    git("git", "switch", "--quiet", "main")
    add_form(clone.scratch, "stad-aalst/tweede", AALST.replace("e-loket", "tweede"))
    git("git", "merge", "--quiet", "--no-ff", "--no-edit", "change")

    for step in (*of("review", "validate"), *of("review", "review")):
        clone.succeed(step)

    [comment] = github.comments[PULL_REQUEST]
    assert "1 client is new on tni" in comment["body"]
    assert "mijn-gent" in comment["body"]
    assert "tweede" not in comment["body"]
    assert clone.job.summary.strip() in comment["body"]


def test_a_mistake_stops_the_pull_request_at_its_line(clone: Clone) -> None:
    add_form(clone.scratch, "stad-gent/mijn-gent", GENT.replace("dv_notificaties_schrijven", "dv_notificatie_schrijven"))
    done = clone.run(named(of("review", "validate"), "validate"))
    assert done.returncode == 1
    assert done.stdout.startswith("::error file=onboardings/stad-gent/mijn-gent.yaml,line=8,col=7::")


def test_merged_changes_are_deployed_and_a_dead_runner_s_lock_is_cleared(clone: Clone, running: Authorities) -> None:  # noqa: ARG001
    """TNI, then what production would get; with the lock of a runner that died in between."""
    tni, review = of("deploy", "tni"), of("deploy", "review-prod")
    clone.succeed(named(tni, "github token"))
    assert (clone.scratch.folder / ".local" / "identity-token").stat().st_mode & 0o077 == 0

    folder = clone.scratch.folder / "state" / ".pulumi" / "locks" / "organization" / "acmidm" / "tni"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "0c9f6c5e.json").write_text(json.dumps(LOCKED_BY_A_RUNNER))
    refused = clone.run(named(tni, "deploy"), STACK="tni")
    assert refused.returncode != 0
    assert "runner@a-runner-that-died" in refused.stderr
    clone.succeed(named(tni, "unlock"), STACK="tni")
    clone.succeed(named(tni, "deploy"), STACK="tni")
    assert "stad-aalst/e-loket" in clone.scratch.run("pulumi", "stack", "output", "--json", "--stack", "tni")

    for step in review:
        if "github token" not in step.run:
            clone.succeed(step, STACK="prod")
    assert clone.job.summary.startswith("### Nothing changes")


def test_without_a_backend_nothing_is_deployed_to_the_sandbox(clone: Clone) -> None:
    done = clone.run(named(of("deploy", "prod"), "deploy"), STACK="prod", ACMIDM_BACKEND_URL="")
    assert done.returncode != 0
    assert "ACMIDM_BACKEND_URL is not set" in done.stderr


def test_drift_keeps_one_issue_until_it_is_healed(clone: Clone, running: Authorities, github: FakeGitHub) -> None:
    [look] = [step for step in of("drift", "drift") if "drift-issue" in step.run]
    deploy = named(of("deploy", "tni"), "deploy")
    clone.scratch.run("pulumi", "config", "set", "acmidm:retryDeadlineSeconds", "5", "--stack", "tni")
    clone.succeed(deploy, STACK="tni")
    assert clone.succeed(look, STACK="tni").strip() == "tni is in sync"

    outputs = json.loads(clone.scratch.run("pulumi", "stack", "output", "--json", "--stack", "tni"))
    client_id = outputs["connections"]["stad-aalst/e-loket"]["acmidm"]["client_id"]
    running.change_by_hand(client_id, "dv_organisatieregister_info", new_public_key("slipped-in"))
    clone.succeed(look, STACK="tni")
    clone.succeed(look, STACK="tni")
    [issue] = github.issues
    assert "dv_organisatieregister_info" in issue["body"]
    assert "slipped-in" in issue["body"]

    clone.scratch.run("acmidm", "drift", "--stack", "tni", "--heal")
    clone.succeed(look, STACK="tni")
    assert [one["state"] for one in github.issues] == ["closed"]

    running.stop()
    assert clone.run(look, STACK="tni").returncode != 0, "nobody could look: the job fails, and says nothing in an issue"
    assert [one["state"] for one in github.issues] == ["closed"]
