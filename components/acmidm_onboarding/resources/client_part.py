"""What the resources share that live inside a client, and go with it: its scopes and its keys."""

from __future__ import annotations

from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, UpdateResult

from acmidm_onboarding.authorities.port import RegisteredClient
from acmidm_onboarding.engine_resources import KEEP
from acmidm_onboarding.resources import ownership
from acmidm_onboarding.resources.base import AuthorityProvider, Properties, inputs_of, protected
from acmidm_onboarding.values.metadata import Owner
from acmidm_onboarding.values.plain import without


class ClientPartProvider(AuthorityProvider):
    """The base of what lives inside a client."""

    replaced_by = ("client_id", "platform")

    def made_with(self, props: Properties) -> RegisteredClient | None:
        """Return the client as this run registered it, with the scopes and keys that it has
        already; None for a client that was there before.

        Raises:
            Rejected: where the client bears the marks of another connection.
        """
        platform, client_id = self.on(props), props["client_id"]
        if client_id not in platform.made:
            metadata = platform.authority.read_metadata(client_id)
            ownership.require_own(metadata.owner if metadata else None, props)
        return platform.made.get(client_id)

    def diff(self, id_: str, olds: Properties, news: Properties) -> DiffResult:
        # Before it removes a client, the engine compares its parts with an unknown client-ID.
        if news.get("client_id") == olds.get("client_id"):
            self._run.note_part(type(self).__name__, olds)
        return super().diff(id_, olds, news)

    def create(self, props: Properties) -> CreateResult:
        made = super().create(props)
        self._run.note_part(type(self).__name__, props)
        return made

    def update(self, id_: str, olds: Properties, news: Properties) -> UpdateResult:
        """Write the part as ``news`` declares it. Where no more changes than that the client
        leaves, record that alone: what somebody changed by hand does not hold up the leaving."""
        if olds.get(KEEP) != news.get(KEEP) and _declared(olds) == _declared(news):
            return UpdateResult({**inputs_of(olds), KEEP: news.get(KEEP)})
        return super().update(id_, olds, news)

    def remove(self, id_: str, props: Properties) -> None:
        """Remove nothing: the part goes with its client, which the engine removes next. Read what
        that removal needs, so that a failure keeps both in the state.

        Raises Rejected for a client of this stack that is protected.
        """
        platform = self.on(props)
        client = platform.clients.get(id_, as_listed=True)
        is_lost = not self._run.has_part(type(self).__name__, props)
        if is_lost and self.protects(props) and client is not None:
            # Its key may be another by now: what counts for a create alone stays as it was.
            declared = Owner(**props.get(ownership.CONNECTION) or {})
            stack = declared.managed_by
            if stack and client.metadata.owner.managed_by == stack:
                raise protected(f"client {id_}")
        platform.configured(id_)


def _declared(props: Properties) -> dict[str, Any]:
    """Return what a form declares of the part, without what runs record of it."""
    return without(inputs_of(props), (KEEP, "seen"))
