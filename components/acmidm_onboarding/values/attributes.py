"""The names of attributes: what a client says of itself in its tokens, and never who it is."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import quoted
from acmidm_onboarding.values.terms import LONGEST_ATTRIBUTE_NAME

ATTRIBUTE = re.compile(r"setbyclient_[a-z0-9]+(_[a-z0-9]+)*", re.ASCII)
"""The claims that a client sets by itself have such names at ACM/IDM, and no other claim has."""
_OF_IDENTITY = frozenset(
    {
        *(
            "iss",
            "sub",
            "aud",
            "exp",
            "nbf",
            "iat",
            "jti",
            "act",
            "azp",
            "amr",
            "acr",
            "sid",
            "cnf",
        ),
        *("scope", "scopes", "scp"),
        *(
            "client",
            "clientid",
            "issuer",
            "subject",
            "audience",
            "role",
            "roles",
            "group",
            "groups",
            "entitlements",
        ),
        *("vo", "ovo", "ovocode", "orgcode", "orgnaam", "organisatie", "applicatienaam"),
        *("kbo", "kbonummer", "insz", "rrn", "email"),
    }
)
"""The words of claims by which an API knows who somebody is and what they may do (RFC 7519 §4.1,
RFC 9068 §2.2, ACM/IDM's ``vo_…``)."""
_LONGEST_COMMON_PART = 5
"""Characters up to which one of those words may be a part of another word."""


def _attribute_name(name: str) -> str:
    """Return an attribute's name where a client may set it itself, and it is no claim of identity,
    not even with its words run together. Raises ValueError with a sentence."""
    if not ATTRIBUTE.fullmatch(name):
        raise ValueError(
            tr(
                "{name} is no attribute that a client sets; write setbyclient_ and lower case"
                " letters, digits or _",
                name=quoted(name),
            )
        )
    words = name.split("_")[1:]
    joined = "".join(words)
    hidden = (word for word in _OF_IDENTITY if len(word) > _LONGEST_COMMON_PART and word in joined)
    if not _OF_IDENTITY.isdisjoint(words) or any(hidden):
        raise ValueError(
            tr(
                "{name} says who a client is, or what it may do, which no client says of itself;"
                " leave it out",
                name=quoted(name),
            )
        )
    return name


AttributeName = Annotated[
    str, Field(max_length=LONGEST_ATTRIBUTE_NAME), AfterValidator(_attribute_name)
]
