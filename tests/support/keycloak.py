"""A real Keycloak for tests: one server for all, realms of their own, and what people do in them by
hand.

Run by itself, it gets each version on which tests run.
"""

from __future__ import annotations

import fcntl
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import ECKey, Key
from pydantic import SecretStr

from acmidm.sandbox.daemons import Daemon
from acmidm_onboarding.authorities.http.api import Api
from acmidm_onboarding.authorities.http.retry import Retrying
from acmidm_onboarding.authorities.http.tokens import Credentials, OperatorTokens
from acmidm_onboarding.authorities.keycloak.adapter import Keycloak
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_sandbox.beheerportaal.settings import RIGHTS
from tests.support.keycloak_server.admin import Admin, Document
from tests.support.keycloak_server.distribution import SHA256, Distribution, wanted_version
from tests.support.keycloak_server.realm import Realm, set_up
from tests.support.keycloak_server.server import KEYCLOAK, Server, start_server
from tests.support.offered import KEYCLOAK_PORT
from tests.support.portal import new_key, public_jwk, request_token, sign_assertion
from tests.support.ports import free_port
from tests.support.tools import require
from tests.support.trust import TRUSTED

ROOT = Path(__file__).parents[2]
OPERATOR = "test-operator"
SCOPES = {name: scope.title for name, scope in load_catalogue(ROOT / "catalogue").scopes.items()}
_TIMEOUT_SECONDS = 30
_QUICK_KEYS: Mapping[str, Any] = {
    "components": {
        "org.keycloak.keys.KeyProvider": [
            {"name": "signing", "providerId": "ecdsa-generated", "config": {"priority": ["100"]}},
            {
                "name": "sessions",
                "providerId": "hmac-generated",
                "config": {"algorithm": ["HS512"]},
            },
        ]
    },
    "defaultSignatureAlgorithm": "ES256",
}
"""A realm's own keys that are made at once: its RSA keys take a server of the sandbox, whose Java
compiles little, three seconds."""


def of_this_clone() -> Distribution:
    """The program that the clone's sandbox, its tests and its measurements share."""
    return Distribution(ROOT / ".local", wanted_version())


def distribution_or_skip() -> Path:
    """Where Keycloak is; the test is skipped where this machine cannot have it."""
    wanted = of_this_clone()
    tools = "apt-get install default-jdk-headless maven"
    require("Keycloak, or its Java 17 or newer,", tools, is_here=wanted.why_not() is None)
    wanted.install()
    return wanted.folder


def one_keycloak(folder: Path) -> Server:
    """The server of a folder, in memory; whoever comes first starts it, and whoever made the folder
    stops it."""
    distribution = distribution_or_skip()
    port = folder / KEYCLOAK_PORT
    with (folder / "starting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not port.exists():
            port.write_text(str(free_port()))
        server = Server(folder, distribution, int(port.read_text()), in_memory=True)
        start_server(server)
    return server


def stop_keycloak(folder: Path) -> None:
    """Stop the server of a folder, if it runs."""
    Daemon(folder, KEYCLOAK).stop()


@dataclass
class TestRealm:
    """A realm with its operator; ``administrator`` is whoever changes something by hand."""

    __test__ = False

    server: Server
    administrator: Admin
    name: str = field(default_factory=lambda: f"realm-{uuid.uuid4().hex[:8]}")
    operator_key: ECKey = field(default_factory=lambda: new_key("operator"))

    @property
    def issuer(self) -> str:
        return f"{self.server.origin}/realms/{self.name}"

    @property
    def management_url(self) -> str:
        return f"{self.server.origin}/admin/realms/{self.name}"

    @property
    def operator_jwk(self) -> str:
        """The private one."""
        return json.dumps(self.operator_key.as_dict(private=True))

    def settings(self, products_url: str, folder: Path) -> dict[str, object]:
        """A stack's settings, with the operator's key in a file of the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"operator-{self.name}.jwk.json"
        file.write_text(self.operator_jwk)
        return {
            "authority": "keycloak",
            "managementUrl": self.management_url,
            "issuer": self.issuer,
            "productsUrl": products_url,
            "operatorClientId": OPERATOR,
            "operatorPrivateKeyFile": str(file),
        }

    def tokens(self, secret: str | None = None) -> OperatorTokens:
        """The operator's, as the provider gets them: by its key, or by a secret."""
        given = (
            {"client_secret": SecretStr(secret)}
            if secret
            else {"private_key": SecretStr(self.operator_jwk)}
        )
        credentials = Credentials.model_validate({"client_id": OPERATOR, **given})
        api = Api(
            self.issuer, None, timeout_seconds=_TIMEOUT_SECONDS, retrying=Retrying(_TIMEOUT_SECONDS)
        )
        return OperatorTokens(self.issuer, credentials, api)

    def adapter(
        self, *, origin: str | None = None, assigned: Iterable[str] = (), secret: str | None = None
    ) -> Keycloak:
        """The adapter itself; ``origin`` is that of a proxy in between."""
        url = self.management_url.replace(self.server.origin, origin or self.server.origin)
        api = Api(
            url,
            self.tokens(secret),
            timeout_seconds=_TIMEOUT_SECONDS,
            retrying=Retrying(_TIMEOUT_SECONDS),
        )
        return Keycloak(api, OPERATOR, frozenset(assigned))

    def operator_http(self, base_url: str | None = None) -> httpx.Client:
        """Whatever the operator's token opens: of any realm, or at another address."""
        headers = {"authorization": f"Bearer {self.tokens().current()}"}
        return httpx.Client(
            base_url=base_url or f"{self.server.origin}/admin/realms",
            headers=headers,
            timeout=_TIMEOUT_SECONDS,
            verify=TRUSTED,
        )

    def client(self, client_id: str) -> Document:
        """As Keycloak has it."""
        return self.administrator.existing_client(self.name, client_id)

    def client_ids(self) -> set[str]:
        return {client["clientId"] for client in self.administrator.get(f"/{self.name}/clients")}

    def scopes(self, client_id: str) -> set[str]:
        client = self.client(client_id)
        return {*client["defaultClientScopes"], *client["optionalClientScopes"]}

    def keys(self, client_id: str) -> list[Document]:
        keys: list[Document] = json.loads(self.client(client_id)["attributes"]["jwks.string"])[
            "keys"
        ]
        return keys

    def change(self, client_id: str, **members: Any) -> None:
        """By hand: changes members of a client, and attributes where those are among them."""
        self.administrator.put(f"/{self.name}/clients/{self.client(client_id)['id']}", members)

    def set_keys(self, client_id: str, keys: Iterable[Key]) -> None:
        text = json.dumps({"keys": [public_jwk(key) for key in keys]})
        self.change(client_id, attributes={"use.jwks.string": "true", "jwks.string": text})

    def roles(self, *names: str) -> tuple[str, list[Document]]:
        """Rights over the realm: the internal ID of ``realm-management``, and these of its
        roles."""
        management = self.client("realm-management")["id"]
        return management, [
            self.administrator.get(f"/{self.name}/clients/{management}/roles/{name}")
            for name in names
        ]

    def service_account(self, client_id: str) -> str:
        """The internal ID of the user that a client's tokens are of."""
        return str(
            self.administrator.get(
                f"/{self.name}/clients/{self.client(client_id)['id']}/service-account-user"
            )["id"]
        )

    def grant(self, client_id: str, scope: str, kind: str = "optional") -> None:
        self.administrator.put(self._scope_path(client_id, scope, kind))

    def withdraw(self, client_id: str, scope: str, kind: str = "optional") -> None:
        self.administrator.delete(self._scope_path(client_id, scope, kind))

    def give_to_new_clients(self, scope: str) -> None:
        """Let each client that is made from now on have a scope, in every token."""
        scope_id = self.administrator.scope_ids(self.name)[scope]
        self.administrator.put(f"/{self.name}/default-default-client-scopes/{scope_id}")

    def add_claim(
        self, client_id: str, claim: str, value: str, *, name: str | None = None, **config: str
    ) -> None:
        """By hand: a mapper of the client's own, which puts a claim of a fixed value into its
        tokens."""
        mapper = {
            "name": name or claim,
            "protocol": "openid-connect",
            "protocolMapper": "oidc-hardcoded-claim-mapper",
            "config": {
                "claim.name": claim,
                "claim.value": value,
                "jsonType.label": "String",
                "access.token.claim": "true",
                **config,
            },
        }
        self.administrator.post(
            f"/{self.name}/clients/{self.client(client_id)['id']}/protocol-mappers/models", mapper
        )

    def remove(self, client_id: str) -> None:
        self.administrator.delete(f"/{self.name}/clients/{self.client(client_id)['id']}")

    def add_client(self, client_id: str, **members: Any) -> None:
        """A client for machines, made by hand: with whatever Keycloak gives it."""
        self.administrator.post(
            f"/{self.name}/clients",
            {"clientId": client_id, "serviceAccountsEnabled": True, **members},
        )

    def request_token(self, key: Key, client_id: str, **parameters: str) -> httpx.Response:
        endpoint = f"{self.issuer}/protocol/openid-connect/token"
        return request_token(endpoint, sign_assertion(key, client_id, self.issuer), **parameters)

    def _scope_path(self, client_id: str, scope: str, kind: str) -> str:
        scope_id = self.administrator.scope_ids(self.name)[scope]
        return (
            f"/{self.name}/clients/{self.client(client_id)['id']}/{kind}-client-scopes/{scope_id}"
        )


def make_realm(
    server: Server,
    administrator: Admin,
    *,
    scopes: Mapping[str, str] = SCOPES,
    unborn: TestRealm | None = None,
    audience: str | None = None,
    audited: bool = False,
    settings: Mapping[str, Any] = _QUICK_KEYS,
) -> TestRealm:
    """A fresh realm, or the one that is ``unborn``.

    ``settings`` are more members of Keycloak's RealmRepresentation; with none the realm makes its
    keys as Keycloak does.
    """
    made = unborn or TestRealm(server, administrator)
    wanted = Realm(
        name=made.name,
        scopes=scopes,
        operator=OPERATOR,
        operator_scopes=RIGHTS,
        operator_jwk=public_jwk(made.operator_key),
        audience=audience,
        audited=audited,
        settings=settings,
    )
    set_up(administrator, wanted)
    return made


if __name__ == "__main__":
    for tried in SHA256:
        Distribution(of_this_clone().parent, tried).install()
