"""A state as the version left it that had ``preserve``: it forgot clients whose forms kept them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.engine import Project, kind_of
from tests.support.forms import FormFile

_PRESERVED = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
"""The resources of a client as that version wrote them: ``half`` after the first of two runs,
``whole`` after both. Their provider, keys and component's outputs are left out."""


def as_preserved(project: Project, form: FormFile, how: str) -> None:
    """Have the state of a client as that version wrote it; its first run lifted the protection."""
    place = f"::{form.key}/"

    def change(deployment: dict[str, Any]) -> None:
        now = {one["urn"]: one for one in deployment["resources"] if place in f"{one['urn']}/"}
        written = _written(form, how, now)
        deployment["resources"] = [
            one for one in deployment["resources"] if one["urn"] not in now or one["urn"] in written
        ]
        for urn, one in written.items():
            was = now[urn]
            for side in ("inputs", "outputs"):
                was[side] = {**_left_out(was.get(side, {})), **one.get(side, {})}
            was["retainOnDelete"] = one.get("retainOnDelete", False)
            was["protect"] = False

    project.change_state(change)


def _written(form: FormFile, how: str, now: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What was written of a client, which the state has as ``now``, by URN."""
    outputs = {kind_of(urn): one.get("outputs", {}) for urn, one in now.items()}
    text = json.dumps(_PRESERVED[how])
    for name, value in (
        ("CLIENT_MARK", outputs["OAuthClient"].get("incarnation")),
        ("PRODUCT_MARK", outputs["ProductConfiguration"].get("incarnation")),
        ("CLIENT_ID", outputs["OAuthClient"]["client_id"]),
        ("loket", form.application),
    ):
        text = text.replace(name, str(value))
    return {one["urn"]: one for one in json.loads(text)}


def _left_out(properties: dict[str, Any]) -> dict[str, Any]:
    names = ("__provider", "jwks", "connections")
    return {name: properties[name] for name in names if name in properties}
