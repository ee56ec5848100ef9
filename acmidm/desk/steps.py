"""The board of the guide: every connection at its step, with whom it waits for and what they must do, in one
language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from acmidm.desk.progress import ROOM, Progress, Step, WaitsFor
from acmidm.desk.status import ListedKey
from acmidm.report.kinds import Part
from acmidm.words import plain
from acmidm_onboarding.texts import Language, Texts, texts
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform


class Card(Progress):
    """A standing in the words of one language."""

    language: Language
    text: str
    """What must be done."""

    @property
    def said(self) -> Texts:
        return texts(ROOM, self.language)

    @property
    def title(self) -> str:
        """The step of the guide."""
        return self.said(f"step.{self.step.value}")

    @property
    def whom(self) -> str:
        """Whom it waits for."""
        return self.said(f"waits.{self.waits_for or 'nobody'}")

    @property
    def to_contact(self) -> tuple[str, ...]:
        """Whom to mail or call about it, where it waits for the organisation."""
        return self.connection.contacts if self.waits_for is WaitsFor.ORGANISATION else ()

    @property
    def from_when(self) -> str:
        """Since when; nothing where that is not known and nobody waits."""
        if self.since is None:
            return self.said("since.unknown") if self.waits_for else ""
        return self.said("since", day=self.said.day(self.since))

    @property
    def where(self) -> str:
        """Environment and platform, and the stack where that has another name."""
        one = self.connection
        parts = [self.said(f"environment.short.{one.environment}")]
        parts += [self.said(f"platform.{one.platform}")] if one.platform is not Platform.ACMIDM else []
        parts += [f"stack {plain(one.stack)}"] if one.stack != one.environment else []
        return ", ".join(parts)

    @property
    def keys(self) -> list[str]:
        """Its keys, each with its end; what there is in their place where there is none."""
        one = self.connection
        if one.keys:
            place = f" ({self.said('keys.portal')})" if one.keys_in_portal else ""
            return [f"{self._key(key)}{place}" for key in one.keys]
        if one.jwks_uri:
            return [plain(one.jwks_uri)]
        if one.keys is None:
            return [self.said("keys.unknown")]
        return [
            self.said("keys.none" if one.token_endpoint_auth_method == AuthMethod.PRIVATE_KEY_JWT else "keys.secret")
        ]

    def _key(self, key: ListedKey) -> str:
        if key.expires is None:
            return plain(key.kid)
        name = "key.expired" if (key.days_left or 0) < 0 else "key.until"
        return self.said(name, kid=plain(key.kid), day=self.said.day(key.expires))


class Steps(Part):
    """All of them."""

    checked_at: datetime
    stacks: tuple[str, ...]
    search: str = ""
    language: Language
    connections: tuple[Card, ...]

    @property
    def said(self) -> Texts:
        return texts(ROOM, self.language)

    @property
    def title(self) -> str:
        return f"{self.said('title')}: {self.said.counted('count', len(self.connections))}"

    @property
    def checked(self) -> str:
        return self.said("checked", day=self.said.day(self.checked_at), time=f"{self.checked_at:%H:%M}")

    @property
    def columns(self) -> list[tuple[Step, str, list[Card]]]:
        """Each step of the guide with its title and what stands there."""
        return [
            (step, self.said(f"step.{step.value}"), [card for card in self.connections if card.step is step])
            for step in Step
        ]

    @property
    def waiting(self) -> dict[str, tuple[str, int]]:
        """Whom how many wait for: per name its word and the number."""
        counts = Counter(str(card.waits_for) for card in self.connections if card.waits_for)
        return {name: (self.said(f"waits.{name}"), counts[name]) for name in map(str, WaitsFor) if counts[name]}

    @property
    def environments(self) -> dict[str, str]:
        return {environment.value: self.said(f"environment.short.{environment}") for environment in Environment}

    @property
    def scopes(self) -> list[str]:
        return sorted({scope for card in self.connections for scope in card.connection.scopes})


def steps_of(
    rows: Iterable[Progress], language: Language, *, checked_at: datetime, stacks: Iterable[str], search: str = ""
) -> Steps:
    """Return the board of these."""
    cards = tuple(Card(**dict(one), language=language, text=one.to_do(language)) for one in rows)
    return Steps(checked_at=checked_at, stacks=tuple(stacks), search=search, language=language, connections=cards)
