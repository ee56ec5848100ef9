"""The overlap of a rotation: since when each key is declared, and whether one may leave; the rule is in
``rules/rotation.py``.

``check``, which previews run too, writes both into the inputs. ``since`` has per thumbprint when the key was first
declared. It appears with a change of the keys alone, and stays as it is for those that stay, so that it never is a
change by itself. In a state of before, or for a client that was made by hand, a key counts as there for as long as it
takes. ``refused`` says why a key may not leave yet: then that one stays among the keys that are written and recorded,
and all else of them is done. Where it cannot be known which may leave, ``blocked`` says that nothing is written.

What proves a key is the input ``proven``. What says that it is compromised comes from the program with each run, and is
in no state.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from acmidm_onboarding.authorities.errors import AuthorityError, Rejected
from acmidm_onboarding.authorities.port import KeyUse, KnowsUse
from acmidm_onboarding.authorities.published_keys import keys_in_force
from acmidm_onboarding.resources import adoption
from acmidm_onboarding.rules.rotation import EVER, RegisteredKey, obstacle, sentence
from acmidm_onboarding.settings import Settings
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.jwk import PublicJwk, readable_jwk
from acmidm_onboarding.values.marks import has_mark
from acmidm_onboarding.values.metadata import Jwks
from acmidm_onboarding.values.problems import Unusable, listed
from acmidm_onboarding.values.terms import MOST_KEYS

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import ConnectedPlatform

INPUT = "rotation"
SINCE = "since"
REFUSED = "refused"
BLOCKED = "blocked"
_EARLIER = "earlier"
"""What is recorded of a key that was there before anybody recorded it."""


def wanted(connection: Declaration, stack: str) -> dict[str, Any] | None:
    """Return what the program gives of a client's rotation; None where its keys are not guarded: it leaves them for a
    secret."""
    if connection.uses_secret:
        return None
    return {
        "form": connection.form,
        "stack": stack,
        "compromised": sorted(connection.compromised),
        "evidence_refused": connection.evidence_refused,
    }


@dataclass(frozen=True)
class Overlap:
    """One check of a client's keys: the inputs before (none: they are made, perhaps anew) and after, and what the
    program gives."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    wanted: Mapping[str, Any] | None
    settings: Settings

    def checked(self, platform: ConnectedPlatform | None) -> dict[str, Any]:
        """Return the inputs with ``since`` and ``refused``. ``platform`` is None where the client is another than
        before."""
        inputs, jwks = dict(self.after), self.after.get("jwks")
        kept = self.before.get(SINCE)
        is_same = jwks == self.before.get("jwks")
        if kept is None and (is_same or self._days == 0):  # without a guard
            return inputs
        if not isinstance(jwks, Mapping):  # left to the portal for a while, or known once another resource is made
            return inputs if kept is None else {**inputs, SINCE: kept}
        guarded = self._days > 0 and self.wanted is not None and platform is not None
        try:
            held = self._registered(platform if guarded else None)
        except (AuthorityError, Unusable) as error:
            return {**inputs, BLOCKED: True, REFUSED: self._refusal(f"which keys may leave cannot be known; {error}")}
        was_guarded = kept is not None and self.before.get("jwks") is not None
        recorded = (
            kept
            if kept is not None and was_guarded
            else {**dict.fromkeys(_by_thumbprint(held), _EARLIER), **(kept or {})}
        )
        declared = _by_thumbprint(jwks)
        if platform is not None and guarded and self._refused(platform, held, recorded, declared):
            held = self._still_there(platform, held)  # the state may be older than what is there
            if refused := self._refused(platform, held, recorded, declared):
                inputs |= {REFUSED: self._refusal(refused), "jwks": self._with_staying(jwks, held, recorded)}
        if kept is not None or (self._days > 0 and declared.keys() != recorded.keys()):
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            inputs[SINCE] = {thumbprint: recorded.get(thumbprint, now) for thumbprint in _by_thumbprint(inputs["jwks"])}
        return inputs

    def _registered(self, platform: ConnectedPlatform | None) -> Jwks:
        """Return the keys that the client has: as recorded, as an adoption saw them, or where they are: in the portal,
        at an address.

        Keys that are made anew, as by ``--replace``, have no record: those that the client has are guarded all the
        same.
        """
        if self.before:
            recorded = self.before.get("jwks")
            if recorded is None and platform is not None:
                snapshot = platform.clients.get(self.before["client_id"])
                return {key.kid: key.members for key in keys_in_force(snapshot.jwks).values()} if snapshot else {}
        elif (seen := adoption.before(self.after)) is not None:
            recorded = seen.get("jwks")
        elif platform is not None and isinstance(client_id := self.after["client_id"], str) and not has_mark(client_id):
            recorded = platform.authority.read_jwks(client_id)
        else:
            recorded = None
        return recorded if isinstance(recorded, Mapping) else {}

    def _still_there(self, platform: ConnectedPlatform, held: Jwks) -> Jwks:
        """Return what its authority has of these keys; all of them where that cannot be known, or where it was asked
        already."""
        if self.before.get("jwks") is None:
            return held
        try:
            there = platform.authority.read_jwks(self._client_id)
        except AuthorityError:
            there = None
        if there is None:
            return held
        gone = _by_thumbprint(held).keys() - _by_thumbprint(there).keys()
        return {name: key for name, key in held.items() if gone.isdisjoint(_by_thumbprint({name: key}))}

    def _with_staying(self, jwks: Jwks, held: Jwks, recorded: Collection[str]) -> Jwks:
        """Return what is declared, and the keys that may not leave yet; each that is there keeps the name that it has.

        A new key waits where it wants such a name, or where there would be more keys than a client may have.
        """
        declared, now = _by_thumbprint(jwks), datetime.now(UTC)
        gone = (self.wanted or {})["compromised"]
        stay = {
            name: key.members
            for name, members in held.items()
            if (key := readable_jwk(dict(members))) and key.thumbprint not in gone
            if key.thumbprint in declared
            or (key.thumbprint in recorded and RegisteredKey(key.kid, key.thumbprint, EVER, key.expires).is_usable(now))
        }
        new = {
            name: members
            for name, members in jwks.items()
            if _by_thumbprint({name: members}).keys() - _by_thumbprint(held).keys()
        }
        fitting = ((name, members) for name, members in new.items() if name not in stay)
        return {**stay, **dict(islice(fitting, max(MOST_KEYS - len(stay), 0)))}

    def _refused(
        self, platform: ConnectedPlatform, held: Jwks, recorded: Mapping[str, str], declared: Mapping[str, PublicJwk]
    ) -> str | None:
        """Return why a key may not leave yet, which one does that ends now, or is called otherwise, too.

        What nobody declared, such as one that was slipped in, may leave.
        """
        asked, now, client_id = self.wanted or {}, datetime.now(UTC), self._client_id
        names = {thumbprint: key.kid for thumbprint, key in _by_thumbprint(held).items()}
        stays = {
            thumbprint
            for thumbprint, key in declared.items()
            if (key.expires is None or key.expires > now) and names.get(thumbprint, key.kid) == key.kid
        }
        keys = [
            RegisteredKey(key.kid, thumbprint, _moment(recorded[thumbprint]), key.expires)
            for thumbprint, key in _by_thumbprint(held).items()
            if thumbprint in recorded
        ]
        evidence, oldest = self.after.get("proven") or {}, now - timedelta(days=self.settings.evidence_max_days)
        is_fresh = bool(evidence) and datetime.fromisoformat(evidence["proven_at"]) >= oldest
        proven = {evidence["thumbprint"]} if is_fresh else set()
        facts: dict[str, Any] = {"compromised": asked["compromised"], "now": now, "overlap_days": self._days}
        found, unseen = obstacle(keys, stays, trusted=proven, **facts), ""
        if found is not None and found.lacks_proof:
            # Only here, for a preview needs no authority where evidence is enough, or nothing leaves.
            used, unseen = _in_use(platform, client_id)
            found = obstacle(keys, stays, trusted={*proven, *used}, **facts)
        if found is None:
            return None
        if why := asked.get("evidence_refused"):
            unseen = f"its evidence counts as none: {why}; {unseen}"
        elif evidence and not is_fresh:
            unseen = f"its evidence is older than {self.settings.evidence_max_days} days; {unseen}"
        probe = (
            f"acmidm probe {self.settings.forms_folder}/{asked['form']}.yaml --stack {asked['stack']} --client-id"
            f" {client_id} --private-key FILE --record"
        )
        return sentence(found, overlap_days=self._days, probe=probe, unseen=unseen)

    @property
    def _client_id(self) -> str:
        return str(self.before.get("client_id") or self.after["client_id"])

    @property
    def _days(self) -> float:
        return self.settings.key_overlap_days

    def _refusal(self, why: str) -> str:
        return f"{(self.wanted or {}).get('form')}: {why}"


def after_read(before: Mapping[str, Any], found: Jwks, days: float) -> dict[str, Any]:
    """Return ``since`` as it is once a read found these keys: a key that nobody declared has no place in it."""
    recorded, known = before.get(SINCE), _by_thumbprint(before["jwks"])
    there = _by_thumbprint(found)
    if recorded is None:
        if days == 0 or known.keys() == there.keys():
            return {}
        recorded = dict.fromkeys(known, _EARLIER)
    return {SINCE: {thumbprint: since for thumbprint, since in recorded.items() if thumbprint in there}}


def require_kept(there: Jwks, address: str) -> None:
    """Refuse an address for the keys of a client where none of those is that it has: its application signs with one of
    them.

    From then on the keys are its organisation's affair. What may be somebody else's address, set by hand, is not looked
    into.

    Raises:
        Rejected: before anything is written.
    """
    now = datetime.now(UTC)
    usable = [
        one
        for thumbprint, key in _by_thumbprint(there).items()
        if (one := RegisteredKey(key.kid, thumbprint, EVER, key.expires)).is_usable(now)
    ]
    if not usable:
        return
    try:
        published = keys_in_force({"jwks_uri": {"jwks_uri": address}})
    except Unusable as error:
        raise Rejected(f"the client keeps its keys, for those at its new address cannot be used: {error}") from None
    if not any(key.thumbprint in published for key in usable):
        keys = f"key{'s' if len(usable) > 1 else ''} {listed(key.name for key in usable)}"
        raise Rejected(
            f"the client keeps {keys}, for {address} has none of them; publish there what its application signs with,"
            " beside what is new"
        )


def _by_thumbprint(jwks: Jwks) -> dict[str, PublicJwk]:
    """Return the keys that can be used; what was slipped into a set may be none."""
    return {key.thumbprint: key for members in jwks.values() if (key := readable_jwk(dict(members)))}


def _moment(since: str) -> datetime:
    return EVER if since == _EARLIER else datetime.fromisoformat(since)


def _in_use(platform: ConnectedPlatform, client_id: str) -> tuple[Mapping[str, KeyUse], str]:
    """Return the keys that the authority has seen in use, and why a key's use counts for nothing where it has not."""
    if not isinstance(platform.authority, KnowsUse):
        return {}, "its authority cannot tell which keys are in use"
    try:
        return platform.authority.keys_in_use(client_id), "its authority has not seen it in use"
    except AuthorityError as error:
        return {}, f"whether it is in use cannot be known: {error}"
