"""The calendar file, as others read it, and the metrics file, as Prometheus' own parser reads
it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

from icalendar import Calendar
from prometheus_client.parser import text_string_to_metric_families

from acmidm.desk.progress import Step, WaitsFor
from acmidm.desk.reminders.due import KeyEnds, due
from acmidm.desk.reminders.ics import calendar
from acmidm.desk.reminders.metrics import write_metrics
from acmidm_onboarding.texts import Language, texts
from acmidm_onboarding.values.terms import Environment
from tests.desk.samples import connection, key, progress

NOW = datetime(2026, 11, 26, 3, 17, tzinfo=UTC)
SOON = NOW + timedelta(days=5)
NL = texts("remind", Language.NL)


def ending(
    *kids: str, application: str = "loket", expires: datetime = SOON, now: datetime = NOW
) -> list[KeyEnds]:
    found = due([progress(connection(application, *(key(kid, expires) for kid in kids)))], {}, now)
    return [one for one in found if isinstance(one, KeyEnds)]


def test_the_day_is_that_of_the_end_in_utc() -> None:
    """Whatever the machine's own time: 1 December 00:30 in Brussels is still 30 November."""
    written = calendar(
        ending(
            "gent-tni", expires=datetime(2026, 12, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
        ),
        NL,
        NOW,
    )
    (event,) = Calendar.from_ical(written).walk("VEVENT")
    assert event.decoded("dtstart") == date(2026, 11, 30)
    assert event.decoded("dtstamp") == NOW
    assert (
        str(event["summary"])
        == "Publieke sleutel gent-tni van loket op de testomgeving (TNI) vervalt"
    )
    assert "om 23:30 (UTC)" in str(event["description"])


def test_one_key_has_one_uid_and_another_another() -> None:
    """At 60, 30 and 7 days too: who takes each file in has one event."""

    def uids(written: bytes) -> list[str]:
        return [str(event["uid"]) for event in Calendar.from_ical(written).walk("VEVENT")]

    at = [
        uids(calendar(ending("a", "b", now=SOON - timedelta(days=days)), NL, NOW))
        for days in (60, 30, 7)
    ]
    assert at[0] == at[1] == at[2]
    assert len({*at[0], *uids(calendar(ending("a", application="other"), NL, NOW))}) == 3


def test_the_file_is_as_rfc_5545_wants_it_whatever_the_names_are() -> None:
    """§3.1: lines of at most 75 bytes that end with CRLF; §3.3.11: commas, semicolons, line ends
    escaped; §3.6: what must be there, is."""
    kid = "ééé,;\\" + "x" * 100 + "\r\nEND:VEVENT\r\nATTACH:http://evil.example"
    written = calendar(ending(kid), NL, NOW)
    lines = written.split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) <= 75 and b"\r" not in line and b"\n" not in line for line in lines)
    unfolded = written.decode().replace("\r\n ", "").splitlines()
    names = [re.split("[;:]", line)[0] for line in unfolded]
    assert names == [
        "BEGIN", "VERSION", "PRODID", "METHOD",
        "BEGIN", "SUMMARY", "DTSTART", "DTSTAMP", "UID", "DESCRIPTION", "TRANSP", "END",
        "END",
    ]  # fmt: skip
    assert "DTSTART;VALUE=DATE:20261201" in unfolded
    assert "DTSTAMP:20261126T031700Z" in unfolded
    assert r"sleutel thumbprint-of-ééé\,\;\\" in unfolded[names.index("SUMMARY")]


def samples_in(file: Path) -> dict[tuple[str, str | None], float]:
    families = text_string_to_metric_families(file.read_text())
    return {
        (sample.name, sample.labels.get("step")): sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics_count_connections_per_step_and_days_to_the_next_end(tmp_path: Path) -> None:
    """Steps where nobody stands are there with 0; a key that has ended hides no other; other
    environments are not counted."""
    file = tmp_path / "acmidm_tni.prom"
    rows = [
        progress(
            connection(
                "a",
                key("ended", NOW - timedelta(days=9)),
                key("soon", NOW + timedelta(days=4, hours=12)),
            )
        ),
        progress(connection("b", key("later", NOW + timedelta(days=90)))),
        progress(connection("c"), Step.KEY, WaitsFor.ORGANISATION),
        progress(connection("d", environment=Environment.PROD)),
    ]
    write_metrics(file, "tni", Environment.TNI, rows, NOW)
    found = samples_in(file)
    assert {step: found["acmidm_connections", str(step.value)] for step in Step} == {
        **dict.fromkeys(Step, 0),
        Step.DONE: 2,
        Step.KEY: 1,
    }
    assert found["acmidm_next_key_end_days", None] == 4.5
    assert found["acmidm_remind_last_run_timestamp_seconds", None] == NOW.timestamp()
    assert 'acmidm_connections{environment="tni",stack="tni",step="5"} 1.0' in file.read_text()
    write_metrics(file, "tni", Environment.TNI, rows[2:], NOW)
    assert ("acmidm_next_key_end_days", None) not in samples_in(file), "no key ends"
