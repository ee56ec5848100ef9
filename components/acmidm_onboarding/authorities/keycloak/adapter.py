"""The adapter for Keycloak's Admin REST API: the clients of one realm.

Keycloak has no ETags. Each write reads afresh, decides, sends only what it changes, and reads back.
Of two writers at the same time one gets 409 or 500, reads once more and decides anew. A client is
looked up by its client-ID in a list: a client that is not in the list is gone, but only where the
operator may see clients, which is checked then.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Any

from acmidm_onboarding.authorities.errors import (
    AlreadyRegistered,
    Failed,
    NotAllowed,
    NotFound,
    Rejected,
    TooLarge,
    Unsettled,
)
from acmidm_onboarding.authorities.http.api import Api
from acmidm_onboarding.authorities.http.collection import AddressCheck, Bounded
from acmidm_onboarding.authorities.http.paths import segment
from acmidm_onboarding.authorities.keycloak.events import AdminEvents
from acmidm_onboarding.authorities.keycloak.mappers import attributes_document
from acmidm_onboarding.authorities.keycloak.reserved import ReservedClients
from acmidm_onboarding.authorities.keycloak.scopes import RealmScopes, read_list
from acmidm_onboarding.authorities.keycloak.wire import (
    WireClient,
    WireClients,
    changes_document,
    client_ids_for,
    empty_dedicated_scope_document,
    jwks_document,
    metadata_document,
    new_client_document,
    taking_over_document,
    unread_client,
)
from acmidm_onboarding.authorities.port import (
    Authority,
    NewSecret,
    RecordedChange,
    RegisteredClient,
    Reserved,
    require_grantable,
    require_not_reserved,
)
from acmidm_onboarding.authorities.writes import replace_part, with_retries
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.metadata import ClientMetadata, Jwks, Owner, Scopes, without_assigned
from acmidm_onboarding.values.plain import only

_CONFLICTS = (Failed, AlreadyRegistered, Unsettled)
"""What one of two writers of the same client meets: 409 "Duplicate resource error", 500 (optimistic
locking), or something else than it wrote."""


class Keycloak(Authority):
    """``Authority`` over one realm. ``assigned`` are the scopes that API providers grant by
    themselves.

    ``api`` has the address of the realm's Admin REST API, ``https://host/admin/realms/<realm>``.
    """

    def __init__(self, api: Api, operator_client_id: str, assigned: frozenset[str]) -> None:
        self._api = api
        self._operator = operator_client_id
        self._assigned = assigned
        self._scopes = RealmScopes(api)
        self._reserved = ReservedClients(api, operator_client_id)
        self._lock = threading.Lock()
        self._known_keys: dict[str, str | None] | None = None
        """The natural key of each client, by client-ID; None until the clients are listed."""
        self._address_check = AddressCheck(self._require_visible_clients)

    def client_ids_for(self, software_id: str) -> Iterator[str]:
        return client_ids_for(software_id)

    def reserved(self, client_id: str) -> Reserved | None:
        client = self._find(client_id)
        return self._reserved.why(client) if client else None

    def register(
        self, metadata: ClientMetadata, client_secret: str | None, scopes: Scopes, jwks: Jwks
    ) -> RegisteredClient:
        """Make the client with its scopes and keys, under a client-ID that is derived from its
        natural key, and take away what Keycloak grants besides. Return it as Keycloak has it.

        Raises AlreadyRegistered where a client has the natural key, Rejected for a scope that the
        realm lacks.
        """
        require_grantable(scopes)
        self._scopes.ids(scopes)  # raises for what the realm lacks: Keycloak would leave that out
        existing = self._with_natural_key(metadata.software_id)
        if existing is not None:
            raise AlreadyRegistered(
                tr(
                    "client {client} of {address} has the natural key {key} already",
                    client=existing.client_id,
                    address=self._api.base_url,
                    key=metadata.software_id,
                ),
                existing.client_id,
            )
        assigned = self._scopes.given_to_new_clients() & self._assigned if self._assigned else ()
        granted = {**dict.fromkeys(assigned, True), **scopes}
        for client_id in client_ids_for(metadata.software_id):
            document = new_client_document(client_id, metadata, client_secret, granted, jwks)
            if self._make(document, metadata.software_id):
                break
        self._note_written(client_id, metadata)
        client = self._withdraw_all_but(client_id, granted)
        made = only(client.scopes, scopes)
        return replace(client.registered, scopes=made)

    def find(self, software_id: str) -> RegisteredClient | None:
        client = self._with_natural_key(software_id)
        return client.registered if client else None

    def update(
        self,
        client_id: str,
        known: ClientMetadata | None,
        wanted: ClientMetadata,
        secret: NewSecret | None,
    ) -> int | None:
        """Replace a client's metadata, and its secret where one is given. Return when the secret
        was set, in seconds since 1970; None where none was given.

        A client without an owner loses all that a client of this project would not have. Raises
        ChangedMeanwhile where the metadata are neither as ``known`` nor as ``wanted``.
        """
        before = self._existing(client_id)
        self._require_not_reserved(before, self._reserved.why(before))

        def write(client: WireClient) -> None:
            value = secret.value if secret else None
            document = metadata_document(wanted, value)
            document |= attributes_document(client.protocol_mappers, wanted.attributes)
            if client.metadata.owner.is_nobody:
                client = self._taken_over(client, document)
            self._put(client, changes_document(client, document))

        replace_part(
            read=lambda: self._existing(client_id),
            part_of=lambda client: client.metadata.as_managed_by(wanted),
            write=write,
            known=known and known.as_managed_by(wanted),
            wanted=wanted,
            is_expected=lambda current: (
                _is_half_taken_over(current, wanted) or _is_of_same_connection(current, known)
            ),
            name=tr("client {client}", client=client_id),
            reads_back=True,
            conflicts=_CONFLICTS,
            always=secret is not None,
        )
        self._note_written(client_id, wanted)
        if not before.service_accounts_enabled or before.metadata.owner.is_nobody:
            # Its new service account brought scopes along.
            self._withdraw_all_but(client_id, before.scopes)
        client = self.read(client_id) if secret is not None else None
        return client.client_secret_updated_at if client else None

    def remove(self, client_id: str, owner: Owner) -> bool:
        """Remove the client if it still bears the marks of ``owner``. Return whether it is gone:
        False where it bears other marks, and stays. Raises Rejected for a reserved client."""

        def attempt() -> bool:
            client = self._find(client_id)
            if client is None or not client.metadata.owner.is_resource_of(owner):
                return client is None
            try:
                self._require_not_reserved(client, self._reserved.why(client))
                self._api.request("DELETE", _path(client))
            except NotFound:  # another writer removed it first
                if self._find(client_id) is not None:
                    raise
            self._note_written(client_id, None)
            return True

        return with_retries(attempt, _CONFLICTS)

    def replace_scopes(self, client_id: str, known: Scopes | None, wanted: Scopes) -> None:
        """Replace the scopes of a client one by one, but for those that API providers assign.
        Raises ChangedMeanwhile where somebody else changed them since ``known``."""
        require_grantable(wanted)

        def is_expected(current: Scopes) -> bool:
            """Return whether a run that was cut off may have left these scopes: each is as in
            ``known`` or as ``wanted``, or withdrawn to be granted in the other way."""
            if known is None:
                return False
            for name in {*current, *known, *wanted}:
                before, after = known.get(name), wanted.get(name)
                may_be_withdrawn = name not in current and before is not after
                if current.get(name) not in (before, after) and not may_be_withdrawn:
                    return False
            return True

        replace_part(
            read=lambda: self._existing(client_id),
            # What a provider assigns by itself stays as it is, unless a form declares it.
            part_of=lambda client: without_assigned(client.scopes, self._assigned, wanted),
            write=lambda client: self._change_scopes(client, wanted),
            known=known,
            wanted=wanted,
            is_expected=is_expected,
            name=tr("the scopes of client {client}", client=client_id),
            reads_back=True,
            conflicts=_CONFLICTS,
        )

    def replace_jwks(self, client_id: str, known: Jwks | None, wanted: Jwks) -> None:
        """Replace the keys of a client. Raises ChangedMeanwhile where they are neither as ``known``
        nor as ``wanted``."""
        replace_part(
            read=lambda: self._existing(client_id),
            part_of=lambda client: client.jwks,
            write=lambda client: self._put(client, jwks_document(wanted)),
            known=known,
            wanted=wanted,
            name=tr("the JWK Set of client {client}", client=client_id),
            reads_back=True,
            conflicts=_CONFLICTS,
        )

    def read(self, client_id: str) -> RegisteredClient | None:
        client = self._find(client_id)
        return client.registered if client else None

    def clients(self) -> Iterator[RegisteredClient]:
        """Yield every client that a machine logs in with or that this project declares, but not the
        operator's own."""
        for client in self._all():
            if client.is_connection and not self._reserved.by_name(client):
                yield client.registered

    def recorded_changes(self, client_id: str) -> Iterator[RecordedChange]:
        """Yield the changes of a client, newest first: from the realm's admin events, as far as the
        realm keeps them and the operator may see them."""
        events = AdminEvents(self._api)
        client = self._listed_client(client_id)
        if client is None:
            return iter(events.of_removed_client(client_id))
        return iter(events.of_client(client.id, self._scopes.names()))

    def _all(self) -> Iterator[WireClient]:
        """Yield all clients of the realm, page by page. In the place of one that is too large for
        an answer comes a stand-in, which nobody declares. Raises NotAllowed where the operator sees
        no client."""
        bounded = Bounded(f"GET {self._api.base_url}/clients")
        first = 0

        def request_page(limit: int) -> list[WireClient]:
            path = f"/clients?first={first}&max={limit}"
            return read_list(self._api, path).as_(WireClients).root

        while True:
            try:
                page, limit = bounded.next_page(request_page)
            except TooLarge as error:
                unread = unread_client(error.beginning)
                if unread is None:
                    raise
                page, limit = [unread], 1
            if not page and not first:
                raise self._sees_no_client()
            yield from page
            if len(page) < limit:
                return
            bounded.require_end(page)
            first += limit

    def _find(self, client_id: str) -> WireClient | None:
        """Return a client; None where it is surely gone. Raises NotAllowed where the operator sees
        no client, so that nobody can tell."""
        client = self._listed_client(client_id)
        if client is None:
            self._address_check.require()
        return client

    def _require_visible_clients(self) -> None:
        if not read_list(self._api, "/clients?first=0&max=1").as_(WireClients).root:
            raise self._sees_no_client()

    def _listed_client(self, client_id: str) -> WireClient | None:
        """Return a client as the realm's list has it; None where that lacks it, or the operator may
        not see it."""
        answer = read_list(self._api, f"/clients?clientId={segment(client_id)}")
        for client in answer.as_(WireClients).root:
            if client.client_id == client_id:
                return client
        return None

    def _existing(self, client_id: str) -> WireClient:
        """Return a client that will be changed. Raises NotFound for one that is gone, and Rejected
        for the operator's own client and those that Keycloak makes for itself."""
        client = self._find(client_id)
        if client is None:
            raise NotFound(
                tr(
                    "client {client} does not exist in {address}; if somebody removed the client"
                    " by hand, run pulumi up --refresh",
                    client=client_id,
                    address=self._api.base_url,
                )
            )
        self._require_not_reserved(client, self._reserved.by_name(client))
        return client

    def _require_not_reserved(self, client: WireClient, reserved: Reserved | None) -> None:
        require_not_reserved(reserved, client.client_id, self._api.base_url)

    def _sees_no_client(self) -> NotAllowed:
        """Return the exception for an empty list: Keycloak makes clients in each realm, so that the
        operator lacks the right to see them."""
        return NotAllowed(
            tr(
                "operator {operator} sees no client at all in {address}; give the operator's"
                " service account the role manage-clients of realm-management",
                operator=self._operator,
                address=self._api.base_url,
            )
        )

    def _put(self, client: WireClient, document: object) -> None:
        self._api.request("PUT", _path(client), document=document)

    def _taken_over(self, client: WireClient, document: dict[str, Any]) -> WireClient:
        """Take over a client that somebody made by hand: make its registration token useless, and
        remove its service account with all roles, and whatever ``document`` does not have. Return
        the client, which bears this project's marks now; the update that follows gives it a new
        service account."""
        # Whoever has the present token may change the client at the registration endpoint (RFC 7592
        # §3).
        self._api.request("POST", f"{_path(client)}/registration-access-token")
        # With the service account go its roles, which only an administrator of users could take
        # away one by one.
        self._put(client, taking_over_document(client, document))
        return self._existing(client.client_id)

    def _change_scopes(self, client: WireClient, wanted: Scopes) -> None:
        """Grant and withdraw scopes of a client, until it has those that are ``wanted``.

        Scopes are granted first: a change that is cut off takes no scope away that the client
        keeps. The exception is a scope that becomes default, or optional: Keycloak wants it
        withdrawn before it is granted in the other way. Raises Unsettled, which the caller tries
        again, where the client or a scope was removed meanwhile.
        """
        granted = wanted.keys() - client.scopes.keys()
        withdrawn = client.granted - wanted.keys() - self._assigned
        staying = wanted.keys() & client.granted
        switched = {name for name in staying if wanted[name] is not client.scopes[name]}
        ids = self._scopes.ids(granted | withdrawn | switched)

        def send(method: str, name: str, is_default: bool) -> None:
            scopes = "default-client-scopes" if is_default else "optional-client-scopes"
            self._api.request(method, f"{_path(client)}/{scopes}/{segment(ids[name])}")

        try:
            for name in sorted(granted):
                send("PUT", name, wanted[name])
            for name in sorted(switched):
                send("DELETE", name, client.scopes[name])
                send("PUT", name, wanted[name])
            for name in sorted(withdrawn):
                send("DELETE", name, client.scopes[name])
            if client.dedicated_scope in client.scopes.keys() - wanted.keys():
                self._put(client, empty_dedicated_scope_document(client))
        except NotFound as error:
            # The client, or a scope that was made anew during this run: the next try looks at both
            # afresh.
            self._scopes.forget()
            raise Unsettled(str(error)) from None

    def _withdraw_all_but(self, client_id: str, intended: Collection[str]) -> WireClient:
        """Withdraw the scopes that are not ``intended``: Keycloak gives some, such as
        ``service_account``, to every client for machines. Return the client as it was before."""

        def attempt() -> WireClient:
            client = self._existing(client_id)
            self._change_scopes(client, only(client.scopes, intended))
            return client

        return with_retries(attempt, _CONFLICTS)

    def _make(self, document: Mapping[str, Any], software_id: str | None) -> bool:
        """Make the client of a document. Return whether it was made: False where a client with
        another natural key than ``software_id`` has its client-ID, so that the next must be tried.

        Raises:
            AlreadyRegistered: where the client exists.
        """
        try:
            # A server that failed may have made the client all the same: the next try then finds
            # that it exists.
            with_retries(
                lambda: self._api.request("POST", "/clients", document=document), (Failed,)
            )
        except AlreadyRegistered as error:
            existing = self._find(document["clientId"])
            if existing is not None and existing.metadata.software_id not in (None, software_id):
                return False
            raise AlreadyRegistered(str(error), document["clientId"]) from None
        return True

    def _with_natural_key(self, software_id: str | None) -> WireClient | None:
        """Return the client that has a natural key; None where none has it. One that moved or was
        adopted has another client-ID than those that are derived from the key.

        All clients are listed for that, once per run. A copy that somebody made in the console has
        the natural key too: it does not count where a client has a derived client-ID.

        Raises:
            Rejected: where several clients have the key, and none of them a derived client-ID.
        """
        if software_id is None:
            return None
        keys = self._natural_keys()
        derived = list(takewhile(keys.__contains__, client_ids_for(software_id)))
        matching = [client_id for client_id in derived if keys[client_id] == software_id]
        # Where somebody took the natural key away, the client-ID still says whose the client is:
        # Keycloak refuses a second client with it.
        if not matching and not any(keys[client_id] is None for client_id in derived):
            matching = sorted(client_id for client_id, key in keys.items() if key == software_id)
        if len(matching) > 1:
            clients = ", ".join(matching)
            raise Rejected(
                tr(
                    "clients {clients} of {address} have the same natural key {key}; see which of"
                    " these clients is a copy, and take the attribute acmidm.software_id away from"
                    " the copy",
                    clients=clients,
                    address=self._api.base_url,
                    key=software_id,
                )
            )
        client = self._find(matching[0]) if matching else None
        if client is None or client.metadata.software_id != software_id:
            return None
        return client

    def _natural_keys(self) -> Mapping[str, str | None]:
        """Return the natural key of each client, by client-ID; None for a client without one."""
        with self._lock:
            if self._known_keys is None:
                keys = {}
                for client in self._all():
                    keys[client.client_id] = client.metadata.software_id
                self._known_keys = keys
            return dict(self._known_keys)

    def _note_written(self, client_id: str, metadata: ClientMetadata | None) -> None:
        """Note which natural key this run gave a client, so that the realm is not listed again; no
        ``metadata``: it was removed."""
        with self._lock:
            if self._known_keys is None:
                return
            self._known_keys.pop(client_id, None)
            if metadata is not None:
                self._known_keys[client_id] = metadata.software_id


def _is_half_taken_over(current: ClientMetadata, wanted: ClientMetadata) -> bool:
    """Return whether a run was cut off in taking the client over: it is as ``wanted``, but for
    grants that its new service account will bring back."""
    if not set(current.grant_types) < set(wanted.grant_types):
        return False
    return current == wanted.model_copy(update={"grant_types": current.grant_types})


def _is_of_same_connection(current: ClientMetadata, known: ClientMetadata | None) -> bool:
    """Return whether a client differs from ``known`` by no more than the incarnation of its owner,
    or an address of keys that ``known`` does not have: whoever manages the keys gave that."""
    return known is not None and current.as_managed_by(known) == known.as_written_by(current.owner)


def _path(client: WireClient) -> str:
    return f"/clients/{segment(client.id)}"
