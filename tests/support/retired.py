"""Forms whose day has come."""

from __future__ import annotations

from typing import Any

from tests.support.forms import FormFile

DUE = "2020-03-31"
KEPT = {"on": DUE, "keep": True}


def retire(form: FormFile, day: str | dict[str, Any] = DUE) -> None:
    """Have a form's client leave on a day, or with ``KEPT`` be let go."""
    form.document["retire"] = day
    form.save()
