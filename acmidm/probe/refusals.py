"""Why a token is refused. A server may say ``invalid_client`` to everything: what it does with a request that differs
tells more."""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass

from acmidm.probe.mistakes import SKEW_SECONDS, TITLES
from acmidm.probe.network import Answer
from acmidm.probe.steps import Finding, finding, named, say
from acmidm.probe.trial import Trial, Wanted
from acmidm_onboarding.values.jwk import algorithms_of
from acmidm_onboarding.values.problems import quoted
from acmidm_onboarding.values.terms import Platform

_CLIENT_ERRORS = frozenset({"", "invalid_client", "unauthorized_client", "invalid_grant"})
_SCOPE_ERRORS = frozenset({"invalid_scope"})
_TARGET_ERRORS = frozenset({"invalid_target"})
_ALGORITHMS = ("RS256", "PS256", "RS512", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_MOST_ALGORITHMS = 3
_IDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9]{4,}\b", re.IGNORECASE)


@dataclass(frozen=True)
class Attempt:
    """A token request for one scope that was refused, and how to make it again with something changed."""

    trial: Trial
    wanted: Wanted

    @property
    def audience(self) -> str | None:
        return self.trial.audience_of(self.wanted.product.product)

    def request_changed(self, **changes: object) -> Answer:
        """Return the answer to the same request, with its assertion changed."""
        return self.trial.request_token(self.wanted.named, self.audience, **changes)


def why_refused(attempt: Attempt, answer: Answer) -> Finding:
    """Return the most probable reason. At most about eight requests, each with an assertion of its own.

    Raises:
        NoAnswer
    """
    if answer.error in _SCOPE_ERRORS:
        return not_granted(attempt.wanted.named)
    if answer.error in _TARGET_ERRORS:
        return finding(
            "audience:unknown", audience=quoted(attempt.audience or ""), product=attempt.wanted.product.product
        )
    for ask in (_clock, _without_scope, _kid, _audience, _algorithm):
        if explanation := ask(attempt, answer):
            return explanation
    return _client_or_key(attempt, answer)


def _is_let_in(answer: Answer) -> bool:
    """Return whether a server accepts the client: by a token, or by an error that only an authenticated client gets."""
    return answer.is_ok or answer.error in _SCOPE_ERRORS | _TARGET_ERRORS


def not_granted(scope: str) -> Finding:
    """Return what is wrong where a client lacks a scope."""
    return finding("scope:not granted", scope=quoted(scope))


def _clock(attempt: Attempt, _: Answer) -> Finding | None:
    if abs(attempt.trial.skew) <= SKEW_SECONDS:
        return None
    if not _is_let_in(attempt.request_changed(at=time.time() + attempt.trial.skew)):
        return None
    return finding("clock:skew")


def _without_scope(attempt: Attempt, answer: Answer) -> Finding | None:
    """Return the finding where the scope is refused: without it the server accepts the client, or has another error."""
    other = attempt.trial.request_token(None, attempt.audience)
    is_about_scope = answer.error not in _CLIENT_ERRORS and other.error != answer.error
    return not_granted(attempt.wanted.named) if _is_let_in(other) or is_about_scope else None


def _kid(attempt: Attempt, _: Answer) -> Finding | None:
    trial = attempt.trial
    if trial.kid is None:
        own = (trial.declared or trial.key.public).kid
        return finding("kid:missing", kid=named(own)) if _is_let_in(attempt.request_changed(kid=own)) else None
    return finding("kid:another", kid=named(trial.kid)) if _is_let_in(attempt.request_changed(kid=None)) else None


def _audience(attempt: Attempt, _: Answer) -> Finding | None:
    context = attempt.trial.context
    for audience in {context.issuer, context.token_endpoint} - {context.audience, None}:
        if _is_let_in(attempt.request_changed(aud=audience)):
            return finding("aud:other", aud=audience, platform=TITLES[context.platform])
    return None


def _algorithm(attempt: Attempt, _: Answer) -> Finding | None:
    members = {name: value for name, value in attempt.trial.key.public.members.items() if name != "alg"}
    others = [alg for alg in _ALGORITHMS if alg in algorithms_of(members) and alg != attempt.trial.alg][
        :_MOST_ALGORITHMS
    ]
    for alg in others:
        if _is_let_in(attempt.request_changed(alg=alg)):
            return finding("alg:another", alg=alg, sent=attempt.trial.alg)
    return None


def _client_or_key(attempt: Attempt, answer: Answer) -> Finding:
    """Return whether the client-ID or the key is wrong: a client-ID that nobody has shows whether the server knows this
    one."""
    context, declared = attempt.trial.context, attempt.trial.declared
    nobody = str(uuid.uuid4()) if context.platform is Platform.ACMIDM else str(10**9 + uuid.uuid4().int % 10**9)
    other = attempt.request_changed(client_id=nobody)
    if _likeness(other) != _likeness(answer):
        return finding("key:not registered", "key:not brought up" if declared else "key:not uploaded")
    here = {"platform": TITLES[context.platform], "environment": say(f"at.{context.environment}")}
    return finding("client:refused", id=quoted(attempt.trial.client_id), **here)


def _likeness(answer: Answer) -> tuple[int, str]:
    """Return what an answer is, whichever client it is about."""
    return answer.status, _IDS.sub("#", answer.said or "")
