"""The adapter for client registration by RFC 7591 and its management by RFC 7592.

One document has the whole client, and there are no ETags: each write reads afresh under a lock per
client, decides, replaces the document, and compares the answer with what was sent. Two processes
that write the same client at the same time still lose one of the two writes. A client is read by
its client-ID alone: there is no list, and no search by key.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from acmidm_onboarding.authorities.differences import must_write
from acmidm_onboarding.authorities.errors import (
    AnswerLost,
    AuthorityError,
    NotFound,
    PerhapsGone,
    Rejected,
    TokenRefused,
    Unsettled,
)
from acmidm_onboarding.authorities.http.api import Answer
from acmidm_onboarding.authorities.port import (
    NO_PARTS,
    Authority,
    ClientParts,
    ClientSnapshot,
    NewSecret,
    RegisteredClient,
    Reserved,
    operators_own,
    require_grantable,
    require_not_reserved,
)
from acmidm_onboarding.authorities.rfc7591.endpoint import Endpoint
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
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.metadata import ClientMetadata, Jwks, Owner, Scopes, without_assigned
from acmidm_onboarding.values.problems import listed

Value = TypeVar("Value")
_MARKS = ("software_id", "managed_by", "incarnation")


class Registration(Authority):
    """``Authority`` over one registration endpoint.

    ``rights`` are the scopes that open the endpoint, ``assigned`` those that API providers grant by
    themselves. Where marks are ``unkept``, only the state says whose a client is.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        operator_client_id: str,
        rights: frozenset[str],
        assigned: frozenset[str],
        unkept: frozenset[str] = frozenset(),
    ) -> None:
        self._endpoint = endpoint
        self.access = endpoint.access
        self._operator = operator_client_id
        self._rights = OPERATOR_RIGHTS | rights
        self._assigned = assigned
        self.unkept = unkept
        self._is_marked = unkept.isdisjoint(_MARKS)
        self._locks: dict[str, threading.Lock] = {}

    def reserved(self, client_id: str) -> Reserved | None:
        return self._reserved(
            client_id, () if client_id == self._operator else self.read_scopes(client_id) or ()
        )

    def _reserved(self, client_id: str, scopes: Collection[str]) -> Reserved | None:
        if client_id == self._operator:
            return operators_own()
        rights = sorted(self._rights.intersection(scopes))
        return (
            Reserved(say("authorities.rights_over_authority", rights=", ".join(rights)))
            if rights
            else None
        )

    def register(
        self, metadata: ClientMetadata, client_secret: str | None, parts: ClientParts = NO_PARTS
    ) -> RegisteredClient:
        require_grantable(parts.scopes, self._rights)
        if client_secret is not None:
            raise Rejected(say("rfc7591.no_secret"))
        if not (parts.jwks or metadata.jwks_uri):
            raise Rejected(say("rfc7591.no_key", software_id=metadata.software_id))
        document = new_document(metadata, self.unkept, parts.scopes, parts.jwks)
        try:
            answer = self._endpoint.register(document)
        except AnswerLost as error:
            raise _perhaps_made(error, metadata) from None
        try:
            made = answer.as_(WireClient)
            refusal = self._refusal(made, metadata, document)
            if refusal is not None:
                self._endpoint.send("DELETE", made.client_id)
        except AuthorityError as error:  # the client may exist, and no run may make a second one
            raise _perhaps_made(error, metadata) from None
        if refusal is not None:
            raise Rejected(say("rfc7591.removed_again", request=answer.request, why=refusal))
        confirmed = ClientParts(
            without_assigned(made.scopes, self._assigned, parts.scopes), made.keys
        )
        return replace(made.snapshot.client, parts=confirmed)

    def _refusal(
        self, made: WireClient, metadata: ClientMetadata, document: Mapping[str, Any]
    ) -> str | None:
        """Return why a new client cannot be managed here; None where it can."""
        registered = made.metadata.as_managed_by(metadata)
        if changed := [
            name
            for name, value in kept(metadata, self.unkept)
            if getattr(registered, name) != value
        ]:
            return say("rfc7591.not_kept", members=listed(changed))
        return (
            None
            if self._endpoint.keeps_token(made.client_id, document)
            else say("rfc7591.token_changes")
        )

    def find(self, software_id: str) -> None:  # noqa: ARG002
        """Find nothing: there is neither a list nor a client-ID of our choice."""
        return

    def update(
        self,
        client_id: str,
        known: ClientMetadata | None,
        wanted: ClientMetadata,
        secret: NewSecret | None,
    ) -> RegisteredClient:
        if secret is not None:
            raise Rejected(say("rfc7591.no_secret"))

        def part(client: WireClient) -> ClientMetadata:
            return client.metadata.as_managed_by(wanted)

        def change(answer: Answer) -> Mapping[str, Any]:
            client = answer.as_(WireClient)
            self._require_not_reserved(client_id, client.scopes)
            is_taken_over = self._is_marked and client.metadata.owner.is_nobody
            return changed_document(
                answer.document, metadata_document(wanted, self.unkept), anew=is_taken_over
            )

        def before(client: WireClient) -> ClientMetadata | None:
            before = known and known.as_managed_by(wanted).as_written_by(client.metadata.owner)
            return before and kept(before, self.unkept)

        document = say("authorities.client", client=client_id)
        self._write(client_id, part, before, kept(wanted, self.unkept), change, document)
        return RegisteredClient(client_id, wanted)

    def remove(self, client_id: str, owner: Owner) -> bool:
        client = self._read(client_id)
        if client is None or (self._is_marked and not client.metadata.owner.is_resource_of(owner)):
            return client is None
        self._require_not_reserved(client_id, client.scopes)
        try:
            self._endpoint.send("DELETE", client_id)
        except (
            NotFound,
            TokenRefused,
        ):  # since it was read, an earlier try or somebody else removed it
            try:
                return self._find(client_id) is None
            except PerhapsGone:
                return True
        return True

    def replace_scopes(self, client_id: str, known: Scopes | None, wanted: Scopes) -> None:
        require_grantable(wanted, self._rights)

        def part(client: WireClient) -> Scopes:
            return without_assigned(client.scopes, self._assigned, wanted)

        def change(answer: Answer) -> Mapping[str, Any]:
            current = answer.as_(WireClient).scopes
            assigned = {
                name: False for name in current if name in self._assigned and name not in wanted
            }
            return changed_document(answer.document, scope_document({**assigned, **wanted}))

        self._write(
            client_id,
            part,
            lambda _: known,
            wanted,
            change,
            say("authorities.scopes_of", client=client_id),
        )

    def replace_jwks(self, client_id: str, known: Jwks | None, wanted: Jwks) -> None:
        def change(answer: Answer) -> Mapping[str, Any]:
            return changed_document(answer.document, jwks_document(wanted))

        document = say("authorities.jwks_of", client=client_id)
        self._write(
            client_id, lambda client: client.keys, lambda _: known, wanted, change, document
        )

    def snapshot(self, client_id: str) -> ClientSnapshot | None:
        client = self._read(client_id)
        return client.snapshot if client else None

    def clients(self) -> Iterator[ClientSnapshot]:
        self._endpoint.require()
        return iter(())

    def _read(self, client_id: str) -> WireClient | None:
        answer = self._find(client_id)
        return answer.as_(WireClient) if answer else None

    def _find(self, client_id: str) -> Answer | None:
        """Return the answer that has a client; None where the client is surely gone.

        Raises:
            PerhapsGone: for a 401, which RFC 7592 §2.1 has both for a client that is gone and for
            an invalid token.
        """
        try:
            return self._endpoint.send("GET", client_id)
        except NotFound:
            self._endpoint.require()
            return None
        except TokenRefused as error:
            raise PerhapsGone(say("rfc7591.perhaps_gone", error=error, client=client_id)) from None

    def _write(
        self,
        client_id: str,
        part: Callable[[WireClient], Value],
        known: Callable[[WireClient], Value | None],
        wanted: Value,
        change: Callable[[Answer], Mapping[str, Any]],
        document: str,
    ) -> None:
        """Make a ``part`` of a client equal to ``wanted``, as ``must_write`` decides; errors name
        ``document``."""
        self._require_not_reserved(client_id, ())
        with self._locks.setdefault(client_id, threading.Lock()):
            answer = self._find(client_id)
            if answer is None:
                raise NotFound(
                    say(
                        "authorities.no_client",
                        client=client_id,
                        address=self._endpoint.api.base_url,
                    )
                )
            client = answer.as_(WireClient)
            if not must_write(part(client), known(client), wanted, document):
                return
            after = self._endpoint.send("PUT", client_id, change(answer)).as_(WireClient)
            if part(after) != wanted:
                raise Unsettled(say("rfc7591.unsettled", document=document))

    def _require_not_reserved(self, client_id: str, scopes: Collection[str]) -> None:
        require_not_reserved(
            self._reserved(client_id, scopes), client_id, self._endpoint.api.base_url
        )


def _perhaps_made(error: AuthorityError, metadata: ClientMetadata) -> AnswerLost:
    marks = {"software_id": metadata.software_id, "incarnation": metadata.incarnation}
    return AnswerLost(say("rfc7591.perhaps_made", error=error, name=metadata.client_name, **marks))
