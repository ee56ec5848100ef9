"""A private key: read from a file, used to sign, written as PKCS#8 or JSON Web Key. No message
repeats anything of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
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
from acmidm_onboarding.values.plain import filled, only, without
from acmidm_onboarding.values.problems import Failure, Unusable, on_one_line
from acmidm_onboarding.values.secrecy import is_private_key_or_token

PEM = b"-----BEGIN "
PRIVATE_MARKS = (b"PRIVATE KEY", b"PuTTY-User-Key-File", b"Private-Lines")
RSA_BITS, DAYS = 4096, 365
"""The default size of a new key, and the days until its end."""
SHORTEST_PASSPHRASE = 12
"""Characters. Files with keys get copied, and then the passphrase is all that protects the key."""
_USUAL = ("RS256", "ES256", "ES384", "ES512", "EdDSA")
"""The default algorithm of each kind of key: for RSA, RS256 is what ACM/IDM accepts."""
_DESCRIBING = ("kid", "alg", "use", "exp")
"""Members that describe a key, and are not part of it."""
_PKCS12 = re.compile(
    rb"\x30.{1,5}\x02\x01\x03\x30.{1,5}\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07", re.DOTALL
)
"""RFC 7292 §4: version 3, then the safes as data of PKCS#7."""


class KeyFormat(StrEnum):
    """How a private key is written for an application: as PEM (PKCS#8), or as a JSON Web Key."""

    PKCS8 = "pkcs8"
    JWK = "jwk"

    @property
    def ending(self) -> str:
        """The suffix of such a file."""
        return ".pem" if self is KeyFormat.PKCS8 else ".jwk.json"


@dataclass(frozen=True)
class PrivateKey:
    """A key pair. ``repr`` shows its public half alone."""

    public: PublicJwk
    """The public half, with ``kid`` and ``alg`` where it was read from a JSON Web Key."""
    _key: JWK = field(repr=False)

    @property
    def alg(self) -> str:
        """The algorithm that it signs with."""
        return usual_algorithm(self.public)

    def named(self, kid: str) -> PrivateKey:
        """Return the same key pair with another ``kid``. Raises InvalidJwk for one that no key may
        have."""
        return replace(self, public=public_jwk({**self.public.members, "kid": kid}))

    def content(self, key_format: KeyFormat, passphrase: bytes | None) -> bytes:
        """Return the content of a file with the private key. Only PKCS#8 can be encrypted by a
        passphrase."""
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
        """Return a JWS of a payload, signed by the algorithm ``alg`` of the header."""
        jws = JWS(payload.encode())
        jws.allowed_algs = [str(header["alg"])]
        jws.add_signature(self._key, None, json.dumps(dict(header)))
        return jws

    def assertion(
        self, client_id: str, audience: str, *, alg: str, kid: str | None, at: float | None = None
    ) -> str:
        """Return a client assertion (RFC 7523 §3) for a token endpoint, the ``audience``. ``at`` is
        when it is made, in seconds since 1970; now where it is None."""
        header = {"alg": alg, "typ": "JWT"}
        if kid:
            header["kid"] = kid
        return str(
            self.sign(json.dumps(claims_of(client_id, audience, at)), header).serialize(
                compact=True
            )
        )


def usual_algorithm(key: PublicJwk) -> str:
    """Return the algorithm that a key signs with: its ``alg``, else the default for its kind."""
    fitting = algorithms_of(key.members)  # one, where it has alg
    return next((alg for alg in _USUAL if alg in fitting), min(fitting))


def read_private_key(file: Path, passphrase: Callable[[], bytes]) -> PrivateKey:
    """Return the private key in a file: PEM, DER or a JSON Web Key. ``passphrase`` is called where
    it is encrypted.

    Raises:
        Failure: for a file without a private key that can sign; nothing of the file is repeated.
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
        # All that jwcrypto raises for broken members; KeyError for a curve that it does not know.
        sentence = tr(
            "this is no private key that can be read; give PEM (PKCS#8) or a private JSON Web Key"
        )
    raise Failure(on_one_line(f"{file}: {sentence}"))


def private_key_of(members: dict[str, Any]) -> PrivateKey:
    """Return the key pair of a private JSON Web Key. Raises Unusable for another key, InvalidJwk
    where it may not be registered, and whatever jwcrypto raises for broken members."""
    key = JWK(**without(members, (*_DESCRIBING, "key_ops")))
    if key.is_symmetric:
        raise Unusable(
            tr("this is a shared secret, which signs no evidence; give the private key of a pair")
        )
    if not key.has_private:
        raise Unusable(tr("this is a public key; give the private one, which stays with you"))
    describing = filled(only(members, _DESCRIBING))
    public = public_jwk({**json.loads(key.export_public()), **describing})
    key.get_op_key("sign")  # raises where members are missing, or do not belong together
    return PrivateKey(public, key)


def is_private_key(content: bytes) -> bool:
    """Return whether a file has a private key or a token in it, in any format, encrypted or not."""
    text = content.replace(b"\0", b"")  # so that UTF-16, as Windows writes it, is found too
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
    """Return whether the content of a file begins as JSON; else a key in it is PEM or DER."""
    return content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _members(content: bytes, passphrase: Callable[[], bytes]) -> dict[str, Any]:
    """Return the private key in a file as the members of a JSON Web Key. Raises Unusable where it
    has another key, and what ``open_private_key`` raises."""
    if is_json(content):
        members: dict[str, Any] = json.loads(text_of(content))
        return members
    if PEM in content and b"PRIVATE KEY" not in content:
        raise Unusable(tr("this is a public key; give the private one, which stays with you"))
    return dict(JWK.from_pyca(open_private_key(content, passphrase)).export_private(as_dict=True))


def open_private_key(content: bytes, passphrase: Callable[[], bytes]) -> PrivateKeyTypes:
    """Return the private key in PEM or DER, decrypted where it has to be. Raises Unusable where the
    passphrase does not fit, ValueError or UnsupportedAlgorithm where there is no key that can be
    read, and what ``passphrase`` raises."""
    load = load_pem_private_key if PEM in content else load_der_private_key
    with suppress(TypeError):  # it is encrypted
        return load(content, None)
    try:
        return load(content, passphrase())
    except (TypeError, ValueError):
        raise Unusable(tr("this private key cannot be opened; check its passphrase")) from None
