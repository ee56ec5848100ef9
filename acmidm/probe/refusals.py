"""Why a token is refused. A server may say ``invalid_client`` to everything: what it does with a
request that differs tells more."""

from __future__ import annotations

import re
import time
import uuid

from acmidm.probe.findings import Finding, environment, finding, named
from acmidm.probe.mistakes import SKEW_SECONDS, TITLES
from acmidm.probe.network import Reply
from acmidm.probe.trial import Trial, Wanted
from acmidm_onboarding.texts import N_
from acmidm_onboarding.values.jwk import algorithms_of
from acmidm_onboarding.values.plain import without
from acmidm_onboarding.values.problems import quoted
from acmidm_onboarding.values.terms import Platform

_CLIENT_ERRORS = frozenset({"", "invalid_client", "unauthorized_client", "invalid_grant"})
_SCOPE_ERRORS = frozenset({"invalid_scope"})
_TARGET_ERRORS = frozenset({"invalid_target"})
_ALGORITHMS = ("RS256", "PS256", "RS512", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_MOST_ALGORITHMS = 3
_IDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9]{4,}\b", re.IGNORECASE)


def why_refused(trial: Trial, wanted: Wanted, answer: Reply) -> Finding:
    """Return the most probable reason why the token that is ``wanted`` is refused. To find it takes
    at most about eight requests, each with an assertion of its own.

    Raises:
        NoAnswer
    """
    if answer.error in _SCOPE_ERRORS:
        return not_granted(wanted.named)
    if answer.error in _TARGET_ERRORS:
        product = wanted.product.product
        return finding(
            "audience:unknown",
            N_("audience {audience} is no API here"),
            N_("correct acmidm:apiClientIds.{product}"),
            audience=quoted(trial.audience_of(product) or ""),
            product=product,
        )
    for ask in (_wrong_clock, _without_scope, _wrong_kid, _wrong_audience, _wrong_algorithm):
        if explanation := ask(trial, wanted, answer):
            return explanation
    return _client_or_key(trial, wanted, answer)


def _is_let_in(answer: Reply) -> bool:
    """Return whether a server accepts the client: by a token, or by an error that only an
    authenticated client gets."""
    return answer.is_ok or answer.error in _SCOPE_ERRORS | _TARGET_ERRORS


def not_granted(scope: str) -> Finding:
    """Return what is wrong where a client lacks a scope."""
    return finding(
        "scope:not granted",
        N_("scope {scope} is not granted"),
        N_("have the form brought up, or ask who decides about it"),
        scope=quoted(scope),
    )


def _wrong_clock(trial: Trial, wanted: Wanted, _: Reply) -> Finding | None:
    """Return the finding where the token is given by the server's time."""
    if abs(trial.skew) <= SKEW_SECONDS:
        return None
    if not _is_let_in(trial.request_token(wanted, at=time.time() + trial.skew)):
        return None
    return finding(
        "clock:skew",
        N_("the clock is the reason: with the server's time the token is given"),
        N_("set it by NTP, where your software runs"),
    )


def _without_scope(trial: Trial, wanted: Wanted, answer: Reply) -> Finding | None:
    """Return the finding where the scope is refused: without it the server accepts the client, or
    has another error."""
    without_scope = trial.request_token(wanted, is_scoped=False)
    if _is_let_in(without_scope):
        return not_granted(wanted.named)
    if answer.error not in _CLIENT_ERRORS and without_scope.error != answer.error:
        return not_granted(wanted.named)
    return None


def _wrong_kid(trial: Trial, wanted: Wanted, _: Reply) -> Finding | None:
    """Return the finding where the token is given with the registered kid in place of none, or
    without the kid that was sent."""
    if trial.kid is None:
        registered = (trial.declared or trial.key.public).kid
        if _is_let_in(trial.request_token(wanted, kid=registered)):
            return finding(
                "kid:missing",
                N_(
                    "without kid the token is refused, with it it is given: the client has several"
                    " keys, or the platform requires it"
                ),
                N_("name the key in the header of every assertion: {kid}"),
                kid=named(registered),
            )
        return None
    if _is_let_in(trial.request_token(wanted, kid=None)):
        return finding(
            "kid:another",
            N_("the key is registered under another kid than {kid}"),
            N_(
                "send the kid that the portal shows, or have the key registered again under this"
                " one"
            ),
            kid=named(trial.kid),
        )
    return None


def _wrong_audience(trial: Trial, wanted: Wanted, _: Reply) -> Finding | None:
    """Return the finding where the token is given for another audience: the issuer, or the token
    endpoint."""
    context = trial.context
    for audience in {context.issuer, context.token_endpoint} - {context.audience, None}:
        if _is_let_in(trial.request_token(wanted, aud=audience)):
            return finding(
                "aud:other",
                N_(
                    "this server wants {aud} as aud, which is not the habit of {platform}: it may"
                    " be the other platform's"
                ),
                N_(
                    "correct {namespace}:issuer or {namespace}:assertionAudience in the stack's"
                    " file, or send that aud"
                ),
                aud=audience,
                platform=TITLES[context.platform],
                namespace=context.platform,
            )
    return None


def _wrong_algorithm(trial: Trial, wanted: Wanted, _: Reply) -> Finding | None:
    """Return the finding where the token is given for another algorithm that fits the key."""
    fitting = algorithms_of(without(trial.key.public.members, {"alg"}))
    untried = [alg for alg in _ALGORITHMS if alg in fitting and alg != trial.alg]
    for alg in untried[:_MOST_ALGORITHMS]:
        if _is_let_in(trial.request_token(wanted, alg=alg)):
            return finding(
                "alg:another",
                N_("this key is registered for {alg}, not for {sent}"),
                N_("sign with {alg}, or have its alg corrected"),
                alg=alg,
                sent=trial.alg,
            )
    return None


def _client_or_key(trial: Trial, wanted: Wanted, answer: Reply) -> Finding:
    """Return whether the client-ID or the key is wrong: a client-ID that nobody has shows whether
    the server knows this one."""
    context, declared = trial.context, trial.declared
    nobody = str(uuid.uuid4())
    if context.platform is Platform.GEOSECURE:
        nobody = str(10**9 + uuid.uuid4().int % 10**9)
    of_nobody = trial.request_token(wanted, client_id=nobody)
    if _likeness(of_nobody) != _likeness(answer):
        if declared:
            return finding(
                "key:not registered",
                N_("the client is there, and does not have this key yet: the form does"),
                N_("have the form brought up, then try again"),
            )
        return finding(
            "key:not registered",
            N_(
                "the client is there, and does not have this key: it was not uploaded, or is an"
                " old one"
            ),
            N_("upload its public half in the Beheerportaal, or sign with the key that is there"),
        )
    return finding(
        "client:refused",
        N_(
            "{platform} {environment} refuses client {id}: it has no such client, or not this key"
            " for it"
        ),
        N_(
            "compare the client-ID with the one that was handed over, and the key with those in"
            " the Beheerportaal"
        ),
        platform=TITLES[context.platform],
        environment=environment(context.environment),
        id=quoted(trial.client_id),
    )


def _likeness(answer: Reply) -> tuple[int, str]:
    """Return what an answer is, whichever client it is about."""
    return answer.status, _IDS.sub("#", answer.explanation or "")
