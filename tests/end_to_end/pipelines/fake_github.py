"""A tiny GitHub on loopback: comments and issues, with paging; it records every request that
writes."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "stad/onboarding"
TOKEN = "fake-github-token-of-a-job"
TEAMS_TOKEN = "fake-github-token-that-reads-teams"
BOT = "github-actions[bot]"
_PAGE = 2
"""Fewer than anybody has, so that paging is always tried."""


@dataclass
class FakeGitHub:
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    refuse: int | None = None
    """A status that every request gets."""
    requested: list[str] = field(default_factory=list)
    """The users and teams whose review was requested."""
    teams: frozenset[str] = frozenset()
    """Those that may see the repository, which only ``TEAMS_TOKEN`` can request."""
    url: str = ""
    _number: int = 100

    def add_comment(self, issue: int, body: str, login: str = BOT) -> dict[str, Any]:
        self._number += 1
        comment = {"id": self._number, "body": body, "user": {"login": login}}
        self.comments.setdefault(issue, []).append(comment)
        return comment

    def add_issue(self, title: str, body: str, login: str = BOT, **more: Any) -> dict[str, Any]:
        self._number += 1
        issue = {
            "number": self._number,
            "title": title,
            "body": body,
            "state": "open",
            "user": {"login": login},
            **more,
        }
        self.issues.append(issue)
        return issue

    def request(self, document: dict[str, list[str]], *, reads_teams: bool) -> Any:
        """What the API says to a request of reviewers; None where it refuses one of them."""
        teams = document.get("team_reviewers", [])
        if (not reads_teams and teams) or not self.teams.issuperset(teams):
            return None
        self.requested += [*document.get("reviewers", []), *teams]
        return {}

    def answer(self, method: str, path: str, query: dict[str, list[str]], document: Any) -> Any:
        """What the API says; None for what it does not know."""
        if method != "GET":
            self.writes.append(f"{method} {path.removeprefix(f'/repos/{REPOSITORY}')}")
        match method, *path.removeprefix(f"/repos/{REPOSITORY}").strip("/").split("/"):
            case "GET", "issues", number, "comments":
                return self.comments.get(int(number), [])
            case "POST", "issues", number, "comments":
                return self.add_comment(int(number), document["body"])
            case "PATCH", "issues", "comments", number:
                comment = next(
                    one
                    for some in self.comments.values()
                    for one in some
                    if one["id"] == int(number)
                )
                return comment.update(document) or comment
            case "GET", "issues":
                return [
                    one
                    for one in self.issues
                    if one["state"] == "open" and one["user"]["login"] == query["creator"][0]
                ]
            case "POST", "issues":
                return self.add_issue(
                    document["title"], document["body"], assignees=document["assignees"]
                )
            case "PATCH", "issues", number:
                issue = next(one for one in self.issues if one["number"] == int(number))
                return issue.update(document) or issue
        return None


@contextmanager
def fake_github() -> Iterator[FakeGitHub]:
    """Runs until the with statement ends."""
    github = FakeGitHub()

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            url = urlsplit(self.path)
            query = parse_qs(url.query)
            length = int(self.headers.get("Content-Length") or 0)
            document = json.loads(self.rfile.read(length) or "null")
            token = self.headers["Authorization"].removeprefix("Bearer ")
            if url.path.endswith("/requested_reviewers") and not github.refuse:
                github.writes.append(f"POST reviewers {document}")
                asked = github.request(document, reads_teams=token == TEAMS_TOKEN)
                refusal = {"message": 'Validation Failed: "Could not resolve to a node"'}
                return self._say(422 if asked is None else 201, asked or refusal)
            if github.refuse or token != TOKEN:
                return self._say(
                    github.refuse or 401, {"message": "Resource not accessible by integration"}
                )
            answer = github.answer(self.command, url.path, query, document)
            if answer is None:
                return self._say(404, {"message": "Not Found"})
            if isinstance(answer, list):
                return self._say_page(answer, int(query.get("page", ["1"])[0]))
            return self._say(200, answer)

        do_GET = do_POST = do_PATCH = do  # noqa: N815 - the names are http.server's

        def _say_page(self, items: list[Any], page: int) -> None:
            here = items[(page - 1) * _PAGE : page * _PAGE]
            more = len(items) > page * _PAGE
            path = re.sub(r"[?&]page=\d+", "", self.path)
            link = (
                f'<{github.url}{path}{"&" if "?" in path else "?"}page={page + 1}>; rel="next"'
                if more
                else None
            )
            self._say(200, here, link)

        def _say(self, status: int, document: Any, link: str | None = None) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if link:
                self.send_header("Link", link)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Keeps the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    github.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
