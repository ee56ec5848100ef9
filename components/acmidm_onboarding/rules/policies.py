"""The rules that stop a change before it happens. Each is one pure function with an id, which its
page is named after.

The loader checks forms with them. The policy pack in ``policies/`` checks the resources that the
engine plans, also those of no form. Where another message refuses the same mistake in a form, with
its place, only the pack uses the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from acmidm_onboarding.texts import say
from acmidm_onboarding.values.jwk import MINIMUM_RSA_BITS, algorithms_of, rsa_bits
from acmidm_onboarding.values.problems import either, quoted
from acmidm_onboarding.values.secrecy import PRIVATE_MEMBERS
from acmidm_onboarding.values.terms import AuthMethod, Environment, ExemptiblePolicy


class Profile(StrEnum):
    """How strict the rules are: as ACM/IDM is used today, or the FAPI 2.0 Security Profile."""

    ACMIDM = "acmidm"
    FAPI2 = "fapi2"


class PromotionGate(StrEnum):
    """What becomes of a form's production part that was not proven on TNI."""

    OFF = "off"
    WARN = "warn"
    ENFORCE = "enforce"


class Gate(NamedTuple):
    """Whether an environment needs evidence, and how many days that counts."""

    mode: PromotionGate = PromotionGate.OFF
    evidence_max_days: int = 90


def strictest(gates: Iterable[Gate]) -> Gate:
    """Return the gate that holds back what any of these gates does; the default gate for none."""
    kept = list(gates) or [Gate()]
    return Gate(
        max((gate.mode for gate in kept), key=list(PromotionGate).index),
        min(gate.evidence_max_days for gate in kept),
    )


@dataclass(frozen=True)
class Limits:
    """What a profile allows. ``algorithms`` None: every one that a key may be registered for."""

    longest_key_days: int
    keys_must_expire: bool
    algorithms: frozenset[str] | None
    secret_free: frozenset[Environment]
    """Where no client authenticates with a secret."""


LIMITS = {
    # Its public clients sign with RS256, and most of their keys have no exp.
    Profile.ACMIDM: Limits(
        730, keys_must_expire=False, algorithms=None, secret_free=frozenset({Environment.PROD})
    ),
    # FAPI 2.0 Security Profile §5.3.2.1 (client authentication) and §5.4.1 (algorithms).
    Profile.FAPI2: Limits(
        365,
        keys_must_expire=True,
        algorithms=frozenset({"PS256", "ES256", "EdDSA", "Ed25519"}),
        secret_free=frozenset(Environment),
    ),
}


@dataclass(frozen=True)
class Situation:
    """What the rules go by."""

    environment: Environment
    profile: Profile
    now: datetime
    scopes: Collection[str] = ()
    """Those of the catalogue, as the platform calls them."""

    @property
    def limits(self) -> Limits:
        return LIMITS[self.profile]


@dataclass(frozen=True)
class Planned:
    """A planned client, or one resource's part of it. None is what that part does not have."""

    auth_method: str | None = None
    contacts: Collection[str] | None = None
    scopes: Collection[str] | None = None
    keys: Mapping[str, Mapping[str, object]] | None = None
    """Per ``kid`` the members of the JSON Web Key."""
    protected: bool | None = None


@dataclass(frozen=True)
class Finding:
    """A violation: what, what to do, and the scope or ``kid`` that it is about."""

    what: str
    remedy: str
    subject: str | None = None


def _private_key(planned: Planned, _: Situation) -> Iterator[Finding]:
    for kid, key in (planned.keys or {}).items():
        if PRIVATE_MEMBERS & key.keys():
            yield Finding(
                say("rules.private_key", kid=quoted(kid)), say("rules.private_key.remedy"), kid
            )


def _short_rsa_key(planned: Planned, _: Situation) -> Iterator[Finding]:
    for kid, key in (planned.keys or {}).items():
        bits = rsa_bits(key)
        if bits is not None and bits < MINIMUM_RSA_BITS:
            yield Finding(
                say("rules.short_key", kid=quoted(kid), bits=bits),
                say("rules.short_key.remedy", least=MINIMUM_RSA_BITS),
                kid,
            )


def _key_algorithm(planned: Planned, situation: Situation) -> Iterator[Finding]:
    allowed = situation.limits.algorithms
    for kid, key in (planned.keys or {}).items():
        signs_with = algorithms_of(key)
        if allowed is None or not signs_with - allowed:
            continue
        signs = (
            say("rules.signs_with", kid=quoted(kid), alg=key.get("alg"))
            if "alg" in key
            else say("rules.no_alg", kid=quoted(kid))
        )
        usable = either(sorted(signs_with & allowed) or sorted(allowed))
        yield Finding(
            signs, say("rules.algorithm.remedy", profile=situation.profile, usable=usable), kid
        )


def _key_lifetime(planned: Planned, situation: Situation) -> Iterator[Finding]:
    limits = situation.limits
    last = situation.now + timedelta(days=limits.longest_key_days)
    for kid, key in (planned.keys or {}).items():
        exp = key.get("exp")
        if isinstance(exp, int | float):
            if exp > last.timestamp():
                yield Finding(
                    say(
                        "rules.long_lifetime", kid=quoted(kid), exp=datetime.fromtimestamp(exp, UTC)
                    ),
                    say(
                        "rules.long_lifetime.remedy",
                        profile=situation.profile,
                        days=limits.longest_key_days,
                        last=last,
                    ),
                    kid,
                )
        elif "exp" in key:
            yield Finding(
                say("rules.wrong_exp", kid=quoted(kid)),
                say(
                    "rules.wrong_exp.remedy",
                    profile=situation.profile,
                    days=limits.longest_key_days,
                ),
                kid,
            )
        elif limits.keys_must_expire:
            yield Finding(
                say("rules.no_exp", kid=quoted(kid)),
                say("rules.no_exp.remedy", profile=situation.profile),
                kid,
            )


def _client_secret(planned: Planned, situation: Situation) -> Iterator[Finding]:
    method = planned.auth_method
    if (
        method not in (None, AuthMethod.PRIVATE_KEY_JWT)
        and situation.environment in situation.limits.secret_free
    ):
        yield Finding(
            say("rules.wrong_method", method=method, environment=situation.environment),
            say("rules.wrong_method.remedy", method=AuthMethod.PRIVATE_KEY_JWT),
        )


def _unknown_scope(planned: Planned, situation: Situation) -> Iterator[Finding]:
    for scope in planned.scopes or ():
        if scope not in situation.scopes:
            yield Finding(
                say("rules.unknown_scope", scope=quoted(scope)),
                say("rules.unknown_scope.remedy"),
                scope,
            )


def _no_contact(planned: Planned, _: Situation) -> Iterator[Finding]:
    if planned.contacts is not None and not planned.contacts:
        yield Finding(say("rules.no_contact"), say("rules.no_contact.remedy"))


def _unprotected(planned: Planned, situation: Situation) -> Iterator[Finding]:
    if planned.protected is False and situation.environment is Environment.PROD:
        yield Finding(say("rules.unprotected"), say("rules.unprotected.remedy"))


@dataclass(frozen=True)
class Policy:
    """``refused_in_forms``: another message refuses such a form already. ``advisory``: it warns,
    and stops nothing."""

    id: str
    title: str
    violations: Callable[[Planned, Situation], Iterator[Finding]]
    refused_in_forms: bool = False
    advisory: bool = False


POLICIES = (
    Policy("private-key", "A JWK Set has public keys only", _private_key, refused_in_forms=True),
    Policy(
        "short-rsa-key",
        f"An RSA key has at least {MINIMUM_RSA_BITS} bits",
        _short_rsa_key,
        refused_in_forms=True,
    ),
    Policy(
        ExemptiblePolicy.KEY_ALGORITHM.value,
        "A key signs with an algorithm that the profile allows",
        _key_algorithm,
    ),
    Policy(
        ExemptiblePolicy.KEY_LIFETIME.value,
        "A key ends within the time that the profile allows",
        _key_lifetime,
    ),
    Policy(
        ExemptiblePolicy.CLIENT_SECRET.value,
        "A client authenticates with a key, not with a secret",
        _client_secret,
    ),
    Policy("unknown-scope", "A scope is in the catalogue", _unknown_scope, refused_in_forms=True),
    Policy("no-contact", "A client has a contact", _no_contact, refused_in_forms=True),
    Policy(
        "removal-on-prod",
        "A client on prod is protected against removal",
        _unprotected,
        refused_in_forms=True,
        advisory=True,
    ),
)


def violations(
    planned: Planned, situation: Situation, exempted: Collection[str] = ()
) -> Iterator[tuple[Policy, Finding]]:
    """Yield what each policy finds that is not among the ``exempted`` ones."""
    for policy in POLICIES:
        if policy.id not in exempted:
            yield from ((policy, finding) for finding in policy.violations(planned, situation))
