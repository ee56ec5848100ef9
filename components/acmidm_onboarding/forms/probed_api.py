"""How ``acmidm probe`` tries a product's API, as the catalogue has it: calls that read, and a test
message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import quoted

_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+", re.ASCII)
_FILLED = re.compile(r"\{([a-z_]+)\}", re.ASCII)
MADE = frozenset({"id", "now", "yesterday"})
"""What a test message is filled with beside the fields of its product: a UUID, the local time, and
the day before."""


def _path(text: str) -> str:
    if not _PATH.fullmatch(text) or {".", ".."} & set(text.split("/")):
        raise ValueError(say("forms.no_path", text=quoted(text)))
    return text


Path = Annotated[str, AfterValidator(_path)]


class TestMessage(BaseModel):
    """A message that shows that a client may send, and that reaches nobody. ``{name}`` stands for a
    field of the configuration."""

    __test__ = False  # pytest must not collect it
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Annotated[Path, Field(description="Where it is posted, below the API's address.")]
    document: Annotated[dict[str, Any], Field(description="What is posted, as JSON.")]

    @property
    def names(self) -> frozenset[str]:
        """Return the fields that it is filled with."""
        return frozenset(name for text in _texts(self.document) for name in _FILLED.findall(text))

    def filled(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the document with the values in it; of a list of values the first one."""
        first = {
            name: value[0] if isinstance(value, list | tuple) and value else value
            for name, value in values.items()
        }
        filled: dict[str, Any] = _filled(self.document, first)
        return filled


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return _FILLED.sub(lambda match: str(values.get(match[1], "")), value)
    if isinstance(value, dict):
        return {name: _filled(part, values) for name, part in value.items()}
    return [_filled(part, values) for part in value] if isinstance(value, list) else value


class ProbedApi(BaseModel):
    """What ``acmidm probe`` calls of a product."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, Field(min_length=1, description="Where the calls come from.")]
    reads: Annotated[
        tuple[Path, ...],
        Field(description="Calls that read, such as its ping, and need nothing but a token."),
    ] = ()
    also: Annotated[
        tuple[str, ...],
        Field(
            description=(
                "Scopes that a token must have with one of its own, such as vo_info; a form has"
                " them too."
            )
        ),
    ] = ()
    test_message: Annotated[
        TestMessage | None,
        Field(
            description=(
                "A message that reaches nobody, which is posted only where somebody wants it."
            )
        ),
    ] = None

    @property
    def needs_test_message(self) -> bool:
        """Whether nothing but the test message proves that its product works."""
        return self.test_message is not None and not self.reads
