"""The adapter for the management API that the embedded beheerportaal documents as OpenAPI."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar
from urllib.parse import quote, urlencode

from components.authorities import conditional
from components.authorities.errors import NotFound, Unintelligible
from components.authorities.http import Answer, Api, if_current
from components.authorities.port import ClientMetadata, ClientSnapshot, Jwks, Owner, RecordedChange, RegisteredClient
from components.authorities.wire import (
    WireAuditPage,
    WireClientPage,
    WireConfigurationPage,
    WireJwks,
    WireRegisteredClient,
    WireScopes,
)

_PAGE = 200

Page = TypeVar("Page", WireClientPage, WireConfigurationPage, WireAuditPage)


class Beheerportaal:
    """``Authority`` over the management API. ``assigned`` are the scopes that API providers grant by themselves."""

    def __init__(self, api: Api, assigned: frozenset[str]) -> None:
        self._api = api
        self._assigned = assigned
        self._documents = Documents(api, "/clients")

    def register(self, metadata: ClientMetadata, client_secret: str | None) -> RegisteredClient:
        return self._api.request("POST", "/clients", document=_document(metadata, client_secret)).as_(WireRegisteredClient).registered

    def read(self, client_id: str) -> RegisteredClient | None:
        answer = self._found(_client(client_id))
        return answer.as_(WireRegisteredClient).registered if answer else None

    def update(self, client_id: str, known: ClientMetadata | None, wanted: ClientMetadata, client_secret: str | None) -> RegisteredClient:
        path = _client(client_id)

        def read() -> tuple[ClientMetadata, str]:
            answer = self._api.request("GET", path)
            return answer.as_(WireRegisteredClient).registered.metadata, answer.etag

        def write(metadata: ClientMetadata, etag: str) -> None:
            self._api.request("PUT", path, document=_document(metadata, client_secret), headers={"if-match": etag})

        conditional.replace(read, write, known=known, wanted=wanted, document=f"client {client_id}", force=client_secret is not None)
        return RegisteredClient(client_id, wanted)

    def remove(self, client_id: str, owner: Owner) -> None:
        self._documents.remove(_client(client_id), lambda answer: answer.as_(WireRegisteredClient).owner == owner)

    def read_scopes(self, client_id: str) -> frozenset[str] | None:
        answer = self._found(f"{_client(client_id)}/scopes")
        return frozenset(answer.as_(WireScopes).scopes) if answer else None

    def replace_scopes(self, client_id: str, known: frozenset[str] | None, wanted: frozenset[str]) -> None:
        path = f"{_client(client_id)}/scopes"

        def read() -> tuple[frozenset[str], str]:
            answer = self._api.request("GET", path)
            # What a provider assigns by itself stays as it is, unless a form asks for it.
            return frozenset(answer.as_(WireScopes).scopes) - (self._assigned - wanted), answer.etag

        def write(scopes: frozenset[str], etag: str) -> None:
            self._api.request("PUT", path, document={"scopes": sorted(scopes)}, headers={"if-match": etag})

        conditional.replace(read, write, known=known, wanted=wanted, document=f"the scopes of client {client_id}")

    def read_jwks(self, client_id: str) -> Jwks | None:
        answer = self._found(f"{_client(client_id)}/jwks")
        return answer.as_(WireJwks).by_kid if answer else None

    def replace_jwks(self, client_id: str, known: Jwks | None, wanted: Jwks) -> None:
        path = f"{_client(client_id)}/jwks"

        def read() -> tuple[Jwks, str]:
            answer = self._api.request("GET", path)
            return answer.as_(WireJwks).by_kid, answer.etag

        def write(jwks: Jwks, etag: str) -> None:
            keys = [jwks[kid] for kid in sorted(jwks)]
            self._api.request("PUT", path, document={"keys": keys}, headers={"if-match": etag})

        conditional.replace(read, write, known=known, wanted=wanted, document=f"the JWK Set of client {client_id}")

    def snapshot(self, client_id: str) -> ClientSnapshot | None:
        client = self.read(client_id)
        if client is None:
            return None
        scopes, jwks = self.read_scopes(client_id), self.read_jwks(client_id)
        if scopes is not None and jwks is not None:
            return ClientSnapshot(client, scopes, jwks)
        if self.read(client_id) is None:  # removed since it was read
            return None
        raise Unintelligible(
            f"client {client_id} of {self._api.base_url} exists, but not its scopes or its JWK Set (404); check the address and the server"
        )

    def clients(self) -> Iterator[ClientSnapshot]:
        for page in pages(self._api, "/clients", WireClientPage):
            yield from (item.snapshot for item in page.items)

    def recorded_changes(self, client_id: str) -> Iterator[RecordedChange]:
        for page in pages(self._api, "/audit", WireAuditPage, client_id=client_id):
            yield from (entry.recorded for entry in page.items)

    def _found(self, path: str) -> Answer | None:
        return self._documents.find(path)


class Documents:
    """The documents of one collection. A 404 means *gone* only where there is a list: a wrong address answers so to everything."""

    def __init__(self, api: Api, collection: str) -> None:
        self._api = api
        self._collection = collection
        self._has_list = False

    def find(self, path: str) -> Answer | None:
        """A document, None where it surely does not exist. Raises Unintelligible where no list can be read."""
        try:
            return self._api.request("GET", path)
        except NotFound as error:
            self._require_list(error)
            return None

    def remove(self, path: str, is_ours: Callable[[Answer], bool]) -> None:
        """Remove a document under its ETag, where it is ours; one that is gone already is no error."""

        def attempt() -> None:
            answer = self.find(path)
            if answer is None or not is_ours(answer):
                return
            # Gone meanwhile is what is wanted; a wrong address would not have answered just before.
            with suppress(NotFound):
                self._api.request("DELETE", path, headers={"if-match": answer.etag})

        if_current(attempt)

    def _require_list(self, error: NotFound) -> None:
        """Once per run is enough: the address stays the same."""
        if self._has_list:
            return
        try:
            self._api.request("GET", f"{self._collection}?limit=1")
        except NotFound:
            raise Unintelligible(f"{error}; nothing counts as removed there, for {self._collection} has no list either") from None
        self._has_list = True


def pages(api: Api, path: str, model: type[Page], **filters: str) -> Iterator[Page]:
    """The pages of a list, up to the last one. Raises Unintelligible where there is none."""
    query, seen = {"limit": str(_PAGE), **filters}, set[str]()
    while True:
        page = api.request("GET", f"{path}?{urlencode(query)}").as_(model)
        yield page
        if page.next is None:
            return
        if page.next in seen:
            raise Unintelligible(f"GET {api.base_url}{path}: the list has no end, it comes back to a page it gave before; check the server")
        seen.add(page.next)
        query["after"] = page.next


def _client(client_id: str) -> str:
    return f"/clients/{quote(client_id, safe='')}"


def _document(metadata: ClientMetadata, client_secret: str | None) -> dict[str, object]:
    document: dict[str, object] = metadata.model_dump(mode="json")
    return document if client_secret is None else {**document, "client_secret": client_secret}
