"""The adapter for the management API that the embedded beheerportaal documents as OpenAPI."""

from __future__ import annotations

from collections.abc import Collection as Codes
from collections.abc import Iterator, Mapping

from acmidm_onboarding.authorities.beheerportaal.wire import (
    WireAdministrators,
    WireAuditPage,
    WireClientPage,
    WireJwks,
    WireKeysInUse,
    WireRegisteredClient,
    WireScopes,
)
from acmidm_onboarding.authorities.errors import Rejected, Unintelligible
from acmidm_onboarding.authorities.http.api import Answer, Api
from acmidm_onboarding.authorities.http.collection import Collection
from acmidm_onboarding.authorities.http.paths import segment
from acmidm_onboarding.authorities.key_names import keys_by_name
from acmidm_onboarding.authorities.port import (
    KeyUse,
    NewSecret,
    RecordedChange,
    RegisteredClient,
    Reserved,
    default_names,
    require_grantable,
    require_not_reserved,
    reserved_for_operator,
)
from acmidm_onboarding.authorities.writes import replace_part
from acmidm_onboarding.forms.catalogue import OPERATOR_RIGHTS
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.metadata import ClientMetadata, Jwks, Owner, Scopes, without_assigned

_AUDIT_PAGE = 20
"""How many entries of the audit trail a page has: few, for each entry has its document twice, and
the newest mostly say who changed something."""


class Beheerportaal:
    """``Authority`` over the management API. ``assigned`` are the scopes that API providers grant
    by themselves."""

    def __init__(self, api: Api, operator_client_id: str, assigned: frozenset[str]) -> None:
        self._api = api
        self._operator = operator_client_id
        self._assigned = assigned
        self._clients = Collection(api, "/clients", WireClientPage)

    def register(
        self, metadata: ClientMetadata, client_secret: str | None, _scopes: Scopes, _jwks: Jwks
    ) -> RegisteredClient:
        """Register the client without scopes and keys, which have requests of their own. Raises
        AlreadyRegistered for a natural key that a client has, by the server's 409."""
        document = _document(metadata, client_secret)
        answer = self._api.request("POST", "/clients", document=document)
        return answer.as_(WireRegisteredClient).with_parts({}, {})

    def reserved(self, client_id: str) -> Reserved | None:
        """Return why no connection may have the client: it is the operator's own by its client-ID,
        or its scopes have a right of operators. None where a connection may."""
        if client_id == self._operator:
            return reserved_for_operator()
        rights = sorted(OPERATOR_RIGHTS.intersection(self.read_scopes(client_id) or ()))
        if not rights:
            return None
        return Reserved(tr("has rights over this authority ({rights})", rights=", ".join(rights)))

    def find(self, software_id: str) -> RegisteredClient | None:
        """Return the client with a natural key, from the list that the server filters by it; None
        where there is none."""
        for page in self._clients.pages(most=1, software_id=software_id):
            for item in page.items:
                # A server that ignores the filter lists another client.
                client = item.registered
                return client if client.metadata.software_id == software_id else None
        return None

    def read(self, client_id: str) -> RegisteredClient | None:
        """Return the client with its scopes and keys, in three requests; None where it is gone.
        Raises Unintelligible where the server has the client and answers 404 to one of these."""
        client = self._read_document(client_id)
        if client is None:
            return None
        scopes = self.read_scopes(client_id)
        jwks = self.read_jwks(client_id)
        if scopes is not None and jwks is not None:
            return client.with_parts(scopes, jwks)
        if self._read_document(client_id) is None:  # removed since
            return None
        raise Unintelligible(
            tr(
                "client {client} of {address} exists, but not its scopes or its JWK Set (404);"
                " check the address and the server",
                client=client_id,
                address=self._api.base_url,
            )
        )

    def read_metadata(self, client_id: str) -> ClientMetadata | None:
        client = self._read_document(client_id)
        return client.metadata if client else None

    def update(
        self,
        client_id: str,
        known: ClientMetadata | None,
        wanted: ClientMetadata,
        secret: NewSecret | None,
    ) -> int | None:
        """Replace a client's metadata, and its secret where one is given, under its ETag. Return
        when the secret was set, in seconds since 1970; None where none was given.

        Raises ChangedMeanwhile where the metadata are neither as ``known`` nor as ``wanted``.
        """
        self._require_not_reserved(client_id)

        def write(answer: Answer) -> None:
            value = secret.value if secret else None
            document = _document(wanted, value)
            if secret is not None:
                # A secret that was set at another moment than the state knows ends at once.
                updated_at = answer.as_(WireRegisteredClient).secret_updated_at
                if secret.follows in (None, updated_at):
                    document["client_secret_overlap_seconds"] = secret.overlap_seconds
            self._put(_client(client_id), document, answer)

        replace_part(
            read=lambda: self._api.request("GET", _client(client_id)),
            part_of=lambda answer: answer.as_(WireRegisteredClient).metadata,
            write=write,
            known=known,
            wanted=wanted,
            name=tr("client {client}", client=client_id),
            is_expected=lambda now: known is not None and now == known.as_written_by(now.owner),
            always=secret is not None,
        )
        client = self._read_document(client_id) if secret is not None else None
        return client.secret_updated_at if client else None

    def remove(self, client_id: str, owner: Owner) -> bool:
        self._require_not_reserved(client_id)
        return self._clients.remove(
            _client(client_id),
            lambda answer: answer.as_(WireRegisteredClient).owner.is_resource_of(owner),
        )

    def read_scopes(self, client_id: str) -> Scopes | None:
        answer = self._clients.find(f"{_client(client_id)}/scopes")
        return answer.as_(WireScopes).granted if answer else None

    def replace_scopes(self, client_id: str, known: Scopes | None, wanted: Scopes) -> None:
        """Replace the scopes of a client under their ETag, but for those that API providers assign.
        Raises ChangedMeanwhile where they are neither as ``known`` nor as ``wanted``."""
        require_grantable(wanted)
        self._require_not_operators(client_id)
        path = f"{_client(client_id)}/scopes"
        default = default_names(wanted)
        document = {"scopes": sorted(wanted), "default": default}
        replace_part(
            read=lambda: self._api.request("GET", path),
            # What a provider assigns by itself stays as it is, unless a form declares it.
            part_of=lambda answer: without_assigned(
                answer.as_(WireScopes).granted, self._assigned, wanted
            ),
            write=lambda answer: self._put(path, document, answer),
            known=known,
            wanted=wanted,
            name=tr("the scopes of client {client}", client=client_id),
        )

    def read_jwks(self, client_id: str) -> Jwks | None:
        answer = self._clients.find(f"{_client(client_id)}/jwks")
        return keys_by_name(answer.as_(WireJwks).keys) if answer else None

    def replace_jwks(self, client_id: str, known: Jwks | None, wanted: Jwks) -> None:
        """Replace the keys of a client under their ETag. Raises ChangedMeanwhile where they are
        neither as ``known`` nor as ``wanted``."""
        self._require_not_operators(client_id)
        path = f"{_client(client_id)}/jwks"
        document = {"keys": [wanted[kid] for kid in sorted(wanted)]}
        replace_part(
            read=lambda: self._api.request("GET", path),
            part_of=lambda answer: keys_by_name(answer.as_(WireJwks).keys),
            write=lambda answer: self._put(path, document, answer),
            known=known,
            wanted=wanted,
            name=tr("the JWK Set of client {client}", client=client_id),
        )

    def clients(self) -> Iterator[RegisteredClient]:
        for page in self._clients.pages():
            for item in page.items:
                yield item.registered

    def recorded_changes(self, client_id: str) -> Iterator[RecordedChange]:
        for page in Collection(self._api, "/audit", WireAuditPage).pages(
            most=_AUDIT_PAGE, client_id=client_id
        ):
            yield from page.items

    def keys_in_use(self, client_id: str) -> Mapping[str, KeyUse]:
        answer = self._clients.find(f"{_client(client_id)}/keys-in-use")
        return answer.as_(WireKeysInUse).by_thumbprint if answer else {}

    def administrators(self, codes: Codes[str]) -> int:
        """Return how many API-beheerders an organisation has at least: the largest number that the
        server gives for one of its codes, as each may be counted under several."""
        most = 0
        for code in codes:
            answer = self._api.request("GET", f"/organisations/{segment(code)}/administrators")
            most = max(most, answer.as_(WireAdministrators).count)
        return most

    def _read_document(self, client_id: str) -> WireRegisteredClient | None:
        answer = self._clients.find(_client(client_id))
        return answer.as_(WireRegisteredClient) if answer else None

    def _put(self, path: str, document: object, answer: Answer) -> None:
        """Write a document under the ETag of the ``answer`` that had it. Raises Stale where it
        changed since."""
        self._api.request("PUT", path, document=document, headers={"if-match": answer.etag})

    def _require_not_operators(self, client_id: str) -> None:
        """Raise Rejected for the operator's own client, without a request."""
        reserved = reserved_for_operator() if client_id == self._operator else None
        require_not_reserved(reserved, client_id, self._api.base_url)

    def _require_not_reserved(self, client_id: str) -> None:
        """Raise Rejected for a client that no connection may have, as ``reserved`` says."""
        require_not_reserved(self.reserved(client_id), client_id, self._api.base_url)


def _client(client_id: str) -> str:
    return f"/clients/{segment(client_id)}"


def _document(metadata: ClientMetadata, client_secret: str | None) -> dict[str, object]:
    """Return the JSON that a POST or PUT of a client sends: its metadata, by the names of
    their fields, with ``client_secret`` where one is set. Raises Rejected for keys at an address,
    which this authority does not fetch."""
    if metadata.jwks_uri is not None:
        raise Rejected(
            tr(
                "the beheerportaal takes no keys from an address; name the keys under jwks in the"
                " form, or upload them in the portal"
            )
        )
    document: dict[str, object] = metadata.model_dump(mode="json", exclude={"jwks_uri"})
    if client_secret is not None:
        document["client_secret"] = client_secret
    return document
