"""The types of authority that are installed here: each is an entry point of a package, and nothing
else names them all.

A stack's setting ``acmidm:authority`` is the name of one. No form and no setting names a module or
a class: what can be loaded is what somebody installed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from acmidm_onboarding.values.problems import Failure, on_one_line
from acmidm_onboarding.values.terms import Environment

GROUP = "acmidm_onboarding.authorities"
"""The group of entry points: ``keycloak = "acmidm_onboarding.authorities.keycloak:KEYCLOAK"``."""
DEFAULT_AUTHORITY = "beheerportaal"
"""The type of a platform whose settings name none."""

S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class AuthorityType(Generic[S]):
    """What this project knows of a kind of authority before it connects to one."""

    name: str
    settings: type[S]
    """The model of a platform's settings, a ``PlatformSettings`` with the keys that only this type
    reads."""
    connect: Callable[..., Any]
    """Make the authority of a platform, as ``authorities.port.Connect`` says. It imports the
    adapter, which nothing needs before."""
    takes_keys_from_address: bool = False
    """Whether it fetches a client's keys from the client's ``jwks_uri``."""
    keeps_previous_secret: bool = False
    """Whether the secret before a new one can go on working for a while."""
    keeps_writers_apart: bool = False
    """Whether it refuses to overwrite what changed since it was read, as by ETags; else one of two
    writers of the same moment may undo what the other did."""
    lists_clients: bool = True
    """Whether it lists its clients; else nobody knows which of them no form declares."""
    takes_secrets: bool = True
    """Whether a client can be given a secret of our choice."""
    takes_default_scopes: bool = True
    """Whether a client can have scopes that a token has without being asked for them."""
    takes_attributes: bool = True
    """Whether a client can have attributes, which its tokens then say."""
    takes_parts: bool = False
    """Whether a registration takes the client's scopes and keys along."""
    has_platform_rules: bool = False
    """Whether its tokens follow the rules of ACM/IDM and GeoSecure, which the probe explains."""
    confirmed_in: Callable[[S], Path] | None = None
    """The folder of what people confirmed, by a platform's settings, where they alone change it at
    a portal: that is what it has, and what differs is ordered. None where it has an API."""
    portals: Mapping[Environment, str] = field(default_factory=dict)
    """The portal where organisations manage their clients, where ``portalUrl`` is not set; empty:
    it has none of its own."""

    @property
    def is_by_hand(self) -> bool:
        return self.confirmed_in is not None


@cache
def installed_authorities() -> Mapping[str, AuthorityType[Any]]:
    """Return each installed type by its name, in alphabetical order. Raises Failure for one that is
    not usable."""
    types: dict[str, AuthorityType[Any]] = {}
    for point in sorted(entry_points(group=GROUP)):
        if point.name in types:
            raise _unusable(point, "has the name of another", "uninstall one of the two")
        types[point.name] = _load(point)
    return types


def _load(point: EntryPoint) -> AuthorityType[Any]:
    """Return the type of authority that an entry point names. Raises Failure for one that is not
    usable."""
    try:
        loaded = point.load()
    except (ImportError, AttributeError) as error:
        raise _unusable(
            point, f"cannot be loaded ({error})", "install its package anew, or uninstall it"
        ) from None
    if not isinstance(loaded, AuthorityType) or loaded.name != point.name:
        raise _unusable(
            point,
            "is no AuthorityType of that name",
            "correct its entry point, or uninstall its package",
        )
    return loaded


def _unusable(point: EntryPoint, what: str, remedy: str) -> Failure:
    package = point.dist.name if point.dist else "an unknown package"
    return Failure(on_one_line(f"authority {point.name} of {package} {what}; {remedy}"))
