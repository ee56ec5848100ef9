"""Client secrets, kept as salted scrypt hashes; which of them were right is remembered in memory."""

import base64
import hashlib
import hmac
import os
import threading
from collections import OrderedDict

# About 40 ms and 16 MiB per try on a laptop: nothing for a token request, a lot for someone who stole the database.
_COST, _BLOCK_SIZE, _PARALLELISM = 2**14, 8, 1

_MOST_VERIFIED = 10_000


class Verified:
    """The secrets that this process has verified, as an HMAC under a key that only it has. Safe to share between threads.

    A secret belongs to its hash, which has a random salt: one that was replaced is known no more.
    """

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._lock = threading.Lock()
        self._marks: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, secret_and_hash: tuple[str, str]) -> bool:
        """Whether this secret was found to be that of this hash."""
        with self._lock:
            return self._mark(*secret_and_hash) in self._marks

    def add(self, secret: str, hashed: str) -> None:
        """Remembers that the secret is that of the hash."""
        with self._lock:
            self._marks[self._mark(secret, hashed)] = None
            while len(self._marks) > _MOST_VERIFIED:
                self._marks.popitem(last=False)

    def _mark(self, secret: str, hashed: str) -> bytes:
        return hmac.digest(self._key, f"{hashed}\0{secret}".encode(), "sha256")


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
