"""Which JSON Web Keys (RFC 7517) a client may register: public signing keys that the token endpoint
can use.

A refusal names a member, never its value: what someone registers by mistake may be a private key.
Of a key that is registered, the members of `REGISTERED` are kept, and nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from acmidm_sandbox.beheerportaal.limits import (
    LONGEST_KEY_MEMBER,
    LONGEST_KID,
    MAXIMUM_EXPONENT_BITS,
    MAXIMUM_RSA_BITS,
    MINIMUM_RSA_BITS,
)
from acmidm_sandbox.beheerportaal.untrusted import visible

# RFC 7518 §6 and RFC 8037 §2: what may be in a private or symmetric key only.
_PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_ALGORITHMS: dict[tuple[str, str | None], list[str]] = {
    ("RSA", None): ["PS256", "PS384", "PS512", "RS256", "RS384", "RS512"],
    ("EC", "P-256"): ["ES256"],
    ("EC", "P-384"): ["ES384"],
    ("EC", "P-521"): ["ES512"],
    ("OKP", "Ed25519"): ["Ed25519", "EdDSA"],
}
SIGNING_ALGORITHMS = sorted(set().union(*_ALGORITHMS.values()))
_MATERIAL = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
# RFC 7518 §6.2.1.2 and RFC 8037 §2: a coordinate has all its octets.
_OCTETS = {"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32}
_LATEST = 253402300799  # the last second of the year 9999


def _is_moment(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LATEST


def _is_kid(value: Any) -> bool:
    try:
        return (
            isinstance(value, str)
            and 0 < len(value.encode()) <= LONGEST_KID
            and bool(visible(value))
        )
    except ValueError:
        return False


# The registered members (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2, OpenID Federation 1.0 §8.7.1) that
# say something here. Without those of certificates (x5u, x5c, x5t): nothing here follows or
# verifies one, so they would only lie there.
REGISTERED = ("kty", "crv", "n", "e", "x", "y", "use", "alg", "kid", "key_ops", "exp", "nbf", "iat")

SENTENCES = {
    "kid_twice": "is also the kid of key {position}; give each key its own",
    "symmetric": "is a symmetric key; register the public key of a key pair",
    "private": (
        "is a private member; register the public key only, and replace this key pair, it has been"
        " sent"
    ),
    "holds_private": (
        "holds the private member {private}; register the public key only, and replace this key"
        " pair, it has been sent"
    ),
    "kid_missing": "is missing; give the key an identifier of its own",
    "kid": (
        "is no text of 1 to {longest} bytes, all of characters that can be seen; give the key"
        " another identifier"
    ),
    "use": "is not sig; the key must be one for signatures",
    "key_ops": 'is not ["verify"]; the key must be one for signatures',
    "kty": "is not one of RSA, EC, OKP",
    "crv": "is not a curve that is accepted here; use {curves}",
    "alg": "does not fit the key; use {algorithms}, or leave it out",
    "moment": "is no time in seconds since 1970; correct it, or leave it out",
    "revoked": "says that the key was revoked; register another key",
    "no_key": "is not a valid {kty} key; its members {members} do not make a key",
    "exponent": "has more than {maximum} bits; make an RSA key with the usual exponent, 65537",
    "rsa_bits": "has {bits} bits; an RSA key needs at least {minimum}, and at most {maximum}",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a key: `code` is one of `SENTENCES`, whose blanks `values` fills."""

    pointer: str
    code: str
    values: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        """The sentence, which goes on after the pointer."""
        return SENTENCES[self.code].format(**self.values)


def mistakes(keys: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return all that is wrong with a set of keys, each as `{"pointer": "/keys/0/kid", "detail":
    …}`."""
    return [
        {"pointer": mistake.pointer, "detail": mistake.detail} for mistake in find_mistakes(keys)
    ]


def find_mistakes(keys: Sequence[Mapping[str, Any]]) -> list[Mistake]:
    """Return the mistakes themselves, for pages that put them in other words."""
    mistakes = []
    for position, key in enumerate(keys):
        for mistake in _of_key(key):
            pointer = f"/keys/{position}{mistake.pointer}"
            mistakes.append(replace(mistake, pointer=pointer))
    kids = [key.get("kid") for key in keys]
    mistakes += [
        Mistake(f"/keys/{position}/kid", "kid_twice", {"position": kids.index(kid)})
        for position, kid in enumerate(kids)
        if kid is not None and kids.index(kid) < position
    ]
    return mistakes


def registered(key: Mapping[str, Any]) -> dict[str, Any]:
    """Return the registered members of a key without mistakes, which are all that is kept."""
    return {name: key[name] for name in REGISTERED if name in key}


def thumbprint(key: Mapping[str, Any]) -> str:
    """Return the SHA-256 thumbprint (RFC 7638) of a key without mistakes: its identity."""
    return _imported(key).thumbprint()


def is_in_time(key: Mapping[str, Any], now: float) -> bool:
    """Return whether a key may be used at a time in seconds since 1970."""
    return bool(key.get("nbf", 0) <= now < key.get("exp", float("inf")))


def private_members(value: Any) -> list[str]:
    """Return the names of private and symmetric members anywhere in a JSON value, `kty` where it
    says oct."""
    if isinstance(value, Mapping):
        names = [name for name in _PRIVATE_MEMBERS if name in value]
        if value.get("kty") == "oct":
            names.append("kty")
        parts: Iterable[Any] = value.values()
    elif isinstance(value, list):
        names, parts = [], value
    else:
        return []
    for part in parts:
        names += private_members(part)
    return names


def algorithms_of(key: Mapping[str, Any]) -> list[str]:
    """Return the signature algorithms that fit a key by its type and curve, narrowed by its own
    `alg` (RFC 7517 §4.4)."""
    return [alg for alg in _fitting(key) if "alg" not in key or key["alg"] == alg]


def _fitting(key: Mapping[str, Any]) -> list[str]:
    for (kty, crv), algorithms in _ALGORITHMS.items():
        if key.get("kty") == kty and crv in (None, key.get("crv")):
            return algorithms
    return []


def _of_key(key: Mapping[str, Any]) -> Iterator[Mistake]:
    if key.get("kty") == "oct":
        yield Mistake("/kty", "symmetric")
        return
    if private := [member for member in _PRIVATE_MEMBERS if member in key]:
        for member in private:
            yield Mistake(f"/{member}", "private")
        return
    if private := sorted(set(private_members(key))):
        yield Mistake("", "holds_private", {"private": ", ".join(private)})
        return
    yield from _of_use(key)
    yield from _of_material(key)


def _of_use(key: Mapping[str, Any]) -> Iterator[Mistake]:
    if key.get("kid") in (None, ""):
        yield Mistake("/kid", "kid_missing")
    elif not _is_kid(key["kid"]):
        yield Mistake("/kid", "kid", {"longest": LONGEST_KID})
    if "use" in key and key["use"] != "sig":
        yield Mistake("/use", "use")
    if "key_ops" in key and key["key_ops"] != ["verify"]:
        yield Mistake("/key_ops", "key_ops")
    for name in ("exp", "nbf", "iat"):
        if name in key and not _is_moment(key[name]):
            yield Mistake(f"/{name}", "moment")
    if "revoked" in key:
        yield Mistake("/revoked", "revoked")


def _of_material(key: Mapping[str, Any]) -> Iterator[Mistake]:
    kty, fitting = key.get("kty"), _fitting(key)
    if not isinstance(kty, str) or kty not in _MATERIAL:
        yield Mistake("/kty", "kty")
        return
    if not fitting:
        yield Mistake(
            "/crv",
            "crv",
            {"curves": ", ".join(str(curve) for kind, curve in _ALGORITHMS if kind == kty)},
        )
        return
    if "alg" in key and key["alg"] not in fitting:
        yield Mistake("/alg", "alg", {"algorithms": " or ".join(fitting)})
    members = _MATERIAL[kty]
    no_key = Mistake("", "no_key", {"kty": kty, "members": ", ".join(members)})
    if not all(
        _is_spelled_right(key.get(member), None if kty == "RSA" else _OCTETS[key["crv"]])
        for member in members
        if member != "crv"
    ):
        yield no_key
        return
    if kty == "RSA" and len(urlsafe_b64decode(key["e"].encode())) * 8 > MAXIMUM_EXPONENT_BITS:
        yield Mistake("/e", "exponent", {"maximum": MAXIMUM_EXPONENT_BITS})
        return
    try:
        public = _imported(key).raw_value
    except (JoseError, ValueError):
        yield no_key
        return
    if not isinstance(public, RSAPublicKey):
        return
    if not public.public_numbers().n & 1:
        yield no_key
    elif not MINIMUM_RSA_BITS <= public.key_size <= MAXIMUM_RSA_BITS:
        limits = {"minimum": MINIMUM_RSA_BITS, "maximum": MAXIMUM_RSA_BITS}
        yield Mistake("/n", "rsa_bits", {"bits": public.key_size, **limits})


def _imported(key: Mapping[str, Any]) -> Key:
    """Return the key as the token endpoint's library has it, which raises what makes no key."""
    return import_key({name: key[name] for name in ("kty", *_MATERIAL[key["kty"]])})


def _is_spelled_right(value: Any, size: int | None) -> bool:
    """Return whether this is the one spelling of a number: another one would be another thumbprint
    of the same key.

    RFC 7515 §2 (no padding); of a given number of octets, else the shortest (RFC 7518 §2 and
    §6.3.1.1).
    """
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_KEY_MEMBER:
        return False
    try:
        decoded = urlsafe_b64decode(value.encode())
    except ValueError:
        return False
    return urlsafe_b64encode(decoded) == value.encode() and (
        decoded[:1] != b"\0" if size is None else len(decoded) == size
    )
