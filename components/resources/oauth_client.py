"""The OAuth client of one connection.

Identity: the natural key (``software_id``: platform, environment, organisation, application), which the authority keeps.
Create registers the client, or takes over the one with this key that an earlier run of the same stack made, whatever cut
that run off. One that somebody else made is refused unless ``adopt`` is set.
Replaced when organisation, application, platform or environment change; everything else is updated in place.
Delete removes the client with its scopes and keys, but only while it is still managed by this resource: after a form
was renamed, the resource under the new name has taken the client over.
"""

from __future__ import annotations

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.authorities.errors import AlreadyRegistered, NotFound
from components.authorities.port import Authority, ClientMetadata, RegisteredClient
from components.model.connection import Connection
from components.resources.base import AuthorityProvider, Properties, gone, inputs_of, managed_by, present

_METADATA = (
    "client_name",
    "software_id",
    "managed_by",
    "organisation_name",
    "ovo_code",
    "kbo_number",
    "application",
    "grant_types",
    "token_endpoint_auth_method",
    "contacts",
    "enabled",
)


class OAuthClientProvider(AuthorityProvider):
    identity = ("software_id", "platform")

    def create(self, props: Properties) -> CreateResult:
        platform, wanted, secret = self.on(props), _metadata(props), props.get("client_secret")
        try:
            client = platform.authority.register(wanted, secret)
        except AlreadyRegistered as error:
            existing = _existing(platform.authority, error)
            if not _is_ours(existing, wanted) and not props.get("adopt"):
                raise _not_ours(existing, wanted) from None
            client = platform.authority.update(existing.client_id, existing.metadata, wanted, secret)
        return CreateResult(client.client_id, _outputs(props, client))

    def read(self, id_: str, props: Properties) -> ReadResult:
        snapshot = self.on(props).clients.get(id_)
        if snapshot is None:
            return gone()
        inputs = {**inputs_of(props), **_properties(snapshot.client.metadata)}
        inputs.pop("client_id", None)
        return present(id_, inputs, client_id=id_)

    def update(self, id_: str, olds: Properties, news: Properties) -> UpdateResult:
        platform = self.on(news)
        secret = news.get("client_secret")
        changed_secret = secret if secret != olds.get("client_secret") else None
        client = platform.authority.update(id_, _metadata(olds), _metadata(news), changed_secret)
        platform.clients.forget(id_)
        return UpdateResult(_outputs(news, client))

    def delete(self, id_: str, props: Properties) -> None:
        platform = self.on(props)
        client = platform.authority.read(id_)
        if client is not None and client.metadata.managed_by == props["managed_by"]:
            platform.authority.remove(id_)
        platform.clients.forget(id_)


class OAuthClient(Resource, module="acmidm", name="OAuthClient"):
    """An OAuth client for one connection; see the module's docstring."""

    client_id: pulumi.Output[str]
    """The client-ID that is handed over to the organisation."""

    def __init__(
        self,
        resource_name: str,
        connection: Connection,
        *,
        client_secret: pulumi.Input[str] | None = None,
        adopt: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        wanted = ClientMetadata(
            client_name=connection.client_name,
            software_id=connection.software_id,
            managed_by=managed_by(resource_name),
            organisation_name=connection.organisation.name,
            ovo_code=connection.organisation.ovo,
            kbo_number=connection.organisation.kbo,
            application=connection.application,
            grant_types=("client_credentials",),
            token_endpoint_auth_method=connection.token_endpoint_auth_method.value,
            contacts=connection.contacts,
        )
        props: dict[str, object] = {
            **_properties(wanted),
            "platform": connection.platform.value,
            "client_secret": client_secret,
            # Asked once, at creation: setting or removing it later changes nothing.
            "adopt": adopt or None,
            "client_id": None,
        }
        once = pulumi.ResourceOptions(ignore_changes=["adopt"])
        super().__init__(OAuthClientProvider(), resource_name, props, pulumi.ResourceOptions.merge(opts, once))


def _metadata(props: Properties) -> ClientMetadata:
    values = {name: props.get(name) for name in _METADATA}
    for name in ("grant_types", "contacts"):
        values[name] = tuple(sorted(values[name] or ()))
    values["enabled"] = values["enabled"] is not False
    return ClientMetadata(**values)  # type: ignore[arg-type]


def _properties(metadata: ClientMetadata) -> dict[str, object]:
    values = {name: getattr(metadata, name) for name in _METADATA}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if value is not None}


def _outputs(props: Properties, client: RegisteredClient) -> dict[str, object]:
    return {**inputs_of(props), "client_id": client.client_id}


def _existing(authority: Authority, error: AlreadyRegistered) -> RegisteredClient:
    client = authority.read(error.client_id) if error.client_id else None
    if client is None:
        raise NotFound(f"{error}; the client that has this natural key cannot be read: run the command again") from error
    return client


def _is_ours(client: RegisteredClient, wanted: ClientMetadata) -> bool:
    """Whether a resource of the same project and stack made it."""
    stack, _, _ = (wanted.managed_by or "").partition(":")
    return (client.metadata.managed_by or "").partition(":")[0] == stack


def _not_ours(client: RegisteredClient, wanted: ClientMetadata) -> AlreadyRegistered:
    owner = client.metadata.managed_by
    return AlreadyRegistered(
        f"client {client.client_id} is registered already for {wanted.software_id}, "
        f"{f'managed by {owner}' if owner else 'made by hand'}; see whose it is, and set adopt: true in the form to take it over",
        client.client_id,
    )
