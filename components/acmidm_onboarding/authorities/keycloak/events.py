"""What Keycloak's events say of a client: who changed what, and when.

An event has what was sent, not what changed, and has that only where the realm keeps
representations (*Include representation*). So the client is put together from its events, oldest
first, and its changes are known from the first event after which all of the client is. Who changed
it is named by client-ID where that was a client, and by the id of a user where that was a person:
an operator may not see the names of users.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError
from pydantic.alias_generators import to_camel

from acmidm_onboarding.authorities.errors import NotAllowed, NotFound
from acmidm_onboarding.authorities.http.api import Api, parse_json
from acmidm_onboarding.authorities.http.items import MOST_ITEMS, Page
from acmidm_onboarding.authorities.http.paths import segment
from acmidm_onboarding.authorities.keycloak.mappers import claim_of
from acmidm_onboarding.authorities.keycloak.wire import WireClient
from acmidm_onboarding.authorities.port import RecordedChange, default_names
from acmidm_onboarding.texts import tr

Document = dict[str, Any]
_BASE = frozenset({"id", "clientId", "enabled", "clientAuthenticatorType"})
"""What a whole representation has, and a change of a few members has not."""
EventTime = Annotated[int, Field(ge=0, lt=253_402_300_800_000)]
"""In milliseconds since 1970, up to the year 9999."""


class WireActor(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, frozen=True)

    user_id: str | None = None
    client_id: str | None = None
    """The internal id of the client that the user went through."""


class WireEvent(BaseModel):
    """An AdminEventRepresentation."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)

    time: EventTime
    auth_details: WireActor = WireActor()
    operation_type: str
    resource_type: str | None = None
    resource_path: str = ""
    representation: str | None = None

    @property
    def document(self) -> Document:
        """The representation that was sent; empty where the realm does not keep representations."""
        try:
            sent = parse_json(self.representation or "{}")
        except (ValueError, RecursionError):
            return {}
        return _mapping(sent)


class WireEvents(RootModel[list[WireEvent]]):
    root: Page[WireEvent]


class WireUser(BaseModel):
    id: str


class AdminEvents:
    """The admin events of one realm.

    An operator without the role ``view-events`` of realm-management sees none of them.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._names: dict[WireActor, str] = {}

    def of_client(self, id_: str, scope_names: Mapping[str, str]) -> list[RecordedChange]:
        """Return the changes of the client with this internal id, newest first; none where the
        operator may not see events.

        ``scope_names`` has the name of each client scope of the realm, by its internal id.
        """
        changes: list[RecordedChange] = []
        before: Document = {}
        for event in reversed(self._events(f"resourcePath={quote(f'clients/{id_}*', safe='*')}")):
            after = _with_event(before, event)
            for action, old_part, new_part in _differences(event, before, after, scope_names):
                change = self._change(event, action, old_part, new_part)
                changes.append(change)
            before = after
        return changes[::-1]

    def of_removed_client(self, client_id: str) -> list[RecordedChange]:
        """Return the removals of a client that no longer exists, newest first."""
        events = self._events("resourceTypes=CLIENT&operationTypes=CREATE&operationTypes=DELETE")
        # A DELETE has no client-ID (Keycloak 26.4), but the path of the CREATE, which has it.
        creates = [event for event in events if event.document.get("clientId") == client_id]
        paths = {event.resource_path for event in creates}
        removals: list[RecordedChange] = []
        for event in events:
            if event.operation_type == "DELETE" and event.resource_path in paths:
                removal = self._change(event, "client.removed", {}, {})
                removals.append(removal)
        return removals

    def _events(self, query: str) -> list[WireEvent]:
        """Return the events of a query, newest first; none where the operator may not see
        events."""
        try:
            answer = self._api.request("GET", f"/admin-events?{query}&max={MOST_ITEMS}")
        except NotAllowed:
            return []
        return answer.as_(WireEvents).root

    def _change(
        self, event: WireEvent, action: str, before: Document, after: Document
    ) -> RecordedChange:
        at = datetime.fromtimestamp(event.time / 1000, UTC)
        return RecordedChange(
            at, self._name(event.auth_details), action, event.resource_path, before, after
        )

    def _name(self, actor: WireActor) -> str:
        if actor not in self._names:
            self._names[actor] = self._look_name_up(actor)
        return self._names[actor]

    def _look_name_up(self, actor: WireActor) -> str:
        """Return who made a change, for people: the client-ID of a client that acted for itself,
        else ``user <id> through <client-ID>``; without the client where that is gone."""
        user = tr("user {id}", id=actor.user_id) if actor.user_id else tr("unknown user")
        if not actor.client_id:
            return user
        path = f"/clients/{segment(actor.client_id)}"
        try:
            client = self._api.request("GET", path).as_(WireClient)
            account_id = None
            if client.service_accounts_enabled:
                account = self._api.request("GET", f"{path}/service-account-user")
                account_id = account.as_(WireUser).id
        except NotFound:  # a client of another realm, or gone since
            return user
        if account_id is not None and account_id == actor.user_id:
            return client.client_id
        return tr("{user} through {client}", user=user, client=client.client_id)


def _with_event(before: Document, event: WireEvent) -> Document:
    """Return what is known of a client after an event: the members that it sent replace those
    ``before``. An event about something else changes nothing."""
    if event.resource_type != "CLIENT" or event.operation_type not in ("CREATE", "UPDATE"):
        return before
    sent = event.document
    attributes = {**_mapping(before.get("attributes")), **_mapping(sent.get("attributes"))}
    return {**before, **sent, "attributes": attributes}


def _differences(
    event: WireEvent, before: Document, after: Document, scope_names: Mapping[str, str]
) -> Iterator[tuple[str, Document, Document]]:
    """Yield each part of the client that an event changed, as its action with the part before and
    after: ``("scopes.replaced", {"scopes": []}, {"scopes": ["dv_dosis_lezen"]})``.

    ``before`` and ``after`` are the client as far as it is known then. An event about one attribute
    or one scope says enough; any other yields nothing before all of the client is known.
    """
    if event.resource_type == "PROTOCOL_MAPPER" and (claim := claim_of(event.document)):
        yield "client.replaced", {"attributes": {}}, {"attributes": dict([claim])}
        return
    scope = _scope_of(event, after, scope_names)
    if scope is not None and event.operation_type == "CREATE":
        yield "scopes.replaced", {"scopes": []}, {"scopes": [scope]}
        return
    if scope is not None and event.operation_type == "DELETE":
        yield "scopes.replaced", {"scopes": [scope]}, {"scopes": []}
        return
    old = _whole_client(before)
    new = _whole_client(after)
    if old is None or new is None or before == after:
        return
    for action, old_part, new_part in (
        ("client.replaced", old.metadata.properties, new.metadata.properties),
        ("jwks.replaced", _jwks(old), _jwks(new)),
        ("scopes.replaced", _scopes(old), _scopes(new)),
    ):
        if old_part != new_part:
            yield action, old_part, new_part


def _scope_of(event: WireEvent, client: Document, scope_names: Mapping[str, str]) -> str | None:
    """Return the scope that an event grants or withdraws; the dedicated scope of the ``client`` for
    a mapper; None where the event is about something else."""
    if event.resource_type == "CLIENT_SCOPE_CLIENT_MAPPING":
        # clients/<id>/default-client-scopes/<id of the scope>
        return scope_names.get(event.resource_path.rpartition("/")[2])
    wire = _whole_client(client) if event.resource_type == "PROTOCOL_MAPPER" else None
    return wire.dedicated_scope if wire else None


def _whole_client(document: Document) -> WireClient | None:
    """Return the client of a document; None for a document that lacks members of a client, or has
    them in a wrong form."""
    if not document.keys() >= _BASE:
        return None
    try:
        return WireClient.model_validate(document)
    except ValidationError:
        return None


def _scopes(client: WireClient) -> Document:
    return {"scopes": sorted(client.scopes), "default": default_names(client.scopes)}


def _jwks(client: WireClient) -> Document:
    return {"keys": [{**key, "kid": kid} for kid, key in client.jwks.items()]}


def _mapping(value: object) -> Document:
    return value if isinstance(value, dict) else {}
