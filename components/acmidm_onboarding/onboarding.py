"""One onboarding: the connections of one application of an organisation in one environment, as one
component."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pulumi
import pulumi_random

from acmidm_onboarding import installed
from acmidm_onboarding.engine_resources import KEEP, WITHDRAWN, mapping, outputs_of
from acmidm_onboarding.forms.requirements import remedy_of
from acmidm_onboarding.process import without_stack_traces
from acmidm_onboarding.recorded import VERSION, AsRecorded
from acmidm_onboarding.resources import as_recorded
from acmidm_onboarding.resources.base import AuthorityResource
from acmidm_onboarding.resources.client_jwks import ClientJwks
from acmidm_onboarding.resources.client_scopes import ClientScopes
from acmidm_onboarding.resources.hand_over import HandOver, handing_over
from acmidm_onboarding.resources.oauth_client import OAuthClient
from acmidm_onboarding.resources.product_configuration import ProductConfiguration
from acmidm_onboarding.rules.policies import Profile, Situation, violations
from acmidm_onboarding.settings import NAMESPACE
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, members_of, parse_jwk
from acmidm_onboarding.values.plain import filled

_SECRET_LENGTH = 48

Keys = Mapping[str, PublicJwk]
"""By ``kid``."""


@dataclass(frozen=True)
class OnboardingArgs:
    """What an onboarding is made of."""

    connections: Sequence[Declaration | AsRecorded]
    """Those of one application, one per platform; and what is declared as it is recorded."""
    keys: pulumi.Input[Sequence[pulumi.Input[Any]]] | None = None
    """The public keys of a client whose connection has none of its own: JSON Web Keys (RFC 7517) as
    mappings or texts, which may be known only once another resource is made."""
    protect: bool = False
    """Whether the engine refuses to remove or replace what is declared, until that is taken away,
    or the day has come on which the form retires it. The engine's own option ``protect`` holds
    until the program takes it away, whatever the form says."""


class Onboarding(pulumi.ComponentResource):
    """Declares, per platform, a client with its scopes, keys and products.

    Its ``name`` is the key of its connections, by which state and authorities know them; the keys
    before it by ``formerly`` are aliases.
    """

    connections: dict[str, dict[str, Any]]
    """Per platform what people want to know of the client: its ID, scopes, keys and products."""
    client_secrets: dict[str, pulumi.Output[str]]
    """Per platform the secret of a client that authenticates with one."""
    handing_over: dict[str, dict[str, Any]]
    """Per natural key what ``hand_over`` wants to know of its client."""
    parts: list[AuthorityResource]
    """The resources that are declared at authorities."""

    @without_stack_traces()
    def __init__(
        self, name: str, args: OnboardingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        connections = [given for given in args.connections if isinstance(given, Declaration)]
        recorded = [given for given in args.connections if isinstance(given, AsRecorded)]
        if recorded and not connections:
            self._declare_as_recorded(recorded[0], opts)
            return
        if not connections:
            raise pulumi.RunError(
                f"Onboarding {name} is given no connections; give it those of one application, or"
                " leave it out"
            )
        wrong_keys = sorted({connection.key for connection in connections} - {name})
        if wrong_keys:
            raise pulumi.RunError(
                f"Onboarding {name} is given connections of {wrong_keys[0]}; name it by the key of"
                " its connections"
            )
        first = connections[0]
        inputs = _component_inputs(connections)
        former = pulumi.ResourceOptions(aliases=_aliases(first, first.key))
        super().__init__(
            "acmidm:index:Onboarding",
            first.key,
            inputs or None,
            pulumi.ResourceOptions.merge(former, opts),
        )
        self.parts = []
        self.client_secrets = {}
        self.handing_over = {}
        given: pulumi.Output[Keys] | None = None
        if args.keys is not None:
            profile = Profile(pulumi.Config(NAMESPACE).get("profile") or Profile.ACMIDM)
            given = pulumi.Output.from_input(args.keys).apply(
                lambda jwks: _public_keys(first, jwks, profile)
            )
        self.connections = {}
        for connection in connections:
            shown = self._declare(connection, given, args.protect)
            self.connections[connection.platform.value] = shown
        for connection_as_recorded in recorded:
            as_recorded.declare_below(self, connection_as_recorded)
        self._register({"connections": without_unknown(self.connections)})

    def _declare_as_recorded(
        self, recorded: AsRecorded, opts: pulumi.ResourceOptions | None
    ) -> None:
        """Declare the component of a connection, and the resources below it, with the inputs that
        the state has of them: for a form with a mistake, whose clients stay as they are."""
        inputs = as_recorded.component_inputs(recorded)
        super().__init__("acmidm:index:Onboarding", recorded.key, inputs or None, opts)
        self.parts = []
        self.handing_over = {}
        self.client_secrets = as_recorded.declare_below(self, recorded)
        outputs = outputs_of(recorded.resources[0])
        is_there = not recorded.is_without_client
        self.connections = dict(mapping(outputs.get("connections"))) if is_there else {}
        self._register({"connections": self.connections})

    def _register(self, outputs: Mapping[str, Any]) -> None:
        self.register_outputs({**outputs, VERSION: installed.VERSION})

    def _declare(
        self, connection: Declaration, given: pulumi.Output[Keys] | None, protect: bool
    ) -> dict[str, Any]:
        """Declare the resources of a connection, and note them in ``parts``. Return what the output
        ``connections`` has of it. ``given`` are the keys that the program gives, None where the
        form has them; they may be known only once another resource is made."""
        if given is not None and connection.jwks_uri:
            raise pulumi.RunError(
                f"{connection.key} has its keys at {connection.jwks_uri}; give it no others, or"
                " leave jwks_uri out"
            )
        keys = connection.jwks if given is None else given
        secret = self._secret(connection) if connection.uses_secret else None
        protected = _protected(protect=protect, is_leaving=connection.is_leaving())
        # The engine renames parts with their component in the run that renames it; one that fails
        # in that run needs its own aliases.
        aliases = _aliases(connection, connection.resource_name)
        options = pulumi.ResourceOptions(parent=self, protect=protected, aliases=aliases)
        first_keys = None if connection.uses_secret else keys
        client = OAuthClient(connection, secret, first_keys, options)
        # The id stays known while a preview updates the client; the output of the same value does
        # not.
        client_id = client.id
        scopes = None if connection.leaves_scopes else ClientScopes(connection, client_id, options)
        self.parts.append(client)
        if scopes:
            self.parts.append(scopes)
        self.parts.append(ClientJwks(connection, client_id, keys, options))
        self.handing_over[connection.software_id] = handing_over(
            connection, client, scopes, is_given=given is not None
        )
        for product in connection.products:
            protected = _protected(protect=protect, is_leaving=connection.is_leaving(product))
            aliases = _aliases(connection, f"{connection.resource_name}/{product}")
            options = pulumi.ResourceOptions(parent=self, protect=protected, aliases=aliases)
            self.parts.append(ProductConfiguration(connection, product, client_id, options))
        shown_keys = None if keys is None else pulumi.Output.from_input(keys).apply(_shown)
        return {
            "organisation": connection.organisation,
            "organisation_code": connection.declared_by.code,
            "application": connection.application,
            "client_id": client_id,
            "scopes": sorted(connection.scopes),
            "keys": shown_keys,
            "products": sorted(connection.products),
        }

    def _secret(self, connection: Declaration) -> pulumi.Output[str]:
        """Return the client secret, made here and encrypted in the state. Its name begins with the
        component's, so that it has the component's aliases."""
        generation = connection.secret.generation or 1
        # None for the first generation, so that secrets older than generations stay as they are.
        keepers = {"generation": str(generation)} if generation > 1 else None
        password = pulumi_random.RandomPassword(
            connection.resource_name,
            length=_SECRET_LENGTH,
            special=False,
            keepers=keepers,
            opts=pulumi.ResourceOptions(
                parent=self,
                aliases=_aliases(connection, connection.resource_name),
                additional_secret_outputs=["result"],
            ),
        )
        secret: pulumi.Output[str] = pulumi.Output.secret(password.result)
        self.client_secrets[connection.platform.value] = secret
        return secret


@without_stack_traces()
def hand_over(onboardings: Iterable[Onboarding], *, protect: bool = False) -> HandOver:
    """Declare the mails to the organisations of all onboardings of a stack, once they are declared;
    ``protect`` as for an onboarding."""
    connections: dict[str, Any] = {}
    for onboarding in onboardings:
        connections |= onboarding.handing_over
    return HandOver(without_unknown(connections), pulumi.ResourceOptions(protect=protect))


def without_unknown(value: Any) -> pulumi.Output[Any]:
    """Return a value without its unknown parts, at every depth: those are outputs of a resource
    that failed, or that a preview does not make."""

    async def resolved(part: Any) -> Any:
        if isinstance(part, pulumi.Output):
            return await resolved(await part.future()) if await part.is_known() else None
        if isinstance(part, Mapping):
            parts = {name: await resolved(value) for name, value in part.items()}
            return {name: value for name, value in parts.items() if value is not None}
        return part

    return pulumi.Output.from_input(resolved(value))


def _protected(*, protect: bool, is_leaving: bool) -> bool | None:
    """Return the engine's option ``protect`` of a resource: True, or None, which is that of the
    component."""
    return True if protect and not is_leaving else None


def _component_inputs(connections: Sequence[Declaration]) -> dict[str, Any]:
    """Return what a form says of all its clients and no authority has, such as exemptions, without
    what is empty: as inputs of the component, so that a preview shows that they change."""
    first = connections[0]
    withdrawn = {}
    for client in connections:
        if client.leaving.withdrawn:
            scopes = sorted(client.leaving.withdrawn)
            withdrawn[client.platform.value] = dict.fromkeys(scopes, True)
    inputs = {
        "exemptions": dict(first.form.exemptions),
        "mandate": dict(first.form.mandate),
        "retire": dict(first.form.retire),
        KEEP: first.form.keep,
        WITHDRAWN: withdrawn,
    }
    return filled(inputs)


def _aliases(connection: Declaration, name: str) -> list[pulumi.Input[str | pulumi.Alias]]:
    """Return the aliases of a resource called ``name``, which begins with the connection's key: the
    same name with each earlier key."""
    below = name.removeprefix(connection.key)
    return [pulumi.Alias(name=former + below) for former in connection.form.formerly]


def _public_keys(connection: Declaration, given: Sequence[Any], profile: Profile) -> Keys:
    """Return the public keys that a program gives a connection, JSON Web Keys as mappings or texts,
    by ``kid``.

    Raises:
        pulumi.RunError: for an empty list; for what is no key, is there twice, is compromised, or
            is forbidden by a policy. The user sees its sentence alone.
    """
    keys: dict[str, PublicJwk] = {}
    for number, jwk in enumerate(given, start=1):
        which = f"{connection.key}, key {number}"
        try:
            text = jwk if isinstance(jwk, str) else json.dumps(jwk)
            key = parse_jwk(text)
        except InvalidJwk as error:
            sentences = [f"{which}: the key {reason.sentence}" for reason in error.reasons]
            raise pulumi.RunError("\n".join(sentences)) from None
        except (ValueError, TypeError, RecursionError):
            raise pulumi.RunError(f"{which}: this is no key; give a JSON Web Key") from None
        if key.kid in keys:
            raise pulumi.RunError(
                f"{which}: its kid is that of another key; name each by a kid of its own"
            )
        if key.thumbprint in connection.keys.compromised:
            raise pulumi.RunError(
                f"{which}: its form says that this key is compromised; give another"
            )
        keys[key.kid] = key
    if not keys:
        raise pulumi.RunError(
            f"{connection.key} is given an empty list of keys; leave keys out where the"
            " organisation uploads its own"
        )
    now = datetime.now(UTC)
    situation = Situation(connection.environment, profile, now, members_of(keys))
    forbidden = []
    for policy, finding in violations(situation, connection.form.exemptions):
        remedy = remedy_of(policy, finding)
        forbidden.append(f"{connection.key}: {finding.what}; {remedy}")
    if forbidden:
        raise pulumi.RunError("\n".join(forbidden))
    return keys


def _shown(keys: Keys) -> dict[str, dict[str, str | None]]:
    """Return what the output ``connections`` has of keys, per ``kid``."""
    shown = {}
    for kid, key in keys.items():
        expires = key.expires.isoformat() if key.expires else None
        shown[kid] = {"thumbprint": key.thumbprint, "expires": expires}
    return shown
