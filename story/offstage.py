"""What happens between a story's commands and has no command of its own: ``offstage NAME WORDS`` in
the shell of a story."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx

from acmidm.desk.reminders.ledger import ledger_file
from acmidm_onboarding.stack_files import stack_settings
from acmidm_onboarding.values.terms import Platform
from story.authorities import as_helpdesk, grant, new_public_key
from story.person import PortalVisitor
from story.scratch import CommandFailed, Scratch

_TIMES = frozenset({"created", "modified", "sent_at"})
"""The names of times in an exported state: Pulumi's two of a resource, and when a mail was sent."""
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
# A day more than a week: what is due after a week is due then, at whatever hour.
_A_WEEK = timedelta(days=8)
TOWN_COLUMNS = ("KBOnummer", "OVO-code", "Klant", "Eigenaar", "Mandaat tot", "Mandaatreferentie")


def make_public_key(file: str) -> None:
    """Write a new public JWK into a file ``<kid>.jwk.json``; nobody has its private half."""
    path = Path(file)
    key = new_public_key(path.name.removesuffix(".jwk.json"))
    path.write_text(f"{json.dumps(key, indent=2)}\n")


def make_towns(file: str, number: str) -> None:
    """Write a CSV file of that many towns whom a supplier connects, each with its mandate."""
    rows = (TOWN_COLUMNS, *towns(int(number)))
    Path(file).write_text("".join(f"{';'.join(row)}\n" for row in rows))


def towns(number: int) -> Iterator[tuple[str, ...]]:
    """Yield a row of `TOWN_COLUMNS` for each town, with a KBO number whose check digits are
    right."""
    until = f"{datetime.now(UTC).date() + timedelta(days=400)}"
    for count in range(1, number + 1):
        base = 2_000_000 + count
        kbo = f"{base:08}{97 - base % 97:02}"
        yield (
            f"{kbo[:4]}.{kbo[4:7]}.{kbo[7:]}",
            f"OVO9{count:05}",
            f"Voorbeeldgemeente {count:03}",
            f"@voorbeeldgemeente-{count:03}/digitalisering",
            until,
            f"MANDAAT-{count:03}",
        )


def upload_key(stack: str, client_id: str, name: str, password: str, file: str, days: str) -> None:
    """Log on to the portal as an API-beheerder, and upload the public key of a file, which ends
    after some days. Raises CommandFailed where the portal refuses."""
    end = datetime.now(UTC) + timedelta(days=int(days))
    key = {**json.loads(Path(file).read_text()), "exp": int(end.timestamp())}
    settings = stack_settings(stack, Path.cwd())
    origin = str(settings.platforms[Platform.ACMIDM].issuer).removesuffix("/op")
    person = PortalVisitor(httpx.Client(base_url=origin, trust_env=False), name, password)
    if person.log_on().is_error or person.upload(client_id, json.dumps(key)).is_error:
        raise CommandFailed(f"the portal of {stack} takes no key of {name}")


def grant_by_hand(application: str, scope: str) -> None:
    """Grant a scope to the one client of an application on ``tni``, as an operator does whom the
    stack does not know."""
    authority = as_helpdesk(Path.cwd())
    (client,) = [
        client for client in authority.clients() if client.metadata.application == application
    ]
    grant(authority, client.client_id, scope)


def let_a_week_pass(stack: str) -> None:
    """Make a stack a week older: set back the times in its state, and the days in the ledger of
    reminders that were sent."""
    scratch = Scratch(Path.cwd())
    exported = json.loads(scratch.run("pulumi", "stack", "export", "--stack", stack))
    for resource in exported["deployment"]["resources"]:
        outputs = resource.get("outputs", {})
        # A hand-over's outputs have `records`, which say when each mail was sent.
        for part in (resource, outputs, *(outputs.get("records") or {}).values()):
            part |= {name: _a_week_before(part[name]) for name in _TIMES if part.get(name)}
    file = scratch.folder.parent / "state.json"
    file.write_text(json.dumps(exported))
    scratch.run("pulumi", "stack", "import", "--stack", stack, "--file", str(file))
    ledger = ledger_file(stack, scratch.variables)
    if ledger.exists():
        ledger.write_text(_DAY.sub(_day_a_week_before, ledger.read_text()))


def _day_a_week_before(day: re.Match[str]) -> str:
    return str(date.fromisoformat(day[0]) - _A_WEEK)


def _a_week_before(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC) - _A_WEEK:%Y-%m-%dT%H:%M:%S.%fZ}"


if __name__ == "__main__":
    acts = (make_public_key, make_towns, upload_key, grant_by_hand, let_a_week_pass)
    {act.__name__.replace("_", "-"): act for act in acts}[sys.argv[1]](*sys.argv[2:])
