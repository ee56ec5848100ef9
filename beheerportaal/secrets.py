"""Client secrets and passwords, kept as salted scrypt hashes."""

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence

# About 5 ms per try on a laptop: a sandbox has secrets that nobody else uses, and its database is its user's alone.
_COST, _BLOCK_SIZE, _PARALLELISM = 2**11, 8, 1


def hash_secret(secret: str, beside: str | None = None) -> str:
    """`scrypt$<n>$<r>$<p>$<salt>$<hash>`, so that the cost can be raised later.

    `beside` is the hash of another secret of the same client. With its salt and cost, one computation compares a guess with both.
    """
    if beside is not None:
        return _like(secret, beside)
    salt = os.urandom(16)
    digest = _scrypt(secret, salt, _COST, _BLOCK_SIZE, _PARALLELISM)
    return _written(_COST, _BLOCK_SIZE, _PARALLELISM, salt, digest)


def is_secret(secret: str, hashed: str) -> bool:
    """Whether `hashed` was made from `secret`; takes the same time either way."""
    return find_hash(secret, [hashed]) is not None


def find_hash(secret: str, hashes: Sequence[str]) -> str | None:
    """Which of a client's hashes, made beside each other, is that of `secret`; takes the same time for one, two, and none that matches."""
    found = _like(secret, hashes[0])
    matching = [hashed for hashed in hashes if hmac.compare_digest(found, hashed)]
    return matching[0] if matching else None


def _like(secret: str, hashed: str) -> str:
    """The hash of a secret, made as another one was."""
    _, cost, block_size, parallelism, salt, _ = hashed.split("$")
    how = int(cost), int(block_size), int(parallelism), base64.b64decode(salt)
    return _written(*how, _scrypt(secret, how[3], *how[:3]))


def _written(cost: int, block_size: int, parallelism: int, salt: bytes, digest: bytes) -> str:
    return f"scrypt${cost}${block_size}${parallelism}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _scrypt(secret: str, salt: bytes, cost: int, block_size: int, parallelism: int) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=salt, n=cost, r=block_size, p=parallelism)


# The hash of nobody's secret: checking against it takes as long as against somebody's.
NOBODYS = _written(_COST, _BLOCK_SIZE, _PARALLELISM, os.urandom(16), os.urandom(64))
