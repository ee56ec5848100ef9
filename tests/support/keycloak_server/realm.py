"""A realm's set-up as code: its scopes, and the operator with its key and the least rights that do.

What is there already is brought up to date; nothing else is touched, connections above all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.keycloak_server.admin import Admin, Document

_MANAGE = "manage-clients"
"""A role of the client ``realm-management``. It includes seeing clients and client scopes; nothing
less lets a client be made."""
_SEE_EVENTS = "view-events"


@dataclass(frozen=True, kw_only=True)
class Realm:
    """What a realm is to have."""

    name: str
    scopes: Mapping[str, str]
    """Each scope that clients can be granted, with its title."""
    assigned: frozenset[str] = frozenset()
    """Those of them that each new client gets by itself."""
    operator: str
    operator_scopes: tuple[str, ...] = ()
    """Scopes that every access token of the operator carries: its rights at the product APIs."""
    operator_jwk: Mapping[str, Any]
    """Its public key."""
    audience: str | None = None
    """The origin of the product APIs: what access tokens with these scopes have in ``aud``."""
    audited: bool = False
    """Whether it keeps who changed what, and the operator may see it."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """More of Keycloak's RealmRepresentation."""

    @property
    def rights(self) -> tuple[str, ...]:
        """The operator's, of the client ``realm-management``."""
        return (_MANAGE, _SEE_EVENTS) if self.audited else (_MANAGE,)


def set_up(admin: Admin, realm: Realm) -> None:
    """Make the realm, or bring it to this state."""
    audit = {
        "adminEventsEnabled": realm.audited,
        "adminEventsDetailsEnabled": realm.audited,
    }
    document = {"realm": realm.name, "enabled": True, **audit, **realm.settings}
    if admin.find(f"/{realm.name}") is None:
        admin.post("", document)
    else:
        admin.put(f"/{realm.name}", document)
    _scopes(admin, realm)
    _operator(admin, realm)


def _scopes(admin: Admin, realm: Realm) -> None:
    titles = {
        **realm.scopes,
        **dict.fromkeys(realm.operator_scopes, "A right of the operator at the product APIs"),
    }
    existing = {scope["name"]: scope for scope in admin.get(f"/{realm.name}/client-scopes")}
    for name, title in titles.items():
        scope = _scope(name, title, realm.audience)
        if name not in existing:
            admin.post(f"/{realm.name}/client-scopes", scope)
        else:
            _update_scope(
                admin, f"/{realm.name}/client-scopes/{existing[name]['id']}", existing[name], scope
            )
    ids = admin.scope_ids(realm.name)
    given = {scope["name"] for scope in admin.get(f"/{realm.name}/default-default-client-scopes")}
    for name in realm.assigned - given:
        admin.put(f"/{realm.name}/default-default-client-scopes/{ids[name]}")


def _scope(name: str, title: str, audience: str | None) -> Document:
    mapper = {
        "name": "audience",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-audience-mapper",
        "config": {
            "included.custom.audience": audience,
            "access.token.claim": "true",
            "introspection.token.claim": "true",
        },
    }
    return {
        "name": name,
        "description": title[:255],
        "protocol": "openid-connect",
        "attributes": {"include.in.token.scope": "true", "display.on.consent.screen": "false"},
        "protocolMappers": [mapper] if audience else [],
    }


def _update_scope(admin: Admin, path: str, existing: Document, wanted: Document) -> None:
    admin.put(path, {name: value for name, value in wanted.items() if name != "protocolMappers"})
    # A PUT leaves the mappers as they are.
    mappers = {mapper["name"]: mapper for mapper in existing.get("protocolMappers", [])}
    for mapper in wanted["protocolMappers"]:
        present = mappers.get(mapper["name"])
        if present is None:
            admin.post(f"{path}/protocol-mappers/models", mapper)
        elif present["config"] != mapper["config"]:
            admin.put(
                f"{path}/protocol-mappers/models/{present['id']}", {**mapper, "id": present["id"]}
            )


def _operator(admin: Admin, realm: Realm) -> None:
    document = {
        "clientId": realm.operator,
        "description": "Declares the connections: see docs/authorities.md",
        "enabled": True,
        "protocol": "openid-connect",
        "publicClient": False,
        "standardFlowEnabled": False,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": True,
        "fullScopeAllowed": False,
        "clientAuthenticatorType": "client-jwt",
        "attributes": {
            "use.jwks.string": "true",
            "jwks.string": json.dumps({"keys": [dict(realm.operator_jwk)]}),
        },
    }
    client = admin.client(realm.name, realm.operator)
    if client is None:
        admin.post(f"/{realm.name}/clients", document)
        client = admin.existing_client(realm.name, realm.operator)
    else:
        admin.put(f"/{realm.name}/clients/{client['id']}", document)
    path = f"/{realm.name}/clients/{client['id']}"
    _only_these_scopes(admin, realm, path, client)
    _only_these_rights(admin, realm, path)


def _only_these_scopes(admin: Admin, realm: Realm, path: str, operator: Document) -> None:
    ids = admin.scope_ids(realm.name)
    for kind, wanted in (("default", set(realm.operator_scopes)), ("optional", set[str]())):
        existing = set(operator[f"{kind}ClientScopes"])
        for name in existing - wanted:
            admin.delete(f"{path}/{kind}-client-scopes/{ids[name]}")
        for name in wanted - existing:
            admin.put(f"{path}/{kind}-client-scopes/{ids[name]}")


def _only_these_rights(admin: Admin, realm: Realm, path: str) -> None:
    """The roles of the service account, and those of them that its tokens may stand for."""
    management = admin.existing_client(realm.name, "realm-management")["id"]
    account = f"/{realm.name}/users/{admin.get(f'{path}/service-account-user')['id']}/role-mappings"
    roles = [admin.get(f"/{realm.name}/clients/{management}/roles/{name}") for name in realm.rights]
    for rights_path in (
        f"{account}/clients/{management}",
        f"{path}/scope-mappings/clients/{management}",
    ):
        if superfluous := [
            role for role in admin.get(rights_path) if role["name"] not in realm.rights
        ]:
            admin.delete(rights_path, superfluous)
        admin.post(rights_path, roles)
    # The realm gives each account a few roles of its own, such as managing its profile.
    if own := admin.get(f"{account}/realm"):
        admin.delete(f"{account}/realm", own)
