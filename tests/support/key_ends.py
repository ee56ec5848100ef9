"""Keys that end."""

from __future__ import annotations

import json
import time

from tests.support.forms import FormFile

DAY = 86_400
TEN_DAYS, FIVE_YEARS = 10 * DAY, 5 * 365 * DAY


def ends(form: FormFile, kid: str, seconds: int) -> None:
    """Gives a key of the form an end, so many seconds from now."""
    file = form.path.with_name(f"{form.path.stem}-{kid}.jwk.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "exp": int(time.time()) + seconds}))
