"""What opens a client, by its registration: kept as a secret with each resource that is written
into the client.

So each of these resources can be read and removed without the others, in whatever order the engine
takes them.
"""

from __future__ import annotations

from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, ReadResult, UpdateResult
from pulumi.runtime.rpc import wrap_rpc_secret

from acmidm_onboarding.authorities.port import Access, ClientParts, GivesAccess
from acmidm_onboarding.engine_resources import REGISTRATION
from acmidm_onboarding.resources import ownership
from acmidm_onboarding.resources.base import AuthorityProvider, Properties


class OpenedProvider(AuthorityProvider):
    """The base of what is written into a client."""

    def diff(self, id_: str, olds: Properties, news: Properties) -> DiffResult:
        self._open(olds)
        return super().diff(id_, olds, news)

    def create(self, props: Properties) -> CreateResult:
        made = super().create(props)
        return CreateResult(made.id, self._recording(props, made.outs or {}))

    def read(self, id_: str, props: Properties) -> ReadResult:
        self._open(props)
        result = super().read(id_, props)
        return (
            ReadResult(result.id, self._recording(props, result.outs or {}), result.inputs)
            if result.id
            else result
        )

    def update(self, id_: str, olds: Properties, news: Properties) -> UpdateResult:
        self._open(olds)
        return UpdateResult(self._recording(news, super().update(id_, olds, news).outs or {}))

    def delete(self, id_: str, props: Properties) -> None:
        self._open(props)
        super().delete(id_, props)

    def _open(self, props: Properties) -> None:
        if (access := self._access(props)) is not None and props.get(REGISTRATION):
            access.setdefault(props["client_id"], props[REGISTRATION])

    def _recording(self, props: Properties, outputs: dict[str, Any]) -> dict[str, Any]:
        access = (self._access(props) or {}).get(outputs.get("client_id", ""))
        return {**outputs, REGISTRATION: wrap_rpc_secret(dict(access))} if access else outputs

    def _access(self, props: Properties) -> dict[str, Access] | None:
        platform = self._platforms.get(props["platform"])
        return (
            platform.authority.access
            if platform and isinstance(platform.authority, GivesAccess)
            else None
        )


class ClientPartProvider(OpenedProvider):
    """What lives inside a client, and goes with it."""

    replaced_by = ("client_id", "platform")

    def made_with(self, props: Properties) -> ClientParts | None:
        """Return what this run has made the client with; None where it has not.

        Raises:
            Rejected: where the client is another connection's.
        """
        platform, client_id = self.on(props), props["client_id"]
        if client_id not in platform.made:
            client = platform.authority.read(client_id)
            ownership.require_own(client.metadata.owner if client else None, props)
        return platform.made.get(client_id)

    def remove(self, id_: str, props: Properties) -> None:
        """Remove nothing, but read what the client's removal needs: where that fails, the state
        keeps this as well as the client."""
        platform = self.on(props)
        platform.clients.get(id_, as_listed=True)
        for product in platform.products:
            platform.configurations(product).get(id_, as_listed=True)
