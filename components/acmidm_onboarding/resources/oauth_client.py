"""The OAuth client of one connection.

Identity: the natural key (``software_id``: platform, environment, organisation, application) and
the stack (``managed_by``), which the authority keeps. Create registers the client, or takes over
the one that bears this key, or an earlier one of the connection, and the same stack: another
resource of it made that. One that somebody else made is refused, unless the form names its
client-ID under ``adopt``. Replaced when platform or environment change; everything else, another
key by ``formerly`` too, is updated in place; a change from a secret to keys not before one of them
works (``switching.py``). Delete removes the client with its scopes and keys, and what is left of
its product configurations, or takes the marks off it where its form keeps it (``letting_go.py``);
nothing of it where another resource has the client by now (``ownership.py``). A state that is a
copy of another stack's is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult

from acmidm_onboarding.authorities.errors import AlreadyRegistered, NotFound
from acmidm_onboarding.authorities.port import (
    Authority,
    NewSecret,
    RegisteredClient,
)
from acmidm_onboarding.engine_resources import CONFIRMED, INCARNATION, KEEP, METHOD, OTHER, WAITS
from acmidm_onboarding.recorded import full_name
from acmidm_onboarding.resources import adoption, copied, letting_go, ownership, switching
from acmidm_onboarding.resources.base import (
    AuthorityProvider,
    AuthorityResource,
    Properties,
    gone,
    inputs_of,
    managed_by,
    protected,
)
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.jwk import PublicJwk, members_of, thumbprints
from acmidm_onboarding.values.metadata import ClientMetadata, Owner
from acmidm_onboarding.values.plain import without
from acmidm_onboarding.values.problems import on_one_line
from acmidm_onboarding.values.terms import AuthMethod

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import ConnectedPlatform

_UPDATED_AT = "client_secret_updated_at"
"""The output that shows by its time that a secret was rotated by hand."""
_HAND_OVER = "hand_over"
"""The output of a client whose client-ID its organisation is to be mailed: this project made it."""
_SECRET_INPUTS = ("client_secret", METHOD)
_SECONDS_A_DAY = 24 * 60 * 60


class OAuthClientProvider(AuthorityProvider):
    replaced_by = ("platform", "software_id")

    def identity(self, props: Properties, name: str) -> Any:
        """Return of the natural key the platform and environment alone: ``formerly`` may change the
        rest of it."""
        value = props.get(name)
        return value.split("/")[:2] if name == "software_id" and isinstance(value, str) else value

    def inputs_at_take_over(
        self,
        platform: ConnectedPlatform,  # noqa: ARG002
        client: RegisteredClient,
        inputs: Properties,
    ) -> Properties:
        return _managed(client, inputs)

    def check(self, olds: Properties, news: Properties) -> CheckResult:
        checked = super().check(olds, news)
        inputs = switching.inputs_with_awaited(inputs_of(olds), checked.inputs or {})
        platform = self._settings.platforms.get(inputs["platform"])
        if platform is None or not platform.authority_type.takes_parts:
            inputs.pop(ownership.PARTS, None)
        sentence = copied.refusal(olds, inputs, inputs.pop("stack", None))
        failures = checked.failures
        if sentence:
            failures = [CheckFailure("managed_by", sentence)]
        return CheckResult(inputs, failures)

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        result = super().diff(_id, olds, news)
        if adoption.refused(news):
            return result
        if news.get(CONFIRMED) not in (None, _id):
            result.replaces = [*(result.replaces or ()), CONFIRMED]
        if result.replaces:
            return result
        if switching.is_awaiting(olds) and switching.is_from_secret(
            olds.get(METHOD), news.get(METHOD)
        ):
            result.changes = True  # though the inputs are the same
        elif switching.is_done(_but_for_outputs(olds), inputs_of(news)):
            result.changes = False
        return result

    def make(self, props: Properties) -> CreateResult:
        platform, seen = self.on(props), adoption.before(props)
        props = ownership.with_incarnation(props)
        if seen is not None:
            client_id, secret = props["adopt"]["client_id"], self._secret(props, None)
            outputs = self._replace(platform, client_id, _metadata(seen), props, secret)
            return CreateResult(client_id, outputs)
        existing = _find_by_key(platform.authority, props)
        if existing is None:
            try:
                return _register(platform, props)
            except AlreadyRegistered as error:
                existing = _our_own(platform.authority, error, _metadata(props))
        return self._complete(platform, *existing, props)

    def _complete(
        self,
        platform: ConnectedPlatform,
        client_id: str,
        known: ClientMetadata,
        props: Properties,
    ) -> CreateResult:
        """Make a client that is there already as it is declared: an earlier run made it, and was
        cut off before it recorded it."""
        secret = self._secret(props, None)
        outputs = self._replace(platform, client_id, known, props, secret)
        if secret is not None:
            whose = f"client {client_id} of {props['software_id']}"
            pulumi.log.warn(
                on_one_line(
                    f"{whose} was there before the state knew it, and has another client secret"
                    " now: hand that over, which acmidm secret show writes"
                )
            )
        return CreateResult(client_id, {**outputs, _HAND_OVER: True})

    def look(self, id_: str, props: Properties) -> ReadResult:
        platform = self.on(props)
        client = platform.clients.get(id_)
        if client is None:
            return gone()
        client = _remembered(client, props, platform.unkept)
        managed = (*ClientMetadata.model_fields, OTHER)
        kept = without(inputs_of(props), managed)
        marks = ownership.compared(props, client.metadata.owner)
        inputs = {**kept, **_managed(client, props), **marks}
        inputs.pop("client_id", None)
        outputs: dict[str, Any] = {"client_id": id_, **ownership.outputs(props)}
        waited = inputs.pop(WAITS, False)
        if waited and switching.is_from_secret(inputs[METHOD], AuthMethod.PRIVATE_KEY_JWT):
            outputs[WAITS] = True
        if inputs.pop(_HAND_OVER, None):
            outputs[_HAND_OVER] = True
        recorded, current = inputs.pop(_UPDATED_AT, None), client.client_secret_updated_at
        if inputs.get("client_secret") is not None:
            if recorded is None:
                recorded = current
            elif recorded != current:
                # Somebody set another secret. It cannot be read, but is not the declared one.
                del inputs["client_secret"]
        if recorded is not None:
            outputs[_UPDATED_AT] = recorded
        return ReadResult(id_, {**inputs, **outputs}, inputs)

    def change(self, id_: str, olds: Properties, news: Properties) -> dict[str, Any]:
        platform = self.on(news)
        ownership.refuse_client_of_another(id_, olds, news)
        # An authority forgets the secret of a client whose method was changed by hand: both are
        # written together.
        is_sent = any(news.get(name) != olds.get(name) for name in _SECRET_INPUTS)
        secret = self._secret(news, olds.get(_UPDATED_AT)) if is_sent else None
        known = _metadata({**olds, **asdict(ownership.known_owner(olds))})
        wanted = ownership.with_incarnation(news, olds)
        outputs = self._replace(platform, id_, known, wanted, secret)
        platform.clients.forget(id_)
        has_secret = switching.is_awaiting(outputs) or news.get("client_secret") is not None
        if secret is None and has_secret and _UPDATED_AT in olds:
            outputs[_UPDATED_AT] = olds[_UPDATED_AT]
        if olds.get(_HAND_OVER):
            outputs[_HAND_OVER] = True
        return outputs

    def _secret(self, props: Properties, follows: int | None) -> NewSecret | None:
        value = props.get("client_secret")
        if value is None:
            return None
        return NewSecret(value, round(self._settings.key_overlap_days * _SECONDS_A_DAY), follows)

    def _replace(
        self,
        platform: ConnectedPlatform,
        client_id: str,
        known: ClientMetadata,
        news: Properties,
        secret: NewSecret | None,
    ) -> dict[str, Any]:
        """Make a client as it is declared, but for a method that has to wait, and return the
        outputs.

        Raises:
            Rejected: where it is the operator's own, among others.
        """
        platform.require_not_operators_own(client_id)
        authority = platform.authority
        outputs = {**inputs_of(news), "client_id": client_id}
        if switching.must_wait(authority, client_id, known.token_endpoint_auth_method, news):
            outputs |= {METHOD: known.token_endpoint_auth_method, WAITS: True}
            pulumi.log.warn(on_one_line(switching.sentence(news)))
        updated_at = authority.update(client_id, known, _metadata(outputs), secret)
        if updated_at is not None:
            outputs[_UPDATED_AT] = updated_at
        return outputs

    def remove(self, id_: str, props: Properties) -> None:
        platform, what = self.on(props), f"client {id_}"
        marks = ownership.owner_of(props)
        end = letting_go.client if props.get(KEEP) else _remove
        may_remove = self._run.may_remove(what, id_, props)
        if may_remove and self.protects(props):
            metadata = platform.authority.read_metadata(id_)
            if metadata is not None and metadata.owner.is_resource_of(marks):
                raise protected(what)
        if not (may_remove and end(platform, id_, marks)):
            ownership.say_left(what)
        platform.clients.forget(id_)


class OAuthClient(AuthorityResource, module="acmidm", name="OAuthClient"):
    """An OAuth client for one connection; see the module's docstring."""

    client_id: pulumi.Output[str]
    """The client-ID that is handed over to the organisation."""
    hand_over: pulumi.Output[bool | None]
    """Whether the client-ID is to be mailed: not that of a client that was taken over, or existed
    before."""

    def __init__(
        self,
        connection: Declaration,
        client_secret: pulumi.Input[str] | None = None,
        keys: pulumi.Input[Mapping[str, PublicJwk]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        declared = pulumi.Output.from_input(keys or {})
        awaited = None if keys is None else declared.apply(_thumbprints)
        confirmed = connection.client_id if connection.is_confirmed else None
        props: dict[str, object] = {
            **connection.metadata.properties,
            "managed_by": managed_by(),
            "platform": connection.platform.value,
            "stack": full_name(pulumi.get_stack()),
            ownership.FORMERLY: ownership.former_keys(connection),
            "client_secret": client_secret,
            switching.AWAITED: awaited,
            ownership.PARTS: declared.apply(partial(_parts, connection)),
            "adopt": adoption.wanted(connection, managed_by()),
            "client_id": None,
            KEEP: connection.lets_go(),
            CONFIRMED: confirmed,
            _HAND_OVER: None,
        }
        if keys is not None:
            props["keys_declared"] = True
        super().__init__(OAuthClientProvider(), connection.resource_name, props, opts)


def _register(platform: ConnectedPlatform, props: dict[str, Any]) -> CreateResult:
    """Register a client, with the scopes and keys of the input ``parts``, which is taken out of
    ``props``. Raises AlreadyRegistered where a client has its natural key."""
    # Known: the state has them with their resources.
    parts = props.pop(ownership.PARTS, {})
    scopes, jwks = parts.get("scopes", {}), parts.get("jwks", {})
    client_secret = props.get("client_secret")
    made = platform.authority.register(_metadata(props), client_secret, scopes, jwks)
    platform.made[made.client_id] = made
    outputs = {**inputs_of(props), "client_id": made.client_id, _HAND_OVER: True}
    if client_secret is not None:
        outputs[_UPDATED_AT] = made.client_secret_updated_at
    return CreateResult(made.client_id, outputs)


def _metadata(props: Properties) -> ClientMetadata:
    return ClientMetadata.model_validate(dict(props))


def _parts(connection: Declaration, keys: Mapping[str, PublicJwk]) -> dict[str, Any]:
    """Return the input ``parts``."""
    return {
        "scopes": {scope: grant.default for scope, grant in connection.scopes.items()},
        "jwks": members_of(keys),
    }


def _remove(platform: ConnectedPlatform, client_id: str, marks: Owner) -> bool:
    """Remove a client that bears the ``marks`` of this resource, with what is left of its product
    configurations; return whether it is gone. Raises Rejected for the operator's own."""
    platform.require_not_operators_own(client_id)
    # A run that was cut off may have made a configuration that the state does not have.
    configured = {}
    for product, document in platform.configured(client_id).items():
        if document.owner.is_connection_of(marks):
            configured[product] = document.owner
    metadata = platform.authority.read_metadata(client_id) if configured else None
    if metadata is None or metadata.owner.is_resource_of(marks):
        for product, owner in configured.items():
            platform.product_api.delete(product, client_id, owner)
    return platform.authority.remove(client_id, marks)


def _thumbprints(keys: Mapping[str, PublicJwk]) -> list[str]:
    return sorted(thumbprints(keys.values()))


def _but_for_outputs(olds: Properties) -> dict[str, Any]:
    outputs = ("client_id", INCARNATION, _UPDATED_AT, _HAND_OVER)
    return without(inputs_of(olds), outputs)


def _remembered(
    client: RegisteredClient, props: Properties, unkept: Collection[str]
) -> RegisteredClient:
    """Return a client of which the metadata that its authority does not keep is as recorded."""
    if not unkept:
        return client
    recorded = _metadata(props)
    metadata = client.metadata.model_copy(update={name: getattr(recorded, name) for name in unkept})
    return replace(client, metadata=metadata)


def _managed(client: RegisteredClient, props: Properties) -> dict[str, Any]:
    """Return what an authority has of the managed fields: an address of keys only where the
    resource declares one."""
    metadata = client.metadata
    if not props.get("jwks_uri"):
        metadata = metadata.model_copy(update={"jwks_uri": None})
    return metadata.properties


def _find_by_key(authority: Authority, props: Properties) -> tuple[str, ClientMetadata] | None:
    """Find the client of a connection that has earlier keys, by its own key first: its client-ID
    and its metadata; None for any other connection.

    Raises:
        AlreadyRegistered: where another stack has the client of an earlier key: a second one would
            be made, and that stack would remove the one in use.
    """
    former = props.get(ownership.FORMERLY)
    if not former:
        return None
    others: list[RegisteredClient] = []
    for key in (props["software_id"], *former):
        client = authority.find(key)
        if client is None:
            continue
        if ownership.is_this_connection(client.metadata.owner, props):
            return client.client_id, client.metadata
        others.append(client)
    for client in others:
        owner = client.metadata.owner
        if owner.software_id in former and owner.managed_by not in (None, props.get("managed_by")):
            remedy = "have it let go there, or take the name out of formerly"
            whose = f"managed by {owner.managed_by}"
            raise _anothers(client.client_id, owner.software_id, whose, remedy)
    return None


def _our_own(
    authority: Authority, error: AlreadyRegistered, wanted: ClientMetadata
) -> tuple[str, ClientMetadata]:
    """Return the client-ID and the metadata of the client that has the natural key already, if the
    same stack made it.

    Raises:
        AlreadyRegistered: where another stack or somebody by hand made it.
        NotFound: where it cannot be read.
    """
    client_id = error.client_id or ""
    metadata = authority.read_metadata(client_id) if client_id else None
    if metadata is None:
        raise NotFound(
            f"{error}; the client that has this natural key cannot be read: run the command again"
        ) from None
    owner = metadata.owner
    if owner.is_connection_of(wanted.owner):
        return client_id, metadata
    whose, remedy = f"managed by {owner.managed_by}", "have it removed there"
    if owner.is_nobody:
        platform = (wanted.software_id or "").partition("/")[0]
        whose = "made by hand"
        remedy = f"take it over with adopt: {{{platform}: {client_id}}}"
    raise _anothers(client_id, wanted.software_id, whose, remedy) from None


def _anothers(client_id: str, key: str | None, whose: str, remedy: str) -> AlreadyRegistered:
    """Return the error for a client that has a natural key and is not this connection's."""
    return AlreadyRegistered(
        f"client {client_id} is registered already for {key}, {whose}; see whose it is, and"
        f" {remedy}",
        client_id,
    )
