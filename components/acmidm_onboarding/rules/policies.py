"""The rules that stop a change before it happens. Each is one pure function with an id, which its
page is named after.

The loader checks forms with them, ``Onboarding`` the keys that are known only while a program runs,
and drift the keys that an organisation uploads. A key file with a private or a short key is refused
as it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from acmidm_onboarding.texts import tr
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
    """Return the gate that holds back whatever one of these gates holds back; without any, the
    default gate."""
    compared = list(gates) or [Gate()]
    mode = max((gate.mode for gate in compared), key=list(PromotionGate).index)
    return Gate(mode, min(gate.evidence_max_days for gate in compared))


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
    """A planned client, or its keys alone, and where it is planned."""

    environment: Environment
    profile: Profile
    now: datetime
    keys: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Per ``kid`` the members of the JSON Web Key."""
    auth_method: str | None = None
    """None where keys alone are judged."""

    @property
    def limits(self) -> Limits:
        return LIMITS[self.profile]


@dataclass(frozen=True)
class Violation:
    """A violation: what, what to do, and the ``kid`` that it is about."""

    what: str
    remedy: str
    subject: str | None = None


def _private_key(situation: Situation) -> Iterator[Violation]:
    """Yield the keys with private members (RFC 7518 §6)."""
    for kid, key in situation.keys.items():
        if PRIVATE_MEMBERS & key.keys():
            yield Violation(
                tr("key {kid} contains private members", kid=quoted(kid)),
                tr("make a new pair, as this one has been shared, and give its public half"),
                kid,
            )


def _short_rsa_key(situation: Situation) -> Iterator[Violation]:
    """Yield the RSA keys that are shorter than any profile allows."""
    for kid, key in situation.keys.items():
        bits = rsa_bits(key)
        if bits is not None and bits < MINIMUM_RSA_BITS:
            yield Violation(
                tr("key {kid} is an RSA key of {bits} bits", kid=quoted(kid), bits=bits),
                tr("make one of at least {least}", least=MINIMUM_RSA_BITS),
                kid,
            )


def _key_algorithm(situation: Situation) -> Iterator[Violation]:
    """Yield the keys that may sign with an algorithm which the profile does not allow."""
    allowed = situation.limits.algorithms
    for kid, key in situation.keys.items():
        signs_with = algorithms_of(key)
        if allowed is None or not signs_with - allowed:
            continue
        signs = tr(
            "key {kid} has no alg, and may sign with any algorithm of its type", kid=quoted(kid)
        )
        if "alg" in key:
            signs = tr("key {kid} signs with {alg}", kid=quoted(kid), alg=key.get("alg"))
        usable = either(sorted(signs_with & allowed) or sorted(allowed))
        yield Violation(
            signs,
            tr("profile {profile} requires {usable}", profile=situation.profile, usable=usable),
            kid,
        )


def _key_lifetime(situation: Situation) -> Iterator[Violation]:
    """Yield the keys that are valid for longer than the profile allows, by ``exp``, a member that
    OpenID Federation 1.0 §8.7.1 has in seconds since 1970."""
    limits = situation.limits
    last = situation.now + timedelta(days=limits.longest_key_days)
    for kid, key in situation.keys.items():
        exp = key.get("exp")
        if isinstance(exp, int | float):
            if exp > last.timestamp():
                yield Violation(
                    tr(
                        "key {kid} is valid until {exp:%Y-%m-%d}",
                        kid=quoted(kid),
                        exp=datetime.fromtimestamp(exp, UTC),
                    ),
                    tr(
                        "profile {profile} allows {days} days: give it an exp of {last:%Y-%m-%d}"
                        " at the latest",
                        profile=situation.profile,
                        days=limits.longest_key_days,
                        last=last,
                    ),
                    kid,
                )
        elif "exp" in key:
            yield Violation(
                tr("key {kid} has an exp that is no moment", kid=quoted(kid)),
                tr(
                    "profile {profile} allows {days} days: give it an exp in seconds since 1970",
                    profile=situation.profile,
                    days=limits.longest_key_days,
                ),
                kid,
            )
        elif limits.keys_must_expire:
            yield Violation(
                tr("key {kid} has no exp", kid=quoted(kid)),
                tr(
                    "profile {profile} requires one: give the key an end", profile=situation.profile
                ),
                kid,
            )


def _client_secret(situation: Situation) -> Iterator[Violation]:
    """Yield a client that authenticates with a secret where the profile allows none."""
    method = situation.auth_method
    if method in (None, AuthMethod.PRIVATE_KEY_JWT):
        return
    if situation.environment in situation.limits.secret_free:
        yield Violation(
            tr(
                "the client authenticates with {method} on {environment}",
                method=method,
                environment=situation.environment,
            ),
            tr("use {method}", method=AuthMethod.PRIVATE_KEY_JWT),
        )


@dataclass(frozen=True)
class Policy:
    """A rule, by the heading of its section in ``docs/policies.md``."""

    id: str
    title: str
    violations: Callable[[Situation], Iterator[Violation]]


POLICIES = (
    Policy("private-key", "A JWK Set has public keys only", _private_key),
    Policy("short-rsa-key", f"An RSA key has at least {MINIMUM_RSA_BITS} bits", _short_rsa_key),
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
)


def violations(
    situation: Situation, exempted: Collection[str] = ()
) -> Iterator[tuple[Policy, Violation]]:
    """Yield the violations of each policy, with the policy; none of policies whose id is among the
    ``exempted`` ones."""
    for policy in POLICIES:
        if policy.id not in exempted:
            for finding in policy.violations(situation):
                yield policy, finding
