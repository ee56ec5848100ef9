"""Client secrets, kept as salted scrypt hashes."""

import base64
import hashlib
import hmac
import os

# About 40 ms and 16 MiB per try on a laptop: nothing for a token request, a lot for someone who stole the database.
_COST, _BLOCK_SIZE, _PARALLELISM = 2**14, 8, 1


def hash_secret(secret: str) -> str:
    """`scrypt$<n>$<r>$<p>$<salt>$<hash>`, so that the cost can be raised later."""
    salt = os.urandom(16)
    digest = _scrypt(secret, salt, _COST, _BLOCK_SIZE, _PARALLELISM)
    return _written(_COST, _BLOCK_SIZE, _PARALLELISM, salt, digest)


def is_secret(secret: str, hashed: str) -> bool:
    """Whether `hashed` was made from `secret`; takes the same time either way."""
    _, cost, block_size, parallelism, salt, digest = hashed.split("$")
    found = _scrypt(secret, base64.b64decode(salt), int(cost), int(block_size), int(parallelism))
    return hmac.compare_digest(found, base64.b64decode(digest))


def _written(cost: int, block_size: int, parallelism: int, salt: bytes, digest: bytes) -> str:
    return f"scrypt${cost}${block_size}${parallelism}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _scrypt(secret: str, salt: bytes, cost: int, block_size: int, parallelism: int) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=salt, n=cost, r=block_size, p=parallelism)


# The hash of nobody's secret: checking against it takes as long as against somebody's.
NOBODYS = _written(_COST, _BLOCK_SIZE, _PARALLELISM, os.urandom(16), os.urandom(64))
