"""A client's secrets after a PUT: its own, and the one before, which may go on working for a
while."""

from __future__ import annotations

import time
from dataclasses import dataclass

from acmidm_sandbox.beheerportaal.documents import (
    SECRET_METHODS,
    ClientDeclaration,
    ClientReplacement,
)
from acmidm_sandbox.beheerportaal.problems import Problem, refused
from acmidm_sandbox.beheerportaal.secrets import hash_secret, is_secret
from acmidm_sandbox.beheerportaal.store.clients import Client


@dataclass(frozen=True, slots=True)
class Secrets:
    """The hashes, and since when the one and until when the other works (epoch seconds)."""

    hashed: str | None = None
    updated_at: int | None = None
    previous: str | None = None
    previous_expires_at: int | None = None


def secrets_after(client: Client, replacement: ClientReplacement) -> Secrets:
    """Return what a client has after a PUT.

    Raises:
        Problem: 422, where it would be without the secret that its method needs.
    """
    if replacement.token_endpoint_auth_method not in SECRET_METHODS:
        return Secrets()
    now, overlap = int(time.time()), replacement.client_secret_overlap_seconds
    secret_hash, document = client.client_secret_hash, client.document
    previous, ends = client.previous_in_force(now), document.previous_client_secret_expires_at
    secret = (
        None if replacement.client_secret is None else replacement.client_secret.get_secret_value()
    )
    if secret is None and secret_hash is None:
        raise secret_required(replacement)
    # A rerun sends the same secret again: that is no change, and must not look like a rotation.
    if secret_hash is not None and (secret is None or is_secret(secret, secret_hash)):
        kept = Secrets(
            secret_hash, document.client_secret_updated_at, client.previous_client_secret_hash, ends
        )
        if previous is None or overlap is None or ends is None or ends <= now + overlap:
            return kept
        return Secrets(
            secret_hash, kept.updated_at, *((previous, now + overlap) if overlap else (None, None))
        )
    if overlap is not None:
        previous, ends = (secret_hash, now + overlap) if secret_hash and overlap else (None, None)
    # A second later at least: the time of its change is what tells a secret from the one before.
    updated_at = max(now, (document.client_secret_updated_at or 0) + 1)
    return Secrets(hash_secret(secret or ""), updated_at, previous, ends if previous else None)


def secret_required(declaration: ClientDeclaration) -> Problem:
    """Return the refusal of a method of secrets without one."""
    method = declaration.token_endpoint_auth_method
    return refused(
        [{"pointer": "/client_secret", "detail": f"is missing; the first use of {method} needs it"}]
    )
