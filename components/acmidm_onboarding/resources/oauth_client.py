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
        """Return the part of an input whose change replaces the client: of the natural key the
        platform and environment alone, for ``formerly`` may change the rest of it."""
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
        """Return the inputs that the state will have. A client that a copied state would take from
        another stack is a failure, which ends the run."""
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
        """Return what replaces the client: also a client-ID that people confirmed otherwise. A
        client that waits for a key is a change in each run, which then looks for the key."""
        result = super().diff(_id, olds, news)
        if adoption.refused(news):
            return result
        if news.get(CONFIRMED) not in (None, _id):
            result.replaces = [*(result.replaces or ()), CONFIRMED]
        if result.replaces:
            return result
        goes_to_keys = switching.is_from_secret(olds.get(METHOD), news.get(METHOD))
        if switching.is_awaiting(olds) and goes_to_keys:
            result.changes = True  # though the inputs are the same
        elif switching.is_done(_recorded_inputs(olds), inputs_of(news)):
            result.changes = False
        return result

    def make(self, props: Properties) -> CreateResult:
        """Take over the client that the form adopts, complete the one that an earlier run made
        under this key or an earlier one, or else register a new one. Return its client-ID and
        outputs."""
        platform, adopted = self.on(props), adoption.before(props)
        props = ownership.with_incarnation(props)
        if adopted is not None:
            client_id, secret = props["adopt"]["client_id"], self._secret(props, None)
            outputs = self._update(platform, client_id, _metadata(adopted), props, secret)
            return CreateResult(client_id, outputs)
        existing = _client_of_renamed(platform.authority, props)
        if existing is None:
            try:
                return _register(platform, props)
            except AlreadyRegistered as error:
                existing = _client_of_this_stack(platform.authority, error, _metadata(props))
        return self._complete(platform, *existing, props)

    def _complete(
        self,
        platform: ConnectedPlatform,
        client_id: str,
        known: ClientMetadata,
        props: Properties,
    ) -> CreateResult:
        """Update a client that an earlier run made, and did not record before it was cut off, to
        what is declared. ``known`` are its metadata now. Warn where it gets another secret."""
        secret = self._secret(props, None)
        outputs = self._update(platform, client_id, known, props, secret)
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
        """Return the client as its authority has it; ``gone()`` where it is. A secret that somebody
        set by hand is left out of the inputs, so that the next update sets the declared one."""
        platform = self.on(props)
        client = platform.clients.get(id_)
        if client is None:
            return gone()
        client = _with_unkept_metadata(client, props, platform.unkept)
        managed = (*ClientMetadata.model_fields, OTHER)
        unmanaged = without(inputs_of(props), managed)
        marks = ownership.compared(props, client.metadata.owner)
        inputs = {**unmanaged, **_managed(client, props), **marks}
        inputs.pop("client_id", None)
        outputs: dict[str, Any] = {"client_id": id_, **ownership.outputs(props)}
        was_waiting = inputs.pop(WAITS, False)
        if was_waiting and switching.is_from_secret(inputs[METHOD], AuthMethod.PRIVATE_KEY_JWT):
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
        """Update the client's metadata, and its secret where that or the method changed. Return the
        outputs. Raises Rejected for a client that is another connection's by now."""
        platform = self.on(news)
        ownership.refuse_client_of_another(id_, olds, news)
        # An authority forgets the secret of a client whose method was changed by hand: both are
        # written together.
        is_sent = any(news.get(name) != olds.get(name) for name in _SECRET_INPUTS)
        secret = self._secret(news, olds.get(_UPDATED_AT)) if is_sent else None
        known = _metadata({**olds, **asdict(ownership.known_owner(olds))})
        wanted = ownership.with_incarnation(news, olds)
        outputs = self._update(platform, id_, known, wanted, secret)
        platform.clients.forget(id_)
        has_secret = switching.is_awaiting(outputs) or news.get("client_secret") is not None
        if secret is None and has_secret and _UPDATED_AT in olds:
            outputs[_UPDATED_AT] = olds[_UPDATED_AT]
        if olds.get(_HAND_OVER):
            outputs[_HAND_OVER] = True
        return outputs

    def _secret(self, props: Properties, follows: int | None) -> NewSecret | None:
        """Return the declared secret, to be set; None for a client without one. ``follows`` is when
        the recorded secret was set, which goes on working for the overlap; None: whichever."""
        value = props.get("client_secret")
        if value is None:
            return None
        return NewSecret(value, round(self._settings.key_overlap_days * _SECONDS_A_DAY), follows)

    def _update(
        self,
        platform: ConnectedPlatform,
        client_id: str,
        known: ClientMetadata,
        news: Properties,
        secret: NewSecret | None,
    ) -> dict[str, Any]:
        """Update a client at its authority from the ``known`` metadata to those of ``news``, and
        set its ``secret``. Return the outputs. A client whose keys are not there yet keeps its
        method for now: a warning says so.

        Raises:
            Rejected: for the operator's own client, among others.
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
        """Remove the client, or take its marks off where the form keeps it. One that another
        resource has by now stays, with a warning. Raises Rejected for one that is protected, or
        whose replacement could not be made."""
        platform, what = self.on(props), f"client {id_}"
        marks = ownership.owner_of(props)
        may_remove = self._run.may_remove(what, id_, props)
        if may_remove and self.protects(props):
            metadata = platform.authority.read_metadata(id_)
            if metadata is not None and metadata.owner.is_resource_of(marks):
                raise protected(what)
        let_go_or_remove = letting_go.client if props.get(KEEP) else _remove
        if not (may_remove and let_go_or_remove(platform, id_, marks)):
            ownership.warn_of_other_owner(what)
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
    """Register a client, with the scopes and keys of the input ``parts`` where the authority takes
    these along. Return its client-ID and outputs, which are ``props`` without ``parts``. Raises
    AlreadyRegistered where a client has its natural key."""
    # The state has the parts with resources of their own.
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
    """Return the input ``parts``: the declared scopes and keys, as authorities take them."""
    return {
        "scopes": {scope: grant.default for scope, grant in connection.scopes.items()},
        "jwks": members_of(keys),
    }


def _remove(platform: ConnectedPlatform, client_id: str, marks: Owner) -> bool:
    """Remove a client that bears the ``marks`` of this resource, with what product APIs still have
    of it. Return whether it is gone: False where it bears other marks, and stays. Raises Rejected
    for the operator's own."""
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


def _recorded_inputs(olds: Properties) -> dict[str, Any]:
    outputs = ("client_id", INCARNATION, _UPDATED_AT, _HAND_OVER)
    return without(inputs_of(olds), outputs)


def _with_unkept_metadata(
    client: RegisteredClient, props: Properties, unkept: Collection[str]
) -> RegisteredClient:
    """Return a client with the fields ``unkept``, which its authority cannot store, as the state
    has them: so they are no drift."""
    if not unkept:
        return client
    recorded = _metadata(props)
    metadata = client.metadata.model_copy(update={name: getattr(recorded, name) for name in unkept})
    return replace(client, metadata=metadata)


def _managed(client: RegisteredClient, props: Properties) -> dict[str, Any]:
    """Return the metadata of a client as inputs, ``{"client_name": …}``. An address of keys is
    managed, and so among them, only where the resource declares one."""
    metadata = client.metadata
    if not props.get("jwks_uri"):
        metadata = metadata.model_copy(update={"jwks_uri": None})
    return metadata.properties


def _client_of_renamed(
    authority: Authority, props: Properties
) -> tuple[str, ClientMetadata] | None:
    """Return the client-ID and metadata of the client that this stack has under the present key of
    a connection, or under one of its earlier keys; None without one, or without earlier keys.

    Raises:
        AlreadyRegistered: where another stack has the client of an earlier key: a second one would
            be made, and that stack would remove the one in use.
    """
    former = props.get(ownership.FORMERLY)
    if not former:
        return None
    of_others: list[RegisteredClient] = []
    for key in (props["software_id"], *former):
        client = authority.find(key)
        if client is None:
            continue
        if ownership.is_this_connection(client.metadata.owner, props):
            return client.client_id, client.metadata
        of_others.append(client)
    for client in of_others:
        owner = client.metadata.owner
        if owner.software_id in former and owner.managed_by not in (None, props.get("managed_by")):
            remedy = "have it let go there, or take the name out of formerly"
            whose = f"managed by {owner.managed_by}"
            raise _registered_already(client.client_id, owner.software_id, whose, remedy)
    return None


def _client_of_this_stack(
    authority: Authority, error: AlreadyRegistered, wanted: ClientMetadata
) -> tuple[str, ClientMetadata]:
    """Return the client-ID and metadata of the client that ``error`` says is registered already, if
    it is this connection's: an earlier run of this stack made it.

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
    raise _registered_already(client_id, wanted.software_id, whose, remedy) from None


def _registered_already(
    client_id: str, key: str | None, whose: str, remedy: str
) -> AlreadyRegistered:
    """Return the exception for a client that has this connection's natural key, or an earlier one,
    and is not this stack's: ``whose`` it is, and the ``remedy``."""
    return AlreadyRegistered(
        f"client {client_id} is registered already for {key}, {whose}; see whose it is, and"
        f" {remedy}",
        client_id,
    )
