"""An application that calls the products of a portal in the test's own process."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import ECKey

from tests.sandbox.inside import JSON, Answer, Inside
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, SEND
from tests.support.portal import ASSERTION_TYPE, new_key, sign_assertion


@dataclass
class Sender:
    """A client with the scopes of both products; it gets an access token for each when it calls
    it."""

    portal: Inside
    client_id: str
    key: ECKey
    _tokens: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, portal: Inside, *, dosis: Any = DOSIS, notificaties: Any = NOTIFICATIES) -> Sender:
        """A new one for which this is configured."""
        key = new_key()
        client_id = portal.register(keys=[key])
        portal.manage(
            "PUT",
            f"/management/v1/clients/{client_id}/scopes",
            {"scopes": [SEND, DOSSIERS]},
            If_Match="*",
        )
        sender = cls(portal, client_id, key)
        sender._create("dosis", dosis)
        sender._create("notificaties", notificaties)
        return sender

    def configure(self, product: str, configuration: Any) -> None:
        """Replaces what the product knows of the client; nothing for None."""
        self.portal.manage("DELETE", self._path(product), If_Match="*")
        if configuration is not None:
            self._create(product, configuration)

    def _create(self, product: str, configuration: Any) -> None:
        document = {"configuration": configuration}
        made = self.portal.manage("PUT", self._path(product), document, If_None_Match="*")
        assert made.status == 201, made.text

    def _path(self, product: str) -> str:
        return f"/products/v1/{product}/configurations/{self.client_id}"

    def call(
        self, method: str, target: str, document: Any = None, content_type: str = JSON[1]
    ) -> Answer:
        """The product's answer; bytes are sent as they are."""
        body = (
            document
            if isinstance(document, bytes)
            else b""
            if document is None
            else json.dumps(document).encode()
        )
        return self.portal.send(
            method,
            target,
            [("Authorization", f"Bearer {self.token_for(target)}"), ("Content-Type", content_type)],
            body,
        )

    def token_for(self, target: str) -> str:
        """The access token for the API that a path belongs to."""
        return self.token_of("notificaties" if "/notificaties" in target else "dosis")

    def token_of(self, product: str) -> str:
        """The access token for the API of a product."""
        if product not in self._tokens:
            settings = self.portal.settings
            answer = self.portal.request_token(
                client_assertion_type=ASSERTION_TYPE,
                client_assertion=sign_assertion(self.key, self.client_id, settings.issuer),
                audience=settings.products[product].client_id,
            )
            self._tokens[product] = answer.json()["access_token"]
        return self._tokens[product]


def fields(refused: Answer) -> list[str]:
    """Which members an error names; its form is the product's, whatever the error is."""
    document = refused.json()
    assert set(document) == {"code", "message", "description", "errors"} | (
        {"field"} if refused.status == 403 else set()
    )
    assert bool(document["errors"]) == (document["code"] == "2001")
    assert all(
        set(error) == {"code", "message", "description", "field"} for error in document["errors"]
    )
    assert refused.headers["content-type"] == "application/json"
    return [
        error["field"]
        for error in document["errors"] or ([document] if document.get("field") else [])
    ]
