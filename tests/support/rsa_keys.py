"""RSA keys of tests: to make one takes long, so all tests in a clone have the same, by name."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from hashlib import sha256
from tempfile import NamedTemporaryFile
from typing import Unpack

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc.jwk import KeyParameters, RSAKey

from toolchain.common import LOCAL

_KEYS = LOCAL / "test-keys"


@cache
def rsa_pem(name: str, size: int = 2048) -> bytes:
    """Return the private key of a name, as PKCS #8."""
    _KEYS.mkdir(parents=True, exist_ok=True)
    file = _KEYS / f"{sha256(name.encode()).hexdigest()}.{size}.pem"
    if not file.exists():
        with NamedTemporaryFile(dir=_KEYS) as new, suppress(FileExistsError):
            new.write(_new_pem(size))
            new.flush()
            file.hardlink_to(new.name)  # of two workers the first has made it
    return file.read_bytes()


def rsa_key(name: str, **parameters: Unpack[KeyParameters]) -> RSAKey:
    """Return the key of a name, with these members besides."""
    return RSAKey.import_key(rsa_private_key(name), parameters)


def rsa_private_key(name: str, size: int = 2048) -> rsa.RSAPrivateKey:
    """Return the key of a name, as the library of OpenSSL has it. It is not checked, which takes
    as long as to make one."""
    key = load_pem_private_key(rsa_pem(name, size), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _new_pem(size: int) -> bytes:
    key = rsa.generate_private_key(65537, size)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
