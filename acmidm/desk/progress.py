"""Where a connection stands: its step of the guide, whom it waits for, and what they must do.
Derived from facts, never ticked by hand.

A fact that is not known is None, and holds a row back: no row is further than its facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from acmidm.desk.status import ListedConnection, Step, WaitsFor
from acmidm_onboarding.rules.orders import Act, Doer, Order
from acmidm_onboarding.texts import N_, Language
from acmidm_onboarding.values.client import HandedOver
from acmidm_onboarding.values.declaration import PROOF_OPTIONS
from acmidm_onboarding.values.evidence import Evidence, is_fresh
from acmidm_onboarding.values.hand_over_outcome import EXISTED, NO_SMTP
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform

_UNSENT = N_("The mail about what was added later was not sent ({reason}).")
_UNSENT_NO_SMTP = N_("The mail about what was added later was not sent, for no mail server is set.")
_UNKNOWN = {
    "state": N_("Whether the OAuth client exists is not known."),
    "form": N_("What the form asks is not known."),
    "hand_over": N_("Whether the client-ID was handed over is not known."),
    "secret": N_("Whether the client secret was handed over is not known."),
    "keys": N_("Whether there is a public key is not known."),
    "authority": N_("Whether the OAuth client and its scopes are still there is not known."),
    "rights": N_("Whether somebody has the right API-beheerder is not known."),
    "last_token": N_("When a token was last fetched is not known."),
}


def instruction(row: ListedConnection, language: Language, *, with_command: bool = True) -> str:
    """Return what must be done, as a sentence to the organisation where it waits for that, else as
    one about who must do it. With ``with_command`` it has the command too, where one does it."""
    sentence, command = _INSTRUCTIONS[row.order]
    how = ""
    if with_command and command:
        how = f": {language.translated(command, **row.values)}"
    what = language.translated(sentence, **row.values, how=how)
    if row.order not in _ORDERS_TO_PROVE:
        return what
    by_whom = language.tr(
        "Whoever has the private key does that in a copy of the repository of the forms: your"
        " developer or your supplier. Without Git, mail the file of evidence to the onboarding"
        " team of Digitaal Vlaanderen, which adds it to your form: there is no secret in it."
        " Can nobody do that? Agree on an exemption with that team."
    )
    return f"{what} {by_whom}"


def to_do(row: ListedConnection, language: Language, *, with_command: bool = True) -> str:
    """Return what the board says of a connection, in full sentences: what must be done, when it
    ends, a mail that was not sent, its last token, and which facts nobody knows."""
    sentences = [instruction(row, language, with_command=with_command)]
    if day := row.values.get("leaves"):
        ends = language.day(date.fromisoformat(day))
        sentences.append(language.tr("This connection ends on {day}.", day=ends))
    if reason := row.values.get("unsent"):
        sentence = _UNSENT_NO_SMTP if reason == NO_SMTP else _UNSENT
        sentences.append(language.translated(sentence, reason=reason))
    if row.last_token_at is not None:
        sentences.append(language.tr("Last token: {day}.", day=language.day(row.last_token_at)))
    elif row.order in _ORDERS_WITH_TOKENS:
        if "last_token" not in row.unknown:
            sentences.append(language.tr("No token was fetched yet."))
        if row.afterwards:
            sentences.append(row.afterwards[language])
    sentences += [language.translated(_UNKNOWN[name]) for name in row.unknown]
    return " ".join(sentences)


@dataclass(frozen=True)
class Facts:
    """What is known of a connection in one environment, from its form, the state, its authority and
    its evidence."""

    connection: ListedConnection
    now: datetime
    portal: str = ""
    """The address where its organisation manages its clients; empty where its authority has no
    portal."""
    form: str = ""
    """The path of its form."""
    is_declared: bool | None = True
    """Whether a form has it; None where forms have mistakes."""
    is_recorded: bool | None = True
    """Whether the state has its client; None where the state cannot be read."""
    ordered: Order | None = None
    """What somebody has to do first, by hand, at its authority's portal."""
    ordered_since: datetime | None = None
    is_held_back: bool = False
    """Whether the gate holds back what the state lacks."""
    test_client_id: str = ""
    """Its client-ID on the stack on which it is to be proven; none where that has no client."""
    is_proven_there: bool = False
    """Whether it was proven by a key that the state of that stack has not seen yet: a run there is
    missing."""
    test_stack: str = "tni"
    lacking: tuple[str, ...] = ()
    """The scopes and products that its form has and the state lacks."""
    is_answered: bool = True
    """Whether its authority answered what it has of it."""
    is_gone: bool = False
    """Whether its authority has no such client any more."""
    made_at: datetime | None = None
    keys_since: datetime | None = None
    """From when on it has the keys that its form declares."""
    handed_over: HandedOver | None = None
    """None where that is not known: then the hand-over counts as done."""
    usable_keys: frozenset[str] | None = None
    """The thumbprints of its keys that have not ended; None where they are not known."""
    had_keys: bool = False
    """Whether it has keys at all: where none is usable, these have ended."""
    awaits_key: bool = False
    """Whether its secret is in force until its authority has a key."""
    administrators: int | None = None
    """How many people may upload its keys; None where that is not known."""
    withdrawn: tuple[tuple[str, str], ...] = ()
    """The scopes that its authority has no more, each with the owner of the API."""
    evidence: Evidence | None = None
    evidence_refused: bool = False
    evidence_days: int = 90
    unproven: tuple[str, ...] = ()
    """The scopes and products that the gate wants and the evidence does not cover."""
    proof_options: str = PROOF_OPTIONS
    """The options of the command that proves all of it."""
    is_exempt: bool = False
    """Whether it may go to production without evidence."""
    has_production: bool = False
    is_on_production: bool = False
    leaves: date | None = None
    """From which day on it is taken down."""
    is_leaving: bool = False
    """Whether that day has come."""
    knows_use: bool = False
    """Whether its authority tells which keys got a token."""

    @property
    def uses_secret(self) -> bool:
        return (
            self.connection.token_endpoint_auth_method != AuthMethod.PRIVATE_KEY_JWT
            and not self.awaits_key
        )

    @property
    def takes_uploads(self) -> bool:
        """Whether its keys are left to a portal that is there."""
        return self.connection.keys_in_portal and bool(self.portal)

    @property
    def has_address(self) -> bool:
        """Whether its keys are at an address, so that nobody but the probe sees whether they
        work."""
        return self.connection.jwks_uri is not None

    @property
    def is_proven(self) -> bool:
        """Whether evidence that counts is of this client and of a key that it has."""
        evidence = self.evidence
        return (
            evidence is not None
            and is_fresh(evidence, self.now, self.evidence_days)
            and evidence.client_id == self.connection.client_id
            and (self.has_address or evidence.thumbprint in (self.usable_keys or ()))
        )


class StepRow(NamedTuple):
    """One line of the derivation. The first row that ``holds`` says where a connection stands."""

    order: str
    """Its name, which programs read as what must be done, such as "deploy"."""
    sentence: str
    """What must be done, for people; its blanks are those of ``_values``."""
    steps: tuple[Step, Step]
    """Which step of the guide it is on TNI, and which on production."""
    waits_for: WaitsFor | None
    holds: Callable[[Facts], bool]
    since: Callable[[Facts], datetime | None] = lambda _: None
    unknown: tuple[str, ...] = ()
    """The facts that are not known wherever this row holds, by their names in ``_UNKNOWN``."""
    command: str = ""
    """The command that does it; empty where none does."""


def _is_made(facts: Facts) -> bool:
    return bool(facts.is_recorded and facts.connection.client_id)


def _lacks_proof(facts: Facts) -> bool:
    """Return whether the gate holds back the client, or what its form adds."""
    return facts.is_held_back and (not _is_made(facts) or bool(facts.lacking))


def _is_not_mailed(facts: Facts) -> bool:
    """Return whether the mail that hands over the client-ID failed. Of a client that existed before
    no mail is sent, and that is no failure."""
    hand_over = facts.handed_over
    return (
        hand_over is not None
        and hand_over.sent_at is None
        and hand_over.not_sent not in (None, EXISTED)
    )


def _has_no_key(facts: Facts) -> bool:
    return not facts.usable_keys and not facts.has_address


def _is_on_tni(facts: Facts) -> bool:
    return facts.connection.environment is Environment.TNI


def _has_order_for(*doers: Doer) -> Callable[[Facts], bool]:
    """Return the condition that one of these people has to carry out an order."""
    return lambda facts: facts.ordered is not None and facts.ordered.doer in doers


def _has_order_to(act: Act) -> Callable[[Facts], bool]:
    return lambda facts: facts.ordered is not None and facts.ordered.act is act


def _ordered_since(facts: Facts) -> datetime | None:
    return facts.ordered_since


def _client_id_sent_at(facts: Facts) -> datetime | None:
    """Return when an organisation got its client-ID: by mail, else when the client was made; None
    where neither is known."""
    return (facts.handed_over and facts.handed_over.sent_at) or facts.made_at


def _with_key_since(facts: Facts) -> datetime | None:
    """Return since when an organisation has its client-ID and the client its keys; None where one
    of the two is not known, as of keys in the portal."""
    id_sent_at, keys_since = _client_id_sent_at(facts), facts.keys_since
    return max(id_sent_at, keys_since) if id_sent_at and keys_since else None


def _proven_at(facts: Facts) -> datetime | None:
    return facts.evidence.proven_at if facts.evidence else None


def _has_no_mandate(facts: Facts) -> bool:
    mandate = facts.connection.mandate
    return mandate is not None and mandate.days_left < 0


_ORGANISATION, _US, _AUTHORITY, _OWNER = WaitsFor
_DEPLOY = N_("acmidm deploy --stack {stack}")
_DEPLOY_TEST = N_("acmidm deploy --stack {test_stack}")
_PROVE = N_("{probe} --private-key FILE {options}")
_BOTH_DONE = N_(
    "Everything is done on the test environment (TNI); the connection is in production too."
)
# Each is the step on TNI and the one on production.
_CLIENT, _HAND_OVER = (Step.CLIENT, Step.PROMOTION), (Step.HAND_OVER, Step.PROMOTION)
_RIGHT, _KEY = (Step.RIGHT, Step.RIGHT_ON_PRODUCTION), (Step.KEY, Step.KEY_ON_PRODUCTION)
_IN_USE, _PROMOTION = (Step.PROMOTION, Step.KEY_ON_PRODUCTION), (Step.PROMOTION, Step.PROMOTION)
_ROWS = (
    # The client, and what is in it.
    StepRow(
        "state-unknown",
        N_("Digitaal Vlaanderen looks why stack {stack} cannot be read{how}."),
        _CLIENT,
        _US,
        lambda facts: facts.is_recorded is None,
        unknown=("state",),
        command=N_("acmidm status --stack {stack}"),
    ),
    StepRow(
        "ordered-stolen-key",
        N_(
            "A public key of {application} was stolen. Remove it from the portal ({portal}) at"
            " once: order {order_name}."
        ),
        _KEY,
        _ORGANISATION,
        _has_order_to(Act.REMOVE_STOLEN_KEY),
        _ordered_since,
    ),
    StepRow(
        "mandate",
        N_(
            "{supplier} has no mandate any more, so that the scopes and keys of {application}"
            " are withdrawn. Put one that counts into mandates.yaml of your organisation, or"
            " let {application} leave with retire."
        ),
        _KEY,
        _ORGANISATION,
        _has_no_mandate,
    ),
    StepRow(
        "gate-test",
        N_(
            "The test environment (TNI) comes first: Digitaal Vlaanderen makes the OAuth"
            " client there{how}. Then {organisation} validates."
        ),
        _CLIENT,
        _US,
        lambda facts: _lacks_proof(facts) and not facts.test_client_id,
        command=_DEPLOY_TEST,
    ),
    StepRow(
        "gate-again",
        N_(
            "{organisation} has validated the test environment (TNI). Digitaal Vlaanderen"
            " takes the proven key over there{how}. Then the way to production is free."
        ),
        _CLIENT,
        _US,
        lambda facts: _lacks_proof(facts) and facts.is_proven_there,
        command=_DEPLOY_TEST,
    ),
    StepRow(
        "gate",
        N_(
            "Validate on the test environment (TNI) first, and add the evidence to your"
            " request{how}."
        ),
        _CLIENT,
        _ORGANISATION,
        lambda facts: not _is_made(facts) and facts.is_held_back,
        command=N_(
            "{probe} --private-key FILE {options}. What is still missing is shown by acmidm"
            " validate {form}"
        ),
    ),
    StepRow(
        "ordered",
        N_("Carry out order {order_name} at the portal{how}."),
        _CLIENT,
        _US,
        _has_order_for(Doer.OPERATOR, Doer.PRODUCT_TEAM),
        _ordered_since,
        command=N_("acmidm orders show {order_name} --stack {stack}"),
    ),
    StepRow(
        "ordered-owner",
        N_("The API's owner approves or changes the coupling: order {order_name}."),
        _CLIENT,
        _OWNER,
        _has_order_for(Doer.API_OWNER),
        _ordered_since,
    ),
    StepRow(
        "ordered-key",
        N_("Upload the public keys of {application} in the portal ({portal}): order {order_name}."),
        _KEY,
        _ORGANISATION,
        _has_order_to(Act.UPLOAD),
        _ordered_since,
    ),
    StepRow(
        "ordered-key-removal",
        N_(
            "Remove the public keys of {application} that are out of use from the portal"
            " ({portal}): order {order_name}."
        ),
        _KEY,
        _ORGANISATION,
        _has_order_to(Act.REMOVE_KEY),
        _ordered_since,
    ),
    StepRow(
        "deploy",
        N_("Digitaal Vlaanderen makes the OAuth client{how}."),
        _CLIENT,
        _US,
        lambda facts: not _is_made(facts),
        command=_DEPLOY,
    ),
    StepRow(
        "gone",
        N_(
            "The platform has no OAuth client {client_id} any more. Digitaal Vlaanderen looks"
            " who removed it{how}."
        ),
        _CLIENT,
        _US,
        lambda facts: facts.is_gone,
        command=N_("acmidm drift --stack {stack}"),
    ),
    StepRow(
        "hand-over-no-smtp",
        N_(
            "Digitaal Vlaanderen hands over client-ID {client_id} to {contacts}. The mail was"
            " not sent, for no mail server is set{how}."
        ),
        _HAND_OVER,
        _US,
        lambda facts: (
            _is_not_mailed(facts)
            and facts.handed_over is not None
            and facts.handed_over.not_sent == NO_SMTP
        ),
        lambda facts: facts.made_at,
        command=N_("set acmidm:smtpUrl for stack {stack}, then acmidm deploy --stack {stack}"),
    ),
    StepRow(
        "hand-over-failed",
        N_(
            "Digitaal Vlaanderen hands over client-ID {client_id} to {contacts}. The mail was"
            " not sent ({reason}). The next run tries again{how}."
        ),
        _HAND_OVER,
        _US,
        _is_not_mailed,
        lambda facts: facts.made_at,
        command=_DEPLOY,
    ),
    StepRow(
        "extend-gate",
        N_(
            "Validate on the test environment (TNI) first what is added in production"
            " ({lacking}), and add the evidence to your request{how}."
        ),
        _CLIENT,
        _ORGANISATION,
        lambda facts: bool(facts.lacking) and facts.is_held_back,
        command=_PROVE,
    ),
    StepRow(
        "extend",
        N_("Digitaal Vlaanderen adds {lacking}{how}."),
        _CLIENT,
        _US,
        lambda facts: bool(facts.lacking),
        command=_DEPLOY,
    ),
    # How it authenticates.
    StepRow(
        "on-production",
        _BOTH_DONE,
        _PROMOTION,
        None,
        lambda facts: facts.uses_secret and _is_on_tni(facts) and facts.is_on_production,
    ),
    StepRow(
        "secret",
        N_("Digitaal Vlaanderen hands over the client secret to {contacts}, by a safe way{how}."),
        _KEY,
        _US,
        lambda facts: facts.uses_secret,
        _client_id_sent_at,
        ("secret",),
        command=N_("acmidm secret show {form} --stack {stack} --platform {platform}"),
    ),
    StepRow(
        "keys-unknown",
        N_(
            "The platform of stack {stack} does not answer. So it is not known whether there"
            " is a public key. Try again later."
        ),
        _KEY,
        _AUTHORITY,
        lambda facts: facts.usable_keys is None and not facts.has_address,
        unknown=("keys",),
    ),
    StepRow(
        "right",
        N_(
            "Nobody of your organisation has the right API-beheerder in the Beheerportaal"
            " ({portal}) yet. Ask your Lokale Beheerder for it. You do not know who that is?"
            " Call 1700, free of charge, and press 5: other questions."
        ),
        _RIGHT,
        _ORGANISATION,
        lambda facts: _has_no_key(facts) and facts.takes_uploads and facts.administrators == 0,
        _client_id_sent_at,
    ),
    StepRow(
        "upload-again",
        N_(
            "The public key of {application} has expired. Log on to the Beheerportaal"
            " ({portal}) and upload a new one there, as a JSON Web Key. Your organisation's"
            " API-beheerder does that."
        ),
        _KEY,
        _ORGANISATION,
        lambda facts: _has_no_key(facts) and facts.takes_uploads and facts.had_keys,
    ),
    StepRow(
        "upload",
        N_(
            "Log on to the Beheerportaal ({portal}) and upload the public key of {application}"
            " there, as a JSON Web Key. Your organisation's API-beheerder does that."
        ),
        _KEY,
        _ORGANISATION,
        lambda facts: _has_no_key(facts) and facts.takes_uploads,
        _client_id_sent_at,
    ),
    StepRow(
        "first-key",
        N_("Put a public key into your form ({form}), as a JSON Web Key."),
        _KEY,
        _ORGANISATION,
        lambda facts: _has_no_key(facts) and facts.connection.keys_in_portal and not facts.had_keys,
        _client_id_sent_at,
    ),
    StepRow(
        "key-in-form",
        N_(
            "Put a new public key into your form ({form}): none of the present ones can be"
            " used any more."
        ),
        _KEY,
        _ORGANISATION,
        _has_no_key,
    ),
    StepRow(
        "change-over",
        N_(
            "Digitaal Vlaanderen changes {application} over from its client secret to its"
            " public key{how}."
        ),
        _KEY,
        _US,
        lambda facts: facts.awaits_key,
        command=_DEPLOY,
    ),
    StepRow(
        "authority-unknown",
        N_(
            "The platform of stack {stack} does not answer. So it is not known what it has of"
            " this connection. Try again later."
        ),
        _IN_USE,
        _AUTHORITY,
        lambda facts: not facts.is_answered,
        unknown=("authority",),
    ),
    StepRow(
        "api-owner",
        N_(
            "The owner of the API ({owners}) has to grant {withdrawn} again to the client"
            " {client_id}: the form has that, the platform has it no more."
        ),
        _IN_USE,
        _OWNER,
        lambda facts: bool(facts.withdrawn),
    ),
    # Whether it was tried, and goes on to production.
    StepRow(
        "done",
        N_(
            "Done. For aftercare, questions or problems, {organisation} turns to the"
            " Servicedesk Informatiekanalen at any time."
        ),
        (Step.PROMOTION, Step.DONE),
        None,
        lambda facts: not _is_on_tni(facts),
        _with_key_since,
    ),
    StepRow(
        "on-production",
        _BOTH_DONE,
        _PROMOTION,
        None,
        lambda facts: facts.is_on_production and (facts.is_exempt or not facts.unproven),
    ),
    StepRow(
        "form-unknown",
        N_("The forms have mistakes, so that the next step cannot be told{how}."),
        _PROMOTION,
        _ORGANISATION,
        lambda facts: facts.is_declared is None,
        command=N_("acmidm validate shows them"),
    ),
    StepRow(
        "validate-again",
        N_(
            "The evidence of the test environment (TNI) does not count, or no more. Validate"
            " again{how}."
        ),
        _PROMOTION,
        _ORGANISATION,
        lambda facts: (
            not facts.is_exempt
            and not facts.is_proven
            and (facts.evidence is not None or facts.evidence_refused)
        ),
        command=_PROVE,
    ),
    StepRow(
        "validate",
        N_(
            "Validate your integration on the test environment (TNI) and add the evidence to"
            " your request{how}."
        ),
        _PROMOTION,
        _ORGANISATION,
        lambda facts: not facts.is_exempt and not facts.is_proven,
        _with_key_since,
        command=_PROVE,
    ),
    StepRow(
        "validate-rest",
        N_(
            "The test environment (TNI) is proven but for {unproven}. Validate that too, and"
            " add the new evidence to your request{how}."
        ),
        _PROMOTION,
        _ORGANISATION,
        lambda facts: not facts.is_exempt and bool(facts.unproven),
        _proven_at,
        command=_PROVE,
    ),
    StepRow(
        "promote",
        N_(
            "Everything is done on the test environment (TNI). Ask for production in your"
            " form{how}."
        ),
        _PROMOTION,
        _ORGANISATION,
        lambda facts: not facts.has_production,
        _proven_at,
        command=N_("acmidm promote {form} --write"),
    ),
    StepRow(
        "tested",
        N_(
            "Everything is done on the test environment (TNI). What is next is shown with"
            " production."
        ),
        _PROMOTION,
        None,
        lambda _: True,
        _proven_at,
    ),
)
_WHATEVER_ROW_HOLDS = {
    "undeclared": (
        N_(
            "No form has this client any more. Digitaal Vlaanderen looks whether that is"
            " right{how}."
        ),
        N_("acmidm review --stack {stack} shows what goes"),
    ),
    "leave": (
        N_("This connection ends. Digitaal Vlaanderen carries that out{how}."),
        _DEPLOY,
    ),
}
"""What must be done of a connection that no form has, or that leaves, at whatever step it is: the
sentence and the command."""
_INSTRUCTIONS = _WHATEVER_ROW_HOLDS | {row.order: (row.sentence, row.command) for row in _ROWS}
_ORDERS_TO_PROVE = frozenset({"gate", "extend-gate", "validate", "validate-again", "validate-rest"})
"""What only somebody with the private key can do: not everybody has a shell, or works with Git."""
_ORDERS_WITH_TOKENS = frozenset({"validate", "validate-again", "done"})
"""Where the last token says something that is not plain from the rest."""


def progress(facts: Facts) -> ListedConnection:
    """Return the row of a connection with its step, what must be done, by whom and since when, by
    the first row of the derivation that holds; and with the facts that nobody knows."""
    row = next(row for row in _ROWS if row.holds(facts))
    step_on_tni, step_on_production = row.steps
    step = step_on_tni if _is_on_tni(facts) else step_on_production
    order, waits_for, since = row.order, row.waits_for, row.since(facts)
    if facts.is_leaving:
        order, waits_for, since = "leave", WaitsFor.US, None
    elif facts.is_declared is False:
        order, waits_for, since = "undeclared", WaitsFor.US, None
    standing = {
        "step": step,
        "waits_for": waits_for,
        "order": order,
        "values": _values(facts),
        "since": since,
        "unknown": tuple(_names_of_unknown(facts, row)),
    }
    return facts.connection.model_copy(update=standing)


def _names_of_unknown(facts: Facts, row: StepRow) -> Iterator[str]:
    """Yield the names of the facts that this step needs and nobody knows, such as "last_token"."""
    yield from row.unknown
    if facts.is_declared is None:
        yield "form"
    # An empty hand-over says neither that the mail was sent, nor why it was not.
    if _is_made(facts) and (facts.handed_over is None or facts.handed_over == HandedOver()):
        yield "hand_over"
    if (
        row.order in ("upload", "keys-unknown")
        and facts.takes_uploads
        and facts.administrators is None
    ):
        yield "rights"
    if row.order in _ORDERS_WITH_TOKENS and not facts.knows_use:
        yield "last_token"


def _probe_command(facts: Facts) -> str:
    """Return the command that proves a connection on TNI, without its private key and options; of
    one on production, the command for its client on TNI."""
    client = facts.connection
    stack, client_id = facts.test_stack, facts.test_client_id
    if _is_on_tni(facts):
        stack, client_id = client.stack, client.client_id or ""
    platform = f" --platform {client.platform}" if client.platform is not Platform.ACMIDM else ""
    return f"acmidm probe {facts.form} --stack {stack}{platform} --client-id {client_id}"


def _values(facts: Facts) -> dict[str, str]:
    """Return what fills the blanks of the sentences, such as {"application": "mijn-gent"}. What
    people wrote is made harmless where it is shown.

    "unsent" and "leaves" are there only where ``to_do`` has a sentence about them.
    """
    connection, handed_over = facts.connection, facts.handed_over
    withdrawn = dict(facts.withdrawn)
    order_name = facts.ordered.name if facts.ordered else ""
    supplier = connection.mandate.supplier if connection.mandate else ""
    values = {
        "organisation": connection.organisation,
        "application": connection.application,
        "client_id": connection.client_id or "",
        "contacts": ", ".join(connection.contacts),
        "stack": connection.stack,
        "test_stack": facts.test_stack,
        "probe": _probe_command(facts),
        "options": facts.proof_options,
        "unproven": ", ".join(facts.unproven),
        "platform": connection.platform.value,
        "portal": facts.portal,
        "form": facts.form,
        "lacking": ", ".join(facts.lacking),
        "withdrawn": ", ".join(withdrawn),
        "owners": ", ".join(sorted(set(withdrawn.values()))),
        "order_name": order_name,
        "supplier": supplier,
        "reason": (handed_over and handed_over.not_sent) or "",
    }
    if handed_over and handed_over.sent_at and handed_over.not_sent:
        values["unsent"] = handed_over.not_sent
    if facts.leaves and not facts.is_leaving:
        values["leaves"] = facts.leaves.isoformat()
    return values
