"""The keys that sign access tokens, each for a time, with overlap."""

import threading
import time
from collections.abc import Callable
from itertools import pairwise

from joserfc.jwk import KeySet, RSAKey

from beheerportaal.settings import PortalSettings
from beheerportaal.store import signing_keys
from beheerportaal.store.database import Database

# A key is published before it signs, for APIs that keep the keys of before: for so long, as the answer says.
PUBLISHED_BEFORE_SECONDS = 24 * 3600
CACHED_SECONDS = 3600
_LOOK_AGAIN_SECONDS = 60


class SigningKeys:
    """The keys in the database, renewed when their time has come. Safe to share between threads.

    A key is published for a day, signs for its lifetime, and is published on until the last token that it signed has ended.
    """

    def __init__(self, settings: PortalSettings, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._lifetime_seconds = settings.signing_key_lifetime_seconds
        self._token_seconds = settings.access_token_lifetime_seconds
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._look_again_at = float("-inf")
        self._keys = KeySet([])
        self._signing = KeySet([])

    def published(self) -> KeySet:
        """All that verify access tokens: the next one, the one that signs, and those that signed tokens which may be in use."""
        self._renew()
        return self._keys

    def signing(self) -> KeySet:
        """The one that signs now, in a set, so that a token's header names its kid."""
        self._renew()
        return self._signing

    def _renew(self) -> None:
        with self._lock:
            now = self._clock()
            if now < self._look_again_at:
                return
            with self._database.write() as connection:
                keys = signing_keys.everyone(connection)
                if not keys or keys[-1].signs_from + self._lifetime_seconds <= now + PUBLISHED_BEFORE_SECONDS:
                    signing_keys.add(connection, now + PUBLISHED_BEFORE_SECONDS if keys else now)
                    keys = signing_keys.everyone(connection)
                signing = max((key for key in keys if key.signs_from <= now), key=lambda key: key.signs_from)
                # One that another follows signs a while longer in a process that has not looked again.
                ended_by = now - self._token_seconds - 2 * _LOOK_AGAIN_SECONDS
                ended = [one for one, following in pairwise(keys) if following.signs_from < ended_by]
                signing_keys.remove(connection, ended)
            # Importing a private key takes a tenth of a second: each is imported once.
            known = {key.kid: key for key in self._keys.keys}
            kept = {one.kid: known.get(one.kid) or RSAKey.import_key(one.private_jwk) for one in keys if one not in ended}
            self._keys = KeySet(list(kept.values()))
            self._signing = KeySet([kept[signing.kid]])
            self._look_again_at = now + _LOOK_AGAIN_SECONDS
