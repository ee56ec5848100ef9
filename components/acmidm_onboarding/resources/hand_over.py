"""Handing clients over: the mails by which organisations get client-IDs, and scopes that are added
later.

Identity: the stack. It manages nothing at an authority: the state is the record, per client, of
which mails went to whom (``mail_record.py``). A run mails a contact once, about all its clients.
The client-ID of a client that this project made (its output ``hand_over``) is mailed; a client that
existed before, or was taken over, is recorded as such. Scopes that are added later are mailed,
scopes that are withdrawn are not. Nobody is mailed about a client while it goes. What a mail server
did not take is unsent, and a change for as long as there is a server. A mail that cannot be sent is
a warning, and fails no run. A client that could not be made is mailed about by a later run. Never
replaced; delete does nothing. The record of a client stays once no form declares the client, for
its removal may be refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, Resource

from acmidm_onboarding.recorded import full_name, handed_over
from acmidm_onboarding.resources.base import AuthorityProvider, Properties, inputs_of, protected
from acmidm_onboarding.resources.client_scopes import ClientScopes
from acmidm_onboarding.resources.mail_record import CLIENT_ID, Delivery, Outcome
from acmidm_onboarding.resources.oauth_client import OAuthClient
from acmidm_onboarding.settings import NAMESPACE
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.client import Authentication
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.end import is_over
from acmidm_onboarding.values.hand_over_outcome import EXISTED, NO_SMTP, record_name
from acmidm_onboarding.values.plain import only, without
from acmidm_onboarding.values.problems import listed, on_one_line
from acmidm_onboarding.values.terms import Environment, Platform

if TYPE_CHECKING:
    from acmidm_onboarding.mail import Mail

RECORDS = "records"
_STEPS = {Environment.TNI: "3", Environment.PROD: "7"}
"""The guide's, at which an organisation gets its client-ID."""
_NOWHERE = "nowhere"
"""Where the keys of a client are that has none, and that has no portal to upload one."""
_Records = dict[str, Delivery]
"""The record of each client, by the name that it has in the state."""
_About = Sequence[tuple[Delivery, Properties]]
"""The clients that a mail is about: the record of each, and its connection as ``handing_over`` has
it."""


class HandOverProvider(AuthorityProvider):
    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        return CheckResult(inputs_of(news), [])

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        """Find a change where a mail is to be sent, or a record changes. Other contacts, another
        name or another language are no change: they send no mail."""
        before, made = _records(olds), _made_connections(news)
        now = _records_now(before, news)
        is_unsent = self._settings.smtp_url is not None and bool(_mails(now, made))
        # A preview knows no client-ID of what is new.
        is_awaited = len(made) < len(news["connections"])
        return DiffResult(
            changes=is_unsent or is_awaited or now != before,
            replaces=[],
            delete_before_replace=False,
        )

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(
            props["stack"], self._mailed(_records(handed_over(props["stack"])), props)
        )

    def read(self, id_: str, props: Properties) -> ReadResult:
        inputs = inputs_of(props)
        return ReadResult(id_, inputs, without(inputs, (RECORDS,)))

    def change(self, _id: str, olds: Properties, news: Properties) -> dict[str, Any]:
        return self._mailed(_records(olds), news)

    def remove(self, _id: str, props: Properties) -> None:
        """Remove nothing. Raises Rejected in a stack that protects its clients: without the record,
        everybody would be mailed anew."""
        if self.protects(props):
            raise protected("the record of mails", by_form="")

    def _mailed(self, before: _Records, news: Properties) -> dict[str, Any]:
        """Send each mail that is due, and return the outputs with the records of it. A mail that
        cannot be sent is a warning."""
        records = _records_now(before, news)
        connections = _made_connections(news)
        outcomes = defaultdict[str, dict[str, Outcome]](dict)
        for names, to in _mails(records, connections).items():
            about = {name: (records[name], connections[name]) for name in names}
            for names_of_mail, by_contact in self._send_to(to, about):
                for name in names_of_mail:
                    outcomes[name] |= by_contact
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for name, connection in connections.items():
            contacts = _unreached(records[name], connection)
            if contacts:
                records[name] = records[name].tried(only(outcomes[name], contacts), now)
        return {
            **inputs_of(news),
            RECORDS: {name: record.outputs for name, record in records.items()},
        }

    def _send_to(
        self, to: Sequence[str], about: Mapping[str, tuple[Delivery, Properties]]
    ) -> Iterator[tuple[Collection[str], dict[str, Outcome]]]:
        """Send a mail to the contacts ``to`` about the clients ``about``, by the names of their
        records. Yield for each mail that was tried the names, and the outcome per contact.

        Where the server took the mail for nobody, send one for each organisation: the server may
        have refused it for the name of one organisation alone.
        """
        outcomes = self._send([*about.values()], to)
        yield about.keys(), outcomes
        by_code = defaultdict[str, list[str]](list)
        for name, (_, connection) in about.items():
            by_code[connection["key"].split("/")[2]].append(name)
        if len(by_code) > 1 and all(sent.is_for_nobody for sent in outcomes.values()):
            for names in by_code.values():
                yield names, self._send([about[name] for name in names], to)

    def _send(self, about: _About, to: Sequence[str]) -> dict[str, Outcome]:
        """Try to send one mail, and return its outcome per contact. Warn of a mail that is not
        sent, or refused for a contact."""
        what = (
            f"the mail to {', '.join(to)} about"
            f" {listed(connection['key'] for _, connection in about)}"
        )
        if self._settings.smtp_url is None:
            pulumi.log.info(on_one_line(f"{what} is not sent, for {NAMESPACE}:smtpUrl is not set"))
            return dict.fromkeys(to, Outcome(why=NO_SMTP))
        # Here, for the program declares resources without mails, whose templates take a while to
        # import.
        from acmidm_onboarding.mail import NotSent, send

        mail = self._mail(about, to)
        try:
            refused = send(mail, self._settings)
        except NotSent as error:
            pulumi.log.warn(
                on_one_line(f"{what} is not sent, and the next run tries again: {error}")
            )
            return dict.fromkeys(to, Outcome(why=str(error)))
        outcomes = dict.fromkeys(to, Outcome(mail.message_id))
        for address, why in refused.items():
            then = "correct the contacts in the form"
            if why.is_temporary:
                then = "the next run tries again"
            pulumi.log.warn(on_one_line(f"{what} was refused for {address}: {why}; {then}"))
            outcomes[address] = Outcome(mail.message_id, str(why), why.is_temporary)
        return outcomes

    def _mail(self, about: _About, to: Sequence[str]) -> Mail:
        """Return the mail to the contacts ``to``: the clients that were made, and the scopes that
        others got since. It is in Dutch, unless each of their organisations is addressed in
        English."""
        from acmidm_onboarding.mail import compose

        made, added = list[Properties](), list[Properties]()
        _, connections = zip(*about, strict=True)
        keys = list(map(itemgetter("key"), connections))
        environment = Environment(keys[0].split("/")[1])
        for record, connection in about:
            platform = Platform(connection["platform"])
            settings = self._settings.platforms[platform]
            portal = settings.portal(environment)
            where = connection["keys"]
            if where == "portal" and portal is None:
                where = _NOWHERE
            apis = {}
            for product in sorted(connection.get("products", ())):
                if api := settings.api_client_id(product):
                    apis[product] = api
            client = {
                "jwks_uri": None,
                "afterwards": "",
                **connection,
                "added": list(record.unsent),
                "keys": where,
                "portal": portal,
                "issuer": settings.issuer_name,
                "token_endpoint": settings.token_endpoint(platform),
                "discovery": settings.discovery_url,
                "apis": apis,
            }
            if CLIENT_ID in record.unsent:
                made.append(client)
            else:
                added.append(client)
        applications = ", ".join(dict.fromkeys(map(itemgetter("application"), connections)))
        values = {
            "application": applications,
            "environment": environment.value,
            "made": made,
            "added": added,
        }
        first = min(
            (Language(connection["language"]) for connection in connections),
            key=list(Language).index,
        )
        # A mail about several organisations is filed under none of them alone.
        key = keys[0] if len({key.split("/")[2] for key in keys}) == 1 else " ".join(keys)
        step = _STEPS[environment] if made else "scopes"
        return compose(
            "hand-over", values, language=first, to=to, key=key, step=step, settings=self._settings
        )


def _made_connections(props: Properties) -> dict[str, Properties]:
    """Return those of the input ``connections`` whose client and scopes exist, by the names of
    their records: in order, so that the same mail has the same text."""
    made: dict[str, Properties] = {}
    for key, connection in sorted(props["connections"].items()):
        if connection.get("client_id") and connection.get("scopes") is not None:
            lists = {name: sorted(connection[name]) for name in ("contacts", "scopes")}
            name = record_name(connection["platform"], connection["client_id"])
            made[name] = {"key": key, **connection, **lists}
    return made


def _records(outputs: Properties) -> _Records:
    return {name: Delivery.of(record) for name, record in (outputs.get(RECORDS) or {}).items()}


def _records_now(before: _Records, news: Properties) -> _Records:
    """Return the records ``before`` with what the made connections add: the client-ID of a new
    client, and scopes that were added, are unsent."""
    records = dict(before)
    for name, connection in _made_connections(news).items():
        scopes = connection["scopes"]
        record = before.get(name)
        if record is None:
            record = Delivery(not_sent=EXISTED, scopes=tuple(scopes))
            if connection.get("hand_over") is True:
                record = Delivery(unsent=(CLIENT_ID,), scopes=tuple(scopes))
        records[name] = record.with_scopes(scopes)
    return records


def _unreached(record: Delivery, connection: Properties) -> list[str]:
    """Return the contacts that get a mail about a connection now: none while its client goes."""
    return [] if connection.get("goes") else record.unreached(connection["contacts"])


def _mails(
    records: _Records, connections: Mapping[str, Properties]
) -> dict[tuple[str, ...], list[str]]:
    """Return the mails that are due, so that each contact gets one: the contacts by the records
    that it is about, ``{("acmidm/6f1c…", "acmidm/9a02…"): ["api-beheer@gent.example"]}``."""
    of_contact = defaultdict[str, list[str]](list)
    for name, connection in connections.items():
        for contact in _unreached(records[name], connection):
            of_contact[contact].append(name)
    mails = defaultdict[tuple[str, ...], list[str]](list)
    for contact, names in of_contact.items():
        mails[tuple(names)].append(contact)
    return mails


class HandOver(Resource, module="acmidm", name="HandOver"):
    """What the organisations of a stack were mailed about their clients; see the module's
    docstring."""

    def __init__(
        self,
        connections: pulumi.Input[Mapping[str, Any]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            HandOverProvider(),
            "mails",
            {"stack": full_name(pulumi.get_stack()), "connections": connections},
            opts,
        )


def goes(connection: Declaration, day: date) -> bool:
    """Return whether a client is taken down, so that nobody is mailed about it: by its form, or
    because its supplier may act no more. At a portal without an API it may have its scopes for a
    while."""
    mandate = connection.form.mandate
    has_ended = bool(mandate) and is_over(mandate.get("until", ""), day)
    lost_all = bool(connection.leaving.withdrawn) and not connection.scopes
    return connection.is_leaving() or has_ended or lost_all


def keys_there(connection: Declaration, *, is_given: bool) -> str:
    """Return where the keys of a client are, as the template of the mail names it: ``form``,
    ``portal``, ``jwks_uri``, ``secret`` or ``nowhere``. ``is_given``: another project gives the
    component keys, which count as those of a form."""
    if is_given:
        return Authentication.KEYS_OF_FORM.value
    if connection.authentication is not Authentication.KEYS_OF_FORM or connection.jwks:
        return connection.authentication.value
    # The client has no key of its form yet: people must upload one, or none may be used.
    is_ordered = connection.is_confirmed and not connection.keys.compromised
    return Authentication.KEYS_OF_PORTAL.value if is_ordered else _NOWHERE


def handing_over(
    connection: Declaration, client: OAuthClient, scopes: ClientScopes | None, *, is_given: bool
) -> dict[str, Any]:
    """Return what the resource ``HandOver`` has of a connection, as an entry of its input
    ``connections``: whom to mail about which client and scopes. ``scopes`` is None where no scopes
    are declared."""
    # A preview has the scopes of the form, a run those that were granted: as a map, of which a
    # change is a line.
    granted: Any = None
    if scopes is not None:
        granted = connection.scopes if pulumi.runtime.is_dry_run() else scopes.scopes
    inputs: dict[str, Any] = {
        "platform": connection.platform.value,
        "client_id": client.id,
        "hand_over": client.hand_over,
        "organisation": connection.organisation,
        "application": connection.application,
        "language": connection.declared_by.language.value,
        "contacts": dict.fromkeys(connection.metadata.contacts, True),
        "scopes": pulumi.Output.from_input(granted).apply(_as_lines),
        "products": dict.fromkeys(connection.products, True),
        "afterwards": connection.afterwards.get(connection.declared_by.language, ""),
        "keys": keys_there(connection, is_given=is_given),
        "jwks_uri": connection.jwks_uri,
    }
    if goes(connection, datetime.now(UTC).date()):
        inputs["goes"] = True
    return inputs


def _as_lines(names: Collection[str] | None) -> dict[str, bool] | None:
    return None if names is None else dict.fromkeys(names, True)
