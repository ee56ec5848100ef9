"""A private key: read from a file, used to sign, written in the format that software reads, never
shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PKCS12KeyAndCertificates,
    load_pkcs12,
    serialize_key_and_certificates,
)
from cryptography.x509 import (
    Certificate,
    CertificateBuilder,
    Name,
    NameAttribute,
    random_serial_number,
)
from cryptography.x509.oid import NameOID
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from acmidm_onboarding.forms.documents import Unreadable, read_bytes, text_of
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.assertion import claims_of
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, algorithms_of, public_jwk
from acmidm_onboarding.values.problems import Failure, Unusable, on_one_line

PEM = b"-----BEGIN "
RSA_BITS, DAYS = 4096, 365
"""How large a new key is, and in how many days it ends where nobody says otherwise."""
SHORTEST_PASSPHRASE = 12
"""Characters: the file with the key is copied one day, and then it is all that protects it."""
_PKCS12_VERSION = b"\x02\x01\x03"
"""RFC 7292 §4: PFX is a sequence that begins with the integer 3."""
_KEY_BAGS = (
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x01",
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02",
)
"""RFC 7292 appendix D: the object identifier that stands before each key of a PKCS#12 file, open or
encrypted."""
_ENDLESS = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""RFC 5280 §4.1.2.5: the end of a certificate that has none."""
_USUAL = ("RS256", "ES256", "ES384", "ES512", "EdDSA")
"""What each kind of key signs with where nobody says otherwise: RS256 is what works on ACM/IDM."""
_DESCRIBING = ("kid", "alg", "use", "exp")


class KeyFormat(StrEnum):
    """What libraries read a private key from."""

    PKCS8 = "pkcs8"
    PKCS1 = "pkcs1"
    JWK = "jwk"
    P12 = "p12"

    @property
    def ending(self) -> str:
        """How the name of such a file ends."""
        return {
            KeyFormat.PKCS8: ".pem",
            KeyFormat.PKCS1: ".rsa.pem",
            KeyFormat.JWK: ".jwk.json",
        }.get(self, ".p12")

    @property
    def takes_passphrase(self) -> bool:
        """Whether libraries read it encrypted; PKCS#1 would also be encrypted badly, with a
        passphrase hashed once."""
        return self in (KeyFormat.PKCS8, KeyFormat.P12)


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

    def named(self, kid: str) -> PrivateKey:
        """Return it with another ``kid``. Raises InvalidJwk."""
        return replace(self, public=public_jwk({**self.public.members, "kid": kid}))

    def content(self, key_format: KeyFormat, passphrase: bytes | None) -> bytes:
        """Return the file of it: of a JSON Web Key with ``kid`` and ``alg``, of PKCS#12 with its
        ``kid`` as alias. Raises Failure."""
        private = self._key.export_private(as_dict=True)
        if key_format is KeyFormat.JWK:
            members = {
                "kid": self.public.kid,
                **private,
                "use": "sig",
                "alg": self.alg,
                **self.public.members,
            }
            return f"{json.dumps(members, indent=2, ensure_ascii=False)}\n".encode()
        if key_format is KeyFormat.PKCS1 and private["kty"] != "RSA":
            raise Failure(say("keys.rsa_alone"))
        key: Any = self._key.get_op_key("sign")
        encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        if key_format is KeyFormat.P12:
            certificate = _certificate(key, self.public)
            return serialize_key_and_certificates(
                self.public.kid.encode(), key, certificate, None, encryption
            )
        structure = (
            PrivateFormat.PKCS8
            if key_format is KeyFormat.PKCS8
            else PrivateFormat.TraditionalOpenSSL
        )
        encoded: bytes = key.private_bytes(Encoding.PEM, structure, encryption)
        return encoded

    def sign(self, payload: str, header: Mapping[str, Any]) -> JWS:
        """Return a signature of the payload; the header has the algorithm."""
        jws = JWS(payload.encode())
        jws.allowed_algs = [str(header["alg"])]
        jws.add_signature(self._key, None, json.dumps(dict(header)))
        return jws

    def assertion(
        self, client_id: str, audience: str, *, alg: str, kid: str | None, at: float | None = None
    ) -> str:
        """Return a client assertion (RFC 7523 §3)."""
        header = {"alg": alg, "typ": "JWT", **({"kid": kid} if kid else {})}
        return str(
            self.sign(json.dumps(claims_of(client_id, audience, at)), header).serialize(
                compact=True
            )
        )


def _certificate(key: Any, public: PublicJwk) -> Certificate:
    """Return a certificate that the key signs itself, without which no keystore has a key; it ends
    with the key."""
    name, ends = (
        Name([NameAttribute(NameOID.COMMON_NAME, public.thumbprint)]),
        public.expires or _ENDLESS,
    )
    builder = CertificateBuilder(name, name, key.public_key(), random_serial_number())
    builder = builder.not_valid_before(min(datetime.now(UTC), ends)).not_valid_after(ends)
    return builder.sign(key, None if isinstance(key, Ed25519PrivateKey) else SHA256())


def usual_algorithm(key: PublicJwk) -> str:
    """Return what a key signs with, where its ``alg`` does not say so: what is usual for its
    kind."""
    fitting = algorithms_of(key.members)
    return next((alg for alg in _USUAL if alg in fitting), min(fitting))


def read_private_key(file: Path, passphrase: Callable[[], bytes]) -> PrivateKey:
    """Return the private key in a file of any format, encrypted or not. ``passphrase`` is called
    where one is needed.

    Raises:
        Failure: with why it cannot be used; nothing of the file is repeated.
    """
    try:
        return private_key_of(_members(read_bytes(file), passphrase))
    except InvalidJwk as error:
        sentence = say("problems.jwk.the_key", sentence=error.reasons[0].sentence)
    except (Unreadable, Unusable) as error:
        sentence = str(error)
    except (
        JWException,
        UnsupportedAlgorithm,
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
        RecursionError,
    ):  # KeyError: its curve
        sentence = say("keys.no_private_key")
    raise Failure(on_one_line(f"{file}: {sentence}"))


def private_key_of(members: dict[str, Any]) -> PrivateKey:
    """Return the key pair of a private JSON Web Key. For what it raises see `read_private_key`."""
    key = JWK(
        **{name: value for name, value in members.items() if name not in (*_DESCRIBING, "key_ops")}
    )
    if key.is_symmetric:
        raise Unusable(say("keys.symmetric"))
    if not key.has_private:
        raise Unusable(say("keys.is_public"))
    public = public_jwk(
        {
            **json.loads(key.export_public()),
            **{name: members[name] for name in _DESCRIBING if members.get(name)},
        }
    )
    key.get_op_key("sign")  # raises where members are missing, or do not belong together
    return PrivateKey(public, key)


def is_json(content: bytes) -> bool:
    """Return whether a file is JSON, if it is a key at all."""
    return content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def is_pkcs12(content: bytes) -> bool:
    """Return whether a file is PKCS#12, if it is a key at all."""
    return content[:1] == b"\x30" and _PKCS12_VERSION in content[:10]


def open_pkcs12(content: bytes, passphrase: Callable[[], bytes]) -> PKCS12KeyAndCertificates:
    """Open a PKCS#12 file; ``passphrase`` is called where one is needed. Raises Unusable."""
    if sum(content.count(bag) for bag in _KEY_BAGS) > 1:  # of which OpenSSL takes the first
        raise Unusable(say("keys.several"))
    try:
        return load_pkcs12(content, None)
    except ValueError:
        secret = passphrase()
    try:
        return load_pkcs12(content, secret)
    except ValueError:
        raise Unusable(say("edit.pkcs12_locked")) from None


def _members(content: bytes, passphrase: Callable[[], bytes]) -> dict[str, Any]:
    """Return the members of the key in a file, as a JSON Web Key has them."""
    if is_json(content):
        members: dict[str, Any] = json.loads(text_of(content))
        return members
    key: PrivateKeyTypes | None = None
    if is_pkcs12(content):
        key = open_pkcs12(content, passphrase).key
    elif PEM not in content or b"PRIVATE KEY" in content:
        key = _open(content, passphrase)
    if key is None:
        raise Unusable(say("keys.is_public"))
    return dict(JWK.from_pyca(key).export_private(as_dict=True))


def _open(content: bytes, passphrase: Callable[[], bytes]) -> PrivateKeyTypes:
    load = load_pem_private_key if PEM in content else load_der_private_key
    try:
        return load(content, None)
    except TypeError:  # it is encrypted
        secret = passphrase()
    try:
        return load(content, secret)
    except (TypeError, ValueError):
        raise Unusable(say("edit.private_key_locked")) from None
