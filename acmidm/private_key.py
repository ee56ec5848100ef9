"""A private key: read from a file, used to sign, written in the format that software reads, never
shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from acmidm_onboarding.forms.documents import Unreadable, read_bytes, text_of
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.assertion import claims_of
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, algorithms_of, public_jwk
from acmidm_onboarding.values.plain import without
from acmidm_onboarding.values.problems import Failure, Unusable, on_one_line
from acmidm_onboarding.values.secrecy import is_private_key_or_token

PEM = b"-----BEGIN "
PRIVATE_MARKS = (b"PRIVATE KEY", b"PuTTY-User-Key-File", b"Private-Lines")
RSA_BITS, DAYS = 4096, 365
"""How large a new key is, and in how many days it ends where nobody says otherwise."""
SHORTEST_PASSPHRASE = 12
"""Characters: the file with the key is copied one day, and then it is all that protects it."""
_USUAL = ("RS256", "ES256", "ES384", "ES512", "EdDSA")
"""What each kind of key signs with where nobody says otherwise: RS256 is what works on ACM/IDM."""
_DESCRIBING = ("kid", "alg", "use", "exp")
_PKCS12 = re.compile(
    rb"\x30.{1,5}\x02\x01\x03\x30.{1,5}\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07", re.DOTALL
)
"""RFC 7292 §4: version 3, then the safes as data of PKCS#7."""


class KeyFormat(StrEnum):
    """What libraries read a private key from."""

    PKCS8 = "pkcs8"
    JWK = "jwk"

    @property
    def ending(self) -> str:
        """How the name of such a file ends."""
        return ".pem" if self is KeyFormat.PKCS8 else ".jwk.json"


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
        """Return the file of it: PKCS#8 in PEM, or a JSON Web Key with ``kid`` and ``alg``, which
        takes no passphrase."""
        if key_format is KeyFormat.JWK:
            members = {
                "kid": self.public.kid,
                **self._key.export_private(as_dict=True),
                "use": "sig",
                "alg": self.alg,
                **self.public.members,
            }
            return f"{json.dumps(members, indent=2, ensure_ascii=False)}\n".encode()
        key: Any = self._key.get_op_key("sign")
        encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        encoded: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
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
        header = {"alg": alg, "typ": "JWT"}
        if kid:
            header["kid"] = kid
        return str(
            self.sign(json.dumps(claims_of(client_id, audience, at)), header).serialize(
                compact=True
            )
        )


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
        sentence = tr("the key {sentence}", sentence=error.reasons[0].sentence)
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
    ):
        # KeyError: its curve.
        sentence = tr(
            "this is no private key that can be read; give PEM (PKCS#8) or a private JSON Web Key"
        )
    raise Failure(on_one_line(f"{file}: {sentence}"))


def private_key_of(members: dict[str, Any]) -> PrivateKey:
    """Return the key pair of a private JSON Web Key. For what it raises see `read_private_key`."""
    key = JWK(**without(members, (*_DESCRIBING, "key_ops")))
    if key.is_symmetric:
        raise Unusable(
            tr("this is a shared secret, which signs no evidence; give the private key of a pair")
        )
    if not key.has_private:
        raise Unusable(tr("this is a public key; give the private one, which stays with you"))
    public = public_jwk(
        {
            **json.loads(key.export_public()),
            **{name: members[name] for name in _DESCRIBING if members.get(name)},
        }
    )
    key.get_op_key("sign")  # raises where members are missing, or do not belong together
    return PrivateKey(public, key)


def is_private_key(content: bytes) -> bool:
    """Return whether a file has a private key or a token in it, in whatever format, locked or
    not."""
    text = content.replace(b"\0", b"")  # of UTF-16, as Windows writes it
    if any(map(text.__contains__, PRIVATE_MARKS)) or _PKCS12.match(content):
        return True
    if is_private_key_or_token(text.decode("utf-8", "replace")):
        return True
    try:
        load_der_private_key(content, None)
    except TypeError:  # it is encrypted
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def is_json(content: bytes) -> bool:
    """Return whether a file is JSON, if it is a key at all."""
    return content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _members(content: bytes, passphrase: Callable[[], bytes]) -> dict[str, Any]:
    """Return the members of the key in a file, as a JSON Web Key has them."""
    if is_json(content):
        members: dict[str, Any] = json.loads(text_of(content))
        return members
    if PEM in content and b"PRIVATE KEY" not in content:
        raise Unusable(tr("this is a public key; give the private one, which stays with you"))
    return dict(JWK.from_pyca(_open(content, passphrase)).export_private(as_dict=True))


def _open(content: bytes, passphrase: Callable[[], bytes]) -> PrivateKeyTypes:
    load = load_pem_private_key if PEM in content else load_der_private_key
    try:
        return load(content, None)
    except TypeError:  # it is encrypted
        secret = passphrase()
    try:
        return load(content, secret)
    except (TypeError, ValueError):
        raise Unusable(tr("this private key cannot be opened; check its passphrase")) from None
