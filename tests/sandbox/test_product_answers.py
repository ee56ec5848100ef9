"""What the products answer, to the byte, to a broad table of requests, good and bad."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.inside import JSON, Inside
from tests.sandbox.sender import Sender

# Each line a request with its answer, or what is configured from there on; in the order in which
# they are sent. Absent from a line: an empty body or answer, and the media type JSON.
LINES = (Path(__file__).parent / "product_answers.jsonl").read_text("utf-8").splitlines()
HEADERS = ("content-type", "www-authenticate", "allow", "accept", "retry-after")
# An UploadId that the portal made up, and when an upload was processed.
_UUID = re.compile(r'(?<="UploadId":")[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
_TIME = re.compile(r'(?<="TijdstipVerwerking":")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?=")')


@pytest.mark.parametrize("product", ["dosis", "notificaties"])
def test_each_request_gets_its_recorded_answer(inner: Inside, product: str) -> None:
    """Status, headers and body; all that differ are named by their lines."""
    sender, differing = Sender.of(inner), []
    for number, line in _lines_of(product):
        step = json.loads(line)
        if "configuration" in step:
            sender.configure(product, step["configuration"])
        elif (answer := _answer(sender, step)) != _recorded(step):
            differing.append(f"line {number}, {step['about']}: {answer}")
    assert differing == []


def _lines_of(product: str) -> list[tuple[int, str]]:
    """The lines from the product's first configuration on, up to the other's."""
    found, current = [], ""
    for number, line in enumerate(LINES, 1):
        current = json.loads(line).get("product", current)
        if current == product:
            found.append((number, line))
    return found


def _answer(sender: Sender, step: dict[str, Any]) -> tuple[int, dict[str, str], str]:
    body = step.get("body", "").encode()
    answer = sender.call(step["method"], step["target"], body, step.get("type", JSON[1]))
    headers = {name: answer.headers[name] for name in HEADERS if name in answer.headers}
    if headers.get("content-type") == JSON[1]:
        del headers["content-type"]
    text = _TIME.sub("TIME", answer.text.replace(sender.client_id, "CLIENT"))
    if "UUID" in step.get("answer", ""):
        text = _UUID.sub("UUID", text)
    return answer.status, headers, text


def _recorded(step: dict[str, Any]) -> tuple[int, dict[str, str], str]:
    return step["status"], step.get("headers", {}), step.get("answer", "")
