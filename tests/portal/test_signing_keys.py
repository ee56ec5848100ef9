"""The portal's own keys: each signs for a time, and every token can be verified with what is published, before and after."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from beheerportaal.oauth.signing import SigningKeys
from beheerportaal.settings import PortalSettings
from beheerportaal.store.database import Database
from beheerportaal.store.opening import open_database
from tests.support.portal import SCOPES

DAY = 24 * 3600
HOUR, LIFETIME = 3600, 30 * DAY


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(tmp_path / "portal.db")
    yield opened
    opened.close()


def kids(keys: SigningKeys) -> list[str]:
    return [str(key.kid) for key in keys.published().keys]


def test_keys_are_renewed_with_overlap(database: Database) -> None:
    """The next one is published a day before it signs, the old one until its last token has ended; two processes agree."""
    settings = PortalSettings.model_validate(
        {"environment": "tni", "platform": "acmidm", "port": 1, "database": database.path, "scopes": SCOPES}
    )
    now = 1_800_000_000.0
    first, second = SigningKeys(settings, database, lambda: now), SigningKeys(settings, database, lambda: now)
    published: list[list[str]] = []
    signed: list[tuple[float, str]] = []
    for _ in range(70 * 24):
        keys = (first, second)[len(signed) % 2]
        (kid,) = [str(key.kid) for key in keys.signing().keys]
        signed.append((now, kid))
        published.append(kids(first))
        assert kids(second) == published[-1]
        now += HOUR
    signers = list(dict.fromkeys(kid for _, kid in signed))
    assert len(signers) == 3
    for position, (_, kid) in enumerate(signed):
        before = 0 if kid == signers[0] else DAY // HOUR - 1
        assert all(kid in there for there in published[max(0, position - before) : position + 2])
    assert all(len(there) <= 2 for there in published)
    starts = [min(at for at, kid in signed if kid == one) for one in signers]
    assert {later - earlier for earlier, later in pairwise(starts)} == {LIFETIME}
