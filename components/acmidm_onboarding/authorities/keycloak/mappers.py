"""What a Keycloak client's own mappers put into its tokens: attributes, each a claim of a fixed value, and whatever
else.

An attribute is told by the whole of its mapper, whoever made it: one that differs in anything is no attribute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from acmidm_onboarding.values.attributes import ATTRIBUTE
from acmidm_onboarding.values.harmless import harmless

_TRUE = "true"


def claims_of(mappers: Sequence[Any]) -> dict[str, str]:
    """The attributes among mappers, by the claim's name."""
    return dict(found for mapper in mappers if (found := claim_of(mapper)))


def claim_of(mapper: Any) -> tuple[str, str] | None:
    """The attribute that a mapper is; None for one that is none."""
    match mapper:
        case {"name": str(name), "config": {"claim.value": str(value)}} if ATTRIBUTE.fullmatch(name):
            is_one = all(mapper.get(member) == part for member, part in _mapper(name, value).items())
            return (name, harmless(value)) if is_one else None
    return None


def mappers_of(claims: Mapping[str, str]) -> list[dict[str, Any]]:
    """The mappers that make attributes."""
    return [_mapper(name, claims[name]) for name in sorted(claims)]


def attributes_document(mappers: Sequence[Any], wanted: Mapping[str, str]) -> dict[str, Any]:
    """What a PUT sends to replace a client's attributes; nothing where it has them. ``mappers`` are all of its own.

    Keycloak replaces all of them at once, so the others go along; but for one that has the name of an attribute and is
    none.
    """
    if claims_of(mappers) == wanted:
        return {}
    others = (
        mapper
        for mapper in mappers
        if not claim_of(mapper) and not (isinstance(mapper, dict) and mapper.get("name") in wanted)
    )
    return {"protocolMappers": [*others, *mappers_of(wanted)]}


def _mapper(name: str, value: str) -> dict[str, Any]:
    """A claim of a fixed value in the access tokens, and in what introspection says of them."""
    config = {"claim.name": name, "claim.value": value, "jsonType.label": "String", "access.token.claim": _TRUE}
    return {
        "name": name,
        "protocol": "openid-connect",
        "protocolMapper": "oidc-hardcoded-claim-mapper",
        "config": {**config, "introspection.token.claim": _TRUE},
    }
