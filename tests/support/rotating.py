"""A form whose keys change, and how long they have been declared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.engine import Project
from tests.support.forms import FormFile


def as_if_days_ago(project: Project, form: FormFile, days: int) -> None:
    """Let the keys of a form have been declared so many days ago."""
    moment = f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"

    def since(deployment: dict[str, Any]) -> None:
        for resource in deployment["resources"]:
            if resource["type"].endswith("ClientJwks") and form.key in resource["urn"]:
                for side in ("inputs", "outputs"):
                    resource[side]["since"] = dict.fromkeys(resource[side]["since"], moment)

    project.change_state(since)


def drop(form: FormFile, kid: str) -> None:
    """Take a key out of the form, and save it."""
    del form.keys[kid]
    form.request()["jwks"] = [
        name for name in form.request()["jwks"] if not name.endswith(f"-{kid}.jwk.json")
    ]
    form.save()


def steal(form: FormFile, kid: str) -> None:
    """Call a key of the form compromised."""
    form.request()["jwks"] = [
        {"file": name, "compromised": True} if name.endswith(f"-{kid}.jwk.json") else name
        for name in form.request()["jwks"]
    ]
    form.save()
