"""Request bodies: no larger than the endpoint allows, and of the type that it reads."""

from typing import Any

from fastapi import Request
from pydantic_core import from_json

from acmidm_sandbox.beheerportaal.limits import LONGEST_BODY
from acmidm_sandbox.beheerportaal.problems import Problem


class LimitedRequest(Request):
    """A request whose body may have at most `longest` bytes.

    Raises:
        Problem: 413 when the body is read, 400 when it is read as JSON and is none.
    """

    def __init__(self, request: Request, longest: int = LONGEST_BODY) -> None:
        super().__init__(request.scope, request.receive)
        self._longest = longest

    async def body(self) -> bytes:
        """Return the whole body."""
        body = await super().body()
        if len(body) > self._longest:
            raise Problem(413, f"The body is larger than {self._longest} bytes; send less.")
        return body

    async def json(self) -> Any:
        """Return the body as a JSON value (RFC 8259): in UTF-8, without NaN, and not so deep that
        nobody can read it."""
        try:
            return from_json(await self.body(), allow_inf_nan=False)
        except ValueError as error:
            raise Problem(400, f"The body is not JSON: {error}; correct it.") from None


def require_json(request: Request) -> None:
    """Check the media type of a body.

    Raises:
        Problem: 415 (RFC 9110 §15.5.16).
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(
            415,
            "The body must be JSON; send Content-Type: application/json.",
            headers={"Accept": "application/json"},
        )
