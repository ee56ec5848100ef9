"""What the workflows may do, and that every command in them exists. ``make lint-workflows`` runs
actionlint and zizmor over them."""

from __future__ import annotations

import re
import shlex
import subprocess
from functools import cache
from typing import Any

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.desk.reminders.ledger import ledger_file
from tests.end_to_end.pipelines.workflows import ROOT, jobs, steps, workflows

INSTALL = "python3 -m venv .venv && .venv/bin/pip install --quiet --no-deps -r requirements.txt"
REVIEW = (
    '.venv/bin/acmidm review --stack "$STACK" --output markdown --save approved.json --fail-on'
    " prod:protection_lifted > review.md"
)
UNLOCK = 'pulumi cancel --yes --stack "$STACK"'
SHELL = ("git -c ", "newest=$(git ", "head -c ", UNLOCK, INSTALL)
"""How a line of shell begins that test_runs.py or tests/end_to_end/library runs, whatever it
does."""
DEPLOY = '.venv/bin/acmidm deploy --stack "$STACK"'
DEPLOY_APPROVED = f"{DEPLOY} --approved approved.json"
FOR_REVIEWERS = "secrets.ACMIDM_REVIEWERS_TOKEN"
DRIFT = '.venv/bin/acmidm github drift --stack "$STACK"'
REMIND = '.venv/bin/acmidm remind --stack "$STACK"'
MAY_WRITE = {
    ("review", "review"): {"pull-requests"},
    ("deploy", "tni"): {"id-token"},
    ("deploy", "review-prod"): {"id-token"},
    ("deploy", "prod"): {"id-token"},
    ("drift", "drift"): {"id-token", "issues"},
    ("drift", "remind"): {"id-token"},
}


def commands(text: str) -> list[str]:
    """The commands in a ``run:``, each on one line; what is written to a file is left out."""
    return [line.partition(" > ")[0].strip() for line in text.splitlines() if line.strip()]


@cache
def exists(command: str) -> None:
    """Fails where a command is neither a make target nor an ``acmidm`` command with these
    options."""
    words = shlex.split(command)
    if words[0] == "make":
        done = subprocess.run(
            ["make", "--dry-run", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    else:
        assert words[0] in (".venv/bin/acmidm", "acmidm"), (
            f"{command}: call a make target or acmidm, or run it in test_runs.py"
        )
        result = CliRunner().invoke(app, [*words[1:], "--help"])
        assert result.exit_code == 0, result.output


def test_every_command_exists_with_its_options_and_nothing_is_interpolated_into_it() -> None:
    """A branch's name can be a shell command: values come in by the environment alone."""
    for step in steps():
        assert "${{" not in step.run, step
        if not step.run.startswith(SHELL):
            for command in commands(step.run):
                exists(command)


def test_a_command_that_does_not_exist_would_be_found() -> None:
    for wrong in (
        "make no-such-target",
        "acmidm review --no-such-option",
        "acmidm no-such-command",
        "gh pr comment",
    ):
        with pytest.raises(AssertionError):
            exists(wrong)


def test_checkouts_keep_no_credentials() -> None:
    """That actions are pinned zizmor sees; to it, credentials that are kept on purpose are fine."""
    for step in steps():
        if "checkout" in step.document.get("uses", ""):
            assert step.document["with"]["persist-credentials"] == "false", step


def test_each_job_has_the_least_permissions() -> None:
    for workflow, document in workflows().items():
        assert document["permissions"] == {}, workflow
    for workflow, name, job in jobs():
        written = {what for what, level in job["permissions"].items() if level == "write"}
        assert written == MAY_WRITE.get((workflow, name), set()), (workflow, name)
        assert job["permissions"]["contents"] == "read"


def test_a_pull_request_meets_no_secret() -> None:
    """Nothing but its own tests runs in its context; and nothing at all in a context with rights
    that others choose. What requests reviewers has a token for that, and reaches no authority."""
    for workflow, document in workflows().items():
        assert "workflow_run" not in document["on"], workflow
        if not {"pull_request", "pull_request_target"}.isdisjoint(document["on"]):
            secrets = set(re.findall(r"secrets\.\w+", str(document)))
            assert secrets <= {FOR_REVIEWERS}, workflow
            assert "id-token" not in str(document), workflow
            assert not any("environment" in job for job in document["jobs"].values()), workflow
    assert [
        workflow for workflow, document in workflows().items() if "pull_request" in document["on"]
    ] == ["test"]


def test_what_reviews_a_pull_request_is_the_base_s_own() -> None:
    """The workflow, what it checks out, installs and runs: of the pull request it has a commit's
    name, in a variable."""
    review = workflows()["review"]
    assert set(review["on"]) == {"pull_request_target"}
    assert "edited" in review["on"]["pull_request_target"]["types"], (
        "one that is turned to main later is reviewed then"
    )
    for job in review["jobs"].values():
        assert job["env"] == {
            "HEAD": "${{ github.event.pull_request.head.sha }}",
            "NUMBER": "${{ github.event.pull_request.number }}",
        }
        checkout, *rest = job["steps"]
        assert checkout["with"] == {
            "fetch-depth": "0",
            "persist-credentials": "false",
        }, "no ref: that of the event, which is main's"
        assert not any("uses" in step for step in rest)
        install, fetch = [step["run"] for step in rest][:2]
        assert install == INSTALL
        assert fetch.endswith(
            'fetch --quiet --no-tags --no-recurse-submodules origin "pull/$NUMBER/head"'
        )


def test_deployments_have_the_history_that_they_need() -> None:
    """Else each would be refused: a shallow checkout cannot prove what it contains."""
    for workflow, name, job in jobs():
        steps = [str(step.get("run")) for step in job["steps"]]
        if any(
            step.startswith((".venv/bin/acmidm deploy", ".venv/bin/acmidm review"))
            for step in steps
        ):
            assert job["steps"][0]["with"].get("fetch-depth") == "0", (workflow, name)


def test_secrets_reach_the_steps_that_need_them() -> None:
    """Those that ask an authority: previews do where a form takes a client over."""
    asking = {
        DEPLOY,
        DEPLOY_APPROVED,
        DRIFT,
        REMIND,
        REVIEW,
    }
    for workflow, name, job in jobs():
        assert "secrets." not in str(job.get("env", {})), (workflow, name)
        holders = [step for step in job["steps"] if "secrets." in str(step)]
        if (workflow, name) == ("review", "review"):
            (step,) = holders
            assert step["run"].startswith(".venv/bin/acmidm github comment review.json ")
            assert re.findall(r"secrets\.\w+", str(step)) == [FOR_REVIEWERS]
        else:
            assert {str(step["run"]) for step in holders} <= asking, (workflow, name)


@pytest.mark.parametrize(
    ("name", "kind"), [("ACMIDM_SMTP_USERNAME", "vars"), ("ACMIDM_SMTP_PASSWORD", "secrets")]
)
def test_the_mail_servers_credentials_are_the_same_for_whatever_mails(name: str, kind: str) -> None:
    """A user name that is a variable to one workflow and a secret to another is empty in one of
    them."""
    given = [
        step["env"][name]
        for _, _, job in jobs()
        for step in job["steps"]
        if name in step.get("env", {})
    ]
    assert given == [f"${{{{ {kind}.{name} }}}}"] * 3


def test_production_comes_after_tni_and_after_somebody_looked() -> None:
    deploy = workflows()["deploy"]["jobs"]
    assert deploy["prod"]["needs"] == "reviewed"
    assert deploy["reviewed"]["needs"] == "review-prod"
    assert deploy["review-prod"]["needs"] == ["stacks", "tni"]
    assert deploy["prod"]["environment"] == "prod"
    for job, brings_up in (("tni", DEPLOY), ("prod", DEPLOY_APPROVED)):
        done = [step.get("run") for step in deploy[job]["steps"]]
        assert any("$GITHUB_SHA" in run for run in done[: done.index(brings_up)] if run), (
            "an old run that is started again changes nothing"
        )


def test_each_stack_has_a_job_of_its_own() -> None:
    """An empty matrix is an error at GitHub: such a job is left out."""
    of = {name: job for _, name, job in jobs() if "fromJSON" in str(job.get("strategy"))}
    lists = {
        "tni": "stacks.outputs.tni",
        "review-prod": "stacks.outputs.prod",
        "prod": "reviewed.outputs.prod",
    }
    nightly = dict.fromkeys(("drift", "remind"), "stacks.outputs.all")
    assert of.keys() == {*lists, *nightly}
    for name, listed in {**lists, **nightly}.items():
        assert of[name]["strategy"] == {
            "fail-fast": "false",
            "matrix": {"stack": f"${{{{ fromJSON(needs.{listed}) }}}}"},
        }
        assert of[name]["env"]["STACK"] == "${{ matrix.stack }}"
    assert all(f"needs.{listed} != '[]'" in of[name]["if"] for name, listed in lists.items())


def test_what_runs_on_production_is_what_somebody_approved() -> None:
    """The job before the approval hands on what it reviewed, where there is a whole preview; the
    one behind it carries out that file."""
    review, prod = (workflows()["deploy"]["jobs"][job]["steps"] for job in ("review-prod", "prod"))
    assert [step.get("run") for step in review if "--save " in step.get("run", "")] == [REVIEW]
    upload, download = (
        next(step for step in found if f"actions/{what}-artifact" in step.get("uses", ""))
        for found, what in ((review, "upload"), (prod, "download"))
    )
    assert upload["with"]["name"] == download["with"]["name"] == "approved-${{ matrix.stack }}"
    assert upload["with"]["path"] == "approved.json"
    assert upload["with"]["if-no-files-found"] == "error"
    assert upload["if"] == "!cancelled() && hashFiles('approved.json') != ''"
    listing = next(step for step in steps() if step.job == "reviewed" and "stacks" in step.run)
    assert "--saved approved " in listing.run
    assert prod.index(download) + 1 == prod.index(
        next(step for step in prod if step.get("run") == DEPLOY_APPROVED)
    )
    assert not any(
        DEPLOY in step.get("run", "") and step["run"] != DEPLOY_APPROVED for step in prod
    )


@pytest.mark.parametrize("job", ["tni", "prod"])
def test_one_run_at_a_time_changes_a_stack_and_is_never_cut_off(job: str) -> None:
    """One that is cancelled gives its lock back, only where ``up`` itself was cut off: a lock is
    else somebody else's."""
    document = workflows()["deploy"]["jobs"][job]
    assert document["concurrency"] == {
        "group": "stack-${{ matrix.stack }}",
        "cancel-in-progress": "false",
    }
    listed: list[dict[str, Any]] = document["steps"]
    up = next(step for step in listed if step.get("id") == "up")
    last = listed[-1]
    assert up["run"] == (DEPLOY if job == "tni" else DEPLOY_APPROVED)
    assert (last["run"], last["if"]) == (
        UNLOCK,
        "cancelled() && steps.up.outcome == 'cancelled'",
    )


def test_drift_never_stands_in_the_way_of_a_deployment() -> None:
    """In the same group, a look at night would take the place of an ``up`` that waits."""
    assert workflows()["drift"]["jobs"]["drift"]["concurrency"]["group"].startswith("drift-")


def test_reminders_know_what_was_sent_the_night_before() -> None:
    """The ledger is where the command looks for it, goes from each run to the next, and is kept
    after a failure too; one at a time."""
    job = workflows()["drift"]["jobs"]["remind"]
    restore, save = (
        next(step for step in job["steps"] if f"actions/cache/{what}@" in step.get("uses", ""))
        for what in ("restore", "save")
    )
    done = [step.get("run", step.get("uses")) for step in job["steps"]]
    assert done.index(restore["uses"]) < done.index(REMIND) < done.index(save["uses"])
    for step in (restore, save):
        assert (
            step["with"]["path"].replace("${{ matrix.stack }}", "tni")
            == ledger_file("tni", {}).as_posix()
        )
        assert "github.run_id" in step["with"]["key"], "a cache is never overwritten"
        assert "github.run_attempt" in step["with"]["key"]
    assert save["with"]["key"].startswith(restore["with"]["restore-keys"].partition(" ")[0])
    assert save["if"] == "always()"
    assert job["concurrency"] == {
        "group": "remind-${{ matrix.stack }}",
        "cancel-in-progress": "false",
    }


def test_every_job_ends_by_itself() -> None:
    assert all(int(job["timeout-minutes"]) <= 90 for _, _, job in jobs())


def test_the_table_for_any_pipeline_uses_commands_that_exist() -> None:
    """What docs/pipelines.md lists has commands and options that exist."""
    table = (ROOT / "docs" / "pipelines.md").read_text().partition("\n## ")[0]
    listed = re.findall(r"`(acmidm [^`]+)`", table)
    assert len(listed) >= 8, listed
    for command in listed:
        exists(command)


def test_what_is_merged_is_what_was_reviewed() -> None:
    """As far as settings of the repository go, which no file here makes."""
    text = " ".join((ROOT / "docs" / "pipelines.md").read_text().split())
    for setting in (
        "*Require branches to be up to date before merging*",
        "no *rebase merging*",
        "no *merge queue*",
    ):
        assert setting in text
    assert not any("merge_group" in document["on"] for document in workflows().values()), (
        "there the workflow is the merge's own"
    )
