"""The mappers of a Keycloak client that are attributes: each puts a claim of a fixed value into the
client's tokens.

A mapper is an attribute where all of it is as this project makes one, whoever made it. Every other
mapper is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from acmidm_onboarding.values.attributes import ATTRIBUTE
from acmidm_onboarding.values.harmless import harmless

_TRUE = "true"


def claims_of(mappers: Sequence[Any]) -> dict[str, str]:
    """Return the attributes among mappers: the value by the claim's name."""
    return dict(filter(None, map(claim_of, mappers)))


def claim_of(mapper: Any) -> tuple[str, str] | None:
    """Return the claim's name and value of a mapper that is an attribute; None for every other
    mapper, and for what is no mapper."""
    match mapper:
        case {"name": str(name), "config": {"claim.value": str(value)}}:
            # All members that this project writes; Keycloak adds others, such as an id.
            is_ours = {**mapper, **_mapper(name, value)} == mapper
            if is_ours and ATTRIBUTE.fullmatch(name):
                return name, harmless(value)
    return None


def mappers_of(claims: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a mapper for each attribute: the value by the claim's name."""
    return [_mapper(name, claims[name]) for name in sorted(claims)]


def attributes_document(mappers: Sequence[Any], wanted: Mapping[str, str]) -> dict[str, Any]:
    """Return the members of a PUT that replace a client's attributes by those ``wanted``, the value
    by the claim's name; {} where the client has these already.

    ``mappers`` are all that the client has, and Keycloak replaces all of them at once. So mappers
    that are no attribute are sent along, except one with the name of a wanted attribute: Keycloak
    wants each name once.
    """
    if claims_of(mappers) == wanted:
        return {}
    kept: list[Any] = []
    for mapper in mappers:
        is_named_as_wanted = isinstance(mapper, dict) and mapper.get("name") in wanted
        if not claim_of(mapper) and not is_named_as_wanted:
            kept.append(mapper)
    return {"protocolMappers": [*kept, *mappers_of(wanted)]}


def _mapper(name: str, value: str) -> dict[str, Any]:
    """Return a mapper that puts a claim of a fixed value into access tokens, and into their
    introspection."""
    config = {
        "claim.name": name,
        "claim.value": value,
        "jsonType.label": "String",
        "access.token.claim": _TRUE,
    }
    return {
        "name": name,
        "protocol": "openid-connect",
        "protocolMapper": "oidc-hardcoded-claim-mapper",
        "config": {**config, "introspection.token.claim": _TRUE},
    }
