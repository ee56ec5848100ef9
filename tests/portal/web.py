"""A person at the web interface without a browser: forms as a browser would send them, one by one."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from beheerportaal.users import add_user
from tests.support.portal import RunningPortal

MENU = "/toegangsbeheer/api-en-clientbeheer/mijn-oauth-clients"
GENT = "OVO002067"
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@dataclass
class Person:
    """Someone with a browser's cookies; ``http`` follows no redirects."""

    http: httpx.Client
    name: str = ""
    password: str = ""

    def fields(self, path: str) -> dict[str, str]:
        """The hidden fields of a page's last form."""
        return hidden_fields(self.http.get(path).text)

    def log_on(self, *, language: str = "nl", password: str | None = None) -> httpx.Response:
        """Fills in the form and sends it."""
        path = f"/portaal/{language}/aanmelden"
        sent = {**self.fields(path), "name": self.name, "password": self.password if password is None else password}
        return self.http.post(path, data=sent)

    def upload(self, client_id: str, jwk: str, **changes: str) -> httpx.Response:
        """Opens the client's page and sends a key as text; ``changes`` override what the form sends."""
        path = client_path(client_id)
        return self.http.post(f"{path}/sleutels", data={**self.fields(path), "jwk": jwk, **changes})


def anybody(portal: RunningPortal, **headers: str) -> Person:
    """Someone who has not logged on."""
    return Person(httpx.Client(base_url=portal.origin, headers=headers, timeout=30, trust_env=False))


def person(portal: RunningPortal, name: str, organisation: Sequence[str] = (GENT,), *, api_beheerder: bool = True) -> Person:
    """A new user, logged on."""
    somebody = anybody(portal)
    somebody.name = name
    somebody.password = add_user(portal.settings.database, name, organisation, api_beheerder=api_beheerder)
    assert somebody.log_on().status_code == 303
    return somebody


def client_path(client_id: str, language: str = "nl") -> str:
    """Where a client's page is."""
    return f"/portaal/{language}{MENU}/{client_id}"


def hidden_fields(page: str) -> dict[str, str]:
    """What the forms of a page send by themselves, the last form's value where several have one."""
    return {name: html.unescape(value) for name, value in _HIDDEN.findall(page)}


def cookies_of(answer: httpx.Response) -> Mapping[str, str]:
    """The cookies that an answer sets, each with its attributes."""
    return {line.partition("=")[0]: line.partition("=")[2] for line in answer.headers.get_list("set-cookie")}
