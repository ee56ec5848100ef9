"""A person at the portal's web interface without a browser: forms as a browser would send them, one
by one."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

import httpx

MENU = "/toegangsbeheer/api-en-clientbeheer/mijn-oauth-clients"
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@dataclass
class PortalVisitor:
    """Someone with a browser's cookies; ``http`` follows no redirects."""

    http: httpx.Client
    name: str = ""
    password: str = ""

    def fields(self, path: str) -> dict[str, str]:
        """Return the hidden fields of a page's last form."""
        return hidden_fields(self.http.get(path).text)

    def log_on(self, *, language: str = "nl", password: str | None = None) -> httpx.Response:
        """Send the form of the log-on page, with this visitor's password or another one. The answer
        is a redirect where it was right."""
        path = f"/portaal/{language}/aanmelden"
        sent = {**self.fields(path), "name": self.name, "password": self.password}
        if password is not None:
            sent["password"] = password
        return self.http.post(path, data=sent)

    def upload(self, client_id: str, jwk: str, **changes: str) -> httpx.Response:
        """Open the client's page, and send its form for a key with a JWK as text; ``changes`` are
        fields that replace or join the form's."""
        path = client_path(client_id)
        return self.http.post(f"{path}/sleutels", data={**self.fields(path), "jwk": jwk, **changes})


def client_path(client_id: str, language: str = "nl") -> str:
    """Return the path of a client's page."""
    return f"/portaal/{language}{MENU}/{client_id}"


def hidden_fields(page: str) -> dict[str, str]:
    """Return what the forms of a page send by themselves; of several, the last form's value."""
    return {name: html.unescape(value) for name, value in _HIDDEN.findall(page)}
