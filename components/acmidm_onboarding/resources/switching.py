"""From a secret to a key without a moment in which neither works.

An authority accepts one method of a client at a time, and a client's keys are written after the
client. So a client that will authenticate with keys goes on with its secret until its authority has
one of them that can be used; one with an address for its keys does not wait, for nobody looks at
what is there. Until then its outputs have the method that is in force, and each
``diff`` finds a change, so that the next run looks again. Meanwhile the state does not have the
secret, for no run writes it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from acmidm_onboarding.authorities.port import Authority
from acmidm_onboarding.engine_resources import METHOD, WAITS
from acmidm_onboarding.values.declaration import key_of
from acmidm_onboarding.values.jwk import by_thumbprint
from acmidm_onboarding.values.plain import without
from acmidm_onboarding.values.terms import AuthMethod

AWAITED = "awaited_keys"
"""The input with the thumbprints of the keys of which the authority must have one; without it any
key will do, as in a portal."""


def is_awaiting(props: Mapping[str, Any]) -> bool:
    """Return whether a client waits for a key, by its outputs."""
    return props.get(WAITS) is True


def is_from_secret(before: object, after: object) -> bool:
    """Return whether a client goes from a secret to keys, by its methods before and after."""
    return (
        before in (AuthMethod.CLIENT_SECRET_BASIC, AuthMethod.CLIENT_SECRET_POST)
        and after == AuthMethod.PRIVATE_KEY_JWT
    )


def inputs_with_awaited(before: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of a client, without the awaited keys where it never had a secret: then it
    waits for none. ``before`` are its recorded inputs, empty for one that is made or taken over."""
    had, adopt = before, inputs.get("adopt")
    if not had and isinstance(adopt, Mapping):
        had = adopt.get("before") or {}
    if AWAITED in before or is_from_secret(had.get(METHOD), inputs.get(METHOD)):
        return dict(inputs)
    return without(inputs, (AWAITED,))


def is_done(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Return whether nothing differs but the list of awaited keys, of a client that waits no more:
    then the run writes nothing."""
    if is_awaiting(olds) or olds.get(AWAITED) == news.get(AWAITED):
        return False
    return all(olds.get(name) == news.get(name) for name in {*olds, *news} - {AWAITED})


def must_wait(
    authority: Authority, client_id: str, before: object, news: Mapping[str, Any]
) -> bool:
    """Return whether a client goes on with its secret in this run: it had one (``before`` is its
    present method), its keys are not at an address, and its authority has none of the awaited keys,
    or only ended ones."""
    if not is_from_secret(before, news.get(METHOD)) or news.get("jwks_uri") is not None:
        return False
    awaited, now = news.get(AWAITED), datetime.now(UTC)
    keys = by_thumbprint(authority.read_jwks(client_id) or {})
    suitable = keys.keys() & awaited if isinstance(awaited, list) else keys.keys()
    return all(keys[thumbprint].has_ended(now) for thumbprint in suitable)


def sentence(props: Mapping[str, Any]) -> str:
    """Return the warning that a client goes on with its secret, and until when."""
    key = key_of(str(props.get("software_id")))
    event = "its authority has a key, which its organisation uploads in the portal"
    if props.get(AWAITED):
        event = "its authority has one of the keys in its form"
    return f"{key} goes on with its client secret until {event}; run the same command again then"
