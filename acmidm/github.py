"""The requests to GitHub's API that a workflow makes: comments, issues and requests for review."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from acmidm_onboarding.values.problems import Failure

_SECONDS = 30
_PER_PAGE = 100
_VERSION = "2022-11-28"


def variable(name: str) -> str:
    """Return an environment variable of the workflow's job. Raises Failure, with exit code 3, where
    it is not set."""
    value = os.environ.get(name)
    if not value:
        raise Failure(
            f"{name} is not set; run this in a workflow of GitHub, and give the step what"
            " docs/pipelines.md says",
            exit_code=3,
        )
    return value


class Repository:
    """The repository that the workflow runs in. Every method raises Failure, with exit code 3,
    where GitHub refuses a request or does not answer, unless it says otherwise."""

    def __init__(self) -> None:
        self._name = variable("GITHUB_REPOSITORY")
        self._path = f"/repos/{self._name}"
        self._http = httpx.Client(
            base_url=os.environ.get("GITHUB_API_URL") or "https://api.github.com",
            headers={
                **_authorised(variable("GITHUB_TOKEN")),
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": _VERSION,
            },
            timeout=_SECONDS,
        )

    def comments(self, issue: int) -> Iterator[dict[str, Any]]:
        """Yield all comments of an issue or pull request, the oldest first."""
        return self._pages(f"{self._path}/issues/{issue}/comments", {})

    def open_issues(self, creator: str) -> Iterator[dict[str, Any]]:
        """Yield the open issues that this account opened, without pull requests, which the API
        lists among them."""
        issues = self._pages(f"{self._path}/issues", {"state": "open", "creator": creator})
        return (issue for issue in issues if "pull_request" not in issue)

    def add_comment(self, issue: int, body: str) -> None:
        self._send("POST", f"/issues/{issue}/comments", {"body": body})

    def change_comment(self, comment: int, body: str) -> None:
        self._send("PATCH", f"/issues/comments/{comment}", {"body": body})

    def cannot_request(self, approver: str) -> str:
        """Return why the review of an approver cannot be requested here; empty where it can, as far
        as is known without GitHub."""
        owner, slash, _ = approver.removeprefix("@").partition("/")
        if not approver.startswith("@"):
            return f"{approver} is an e-mail address, whose review GitHub cannot request; ask them"
        if slash and owner.lower() != self._name.partition("/")[0].lower():
            return (
                f"{approver} is a team of another organisation than the repository's, whose"
                " review GitHub cannot request; ask them"
            )
        return ""

    def request_review(self, pull_request: int, approver: str) -> str:
        """Request the review of a user or a team, such as ``@stad-gent/api-beheer``. Return why
        GitHub did not take the request; empty where it did.

        A job's own token may not read teams, so that GitHub answers 422 to each. Therefore that in
        ``ACMIDM_REVIEWERS_TOKEN`` comes first.
        """
        user, _, team = approver.removeprefix("@").partition("/")
        reviewers = {"team_reviewers": [team]} if team else {"reviewers": [user]}
        token = os.environ.get("ACMIDM_REVIEWERS_TOKEN") or variable("GITHUB_TOKEN")
        url = f"{self._path}/pulls/{pull_request}/requested_reviewers"
        try:
            _answer_of(self._http, "POST", url, json=reviewers, headers=_authorised(token))
        except Failure as refused:
            return f"the review of {approver} could not be requested: {refused}"
        return ""

    def open_issue(self, title: str, body: str, assignees: list[str]) -> int:
        """Open an issue, and return its number."""
        return int(
            self._send("POST", "/issues", {"title": title, "body": body, "assignees": assignees})[
                "number"
            ]
        )

    def change_issue(self, issue: int, **fields: str) -> None:
        self._send("PATCH", f"/issues/{issue}", fields)

    def _send(self, method: str, path: str, document: Mapping[str, Any]) -> Any:
        """Send a document to a path of the repository, and return the one that GitHub answers."""
        return _answer_of(self._http, method, f"{self._path}{path}", json=document)[0]

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Yield the items of a list, page after page."""
        url: str | None = str(httpx.URL(path, params={**query, "per_page": _PER_PAGE}))
        while url:
            items, answer = _answer_of(self._http, "GET", url)
            yield from items
            url = answer.links.get("next", {}).get("url")


def _authorised(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _answer_of(
    http: httpx.Client, method: str, url: str, **options: Any
) -> tuple[Any, httpx.Response]:
    """Send a request, and return the answer's JSON and the answer itself. Raises Failure, with exit
    code 3, where there is no answer, no JSON, or an HTTP error."""
    request = f"{method} {httpx.URL(url).path}"
    try:
        answer = http.request(method, url, **options)
        data = answer.json()
    except httpx.HTTPError as error:
        raise Failure(
            f"{request}: GitHub did not answer ({type(error).__name__}); run the job again",
            exit_code=3,
        ) from None
    except ValueError:
        raise Failure(
            f"{request}: GitHub answered {answer.status_code} without JSON; run the job again",
            exit_code=3,
        ) from None
    if answer.is_error:
        message = data.get("message", "") if isinstance(data, dict) else ""
        raise Failure(
            f"{request}: {answer.status_code} {message}; see whether the job has the permissions"
            " of docs/pipelines.md",
            exit_code=3,
        )
    return data, answer
