"""Compares what people confirmed with what can be seen without an API: evidence of the probe, and a
file from the portal; and lists what somebody should look at again."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from acmidm.report.document import Document, Line, Piece, Section, Tone, notes
from acmidm.report.kinds import Report, ReportPart
from acmidm.words import plain, shown
from acmidm_onboarding.forms.documents import Unreadable, read_text
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.client import Client, resource_name
from acmidm_onboarding.values.confirmation import KEYS, SCOPES, Confirmation
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.jwk import thumbprints
from acmidm_onboarding.values.problems import Failure, on_one_line

CLIENT_ID, SCOPE_COLUMN = "client_id", "scopes"
"""The columns of a file from the portal: one row per client; scopes with blanks or commas
between."""
Exported = Mapping[str, frozenset[str] | None]
"""What a file from the portal has: per client-ID its scopes; None where it has no such column."""


class Difference(ReportPart):
    """What is confirmed and what was seen, where they differ."""

    client: str
    part: str
    confirmed: str
    seen: str
    source: str

    @property
    def sentence(self) -> str:
        facts = {name: plain(value) for name, value in self.model_dump().items()}
        return tr("{client} {part}: confirmed is {confirmed}, and {source} has {seen}", **facts)


class Attested(ReportPart):
    """A part of a client that somebody confirmed, such as "scopes", and how many days ago."""

    client: str
    part: str
    by: str
    at: datetime
    days: int

    @property
    def sentence(self) -> str:
        return tr(
            "{client} {part}: {by}, {days} days ago",
            client=self.client,
            part=self.part,
            by=plain(self.by),
            days=self.days,
        )


class Checked(Report):
    """The confirmations of one stack, compared."""

    stack: str
    checked_at: datetime
    differences: tuple[Difference, ...]
    attested: tuple[Attested, ...]
    """What a person looks at again, longest unseen first."""

    @property
    def title(self) -> str:
        if not self.differences:
            return tr(
                "{stack}: nothing that can be seen differs from what is confirmed",
                stack=self.stack,
            )
        return tr(
            "{stack}: {count} differences between what is confirmed and what was seen",
            stack=self.stack,
            count=len(self.differences),
        )

    def as_document(self) -> Document:
        """Return what differs, then what somebody should look at again."""
        differences = [Line([Piece(difference.sentence)]) for difference in self.differences]
        look_at = [Line([Piece(f"[ ] {item.sentence}")]) for item in self.attested]
        sections = [Section(differences)]
        if look_at:
            heading = tr("To look at again at the portal, longest unseen first")
            sections.append(Section(look_at, heading))
        sections.append(notes([tr("Who else has a client cannot be known here.")]))
        tone = Tone.DANGER if self.differences else Tone.GOOD
        return Document(self.title, sections, tone)


def check(stack: Stack, exported: Path | None = None) -> Checked:
    """Compare what is confirmed of a stack with the evidence of its forms, and with the file that
    was ``exported`` from the portal, where there is one. Raises Failure where that cannot be
    read."""
    forms = stack.forms.by_client_key
    differences: list[Difference] = []
    clients: list[Client] = []
    attested: list[Attested] = []
    for client_key, confirmed in stack.confirmations.items():
        if not confirmed.is_there:
            continue
        if client_key in forms:
            differences += _differences_from_evidence(confirmed, forms[client_key])
        if client := confirmed.client(client_key):
            clients.append(client)
        name = resource_name(*client_key[:2])
        for part, by in confirmed.content.confirmed.items():
            attested.append(
                Attested(client=name, part=part, by=by.by, at=by.at, days=(stack.now - by.at).days)
            )
    if exported is not None:
        differences += _differences_from_export(clients, _read_export(exported), exported.name)
    return Checked(
        stack=stack.name,
        checked_at=stack.now,
        differences=tuple(differences),
        attested=tuple(sorted(attested, key=lambda part: (part.at, part.client, part.part))),
    )


def _differences_from_evidence(confirmed: Confirmation, form: Declaration) -> Iterator[Difference]:
    """Yield what the evidence of a form proves of its client and nobody confirmed: scopes, a key,
    or another client-ID, of which nothing else is compared."""
    proof = form.evidence_file.evidence
    if proof is None:
        return
    facts = {
        "client": form.resource_name,
        "source": tr("the evidence of {day}", day=f"{proof.proven_at:%Y-%m-%d}"),
    }
    if proof.client_id != confirmed.content.client_id:
        confirmed_id = str(confirmed.content.client_id)
        yield Difference(part=CLIENT_ID, confirmed=confirmed_id, seen=proof.client_id, **facts)
        return
    scopes = set(map(form.form.name_of, confirmed.scopes))
    unconfirmed = sorted(proof.scopes - scopes)
    if unconfirmed:
        confirmed_scopes = shown(sorted(scopes))
        yield Difference(part=SCOPES, confirmed=confirmed_scopes, seen=shown(unconfirmed), **facts)
    keys = thumbprints((confirmed.jwks or {}).values())
    if confirmed.jwks is not None and proof.thumbprint not in keys:
        yield Difference(part=KEYS, confirmed=shown(sorted(keys)), seen=proof.thumbprint, **facts)


def _differences_from_export(
    clients: list[Client], exported: Exported, source: str
) -> Iterator[Difference]:
    """Yield the clients that are confirmed and not in a file from the portal, those whose scopes
    differ there, and those that only the file has. ``source`` is the file's name."""
    nothing = tr("nothing")
    by_id = {str(client.client_id): client for client in clients}
    for client_id, client in by_id.items():
        facts = {"client": client.resource_name, "source": source}
        if client_id not in exported:
            yield Difference(part=CLIENT_ID, confirmed=client_id, seen=nothing, **facts)
            continue
        scopes = exported[client_id]
        confirmed = client.granted
        if scopes is not None and scopes != confirmed.keys():
            yield Difference(
                part=SCOPES, confirmed=shown(sorted(confirmed)), seen=shown(sorted(scopes)), **facts
            )
    for client_id in sorted(exported.keys() - by_id.keys()):
        yield Difference(
            client=client_id, part=CLIENT_ID, confirmed=nothing, seen=client_id, source=source
        )


def _read_export(file: Path) -> Exported:
    """Read a CSV file that somebody exported from the portal, with commas or, as a Dutch Excel
    writes it, semicolons. Raises Failure where it cannot be read, or has no column client_id."""
    try:
        text = read_text(file)
    except Unreadable as error:
        raise Failure(on_one_line(f"{file}: {error}")) from None
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    rows = csv.DictReader(text.splitlines(), delimiter=delimiter)
    columns = {str(name).strip().casefold(): name for name in rows.fieldnames or ()}
    if CLIENT_ID not in columns:
        raise Failure(
            tr(
                "{file} has no column {column}; export it with a first row of names, such as"
                " client_id,scopes",
                file=file,
                column=CLIENT_ID,
            )
        )
    scope_column = columns.get(SCOPE_COLUMN)
    exported: dict[str, frozenset[str] | None] = {}
    for row in rows:
        client_id = str(row[columns[CLIENT_ID]]).strip()
        exported[client_id] = None
        if scope_column is not None:
            names = str(row[scope_column] or "").replace(",", " ")
            exported[client_id] = frozenset(names.split())
    return exported
