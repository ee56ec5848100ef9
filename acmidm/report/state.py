"""A client as it is or is to be, whichever source tells of it. What a source does not know is None, and never a change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK

from components.model.connection import Connection
from components.model.form import AuthMethod, Environment, Platform

NO_REASON = "requested"
"""What a connection's scope has for a note where the form gives none."""
_STRENGTH: Mapping[str, int] = {AuthMethod.PRIVATE_KEY_JWT: 2, AuthMethod.CLIENT_SECRET_BASIC: 1, AuthMethod.CLIENT_SECRET_POST: 0}
"""RFC 9700 §2.5 recommends asymmetric authentication; RFC 6749 §2.3.1 advises against secrets in the body."""


@dataclass(frozen=True)
class Key:
    """A public key: its thumbprint (RFC 7638), None where it cannot be worked out, when it ends, and what else its owner says of it."""

    thumbprint: str | None
    expires: datetime | None = None
    usage: Mapping[str, str] = field(default_factory=dict)
    """What else is public of a key and not the key: ``alg``, ``use``, its certificates."""

    def told(self) -> dict[str, str]:
        """All but the key material, as people read it."""
        return {**self.usage, **({"exp": f"{self.expires:%Y-%m-%d %H:%M} UTC"} if self.expires else {})}


@dataclass(frozen=True)
class ClientState:
    """One client. ``details`` are the fields that only matter to people: names, codes, contacts."""

    form: str
    platform: Platform
    environment: Environment
    organisation: str = ""
    organisation_code: str = ""
    application: str = ""
    software_id: str | None = None
    client_id: str | None = None
    auth_method: str | None = None
    has_secret: bool | None = None
    """Whether it has the client secret that is declared: a resource whose secret somebody else has set since has none."""
    adopts: str | None = None
    """The client-ID of an existing client that is taken over."""
    foreign: bool = False
    """Whether this is such a client, as it was before."""
    enabled: bool = True
    protected: bool | None = None
    details: Mapping[str, str] | None = None
    scopes: Mapping[str, str | None] | None = None
    """Per scope why it was asked, None where that is not known."""
    keys: Mapping[str, Key] | None = None
    keys_in_portal: bool = False
    """Whether the organisation manages its keys in the portal; ``keys`` is then None."""
    exemptions: Mapping[str, str] = field(default_factory=dict)
    """Per policy that the form is exempted from, why."""
    unneeded_exemptions: frozenset[str] = frozenset()
    """Those that exempt nothing in any environment of the form: known from the form alone."""
    products: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """Per product its configuration, None where only its name is known."""

    @property
    def auth_strength(self) -> int:
        """How well the client authenticates; -1 for a method that is not known here."""
        return _STRENGTH.get(self.auth_method or "", -1)

    @property
    def uses_keys(self) -> bool:
        return self.auth_method == AuthMethod.PRIVATE_KEY_JWT

    @property
    def place(self) -> tuple[str, Platform, Environment]:
        return (self.form, self.platform, self.environment)


def state_of(connection: Connection, *, protected: bool | None) -> ClientState:
    """A connection of a form as the state that it asks for."""
    organisation = connection.organisation
    return ClientState(
        form=connection.name,
        platform=connection.platform,
        environment=connection.environment,
        organisation=organisation.name,
        organisation_code=organisation.code,
        application=connection.application,
        software_id=connection.software_id,
        auth_method=connection.token_endpoint_auth_method.value,
        adopts=connection.adopt,
        protected=None if protected is None else protected and not connection.ending,
        details=details_of(
            {
                "client_name": connection.client_name,
                "organisation_name": organisation.name,
                "ovo_code": organisation.ovo,
                "kbo_number": organisation.kbo,
                "contacts": list(connection.contacts),
                "grant_types": ["client_credentials"],
            }
        ),
        scopes=dict(connection.scopes),
        # Told once per environment, at the platform that each form has.
        exemptions=dict(connection.exemptions) if connection.platform is Platform.ACMIDM else {},
        keys=None
        if connection.keys_managed_in_portal
        else {kid: Key(key.thumbprint, key.expires, _usage(key.members)) for kid, key in connection.keys.items()},
        keys_in_portal=connection.keys_managed_in_portal,
        products={product: dict(configuration) for product, configuration in connection.products.items()},
    )


DETAILS = ("managed_by", "client_name", "organisation_name", "ovo_code", "kbo_number", "contacts", "grant_types")


def details_of(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a client's metadata that are shown as old and new. Forms say nothing of ``managed_by``: only drift can change it."""
    return {name: shown(metadata[name]) for name in DETAILS if metadata.get(name)}


def key_of(members: Mapping[str, Any]) -> Key:
    """A key in a JWK Set. Only what identifies it is kept, so that no other member of it can get into a report."""
    required = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}.get(str(members.get("kty")), ())
    exp = members.get("exp")
    try:
        thumbprint = JWK(kty=members["kty"], **{name: members[name] for name in required}).thumbprint() if required else None
        expires = datetime.fromtimestamp(exp, UTC) if isinstance(exp, int | float) else None
    except (JWException, KeyError, ValueError, TypeError, OverflowError, OSError):
        return Key(None)
    return Key(thumbprint, expires, _usage(members))


def _usage(members: Mapping[str, Any]) -> dict[str, str]:
    return {name: shown(members[name]) for name in _USAGE if members.get(name)}


_USAGE = ("alg", "use", "key_ops", "x5c", "x5t#S256")


def shown(value: Any) -> str:
    """A value as people read it: texts as they are, lists with commas, all else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
