"""Client secrets and passwords, kept as salted scrypt hashes."""

import hashlib
import hmac
import os

# About 5 ms per try on a laptop: a sandbox has secrets that nobody else uses, and its database is
# its user's alone.
_COST, _BLOCK_SIZE, _PARALLELISM = 2**11, 8, 1


def hash_secret(secret: str) -> str:
    """Return the hash of a secret, as `scrypt$<salt>$<hash>`."""
    salt = os.urandom(16)
    return f"scrypt${salt.hex()}${_scrypt(secret, salt).hex()}"


def is_secret(secret: str, hashed: str) -> bool:
    """Return whether `hashed` was made from `secret`."""
    _, salt, digest = hashed.split("$")
    return hmac.compare_digest(_scrypt(secret, bytes.fromhex(salt)).hex(), digest)


def _scrypt(secret: str, salt: bytes) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=salt, n=_COST, r=_BLOCK_SIZE, p=_PARALLELISM)
