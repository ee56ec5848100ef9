"""What a workflow posts: one comment and one issue, updated and never repeated, whoever else writes
there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner, Result

from acmidm.cli import app
from acmidm.commands import drift as comparing
from acmidm.commands import orders as ordering
from acmidm.commands.drift import Look
from acmidm.orders.listed import ListedOrder, Orders
from acmidm.report.approvers import Needed
from acmidm.report.drift import Drift
from acmidm.report.review import Review
from acmidm.terminal import as_json, fail
from acmidm_onboarding.rules.orders import Act, Doer
from acmidm_onboarding.values.terms import Environment, Platform
from tests.end_to_end.pipelines.conftest import COMMIT, PULL_REQUEST, Job
from tests.end_to_end.pipelines.fake_github import TEAMS_TOKEN, TOKEN, FakeGitHub

MARK = "<!-- acmidm:review -->"
DRIFT = "<!-- acmidm:drift-prod -->"


@pytest.fixture(autouse=True)
def _in_the_job(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in job.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(job.folder)


def github_command(*words: str) -> Result:
    result = CliRunner().invoke(app, ["github", *words])
    assert TOKEN not in result.output
    return result


def comment(job: Job, headline: str, *approvers: str) -> Result:
    """Post a review that these have to agree to."""
    needed = tuple(Needed(approvers=(name,), subjects={"loket": ("Gent",)}) for name in approvers)
    review = Review(headline=headline, needed=needed, connections=(), unchanged={})
    (job.folder / "review.json").write_text(as_json(review))
    return github_command("comment", "review.json")


def page(headline: str) -> str:
    return f"{MARK}\n### {headline}\n\n"


def drift(
    monkeypatch: pytest.MonkeyPatch,
    headline: str,
    code: int,
    *,
    days_left: int | None = None,
    clients: int = 1,
) -> Result:
    """With a look at the authorities that ends so, and a key that ends then; test_runs.py has the
    real one."""
    key = {
        "key": "OVO000001/loket",
        "organisation": "Gent",
        "application": "loket",
        "platform": "acmidm",
        "kid": "key-1",
    }
    report = {
        "stack": "prod",
        "environment": "prod",
        "headline": headline,
        "checked_at": "2026-11-25T03:17:00Z",
        "in_sync": code == 0,
        "clients": clients,
        "by_hand": [],
        "not_applied": [],
        "expiring": (
            []
            if days_left is None
            else [{**key, "expires": "2026-12-01T00:00:00Z", "days_left": days_left}]
        ),
    }

    def look(stack: str) -> Look:
        if code > 1:
            fail(f"{stack} could not be compared", code)
        return Look(Drift.model_validate(report), [])

    monkeypatch.setattr(comparing, "look", look)
    return github_command("drift", "--stack", "prod")


def bodies(github: FakeGitHub, issue: int = PULL_REQUEST) -> list[str]:
    return [
        one["body"].removesuffix(f"\nThis is about commit {COMMIT}.\n")
        for one in github.comments.get(issue, [])
    ]


def test_a_pull_request_gets_one_comment_which_follows_its_pushes(
    job: Job, github: FakeGitHub
) -> None:
    """Also where others commented before and after, beyond the first page, and quote ours with its
    mark."""
    people = ["people talk", "and talk", f"{MARK}\nnothing to see"]
    for text in people:
        github.add_comment(PULL_REQUEST, text, "somebody")
    assert comment(job, "one").exit_code == 0
    github.add_comment(PULL_REQUEST, "later", "somebody")
    assert comment(job, "two").exit_code == 0
    assert bodies(github) == [*people, page("two"), "later"]
    github.writes.clear()
    assert comment(job, "two").exit_code == 0
    assert github.writes == [], "nothing changed, so that nobody is notified"


def test_what_is_no_review_is_refused(job: Job, github: FakeGitHub) -> None:
    (job.folder / "review.json").write_text("### one\n")
    result = github_command("comment", "review.json")
    assert (result.exit_code, github.writes) == (2, [])
    assert result.output == ("review.json is no review; make it with acmidm review --output json\n")


def test_who_has_to_agree_is_requested_as_reviewer(
    job: Job, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once per push, by a token that may read teams; one that GitHub refuses hinders neither
    another nor the comment, which names it."""
    monkeypatch.setenv("ACMIDM_REVIEWERS_TOKEN", TEAMS_TOKEN)
    github.teams = frozenset({"dosis", "onboarding"})
    names = [
        "@stad/dosis",
        "@stad/absent",
        "@elders/team",
        "@piet",
        "ict@stad.example",
        "@stad/onboarding",
    ]
    result = comment(job, "one", *names)
    assert result.exit_code == 0
    assert TEAMS_TOKEN not in result.output
    assert github.requested == ["dosis", "piet", "onboarding"]
    [body] = [one["body"] for one in github.comments[PULL_REQUEST]]
    assert (
        "\nNot requested as reviewers, so ask them: `@stad/absent`, `@elders/team`,"
        " `ict@stad.example`. The job's log says why.\n"
    ) in body
    assert [line.partition(",")[0] for line in result.stderr.splitlines()[:2]] == [
        "warning: the review of @stad/absent could not be requested: POST"
        ' /repos/stad/onboarding/pulls/7/requested_reviewers: 422 Validation Failed: "Could not'
        ' resolve to a node"; see whether the job has the permissions of docs/pipelines.md',
        "warning: @elders/team is a team of another organisation than the repository's",
    ]
    github.writes.clear()
    assert comment(job, "one", *names).exit_code == 0
    assert github.writes == [], "nothing changed, so that nobody is requested again"


def test_a_job_s_own_token_requests_users_alone(job: Job, github: FakeGitHub) -> None:
    """GitHub answers 422 to each team: the comment is posted all the same."""
    github.teams = frozenset({"dosis"})
    assert comment(job, "one", "@stad/dosis", "@piet").exit_code == 0
    assert github.requested == ["piet"]
    assert "so ask them: `@stad/dosis`." in github.comments[PULL_REQUEST][0]["body"]


def test_no_more_are_requested_than_github_takes(job: Job, github: FakeGitHub) -> None:
    result = comment(job, "one", *(f"@user-{number}" for number in range(40)))
    assert len(github.requested) == 15
    assert "@user-15 is one too many: a pull request has 15 reviewers at most" in result.stderr
    body = github.comments[PULL_REQUEST][0]["body"]
    assert "`@user-24` and 15 more. The job's log says why." in body


@pytest.mark.parametrize(("status", "code"), [(403, 3), (500, 3)])
def test_a_refusal_is_one_sentence(status: int, code: int, job: Job, github: FakeGitHub) -> None:
    github.refuse = status
    result = comment(job, "one")
    assert result.exit_code == code
    assert result.stderr.count("\n") == 1
    assert (
        f"{status} Resource not accessible by integration; see whether the job has the permissions"
        in result.output
    )


def test_outside_a_workflow_it_says_what_is_missing(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    result = comment(job, "one")
    assert (result.exit_code, result.stderr.partition(";")[0]) == (3, "GITHUB_TOKEN is not set")


def test_an_event_without_pull_request(job: Job, github: FakeGitHub) -> None:
    (job.folder / "event.json").write_text("{}")
    assert comment(job, "one").exit_code == 3
    assert github.writes == []


def test_a_report_that_is_not_there_is_wrong_use() -> None:
    result = github_command("comment", "absent.json")
    assert result.exit_code == 2
    assert result.output.startswith(
        "absent.json cannot be read or written: No such file or directory; "
    )


def test_drift_opens_one_issue_updates_it_and_closes_it_when_healed(
    github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACMIDM_DRIFT_ASSIGNEES", "on-call")
    github.add_issue("Drift on prod", f"{DRIFT}\nfaked", "somebody")
    github.add_issue("a pull request of the bot", f"{DRIFT}\n", pull_request={})
    github.add_issue("Drift on tni", "<!-- acmidm:drift-tni -->\n### other\n")
    others = [dict(issue) for issue in github.issues]

    assert drift(monkeypatch, "in sync", 0).exit_code == 0
    assert github.writes == []

    assert drift(monkeypatch, "1 scope by hand", 1).exit_code == 0
    ours = github.issues[-1]
    assert (ours["title"], ours["assignees"]) == ("Drift on prod", ["on-call"])
    assert ours["body"].startswith(f"{DRIFT}\n### 1 scope by hand\n")

    github.writes.clear()
    assert drift(monkeypatch, "1 scope by hand", 1).exit_code == 0
    assert github.writes == [], "the same drift notifies nobody again"

    drift(monkeypatch, "1 scope by hand", 1, clients=2)
    assert github.writes == [f"PATCH /issues/{ours['number']}"], (
        "what does not change the headline notifies nobody"
    )
    drift(monkeypatch, "1 scope, 1 key by hand", 1)
    assert bodies(github, ours["number"]) == ["### 1 scope, 1 key by hand"]

    assert drift(monkeypatch, "in sync", 0).exit_code == 0
    assert (ours["state"], ours["state_reason"]) == ("closed", "completed")
    assert (
        bodies(github, ours["number"])[-1] == "prod is in sync again, and no key of it ends soon."
    )
    assert github.issues[:-1] == others

    drift(monkeypatch, "1 key by hand", 1)
    assert [issue["state"] for issue in github.issues if issue["body"].startswith(DRIFT)][-2:] == [
        "closed",
        "open",
    ]


def test_a_key_that_ends_keeps_the_issue_open_though_all_is_in_sync(
    github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody looks at a report that says in sync: an application is cut off all the same. A comment
    says when a key has ended."""
    assert drift(monkeypatch, "in sync; 1 key ends soon", 0, days_left=3).exit_code == 0
    [ours] = github.issues
    assert (ours["title"], ours["state"]) == ("Keys that end on prod", "open")
    assert "key-1" in ours["body"]
    drift(monkeypatch, "in sync; 1 key has expired", 0, days_left=-1)
    assert bodies(github, ours["number"]) == ["### in sync; 1 key has expired"]
    drift(monkeypatch, "1 scope by hand; 1 key has expired", 1, days_left=-1)
    assert ours["title"] == "Drift and keys that end on prod"
    drift(monkeypatch, "in sync", 0)
    assert [issue["state"] for issue in github.issues] == ["closed"]


def orders(monkeypatch: pytest.MonkeyPatch, *names: str) -> Result:
    """``acmidm github orders`` where these are open."""
    listed = tuple(
        ListedOrder(
            key="OVO002067/loket",
            organisation="Stad @gent",
            application="loket",
            platform=Platform.ACMIDM,
            environment=Environment.TNI,
            order=name,
            part="create",
            digest="3fa14c02",
            act=Act.CREATE,
            doer=Doer.OPERATOR,
            says={},
            act_title="Make a new OAuth client",
            done="acmidm orders done",
            since=datetime(2026, 11, 26, tzinfo=UTC),
        )
        for name in names
    )
    report = Orders(
        stack="prod",
        checked_at=datetime(2026, 11, 28, tzinfo=UTC),
        orders=listed,
    )
    monkeypatch.setattr(ordering, "read", lambda _stack, _language: report)
    return github_command("orders", "--stack", "prod", "--language", "en")


def test_one_issue_has_the_open_orders(github: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside that of drift, which stays as it is; nobody whose name an organisation has is
    mentioned."""
    github.add_issue("Drift on prod", f"{DRIFT}\n### 1 scope\n")
    assert orders(monkeypatch).output == "prod has no open orders\n"
    orders(monkeypatch, "OVO002067/loket create @3fa14c02")
    ours = github.issues[-1]
    assert (ours["title"], ours["state"]) == ("Orders at the portal of prod", "open")
    assert "- `OVO002067/loket create @3fa14c02`" in ours["body"]
    assert "#### Operator of the portal" in ours["body"]
    assert "(2026-11-26)" in ours["body"]
    assert "@gent" not in ours["body"]
    orders(monkeypatch, "OVO002067/loket create @3fa14c02", "OVO002067/loket scopes @99999999")
    assert bodies(github, ours["number"]) == ["### prod: 2 orders"]
    orders(monkeypatch)
    assert (ours["state"], github.issues[0]["state"]) == ("closed", "open")


@pytest.mark.parametrize("code", [2, 3])
def test_drift_that_could_not_look_fails_and_leaves_the_issue(
    code: int, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.add_issue("Drift on prod", f"{DRIFT}\n### 1 scope\n")
    assert drift(monkeypatch, "", code).exit_code == code
    assert github.writes == []
