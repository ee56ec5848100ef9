"""The clients of a realm that no connection may have: Keycloak's own, operators', and those that
may have rights over the realm.

Only an operator that sees users could read what a service account may do. So this file reads what
the client's tokens can carry: the roles in the client's scope, by *Full scope allowed*, role by
role, or through its client scopes. A right that no token carries does not count.
"""

from __future__ import annotations

import threading
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, RootModel
from pydantic.alias_generators import to_camel

from acmidm_onboarding.authorities.http.api import Api
from acmidm_onboarding.authorities.http.items import Items
from acmidm_onboarding.authorities.http.paths import segment
from acmidm_onboarding.authorities.keycloak.scopes import read_list
from acmidm_onboarding.authorities.keycloak.wire import WireClient, WireClients
from acmidm_onboarding.authorities.port import Reserved, reserved_for_operator
from acmidm_onboarding.forms.catalogue import OPERATOR_RIGHTS
from acmidm_onboarding.texts import tr


class WireRole(BaseModel):
    """A RoleRepresentation."""

    name: str


class WireRoles(RootModel[list[WireRole]]):
    root: Items[WireRole]


class WireClientMappings(BaseModel):
    mappings: Items[WireRole] = []


class WireMappings(BaseModel):
    """A MappingsRepresentation: roles of the realm, and of its clients by client-ID."""

    model_config = ConfigDict(alias_generator=to_camel)

    realm_mappings: Items[WireRole] = []
    client_mappings: dict[str, WireClientMappings] = {}

    @property
    def names(self) -> list[str]:
        """The names of all roles, sorted; a client's own role as ``account: view-profile``."""
        names = [role.name for role in self.realm_mappings]
        for client, roles in self.client_mappings.items():
            names += [f"{client}: {role.name}" for role in roles.mappings]
        return sorted(names)


class ReservedClients:
    """The reserved clients of one realm, as one operator sees them. Thread-safe."""

    def __init__(self, api: Api, operator_client_id: str) -> None:
        self._api = api
        self._operator = operator_client_id
        self._lock = threading.Lock()
        self._administrative: list[WireClient] | None = None

    def by_name(self, client: WireClient) -> Reserved | None:
        """Return why no form may have the client, by its client-ID and type alone, without a
        request; None where these do not tell."""
        if client.client_id == self._operator:
            return reserved_for_operator()
        if client.is_keycloaks_own:
            return Reserved(tr("is a client that Keycloak makes for itself"))
        return None

    def why(self, client: WireClient) -> Reserved | None:
        """Return why no form may have the client, as far as this operator can see; None where a
        form may. A reason that is not ``is_certain`` can be removed in Keycloak.

        A client that is declared already may have been given *Full scope allowed* by hand: an
        update puts that back.
        """
        if reserved := self.by_name(client):
            return reserved
        if rights := sorted(OPERATOR_RIGHTS & client.granted):
            return Reserved(
                tr("has rights over the product APIs ({rights})", rights=", ".join(rights))
            )
        is_declared = not client.metadata.owner.is_nobody
        if not is_declared and not client.is_connection:
            return Reserved(
                tr("is no client that a machine logs in with: its service account is off"),
                is_certain=False,
            )
        if client.full_scope_allowed:
            if is_declared:
                return None
            return Reserved(
                tr(
                    "may have any right over the realm, for Full scope allowed is on: switch Full"
                    " scope allowed off in Keycloak first"
                ),
                is_certain=False,
            )
        if rights := sorted(self._rights_of(client)):
            return Reserved(tr("has rights over the realm ({rights})", rights=", ".join(rights)))
        if not is_declared and (roles := self._roles_in_scope(client)):
            return Reserved(
                tr(
                    "has roles in its scope ({roles}): take these roles away in Keycloak first",
                    roles=", ".join(roles),
                ),
                is_certain=False,
            )
        return None

    def _rights_of(self, client: WireClient) -> list[str]:
        """Return the administrative roles that the client's tokens can carry, those inside other
        roles too: ``["realm-management: manage-users"]``."""
        query = urlencode({"scope": " ".join(client.optional_client_scopes)})
        mappings = f"{_path(client)}/evaluate-scopes/scope-mappings"
        rights = []
        for owner in self._administrative_clients():
            granted = self._api.request("GET", f"{mappings}/{segment(owner.id)}/granted?{query}")
            roles = granted.as_(WireRoles).root
            rights += [f"{owner.client_id}: {role.name}" for role in roles]
        return rights

    def _roles_in_scope(self, client: WireClient) -> list[str]:
        return self._api.request("GET", f"{_path(client)}/scope-mappings").as_(WireMappings).names

    def _administrative_clients(self) -> list[WireClient]:
        """Return the clients whose roles are rights: ``realm-management``, and in ``master`` one
        for each realm."""
        with self._lock:
            if self._administrative is None:
                answer = read_list(self._api, "/clients?search=true&clientId=realm")
                clients = answer.as_(WireClients).root
                self._administrative = [client for client in clients if client.is_realm]
            return self._administrative


def _path(client: WireClient) -> str:
    return f"/clients/{segment(client.id)}"
