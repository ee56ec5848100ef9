"""What GitHub is asked for: one comment and one issue that are kept up to date."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import Failure

_SECONDS = 30
_PER_PAGE = 100
_VERSION = "2022-11-28"


def variable(name: str) -> str:
    """Return a variable of the job's environment. Raises Failure where it is not set."""
    value = os.environ.get(name)
    if not value:
        raise Failure(say("github.no_variable", name=name), exit_code=3)
    return value


class Repository:
    """The repository that the workflow runs in. Raises Failure."""

    def __init__(self) -> None:
        self._path = f"/repos/{variable('GITHUB_REPOSITORY')}"
        self._http = httpx.Client(
            base_url=os.environ.get("GITHUB_API_URL") or "https://api.github.com",
            headers={
                "Authorization": f"Bearer {variable('GITHUB_TOKEN')}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": _VERSION,
            },
            timeout=_SECONDS,
        )

    def comments(self, issue: int) -> Iterator[dict[str, Any]]:
        """Return all comments of an issue or pull request, the oldest first."""
        return self._pages(f"{self._path}/issues/{issue}/comments", {})

    def open_issues(self, creator: str) -> Iterator[dict[str, Any]]:
        """Open issues that this account opened; pull requests, which the API counts among them,
        left out."""
        issues = self._pages(f"{self._path}/issues", {"state": "open", "creator": creator})
        return (issue for issue in issues if "pull_request" not in issue)

    def add_comment(self, issue: int, body: str) -> None:
        self._send("POST", f"/issues/{issue}/comments", {"body": body})

    def change_comment(self, comment: int, body: str) -> None:
        self._send("PATCH", f"/issues/comments/{comment}", {"body": body})

    def open_issue(self, title: str, body: str, assignees: list[str]) -> int:
        """Return the new issue's number."""
        return int(
            self._send("POST", "/issues", {"title": title, "body": body, "assignees": assignees})[
                "number"
            ]
        )

    def change_issue(self, issue: int, **fields: str) -> None:
        self._send("PATCH", f"/issues/{issue}", fields)

    def _send(self, method: str, path: str, document: Mapping[str, Any]) -> Any:
        return _sent(self._http, method, f"{self._path}{path}", json=document)[0]

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        url: str | None = str(httpx.URL(path, params={**query, "per_page": _PER_PAGE}))
        while url:
            items, answer = _sent(self._http, "GET", url)
            yield from items
            url = answer.links.get("next", {}).get("url")


def _sent(http: httpx.Client, method: str, url: str, **options: Any) -> tuple[Any, httpx.Response]:
    request = f"{method} {httpx.URL(url).path}"
    try:
        answer = http.request(method, url, **options)
        data = answer.json()
    except httpx.HTTPError as error:
        raise Failure(
            say("github.no_answer", request=request, reason=type(error).__name__), exit_code=3
        ) from None
    except ValueError:
        raise Failure(
            say("github.no_json", request=request, status=answer.status_code), exit_code=3
        ) from None
    if answer.is_error:
        message = data.get("message", "") if isinstance(data, dict) else ""
        raise Failure(
            say("github.refused", request=request, status=answer.status_code, message=message),
            exit_code=3,
        )
    return data, answer
