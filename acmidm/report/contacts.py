"""Which contacts a reviewer should look at: those of a domain that is new to their organisation, or where anybody gets
a mailbox."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from acmidm_onboarding.texts import say
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.organisation import Organisation

Domains = Mapping[str, Collection[str]]
"""Per code of an organisation those of its contacts, its owners and its suppliers."""

_ANYBODYS = re.compile(
    r"(.+\.)?((gmail|gmx|hotmail|live|msn|outlook|yahoo|yandex|ymail|yopmail)(\.com?)?\.[a-z]{2,3}|(pm|proton|tuta|mailbox)\.(me|org)"
    r"|(aol|duck|fastmail|googlemail|hey|icloud|mac|mail|mailinator|me|protonmail|tuta|tutanota|zoho)\.com|(mail\.ru|web\.de)"
    r"|(belgacom|dommel|edpnet|mobistar|pandora|proximus|scarlet|skynet|telenet|voo)\.(be|net))"
)
"""Large providers of mailboxes, also for a day, and those of Belgian access providers; some give names below theirs."""


def domains(organisations: Mapping[str, Organisation], clients: Iterable[Client]) -> Domains:
    """Return the domains that are known of each organisation; ``organisations`` are by folder, by which suppliers are
    named."""
    found = defaultdict[str, set[str]](set)
    for client in clients:
        found[client.key.partition("/")[0]].update(map(_domain, _contacts(client)))
    own = {
        folder: found[one.code].union(_domain(by) for by in one.owners if by[0] != "@")
        for folder, one in organisations.items()
    }
    for folder, one in organisations.items():
        if one.code:  # a supplier without one has no clients
            found[one.code].update(own[folder], *(own.get(supplier, ()) for supplier in one.suppliers))
    return found


def to_check(before: Client, after: Client, known: Domains) -> Iterator[tuple[str, str]]:
    """Yield each contact that is new and that somebody should look at, with the reason. Where no domain is known, none
    is new."""
    here = {domain for client in (before, after) for domain in known.get(client.key.partition("/")[0], ())}
    for contact in (one for one in _contacts(after) if one not in _contacts(before)):
        domain = _domain(contact)
        if _ANYBODYS.fullmatch(domain):
            yield contact, say("report.anybody_at", domain=domain)
        elif here and not any(f".{domain}".endswith(f".{one}") for one in here):
            yield contact, say("report.nobody_else_at", domain=domain)


def _contacts(client: Client) -> Sequence[str]:
    return client.fields.get("contacts") or ()


def _domain(address: str) -> str:
    """The domain as mail is sent to it (RFC 5890): some that look otherwise are the same."""
    domain = address.rpartition("@")[2]
    with suppress(UnicodeError):  # such an address gets no mail
        domain = domain.encode("idna").decode()
    return domain.rstrip(".").lower()
