"""The whole JWK Set of one client, a map keyed by ``kid``; or none, where the organisation uploads its keys in the portal.

Identity: the client. A key that someone slipped in is drift and shows by its ``kid``. Without ``jwks`` nothing is read or written: taking
the keys out of a form leaves them where they are. Replaced with the client, and goes with it.

Keys in the portal are looked up for one thing: ``listed`` has those of ``proven``, the keys that evidence was signed with, that are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, UpdateResult

from acmidm_onboarding.authorities.port import ClientSnapshot, Jwks
from acmidm_onboarding.model.connection import Connection
from acmidm_onboarding.model.jwk import PublicJwk, readable_jwk
from acmidm_onboarding.resources import adoption
from acmidm_onboarding.resources.base import AuthorityResource, ClientPartProvider, Properties, gone, inputs_of, managed_by, present

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import ConnectedPlatform


class ClientJwksProvider(ClientPartProvider):
    def before(self, platform: ConnectedPlatform, snapshot: ClientSnapshot, inputs: Properties) -> Properties:  # noqa: ARG002
        return {"jwks": _sorted(snapshot.jwks)}

    def create(self, props: Properties) -> CreateResult:
        seen = adoption.before(props)
        self._replace(props, None if seen is None else seen["jwks"])
        return CreateResult(props["client_id"], {**_inputs(props), **self._listed(props["client_id"], props)})

    def read(self, id_: str, props: Properties) -> ReadResult:
        snapshot = self.on(props).clients.get(id_)
        if snapshot is None:
            return gone()
        inputs = _inputs(props) if props.get("jwks") is None else {**_inputs(props), "jwks": _sorted(snapshot.jwks)}
        return present(id_, inputs, **self._listed(id_, props))

    def update(self, id_: str, olds: Properties, news: Properties) -> UpdateResult:
        # Keys that were the portal's are unknown to the state: those that are there may go, which the review lists.
        self._replace(news, inputs_of(olds).get("jwks"))
        return UpdateResult({**_inputs(news), **self._listed(id_, news)})

    def _listed(self, id_: str, props: Properties) -> dict[str, Any]:
        """The output ``listed``: of the keys that evidence was signed with, those that the authority has."""
        proven = props.get("proven")
        if not proven:
            return {}
        snapshot = self.on(props).clients.get(id_)
        found = {key.thumbprint for members in (snapshot.jwks if snapshot else {}).values() if (key := readable_jwk(dict(members)))}
        return {"listed": {thumbprint: True for thumbprint in sorted(proven) if thumbprint in found}}

    def _replace(self, props: Properties, known: Jwks | None) -> None:
        platform, jwks = self.on(props), inputs_of(props).get("jwks")
        if jwks is not None:
            platform.authority.replace_jwks(props["client_id"], known, jwks)
            platform.clients.forget(props["client_id"])


class ClientJwks(AuthorityResource, module="acmidm", name="ClientJwks"):
    """The keys of a client; see the module's docstring."""

    def __init__(
        self,
        connection: Connection,
        client_id: pulumi.Input[str],
        keys: pulumi.Input[Mapping[str, PublicJwk]] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "platform": connection.platform.value,
            "client_id": client_id,
            "adopt": adoption.wanted(connection, managed_by()),
            "jwks": None if keys is None else pulumi.Output.from_input(keys).apply(_members),
            # Production's gate reads from the state whether the portal has the key that the evidence was signed with.
            "proven": {connection.evidence.thumbprint: True} if keys is None and connection.evidence else None,
        }
        super().__init__(ClientJwksProvider(), connection.resource_name, props, opts)


def _inputs(props: Properties) -> dict[str, Any]:
    return {name: value for name, value in inputs_of(props).items() if name != "listed"}


def _members(keys: Mapping[str, PublicJwk]) -> dict[str, dict[str, object]]:
    return {kid: dict(key.members) for kid, key in keys.items()}


def _sorted(jwks: Jwks) -> dict[str, dict[str, object]]:
    return {kid: dict(key) for kid, key in sorted(jwks.items())}
