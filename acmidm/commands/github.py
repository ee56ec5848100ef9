"""Post what a workflow of GitHub found: one comment on a pull request, with its reviewers, one
issue per stack."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from acmidm.commands import drift as comparing
from acmidm.commands import orders as ordering
from acmidm.engine.stacks import stack_of
from acmidm.github import Repository, variable
from acmidm.render.markdown import as_markdown, code
from acmidm.report.drift import Drift
from acmidm.report.review import Review
from acmidm.terminal import StackOption, fail, speaking, warn
from acmidm.words import first_of
from acmidm_onboarding.settings import LOOPBACK
from acmidm_onboarding.stack_files import stack_names
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment, Platform

_EPILOG = """
**Examples**

- `acmidm github comment review.json >> "$GITHUB_STEP_SUMMARY"`
- `acmidm github drift --stack prod`
- `acmidm github stacks >> "$GITHUB_OUTPUT"`

**Exit codes**: 0 posted; 2 wrong use; 3 GitHub, an authority or the engine cannot be reached.
"""

app = typer.Typer(help=__doc__, epilog=_EPILOG, no_args_is_help=True)

LONGEST_BODY = 65_536
"""Characters in a comment or an issue."""
BOT = "github-actions[bot]"
"""The account that GITHUB_TOKEN posts as: what others posted is left alone."""

MOST_REVIEWERS = 15
"""Reviewers that GitHub lets a pull request have."""

ReviewArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="What acmidm review --output json wrote.")
]


@app.command()
def comment(file: ReviewArgument) -> None:
    """Write the pull request's comment, or update it where it is there already; request who has to
    agree as reviewers.

    It says of which commit it is: one of an earlier push is no review of what is merged. Prints
    what it posts, for the summary of the job. Needs GITHUB_TOKEN with pull-requests: write. That
    token can request no team: ACMIDM_REVIEWERS_TOKEN can, where it may read teams too. Who cannot
    be requested is named in the comment, and fails nothing.
    """
    pull_request, head = _pull_request()
    review = _review(file)
    text = as_markdown(review.as_document()) if review else _no_review()
    typer.echo(text, nl=False)
    mark, repository = _mark("review"), Repository()
    about = f"This is about commit {head}.\n"
    posted = _find_ours(repository.comments(pull_request), mark)
    if posted and posted["body"].startswith(f"{mark}\n{text}") and posted["body"].endswith(about):
        typer.echo(f"comment {posted['id']} on pull request {pull_request} is up to date", err=True)
        return
    not_requested = _request_reviews(repository, pull_request, review)
    body = _body("\n".join([text, *not_requested, about]), mark)
    if posted:
        repository.change_comment(posted["id"], body)
    else:
        repository.add_comment(pull_request, body)
    typer.echo(f"pull request {pull_request} has its comment", err=True)


def _request_reviews(
    repository: Repository, pull_request: int, review: Review | None
) -> Iterator[str]:
    """Request each approver of a review as reviewer of the pull request. Warn of each that could
    not be requested, and yield one sentence that names these, for the comment.

    Each has a request of its own, so that a wrong one hinders no other: GitHub alone knows whether
    a team exists and may see the repository.
    """
    not_requested: list[str] = []
    requested = 0
    approvers = review.approvers if review else ()
    for approver in approvers:
        if reason := repository.cannot_request(approver):
            why_not = reason
        elif requested == MOST_REVIEWERS:
            why_not = (
                f"{approver} is one too many: a pull request has {MOST_REVIEWERS} reviewers"
                " at most on GitHub; ask them"
            )
        else:
            why_not = repository.request_review(pull_request, approver)
            requested += not why_not
        if why_not:
            not_requested.append(approver)
            warn(why_not)
    if not_requested:
        listed = first_of(list(map(code, not_requested)))
        yield f"Not requested as reviewers, so ask them: {listed}. The job's log says why." + "\n"


@app.command()
def drift(stack: StackOption) -> None:
    """Run acmidm drift on a stack, and keep one issue about it: opened, updated, closed when
    nothing is left to do.

    It says what differs, and which keys have expired or end soon. Needs GITHUB_TOKEN with issues:
    write. Exits with 0 where it looked, whatever it found, and as acmidm drift does where it could
    not look: then the issue stays as it is.
    """
    report = comparing.look(stack).report
    _keep_issue("drift", stack, _subject_of(report), as_markdown(report.as_document()))


def _subject_of(report: Drift) -> str | None:
    """Return what an issue about drift is about, by which ``_TITLE`` has its title; None where
    there is nothing to do."""
    if report.in_sync:
        return "keys" if report.expiring else None
    return "drift_and_keys" if report.expiring else "drift"


@app.command()
def orders(
    stack: StackOption,
    language: Annotated[
        Language, typer.Option(envvar="ACMIDM_LANGUAGE", help="In which language.")
    ] = Language.NL,
) -> None:
    """Keep one issue with the open orders of a stack whose authority people change by hand: opened,
    updated, closed when none is open.

    Needs GITHUB_TOKEN with issues: write.
    """
    report = ordering.read(stack, language)
    with speaking(language):
        page = as_markdown(report.as_issue())
    about = "orders" if report.open or report.missing else None
    _keep_issue("orders", stack, about, page)


@app.command()
def stacks(
    saved: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Those alone of which FOLDER has an artifact approved-STACK.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print the names of stacks for a matrix of jobs, all and per environment, as GITHUB_OUTPUT
    takes them.

    A stack whose authority is on this machine is a sandbox's, and left out.
    """
    by_output: dict[str, list[str]] = {
        "all": [],
        **{environment.value: [] for environment in Environment},
    }
    for stack in map(stack_of, stack_names(Path())):
        is_wanted = saved is None or (saved / f"approved-{stack.name}").is_dir()
        settings = stack.forms.settings
        if is_wanted and settings.platforms[Platform.ACMIDM].address.host not in LOOPBACK:
            for output in ("all", settings.environment):
                by_output[output].append(stack.name)
    for output, names in by_output.items():
        typer.echo(f"{output}={json.dumps(names)}")


_TITLE = {
    "drift": "Drift on {stack}",
    "drift_and_keys": "Drift and keys that end on {stack}",
    "keys": "Keys that end on {stack}",
    "orders": "Orders at the portal of {stack}",
}


def _keep_issue(name: str, stack: str, about: str | None, text: str) -> None:
    """Open or update the one issue of this name and stack, with the text of its report; close it
    where ``about`` is None, since there is nothing to do. Print what was done.

    ``name`` is "drift" or "orders", ``about`` a name in ``_TITLE``.
    """
    repository, mark = Repository(), _mark(f"{name}-{stack}")
    issue = _find_ours(repository.open_issues(BOT), mark)
    if about:
        title = _TITLE[about].format(stack=stack)
        typer.echo(_open_or_update(repository, issue, title, _body(text, mark)))
    else:
        typer.echo(_close(repository, issue, name, stack))


def _open_or_update(
    repository: Repository, issue: dict[str, Any] | None, title: str, body: str
) -> str:
    """Open an issue where there is none, else update it where its text differs; return a sentence
    that says so."""
    if issue is None:
        assignees = os.environ.get("ACMIDM_DRIFT_ASSIGNEES", "").split()
        return f"{title}: issue {repository.open_issue(title, body, assignees)} is open"
    if (issue["title"], issue["body"]) != (title, body):
        repository.change_issue(issue["number"], title=title, body=body)
        if _headline(issue["body"]) != _headline(body):
            # A changed text notifies nobody, a comment does.
            repository.add_comment(issue["number"], _headline(body))
    return f"{title}: issue {issue['number']} says so"


_IN_SYNC = {"drift": "{stack} is in sync", "orders": "{stack} has no open orders"}
_IN_SYNC_AGAIN = {
    "drift": "{stack} is in sync again, and no key of it ends soon.",
    "orders": "{stack} has no open orders any more.",
}
_CLOSED = {
    "drift": "{stack} is in sync again: issue {issue} is closed",
    "orders": "{stack} has no open orders any more: issue {issue} is closed",
}


def _close(repository: Repository, issue: dict[str, Any] | None, name: str, stack: str) -> str:
    """Close the issue where one is open; return a sentence that says so."""
    if issue is None:
        return _IN_SYNC[name].format(stack=stack)
    repository.add_comment(issue["number"], _IN_SYNC_AGAIN[name].format(stack=stack))
    repository.change_issue(issue["number"], state="closed", state_reason="completed")
    return _CLOSED[name].format(stack=stack, issue=issue["number"])


def _mark(name: str) -> str:
    """Return the first line of a comment or issue of ours, by which it is found: it does not
    show."""
    return f"<!-- acmidm:{name} -->"


def _find_ours(posted: Iterable[dict[str, Any]], mark: str) -> dict[str, Any] | None:
    for item in posted:
        if item["user"]["login"] == BOT and (item["body"] or "").startswith(mark):
            return item
    return None


def _body(text: str, mark: str) -> str:
    """Return the body of an issue or comment: a text below its mark. End the command where it is
    longer than GitHub takes."""
    body = f"{mark}\n{text}"
    if len(body) > LONGEST_BODY:
        fail(
            f"the report has {len(text)} characters, more than GitHub takes; make it with acmidm,"
            " which keeps it short enough"
        )
    return body


def _headline(body: str) -> str:
    """Return the first line of a body that shows: no mark, and not empty."""
    return next(
        (line for line in body.splitlines() if line.strip() and not line.startswith("<!--")), ""
    )


def _review(file: Path) -> Review | None:
    """Return the review to post; None for an empty file, which means that its command failed. End
    the command where the file is no review."""
    text = _text(file)
    try:
        return Review.model_validate_json(text) if text.strip() else None
    except ValidationError:
        fail(f"{file} is no review; make it with acmidm review --output json")


def _no_review() -> str:
    """Return the comment of a push without a review: it replaces that of an earlier push."""
    return (
        "### There is no review of this change\n\nIts forms have mistakes, or it could not be"
        " looked at: see the job.\n"
    )


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        fail(f"{file} is not UTF-8 text; make it with acmidm")


def _pull_request() -> tuple[int, str]:
    """Return the number of the pull request that the workflow's event is about, and the commit that
    it proposed then. Raises Failure where the event is about none."""
    pull_request = json.loads(_text(Path(variable("GITHUB_EVENT_PATH")))).get("pull_request") or {}
    number, head = pull_request.get("number"), str((pull_request.get("head") or {}).get("sha"))
    if number is None or not re.fullmatch("[0-9a-f]{40,64}", head):
        raise Failure(
            "this event is about no pull request; run it in a workflow on pull_request_target",
            exit_code=3,
        )
    return int(number), head
