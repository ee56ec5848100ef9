"""Types for the lists of an answer: no longer than was requested, and given up at the first item
that is wrong.

A million wrong items fit in one answer, and each mistake that pydantic notes costs a hundred times
its item.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, FailFast

MOST_ITEMS = 1_000
"""The most that one request asks for."""

Item = TypeVar("Item")


Key = TypeVar("Key")


def _require_few(items: Any) -> Any:
    if isinstance(items, list | dict) and len(items) > MOST_ITEMS:
        raise ValueError  # an error of the answer says where, not what
    return items


Entries = Annotated[dict[Key, Item], BeforeValidator(_require_few)]
Items = Annotated[list[Item], FailFast()]
Page = Annotated[list[Item], FailFast(), BeforeValidator(_require_few)]
