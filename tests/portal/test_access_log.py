"""The log of requests."""

from __future__ import annotations

import asyncio
import logging

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message

from beheerportaal.http.access_log import AccessLog


def test_who_has_an_answer_finds_its_line(caplog: pytest.LogCaptureFixture) -> None:
    """The line is written before the answer goes out, not some time after it."""
    lines_at_answer: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            lines_at_answer.append(len(caplog.messages))

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    app = AccessLog(Starlette(routes=[Route("/health", lambda _request: PlainTextResponse("ok"))]))
    scope = {"type": "http", "method": "GET", "path": "/health", "raw_path": b"/health", "headers": [], "query_string": b""}
    with caplog.at_level(logging.INFO, "beheerportaal.access"):
        asyncio.run(app(scope, receive, send))
    assert lines_at_answer == [1]
    assert caplog.messages[0].startswith("GET /health 200 -")
