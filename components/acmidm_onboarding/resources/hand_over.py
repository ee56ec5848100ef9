"""Handing a client over: the mail by which its organisation gets the client-ID, and one for the scopes that are added later.

Identity: the connection. It manages nothing at an authority: the state is the record of who was told what (``owed.py``). Create mails the
client-ID of a client that this project made, which the client's output ``hand_over`` says. One that was there before, or was taken over,
is recorded as such; where the state has the record of the same client already, as below another parent, that goes on. An update mails
the client-ID where the client is another one, else the scopes that were added; of what is withdrawn nobody hears. What a mail
server did not take is owed, and a change for as long as there is a server. No mail fails, or holds up anything.
Never replaced; delete does nothing at anybody, and keeps the record where the client's new resource could not be made.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from acmidm_onboarding.model.client import Authentication
from acmidm_onboarding.model.declaration import Declaration
from acmidm_onboarding.model.form import Environment, Language, Platform
from acmidm_onboarding.model.handing_over import EXISTED, NO_SMTP
from acmidm_onboarding.model.problems import on_one_line
from acmidm_onboarding.recorded import beside, handed_over
from acmidm_onboarding.resources.base import AuthorityProvider, Properties, inputs_of, present
from acmidm_onboarding.resources.owed import CLIENT_ID, Delivery
from acmidm_onboarding.settings import NAMESPACE

if TYPE_CHECKING:
    from acmidm_onboarding.mail import Mail
    from acmidm_onboarding.resources.oauth_client import OAuthClient

_STEPS = {Environment.TNI: "3", Environment.PROD: "7"}
"""The guide's, at which an organisation gets its client-ID."""


class HandOverProvider(AuthorityProvider):
    replaced_by = ()

    def check(self, olds: Properties, news: Properties) -> CheckResult:
        """Keep what a client said of itself when it was made: a preview of its update does not know it."""
        before, inputs = inputs_of(olds), inputs_of(news)
        if before and before.get("client_id") == inputs["client_id"]:
            inputs["hand_over"] = before.get("hand_over") is True
        return CheckResult(inputs, [])

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        """Other contacts, another name or another language are no change by themselves: nobody is written to because of them."""
        changes = None
        if all(inputs_of(olds)[name] == inputs_of(news)[name] for name in ("client_id", "scopes")):
            changes = self._settings.smtp_url is not None and bool(Delivery.of(olds).left(news["contacts"]))
        return DiffResult(changes=changes, replaces=[], delete_before_replace=False)

    def make(self, props: Properties) -> CreateResult:
        before = handed_over(props["stack"], props["key"], props["client_id"])
        record = self._first(props) if before is None else self._next(before, props)
        return CreateResult(props["key"], {**inputs_of(props), **record.outputs})

    def read(self, id_: str, props: Properties) -> ReadResult:
        record = Delivery.of(inputs_of(props))
        return present(id_, {name: value for name, value in inputs_of(props).items() if name not in record.outputs}, **record.outputs)

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        record = self._next(olds, news) if olds["client_id"] == news["client_id"] else self._first(news)
        return UpdateResult({**inputs_of(news), **record.outputs})

    def delete(self, id_: str, props: Properties) -> None:
        self._run.may_remove(f"what was told of client {props['client_id']}", id_, props)

    def _next(self, olds: Properties, news: Properties) -> Delivery:
        return self._told(Delivery.of(inputs_of(olds)).with_scopes(olds["scopes"], news["scopes"]), news)

    def _first(self, props: Properties) -> Delivery:
        return self._told(Delivery(owed=(CLIENT_ID,)), props) if props.get("hand_over") is True else Delivery(not_sent=EXISTED)

    def _told(self, record: Delivery, props: Properties) -> Delivery:
        """Try to send what is owed, if anything is, and return the record of that. Whatever goes wrong with it is a warning."""
        # Here, for the program declares resources without it: importing templates takes a while.
        from acmidm_onboarding.mail import NotSent, send

        to = record.left(props["contacts"])
        if not to:
            return record
        mail = self._mail(record, props, to)
        what = f'{props["key"]}: the mail "{mail["Subject"]}" to {", ".join(to)}'
        if self._settings.smtp_url is None:
            pulumi.log.info(on_one_line(f"{what} is not sent, for {NAMESPACE}:smtpUrl is not set"))
            return record.unsent(NO_SMTP)
        try:
            refused = send(mail, self._settings)
        except NotSent as error:
            pulumi.log.warn(on_one_line(f"{what} is not sent, and the next run tries again: {error}"))
            return record.unsent(str(error))
        for address, why in refused.items():
            then = "the next run tries again" if why.is_temporary else "correct the contacts in the form"
            pulumi.log.warn(on_one_line(f"{what} was refused for {address}: {why}; {then}"))
        temporary = [address for address, why in refused.items() if why.is_temporary]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return record.sent(to, {address: str(why) for address, why in refused.items()}, temporary, mail.message_id, now)

    def _mail(self, record: Delivery, props: Properties, to: Sequence[str]) -> Mail:
        from acmidm_onboarding.mail import compose

        platform, environment = Platform(props["key"].split("/")[0]), Environment(props["key"].split("/")[1])
        portal = self._settings.platforms[platform].portal(environment)
        values = {
            **{name: props.get(name) for name in ("organisation", "application", "client_id", "jwks_uri")},
            "platform": platform.value,
            "environment": environment.value,
            "scopes": sorted(props["scopes"]),
            "added": list(record.owed),
            "keys": "nowhere" if props["keys"] == "portal" and portal is None else props["keys"],
            "portal": portal,
        }
        is_first = CLIENT_ID in record.owed
        template, step = ("client-id", _STEPS[environment]) if is_first else ("scopes", "scopes")
        language = Language(props["language"])
        return compose(template, values, language=language, to=to, key=props["key"], step=step, settings=self._settings)


class HandOver(Resource, module="acmidm", name="HandOver"):
    """What an organisation was told of its client; see the module's docstring."""

    def __init__(self, connection: Declaration, client: OAuthClient, *, has_keys: bool, opts: pulumi.ResourceOptions | None = None) -> None:
        props: dict[str, Any] = {
            "platform": connection.platform.value,
            "stack": beside(pulumi.get_stack()),
            "key": connection.software_id,
            "client_id": client.id,
            "hand_over": client.hand_over.apply(lambda wanted: wanted is True),
            "organisation": connection.organisation,
            "application": connection.application,
            "language": connection.declared_by.language.value,
            "contacts": list(connection.metadata.contacts),
            "scopes": dict.fromkeys(sorted(connection.scopes), True),
            # Keys that are given to the component are as good as those of a form.
            "keys": (Authentication.KEYS_OF_FORM if has_keys else connection.authentication).value,
            "jwks_uri": connection.jwks_uri,
        }
        super().__init__(HandOverProvider(), connection.resource_name, props, opts)
