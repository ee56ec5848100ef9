"""The client scopes of a realm, by the names that forms and the catalogue have."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from acmidm_onboarding.authorities.errors import NotFound, Rejected
from acmidm_onboarding.authorities.http.api import Answer, Api
from acmidm_onboarding.authorities.keycloak.wire import WireScope, WireScopeList
from acmidm_onboarding.texts import tr

_PROTOCOL = "openid-connect"


def read_list(api: Api, path: str) -> Answer:
    """Return the answer that has a list of the realm, such as ``/clients?max=1``. Raises Rejected
    for a 404: the address is no realm's, so that nothing counts as gone."""
    try:
        return api.request("GET", path)
    except NotFound as error:
        raise Rejected(
            tr(
                "{error}; managementUrl must be the address of a realm, such as"
                " https://host/admin/realms/name",
                error=error,
            )
        ) from None


class RealmScopes:
    """The scopes that a realm has, read once per run, and once more where a name is not among them.
    Thread-safe."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._ids: dict[str, str] = {}
        self._defaults: frozenset[str] | None = None

    def ids(self, names: Iterable[str]) -> dict[str, str]:
        """Return Keycloak's internal id of each scope, by name. Raises Rejected, which names every
        scope that the realm lacks."""
        with self._lock:
            if not self._ids.keys() >= set(names):
                self._ids = {scope.name: scope.id for scope in self._list("/client-scopes")}
            missing = sorted(set(names) - self._ids.keys())
            if missing:
                raise Rejected(
                    tr(
                        "{address} has no client scope {scopes}, and nothing was granted or"
                        " withdrawn; have this scope made in the realm, or correct its name in the"
                        " catalogue",
                        address=self._api.base_url,
                        scopes=", ".join(missing),
                    )
                )
            return {name: self._ids[name] for name in names}

    def names(self) -> dict[str, str]:
        """Return the name of each scope, by Keycloak's internal id."""
        return {scope.id: scope.name for scope in self._list("/client-scopes")}

    def given_to_new_clients(self) -> frozenset[str]:
        """Return the scopes that the realm grants to each new client by itself."""
        with self._lock:
            if self._defaults is None:
                scopes = self._list("/default-default-client-scopes")
                self._defaults = frozenset(scope.name for scope in scopes)
            return self._defaults

    def forget(self) -> None:
        """Forget all ids, after one of them turned out to be gone: the next ``ids`` reads anew."""
        with self._lock:
            self._ids = {}

    def _list(self, path: str) -> list[WireScope]:
        scopes = read_list(self._api, path).as_(WireScopeList).root
        return [scope for scope in scopes if scope.protocol in (None, _PROTOCOL)]
