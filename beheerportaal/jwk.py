"""Which JSON Web Keys (RFC 7517) a client may register: public signing keys that the token endpoint can use.

A refusal names a member, never its value: what someone registers by mistake may be a private key.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK

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
MINIMUM_RSA_BITS = 2048


SENTENCES = {
    "kid_twice": "is also the kid of key {position}; give each key its own",
    "symmetric": "is a symmetric key; register the public key of a key pair",
    "private": "is a private member; register the public key only, and replace this key pair, it has been sent",
    "kid_missing": "is missing; give the key an identifier of its own",
    "use": "is not sig; the key must be one for signatures",
    "key_ops": 'is not ["verify"]; the key must be one for signatures',
    "kty": "is not one of RSA, EC, OKP",
    "crv": "is not a curve that is accepted here; use {curves}",
    "alg": "does not fit the key; use {algorithms}, or leave it out",
    "no_key": "is not a valid {kty} key; its members {members} do not make a key",
    "rsa_bits": "has {bits} bits; an RSA key needs at least {minimum}",
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
    """All that is wrong with a set of keys, each as `{"pointer": "/keys/0/kid", "detail": …}`; empty when nothing is."""
    return [{"pointer": mistake.pointer, "detail": mistake.detail} for mistake in find_mistakes(keys)]


def find_mistakes(keys: Sequence[Mapping[str, Any]]) -> list[Mistake]:
    """The same as they were found, for those who say it in other words."""
    found = [
        replace(mistake, pointer=f"/keys/{position}{mistake.pointer}") for position, key in enumerate(keys) for mistake in _of_key(key)
    ]
    kids = [key.get("kid") for key in keys]
    found += [
        Mistake(f"/keys/{position}/kid", "kid_twice", {"position": kids.index(kid)})
        for position, kid in enumerate(kids)
        if kid is not None and kids.index(kid) < position
    ]
    return found


def private_members(value: Any) -> list[str]:
    """The names of private and symmetric members anywhere in a JSON value, `kty` where it says oct."""
    if isinstance(value, Mapping):
        own = [name for name in _PRIVATE_MEMBERS if name in value] + (["kty"] if value.get("kty") == "oct" else [])
        return own + [name for part in value.values() for name in private_members(part)]
    if isinstance(value, list):
        return [name for part in value for name in private_members(part)]
    return []


def algorithms_of(key: Mapping[str, Any]) -> list[str]:
    """The signature algorithms that fit a key by its type and curve, narrowed by its own `alg` (RFC 7517 §4.4)."""
    return [alg for alg in _fitting(key) if "alg" not in key or key["alg"] == alg]


def _fitting(key: Mapping[str, Any]) -> list[str]:
    kty, crv = key.get("kty"), key.get("crv")
    return next((algs for (kind, curve), algs in _ALGORITHMS.items() if kind == kty and curve in (None, crv)), [])


def _of_key(key: Mapping[str, Any]) -> Iterator[Mistake]:
    if key.get("kty") == "oct":
        yield Mistake("/kty", "symmetric")
        return
    if private := [member for member in _PRIVATE_MEMBERS if member in key]:
        for member in private:
            yield Mistake(f"/{member}", "private")
        return
    if not isinstance(key.get("kid"), str) or not key["kid"]:
        yield Mistake("/kid", "kid_missing")
    if "use" in key and key["use"] != "sig":
        yield Mistake("/use", "use")
    if "key_ops" in key and key["key_ops"] != ["verify"]:
        yield Mistake("/key_ops", "key_ops")
    yield from _of_material(key)


def _of_material(key: Mapping[str, Any]) -> Iterator[Mistake]:
    kty, fitting = key.get("kty"), _fitting(key)
    if kty not in ("RSA", "EC", "OKP"):
        yield Mistake("/kty", "kty")
        return
    if not fitting:
        yield Mistake("/crv", "crv", {"curves": ", ".join(str(curve) for kind, curve in _ALGORITHMS if kind == kty)})
        return
    if "alg" in key and key["alg"] not in fitting:
        yield Mistake("/alg", "alg", {"algorithms": " or ".join(fitting)})
    members = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}[kty]
    try:
        public = JWK(kty=kty, **{member: key.get(member) for member in members}).get_op_key("verify")
    except (JWException, ValueError, TypeError, AttributeError):
        yield Mistake("", "no_key", {"kty": kty, "members": ", ".join(members)})
        return
    if kty == "RSA" and public.key_size < MINIMUM_RSA_BITS:
        yield Mistake("/n", "rsa_bits", {"bits": public.key_size, "minimum": MINIMUM_RSA_BITS})
