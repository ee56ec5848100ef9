"""What a monitoring system wants to know of a stack, as a file for Prometheus's textfile
collector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from acmidm.desk.progress import Progress, Step
from acmidm.files import write_named
from acmidm_onboarding.values.terms import Environment

_DAY_SECONDS = 86_400


def write_metrics(
    file: Path, stack: str, environment: Environment, rows: Iterable[Progress], now: datetime
) -> None:
    """Write the file whole: the collector reads the earlier one or this one.

    Every step is in it, with 0 where no connection stands there. Where no key has an end that is
    still to come, that gauge is left out.
    """
    rows = [row for row in rows if row.connection.environment is environment]
    registry = CollectorRegistry()
    names, values = ("stack", "environment"), (stack, environment.value)
    connections = Gauge(
        "acmidm_connections",
        "Connections at each step of the guide.",
        (*names, "step"),
        registry=registry,
    )
    count = Counter(row.step for row in rows)
    for step in Step:
        connections.labels(*values, str(step.value)).set(count[step])
    ends = [
        key.expires
        for row in rows
        for key in row.connection.keys or ()
        if key.expires and key.expires > now
    ]
    next_end = Gauge(
        "acmidm_next_key_end_days", "Days until the next end of a key.", names, registry=registry
    )
    if ends:
        next_end.labels(*values).set(round((min(ends) - now).total_seconds() / _DAY_SECONDS, 3))
    run = Gauge(
        "acmidm_remind_last_run_timestamp_seconds",
        "When this was last looked at.",
        names,
        registry=registry,
    )
    run.labels(*values).set(int(now.timestamp()))
    write_named(file, generate_latest(registry).decode())
