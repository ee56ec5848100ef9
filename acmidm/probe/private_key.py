"""The private key that is tried: read from a file, used to sign, never shown, never written."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from acmidm_onboarding.forms.documents import Unreadable, read_text
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, algorithms_of, public_jwk
from acmidm_onboarding.values.problems import Failure, Unusable

ASSERTION_SECONDS = 300
_USUAL = ("RS256", "ES256", "ES384", "ES512", "EdDSA")
"""What each kind of key signs with where nobody says otherwise: RS256 is what works on ACM/IDM."""
_DESCRIBING = ("kid", "alg", "use", "exp")


@dataclass(frozen=True)
class PrivateKey:
    """A key pair. Its text shows nothing of it."""

    public: PublicJwk
    """With the ``kid`` and ``alg`` of the file, where it is a JSON Web Key."""
    _key: JWK = field(repr=False)

    @property
    def alg(self) -> str:
        """What it signs with."""
        return usual_algorithm(self.public)

    def sign(self, payload: str, header: Mapping[str, Any]) -> JWS:
        """Return a signature of the payload; the header has the algorithm."""
        jws = JWS(payload.encode())
        jws.allowed_algs = [str(header["alg"])]
        jws.add_signature(self._key, None, json.dumps(dict(header)))
        return jws

    def assertion(self, client_id: str, audience: str, *, alg: str, kid: str | None, at: float | None = None) -> str:
        """Return a client assertion (RFC 7523 §3) that lives five minutes."""
        now = int(time.time() if at is None else at)
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        header = {"alg": alg, "typ": "JWT", **({"kid": kid} if kid else {})}
        return str(self.sign(json.dumps(claims), header).serialize(compact=True))


def usual_algorithm(key: PublicJwk) -> str:
    """Return what a key signs with, where its ``alg`` does not say so: what is usual for its kind."""
    fitting = algorithms_of(key.members)
    return next((alg for alg in _USUAL if alg in fitting), min(fitting))


def read_private_key(file: Path, passphrase: Callable[[], bytes]) -> PrivateKey:
    """Return the private key in a file: PEM, encrypted or not, or a private JSON Web Key. ``passphrase`` is asked where
    one is needed.

    Raises:
        Failure: with why it cannot be used; nothing of the file is repeated.
    """
    try:
        text = read_text(file)
    except Unreadable as error:
        raise Failure(f"private key {file} {error}") from None
    try:
        if "-----BEGIN" not in text:
            return private_key_of(json.loads(text))
        secret = passphrase() if "ENCRYPTED" in text else None
        return private_key_of(json.loads(JWK.from_pem(text.encode(), secret).export_private()))
    except InvalidJwk as error:
        raise Failure(f"private key {file}: the key {error.reasons[0].sentence}") from None
    except Unusable as error:
        raise Failure(f"private key {file} {error}") from None
    except (
        JWException,
        UnsupportedAlgorithm,
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
        RecursionError,
    ):  # KeyError: its curve
        what = f"private key {file} is no private key, or its passphrase is another"
        raise Failure(f"{what}; give PEM (PKCS#8) or a private JSON Web Key") from None


def private_key_of(members: dict[str, Any]) -> PrivateKey:
    """Return the key pair of a private JSON Web Key. For what it raises see `read_private_key`."""
    key = JWK(**{name: value for name, value in members.items() if name not in (*_DESCRIBING, "key_ops")})
    if key.is_symmetric:
        raise Unusable("is a shared secret, which signs no evidence; give the private key of a pair")
    if not key.has_private:
        raise Unusable("is a public key; give the private one, which stays with you")
    public = public_jwk(
        {**json.loads(key.export_public()), **{name: members[name] for name in _DESCRIBING if members.get(name)}}
    )
    return PrivateKey(public, key)
