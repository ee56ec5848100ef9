"""What is registered at a portal, seen and changed by hand: by an operator who does not use this
project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from joserfc.jwk import Key

from tests.support.portal import public_jwk, put_current

NOT_DECLARED = (
    "client_id",
    "client_id_issued_at",
    "client_secret_updated_at",
    "previous_client_secret_expires_at",
)


@dataclass
class Registry:
    """One portal, through its management API."""

    http: httpx.Client

    def clients(self, application: str) -> list[dict[str, Any]]:
        """The clients of an application, with scopes and keys."""
        page = (
            self.http.get("/management/v1/clients", params={"application": application})
            .raise_for_status()
            .json()
        )
        items: list[dict[str, Any]] = page["items"]
        return items

    def client(self, application: str) -> dict[str, Any]:
        """The one client of an application."""
        found = self.clients(application)
        assert len(found) == 1, f"{len(found)} clients of {application}"
        return found[0]

    def everything(self, *applications: str) -> dict[str, list[dict[str, Any]]]:
        """Per application its clients, scopes, keys and product configurations included."""
        return {
            application: [
                {
                    **client,
                    "products": {
                        product: self.configuration(product, client["client_id"])
                        for product in ("notificaties", "dosis")
                    },
                }
                for client in self.clients(application)
            ]
            for application in applications
        }

    def change(self, client_id: str, **members: Any) -> None:
        """Changes members of a client's document."""
        path = f"/management/v1/clients/{client_id}"
        document = self.http.get(path).raise_for_status().json()
        declared = {name: value for name, value in document.items() if name not in NOT_DECLARED}
        put_current(self.http, path, {**declared, **members}).raise_for_status()

    def set_scopes(
        self, client_id: str, scopes: Iterable[str], default: Iterable[str] = ()
    ) -> None:
        document = {"scopes": sorted(scopes), "default": sorted(default)}
        put_current(
            self.http, f"/management/v1/clients/{client_id}/scopes", document
        ).raise_for_status()

    def set_keys(self, client_id: str, keys: Iterable[Key]) -> None:
        put_current(
            self.http,
            f"/management/v1/clients/{client_id}/jwks",
            {"keys": [public_jwk(key) for key in keys]},
        ).raise_for_status()

    def remove(self, client_id: str) -> None:
        self._delete(f"/management/v1/clients/{client_id}")

    def clear(self) -> None:
        """Remove what other tests left: to a stack of the same name it is left behind."""
        for client in self.listed("/management/v1/clients"):
            self.remove(client["client_id"])
        for product in ("notificaties", "dosis"):
            for one in self.listed(f"/products/v1/{product}/configurations"):
                self.remove_configuration(product, one["client_id"])

    def configuration(self, product: str, client_id: str) -> dict[str, Any] | None:
        document = self.product_document(product, client_id)
        return None if document is None else dict(document["configuration"])

    def product_document(self, product: str, client_id: str) -> dict[str, Any] | None:
        """A configuration, and whose it is."""
        answer = self.http.get(f"/products/v1/{product}/configurations/{client_id}")
        return None if answer.status_code == 404 else dict(answer.raise_for_status().json())

    def set_configuration(
        self, product: str, client_id: str, configuration: Mapping[str, Any], **owner: Any
    ) -> None:
        """Makes or changes a configuration; it stays whose it is, unless ``owner`` says
        otherwise."""
        path, document = (
            f"/products/v1/{product}/configurations/{client_id}",
            self.product_document(product, client_id),
        )
        wanted = {**(document or {}), "configuration": dict(configuration), **owner}
        if document is None:
            self.http.put(path, json=wanted, headers={"If-None-Match": "*"}).raise_for_status()
        else:
            put_current(self.http, path, wanted).raise_for_status()

    def remove_configuration(self, product: str, client_id: str) -> None:
        self._delete(f"/products/v1/{product}/configurations/{client_id}")

    def audit(self, **of: str) -> list[dict[str, Any]]:
        """The newest changes, whoever made them; of one client, by its ``client_id``."""
        asked: dict[str, str | int] = {"limit": 100, **of}
        page = self.http.get("/management/v1/audit", params=asked).raise_for_status().json()
        items: list[dict[str, Any]] = page["items"]
        return items

    def listed(self, path: str) -> list[dict[str, Any]]:
        """All items of a list; none where a portal has no such product."""
        answer = self.http.get(path, params={"limit": 200})
        return [] if answer.status_code == 404 else list(answer.raise_for_status().json()["items"])

    def _delete(self, path: str) -> None:
        self.http.delete(path, headers={"If-Match": "*"}).raise_for_status()


def kids(client: Mapping[str, Any]) -> set[str]:
    """The key identifiers of a listed client."""
    return {str(key["kid"]) for key in client["jwks"]["keys"]}
