"""Which contacts a reviewer should look at: those of a domain that is new to their organisation, or
where anybody gets a mailbox."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.mandate import Mandate
from acmidm_onboarding.values.organisation import Organisation

Domains = Mapping[str, Collection[str]]
"""Per code of an organisation the domains of its contacts, its owners and its suppliers' contacts
and owners: {"OVO002067": {"stad.gent", "supplier.example"}}."""

_ANYBODYS = re.compile(
    r"(.+\.)?((gmail|gmx|hotmail|live|msn|outlook|yahoo|yandex|ymail|yopmail)(\.com?)?"
    r"\.[a-z]{2,3}|(pm|proton|tuta|mailbox)\.(me|org)"
    r"|(aol|duck|fastmail|googlemail|hey|icloud|mac|mail|mailinator|me"
    r"|protonmail|tuta|tutanota|zoho)\.com|(mail\.ru|web\.de)"
    r"|(belgacom|dommel|edpnet|mobistar|pandora|proximus|scarlet|skynet|telenet|voo)\.(be|net))"
)
"""Large providers of mailboxes, also for a day, and those of Belgian access providers; some give
names below theirs."""


def domains(forms: Iterable[Onboardings], clients: Iterable[Client]) -> Domains:
    """Return the domains that are known of each organisation in ``forms``: of the contacts of its
    ``clients``, of its owners, and of its suppliers."""
    organisations: dict[str, Organisation] = {}
    mandates: dict[str, Sequence[Mandate]] = {}
    for onboardings in forms:
        organisations |= onboardings.organisations
        mandates |= onboardings.mandates
    by_code = defaultdict[str, set[str]](set)
    for client in clients:
        by_code[client.key.partition("/")[0]].update(map(_domain, _contacts(client)))
    by_folder: dict[str, set[str]] = {}
    for folder, organisation in organisations.items():
        addresses = [owner for owner in organisation.owners if owner[0] != "@"]
        by_folder[folder] = by_code[organisation.code].union(map(_domain, addresses))
    for folder, organisation in organisations.items():
        if organisation.code:  # a supplier without one has no clients
            of_suppliers = (
                by_folder.get(mandate.supplier, ()) for mandate in mandates.get(folder, ())
            )
            by_code[organisation.code].update(by_folder[folder], *of_suppliers)
    return by_code


def contacts_to_check(before: Client, after: Client, by_code: Domains) -> Iterator[tuple[str, str]]:
    """Yield each contact that is new and that a reviewer should look at, with the reason: anybody
    can have an address there, or no contact of the organisation is at that domain yet. An
    organisation of which no domain is known has no new domain."""
    known = set[str]()
    for client in (before, after):  # their keys differ where the client is renamed
        known.update(by_code.get(client.key.partition("/")[0], ()))
    for contact in _contacts(after):
        if contact in _contacts(before):
            continue
        domain = _domain(contact)
        if _ANYBODYS.fullmatch(domain):
            yield contact, tr("anybody can have an address at {domain}", domain=domain)
        elif known and not any(f".{domain}".endswith(f".{each}") for each in known):
            yield contact, tr("no other contact of its organisation is at {domain}", domain=domain)


def _contacts(client: Client) -> Sequence[str]:
    return client.fields.get("contacts") or ()


def _domain(address: str) -> str:
    """Return the domain as mail is sent to it (RFC 5890): some that look otherwise are the same."""
    domain = address.rpartition("@")[2]
    with suppress(UnicodeError):  # such an address gets no mail
        domain = domain.encode("idna").decode()
    return domain.rstrip(".").lower()
