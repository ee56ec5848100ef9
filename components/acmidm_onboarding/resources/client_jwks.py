"""The whole JWK Set of one client, a map keyed by ``kid``; or none, where the organisation uploads
its keys in the portal.

Identity: the client. A key that someone slipped in is drift and shows by its ``kid``. Without
``jwks`` nothing is read or written: taking the keys out of a form leaves them where they are. A key
that may not leave yet (``overlap.py``) stays, and is recorded as there; the output ``refused`` says
why. Replaced with the client, and goes with it.

``proven`` is the evidence that the client works (``values/evidence.py``). The output ``seen``
confirms it for the gate to production: it has the thumbprint of the key that signed it, where the
authority has that key and, if it can tell, has seen it in use; of keys at an address, which nobody
looks at, where the stack's own issuer gave the token. A run looks until that is so; keys in the
portal may go unseen, so that each run looks again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult

from acmidm_onboarding.authorities.errors import AuthorityError, ChangedMeanwhile, Rejected
from acmidm_onboarding.authorities.port import KnowsUse, RegisteredClient
from acmidm_onboarding.engine_resources import KEEP, LENT, REFUSED
from acmidm_onboarding.resources import adoption, overlap, ownership
from acmidm_onboarding.resources.base import (
    AuthorityResource,
    Properties,
    gone,
    inputs_of,
    managed_by,
)
from acmidm_onboarding.resources.client_part import ClientPartProvider
from acmidm_onboarding.values.client import JWKS_URI
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.jwk import PublicJwk, by_thumbprint, members_of, without_keys
from acmidm_onboarding.values.metadata import Jwks
from acmidm_onboarding.values.plain import only, without

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import ConnectedPlatform


_LONGEST_PROBE = timedelta(hours=1)
"""How long before its evidence a key got its last token at the most, the difference between two
clocks included."""


class ClientJwksProvider(ClientPartProvider):
    def check(self, olds: Properties, news: Properties) -> CheckResult:
        """Return the inputs with the keys that will be written: those of the form, and those that
        may not leave yet, with the reason in ``refused``; see ``overlap.py``.

        The input ``rotation`` comes from the program and leaves here: no state has it. The keys
        that go at once are kept for ``_remove_compromised``.
        """
        checked = super().check(olds, news)
        inputs, before = dict(checked.inputs or {}), inputs_of(olds)
        wanted = inputs.pop(overlap.INPUT, None)
        # A client that is replaced has no keys yet: its first ones are no rotation.
        changed = [name for name in self.replaced_by if inputs.get(name) != before.get(name)]
        is_replaced = bool(before and changed)
        platform = None
        if not is_replaced and not adoption.refused(inputs):
            platform = self._platforms.get(inputs["platform"])
        had = {} if is_replaced else before
        lent, taken_back = overlap.lent_and_taken_back(had, inputs, wanted)
        if wanted:
            wanted = {**wanted, "compromised": sorted({*wanted["compromised"], *taken_back})}
        if platform is not None and wanted and isinstance(inputs["client_id"], str):
            platform.compromised[inputs["client_id"]] = frozenset(wanted["compromised"])
        inputs = overlap.Overlap(before, inputs, wanted, self._settings).checked(platform)
        return CheckResult(_with_lent(inputs, lent, taken_back), checked.failures)

    def inputs_at_take_over(
        self,
        platform: ConnectedPlatform,  # noqa: ARG002
        client: RegisteredClient,
        inputs: Properties,  # noqa: ARG002
    ) -> Properties:
        return {"jwks": dict(client.jwks)}

    def diff(self, id_: str, olds: Properties, news: Properties) -> DiffResult:
        """Find a change also where the inputs are the same and the output ``seen`` is not: then an
        update looks again whether the authority has seen the key of the evidence."""
        result = super().diff(id_, olds, news)
        may_have_changed = inputs_of(news).get("jwks") is None or olds.get("seen") is None
        if not news.get("proven") or not may_have_changed:
            return result
        if result.replaces or adoption.refused(news):
            return result
        with suppress(AuthorityError):  # what cannot be read counts as unchanged
            if self._seen(id_, news, olds)["seen"] != olds.get("seen"):
                result.changes = True
        return result

    def make(self, props: Properties) -> CreateResult:
        """Write the keys, unless the client was registered with these in this run. Those of a
        client that is taken over are overwritten only as the preview showed them."""
        adopted = adoption.before(props)
        made = self.made_with(props)
        if made is None or made.jwks != inputs_of(props).get("jwks"):
            known = None if adopted is None else adopted["jwks"]
            self._replace(props, known)
        return CreateResult(
            props["client_id"], {**_inputs(props), **self._seen(props["client_id"], props)}
        )

    def look(self, id_: str, props: Properties) -> ReadResult:
        """Return the keys that the client has now, unless they are left to the portal; ``gone()``
        where the client is."""
        client = self.on(props).clients.get(id_)
        if client is None:
            return gone()
        inputs = _inputs(props)
        if inputs.get("jwks") is not None:
            inputs |= {
                **overlap.since_after_read(inputs, client.jwks, self._settings.key_overlap_days),
                "jwks": dict(client.jwks),
            }
            inputs = _with_lent(inputs, inputs.get(LENT) or {})
        seen = self._seen(id_, {**props, "jwks": inputs.get("jwks")}, props)
        return ReadResult(id_, {**inputs, **seen}, inputs)

    def change(self, id_: str, olds: Properties, news: Properties) -> dict[str, Any]:
        # The state has no keys that were left to the portal: whatever the client has may go, and
        # the review lists it.
        self._replace(news, inputs_of(olds).get("jwks"))
        return {**_inputs(news), **self._seen(id_, news, olds)}

    def _seen(self, id_: str, props: Properties, olds: Properties | None = None) -> dict[str, Any]:
        """Return the output ``{"seen": …}``: the thumbprint of the key that signed the evidence
        ``proven``, None where the authority has not seen that key; {} without evidence.

        Where ``olds`` has the same evidence as seen, its key need only be there still.
        """
        proven = props.get("proven")
        if not proven:
            return {}
        platform, thumbprint = self.on(props), proven["thumbprint"]
        is_of_issuer = proven["issuer"] == platform.issuer
        jwks = inputs_of(props).get("jwks")
        if jwks is None:
            client = platform.clients.get(id_)
            jwks = client.jwks if client else {}
        if JWKS_URI in jwks:
            seen = thumbprint if is_of_issuer else None
            return {"seen": seen}
        key = by_thumbprint(jwks).get(thumbprint)
        at = datetime.fromisoformat(proven["proven_at"])
        is_seen = is_of_issuer and key is not None and not key.has_ended(at)
        is_confirmed = olds is not None and (olds.get("seen"), olds.get("proven")) == (
            thumbprint,
            proven,
        )
        if is_seen and not is_confirmed and isinstance(platform.authority, KnowsUse):
            use = platform.authority.keys_in_use(id_).get(thumbprint)
            is_seen = use is not None and use.last_used_at >= at - _LONGEST_PROBE
        seen = thumbprint if is_seen else None
        return {"seen": seen}

    def _replace(self, props: Properties, known: Jwks | None) -> None:
        """Write the keys of the inputs over the ``known`` ones. Where the inputs have none, as they
        are left to the portal, remove the compromised keys alone.

        Raises:
            Rejected: where ``check`` could not tell which keys may leave.
            ChangedMeanwhile: where somebody else changed the keys; compromised ones are removed.
        """
        if props.get(overlap.BLOCKED):
            raise Rejected(props[REFUSED])
        platform, jwks = self.on(props), inputs_of(props).get("jwks")
        if jwks is None:
            self._remove_compromised(platform, props["client_id"])
        else:
            try:
                platform.authority.replace_jwks(props["client_id"], known, jwks)
            except ChangedMeanwhile:
                self._remove_compromised(platform, props["client_id"])
                raise
            platform.clients.forget(props["client_id"])

    def _remove_compromised(self, platform: ConnectedPlatform, client_id: str) -> None:
        """Remove the client's compromised keys, whatever else its authority has: a thief who
        changes the keys before each run must not keep a stolen one by that."""
        stolen = platform.compromised.get(client_id)
        if not stolen:
            return
        jwks = platform.authority.read_jwks(client_id) or {}
        staying = without_keys(jwks, stolen)
        if len(staying) < len(jwks):
            platform.authority.replace_jwks(client_id, jwks, staying)
            platform.clients.forget(client_id)


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
        jwks, rotation = None, None
        if keys is not None:
            jwks = pulumi.Output.from_input(keys).apply(members_of)
        if not connection.is_confirmed:
            rotation = overlap.wanted(connection, pulumi.get_stack())
        props: dict[str, Any] = {
            "platform": connection.platform.value,
            "client_id": client_id,
            ownership.CONNECTION: ownership.marks(connection, managed_by()),
            "adopt": adoption.wanted(connection, managed_by()),
            KEEP: connection.lets_go(),
            overlap.INPUT: rotation,
            REFUSED: None,
            "jwks": jwks,
            LENT: dict(connection.keys.lent) or None,
            "proven": connection.keys.proven or None,
        }
        super().__init__(ClientJwksProvider(), connection.resource_name, props, opts)


def _with_lent(
    inputs: Properties, lent: Mapping[str, str], taken_back: Collection[str] = ()
) -> dict[str, Any]:
    """Return the inputs with the input ``lent``: the supplier of each lent key that the client goes
    on to have, by thumbprint. Where the keys are left to the portal, these are all of ``lent`` but
    those ``taken_back``: that this input changes makes the engine call the update that removes
    them."""
    jwks = inputs.get("jwks")
    staying = lent.keys() - taken_back
    if isinstance(jwks, Mapping):
        staying = set(by_thumbprint(jwks))
    lent = only(lent, sorted(staying))
    without_lent = without(inputs, (LENT,))
    return {**without_lent, LENT: lent} if lent else without_lent


def _inputs(props: Properties) -> dict[str, Any]:
    """Return the inputs among outputs."""
    return without(inputs_of(props), ("seen",))
