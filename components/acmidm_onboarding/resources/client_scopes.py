"""The whole set of scopes of one client, a map keyed by scope, and which of them a token has
without being asked for it.

Identity: the client. A scope granted by hand is drift and shows as a line; scopes that an API's
provider assigns by itself (the catalogue marks them) are none. Replaced with the client, and goes
with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult

from acmidm_onboarding.authorities.port import RegisteredClient
from acmidm_onboarding.engine_resources import KEEP
from acmidm_onboarding.resources import adoption, ownership
from acmidm_onboarding.resources.base import (
    AuthorityResource,
    Properties,
    gone,
    inputs_of,
    managed_by,
)
from acmidm_onboarding.resources.client_part import ClientPartProvider
from acmidm_onboarding.values.client import NOT_DECLARED
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.metadata import Scopes, without_assigned

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import ConnectedPlatform

_DEFAULT = "default_scopes"


class ClientScopesProvider(ClientPartProvider):
    def inputs_at_take_over(
        self, platform: ConnectedPlatform, client: RegisteredClient, inputs: Properties
    ) -> Properties:
        scopes = without_assigned(client.scopes, platform.assigned, inputs["scopes"])
        return {
            "scopes": dict.fromkeys(sorted(scopes), NOT_DECLARED),
            _DEFAULT: _of_default(scopes),
        }

    def make(self, props: Properties) -> CreateResult:
        """Write the scopes, unless the client was registered with these in this run. Those of a
        client that is taken over are overwritten only as the preview showed them."""
        platform, client_id, seen = self.on(props), props["client_id"], adoption.before(props)
        made = self.made_with(props)
        if made is None or made.scopes != _scopes(props):
            known = None if seen is None else _scopes(seen)
            platform.authority.replace_scopes(client_id, known, _scopes(props))
            platform.clients.forget(client_id)
        return CreateResult(client_id, inputs_of(props))

    def look(self, id_: str, props: Properties) -> ReadResult:
        """Return the scopes that the client has now, with the recorded reasons; ``gone()`` where
        the client is."""
        platform = self.on(props)
        client = platform.clients.get(id_)
        if client is None:
            return gone()
        scopes = without_assigned(client.scopes, platform.assigned, props["scopes"])
        reasons = {scope: props["scopes"].get(scope, NOT_DECLARED) for scope in sorted(scopes)}
        inputs = {**inputs_of(props), "scopes": reasons, _DEFAULT: _of_default(scopes)}
        return ReadResult(id_, dict(inputs), inputs)

    def change(self, id_: str, olds: Properties, news: Properties) -> dict[str, Any]:
        platform = self.on(news)
        platform.authority.replace_scopes(id_, _scopes(olds), _scopes(news))
        platform.clients.forget(id_)
        return inputs_of(news)


class ClientScopes(AuthorityResource, module="acmidm", name="ClientScopes"):
    """The scopes of a client; see the module's docstring."""

    scopes: pulumi.Output[Mapping[str, str]]
    """Per scope the reason for it."""

    def __init__(
        self,
        connection: Declaration,
        client_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        reasons, default, until, names = {}, {}, {}, {}
        for scope, grant in sorted(connection.scopes.items()):
            reasons[scope] = grant.reason
            if grant.default:
                default[scope] = True
            if grant.until:
                until[scope] = grant.until
            if (name := connection.form.name_of(scope)) != scope:
                names[scope] = name
        props = {
            "platform": connection.platform.value,
            "client_id": client_id,
            ownership.CONNECTION: ownership.marks(connection, managed_by()),
            "adopt": adoption.wanted(connection, managed_by()),
            KEEP: connection.lets_go(),
            "scopes": reasons,
            _DEFAULT: default,
            # No authority has the last days: as an input, a preview shows that one changes.
            "until": until or None,
            # The platform's name of a scope may be corrected later: by the catalogue's name the
            # gate to production still knows it.
            "catalogue_names": names or None,
        }
        super().__init__(ClientScopesProvider(), connection.resource_name, props, opts)


def _scopes(props: Properties) -> Scopes:
    """Return the scopes of a resource as authorities take them: whether each is default."""
    return {scope: scope in props[_DEFAULT] for scope in props["scopes"]}


def _of_default(scopes: Scopes) -> dict[str, bool]:
    """Return the scopes that every token has, whatever its request names: a map, of which a change
    is one line."""
    return {scope: True for scope in sorted(scopes) if scopes[scope]}
