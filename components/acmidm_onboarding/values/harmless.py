"""Values of an authority, made safe for a state, a preview and a report.

The engine shows values as they are: what follows a line break or an escape sequence would look like
the engine's own output. Equal values stay equal, and no value that a form may have is changed, so
that comparison finds what it did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

from acmidm_onboarding.values.problems import spelled_out
from acmidm_onboarding.values.secrecy import without_private_keys


def harmless(value: Any) -> Any:
    """Return a value without private keys and tokens, and with invisible characters escaped."""
    return _spelled_out(without_private_keys(value))


def _spelled_out(value: Any) -> Any:
    if isinstance(value, str):
        return spelled_out(value)
    if isinstance(value, Mapping):
        return {spelled_out(name): _spelled_out(part) for name, part in value.items()}
    return list(map(_spelled_out, value)) if isinstance(value, list) else value


Text = Annotated[str, AfterValidator(harmless)]
