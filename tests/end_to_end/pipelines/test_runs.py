"""The workflows' own commands, run for real in a scratch clone: a real engine, a real authority, a
GitHub on loopback."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jwk import JWK

from acmidm_sandbox.beheerportaal.settings import MANAGEMENT_READ
from story.authorities import StoryAuthorities, new_public_key
from story.scratch import Scratch
from tests.end_to_end.pipelines.conftest import PULL_REQUEST, Job, event_about
from tests.end_to_end.pipelines.fake_github import TOKEN, FakeGitHub
from tests.end_to_end.pipelines.forms import AALST, GENT, ORGANISATIONS
from tests.end_to_end.pipelines.workflows import Step, steps
from tests.support.people import add_operator
from tests.support.warm_server import warm_environment

FILES = ("schema", "pyproject.toml")
LOCKED_BY_A_RUNNER = {
    "pid": 4711,
    "username": "runner",
    "hostname": "a-runner-that-died",
    "timestamp": "2026-11-25T03:17:00Z",
}


@dataclass
class Clone:
    """A scratch clone, the steps of whose jobs are run one by one. What installs tools is left out:
    they are there."""

    scratch: Scratch
    job: Job
    given: dict[str, str] = field(default_factory=dict)
    """The variables and secrets of the job's environment at GitHub; one that is not there is empty,
    as it is there."""

    def run(self, step: Step, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a step's command as GitHub does, by bash that stops at the first error, with what
        the workflow passes to it."""
        stack = "tni" if step.job == "tni" else "prod"
        given = {
            "github.token": self.job.environment["GITHUB_TOKEN"],
            "matrix.stack": stack,
            **self.given,
        }
        passed = {
            name: re.sub(
                r"\$\{\{ (?:vars\.|secrets\.)?(\S+) \}\}",
                lambda found: given.get(found[1], ""),
                value,
            )
            for name, value in step.environment.items()
        }
        variables = {**self.scratch.variables, **self.job.environment, **passed, **environment}
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.run],
            cwd=self.scratch.folder,
            env=variables,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def carry_out(self, steps: list[Step]) -> list[subprocess.CompletedProcess[str]]:
        """Runs a job as GitHub does: after a failure only the steps whose condition says so."""
        done: list[subprocess.CompletedProcess[str]] = []
        for step in steps:
            condition = step.document.get("if", "")
            is_there = (
                "hashFiles('approved.json')" not in condition
                or (self.scratch.folder / "approved.json").exists()
            )
            if is_there and (
                not any(one.returncode for one in done) or "!cancelled()" in condition
            ):
                done.append(self.run(step))
        return done

    def succeed(self, step: Step, **environment: str) -> str:
        done = self.run(step, **environment)
        assert done.returncode == 0, f"{step}\n{done.stdout}{done.stderr}"
        return done.stdout


def of(workflow: str, job: str) -> list[Step]:
    """The commands of a job, in order, after those that install the tools."""
    return [
        step
        for step in steps()
        if (step.workflow, step.job) == (workflow, job) and step.run and not installs(step)
    ]


def installs(step: Step) -> bool:
    return "pip install" in step.run


def named(found: list[Step], command: str) -> Step:
    return next(step for step in found if command in step.run)


def scratch_in(folder: Path) -> Scratch:
    path = os.pathsep.join([str(warm_environment() / "bin"), os.environ["PATH"]])
    return Scratch(folder, FILES, {"PATH": path})


@pytest.fixture(scope="module")
def main(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one connection on main, which all clones are copies of."""
    scratch = scratch_in(tmp_path_factory.mktemp("main") / "clone")
    scratch.lay_out()
    (scratch.folder / ".venv").unlink()
    (scratch.folder / ".venv").symlink_to(warm_environment())
    add_form(scratch, "stad-aalst/e-loket", AALST)
    return scratch.folder


@pytest.fixture
def clone(job: Job, main: Path, tmp_path: Path) -> Clone:
    folder = tmp_path / "clone"
    shutil.copytree(main, folder, symlinks=True)
    return Clone(scratch_in(folder), job)


@pytest.fixture
def running(clone: Clone) -> Iterator[StoryAuthorities]:
    """Authorities and stacks of their own, with the state where a pipeline's variable says."""
    authorities = StoryAuthorities(clone.scratch)
    clone.given["PULUMI_BACKEND_URL"] = f"file://{clone.scratch.folder / 'state'}"
    authorities.start()
    yield authorities
    authorities.stop()


def add_form(scratch: Scratch, name: str, text: str) -> None:
    key = f"{name}-tni"
    scratch.write(f"onboardings/{key}.jwk.json", json.dumps(new_public_key(key.rpartition("/")[2])))
    scratch.write(f"onboardings/{name}.yaml", text)
    folder = name.partition("/")[0]
    scratch.write(f"onboardings/{folder}/organisation.yaml", ORGANISATIONS[folder])
    scratch.run("acmidm", "schema")
    scratch.commit(f"Add {name}")


def propose(clone: Clone) -> None:
    """Makes what is checked out a pull request, as GitHub has it: its commit is at the origin, and
    main alone is in the clone."""
    git, origin = clone.scratch.run, f"file://{clone.scratch.folder.parent / 'origin.git'}"
    head = git("git", "rev-parse", "HEAD").strip()
    git("git", "push", "--quiet", "--force", origin, "HEAD:refs/pull/7/head", "main:main")
    git("git", "remote", "add", "origin", origin)
    git("git", "switch", "--quiet", "main")
    git("git", "branch", "--quiet", "-D", "change")
    git("git", "reflog", "expire", "--expire=now", "--all")
    git("git", "gc", "--quiet", "--prune=now")
    git("git", "cat-file", "-t", head, code=128)
    Path(clone.job.environment["GITHUB_EVENT_PATH"]).write_text(json.dumps(event_about(head)))
    clone.given["github.event.pull_request.head.sha"] = head
    clone.given["github.event.pull_request.number"] = str(PULL_REQUEST)


@pytest.fixture
def change(clone: Clone) -> Clone:
    """On a branch of which a pull request will be made."""
    clone.scratch.run(
        "git", "init", "--quiet", "--bare", str(clone.scratch.folder.parent / "origin.git")
    )
    clone.scratch.run("git", "switch", "--quiet", "--create", "change")
    return clone


def test_a_mistake_stops_the_pull_request_at_its_line(change: Clone, github: FakeGitHub) -> None:
    """And the comment, which was about an earlier push, says that there is no review."""
    github.add_comment(PULL_REQUEST, "<!-- acmidm:review -->\n### Nothing changes\n")
    add_form(
        change.scratch,
        "stad-gent/mijn-gent",
        GENT.replace("dv_notificaties_import", "dv_notificatie_import"),
    )
    propose(change)
    fetched, done = change.carry_out(of("review", "validate"))
    assert (fetched.returncode, done.returncode) == (0, 1), fetched.stderr
    assert done.stdout.startswith(
        "::error file=onboardings/stad-gent/mijn-gent.yaml,line=7,col=7::"
    )
    fetched, review, posted = change.carry_out(of("review", "review"))
    assert (review.returncode, posted.returncode) == (2, 0)
    [comment] = github.comments[PULL_REQUEST]
    assert "### There is no review of this change" in comment["body"]
    assert change.job.summary.startswith("### There is no review of this change")


def test_a_pull_request_is_reviewed_and_nothing_of_it_runs(
    change: Clone, github: FakeGitHub
) -> None:
    """Only what it brings is in the comment, not what main got meanwhile; a fork's as anybody's.

    Whatever it brings of its own does not run: tools, workflows, modules by the names of ours, what
    Git or Python would run.
    """
    ran, git = change.scratch.folder.parent / "ran", change.scratch.run
    python, shell = f"open({str(ran)!r}, 'a').write(__file__)\n", f"touch {ran}"
    modules = (
        "acmidm/__init__.py",
        "acmidm/review.py",
        "httpx.py",
        "yaml.py",
        "sitecustomize.py",
        "setup.py",
        "__main__.py",
        "conftest.py",
    )
    add_form(change.scratch, "stad-gent/mijn-gent", GENT)
    for name in (*modules, "wheels/acmidm_onboarding-9-py3-none-any.whl"):
        change.scratch.write(name, python)
    change.scratch.write("requirements.txt", "acmidm-onboarding==9\n")
    change.scratch.write(
        "pyproject.toml",
        '[build-system]\nrequires = []\nbuild-backend = "setup"\nbackend-path = ["."]\n',
    )
    change.scratch.write(
        "Pulumi.yaml", "name: acmidm\nruntime: {name: python, options: {virtualenv: evil}}\n"
    )
    change.scratch.write(".github/workflows/review.yml", "on: pull_request\n")
    change.scratch.write(".gitattributes", "* filter=evil\n")
    change.scratch.commit("Innocent")
    git("git", "switch", "--quiet", "main")
    add_form(change.scratch, "stad-aalst/tweede", AALST.replace("e-loket", "tweede"))
    git("git", "switch", "--quiet", "change")
    propose(change)
    git("git", "config", "filter.evil.smudge", f"{shell}; cat")
    git("git", "config", "filter.evil.clean", f"{shell}; cat")
    for step in (*of("review", "validate"), *of("review", "review")):
        change.succeed(step)
    assert not ran.exists()

    [comment] = github.comments[PULL_REQUEST]
    headline = comment["body"].splitlines()[1]
    assert headline.startswith("### 1 client is new on tni; also changes ")
    assert headline.endswith(
        ", settings, what pipelines do or who approves, which packages are installed, code,"
        " which organisations there are"
    )
    for name in (
        "mijn-gent",
        "wheels/acmidm_onboarding",
        "acmidm/review.py",
        "httpx.py",
        ".gitattributes",
    ):
        assert name in comment["body"]
    assert "tweede" not in comment["body"]
    assert change.job.summary.strip() in comment["body"]
    assert comment["body"].endswith(
        f"This is about commit {change.given['github.event.pull_request.head.sha']}.\n"
    )


@pytest.mark.exhaustive
def test_merged_changes_are_deployed_and_a_dead_runner_s_lock_is_cleared(
    clone: Clone,
    running: StoryAuthorities,  # noqa: ARG001
) -> None:
    """TNI, then what production would get; with the lock of a runner that died in
    between.

    Without a backend nothing is deployed.
    """
    tni, review, prod = (
        of("deploy", "tni"),
        of("deploy", "review-prod"),
        named(of("deploy", "prod"), "deploy"),
    )
    without = clone.run(named(tni, "deploy"), PULUMI_BACKEND_URL="")
    assert without.returncode == 3
    assert "set PULUMI_BACKEND_URL to it in a pipeline" in without.stderr
    folder = (
        clone.scratch.folder / "state" / ".pulumi" / "locks" / "organization" / "acmidm" / "tni"
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "0c9f6c5e.json").write_text(json.dumps(LOCKED_BY_A_RUNNER))
    refused = clone.run(named(tni, "deploy"))
    assert refused.returncode != 0
    assert "runner@a-runner-that-died" in refused.stderr
    clone.succeed(named(tni, "cancel"))
    clone.succeed(named(tni, "deploy"))
    assert "OVO001992/e-loket" in clone.scratch.run(
        "pulumi", "stack", "output", "--json", "--stack", "tni"
    )

    for step in review:
        clone.succeed(step)
    assert clone.job.summary.startswith("### Nothing changes")
    clone.succeed(prod)

    nobody = "  prod:\n    adopt: {acmidm: 8abae908-3b66-41e8-bf7d-262d136515b4}\n"
    add_form(clone.scratch, "stad-gent/mijn-gent", GENT.replace("  tni:\n", nobody))
    (clone.scratch.folder / "approved.json").unlink()
    refused, *others = clone.carry_out(review)
    assert [refused.returncode, *(one.returncode for one in others)] == [1, 0]
    assert "what is refused is held back" in clone.job.summary
    assert (clone.scratch.folder / "approved.json").exists()
    assert 'client "8abae908-3b66-41e8-bf7d-262d136515b4" does not exist' in refused.stderr


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a bare repository by HTTP as GitHub serves a private one: for a job's token alone."""
    expected = f"Basic {base64.b64encode(f'x-access-token:{TOKEN}'.encode()).decode()}"

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers["Authorization"] == expected:
                return super().do_GET()
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()
            return None

        def log_message(self, *_: Any) -> None:
            """Keeps the tests' output clean."""

    handler = partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_run_that_another_one_passed_does_not_put_old_forms_back(clone: Clone) -> None:
    """Approved late, it is refused, and so it is where nobody can say; the newest one goes on.
    What asks for the branch has the job's token, and shows it to nobody."""
    origin, git = clone.scratch.folder.parent / "origin.git", clone.scratch.run
    git("git", "init", "--quiet", "--bare", str(origin))
    older = git("git", "rev-parse", "HEAD").strip()
    add_form(clone.scratch, "stad-gent/mijn-gent", GENT)
    newer = git("git", "rev-parse", "HEAD").strip()
    git("git", "push", "--quiet", f"file://{origin}", "main:main")
    git("git", "-C", str(origin), "update-server-info")
    checks = [
        step for step in of("deploy", "tni") + of("deploy", "prod") if "$GITHUB_SHA" in step.run
    ]
    assert len(checks) == 2
    with served(origin) as url:
        git("git", "remote", "add", "origin", url)
        for step in checks:
            clone.succeed(step, GITHUB_REF="refs/heads/main", GITHUB_SHA=newer)
            passed = clone.run(step, GITHUB_REF="refs/heads/main", GITHUB_SHA=older)
            assert passed.returncode == 1
            refused = f"refs/heads/main is at {newer} by now, not at {older}: use the newest run"
            assert passed.stdout == f"::error::{refused}\n"
            assert TOKEN not in passed.stderr
    unreachable = clone.run(checks[0], GITHUB_REF="refs/heads/main", GITHUB_SHA=newer)
    assert unreachable.returncode != 0


def test_a_job_logs_in_to_git_in_one_way() -> None:
    """Its token is in the step's environment, not among the words of a command."""
    logs_in = [step for step in steps() if "credential.helper" in step.run]
    assert {(step.workflow, step.job) for step in logs_in} == {
        ("deploy", "tni"),
        ("deploy", "prod"),
        ("review", "validate"),
        ("review", "review"),
    }
    [_] = {re.search('credential.helper=("[^"]+")', step.run)[1] for step in logs_in}  # type: ignore[index]
    assert all(step.environment["GITHUB_TOKEN"] == "${{ github.token }}" for step in logs_in)


def test_the_step_summary_is_added_to_and_cut_where_github_refuses(clone: Clone) -> None:
    summary = named(of("deploy", "review-prod"), "GITHUB_STEP_SUMMARY")
    clone.scratch.write("review.md", "### één\n")
    clone.succeed(summary)
    clone.scratch.write("review.md", "x" * 1_200_000)
    clone.succeed(summary)
    assert clone.job.summary.startswith("### één\nx")
    assert 1_000_000 < len(clone.job.summary.encode()) < 1_048_576


@pytest.mark.exhaustive
def test_drift_keeps_one_issue_until_it_is_healed(
    clone: Clone, running: StoryAuthorities, github: FakeGitHub
) -> None:
    """As an operator of its own that may only read, whom the job's variables name beside the
    deploying one of the stack's file."""
    [look] = [step for step in of("drift", "drift") if "github drift" in step.run]
    deploy = named(of("deploy", "tni"), "deploy")
    clone.scratch.run(
        "pulumi", "config", "set", "acmidm:retryDeadlineSeconds", "5", "--stack", "tni"
    )
    clone.succeed(deploy)
    reader = JWK.generate(kty="EC", crv="P-256", kid="reader", use="sig", alg="ES256")
    database = clone.scratch.folder / ".local/tni/acmidm/portal.db"
    add_operator(
        database, "reader", [MANAGEMENT_READ], public_jwk=json.loads(reader.export_public())
    )
    clone.given |= {
        "ACMIDM_OPERATOR_CLIENT_ID": "reader",
        "ACMIDM_OPERATOR_PRIVATE_KEY": reader.export_private(),
    }

    outputs = json.loads(clone.scratch.run("pulumi", "stack", "output", "--json", "--stack", "tni"))
    client_id = outputs["connections"]["OVO001992/e-loket"]["acmidm"]["client_id"]
    running.change_by_hand(client_id, "dv_organisatieregister_info", new_public_key("slipped-in"))
    clone.succeed(look, STACK="tni")
    [issue] = github.issues
    assert "dv_organisatieregister_info" in issue["body"]
    assert "slipped-in" in issue["body"]

    clone.scratch.run("acmidm", "drift", "--stack", "tni", "--heal")
    assert clone.succeed(look, STACK="tni").startswith("tni is in sync again: ")
    assert [one["state"] for one in github.issues] == ["closed"]

    running.stop()
    assert clone.run(look, STACK="tni").returncode != 0, (
        "nobody could look: the job fails, and says nothing in an issue"
    )
    assert [one["state"] for one in github.issues] == ["closed"]
