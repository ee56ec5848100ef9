"""The OAuth client of one connection.

Identity: the natural key (``software_id``: platform, environment, organisation, application), which the authority keeps.
Create registers the client, or takes over the one with this key that an earlier run of the same stack made, whatever cut
that run off. One that somebody else made is refused, unless the form names its client-ID under ``adopt``.
Replaced when organisation, application, platform or environment change; everything else is updated in place.
Delete removes the client's product configurations, then the client with its scopes and keys; but only while it is still
managed by this resource: after a form was renamed, the resource under the new name has taken the client over, or
failed to, and then nothing is removed.
"""

from __future__ import annotations

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, UpdateResult

from components.authorities.connected import ConnectedPlatform
from components.authorities.errors import AlreadyRegistered, ChangedMeanwhile, NotFound
from components.authorities.port import Authority, ClientMetadata, ClientSnapshot, RegisteredClient
from components.model.connection import Connection
from components.resources.adoption import asked, client_to_adopt, refused
from components.resources.base import AuthorityProvider, AuthorityResource, Properties, gone, inputs_of, managed_by, present

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
_UPDATED_AT = "client_secret_updated_at"
_OF_SECRET = ("client_secret", "token_endpoint_auth_method")


class OAuthClientProvider(AuthorityProvider):
    identity = ("software_id", "platform")

    def compared(self, platform: ConnectedPlatform, snapshot: ClientSnapshot, inputs: Properties) -> tuple[Properties, Properties]:  # noqa: ARG002
        before, after = _properties(snapshot.client.metadata), _properties(_metadata(inputs))
        if inputs.get("client_secret") is None:
            return before, after
        # Nobody can read the secret that it has, so that the one of the state takes its place.
        return {**before, "client_secret": "the one it has"}, {**after, "client_secret": "a new one"}

    def create(self, props: Properties) -> CreateResult:
        platform = self._platform(props)
        platform.unsettled.add(props["software_id"])
        if refused(props):
            platform.refused.add(props["software_id"])
        authority, wanted, secret = self.on(props).authority, _metadata(props), props.get("client_secret")
        adopted = client_to_adopt(props)
        if adopted is not None:
            seen = platform.clients.get(adopted)  # what `check` compared
            client = authority.update(adopted, seen.client.metadata if seen else None, wanted, secret)
        else:
            try:
                client = authority.register(wanted, secret)
            except AlreadyRegistered as error:
                existing = _our_own(authority, error, wanted)
                client = authority.update(existing.client_id, existing.metadata, wanted, secret)
                platform.taken_over.add(client.client_id)
        platform.unsettled.discard(props["software_id"])
        return CreateResult(
            client.client_id, {**inputs_of(props), "client_id": client.client_id, **_of_secret(authority, client.client_id, secret)}
        )

    def read(self, id_: str, props: Properties) -> ReadResult:
        snapshot = self.on(props).clients.get(id_)
        if snapshot is None:
            return gone()
        inputs = {**inputs_of(props), **_properties(snapshot.client.metadata)}
        inputs.pop("client_id", None)
        known, found = inputs.pop(_UPDATED_AT, None), snapshot.client.client_secret_updated_at
        if inputs.get("client_secret") is None:
            return present(id_, inputs, client_id=id_)
        if known not in (None, found):
            # Somebody gave it another one. Nobody can read that, but it is not the one that is declared.
            del inputs["client_secret"]
        return present(id_, inputs, client_id=id_, **{_UPDATED_AT: found if known is None else known})

    def update(self, id_: str, olds: Properties, news: Properties) -> UpdateResult:
        platform = self.on(news)
        # An authority forgets the secret of a client whose method was changed by hand: it goes along with the method.
        secret = news.get("client_secret") if any(news.get(name) != olds.get(name) for name in _OF_SECRET) else None
        platform.authority.update(id_, _metadata(olds), _metadata(news), secret)
        platform.clients.forget(id_)
        told = _of_secret(platform.authority, id_, secret) if secret else {_UPDATED_AT: olds[_UPDATED_AT]} if _UPDATED_AT in olds else {}
        return UpdateResult({**inputs_of(news), "client_id": id_, **told})

    def delete(self, id_: str, props: Properties) -> None:
        platform = self.on(props)
        client = platform.authority.read(id_)
        if client is None or client.metadata.managed_by == props["managed_by"]:
            if _may_be_wanted(platform, props["software_id"]):
                # With --continue-on-error the engine deletes what a renamed form left, though its new name failed to take it over.
                raise ChangedMeanwhile(
                    f"client {id_} is kept: the form that takes it over has failed; correct that first, then run the same command again"
                )
            for product in platform.products:
                platform.product_api.delete(product, id_)
            platform.authority.remove(id_)
        platform.clients.forget(id_)


class OAuthClient(AuthorityResource, module="acmidm", name="OAuthClient"):
    """An OAuth client for one connection; see the module's docstring."""

    client_id: pulumi.Output[str]
    """The client-ID that is handed over to the organisation."""

    def __init__(
        self,
        resource_name: str,
        connection: Connection,
        *,
        client_secret: pulumi.Input[str] | None = None,
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
            "adopt": asked(connection, managed_by(resource_name)),
            "client_id": None,
        }
        super().__init__(OAuthClientProvider(), resource_name, props, opts)


def _metadata(props: Properties) -> ClientMetadata:
    values = {name: props.get(name) for name in _METADATA}
    for name in ("grant_types", "contacts"):
        values[name] = tuple(sorted(values[name] or ()))
    values["enabled"] = values["enabled"] is not False
    return ClientMetadata(**values)  # type: ignore[arg-type]


def _properties(metadata: ClientMetadata) -> dict[str, object]:
    values = {name: getattr(metadata, name) for name in _METADATA}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if value is not None}


def _of_secret(authority: Authority, client_id: str, secret: str | None) -> dict[str, int]:
    """The output that tells a secret which was rotated by hand from the one that was just written."""
    client = authority.read(client_id) if secret is not None else None
    return {} if client is None else {_UPDATED_AT: client.client_secret_updated_at}


def _may_be_wanted(platform: ConnectedPlatform, software_id: str) -> bool:
    """Whether a form that failed in this run may be the one that is to have this client.

    By its natural key; and where the client-ID under its ``adopt`` was refused, a slip of the pen perhaps, by its organisation
    or application too: a form can be renamed and take its client over under another code.
    """
    *_, organisation, application = software_id.split("/")
    return software_id in platform.unsettled or any(
        organisation == key.split("/")[-2] or application == key.split("/")[-1] for key in platform.refused
    )


def _our_own(authority: Authority, error: AlreadyRegistered, wanted: ClientMetadata) -> RegisteredClient:
    """The client that has the natural key already, if a resource of the same project and stack made it."""
    client = authority.read(error.client_id) if error.client_id else None
    if client is None:
        raise NotFound(f"{error}; the client that has this natural key cannot be read: run the command again") from None
    owner = client.metadata.managed_by
    if (owner or "").partition(":")[0] == (wanted.managed_by or "").partition(":")[0]:
        return client
    platform = (wanted.software_id or "").partition("/")[0]
    raise AlreadyRegistered(
        f"client {client.client_id} is registered already for {wanted.software_id}, {f'managed by {owner}' if owner else 'made by hand'}; "
        f"see whose it is, and take it over with adopt: {{{platform}: {client.client_id}}} in the form's environment",
        client.client_id,
    ) from None
