"""Which JSON Web Keys (RFC 7517) a client may register: public signing keys that the token endpoint can use.

A refusal names a member, never its value: what someone registers by mistake may be a private key.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK

# RFC 7518 §6 and RFC 8037 §2: what may be in a private or symmetric key only.
_PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_ALGORITHMS: dict[tuple[str, str | None], list[str]] = {
    ("RSA", None): ["PS256", "RS256"],
    ("EC", "P-256"): ["ES256"],
    ("EC", "P-384"): ["ES384"],
    ("OKP", "Ed25519"): ["Ed25519", "EdDSA"],
}
SIGNING_ALGORITHMS = sorted(set().union(*_ALGORITHMS.values()))
MINIMUM_RSA_BITS = 2048


def mistakes(keys: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """All that is wrong with a set of keys, each as `{"pointer": "/keys/0/kid", "detail": …}`; empty when nothing is."""
    found = [
        {"pointer": f"/keys/{position}{place}", "detail": detail} for position, key in enumerate(keys) for place, detail in _of_key(key)
    ]
    kids = [key.get("kid") for key in keys]
    found += [
        {"pointer": f"/keys/{position}/kid", "detail": f"is also the kid of key {kids.index(kid)}; give each key its own"}
        for position, kid in enumerate(kids)
        if kid is not None and kids.index(kid) < position
    ]
    return found


def algorithms_of(key: Mapping[str, Any]) -> list[str]:
    """The signature algorithms that fit a key by its type and curve, narrowed by its own `alg` (RFC 7517 §4.4)."""
    return [alg for alg in _fitting(key) if "alg" not in key or key["alg"] == alg]


def _fitting(key: Mapping[str, Any]) -> list[str]:
    kty, crv = key.get("kty"), key.get("crv")
    return next((algs for (kind, curve), algs in _ALGORITHMS.items() if kind == kty and curve in (None, crv)), [])


def _of_key(key: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if key.get("kty") == "oct":
        yield "/kty", "is a symmetric key; register the public key of a key pair"
        return
    if private := [member for member in _PRIVATE_MEMBERS if member in key]:
        for member in private:
            yield f"/{member}", "is a private member; register the public key only, and replace this key pair, it has been sent"
        return
    if not isinstance(key.get("kid"), str) or not key["kid"]:
        yield "/kid", "is missing; give the key an identifier of its own"
    if "use" in key and key["use"] != "sig":
        yield "/use", "is not sig; the key must be one for signatures"
    if "key_ops" in key and key["key_ops"] != ["verify"]:
        yield "/key_ops", 'is not ["verify"]; the key must be one for signatures'
    yield from _of_material(key)


def _of_material(key: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kty, fitting = key.get("kty"), _fitting(key)
    if kty not in ("RSA", "EC", "OKP"):
        yield "/kty", "is not one of RSA, EC, OKP"
        return
    if not fitting:
        curves = ", ".join(str(curve) for kind, curve in _ALGORITHMS if kind == kty)
        yield "/crv", f"is not a curve that is accepted here; use {curves}"
        return
    if "alg" in key and key["alg"] not in fitting:
        yield "/alg", f"does not fit the key; use {' or '.join(fitting)}, or leave it out"
    members = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}[kty]
    try:
        public = JWK(kty=kty, **{member: key.get(member) for member in members}).get_op_key("verify")
    except (JWException, ValueError, TypeError, AttributeError):
        yield "", f"is not a valid {kty} key; its members {', '.join(members)} do not make a key"
        return
    if kty == "RSA" and public.key_size < MINIMUM_RSA_BITS:
        yield "/n", f"has {public.key_size} bits; an RSA key needs at least {MINIMUM_RSA_BITS}"
