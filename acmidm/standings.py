"""Where every connection of some stacks stands: what is read for that, and from whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acmidm.report.standing import Standing


def standings(stacks: Sequence[str], now: datetime) -> tuple[Standing, ...]:
    """Return a row per connection and environment, by organisation. What cannot be read is unknown, and ends nothing."""
    raise NotImplementedError
