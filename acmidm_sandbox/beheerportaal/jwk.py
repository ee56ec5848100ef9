"""Which JSON Web Keys (RFC 7517) a client may register: public signing keys that the token endpoint
can use.

A refusal names a member, never its value: what someone registers by mistake may be a private key.
Of a key that is registered, the members of `REGISTERED` are kept, and nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from joserfc.errors import InvalidKeyTypeError, JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from acmidm_sandbox.beheerportaal.limits import (
    LONGEST_KEY_MEMBER,
    LONGEST_KID,
    MAXIMUM_EXPONENT_BITS,
    MAXIMUM_RSA_BITS,
    MINIMUM_RSA_BITS,
)
from acmidm_sandbox.beheerportaal.untrusted import require_visible

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
_KINDS: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_LATEST = 253402300799  # the last second of the year 9999

# The registered members (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2, OpenID Federation 1.0 §8.7.1) that
# say something here. Without those of certificates (x5u, x5c, x5t): nothing here follows or
# verifies one, so they would only lie there.
REGISTERED = ("kty", "crv", "n", "e", "x", "y", "use", "alg", "kid", "key_ops", "exp", "nbf", "iat")

SENTENCES = {
    "kid_twice": "is also the kid of key {position}; give each key its own",
    "private": (
        "is private or symmetric; register the public key only, and replace this key pair, it has"
        " been sent"
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
class KeyMistake:
    """What is wrong with a key: `code` is a name in `SENTENCES`, whose blanks `values` fills."""

    pointer: str
    code: str
    values: Mapping[str, str | int] = field(default_factory=dict)


def mistakes_in_keys(keys: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return all that is wrong with a set of keys, as the errors of a refusal: `{"pointer":
    "/keys/0/kid", "detail": "is missing; …"}`."""
    errors = []
    for mistake in find_key_mistakes(keys):
        detail = SENTENCES[mistake.code].format(**mistake.values)
        errors.append({"pointer": mistake.pointer, "detail": detail})
    return errors


def find_key_mistakes(keys: Sequence[Mapping[str, Any]]) -> Iterator[KeyMistake]:
    """Yield all that is wrong with a set of keys, for pages, which have sentences of their own."""
    for position, key in enumerate(keys):
        for mistake in _mistakes_in_key(key):
            yield replace(mistake, pointer=f"/keys/{position}{mistake.pointer}")
    kids = [key.get("kid") for key in keys]
    for position, kid in enumerate(kids):
        first = kids.index(kid)
        if kid is not None and first < position:
            yield KeyMistake(f"/keys/{position}/kid", "kid_twice", {"position": first})


def registered_members(key: Mapping[str, Any]) -> dict[str, Any]:
    """Return a key with its members in `REGISTERED` alone: the others are not kept."""
    return {name: key[name] for name in REGISTERED if name in key}


def jwk_of_pem(text: str) -> dict[str, Any]:
    """Return a public key in PEM as a JWK, with its thumbprint as kid. Raises ValueError, JoseError
    or UnsupportedAlgorithm."""
    for kind in _KINDS.values():
        # Another kind of key; KeyError: a curve that no JWK can name.
        with suppress(InvalidKeyTypeError, KeyError):
            key = kind.import_key(text)
            key.ensure_kid()
            return dict(key.as_dict(private=False))
    raise ValueError("a key of another kind, or on a curve that no JWK has")


def thumbprint(key: Mapping[str, Any]) -> str:
    """Return the SHA-256 thumbprint (RFC 7638) of a key without mistakes: its identity."""
    return _import_key(key).thumbprint()


def is_in_time(key: Mapping[str, Any], now: float) -> bool:
    """Return whether a key may be used at a time in seconds since 1970."""
    return bool(key.get("nbf", 0) <= now < key.get("exp", float("inf")))


def private_members(value: Any, pointer: str = "") -> Iterator[str]:
    """Yield a JSON Pointer to each private member of a key, however deep in a JSON value: to `d`
    and the like, and to a `kty` that says oct, of a symmetric key."""
    if isinstance(value, list):
        value = dict(enumerate(value))  # a pointer has the position as a name
    if not isinstance(value, Mapping):
        return
    if value.get("kty") == "oct":
        yield f"{pointer}/kty"
    for name in _PRIVATE_MEMBERS:
        if name in value:
            yield f"{pointer}/{name}"
    for name, part in value.items():
        escaped = str(name).replace("~", "~0").replace("/", "~1")
        yield from private_members(part, f"{pointer}/{escaped}")


def algorithms_of(key: Mapping[str, Any]) -> list[str]:
    """Return the algorithms that fit a key by its type, its curve and its `alg` (RFC 7517 §4.4)."""
    return [alg for alg in _fitting_algorithms(key) if key.get("alg", alg) == alg]


def _fitting_algorithms(key: Mapping[str, Any]) -> list[str]:
    """Return the algorithms of a key's type and curve; none where these are not accepted here."""
    for (kty, crv), algorithms in _ALGORITHMS.items():
        if key.get("kty") == kty and crv in (None, key.get("crv")):
            return algorithms
    return []


def _mistakes_in_key(key: Mapping[str, Any]) -> Iterator[KeyMistake]:
    """Yield what is wrong with one key. Of a key with private members nothing else is looked at."""
    pointers = list(private_members(key))
    for pointer in pointers:
        yield KeyMistake(pointer, "private")
    if not pointers:
        yield from _mistakes_in_use(key)
        yield from _mistakes_in_material(key)


def _mistakes_in_use(key: Mapping[str, Any]) -> Iterator[KeyMistake]:
    """Yield what is wrong with a key's name, its purpose and its times."""
    kid = key.get("kid")
    if kid in (None, ""):
        yield KeyMistake("/kid", "kid_missing")
    elif not _is_kid(kid):
        yield KeyMistake("/kid", "kid", {"longest": LONGEST_KID})
    if key.get("use", "sig") != "sig":
        yield KeyMistake("/use", "use")
    if key.get("key_ops", ["verify"]) != ["verify"]:
        yield KeyMistake("/key_ops", "key_ops")
    for name in ("exp", "nbf", "iat"):
        if not _is_moment(key.get(name, 0)):
            yield KeyMistake(f"/{name}", "moment")
    if "revoked" in key:
        yield KeyMistake("/revoked", "revoked")


def _mistakes_in_material(key: Mapping[str, Any]) -> Iterator[KeyMistake]:
    """Yield what is wrong with a key's type, curve, algorithm and numbers, in this order. A wrong
    type or curve hides all after it, a wrong algorithm nothing."""
    kty, fitting = key.get("kty"), _fitting_algorithms(key)
    if not isinstance(kty, str) or kty not in _KINDS:
        yield KeyMistake("/kty", "kty")
        return
    if not fitting:
        curves = ", ".join(str(curve) for kind, curve in _ALGORITHMS if kind == kty)
        yield KeyMistake("/crv", "crv", {"curves": curves})
        return
    if key.get("alg", fitting[0]) not in fitting:
        yield KeyMistake("/alg", "alg", {"algorithms": " or ".join(fitting)})
    members = ", ".join(_public_members(kty))
    no_key = KeyMistake("", "no_key", {"kty": kty, "members": members})
    try:
        imported = _import_key(key)
    except (JoseError, ValueError):
        yield no_key
        return
    usual = imported.binding.convert_raw_key_to_dict(imported.raw_value, private=False)
    # The same numbers written otherwise would give the same key another thumbprint.
    if not usual.items() <= key.items():
        yield no_key
    elif isinstance(imported, RSAKey):
        yield from _mistakes_in_rsa_numbers(imported, no_key)


def _mistakes_in_rsa_numbers(key: RSAKey, no_key: KeyMistake) -> Iterator[KeyMistake]:
    """Yield what is wrong with the exponent, else with the modulus: one that is even gives
    `no_key`, one too short or too long a mistake in `n`."""
    numbers, bits = key.public_key.public_numbers(), key.public_key.key_size
    if numbers.e.bit_length() > MAXIMUM_EXPONENT_BITS:
        yield KeyMistake("/e", "exponent", {"maximum": MAXIMUM_EXPONENT_BITS})
    elif numbers.n % 2 == 0:
        yield no_key
    elif not MINIMUM_RSA_BITS <= bits <= MAXIMUM_RSA_BITS:
        limits = {"minimum": MINIMUM_RSA_BITS, "maximum": MAXIMUM_RSA_BITS}
        yield KeyMistake("/n", "rsa_bits", {"bits": bits, **limits})


def _import_key(key: Mapping[str, Any]) -> RSAKey | ECKey | OKPKey:
    """Return joserfc's key of a JWK. Raises ValueError or JoseError where its members make none."""
    kty = key["kty"]
    names = ("kty", *_public_members(kty))
    members = {name: key[name] for name in names if name in key}
    if any(len(str(value)) > LONGEST_KEY_MEMBER for value in members.values()):
        raise ValueError("a member is too long")
    return _KINDS[kty].import_key(members)


def _public_members(kty: str) -> list[str]:
    """Return the members that make a public key of a type, besides kty: n and e of an RSA key."""
    return [name for name, member in _KINDS[kty].value_registry.items() if member.required]


def _is_moment(value: Any) -> bool:
    """Return whether a value is a time in seconds since 1970, until the year 9999."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LATEST


def _is_kid(value: Any) -> bool:
    """Return whether a value is a text of no more than 255 bytes that can be seen."""
    try:
        return len(value.encode()) <= LONGEST_KID and bool(require_visible(value))
    except (AttributeError, ValueError):
        return False
