"""A real oidc-provider for tests: one server per file, a portal with the products beside it, and
what people do by hand."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx
import pytest
from joserfc.jwk import ECKey, Key
from pydantic import SecretStr

from acmidm_onboarding.authorities.http.api import Api
from acmidm_onboarding.authorities.http.retry import Retrying
from acmidm_onboarding.authorities.http.tokens import Credentials, OperatorTokens
from acmidm_onboarding.authorities.rfc7591.adapter import Registration
from acmidm_onboarding.authorities.rfc7591.endpoint import Endpoint
from acmidm_sandbox.beheerportaal.settings import RIGHTS
from acmidm_sandbox.commands.oidc_provider import daemon_of, start_server
from acmidm_sandbox.oidc_provider.server import (
    KEPT_METADATA,
    REGISTRATION_PATH,
    REGISTRATION_SCOPE,
    Server,
)
from tests.support.engine import Project
from tests.support.keycloak import SCOPES, free_port
from tests.support.offered import offered
from tests.support.portal import (
    OPERATOR,
    RunningPortal,
    new_key,
    public_jwk,
    request_token,
    running_portal,
    sign_assertion,
)
from tests.support.trust import TRUSTED
from toolchain import install_oidc_provider

OPERATOR_SCOPE = " ".join((REGISTRATION_SCOPE, *RIGHTS))
_SECONDS = 20
Document = dict[str, Any]
P = TypeVar("P", bound=Project)


@dataclass
class RunningProvider:
    """A server with its operator."""

    server: Server
    operator_key: ECKey

    @property
    def issuer(self) -> str:
        return self.server.issuer

    @property
    def endpoint(self) -> str:
        return self.issuer + REGISTRATION_PATH

    def settings(self, products_url: str, folder: Path) -> dict[str, object]:
        """A stack's settings, with the operator's key in a file of the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "operator.jwk.json").write_text(
            json.dumps(self.operator_key.as_dict(private=True))
        )
        return {
            "authority": "rfc7591",
            "managementUrl": self.endpoint,
            "issuer": self.issuer,
            "productsUrl": products_url,
            "operatorClientId": OPERATOR,
            "operatorScope": OPERATOR_SCOPE,
            "operatorPrivateKeyFile": str(folder / "operator.jwk.json"),
        }

    def tokens(self, scope: str = OPERATOR_SCOPE, origin: str | None = None) -> OperatorTokens:
        """The operator's, as the provider gets them; ``origin`` is that of a proxy in between."""
        private = SecretStr(json.dumps(self.operator_key.as_dict(private=True)))
        credentials = Credentials(
            client_id=OPERATOR, private_key=private, parameters={"scope": scope}
        )
        return OperatorTokens(self.issuer, credentials, _api(origin or self.issuer))

    def adapter(
        self,
        *,
        origin: str | None = None,
        assigned: Iterable[str] = (),
        scope: str = OPERATOR_SCOPE,
        tokens_at: str | None = None,
        endpoint: str | None = REGISTRATION_PATH,
    ) -> Registration:
        """The adapter itself; ``origin`` is that of a proxy in between, ``tokens_at`` that of one
        before the issuer. Without an ``endpoint`` the issuer is asked for it."""
        tokens, rights = self.tokens(scope, tokens_at), frozenset({REGISTRATION_SCOPE})
        between = origin or self.issuer
        made = Endpoint(
            _api(self.issuer if endpoint else between),
            lambda address: _api(str(address), tokens),
            endpoint and between + endpoint,
            with_tokens=self.server.client_tokens is not None,
        )
        return Registration(made, OPERATOR, rights, frozenset(assigned))

    def http(self, client_id: str = "") -> httpx.Client:
        """Whoever has what opens a client, and changes something by hand."""
        token = (
            self.tokens().current()
            if self.server.client_tokens is None
            else self.token_of(client_id)
        )
        headers = {"authorization": f"Bearer {token}"}
        return httpx.Client(
            base_url=self.endpoint, headers=headers, timeout=_SECONDS, verify=TRUSTED
        )

    @property
    def clients(self) -> dict[str, Document]:
        """All that are registered, as they are on its disk."""
        return {client_id: dict(client) for client_id, client in self._on_disk["Client"].items()}

    def token_of(self, client_id: str) -> str:
        """The registration access token of a client."""
        tokens = self._on_disk["RegistrationAccessToken"].items()
        return next(str(token) for token, known in tokens if known["clientId"] == client_id)

    @property
    def _on_disk(self) -> Document:
        kept: Document = json.loads((self.server.folder / "oidc-provider.json").read_text())
        return kept

    def named(self, application: str) -> list[Document]:
        """The clients of an application."""
        return [
            client for client in self.clients.values() if client.get("application") == application
        ]

    def change(self, client_id: str, **members: Any) -> None:
        """By hand; None takes a member away."""
        known = {
            name: value
            for name, value in self.clients[client_id].items()
            if name != "client_id_issued_at"
        }
        document = {
            name: value for name, value in {**known, **members}.items() if value is not None
        }
        with self.http(client_id) as http:
            answer = http.put(f"/{client_id}", json=document)
        assert answer.status_code == 200, answer.text

    def remove(self, client_id: str) -> None:
        """By hand."""
        with self.http(client_id) as http:
            http.delete(f"/{client_id}").raise_for_status()

    def request_token(self, key: Key, client_id: str, **parameters: str) -> httpx.Response:
        return request_token(
            f"{self.issuer}/v1/token", sign_assertion(key, client_id, self.issuer), **parameters
        )


def _api(address: str, tokens: OperatorTokens | None = None) -> Api:
    return Api(address, tokens, timeout_seconds=_SECONDS, retrying=Retrying(2))


@contextmanager
def running_provider(
    folder: Path,
    *,
    audience: str = "https://products.example",
    kept: Iterable[str] = KEPT_METADATA,
    port: int | None = None,
    client_tokens: Literal["lasting", "rotating"] | None = None,
) -> Iterator[RunningProvider]:
    """A server whose clients are in ``folder``; it ends with the block. The test is skipped where
    this machine lacks what it needs, and fails where that is CI's."""
    if reason := install_oidc_provider.why_not():
        if os.environ.get("CI"):
            pytest.fail(f"{reason} (CI runs these tests)", pytrace=False)
        pytest.skip(reason)
    key = new_key("operator")
    server = Server(
        folder=folder,
        program=install_oidc_provider.install(),
        port=port or free_port(),
        scopes=list(SCOPES),
        operator=OPERATOR,
        operator_scopes=RIGHTS,
        operator_jwk=public_jwk(key),
        audience=audience,
        kept_metadata=list(kept),
        client_tokens=client_tokens,
    )
    start_server(server)
    try:
        yield RunningProvider(server, key)
    finally:
        daemon_of(server).stop()


@dataclass
class Platform:
    """A server, and the products that trust its tokens."""

    provider: RunningProvider
    portal: RunningPortal

    @property
    def products_url(self) -> str:
        return f"{self.portal.origin}/products/v1"

    def clear(self) -> None:
        """Remove what other tests left: to a stack of the same name it is left behind."""
        with closing(sqlite3.connect(self.portal.settings.database)) as database, database:
            database.execute("DELETE FROM product_configurations")

    def project(self, folder: Path, **config: object) -> Project:
        """A project without forms, connected to both."""
        return self.prepared(Project(folder), **config)

    def prepared(self, made: P, **config: object) -> P:
        """The same of a project that somebody else made."""
        made.secrets.append(str(self.provider.operator_key.as_dict(private=True)["d"]))
        made.prepare({**self.provider.settings(self.products_url, made.folder), **config})
        return made


@contextmanager
def running_platform(folder: Path, **more: Any) -> Iterator[Platform]:
    """A server and its products; both end with the block."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    with (
        running_portal(folder / "products", external_issuer=issuer, **offered()) as portal,
        running_provider(
            folder / "provider", audience=portal.origin, port=port, **more
        ) as provider,
    ):
        yield Platform(provider, portal)
