"""An application that calls the products of a portal in the test's own process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.sandbox.inside import JSON, Answer, Inside
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, SEND
from tests.support.portal import ASSERTION_TYPE, new_key, sign_assertion


@dataclass
class Sender:
    """A client with the scopes of both products, and an access token for each."""

    portal: Inside
    client_id: str
    tokens: dict[str, str]

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
        tokens = {}
        for name, product in portal.settings.products.items():
            assertion = sign_assertion(key, client_id, portal.settings.issuer)
            request = {
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion,
                "audience": product.client_id,
            }
            tokens[name] = portal.request_token(**request).json()["access_token"]
        sender = cls(portal, client_id, tokens)
        sender.configure("dosis", dosis)
        sender.configure("notificaties", notificaties)
        return sender

    def configure(self, product: str, configuration: Any) -> None:
        """Replaces what the product knows of the client; nothing for None."""
        path = f"/products/v1/{product}/configurations/{self.client_id}"
        self.portal.manage("DELETE", path, If_Match="*")
        if configuration is not None:
            assert (
                self.portal.manage(
                    "PUT", path, {"configuration": configuration}, If_None_Match="*"
                ).status
                == 201
            )

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
        return self.tokens["notificaties" if "/notificaties" in target else "dosis"]


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
