"""Client secrets, kept as salted scrypt hashes; which of them were right is remembered in memory."""

import base64
import hashlib
import hmac
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence

# About 40 ms and 16 MiB per try on a laptop: nothing for a token request, a lot for someone who stole the database.
_COST, _BLOCK_SIZE, _PARALLELISM = 2**14, 8, 1

_MOST_VERIFIED = 10_000


class Verified:
    """The secrets that this process has verified, as an HMAC under a key that only it has. Safe to share between threads.

    A secret belongs to its hash: one that was replaced is known no more, for its hash is looked for no more.
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
