"""Why a token is refused. A server may say ``invalid_client`` to everything: what it does with a
request that differs tells more."""

from __future__ import annotations

import re
import time
import uuid

from acmidm.probe.findings import Finding, environment, finding, quoted_kid
from acmidm.probe.mistakes import SKEW_SECONDS, TITLES
from acmidm.probe.network import Reply
from acmidm.probe.trial import Trial, WantedScope
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


def why_refused(trial: Trial, wanted: WantedScope, answer: Reply) -> Finding:
    """Return the most probable reason why the token that is ``wanted`` is refused. To find it takes
    at most about eight requests, each with an assertion of its own.

    Raises:
        NoAnswer
    """
    if answer.error in _SCOPE_ERRORS:
        return not_granted(wanted.platform_name)
    if answer.error in _TARGET_ERRORS:
        product = wanted.product.product
        return finding(
            "audience:unknown",
            N_("audience {audience} is no API here"),
            N_("correct acmidm:apiClientIds.{product}"),
            audience=quoted(trial.audience_of(product) or ""),
            product=product,
        )
    for find in (_wrong_clock, _without_scope, _wrong_kid, _wrong_audience, _wrong_algorithm):
        if reason := find(trial, wanted, answer):
            return reason
    return _client_or_key(trial, wanted, answer)


def _accepts_client(answer: Reply) -> bool:
    """Return whether an answer shows that the server accepts the client: a token, or an error that
    only an authenticated client gets."""
    return answer.is_ok or answer.error in _SCOPE_ERRORS | _TARGET_ERRORS


def not_granted(scope: str) -> Finding:
    """Return the finding that a client lacks a scope, by the platform's name of that."""
    return finding(
        "scope:not granted",
        N_("scope {scope} is not granted"),
        N_("have the form brought up, or ask who decides about it"),
        scope=quoted(scope),
    )


def _wrong_clock(trial: Trial, wanted: WantedScope, _: Reply) -> Finding | None:
    """Return the finding where an assertion with the server's time is accepted; else None."""
    if abs(trial.skew) <= SKEW_SECONDS:
        return None
    if not _accepts_client(trial.request_token(wanted, at=time.time() + trial.skew)):
        return None
    return finding(
        "clock:skew",
        N_("the clock is the reason: with the server's time the token is given"),
        N_("set it by NTP, where your software runs"),
    )


def _without_scope(trial: Trial, wanted: WantedScope, answer: Reply) -> Finding | None:
    """Return the finding that the scope is refused, where a request without it is accepted, or
    refused with another error, and the error with it is not about the client; else None."""
    without_scope = trial.request_token(wanted, is_scoped=False)
    if _accepts_client(without_scope):
        return not_granted(wanted.platform_name)
    if answer.error not in _CLIENT_ERRORS and without_scope.error != answer.error:
        return not_granted(wanted.platform_name)
    return None


def _wrong_kid(trial: Trial, wanted: WantedScope, _: Reply) -> Finding | None:
    """Return the finding where ours had no ``kid`` and a request with that of the key is accepted,
    or where ours had one and a request without it is accepted; else None."""
    if trial.kid is None:
        registered = (trial.declared or trial.key.public).kid
        if _accepts_client(trial.request_token(wanted, kid=registered)):
            return finding(
                "kid:missing",
                N_(
                    "without kid the token is refused, with it it is given: the client has several"
                    " keys, or the platform requires it"
                ),
                N_("name the key in the header of every assertion: {kid}"),
                kid=quoted_kid(registered),
            )
        return None
    if _accepts_client(trial.request_token(wanted, kid=None)):
        return finding(
            "kid:another",
            N_("the key is registered under another kid than {kid}"),
            N_(
                "send the kid that the portal shows, or have the key registered again under this"
                " one"
            ),
            kid=quoted_kid(trial.kid),
        )
    return None


def _wrong_audience(trial: Trial, wanted: WantedScope, _: Reply) -> Finding | None:
    """Return the finding where an assertion for the issuer in place of the token endpoint, or the
    reverse, is accepted; else None."""
    context = trial.context
    for audience in {context.issuer, context.token_endpoint} - {context.audience, None}:
        if _accepts_client(trial.request_token(wanted, aud=audience)):
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


def _wrong_algorithm(trial: Trial, wanted: WantedScope, _: Reply) -> Finding | None:
    """Return the finding where an assertion that is signed by another algorithm that fits the key
    is accepted; else None. At most three are tried."""
    fitting = algorithms_of(without(trial.key.public.members, {"alg"}))
    untried = [alg for alg in _ALGORITHMS if alg in fitting and alg != trial.alg]
    for alg in untried[:_MOST_ALGORITHMS]:
        if _accepts_client(trial.request_token(wanted, alg=alg)):
            return finding(
                "alg:another",
                N_("this key is registered for {alg}, not for {sent}"),
                N_("sign with {alg}, or have its alg corrected"),
                alg=alg,
                sent=trial.alg,
            )
    return None


def _client_or_key(trial: Trial, wanted: WantedScope, answer: Reply) -> Finding:
    """Return the finding that the key is wrong, or, where that cannot be told, the client-ID or the
    key. A server that answers a client-ID that nobody has in another way knows this one."""
    context, declared = trial.context, trial.declared
    nobody = str(uuid.uuid4())
    if context.platform is Platform.GEOSECURE:
        nobody = str(10**9 + uuid.uuid4().int % 10**9)
    of_nobody = trial.request_token(wanted, client_id=nobody)
    if _without_ids(of_nobody) != _without_ids(answer):
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


def _without_ids(answer: Reply) -> tuple[int, str]:
    """Return status and explanation of an answer without the IDs in it, by which answers about two
    clients are compared."""
    return answer.status, _IDS.sub("#", answer.explanation or "")
