"""Public keys as JSON Web Keys: what may be registered for a client (RFC 7517, RFC 7518 §6, RFC
8037).

A private key never gets past this module. Its members are named, their values never repeated.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import cast

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK

from acmidm_onboarding.texts import N_, ntr, tr, translated
from acmidm_onboarding.values.identifiers import is_visible
from acmidm_onboarding.values.marks import has_mark
from acmidm_onboarding.values.plain import only, without
from acmidm_onboarding.values.problems import Unusable, either, quoted
from acmidm_onboarding.values.secrecy import PRIVATE_MEMBERS, private_members_in

MINIMUM_RSA_BITS = 2048
"""FAPI 2.0 Security Profile §5.4.1."""

_MAXIMUM_RSA_BITS = 16384
"""The largest key that OpenSSL verifies with; to check a signature of a larger one takes
seconds."""

_MAXIMUM_EXPONENT_BITS = 64
"""A longer exponent makes checking a signature slow."""

_REQUIRED_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_OPTIONAL_MEMBERS = ("use", "key_ops", "alg", "kid", "exp")
_KNOWN_MEMBERS = frozenset({"kty", "n", "e", "crv", "x", "y", *_OPTIONAL_MEMBERS})
_MOST_NAMED = 10
_RSA_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_CURVE_ALGORITHMS = {
    "P-256": frozenset({"ES256"}),
    "P-384": frozenset({"ES384"}),
    "P-521": frozenset({"ES512"}),
    "Ed25519": frozenset({"EdDSA", "Ed25519"}),
}
_OCTETS = {"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32}
"""RFC 7518 §6.2.1.2 and RFC 8037 §2: a coordinate has all its octets."""
_CURVES = {"EC": frozenset({"P-256", "P-384", "P-521"}), "OKP": frozenset({"Ed25519"})}
_MAXIMUM_KID_BYTES = 255
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
"""RFC 7515 §2: without padding."""


@dataclass(frozen=True)
class Reason:
    """Why a key is refused: a sentence ``what; what to do`` without its subject, and the member it
    is about."""

    sentence: str
    member: str = "kty"


class InvalidJwk(Unusable, ValueError):
    """A key that may not be registered, with every reason."""

    def __init__(self, *reasons: Reason) -> None:
        self.reasons = reasons
        super().__init__(
            "\n".join(tr("the key {sentence}", sentence=reason.sentence) for reason in reasons)
        )


@dataclass(frozen=True)
class PublicJwk:
    """A public signing key. ``members`` are the registered members alone, ``kid`` among them."""

    kid: str
    members: Mapping[str, object]
    thumbprint: str
    """RFC 7638, SHA-256, base64url: the identity of the key."""

    @property
    def expires(self) -> datetime | None:
        """When the key ends, from its ``exp`` member (seconds since 1970, OpenID Federation 1.0
        §8.7.1)."""
        exp = self.members.get("exp")
        return datetime.fromtimestamp(cast(float, exp), UTC) if exp is not None else None

    def has_ended(self, now: datetime) -> bool:
        return self.expires is not None and self.expires <= now


def members_of(jwks: Mapping[str, PublicJwk]) -> dict[str, dict[str, object]]:
    """Return the members of each key, per ``kid``, as authorities have them."""
    return {kid: dict(key.members) for kid, key in sorted(jwks.items())}


def public_jwk(members: object) -> PublicJwk:
    """Return the public key of a parsed JSON Web Key; without ``kid``, its thumbprint is its
    ``kid``.

    Raises:
        InvalidJwk: with every reason at once.
    """
    if not isinstance(members, dict):
        raise InvalidJwk(
            Reason(tr("is not a JSON object; a JSON Web Key is one object with the member kty"))
        )
    kty = members.get("kty")
    if kty == "oct":
        raise InvalidJwk(
            Reason(tr("is a symmetric key (kty oct); make a key pair and give its public half"))
        )
    _refuse_private(private_members_in(members))
    if "keys" in members:
        raise InvalidJwk(
            Reason(tr("is a JWK Set; put each key of it in a file of its own"), "keys")
        )
    if not isinstance(kty, str) or kty not in _REQUIRED_MEMBERS:
        raise InvalidJwk(Reason(tr("has kty {kty}; use RSA, EC or OKP", kty=_quoted(kty))))
    reasons = [*_reasons_against_material(kty, members), *_reasons_against_use(members)]
    if reasons:
        raise InvalidJwk(*reasons)
    names = ("kty", *_REQUIRED_MEMBERS[kty], *_OPTIONAL_MEMBERS)
    public = {name: members[name] for name in names if members.get(name) is not None}
    try:
        key = JWK(**only(public, ("kty", *_REQUIRED_MEMBERS[kty])))
        key.get_op_key("verify")  # a point that is not on its curve shows only here
        thumbprint = key.thumbprint()
    except (JWException, ValueError, TypeError) as error:
        raise InvalidJwk(
            Reason(tr("has key material that is no valid public key; export it again"))
        ) from error
    kid = cast(str, public.setdefault("kid", thumbprint))
    return PublicJwk(kid=kid, members=public, thumbprint=thumbprint)


def thumbprint_of(members: Mapping[str, object]) -> str | None:
    """Return the thumbprint of any key, even one that may not be registered; None for what has no
    thumbprint."""
    try:
        required = ("kty", *_REQUIRED_MEMBERS[str(members["kty"])])
        return str(JWK(**only(members, required)).thumbprint())
    except (JWException, KeyError, ValueError, TypeError):
        return None


def readable_jwks(jwks: Mapping[str, Mapping[str, object]]) -> dict[str, PublicJwk]:
    """Return the public keys of a client that can be read, by the names that they have there."""
    readable = {}
    for kid, members in jwks.items():
        key = readable_jwk(dict(members))
        if key:
            readable[kid] = key
    return readable


def thumbprints(keys: Iterable[PublicJwk]) -> frozenset[str]:
    return frozenset(key.thumbprint for key in keys)


def by_thumbprint(jwks: Mapping[str, Mapping[str, object]]) -> dict[str, PublicJwk]:
    """Return the public keys of a client that can be read, by thumbprint."""
    return {key.thumbprint: key for key in readable_jwks(jwks).values()}


def without_keys(
    jwks: Mapping[str, Mapping[str, object]], leaving: Container[str]
) -> dict[str, Mapping[str, object]]:
    """Return the public keys of a client but for those whose thumbprints are ``leaving``; one that
    cannot be read stays."""
    keys = readable_jwks(jwks).items()
    return without(jwks, {kid for kid, key in keys if key.thumbprint in leaving})


def readable_jwk(members: object) -> PublicJwk | None:
    """Return the public key as ``public_jwk`` does; None for a key that may not be registered, yet
    an authority may have."""
    try:
        return public_jwk(members)
    except InvalidJwk:
        return None


@lru_cache(maxsize=10_000)
def parse_jwk(text: str) -> PublicJwk:
    """Return the public key in a JSON text. Raises InvalidJwk, or json.JSONDecodeError where it is
    not JSON.

    A key is checked once, though many forms name a supplier's.
    """
    if "PRIVATE KEY-----" in text:
        raise InvalidJwk(
            Reason(
                tr(
                    "is a private key (PEM); make a new pair, as this one has been shared, and"
                    " give its public half alone"
                ),
                "",
            )
        )
    return public_jwk(json.loads(text, object_pairs_hook=without_duplicates))


def algorithms_of(key: Mapping[str, object]) -> frozenset[str]:
    """Return the algorithms that a key may sign with: its ``alg``, else each that fits its type."""
    if isinstance(key.get("alg"), str):
        return frozenset({str(key["alg"])})
    return _fitting_algorithms(key)


def rsa_bits(key: Mapping[str, object]) -> int | None:
    """Return the size of an RSA key: None for a key of another type, 0 where its modulus cannot be
    read."""
    if key.get("kty") != "RSA":
        return None
    modulus = key.get("n")
    if isinstance(modulus, str) and _BASE64URL.fullmatch(modulus):
        return _base64url_bits(modulus)
    return 0


def _fitting_algorithms(key: Mapping[str, object]) -> frozenset[str]:
    if key.get("kty") == "RSA":
        return _RSA_ALGORITHMS
    return _CURVE_ALGORITHMS.get(str(key.get("crv")), frozenset())


def _refuse_private(members: Collection[str]) -> None:
    """Refuse a key that has private ``members``. Raises InvalidJwk."""
    if not members:
        return
    private = sorted(members)
    raise InvalidJwk(
        Reason(
            ntr(
                "contains the private member {members}; make a new pair, as this one has been"
                " shared, and give its public half alone",
                "contains the private members {members}; make a new pair, as this one has been"
                " shared, and give its public half alone",
                len(private),
                members=", ".join(private),
            ),
            private[0],
        )
    )


def without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the members of a JSON object as a mapping. Raises InvalidJwk where one is there
    twice."""
    members = dict(pairs)
    if len(members) < len(pairs):
        _refuse_private(PRIVATE_MEMBERS & members.keys())
        counted = Counter(name for name, _ in pairs)
        twice = sorted(name for name, count in counted.items() if count > 1)
        named = ", ".join(map(_named, twice[:_MOST_NAMED]))
        raise InvalidJwk(
            Reason(tr("has the member {named} twice; keep one", named=named), twice[0])
        )
    return members


def _named(member: str) -> str:
    return member if member in _KNOWN_MEMBERS else quoted(member)


def _reasons_against_each(members: Iterable[str], sentence: str) -> list[Reason]:
    """Return a reason per member; ``sentence`` names it."""
    return [Reason(translated(sentence, name=name), name) for name in members]


def _reasons_against_material(kty: str, members: Mapping[str, object]) -> list[Reason]:
    """Return what is wrong with the members that make the key itself, such as ``n`` and ``e``: the
    first kind of mistake alone."""
    required = _REQUIRED_MEMBERS[kty]
    missing = [name for name in required if not isinstance(members.get(name), str)]
    if missing:
        return [
            Reason(
                tr(
                    "lacks the member {missing} that a key of type {kty} needs; export the public"
                    " key again",
                    missing=", ".join(missing),
                    kty=kty,
                )
            )
        ]
    encoded = {name: cast(str, members[name]) for name in required if name != "crv"}
    garbled = [name for name, text in encoded.items() if not _BASE64URL.fullmatch(text)]
    if garbled:
        return _reasons_against_each(
            garbled, N_("has a member {name} that is not base64url; export the public key again")
        )
    if kty != "RSA":
        crv = members["crv"]
        if crv not in _CURVES[kty]:
            return [
                Reason(
                    tr(
                        "has the curve {crv}; use {curves}",
                        crv=_quoted(crv),
                        curves=either(sorted(_CURVES[kty])),
                    ),
                    "crv",
                )
            ]
    # Another spelling of the same key would have another thumbprint.
    crv = members.get("crv")
    misspelt = [name for name, text in encoded.items() if not _is_only_spelling(text, crv)]
    if misspelt:
        return _reasons_against_each(
            misspelt,
            N_(
                "has a member {name} that is not spelled as RFC 7518 has it; export the public"
                " key again"
            ),
        )
    return _reasons_against_rsa(members) if kty == "RSA" else []


def _reasons_against_rsa(members: Mapping[str, object]) -> list[Reason]:
    """Return what is wrong with the ``n`` and ``e`` of an RSA key whose members can be decoded: the
    first kind of mistake alone."""
    # RFC 7518 §6.3.1.1 allows the shortest spelling alone.
    encoded = {name: cast(str, members[name]) for name in _REQUIRED_MEMBERS["RSA"]}
    padded = [name for name, text in encoded.items() if _bytes(text).startswith(b"\0")]
    if padded:
        return _reasons_against_each(
            padded,
            N_("has a member {name} that starts with a zero byte; export the public key again"),
        )
    bits = rsa_bits(members) or 0
    if bits < MINIMUM_RSA_BITS:
        return [
            Reason(
                tr(
                    "is an RSA key of {bits} bits; make one of at least {least}",
                    bits=bits,
                    least=MINIMUM_RSA_BITS,
                ),
                "n",
            )
        ]
    if bits > _MAXIMUM_RSA_BITS:
        return [
            Reason(
                tr(
                    "is an RSA key of {bits} bits; make one of at most {most}",
                    bits=bits,
                    most=_MAXIMUM_RSA_BITS,
                ),
                "n",
            )
        ]
    if _base64url_bits(cast(str, members["e"])) > _MAXIMUM_EXPONENT_BITS:
        return [
            Reason(
                tr(
                    "has an e of more than {most} bits; make a key with the usual exponent, 65537",
                    most=_MAXIMUM_EXPONENT_BITS,
                ),
                "e",
            )
        ]
    if not _bytes(cast(str, members["n"]))[-1] & 1:
        return [
            Reason(
                tr(
                    "has an even n, which is the modulus of no RSA key; export the public key again"
                ),
                "n",
            )
        ]
    return []


def _reasons_against_use(members: Mapping[str, object]) -> list[Reason]:
    """Return all that is wrong with the members that say what the key is for: ``use``, ``key_ops``,
    ``alg``, ``kid`` and ``exp``. A key may lack each of them."""
    reasons: list[Reason] = []
    use, alg, kid, exp = (members.get(name) for name in ("use", "alg", "kid", "exp"))
    if use not in (None, "sig"):
        reasons.append(
            Reason(
                tr(
                    "has use {use}; a key that authenticates a client has use sig", use=_quoted(use)
                ),
                "use",
            )
        )
    key_ops = members.get("key_ops")
    if key_ops is not None and key_ops != ["verify"]:
        reasons.append(
            Reason(tr('has key_ops other than ["verify"]; correct or remove it'), "key_ops")
        )
    fitting = _fitting_algorithms(members)
    if alg is not None and fitting and not (isinstance(alg, str) and alg in fitting):
        reasons.append(
            Reason(
                tr(
                    "has alg {alg}; this key signs with {fitting}",
                    alg=_quoted(alg),
                    fitting=", ".join(sorted(fitting)),
                ),
                "alg",
            )
        )
    if kid is not None and not _is_kid(kid):
        reasons.append(
            Reason(
                tr(
                    "has a kid that is not a text of 1 to {most} bytes, all of visible characters;"
                    " name it, such as mijn-app-2026",
                    most=_MAXIMUM_KID_BYTES,
                ),
                "kid",
            )
        )
    elif kid is not None and has_mark(cast(str, kid)):
        reasons.append(
            Reason(
                tr(
                    "has a kid that is a mark of the Pulumi engine; name it otherwise, such as"
                    " mijn-app-2026"
                ),
                "kid",
            )
        )
    if exp is not None and not _is_moment(exp):
        reasons.append(
            Reason(
                tr("has an exp that is no moment in seconds since 1970; correct or remove it"),
                "exp",
            )
        )
    return reasons


def _is_kid(value: object) -> bool:
    return (
        isinstance(value, str)
        and is_visible(value)
        and 1 <= len(value.encode()) <= _MAXIMUM_KID_BYTES
    )


def _is_moment(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 < value < datetime(9999, 1, 1, tzinfo=UTC).timestamp()
    )


def _base64url_bits(text: str) -> int:
    """Return the bits of a Base64urlUInt (RFC 7518 §2); 0 where it is none, so that the key is
    refused."""
    return int.from_bytes(_bytes(text)).bit_length()


def _is_only_spelling(text: str, crv: object) -> bool:
    """Return whether a text sets no unused bit after its last octet (RFC 4648 §3.5), and has as
    many octets as the curve."""
    octets = _bytes(text)
    return base64.urlsafe_b64encode(octets).decode().rstrip("=") == text and len(
        octets
    ) == _OCTETS.get(str(crv), len(octets))


def _bytes(text: str) -> bytes:
    """Decode a base64url text; return no bytes where its length is impossible."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""


def _quoted(value: object) -> str:
    if isinstance(value, str):
        return quoted(value)
    return tr("missing") if value is None else tr("that is no text")
