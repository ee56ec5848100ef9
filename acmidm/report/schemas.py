"""The JSON Schemas of the JSON outputs: a contract, so that a change of it shows in a diff."""

from __future__ import annotations

import json

from pydantic import BaseModel

from acmidm.report.changes import Review
from acmidm.report.drifting import Drift
from acmidm.report.listing import Status
from acmidm.report.promotion import Promotion
from acmidm.undeclared import UndeclaredClients

_REPORTS: dict[str, type[BaseModel]] = {
    "review": Review,
    "drift": Drift,
    "status": Status,
    "promote": Promotion,
    "unmanaged": UndeclaredClients,
}


def report_schemas() -> dict[str, str]:
    """Per file name its text. What a report has no value for is left out of it, hence not required."""
    return {f"{command}.schema.json": _text(command, model) for command, model in _REPORTS.items()}


def _text(command: str, model: type[BaseModel]) -> str:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"acmidm {command} --output json",
        **{name: value for name, value in model.model_json_schema().items() if name != "title"},
    }
    return json.dumps(schema, indent=2) + "\n"
