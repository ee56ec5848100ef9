"""The one rule of rotation: when a usable key may leave a client's JWK Set.

A usable key leaves only where another usable key stays that has been there for the overlap, and
that was proven or seen in use. From it follows that the last usable key never leaves, and that not
all are replaced at once. An expired key leaves freely. So does a compromised one, whatever that
breaks: it is worth more to whoever stole it (login.gov's order: add, confirm, remove).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from acmidm_onboarding.texts import N_, ntr, tr, translated
from acmidm_onboarding.values.problems import both, listed, quoted

EVER = datetime.fromtimestamp(0, UTC)
"""Since when a key has been there of which nobody recorded it."""


@dataclass(frozen=True)
class RegisteredKey:
    """A key that a client has, and since when."""

    kid: str
    thumbprint: str
    since: datetime
    expires: datetime | None = None

    @property
    def name(self) -> str:
        """As a sentence names it."""
        return quoted(self.kid)

    def is_usable(self, now: datetime) -> bool:
        return self.expires is None or self.expires > now


@dataclass(frozen=True)
class Obstacle:
    """Why keys may not leave yet: which, and what of the key that stays is missing."""

    leaving: tuple[str, ...]
    """As a sentence names them."""
    successor: str | None = None
    """The key that stays and lacks least; None where none stays."""
    until: datetime | None = None
    """Until when the successor has to be there; None where it has been there long enough."""
    lacks_proof: bool = False


def obstacle(
    registered: Iterable[RegisteredKey],
    declared: Collection[str],
    *,
    trusted: Collection[str],
    compromised: Collection[str],
    now: datetime,
    overlap_days: float,
) -> Obstacle | None:
    """Return what keeps the ``registered`` keys of a client from becoming those ``declared``; None
    where nothing does.

    ``declared``, ``trusted`` (proven, or seen in use) and ``compromised`` are thumbprints. With an
    overlap of 0 days every key may leave.
    """
    usable = [key for key in registered if key.is_usable(now) and key.thumbprint not in compromised]
    leaving = tuple(sorted(key.name for key in usable if key.thumbprint not in declared))
    if not leaving or overlap_days == 0:
        return None
    overlap = timedelta(days=overlap_days)
    successors = list[tuple[bool, datetime, str]]()
    for key in usable:
        if key.thumbprint in declared:
            lacks_proof, until = key.thumbprint not in trusted, key.since + overlap
            if not lacks_proof and until <= now:
                return None
            successors.append((lacks_proof, until, key.name))
    if not successors:
        return Obstacle(leaving)
    lacks_proof, until, successor = min(successors)  # a proven key first, then the oldest
    waits_until = until if until > now else None
    return Obstacle(leaving, successor, waits_until, lacks_proof)


def lasting(days: float) -> str:
    """Return the length of an overlap in words: ``14 days``, or below one day ``30 minutes``."""
    if days >= 1:
        number = f"{days:g}"
        sentence = N_("{number} day") if number == "1" else N_("{number} days")
    else:
        number = str(max(round(days * 24 * 60), 1))
        sentence = N_("{number} minute") if number == "1" else N_("{number} minutes")
    return translated(sentence, number=number)


def sentence(kept: Obstacle, *, overlap_days: float, probe: str, unseen: str) -> str:
    """Return an obstacle as people read it: which keys may leave from when or by which proof, and
    what to do for that.

    ``probe`` is the command that proves a key, ``unseen`` why no use of the successor is known
    (may be empty).
    """
    keys = ntr("key {names}", "keys {names}", len(kept.leaving), names=listed(kept.leaving))
    lasts = lasting(overlap_days)
    if kept.successor is None:
        return tr(
            "{keys} cannot leave, for no usable key stays that the client has already; wait until"
            " a new key has been there for {lasts}, and have whoever has its private key prove it"
            " with {probe}",
            keys=keys,
            lasts=lasts,
            probe=probe,
        )
    # Each key is named once, for a name may be a thumbprint, which is long.
    successor = ntr("key {names}", "keys {names}", 1, names=kept.successor)
    what, remedies = list[str](), list[str]()
    if kept.until is not None:  # rounded up, for the sentence has no seconds
        until = f"{kept.until + timedelta(seconds=59):%Y-%m-%d %H:%M}"
        what.append(
            tr(
                "from {until} UTC, when {successor} has been there for {lasts}",
                until=until,
                successor=successor,
                lasts=lasts,
            )
        )
        successor = tr("that one")
        remedies.append(tr("wait until then"))
    if kept.lacks_proof:
        aside = f" ({unseen})" if unseen else ""
        what.append(tr("once {successor} is proven{unseen}", successor=successor, unseen=aside))
        remedies.append(
            tr(
                "have whoever has the private key of the one that stays prove it with {probe}",
                probe=probe,
            )
        )
    return tr(
        "{keys} may leave {when}; {remedies}",
        keys=keys,
        when=f", {tr('and only')} ".join(what),
        remedies=both(remedies),
    )
