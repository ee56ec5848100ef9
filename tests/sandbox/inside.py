"""A portal in the test's own process, spoken to below HTTP: any header, host and path, and what it
raises is raised here."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from joserfc.jwk import Key
from starlette.types import Message

from acmidm_sandbox.beheerportaal.app import create_app
from acmidm_sandbox.beheerportaal.context import Portal
from acmidm_sandbox.beheerportaal.settings import RIGHTS, PortalSettings
from story.person import hidden_fields
from tests.support.people import add_operator, add_user
from tests.support.portal import (
    ASSERTION_TYPE,
    OPERATOR,
    PRODUCTS,
    SCOPES,
    client_document,
    new_database,
    new_key,
    public_jwk,
    sign_assertion,
)

Headers = Sequence[tuple[str, str]]
FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(eq=False)
class Inside:
    """The portal and its operator's access token."""

    app: FastAPI
    settings: PortalSettings
    loop: BlockingPortal
    operator_key: Key
    token: str = ""

    def send(
        self,
        method: str,
        target: str,
        headers: Headers = (),
        body: bytes = b"",
        host: str = "127.0.0.1:8511",
    ) -> Answer:
        """The answer to a request."""
        return self.loop.call(self._sending, method, target, headers, body, host)

    async def _sending(
        self, method: str, target: str, headers: Headers, body: bytes, host: str
    ) -> Answer:
        """A request with its headers as they are; `target` is percent-encoded, with the query."""
        raw_path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw_path),
            "raw_path": raw_path.encode("ascii", "replace"),
            "query_string": query.encode("ascii", "replace"),
            "root_path": "",
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
                for name, value in (("host", host), *headers)
            ],
            "client": ("127.0.0.1", 40_000),
            "server": ("127.0.0.1", 8511),
            "state": {},
        }
        sent: list[Message] = []
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def keep(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive, keep)
        start = next(message for message in sent if message["type"] == "http.response.start")
        given = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]
        }
        return Answer(
            start["status"], given, b"".join(message.get("body", b"") for message in sent)
        )

    def manage(self, method: str, target: str, document: Any = None, **headers: str) -> Answer:
        """A request of the operator; underscores in names of headers are hyphens."""
        given = [(name.replace("_", "-"), value) for name, value in headers.items()]
        body = (
            b""
            if document is None
            else document
            if isinstance(document, bytes)
            else json.dumps(document).encode()
        )
        return self.send(
            method, target, [("Authorization", f"Bearer {self.token}"), JSON, *given], body
        )

    def register(self, *, keys: Sequence[Key] = (), exp: int | None = None, **changes: Any) -> str:
        """Registers a client with keys, that end at `exp`, and returns its client_id."""
        made = self.manage("POST", "/management/v1/clients", client_document(**changes))
        assert made.status == 201, made.text
        client_id = str(made.json()["client_id"])
        end = {} if exp is None else {"exp": exp}
        jwks = {"keys": [{**public_jwk(key), **end} for key in keys]}
        assert (
            self.manage(
                "PUT", f"/management/v1/clients/{client_id}/jwks", jwks, If_Match="*"
            ).status
            == 200
        )
        return client_id

    @property
    def token_path(self) -> str:
        """Where tokens are requested."""
        return self.settings.token_endpoint.removeprefix(self.settings.origin)

    def request_token(self, **form: str) -> Answer:
        """The token endpoint's answer to a form."""
        return self.send(
            "POST",
            self.token_path,
            [FORM],
            urlencode({"grant_type": "client_credentials", **form}).encode(),
        )


@contextmanager
def inside(folder: Path, **settings: Any) -> Iterator[Inside]:
    """A portal whose data is in `folder`."""
    given = {
        "environment": "tni",
        "platform": "acmidm",
        "port": 8511,
        "database": folder / "portal.db",
        "scopes": SCOPES,
    }
    portal_settings = PortalSettings.model_validate({**given, "products": PRODUCTS, **settings})
    if not portal_settings.database.exists():
        shutil.copy(new_database(), portal_settings.database)
    key = new_key("operator")
    add_operator(portal_settings.database, OPERATOR, RIGHTS, public_jwk=public_jwk(key))
    app = create_app(portal_settings)
    opened = app.state.portal = Portal.open(portal_settings)
    # One loop for all requests: to end it would end its threads too.
    with start_blocking_portal() as loop, closing(opened.database):
        made = Inside(app, portal_settings, loop, key)
        if portal_settings.external_issuer is None:
            assertion = sign_assertion(key, OPERATOR, portal_settings.issuer)
            made.token = made.request_token(
                client_assertion_type=ASSERTION_TYPE, client_assertion=assertion
            ).json()["access_token"]
        yield made


class Browser:
    """Somebody at the pages, with a cookie."""

    def __init__(self, portal: Inside) -> None:
        self._portal = portal
        self.cookie = ""

    def of(self, organisation: str) -> Browser:
        """As a new user of the organisation, logged on."""
        name = f"beheer-{uuid.uuid4().hex[:8]}"
        answer = self.log_on(
            name, add_user(self._portal.settings.database, name, [organisation], api_beheerder=True)
        )
        assert answer.status == 303, answer.text
        return self

    def log_on(self, name: str, password: str) -> Answer:
        return self.post(
            "/portaal/nl/aanmelden",
            self.get("/portaal/nl/aanmelden").text,
            name=name,
            password=password,
        )

    def get(self, target: str) -> Answer:
        return self._keep(self._portal.send("GET", target, [("Cookie", self.cookie)]))

    def post(self, target: str, page: str, **fields: str) -> Answer:
        body = urlencode({**hidden_fields(page), **fields}).encode()
        return self._keep(self._portal.send("POST", target, [("Cookie", self.cookie), FORM], body))

    def _keep(self, answer: Answer) -> Answer:
        self.cookie = answer.headers.get("set-cookie", self.cookie).partition(";")[0]
        return answer
