"""What a name, an address or a line in a file of forms may look like: validators for pydantic. Each
returns its text, or raises ValueError with the sentence that the author of the file reads."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.identifiers import is_visible, organisation_code
from acmidm_onboarding.values.problems import quoted
from acmidm_onboarding.values.terms import (
    LONGEST_ADDRESS,
    LONGEST_APPLICATION,
    LONGEST_TEXT,
    RESERVED_NAME,
    is_name,
)

LONGEST_ORGANISATION_NAME = LONGEST_TEXT - len(" - ") - LONGEST_APPLICATION
"""A client is named by its organisation and its application together."""
ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_OWNER = re.compile(
    r"@[a-z0-9](-?[a-z0-9])*(/[a-z0-9][a-z0-9._-]*)*"
    r"|[a-z0-9._%+-]+@[a-z0-9](-?[a-z0-9])*(\.[a-z0-9](-?[a-z0-9])*)+",
    re.ASCII | re.IGNORECASE,
)
_CLIENT_ID = re.compile(r"[ -~]+", re.ASCII)
"""RFC 6749 appendix A.1."""


def application_name(text: str) -> str:
    if not is_name(text):
        raise ValueError(
            tr(
                "{text} is not an application name; use lower case letters, digits and single"
                " hyphens, 64 at most",
                text=quoted(text),
            )
        )
    if text == RESERVED_NAME:
        raise ValueError(
            tr(
                "{text} is the name of a platform; name the application otherwise",
                text=quoted(text),
            )
        )
    return text


def code_or_connection_key(text: str) -> str:
    """Return an organisation's code, or the key of a connection, with the code as
    ``organisation_code`` writes it."""
    code, slash, application = text.partition("/")
    code = organisation_code(code)
    return f"{code}/{application_name(application)}" if slash else code


def supplier_connection_key(text: str) -> str:
    """Return the key of a connection, such as OVO000001/loket; an organisation's code alone is
    none."""
    if "/" not in text:
        raise ValueError(
            tr(
                "{text} is no key of a connection; write one such as OVO000001/loket",
                text=quoted(text),
            )
        )
    return code_or_connection_key(text)


def mail_address(text: str) -> str:
    if not ADDRESS.fullmatch(text) or len(text) > LONGEST_ADDRESS or not is_visible(text):
        raise ValueError(
            tr(
                "{text} is not an e-mail address; write one such as api-beheer@stad.example",
                text=quoted(text),
            )
        )
    return text


def code_owner(text: str) -> str:
    """Return a user, a team or an address as a file CODEOWNERS may have it, without a blank or a
    pattern in it. Raises ValueError with a sentence."""
    if len(text) > LONGEST_ADDRESS or not _OWNER.fullmatch(text):
        raise ValueError(
            tr(
                "{text} is no owner; write @user, @organisation/team or an e-mail address",
                text=quoted(text),
            )
        )
    return text


def client_id(text: str) -> str:
    # One or two dots in a path lead to another resource, even when they are escaped (RFC 3986
    # §5.2.4).
    if not _CLIENT_ID.fullmatch(text) or text in (".", ".."):
        raise ValueError(
            tr("{text} is no client-ID; copy the one that the authority shows", text=quoted(text))
        )
    return text


def one_line(text: str) -> str:
    if not is_visible(text):
        raise PydanticCustomError("not_one_line", "")
    return text


def printable(text: str) -> str:
    """Check a text of several lines, which reports put on one: control characters are refused."""
    one_line(" ".join(text.split()))
    return text


def day(value: object) -> date:
    """Return a day that is written as 2027-03-31 and in no other way. Raises ValueError with a
    sentence."""
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            return date.fromisoformat(value)
    except ValueError:
        pass
    if isinstance(value, str):
        raise ValueError(tr("{value} is no day; write one such as 2027-03-31", value=quoted(value)))
    raise ValueError(tr("this is no day; write one such as 2027-03-31"))


def list_of_single_value(value: object) -> object:
    """Take ``formerly: loket`` for ``formerly: [loket]``."""
    return [value] if isinstance(value, str | int) else value


def schema_of_one_or_more(schema: dict[str, str]) -> WithJsonSchema:
    """Return the JSON Schema of what ``list_of_single_value`` accepts; ``schema`` is that of an
    item."""
    return WithJsonSchema(
        {"anyOf": [schema, {"type": "array", "items": schema, "uniqueItems": True}]}
    )


ClientId = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_TEXT),
    AfterValidator(one_line),
    AfterValidator(client_id),
]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)
