"""Request bodies: no larger than the endpoint allows, and of the type that it reads."""

from collections.abc import AsyncGenerator
from typing import Any

from fastapi import Request
from starlette.types import Receive, Scope

from beheerportaal.limits import LONGEST_BODY
from beheerportaal.problems import Problem, refused
from beheerportaal.untrusted import OutOfBounds, Unreadable, read_json

# A client that is still sending sees a reset connection instead of an early answer: so much is read, and thrown away.
_LONGEST_READ = 8 * LONGEST_BODY


class LimitedRequest(Request):
    """A request whose body may have at most `longest` bytes, declared or not, and as JSON no more than `read_json` reads.

    Raises:
        Problem: 413 when the body is read, 400 or 422 when it is read as JSON.
    """

    def __init__(self, scope: Scope, receive: Receive, longest: int = LONGEST_BODY) -> None:
        super().__init__(scope, receive)
        self._longest = longest

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in chunks, counted."""
        declared = self.headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > _LONGEST_READ:
            raise self._too_large()
        count = 0
        async for chunk in super().stream():
            count += len(chunk)
            if count <= self._longest:
                yield chunk
            elif count > _LONGEST_READ:
                break
        if count > self._longest:
            raise self._too_large()

    async def json(self) -> Any:
        """The body as a JSON value."""
        body = await self.body()
        try:
            return read_json(body)
        except OutOfBounds as error:
            raise refused([{"pointer": "", "detail": str(error)}]) from None
        except Unreadable as error:
            raise Problem(400, f"The body {error}; correct it.") from None

    def _too_large(self) -> Problem:
        return Problem(413, f"The body is larger than {self._longest} bytes; send less.")


def require_json(request: Request) -> None:
    """Checks the media type of a body.

    Raises:
        Problem: 415 (RFC 9110 §15.5.16).
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(415, "The body must be JSON; send Content-Type: application/json.", headers={"Accept": "application/json"})
