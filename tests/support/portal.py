"""Starts real portals for tests: a process of its own on a free port of loopback, real keys, real
tokens.

`tests/support/portal_thread.py` runs one in the test's own process.
"""

import atexit
import shutil
import socket
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import psutil
from joserfc import jwt
from joserfc.jwk import ECKey, Key

from acmidm.sandbox.daemons import Daemon, Program
from acmidm_onboarding.values.metadata import ClientMetadata
from acmidm_sandbox.beheerportaal.oauth.tokens import signing_key
from acmidm_sandbox.beheerportaal.settings import RIGHTS, Platform, PortalSettings
from acmidm_sandbox.beheerportaal.store.opening import open_database
from tests.support import warm_python
from tests.support.people import add_operator
from tests.support.ports import reserve_port
from tests.support.trust import TRUSTED
from tests.support.warm_server import warm_environment

OPERATOR = "test-operator"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

SCOPES = {
    "vo_info": {"assigned_by_provider": True},
    "dv_notificaties_import": {},
    "dv_dosis_schrijven": {},
    "dv_magda": {},
}
API_IDS = {
    name: str(uuid.uuid5(uuid.NAMESPACE_URL, name)) for name in ("notificaties", "dosis", "magda")
}
APIS = {
    "notificaties": {
        "owner": "OVO002949",
        "client_id": API_IDS["notificaties"],
        "scopes": ["dv_notificaties_import"],
    },
    "dosis": {
        "owner": "OVO002949",
        "client_id": API_IDS["dosis"],
        "scopes": ["dv_dosis_schrijven"],
    },
    "magda": {"owner": "OVO009999", "client_id": API_IDS["magda"], "scopes": ["dv_magda"]},
}
PRODUCTS = {
    "notificaties": {
        "client_id": API_IDS["notificaties"],
        "resources": ["https://api.example/notificaties"],
        "scope": "dv_notificaties_import",
        "schema": {
            "type": "object",
            "required": ["aanbieder_uri", "merk_code", "product_ids"],
            "additionalProperties": False,
            "properties": {
                "aanbieder_uri": {"type": "string"},
                "merk_code": {"type": "string"},
                "product_ids": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                "channels": {"type": "array", "items": {"enum": ["passief", "email"]}},
            },
        },
    },
    "dosis": {
        "client_id": API_IDS["dosis"],
        "resources": ["https://api.example/dosis"],
        "scope": "dv_dosis_schrijven",
        "schema": {
            "type": "object",
            "required": ["bron_uri", "product_ids"],
            "properties": {
                "bron_uri": {"type": "string"},
                "product_ids": {"type": "array", "items": {"type": "string"}},
                "afzenders": {
                    "type": "array",
                    "items": {"type": "object", "required": ["code", "name", "bron_uri"]},
                },
            },
        },
    },
}


def new_key(kid: str = "key-1") -> ECKey:
    """A fresh P-256 key pair."""
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


def public_jwk(key: Key) -> dict[str, Any]:
    """Its public half, as it is registered."""
    return dict(key.as_dict(private=False))


def new_jwks(*names: str) -> dict[str, dict[str, Any]]:
    """Public halves of fresh keys, by their names."""
    return {name: public_jwk(new_key(name)) for name in names}


def sign_assertion(
    key: Key,
    client_id: str,
    audience: str,
    *,
    claims: Mapping[str, Any] | None = None,
    header: Mapping[str, Any] | None = None,
) -> str:
    """A client assertion (RFC 7523); `claims` and `header` override what is right, a value of None
    leaves it out."""
    now = int(time.time())
    right = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": now,
        "exp": now + 300,
        "jti": str(uuid.uuid4()),
    }
    wanted = {
        name: value for name, value in {**right, **(claims or {})}.items() if value is not None
    }
    heading = {
        name: value
        for name, value in {"alg": "ES256", "kid": key.kid, **(header or {})}.items()
        if value is not None
    }
    return jwt.encode(heading, wanted, key, algorithms=[heading["alg"]])


def request_token(endpoint: str, assertion: str, **parameters: str) -> httpx.Response:
    """A token endpoint's answer to an assertion, by private_key_jwt."""
    proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    form = {"grant_type": "client_credentials", **proof, **parameters}
    return httpx.post(endpoint, data=form, timeout=30, verify=TRUSTED)


@dataclass
class RunningPortal:
    """A portal that answers at `origin`; `operator_key` is the private key of the operator
    `OPERATOR`."""

    settings: PortalSettings
    operator_key: ECKey
    reserved: Sequence[socket.socket] = ()
    _token: str | None = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        """What a process of its own logs; what a thread logs is in pytest's ``caplog``."""
        return self.settings.database.with_name("portal.log")

    @property
    def origin(self) -> str:
        """For example `http://127.0.0.1:8511`."""
        return self.settings.origin

    @property
    def issuer(self) -> str:
        """The OAuth issuer."""
        return self.settings.issuer

    @property
    def token_endpoint(self) -> str:
        """Where tokens are requested."""
        return self.settings.token_endpoint

    @property
    def audience(self) -> str:
        """What a connection client puts into `aud` on this platform."""
        return self.token_endpoint if self.settings.platform == "geosecure" else self.issuer

    def request_token(self, assertion: str, **parameters: str) -> httpx.Response:
        """The token endpoint's answer to an assertion."""
        return request_token(self.token_endpoint, assertion, **parameters)

    def operator_token(self) -> str:
        """An access token of the operator with all its rights."""
        if self._token is None:
            answer = self.request_token(sign_assertion(self.operator_key, OPERATOR, self.issuer))
            self._token = str(answer.raise_for_status().json()["access_token"])
        return self._token

    def client_token(
        self, key: Key, client_id: str, product: str | None = None, **parameters: str
    ) -> str:
        """An access token of a connection client, for the API of a product."""
        audience = (
            {} if product is None else {"audience": self.settings.products[product].client_id}
        )
        answer = self.request_token(
            sign_assertion(key, client_id, self.audience), **audience, **parameters
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def operator(self, token: str | None = None) -> httpx.Client:
        """An HTTP client that acts as the operator, or with another access token.

        It keeps no connection: the portal closes one that is idle for some seconds, which on a busy
        machine happens just when the next request is sent.
        """
        return httpx.Client(
            limits=httpx.Limits(max_keepalive_connections=0),
            base_url=self.origin,
            headers={"Authorization": f"Bearer {token or self.operator_token()}"},
            timeout=30,
            verify=TRUSTED,
        )

    def new_operator_token(self, client_id: str, rights: Sequence[str]) -> str:
        """An access token of a further operator with only these rights."""
        key = new_key()
        add_operator(self.settings.database, client_id, rights, public_jwk=public_jwk(key))
        return str(
            self.request_token(sign_assertion(key, client_id, self.issuer))
            .raise_for_status()
            .json()["access_token"]
        )


@dataclass(kw_only=True)
class PortalProcess(RunningPortal):
    """A portal in a process of its own."""

    daemon: Daemon

    def kill(self) -> None:
        """kill -9. A portal that is forked has a stand-in, which dies before the portal does and
        frees its port too late."""
        assert self.daemon.pid is not None
        process = psutil.Process(self.daemon.pid)
        assert warm_python.__file__ not in process.cmdline(), (
            "this portal is forked; start it with python=sys.executable"
        )
        process.kill()
        process.wait()

    def stop(self) -> bool:
        """SIGTERM; False where it does not run."""
        return self.daemon.stop()


def prepare_portal(
    folder: Path,
    *,
    platform: Platform = "acmidm",
    environment: str = "tni",
    port: int = 0,
    scopes: Mapping[str, Any] = SCOPES,
    products: Mapping[str, Any] = PRODUCTS,
    apis: Mapping[str, Any] = APIS,
    operator_key: ECKey | None = None,
    receives_mail: bool = False,
    **more: Any,
) -> RunningPortal:
    """Return a portal whose data is in `folder`, and which nobody runs yet.

    One that `receives_mail` has a free port for that in its settings. A folder that was used before
    is gone on with; give the same `operator_key` to keep the operator's. `more` are further fields
    of `PortalSettings`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reserved = [reserve_port() for wanted in (not port, receives_mail) if wanted]
    ports = [int(found.getsockname()[1]) for found in reserved]
    settings = PortalSettings.model_validate(
        {
            "environment": environment,
            "platform": platform,
            "port": port or ports[0],
            "smtp_port": ports[-1] if receives_mail else None,
            "database": folder / "portal.db",
            "scopes": scopes,
            "products": products,
            "apis": apis,
            **more,
        }
    )
    if not settings.database.exists():
        shutil.copy(new_database(), settings.database)
    key = operator_key or new_key("operator")
    add_operator(settings.database, OPERATOR, RIGHTS, public_jwk=public_jwk(key))
    return RunningPortal(settings, key, reserved)


def start_portal(
    folder: Path, *, python: str | Path = sys.executable, **settings: Any
) -> PortalProcess:
    """Start a process that is a portal, and return when it is ready; the caller stops it.

    `settings` are those of `prepare_portal`.
    """
    prepared = prepare_portal(folder, **settings)
    daemon, known = Daemon(folder, "portal"), prepared.settings
    daemon.start(
        Program(
            command=(python, "-m", "acmidm_sandbox", daemon.settings_file),
            settings=known.model_dump_json(by_alias=True, indent=2),
            health_url=f"{known.origin}/health",
            more_ports=(known.smtp_port,) if known.smtp_port else (),
            speaks=True,
        )
    )
    return PortalProcess(known, prepared.operator_key, prepared.reserved, daemon=daemon)


@cache
def new_database() -> Path:
    """A database that has its tables, the portal's own key and nothing else: made once for all
    tests of a process."""
    folder = Path(mkdtemp(prefix="acmidm-portal-"))
    atexit.register(shutil.rmtree, folder)
    database = open_database(folder / "portal.db")
    signing_key(database)
    database.close()
    return folder / "portal.db"


@contextmanager
def running_portal(folder: Path, **settings: Any) -> Iterator[PortalProcess]:
    """`start_portal` for a with statement; its process is forked from one that has imported all it
    needs.

    One that a test kills has to be a process of its own: `python=sys.executable`.
    """
    portal = start_portal(folder, **{"python": warm_environment() / "bin" / "python", **settings})
    try:
        yield portal
    finally:
        portal.stop()


def client_document(**changes: Any) -> dict[str, Any]:
    """A valid client document for POST and PUT; `changes` override members."""
    return {
        "client_name": "Stad Gent: mijn-gent",
        "software_id": None,
        "managed_by": "acmidm/tni",
        "organisation": {"name": "Stad Gent", "ovo": "OVO002067", "kbo": "0207451227"},
        "application": "mijn-gent",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "contacts": ["api-beheer@stad.example"],
        **changes,
    }


def metadata(application: str | None = None, **changes: Any) -> ClientMetadata:
    """What a form declares of a client, of a connection that no other test has; `changes` override
    fields."""
    name = application or f"loket-{uuid.uuid4().hex[:12]}"
    declared = {
        "client_name": f"Stad Gent: {name}",
        "software_id": f"acmidm/tni/OVO002067/{name}",
        "application": name,
    }
    return ClientMetadata.model_validate(client_document(**declared | changes))


def put_current(operator: httpx.Client, path: str, document: Mapping[str, Any]) -> httpx.Response:
    """Replaces a document, whatever version of it is there now."""
    return operator.put(path, json=document, headers={"If-Match": "*"})


def register_client(
    operator: httpx.Client, *, scopes: Sequence[str] = (), keys: Sequence[Key] = (), **changes: Any
) -> dict[str, Any]:
    """Registers a client with scopes and keys, and returns its document."""
    document: dict[str, Any] = (
        operator.post("/management/v1/clients", json=client_document(**changes))
        .raise_for_status()
        .json()
    )
    path = f"/management/v1/clients/{document['client_id']}"
    if scopes:
        put_current(operator, f"{path}/scopes", {"scopes": list(scopes)}).raise_for_status()
    if keys:
        put_current(
            operator, f"{path}/jwks", {"keys": [public_jwk(key) for key in keys]}
        ).raise_for_status()
    return document
