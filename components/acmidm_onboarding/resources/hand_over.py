"""Handing clients over: the mails by which organisations get client-IDs, and scopes that are added later.

Identity: the stack. It manages nothing at an authority: the state is the record, per client, of who was told what
(``mail_record.py``). A run mails a contact once, whatever it has to say to it. A client that this project made, which
its output ``hand_over`` says, has its client-ID mailed; one that was there before, or was taken over, is recorded as
such. Later the scopes that were added are; of what is withdrawn nobody hears. What a mail server did not take is
unsent, and a change for as long as there is a server. No mail fails, or holds up anything: what could not be made waits
for a later run, and nothing waits for this. Never replaced; delete does nothing at anybody. A client keeps its record
once nobody declares it, for its removal may be refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from acmidm_onboarding.recorded import full_name, handed_over
from acmidm_onboarding.resources.base import AuthorityProvider, Properties, inputs_of
from acmidm_onboarding.resources.client_scopes import ClientScopes
from acmidm_onboarding.resources.mail_record import CLIENT_ID, Delivery, Outcome
from acmidm_onboarding.resources.oauth_client import OAuthClient
from acmidm_onboarding.settings import NAMESPACE
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.client import Authentication
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.hand_over_outcome import EXISTED, NO_SMTP, record_name
from acmidm_onboarding.values.problems import listed, on_one_line
from acmidm_onboarding.values.terms import Environment, Platform

if TYPE_CHECKING:
    from acmidm_onboarding.mail import Mail

RECORDS = "records"
_STEPS = {Environment.TNI: "3", Environment.PROD: "7"}
"""The guide's, at which an organisation gets its client-ID."""
_Records = dict[str, Delivery]
_About = Sequence[tuple[Delivery, Properties]]


class HandOverProvider(AuthorityProvider):
    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        return CheckResult(inputs_of(news), [])

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        """Other contacts, another name or another language are no change by themselves: nobody is written to because of
        them."""
        before, made = _records(olds), _made(news)
        now = _due(before, news)
        is_owed = self._settings.smtp_url is not None and bool(_mails(now, made))
        is_awaited = len(made) < len(news["connections"])  # a preview knows no client-ID of what is new
        return DiffResult(changes=is_owed or is_awaited or now != before, replaces=[], delete_before_replace=False)

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(props["stack"], self._mailed(_records(handed_over(props["stack"])), props))

    def read(self, id_: str, props: Properties) -> ReadResult:
        inputs = inputs_of(props)
        return ReadResult(id_, inputs, {name: value for name, value in inputs.items() if name != RECORDS})

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(self._mailed(_records(olds), news))

    def _mailed(self, before: _Records, news: Properties) -> dict[str, Any]:
        """Try to send what is unsent, and return the outputs with the record of that. Whatever goes wrong with it is a
        warning."""
        records, connections, outcomes = _due(before, news), _made(news), defaultdict[str, dict[str, Outcome]](dict)
        for names, to in _mails(records, connections).items():
            about = {name: (records[name], connections[name]) for name in names}
            for part, found in self._sent_to(to, about):
                for name in part:
                    outcomes[name] |= found
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for name, one in connections.items():
            if to := records[name].left(one["contacts"]):
                records[name] = records[name].tried({contact: outcomes[name][contact] for contact in to}, now)
        return {**inputs_of(news), RECORDS: {name: record.outputs for name, record in records.items()}}

    def _sent_to(
        self, to: Sequence[str], about: Mapping[str, tuple[Delivery, Properties]]
    ) -> Iterator[tuple[Collection[str], dict[str, Outcome]]]:
        """Yield what became of one mail about some clients; where nobody took it, of one for each organisation.

        What a server refuses may be what one of them calls itself.
        """
        found = self._sent([*about.values()], to)
        yield about.keys(), found
        of_each = defaultdict[str, list[str]](list)
        for name, (_, one) in about.items():
            of_each[one["key"].split("/")[2]].append(name)
        if len(of_each) > 1 and all(one.message_id is None and one.why != NO_SMTP for one in found.values()):
            yield from ((names, self._sent([about[name] for name in names], to)) for names in of_each.values())

    def _sent(self, about: _About, to: Sequence[str]) -> dict[str, Outcome]:
        """Try to send one mail, and return what became of it per contact."""
        # Here, for the program declares resources without it: importing templates takes a while.
        from acmidm_onboarding.mail import NotSent, send

        what = f"the mail to {', '.join(to)} about {listed(one['key'] for _, one in about)}"
        if self._settings.smtp_url is None:
            pulumi.log.info(on_one_line(f"{what} is not sent, for {NAMESPACE}:smtpUrl is not set"))
            return dict.fromkeys(to, Outcome(why=NO_SMTP))
        mail = self._mail(about, to)
        try:
            refused = send(mail, self._settings)
        except NotSent as error:
            pulumi.log.warn(on_one_line(f"{what} is not sent, and the next run tries again: {error}"))
            return dict.fromkeys(to, Outcome(why=str(error)))
        for address, why in refused.items():
            then = "the next run tries again" if why.is_temporary else "correct the contacts in the form"
            pulumi.log.warn(on_one_line(f"{what} was refused for {address}: {why}; {then}"))
        answers = {address: Outcome(mail.message_id, str(why), why.is_temporary) for address, why in refused.items()}
        return {**dict.fromkeys(to, Outcome(mail.message_id)), **answers}

    def _mail(self, about: _About, to: Sequence[str]) -> Mail:
        from acmidm_onboarding.mail import compose

        made, added, keys = list[Properties](), list[Properties](), [one["key"] for _, one in about]
        environment = Environment(keys[0].split("/")[1])
        for record, one in about:
            portal = self._settings.platforms[Platform(one["platform"])].portal(environment)
            keys_are = "nowhere" if one["keys"] == "portal" and portal is None else one["keys"]
            said = {"jwks_uri": None, **one, "added": list(record.unsent), "keys": keys_are, "portal": portal}
            (made if CLIENT_ID in record.unsent else added).append(said)
        applications = ", ".join(dict.fromkeys(one["application"] for _, one in about))
        values = {"application": applications, "environment": environment.value, "made": made, "added": added}
        first = min((Language(one["language"]) for _, one in about), key=list(Language).index)
        # A mail about several organisations is in no mailbox of one.
        key = keys[0] if len({key.split("/")[2] for key in keys}) == 1 else " ".join(keys)
        step = _STEPS[environment] if made else "scopes"
        return compose("hand-over", values, language=first, to=to, key=key, step=step, settings=self._settings)


def _made(props: Properties) -> dict[str, Properties]:
    """Return the connections whose client and scopes are there, by the names of their records."""
    # In order, so that the same mail is the same text.
    there = (
        (key, one)
        for key, one in sorted(props["connections"].items())
        if one.get("client_id") and one.get("scopes") is not None
    )
    return {
        record_name(one["platform"], one["client_id"]): {
            "key": key,
            **one,
            **{name: sorted(one[name]) for name in ("contacts", "scopes")},
        }
        for key, one in there
    }


def _records(outputs: Properties) -> _Records:
    return {name: Delivery.of(one) for name, one in (outputs.get(RECORDS) or {}).items()}


def _due(before: _Records, news: Properties) -> _Records:
    """Return the records with what is unsent now."""
    found = dict(before)
    for name, one in _made(news).items():
        new = Delivery(unsent=(CLIENT_ID,)) if one.get("hand_over") is True else Delivery(not_sent=EXISTED)
        found[name] = (before.get(name) or replace(new, scopes=tuple(one["scopes"]))).with_scopes(one["scopes"])
    return found


def _mails(records: _Records, connections: Mapping[str, Properties]) -> dict[tuple[str, ...], list[str]]:
    """Return the contacts that get the same mail, by the clients that it is about: each contact gets one."""
    of_contact = defaultdict[str, list[str]](list)
    for name, one in connections.items():
        for contact in records[name].left(one["contacts"]):
            of_contact[contact].append(name)
    found = defaultdict[tuple[str, ...], list[str]](list)
    for contact, names in of_contact.items():
        found[tuple(names)].append(contact)
    return found


class HandOver(Resource, module="acmidm", name="HandOver"):
    """What the organisations of a stack were told of their clients; see the module's docstring."""

    def __init__(
        self, connections: pulumi.Input[Mapping[str, Any]], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(
            HandOverProvider(), "mails", {"stack": full_name(pulumi.get_stack()), "connections": connections}, opts
        )


def handing_over(
    connection: Declaration, client: OAuthClient, scopes: ClientScopes | None, *, has_keys: bool
) -> dict[str, Any]:
    """Return what ``HandOver`` wants to know of a connection."""
    # A preview tells what the form asks; a run what was done of that. Maps, of which a change is a line.
    granted: Any = None if scopes is None else connection.scopes if pulumi.runtime.is_dry_run() else scopes.scopes
    return {
        "platform": connection.platform.value,
        "client_id": client.id,
        "hand_over": client.hand_over,
        "organisation": connection.organisation,
        "application": connection.application,
        "language": connection.declared_by.language.value,
        "contacts": dict.fromkeys(connection.metadata.contacts, True),
        "scopes": (
            pulumi.Output.from_input(granted).apply(lambda names: None if names is None else dict.fromkeys(names, True))
        ),
        # Keys that are given to the component are as good as those of a form.
        "keys": (Authentication.KEYS_OF_FORM if has_keys else connection.authentication).value,
        "jwks_uri": connection.jwks_uri,
    }
