"""Request bodies: no larger than a megabyte, and of the type that the endpoint reads."""

from collections.abc import AsyncGenerator
from typing import Any

from fastapi import Request

from beheerportaal.limits import LONGEST_BODY
from beheerportaal.problems import Problem, refused
from beheerportaal.untrusted import OutOfBounds, Unreadable, read_json

# A client that is still sending sees a reset connection instead of an early answer: so much is read, and thrown away.
_LONGEST_READ = 8 * LONGEST_BODY


class LimitedRequest(Request):
    """A request whose body may have at most `LONGEST_BODY` bytes, declared or not, and as JSON no more than `read_json` reads.

    Raises:
        Problem: 413 when the body is read, 400 or 422 when it is read as JSON.
    """

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in chunks, counted."""
        declared = self.headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > _LONGEST_READ:
            raise _too_large()
        count = 0
        async for chunk in super().stream():
            count += len(chunk)
            if count <= LONGEST_BODY:
                yield chunk
            elif count > _LONGEST_READ:
                break
        if count > LONGEST_BODY:
            raise _too_large()

    async def json(self) -> Any:
        """The body as a JSON value."""
        body = await self.body()
        try:
            return read_json(body)
        except OutOfBounds as error:
            raise refused([{"pointer": "", "detail": str(error)}]) from None
        except Unreadable as error:
            raise Problem(400, f"The body {error}; correct it.") from None


def require_json(request: Request) -> None:
    """Checks the media type of a body.

    Raises:
        Problem: 415 (RFC 9110 §15.5.16).
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(415, "The body must be JSON; send Content-Type: application/json.", headers={"Accept": "application/json"})


def _too_large() -> Problem:
    return Problem(413, f"The body is larger than {LONGEST_BODY} bytes; send less.")
