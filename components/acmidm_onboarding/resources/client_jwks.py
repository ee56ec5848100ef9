"""The whole JWK Set of one client, a map keyed by ``kid``; or none, where the organisation uploads its keys in the portal.

Identity: the client. A key that someone slipped in is drift and shows by its ``kid``. Without ``jwks`` nothing is read or written: taking
the keys out of a form leaves them where they are. A key that may not leave yet (``overlap.py``) stays, and is recorded
as there; the output ``refused`` says why. Replaced with the client, and goes with it.

Keys in the portal, or at an address, are looked up for one thing: ``listed`` has those of ``proven``, the keys that evidence was signed
with, that are there. Each run looks: it is a change where that is other than recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from acmidm_onboarding.authorities.errors import AuthorityError, Rejected
from acmidm_onboarding.authorities.port import ClientSnapshot
from acmidm_onboarding.authorities.published_keys import Unusable, keys_in_force
from acmidm_onboarding.model.declaration import Declaration
from acmidm_onboarding.model.jwk import PublicJwk
from acmidm_onboarding.model.metadata import Jwks
from acmidm_onboarding.resources import adoption, overlap, ownership
from acmidm_onboarding.resources.base import AuthorityResource, ClientPartProvider, Properties, gone, inputs_of, managed_by, present

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import ConnectedPlatform


class ClientJwksProvider(ClientPartProvider):
    def check(self, olds: Properties, news: Properties) -> CheckResult:
        checked = super().check(olds, news)
        inputs, before = dict(checked.inputs or {}), inputs_of(olds)
        wanted = inputs.pop(overlap.INPUT, None)
        # Another client has no keys yet; and to remove a whole one is no rotation.
        is_same = not before or not any(inputs.get(name) != before.get(name) for name in self.replaced_by)
        one = overlap.Overlap(before, inputs, wanted, self._settings)
        platform = self._platforms.get(inputs["platform"]) if is_same and not adoption.refused(inputs) else None
        return CheckResult(one.checked(platform), checked.failures)

    def before(self, platform: ConnectedPlatform, snapshot: ClientSnapshot, inputs: Properties) -> Properties:  # noqa: ARG002
        return {"jwks": _sorted(snapshot.jwks)}

    def diff(self, id_: str, olds: Properties, news: Properties) -> DiffResult:
        found = super().diff(id_, olds, news)
        if news.get("proven") and not found.replaces and not adoption.refused(news):
            with suppress(AuthorityError):  # what cannot be looked at is as it was
                if self._listed(id_, news)["listed"] != olds.get("listed"):
                    found.changes = True
        return found

    def make(self, props: Properties) -> CreateResult:
        seen = adoption.before(props)
        self.require_own(props)
        self._replace(props, None if seen is None else seen["jwks"])
        return CreateResult(props["client_id"], {**_inputs(props), **self._listed(props["client_id"], props)})

    def read(self, id_: str, props: Properties) -> ReadResult:
        snapshot = self.on(props).clients.get(id_)
        if snapshot is None:
            return gone()
        inputs = _inputs(props)
        if inputs.get("jwks") is not None:
            inputs |= {**overlap.after_read(inputs, snapshot.jwks, self._settings.key_overlap_days), "jwks": _sorted(snapshot.jwks)}
        try:
            listed = self._listed(id_, props)
        except Rejected as error:
            pulumi.log.warn(str(error))
            listed = {name: props[name] for name in ("listed",) if name in props}
        return present(id_, inputs, **listed)

    def update(self, id_: str, olds: Properties, news: Properties) -> UpdateResult:
        # Keys that were the portal's are unknown to the state: those that are there may go, which the review lists.
        self._replace(news, inputs_of(olds).get("jwks"))
        return UpdateResult({**_inputs(news), **self._listed(id_, news)})

    def _listed(self, id_: str, props: Properties) -> dict[str, Any]:
        """The output ``listed``: of the keys that evidence was signed with, those that the authority has.

        Raises:
            Rejected: where they are at an address that cannot be fetched, so that the next run looks again.
        """
        proven = props.get("proven")
        if not proven:
            return {}
        snapshot = self.on(props).clients.get(id_)
        try:
            found = keys_in_force(snapshot.jwks if snapshot else {})
        except Unusable as error:
            raise Rejected(f"the key that its evidence was signed with cannot be looked for: {error}") from None
        return {"listed": {thumbprint: True for thumbprint in sorted(proven) if thumbprint in found}}

    def _replace(self, props: Properties, known: Jwks | None) -> None:
        if props.get(overlap.BLOCKED):
            raise Rejected(props[overlap.REFUSED])
        platform, jwks = self.on(props), inputs_of(props).get("jwks")
        if jwks is not None:
            platform.authority.replace_jwks(props["client_id"], known, jwks)
            platform.clients.forget(props["client_id"])


class ClientJwks(AuthorityResource, module="acmidm", name="ClientJwks"):
    """The keys of a client; see the module's docstring."""

    refused: pulumi.Output[str | None]
    """Why a key of the client may not leave yet."""

    def __init__(
        self,
        connection: Declaration,
        client_id: pulumi.Input[str],
        keys: pulumi.Input[Mapping[str, PublicJwk]] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props: dict[str, Any] = {
            "platform": connection.platform.value,
            "client_id": client_id,
            ownership.CONNECTION: ownership.marks(connection, managed_by()),
            "adopt": adoption.wanted(connection, managed_by()),
            overlap.INPUT: overlap.wanted(connection, pulumi.get_stack()),
            overlap.REFUSED: None,
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
