"""The overlap of a rotation: since when each key is declared, and whether one may leave; the rule
is in ``rules/rotation.py``.

``check``, which previews run too, writes both into the inputs. ``since`` has per thumbprint when
the key was first declared. It is written only with a change of the keys, and stays as it is for
those that stay, so that it never is a change by itself. A key that was there before anybody
recorded it counts as declared long enough ago. ``refused`` says why a key may not leave yet: then
that key stays among those that are written and recorded, and every other change of the keys is
made. Where it cannot be known which keys may leave, ``blocked`` says that nothing is written.

``lent`` has per thumbprint the supplier whose key it is, for as long as the client may have that
key: by then the form may name another supplier, or none. Such a key leaves at once where its
supplier's mandate has ended or is gone, or where its supplier says that it is stolen.

The input ``proven`` has the evidence for a key. Which keys are compromised comes from the program
with each run, and is in no state.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from acmidm_onboarding.authorities.errors import AuthorityError
from acmidm_onboarding.authorities.port import KeyUse, KnowsUse
from acmidm_onboarding.engine_resources import LENT, REFUSED, SINCE, mapping
from acmidm_onboarding.resources import adoption
from acmidm_onboarding.rules.mandates import acting_suppliers, keys_to_take_back, stolen_among
from acmidm_onboarding.rules.rotation import EVER, RegisteredKey, obstacle, sentence
from acmidm_onboarding.settings import Settings
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.jwk import PublicJwk, by_thumbprint, readable_jwk, without_keys
from acmidm_onboarding.values.marks import has_mark
from acmidm_onboarding.values.metadata import Jwks
from acmidm_onboarding.values.plain import without
from acmidm_onboarding.values.terms import MOST_KEYS

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import ConnectedPlatform

INPUT = "rotation"
BLOCKED = "blocked"
_EARLIER = "earlier"
"""What is recorded of a key that was there before anybody recorded it."""


def wanted(connection: Declaration, stack: str) -> dict[str, Any] | None:
    """Return the input ``rotation`` as the program gives it, for ``check``: what the rule needs
    besides the keys; None for a client with a secret, whose keys may leave at any time."""
    if connection.uses_secret:
        return None
    return {
        "form": connection.form.path,
        "stack": stack,
        "compromised": sorted(connection.keys.gone_at_once),
        "acting": sorted(acting_suppliers(connection, datetime.now(UTC).date())),
        "stolen": {name: sorted(keys) for name, keys in connection.lenders.stolen.items()},
        "evidence_refused": connection.evidence_file.refused,
        "proof_options": connection.proof_options,
    }


def lent_and_taken_back(
    before: Mapping[str, Any], inputs: Mapping[str, Any], wanted: Mapping[str, Any] | None
) -> tuple[dict[str, str], frozenset[str]]:
    """Return which keys suppliers have lent the client, ``{"<thumbprint>": "<supplier>"}``, as the
    recorded and the new inputs have it; and the thumbprints of those that leave at once, for their
    supplier acts no more, or says that they are stolen. ``wanted`` is the input ``rotation``."""
    lent = {**(before.get(LENT) or {}), **(inputs.get(LENT) or {})}
    if wanted is None:
        return lent, frozenset()
    declared = by_thumbprint(mapping(inputs.get("jwks")))
    former = without(lent, declared)
    ended = keys_to_take_back(former, wanted["acting"]).keys()
    return lent, frozenset(ended | stolen_among(former, wanted["stolen"]))


@dataclass(frozen=True)
class Overlap:
    """One check of a client's keys: the recorded inputs (empty where the keys are written for the
    first time), the inputs of this run, and the input ``rotation``."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    wanted: Mapping[str, Any] | None
    settings: Settings

    def checked(self, platform: ConnectedPlatform | None) -> dict[str, Any]:
        """Return the inputs of this run, with ``since`` of their keys once these have changed.
        Where a key may not leave yet, that key stays among ``jwks``, and ``refused`` says why;
        where nobody can tell, ``blocked`` is True, and the run writes no keys.

        ``platform`` is None where the client is replaced: then no key has to stay.
        """
        inputs, jwks = dict(self.after), self.after.get("jwks")
        recorded_since = self.before.get(SINCE)
        is_same = jwks == self.before.get("jwks")
        if recorded_since is None and (is_same or self._days == 0):
            return inputs  # nothing leaves, or no overlap is set
        if not isinstance(jwks, Mapping):
            # Left to the portal, or known once another resource is made.
            return inputs if recorded_since is None else {**inputs, SINCE: recorded_since}
        guarding = platform if self._days > 0 and self.wanted is not None else None
        try:
            registered = self._registered_keys(guarding)
        except AuthorityError as error:
            return {
                **inputs,
                BLOCKED: True,
                REFUSED: self._of_form(f"which keys may leave cannot be known; {error}"),
            }
        since = dict(recorded_since or {})
        if recorded_since is None or self.before.get("jwks") is None:
            # What the client has may be recorded nowhere.
            since = {**dict.fromkeys(by_thumbprint(registered), _EARLIER), **since}
        declared = by_thumbprint(jwks)
        if guarding and self._why_not_yet(guarding, registered, since, declared):
            # Somebody may have removed the key already.
            registered = self._still_registered(guarding, registered)
            if why := self._why_not_yet(guarding, registered, since, declared):
                inputs |= {
                    REFUSED: self._of_form(why),
                    "jwks": self._with_staying(jwks, registered, since),
                }
        if recorded_since is not None or (self._days > 0 and declared.keys() != since.keys()):
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            thumbprints = by_thumbprint(inputs["jwks"])
            inputs[SINCE] = {key: since.get(key, now) for key in thumbprints}
        return inputs

    def _registered_keys(self, platform: ConnectedPlatform | None) -> Jwks:
        """Return the keys of the client, by name: as recorded, as an adoption saw them, or as its
        authority has them.

        The authority is read where the portal had the keys, and where they are made anew, as by
        ``--replace``: then no record has them, and they are guarded all the same. Keys at an
        address are not known, so that none of them is guarded.
        """
        if self.before:
            recorded = self.before.get("jwks")
            if recorded is None and platform is not None:
                client = platform.clients.get(self.before["client_id"])
                return client.jwks if client else {}
            return mapping(recorded)
        adopted = adoption.before(self.after)
        if adopted is not None:
            return mapping(adopted.get("jwks"))
        client_id = self.after["client_id"]
        is_known = isinstance(client_id, str) and not has_mark(client_id)
        if platform is None or not is_known or client_id in platform.made:
            return {}
        return platform.authority.read_jwks(client_id) or {}

    def _still_registered(self, platform: ConnectedPlatform, recorded: Jwks) -> Jwks:
        """Return the recorded keys that the authority still has; all of them where it cannot be
        read, or was read already."""
        if self.before.get("jwks") is None:
            return recorded
        try:
            actual = platform.authority.read_jwks(self._client_id)
        except AuthorityError:
            return recorded
        if actual is None:  # the client is gone
            return recorded
        gone = by_thumbprint(recorded).keys() - by_thumbprint(actual).keys()
        return without_keys(recorded, gone)

    def _with_staying(self, jwks: Jwks, registered: Jwks, recorded: Collection[str]) -> Jwks:
        """Return the keys to write while a key may not leave: those ``registered`` ones that stay,
        then new ones of the form's ``jwks``. ``recorded`` are the thumbprints of keys that a run
        declared.

        A new key waits where its name is taken, or where the client would have more than MOST_KEYS.
        """
        declared, now = by_thumbprint(jwks), datetime.now(UTC)
        compromised = (self.wanted or {})["compromised"]
        staying: dict[str, Any] = {}
        for name, members in registered.items():
            key = readable_jwk(dict(members))
            if key is None or key.thumbprint in compromised:
                continue
            is_recorded = key.thumbprint in recorded
            if key.thumbprint in declared or (is_recorded and not key.has_ended(now)):
                staying[name] = key.members
        result = dict(staying)
        registered_thumbprints = by_thumbprint(registered).keys()
        for name, members in jwks.items():
            if len(result) >= MOST_KEYS:
                break
            is_new = by_thumbprint({name: members}).keys() - registered_thumbprints
            if is_new and name not in staying:
                result[name] = members
        return result

    def _why_not_yet(
        self,
        platform: ConnectedPlatform,
        registered: Jwks,
        since: Mapping[str, str],
        declared: Mapping[str, PublicJwk],
    ) -> str | None:
        """Return why the ``registered`` keys cannot become those ``declared`` yet, a sentence with
        the command that proves a key; None where they can.

        A key that nobody declared, so that ``since`` lacks it, may leave: it was slipped in. A
        declared key that has ended, or gets another ``kid``, is no key that stays.
        """
        wanted, now, client_id = self.wanted or {}, datetime.now(UTC), self._client_id
        present = by_thumbprint(registered)
        staying = set[str]()
        for thumbprint, key in declared.items():
            name = present[thumbprint].kid if thumbprint in present else key.kid
            if name == key.kid and not key.has_ended(now):
                staying.add(thumbprint)
        keys = list[RegisteredKey]()
        for thumbprint, key in present.items():
            if thumbprint in since:
                moment = _moment(since[thumbprint])
                keys.append(RegisteredKey(key.kid, thumbprint, moment, key.expires))
        evidence = self.after.get("proven") or {}
        oldest = now - timedelta(days=self.settings.evidence_max_days)
        is_fresh = bool(evidence) and datetime.fromisoformat(evidence["proven_at"]) >= oldest
        proven = {evidence["thumbprint"]} if is_fresh else set()
        facts: dict[str, Any] = {
            "compromised": wanted["compromised"],
            "now": now,
            "overlap_days": self._days,
        }
        reason, unseen = obstacle(keys, staying, trusted=proven, **facts), ""
        if reason is not None and reason.lacks_proof:
            # Only here, for a preview needs no authority where evidence is enough, or nothing
            # leaves.
            used, unseen = _keys_in_use(platform, client_id)
            reason = obstacle(keys, staying, trusted={*proven, *used}, **facts)
        if reason is None:
            return None
        if why := wanted.get("evidence_refused"):
            unseen = f"its evidence counts as none: {why}; {unseen}"
        elif evidence and not is_fresh:
            unseen = f"its evidence is older than {self.settings.evidence_max_days} days; {unseen}"
        probe = (
            f"acmidm probe {self.settings.forms_folder}/{wanted['form']}.yaml --stack"
            f" {wanted['stack']} --client-id {client_id} --private-key FILE"
            f" {wanted['proof_options']}"
        )
        return sentence(reason, overlap_days=self._days, probe=probe, unseen=unseen)

    @property
    def _client_id(self) -> str:
        return str(self.before.get("client_id") or self.after["client_id"])

    @property
    def _days(self) -> float:
        return self.settings.key_overlap_days

    def _of_form(self, why: str) -> str:
        return f"{(self.wanted or {}).get('form')}: {why}"


def since_after_read(before: Mapping[str, Any], jwks: Jwks, days: float) -> dict[str, Any]:
    """Return the input ``{"since": …}`` after a refresh found the keys ``jwks``: as recorded
    ``before``, without keys that are gone; a key that nobody declared is not in it. {} where
    nothing was recorded, and the keys are the same or may leave at any time (0 ``days``)."""
    former, current = by_thumbprint(before["jwks"]), by_thumbprint(jwks)
    recorded = before.get(SINCE)
    if recorded is None:
        if days == 0 or former.keys() == current.keys():
            return {}
        recorded = dict.fromkeys(former, _EARLIER)
    return {SINCE: {key: since for key, since in recorded.items() if key in current}}


def _moment(since: str) -> datetime:
    return EVER if since == _EARLIER else datetime.fromisoformat(since)


def _keys_in_use(platform: ConnectedPlatform, client_id: str) -> tuple[Mapping[str, KeyUse], str]:
    """Return the keys that the authority has seen in use, by thumbprint, and what a sentence says
    of every other key: why its use is not proven."""
    if not isinstance(platform.authority, KnowsUse):
        return {}, "its authority cannot tell which keys are in use"
    try:
        return platform.authority.keys_in_use(client_id), "its authority has not seen it in use"
    except AuthorityError as error:
        return {}, f"whether it is in use cannot be known: {error}"
