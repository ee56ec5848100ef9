"""What an authority says of a client, as it may get into a state, a preview and a report.

The engine shows values as they are: a line break or an escape sequence in one would look as if the engine had said what
follows. Equal values stay equal, and nothing that a form may have is changed, so that comparison finds what it did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

from acmidm_onboarding.values.problems import spelled_out
from acmidm_onboarding.values.secrecy import without_private_keys


def harmless(value: Any) -> Any:
    """Return a value without private keys and tokens, and with all that is no visible character spelled out."""
    return _spelled_out(without_private_keys(value))


def _spelled_out(value: Any) -> Any:
    if isinstance(value, str):
        return spelled_out(value)
    if isinstance(value, Mapping):
        return {spelled_out(name): _spelled_out(part) for name, part in value.items()}
    return [_spelled_out(part) for part in value] if isinstance(value, list) else value


Text = Annotated[str, AfterValidator(harmless)]
