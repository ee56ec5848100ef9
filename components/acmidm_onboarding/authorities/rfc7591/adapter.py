"""The adapter for client registration by RFC 7591 and its management by RFC 7592, with an operator's token at both.

One document has a client whole, and there are no ETags: each write reads afresh under a lock per client, decides,
replaces the document, and compares the answer with what was sent. Two processes that write the same client at the same
time still lose one of the two writes. A client is known by its client-ID alone: there is no list, and none is found by
its key.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from acmidm_onboarding.authorities.differences import must_write
from acmidm_onboarding.authorities.errors import (
    AnswerLost,
    NotFound,
    PerhapsGone,
    Rejected,
    TokenRefused,
    Unintelligible,
    Unsettled,
)
from acmidm_onboarding.authorities.http.api import Answer, Api
from acmidm_onboarding.authorities.http.collection import AddressCheck
from acmidm_onboarding.authorities.http.paths import segment
from acmidm_onboarding.authorities.port import (
    NO_PARTS,
    OPERATORS_OWN,
    Authority,
    ClientParts,
    ClientSnapshot,
    NewSecret,
    RegisteredClient,
    Reserved,
    require_grantable,
    require_not_reserved,
)
from acmidm_onboarding.authorities.rfc7591.wire import (
    WireClient,
    changed_document,
    jwks_document,
    kept,
    metadata_document,
    new_document,
    scope_document,
)
from acmidm_onboarding.forms.catalogue import OPERATOR_RIGHTS
from acmidm_onboarding.values.metadata import ClientMetadata, Jwks, Owner, Scopes, without_assigned
from acmidm_onboarding.values.problems import listed

Value = TypeVar("Value")
_MARKS = ("software_id", "managed_by", "incarnation")
_DISCOVERY = "/.well-known/openid-configuration"


class _Discovered(BaseModel):
    registration_endpoint: str


class Registration(Authority):
    """``Authority`` over one registration endpoint, to which ``api`` leads; ``issuer`` names it.

    ``rights`` are the scopes that open it, ``assigned`` those that API providers grant by themselves. Where marks are
    ``unkept``, the state alone says whose a client is.
    """

    def __init__(
        self,
        api: Api,
        issuer: Api,
        operator_client_id: str,
        rights: frozenset[str],
        assigned: frozenset[str],
        unkept: frozenset[str] = frozenset(),
    ) -> None:
        self._api = api
        self._issuer = issuer
        self._operator = operator_client_id
        self._rights = OPERATOR_RIGHTS | rights
        self._assigned = assigned
        self.unkept = unkept
        self._is_marked = unkept.isdisjoint(_MARKS)
        self._address = AddressCheck(self._see_endpoint)
        self._locks: dict[str, threading.Lock] = {}

    def reserved(self, client_id: str) -> Reserved | None:
        return self._reserved(client_id, () if client_id == self._operator else self.read_scopes(client_id) or ())

    def _reserved(self, client_id: str, scopes: Collection[str]) -> Reserved | None:
        if client_id == self._operator:
            return OPERATORS_OWN
        rights = sorted(self._rights.intersection(scopes))
        return Reserved(f"has rights over this authority ({', '.join(rights)})") if rights else None

    def register(
        self, metadata: ClientMetadata, client_secret: str | None, parts: ClientParts = NO_PARTS
    ) -> RegisteredClient:
        self._require_grantable(parts.scopes)
        if client_secret is not None:
            raise _no_secret()
        if not (parts.jwks or metadata.jwks_uri):
            raise Rejected(f"{metadata.software_id} has no key yet, and is registered once it has; name it in the form")
        document = new_document(metadata, self.unkept, parts.scopes, parts.jwks)
        try:
            answer = self._api.request("POST", "", document=document, is_repeatable=False)
        except AnswerLost as error:
            raise _unknown(str(error), metadata) from None
        try:
            made = answer.as_(WireClient)
        except Unintelligible as error:
            raise _unknown(str(error), metadata) from None
        if changed := _differing(made.metadata.as_managed_by(metadata), kept(metadata, self.unkept)):
            self._api.request("DELETE", _client(made.client_id))
            raise Rejected(
                f"{answer.request}: the authority does not keep {listed(changed)} as registered, and the client is"
                " removed again; have it keep these members of a client's metadata, or name them in"
                " acmidm:unkeptMetadata"
            )
        return made.snapshot.client

    def find(self, software_id: str) -> None:  # noqa: ARG002
        """Nobody can tell: there is neither a list nor a client-ID of our choice."""
        return

    def update(
        self, client_id: str, known: ClientMetadata | None, wanted: ClientMetadata, secret: NewSecret | None
    ) -> RegisteredClient:
        if secret is not None:
            raise _no_secret()

        def part(client: WireClient) -> ClientMetadata:
            return client.metadata.as_managed_by(wanted)

        def change(answer: Answer) -> Mapping[str, Any]:
            client = answer.as_(WireClient)
            self._require_not_reserved(client_id, client.scopes)
            is_taken_over = self._is_marked and client.metadata.owner.is_nobody
            return changed_document(answer.document, metadata_document(wanted, self.unkept), anew=is_taken_over)

        def before(client: WireClient) -> ClientMetadata | None:
            before = known and known.as_managed_by(wanted).as_written_by(client.metadata.owner)
            return before and kept(before, self.unkept)

        self._write(client_id, part, before, kept(wanted, self.unkept), change, f"client {client_id}")
        return RegisteredClient(client_id, wanted)

    def remove(self, client_id: str, owner: Owner) -> bool:
        client = self._read(client_id)
        if client is None or (self._is_marked and not client.metadata.owner.is_resource_of(owner)):
            return client is None
        self._require_not_reserved(client_id, client.scopes)
        try:
            self._api.request("DELETE", _client(client_id))
        except (NotFound, TokenRefused):  # it was there a moment ago: an earlier try, or somebody else, removed it
            try:
                return self._find(client_id) is None
            except PerhapsGone:
                return True
        return True

    def replace_scopes(self, client_id: str, known: Scopes | None, wanted: Scopes) -> None:
        self._require_grantable(wanted)

        def part(client: WireClient) -> Scopes:
            return without_assigned(client.scopes, self._assigned, wanted)

        def change(answer: Answer) -> Mapping[str, Any]:
            there = answer.as_(WireClient).scopes
            assigned = {name: False for name in there if name in self._assigned and name not in wanted}
            return changed_document(answer.document, scope_document({**assigned, **wanted}))

        self._write(client_id, part, lambda _: known, wanted, change, f"the scopes of client {client_id}")

    def replace_jwks(self, client_id: str, known: Jwks | None, wanted: Jwks) -> None:
        def change(answer: Answer) -> Mapping[str, Any]:
            return changed_document(answer.document, jwks_document(wanted))

        name = f"the JWK Set of client {client_id}"
        self._write(client_id, lambda client: client.keys, lambda _: known, wanted, change, name)

    def snapshot(self, client_id: str) -> ClientSnapshot | None:
        found = self._read(client_id)
        return found.snapshot if found else None

    def clients(self) -> Iterator[ClientSnapshot]:
        self._address.require()
        return iter(())

    def _read(self, client_id: str) -> WireClient | None:
        answer = self._find(client_id)
        return answer.as_(WireClient) if answer else None

    def _find(self, client_id: str) -> Answer | None:
        """The client; None where it is surely gone.

        Raises:
            PerhapsGone: for a 401, which RFC 7592 §2.1 has for a client that is gone and for a token that is none.
        """
        try:
            return self._api.request("GET", _client(client_id))
        except NotFound:
            self._address.require()
            return None
        except TokenRefused as error:
            raise PerhapsGone(
                f"{error}; or client {client_id} was removed by hand, which this authority tells nobody: take it out of"
                " the state then, with pulumi state delete",
            ) from None

    def _write(
        self,
        client_id: str,
        part: Callable[[WireClient], Value],
        known: Callable[[WireClient], Value | None],
        wanted: Value,
        change: Callable[[Answer], Mapping[str, Any]],
        document: str,
    ) -> None:
        """Make a ``part`` of a client equal to ``wanted``; see must_write."""
        self._require_not_reserved(client_id, ())
        with self._locks.setdefault(client_id, threading.Lock()):
            answer = self._find(client_id)
            if answer is None:
                raise NotFound(
                    f"client {client_id} does not exist in {self._api.base_url}; if it was removed by hand, run pulumi"
                    " up --refresh"
                )
            client = answer.as_(WireClient)
            if not must_write(part(client), known(client), wanted, document):
                return
            after = self._api.request("PUT", _client(client_id), document=change(answer)).as_(WireClient)
            if part(after) != wanted:
                raise Unsettled(
                    f"{document} is not as it was written; see whether the authority keeps all of it, and who else"
                    " writes it, then run the same command again"
                )

    def _require_not_reserved(self, client_id: str, scopes: Collection[str]) -> None:
        require_not_reserved(self._reserved(client_id, scopes), client_id, self._api.base_url)

    def _require_grantable(self, scopes: Scopes) -> None:
        require_grantable(scopes)
        if reserved := sorted(self._rights & scopes.keys()):
            raise Rejected(f"scope {reserved[0]} is a right of operators; take it out of the catalogue")

    def _see_endpoint(self) -> None:
        """That the issuer names this endpoint: another address answers 404 to everything."""
        answer = self._issuer.request("GET", _DISCOVERY)
        named = answer.as_(_Discovered).registration_endpoint
        if httpx.URL(named).path.rstrip("/") != httpx.URL(self._api.base_url).path.rstrip("/"):
            raise Unintelligible(
                f"{answer.request}: the registration endpoint is {named} and not {self._api.base_url}; correct"
                " acmidm:managementUrl"
            )


def _client(client_id: str) -> str:
    return f"/{segment(client_id)}"


def _differing(found: ClientMetadata, wanted: ClientMetadata) -> list[str]:
    return [name for name, value in wanted if getattr(found, name) != value]


def _no_secret() -> Rejected:
    return Rejected("RFC 7591 has the authority make secrets, and takes none; use private_key_jwt in the form")


def _unknown(sentence: str, metadata: ClientMetadata) -> AnswerLost:
    return AnswerLost(
        f"{sentence}; whether client {metadata.client_name} was made is not known, and no run makes it again by itself:"
        f" look at the authority for one with software_id {metadata.software_id} and incarnation"
        f" {metadata.incarnation}, name it under adopt in the form where there is one, then take OAuthClient"
        " out of the state with pulumi state delete"
    )
