"""The administrator's session with a Keycloak of ours, for the set-up of realms alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import httpx

from tests.support.keycloak_server.server import ADMIN, Server

Document = dict[str, Any]


class Admin:
    """The Admin REST API of all realms. Each failure is raised as httpx.HTTPStatusError."""

    def __init__(self, server: Server) -> None:
        self._server = server
        # Never through a proxy that the environment names: this is loopback.
        self._http = httpx.Client(
            base_url=server.origin, timeout=60, trust_env=False, auth=_FreshToken(server)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **parameters: str | int) -> Any:
        return self.request("GET", path, params=parameters).json()

    def find(self, path: str) -> Any:
        """Return what is there; None where a 404 says that nothing is."""
        answer = self._http.get(f"/admin/realms{path}")
        return None if answer.status_code == 404 else answer.raise_for_status().json()

    def post(self, path: str, document: object) -> None:
        self.request("POST", path, json=document)

    def put(self, path: str, document: object = None) -> None:
        self.request("PUT", path, json=document)

    def delete(self, path: str, document: object = None) -> None:
        self.request("DELETE", path, json=document)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._http.request(method, f"/admin/realms{path}", **options).raise_for_status()

    def client(self, realm: str, client_id: str) -> Document | None:
        """Return a client by its client-ID, as Keycloak represents it."""
        clients: list[Document] = self.get(f"/{realm}/clients", clientId=client_id)
        return clients[0] if clients else None

    def existing_client(self, realm: str, client_id: str) -> Document:
        """Return the same, where there must be one. Raises LookupError."""
        client = self.client(realm, client_id)
        if client is None:
            raise LookupError(f"realm {realm} has no client {client_id}")
        return client

    def scope_ids(self, realm: str) -> Mapping[str, str]:
        """Return the internal id of each client scope by its name."""
        return {scope["name"]: scope["id"] for scope in self.get(f"/{realm}/client-scopes")}


class _FreshToken(httpx.Auth):
    """The administrator's tokens live a minute: one that is refused is replaced once."""

    requires_response_body = True

    def __init__(self, server: Server) -> None:
        self._server = server
        self._token: str | None = None

    def auth_flow(self, request: httpx.Request) -> Any:
        for _ in range(2):
            if self._token is None:
                form = {
                    "grant_type": "password",
                    "client_id": "admin-cli",
                    "username": ADMIN,
                    "password": self._server.admin_password,
                }
                url = f"{self._server.origin}/realms/master/protocol/openid-connect/token"
                answer = yield httpx.Request("POST", url, data=form)
                self._token = answer.raise_for_status().json()["access_token"]
            request.headers["authorization"] = f"Bearer {self._token}"
            response = yield request
            if response.status_code != 401:
                return
            self._token = None
