"""How ``acmidm probe`` tries a product's API, as the catalogue has it: calls that read, and a test
message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import quoted

_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+", re.ASCII)
_FILLED = re.compile(r"\{([a-z_]+)\}", re.ASCII)
MADE = frozenset({"id", "now", "yesterday"})
"""What a test message is filled with beside the fields of its product: a UUID, the local time, and
the day before."""


def _path(text: str) -> str:
    """Check a path of an API, and return it as it is. Raises ValueError where it is none."""
    if not _PATH.fullmatch(text) or {".", ".."} & set(text.split("/")):
        raise ValueError(
            tr(
                "{text} is no path of an API; write one such as /api/v2/dosis/bronnen/uris",
                text=quoted(text),
            )
        )
    return text


Path = Annotated[str, AfterValidator(_path)]


class TestMessage(BaseModel):
    """A message that shows that a client may send, and that reaches nobody. ``{name}`` stands for a
    field of the configuration."""

    __test__ = False  # pytest must not collect it
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Annotated[Path, Field(description="Where it is posted, below the API's address.")]
    document: Annotated[
        dict[str, Any],
        Field(
            description=(
                "What is posted, as JSON. {name} stands for a field: the first of several values,"
                " or each of them where it is an item of a list by itself."
            )
        ),
    ]
    otherwise: Annotated[
        dict[str, str],
        Field(description="The value of a field that a form may leave out. The probe says so."),
    ] = {}

    @property
    def names(self) -> frozenset[str]:
        """Return the fields that it is filled with."""
        named = map(_FILLED.findall, _texts_in(self.document))
        return frozenset(chain(*named, self.otherwise))

    def left_out(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Return the fields that the values lack, each with the value that it gets instead."""
        return {name: value for name, value in self.otherwise.items() if not values.get(name)}

    def filled(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the document with the values of fields in it, by the rule of its description;
        ``values`` are the product's configuration and those in ``MADE``."""
        filled: dict[str, Any] = _filled(self.document, {**values, **self.left_out(values)})
        return filled


def _texts_in(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value, however deep; names of members are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts_in([*value.values()])
    elif isinstance(value, list):
        for part in value:
            yield from _texts_in(part)


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    """Return a JSON value with the fields that its texts name filled in: ``x {a}`` gets the first
    value of the field a, and the item ``{a}`` of a list becomes all of its values."""
    if isinstance(value, str):
        return _FILLED.sub(lambda match: str(next(iter(_all(match[1], values)), "")), value)
    if isinstance(value, dict):
        return {name: _filled(part, values) for name, part in value.items()}
    if not isinstance(value, list):
        return value
    filled: list[Any] = []
    for part in value:
        if isinstance(part, str) and (alone := _FILLED.fullmatch(part)):
            filled += _all(alone[1], values)
        else:
            filled.append(_filled(part, values))
    return filled


def _all(name: str, values: Mapping[str, Any]) -> Sequence[Any]:
    """Return the values of a field, which has one, several or none."""
    value = values.get(name, ())
    return value if isinstance(value, list | tuple) else (value,)


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
