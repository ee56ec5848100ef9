"""The public keys in what people have: a JWK, a JWK Set, a public key in PEM, a certificate, or a PKCS#12 file.

A private key is refused, and nothing of it is repeated. Of a PKCS#12 file (RFC 7292) only the certificate is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from acmidm.key_management.pair import declared
from acmidm_onboarding.model.documents import Unreadable, read_bytes
from acmidm_onboarding.model.jwk import InvalidJwk, PublicJwk, public_jwk
from acmidm_onboarding.model.jwk_set import parse_keys
from acmidm_onboarding.model.policies import Profile
from acmidm_onboarding.model.problems import Failure

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_SHARED = "make a new pair, as this one has been shared, and give its public half alone"
_KNOWN = "give a JWK, a JWK Set, a public key in PEM, a certificate or a PKCS#12 file"
_PEM = b"-----BEGIN "
_PRIVATE_MARKS = (b"PRIVATE KEY", b"PuTTY-User-Key-File", b"Private-Lines")
_PKCS12_VERSION = b"\x02\x01\x03"
"""RFC 7292 §4: PFX is a sequence that begins with the integer 3."""


class NotPublic(Failure):
    """A file with no key that can be registered: why, and what to do. Nothing of the file is repeated."""

    def __init__(self, file: Path, sentence: str) -> None:
        super().__init__(f"{file}: {sentence}")


def keys_in(file: Path, profile: Profile, passphrase: Callable[[], bytes], ends: datetime | None, now: datetime) -> tuple[PublicJwk, ...]:
    """Return the public keys in a file. ``ends`` is when those end that have no end of their own; None leaves them without.

    Raises:
        NotPublic: where there is none, or one that is private, has ended, or cannot be registered.
    """
    try:
        keys = tuple(_keys(file, read_bytes(file), profile, passphrase))
    except Unreadable as error:
        raise NotPublic(file, str(error)) from None
    except InvalidJwk as error:
        raise NotPublic(file, "; ".join(f"the key {reason.sentence}" for reason in error.reasons)) from None
    if not keys:
        raise NotPublic(file, f"there is no key for signatures in it; {_KNOWN}")
    for key in keys:
        if key.expires and key.expires <= now:
            raise NotPublic(file, f"key {key.kid} ended on {key.expires:%Y-%m-%d}; give one that can still be used")
    return tuple(key if key.expires or not ends else public_jwk({**key.members, "exp": int(ends.timestamp())}) for key in keys)


def _keys(file: Path, content: bytes, profile: Profile, passphrase: Callable[[], bytes]) -> tuple[PublicJwk, ...]:
    if any(mark in content for mark in _PRIVATE_MARKS):
        raise NotPublic(file, f"this is a private key; {_SHARED}")
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        try:
            return parse_keys(content.decode("utf-8-sig"))
        except InvalidJwk:
            raise
        except (ValueError, RecursionError):
            raise NotPublic(file, f"this is no JSON that can be read; {_KNOWN}") from None
    if _PEM in content:
        return (_of_pem(file, content, profile),)
    return (_of_der(file, content, profile, passphrase),)


def _of_pem(file: Path, content: bytes, profile: Profile) -> PublicJwk:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from cryptography.x509 import load_pem_x509_certificates

    if b"-----BEGIN CERTIFICATE-----" in content:
        try:
            first, *more = load_pem_x509_certificates(content)
        except ValueError:
            raise NotPublic(file, "this certificate cannot be read; export it again") from None
        if more:
            raise NotPublic(file, f"there are {len(more) + 1} certificates in it; give the one of the key alone")
        return _of_certificate(file, first, profile)
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise NotPublic(file, f"this PEM has no public key that can be read; {_KNOWN}") from None
    return _registered(file, key, profile, None)


def _of_der(file: Path, content: bytes, profile: Profile, passphrase: Callable[[], bytes]) -> PublicJwk:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
    from cryptography.x509 import Certificate, load_der_x509_certificate

    if content[:1] == b"\x30" and _PKCS12_VERSION in content[:10]:
        return _of_pkcs12(file, content, profile, passphrase())
    try:
        load_der_private_key(content, None)
        is_private = True
    except TypeError:  # it is encrypted
        is_private = True
    except Exception:  # whatever it is, it is no private key
        is_private = False
    if is_private:
        raise NotPublic(file, f"this is a private key; {_SHARED}")
    for load in (load_der_x509_certificate, load_der_public_key):
        try:
            found = load(content)
        except (ValueError, UnsupportedAlgorithm):
            continue
        return _of_certificate(file, found, profile) if isinstance(found, Certificate) else _registered(file, found, profile, None)
    raise NotPublic(file, f"this is no key that can be read; {_KNOWN}")


def _of_pkcs12(file: Path, content: bytes, profile: Profile, passphrase: bytes) -> PublicJwk:
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

    try:
        certificate = load_pkcs12(content, passphrase or None).cert
    except ValueError:
        raise NotPublic(file, "this PKCS#12 file cannot be opened; check its passphrase") from None
    if certificate is None:
        raise NotPublic(file, "this PKCS#12 file has no certificate of its key; export it with the certificate")
    return _of_certificate(file, certificate.certificate, profile)


def _of_certificate(file: Path, certificate: Certificate, profile: Profile) -> PublicJwk:
    """The end of a certificate is that of its key."""
    return _registered(file, certificate.public_key(), profile, certificate.not_valid_after_utc)


def _registered(file: Path, key: object, profile: Profile, ends: datetime | None) -> PublicJwk:
    try:
        return declared(key, profile, ends)  # type: ignore[arg-type] # jwcrypto raises for a key of a kind that it does not know
    except InvalidJwk:
        raise
    except Exception as error:
        raise NotPublic(file, "this is a key of a kind that signs no assertion; give an RSA key, or one on P-256") from error
