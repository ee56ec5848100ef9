"""Which secrets a client has after a PUT: its secret, and for a while the one before it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from acmidm_sandbox.beheerportaal.documents import (
    SECRET_METHODS,
    ClientDeclaration,
    ClientReplacement,
)
from acmidm_sandbox.beheerportaal.problems import RefusedRequest, unprocessable
from acmidm_sandbox.beheerportaal.secrets import hash_secret, is_secret
from acmidm_sandbox.beheerportaal.store.clients import StoredClient


@dataclass(frozen=True, slots=True)
class Secrets:
    """The hash of a client's secret and when it got it, the hash of the previous one and when that
    ends, in seconds since 1970; each None where there is no such secret."""

    hashed: str | None = None
    updated_at: int | None = None
    previous: str | None = None
    previous_expires_at: int | None = None


def secrets_after(client: StoredClient, replacement: ClientReplacement) -> Secrets:
    """Return the secrets that a client has after a PUT; none where its method uses none.

    With an overlap, the secret that a new one replaces becomes the previous one, and works until
    the overlap is over. Without, it ends at once, and a previous one keeps its end. Where the
    secret stays the same, an overlap can only bring the end of the previous one forward.

    Raises:
        RefusedRequest: 422 where its method needs a secret, and neither the PUT nor the client has
            one.
    """
    if replacement.token_endpoint_auth_method not in SECRET_METHODS:
        return Secrets()
    document, sent = client.document, replacement.client_secret
    stored = Secrets(
        client.client_secret_hash,
        document.client_secret_updated_at,
        client.previous_client_secret_hash,
        document.previous_client_secret_expires_at,
    )
    now, overlap = int(time.time()), replacement.client_secret_overlap_seconds
    until = None if overlap is None else now + overlap
    if sent is None and stored.hashed is None:
        raise secret_required(replacement)
    # A stack sends the same secret at each run: that is no change.
    if sent is None or (stored.hashed and is_secret(sent.get_secret_value(), stored.hashed)):
        if until is None or (stored.previous_expires_at or 0) <= until:
            return stored
        return _without_ended(replace(stored, previous_expires_at=until), now)
    secrets = Secrets(
        hash_secret(sent.get_secret_value()),
        # A second later at least: by this time a stack sees that the secret is another one.
        max(now, (stored.updated_at or 0) + 1),
        stored.previous,
        stored.previous_expires_at,
    )
    if until is not None:
        secrets = replace(secrets, previous=stored.hashed, previous_expires_at=until)
    return _without_ended(secrets, now)


def _without_ended(secrets: Secrets, now: int) -> Secrets:
    """Return the secrets; without the previous one, where that has ended."""
    if secrets.previous and (secrets.previous_expires_at or 0) > now:
        return secrets
    return replace(secrets, previous=None, previous_expires_at=None)


def secret_required(declaration: ClientDeclaration) -> RefusedRequest:
    """Return the 422 of a client whose method needs a secret, and that has none."""
    method = declaration.token_endpoint_auth_method
    return unprocessable(
        [{"pointer": "/client_secret", "detail": f"is missing; the first use of {method} needs it"}]
    )
