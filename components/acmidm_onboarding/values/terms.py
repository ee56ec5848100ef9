"""The words of forms that everything else uses too: environments, platforms, and what an authority
accepts at most."""

from __future__ import annotations

import re
from enum import StrEnum

LONGEST_TEXT = 255
LONGEST_ADDRESS = 254
LONGEST_ATTRIBUTE_NAME = 64
MOST_CONTACTS = 50
MOST_KEYS = 5
MOST_ATTRIBUTES = 20
"""What an authority accepts at most, as the contract of the management API has it; a test holds the
two alike."""
EVIDENCE_ENDING = ".evidence.json"
NAME = "[a-z0-9]+(-[a-z0-9]+)*"
LONGEST_APPLICATION = 64


def is_name(text: str) -> bool:
    """Return whether a folder, a form or an application may have this name: resources are named by
    it."""
    return re.fullmatch(NAME, text, re.ASCII) is not None and len(text) <= LONGEST_APPLICATION


class Environment(StrEnum):
    """The environments of Digitaal Vlaanderen: test (TNI) and production."""

    TNI = "tni"
    PROD = "prod"


class Platform(StrEnum):
    """ACM/IDM is the uniform platform, GeoSecure its predecessor."""

    ACMIDM = "acmidm"
    GEOSECURE = "geosecure"


RESERVED_NAME = Platform.GEOSECURE.value
"""No application or product has this name: it ends the name of a client on the second platform."""


class AuthMethod(StrEnum):
    """How the client authenticates at the token endpoint (RFC 7591 §2; OpenID Connect Core §9)."""

    PRIVATE_KEY_JWT = "private_key_jwt"
    CLIENT_SECRET_BASIC = "client_secret_basic"
    CLIENT_SECRET_POST = "client_secret_post"


class ExemptiblePolicy(StrEnum):
    """The policies that a form may be exempted from, in writing."""

    CLIENT_SECRET = "client-secret"
    KEY_LIFETIME = "key-lifetime"
    KEY_ALGORITHM = "key-algorithm"
    PROMOTION_GATE = "promotion-gate"
