"""Why a token is refused. A server may say ``invalid_client`` to everything: what it does with a request that differs tells more."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from acmidm.probe.checks import Known
from acmidm.probe.mistakes import SKEW_SECONDS, TITLES
from acmidm.probe.network import Answer
from acmidm.probe.private_key import PrivateKey
from acmidm.probe.steps import Finding, finding, named, say
from acmidm_onboarding.model.form import Platform
from acmidm_onboarding.model.jwk import algorithms_of
from acmidm_onboarding.model.problems import quoted

_CLIENT_ERRORS = frozenset({"", "invalid_client", "unauthorized_client", "invalid_grant"})
_SCOPE_ERRORS = frozenset({"invalid_scope"})
_TARGET_ERRORS = frozenset({"invalid_target"})
_ALGORITHMS = ("RS256", "PS256", "RS512", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_MOST_ALGORITHMS = 3
_IDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9]{4,}\b", re.IGNORECASE)


@dataclass(frozen=True)
class Attempt:
    """A token request that was refused, and how to make it again with something changed."""

    request: Callable[..., Answer]
    known: Known
    scope: str
    product: str
    audience: str | None
    client_id: str
    key: PrivateKey
    alg: str
    usual: str
    kid: str | None
    kid_of_key: str
    declared: bool
    skew: float

    def again(self, **changes: object) -> Answer:
        """The answer to the same request, with its assertion changed."""
        return self.request(self.scope, self.audience, **changes)


def why_refused(attempt: Attempt, answer: Answer) -> Finding:
    """Return the most probable reason. At most about eight requests, each with an assertion of its own.

    Raises:
        NoAnswer
    """
    if answer.error in _SCOPE_ERRORS:
        return not_granted(attempt.scope)
    if answer.error in _TARGET_ERRORS:
        return finding("audience:unknown", audience=quoted(attempt.audience or ""), product=attempt.product)
    for ask in (_clock, _without_scope, _kid, _audience, _algorithm):
        if found := ask(attempt, answer):
            return found
    return _client_or_key(attempt, answer)


def _is_let_in(answer: Answer) -> bool:
    """Whether a server has nothing against the client: a token, or an error that only a client that was let in gets."""
    return answer.is_ok or answer.error in _SCOPE_ERRORS | _TARGET_ERRORS


def not_granted(scope: str) -> Finding:
    """Return what is wrong where a client lacks a scope."""
    return finding("scope:not granted", scope=quoted(scope))


def _clock(attempt: Attempt, _: Answer) -> Finding | None:
    if abs(attempt.skew) <= SKEW_SECONDS:
        return None
    if not _is_let_in(attempt.again(at=time.time() + attempt.skew)):
        return None
    return finding("clock:skew")


def _without_scope(attempt: Attempt, answer: Answer) -> Finding | None:
    """A server that lets the client in without the scope, or then complains of something else, has nothing against the client."""
    other = attempt.request(None, attempt.audience)
    is_about_scope = answer.error not in _CLIENT_ERRORS and other.error != answer.error
    return not_granted(attempt.scope) if _is_let_in(other) or is_about_scope else None


def _kid(attempt: Attempt, _: Answer) -> Finding | None:
    if attempt.kid is None:
        if not _is_let_in(attempt.again(kid=attempt.kid_of_key)):
            return None
        return finding("kid:missing", kid=named(attempt.kid_of_key))
    if not _is_let_in(attempt.again(kid=None)):
        return None
    return finding("kid:another", kid=named(attempt.kid))


def _audience(attempt: Attempt, _: Answer) -> Finding | None:
    for audience in {attempt.known.issuer, attempt.known.token_endpoint} - {attempt.known.audience, None}:
        if _is_let_in(attempt.again(aud=audience)):
            return finding("aud:other", aud=audience, platform=TITLES[attempt.known.platform])
    return None


def _algorithm(attempt: Attempt, _: Answer) -> Finding | None:
    members = {name: value for name, value in attempt.key.public.members.items() if name != "alg"}
    others = [alg for alg in _ALGORITHMS if alg in algorithms_of(members) and alg != attempt.alg][:_MOST_ALGORITHMS]
    for alg in others:
        if _is_let_in(attempt.again(alg=alg)):
            return finding("alg:another", alg=alg, sent=attempt.alg)
    return None


def _client_or_key(attempt: Attempt, answer: Answer) -> Finding:
    """A client-ID that nobody has tells whether the server knows this one, where it treats the two differently."""
    nobody = str(uuid.uuid4()) if attempt.known.platform is Platform.ACMIDM else str(10**9 + uuid.uuid4().int % 10**9)
    other = attempt.again(client_id=nobody)
    if _likeness(other) != _likeness(answer):
        return finding("key:not registered", "key:not brought up" if attempt.declared else "key:not uploaded")
    here = {"platform": TITLES[attempt.known.platform], "environment": say(f"at.{attempt.known.environment}")}
    return finding("client:refused", id=quoted(attempt.client_id), **here)


def _likeness(answer: Answer) -> tuple[int, str]:
    """What an answer is, whichever client it is about."""
    return answer.status, _IDS.sub("#", answer.said or "")
