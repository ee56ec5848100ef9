"""The adapter for the management API that the embedded beheerportaal documents as OpenAPI."""

from __future__ import annotations

from collections.abc import Collection as Codes
from collections.abc import Iterator

from acmidm_onboarding.authorities import conditional
from acmidm_onboarding.authorities.collection import Collection
from acmidm_onboarding.authorities.errors import Unintelligible
from acmidm_onboarding.authorities.http import Api
from acmidm_onboarding.authorities.paths import segment
from acmidm_onboarding.authorities.port import (
    OPERATORS_OWN,
    ClientMetadata,
    ClientSnapshot,
    Jwks,
    Owner,
    RecordedChange,
    RegisteredClient,
    Reserved,
    Scopes,
    require_grantable,
    require_not_reserved,
    without_assigned,
)
from acmidm_onboarding.authorities.wire import WireAdministrators, WireAuditPage, WireClientPage, WireJwks, WireRegisteredClient, WireScopes
from acmidm_onboarding.model.catalogue import OPERATOR_RIGHTS

_AUDIT_PAGE = 20
"""Few, for each entry has its document twice; and most often the newest says who it was."""


class Beheerportaal:
    """``Authority`` over the management API. ``assigned`` are the scopes that API providers grant by themselves."""

    def __init__(self, api: Api, operator_client_id: str, assigned: frozenset[str]) -> None:
        self._api = api
        self._operator = operator_client_id
        self._assigned = assigned
        self._documents = Collection(api, "/clients", WireClientPage)

    def register(self, metadata: ClientMetadata, client_secret: str | None) -> RegisteredClient:
        return self._api.request("POST", "/clients", document=_document(metadata, client_secret)).as_(WireRegisteredClient).registered

    def reserved(self, client_id: str) -> Reserved | None:
        """Operators are no clients of the embedded authority; where another has them in one list, their rights tell them."""
        if client_id == self._operator:
            return OPERATORS_OWN
        rights = sorted(OPERATOR_RIGHTS.intersection(self.read_scopes(client_id) or ()))
        return Reserved(f"has rights over this authority ({', '.join(rights)})") if rights else None

    def read(self, client_id: str) -> RegisteredClient | None:
        answer = self._documents.find(_client(client_id))
        return answer.as_(WireRegisteredClient).registered if answer else None

    def update(self, client_id: str, known: ClientMetadata | None, wanted: ClientMetadata, client_secret: str | None) -> RegisteredClient:
        path = _client(client_id)
        self._require_not_reserved(client_id)

        def read() -> tuple[ClientMetadata, str]:
            answer = self._api.request("GET", path)
            return answer.as_(WireRegisteredClient).registered.metadata, answer.etag

        def write(metadata: ClientMetadata, etag: str) -> None:
            self._api.request("PUT", path, document=_document(metadata, client_secret), headers={"if-match": etag})

        conditional.replace(read, write, known=known, wanted=wanted, document=f"client {client_id}", force=client_secret is not None)
        return RegisteredClient(client_id, wanted)

    def remove(self, client_id: str, owner: Owner) -> None:
        self._require_not_reserved(client_id)
        self._documents.remove(_client(client_id), lambda answer: answer.as_(WireRegisteredClient).owner == owner)

    def read_scopes(self, client_id: str) -> Scopes | None:
        answer = self._documents.find(f"{_client(client_id)}/scopes")
        return answer.as_(WireScopes).by_name if answer else None

    def replace_scopes(self, client_id: str, known: Scopes | None, wanted: Scopes) -> None:
        require_grantable(wanted)
        self._require_not_own(client_id)
        path = f"{_client(client_id)}/scopes"

        def read() -> tuple[Scopes, str]:
            answer = self._api.request("GET", path)
            # What a provider assigns by itself stays as it is, unless a form declares it.
            return without_assigned(answer.as_(WireScopes).by_name, self._assigned, wanted), answer.etag

        def write(scopes: Scopes, etag: str) -> None:
            default = sorted(name for name, is_default in scopes.items() if is_default)
            self._api.request("PUT", path, document={"scopes": sorted(scopes), "default": default}, headers={"if-match": etag})

        conditional.replace(read, write, known=known, wanted=wanted, document=f"the scopes of client {client_id}")

    def read_jwks(self, client_id: str) -> Jwks | None:
        answer = self._documents.find(f"{_client(client_id)}/jwks")
        return answer.as_(WireJwks).by_kid if answer else None

    def replace_jwks(self, client_id: str, known: Jwks | None, wanted: Jwks) -> None:
        self._require_not_own(client_id)
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
        if self.read(client_id) is None:  # removed since
            return None
        raise Unintelligible(
            f"client {client_id} of {self._api.base_url} exists, but not its scopes or its JWK Set (404); check the address and the server"
        )

    def clients(self) -> Iterator[ClientSnapshot]:
        for page in self._documents.pages():
            yield from (item.snapshot for item in page.items)

    def recorded_changes(self, client_id: str) -> Iterator[RecordedChange]:
        for page in Collection(self._api, "/audit", WireAuditPage).pages(most=_AUDIT_PAGE, client_id=client_id):
            yield from (entry.recorded for entry in page.items)

    def administrators(self, codes: Codes[str]) -> int:
        """The most that one of the codes gives: who is known by several is counted with each."""
        paths = (f"/organisations/{segment(code)}/administrators" for code in codes)
        return max((self._api.request("GET", path).as_(WireAdministrators).count for path in paths), default=0)

    def _require_not_own(self, client_id: str) -> None:
        require_not_reserved(OPERATORS_OWN if client_id == self._operator else None, client_id, self._api.base_url)

    def _require_not_reserved(self, client_id: str) -> None:
        require_not_reserved(self.reserved(client_id), client_id, self._api.base_url)


def _client(client_id: str) -> str:
    return f"/clients/{segment(client_id)}"


def _document(metadata: ClientMetadata, client_secret: str | None) -> dict[str, object]:
    document: dict[str, object] = metadata.model_dump(mode="json")
    return document if client_secret is None else {**document, "client_secret": client_secret}
