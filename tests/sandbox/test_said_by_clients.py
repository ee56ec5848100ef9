"""Default scopes and attributes: what a token has without being asked for it, and what it says of
its client."""

import httpx

from story.person import client_path
from tests.sandbox.web import person
from tests.support.introspection import introspect
from tests.support.portal import (
    RunningPortal,
    client_document,
    new_key,
    put_current,
    register_client,
)

SAID = {"setbyclient_proef": "loket 7"}


def test_default_scopes_are_in_every_token(portal: RunningPortal, operator: httpx.Client) -> None:
    """Beside what the request names; where both are missing, all that is granted."""
    key = new_key()
    client_id = register_client(operator, keys=[key])["client_id"]
    path = f"/management/v1/clients/{client_id}/scopes"
    granted = ["dv_dosis_schrijven", "dv_magda"]
    for default, expected in (([], {*granted, "vo_info"}), (["dv_magda"], {"dv_magda"})):
        put_current(operator, path, {"scopes": granted, "default": default}).raise_for_status()
        assert (
            set(
                str(introspect(portal, portal.client_token(key, client_id)).json()["scope"]).split()
            )
            == expected
        )
    named = portal.client_token(key, client_id, scope="dv_dosis_schrijven")
    assert introspect(portal, named).json()["scope"] == "dv_dosis_schrijven dv_magda"


def test_a_token_says_what_its_client_says_of_itself(
    portal: RunningPortal, operator: httpx.Client
) -> None:
    """As it is now: what is withdrawn is in no token any more."""
    key = new_key()
    client_id = register_client(operator, keys=[key], attributes=SAID)["client_id"]
    token = portal.client_token(key, client_id)
    assert introspect(portal, token).json().items() >= {**SAID, "vo_ovocode": "OVO002067"}.items()
    put_current(
        operator, f"/management/v1/clients/{client_id}", client_document()
    ).raise_for_status()
    assert "setbyclient_proef" not in introspect(portal, token).json()


def test_the_page_shows_both(portal: RunningPortal, operator: httpx.Client) -> None:
    client_id = register_client(operator, attributes=SAID)["client_id"]
    document = {"scopes": ["dv_magda"], "default": ["dv_magda"]}
    put_current(operator, f"/management/v1/clients/{client_id}/scopes", document).raise_for_status()
    page = person(portal, "attributen").http.get(client_path(client_id)).text
    assert '<code>dv_magda</code> <span class="badge">Standaard</span>' in page
    assert "<dt>setbyclient_proef</dt><dd>loket 7</dd>" in page
