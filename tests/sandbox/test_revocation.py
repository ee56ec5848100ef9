"""What is taken away counts from the next request, whatever an access token still says: at the
products and at introspection."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support.forms import NOTIFICATIES
from tests.support.introspection import introspect
from tests.support.messages import NOTIFICATION, connected
from tests.support.people import add_operator
from tests.support.portal import (
    RunningPortal,
    client_document,
    new_key,
    public_jwk,
    put_current,
    register_client,
    sign_assertion,
)

SECRET, OTHER_SECRET = "a-secret-of-some-length", "another-secret-of-length"


def notify(portal: RunningPortal, token: str) -> httpx.Response:
    with portal.operator(token) as client:
        return client.post("/api/v2/notificaties", json={**NOTIFICATION, "Id": str(uuid.uuid4())})


def document_of(operator: httpx.Client, path: str, **changes: Any) -> dict[str, Any]:
    known = operator.get(path).json()
    return {**client_document(), **{name: known[name] for name in client_document()}, **changes}


# What an operator does with the client at this path, and what is left of a token of before: its
# scopes, or None for nothing.
TAKEN_AWAY: dict[str, tuple[Callable[[httpx.Client, str], httpx.Response], str | None]] = {
    "nothing": (
        lambda operator, path: operator.get(path),
        "dv_dosis_schrijven dv_notificaties_import vo_info",
    ),
    "a scope": (
        lambda operator, path: put_current(
            operator, f"{path}/scopes", {"scopes": ["dv_dosis_schrijven"]}
        ),
        "dv_dosis_schrijven vo_info",
    ),
    "all keys": (lambda operator, path: put_current(operator, f"{path}/jwks", {"keys": []}), None),
    "the key": (
        lambda operator, path: put_current(
            operator, f"{path}/jwks", {"keys": [public_jwk(new_key("other"))]}
        ),
        None,
    ),
    "the key for one of its name": (
        lambda operator, path: put_current(
            operator, f"{path}/jwks", {"keys": [public_jwk(new_key())]}
        ),
        None,
    ),
    "the key, which expires": (
        lambda operator, path: put_current(
            operator,
            f"{path}/jwks",
            {"keys": [{**key, "exp": 1} for key in operator.get(f"{path}/jwks").json()["keys"]]},
        ),
        None,
    ),
    "the client, disabled": (
        lambda operator, path: put_current(
            operator, path, document_of(operator, path, enabled=False)
        ),
        None,
    ),
    "the client": (lambda operator, path: operator.delete(path, headers={"If-Match": "*"}), None),
    "the method": (
        lambda operator, path: put_current(
            operator,
            path,
            document_of(
                operator,
                path,
                token_endpoint_auth_method="client_secret_post",
                client_secret=SECRET,
            ),
        ),
        None,
    ),
}


@pytest.mark.parametrize("taken", TAKEN_AWAY)
def test_a_token_is_worth_what_its_client_still_has(
    portal: RunningPortal, operator: httpx.Client, taken: str
) -> None:
    """At the next request, and so is its signed copy; a key that was added beside the token's own
    takes nothing away."""
    take_away, left = TAKEN_AWAY[taken]
    key = new_key()
    client_id = connected(operator, key, notificaties=NOTIFICATIES)
    path = f"/management/v1/clients/{client_id}"
    put_current(
        operator, f"{path}/jwks", {"keys": [public_jwk(key), public_jwk(new_key("second"))]}
    ).raise_for_status()
    token = portal.client_token(key, client_id, "notificaties")
    assert notify(portal, token).status_code == 200
    copy = introspect(portal, token).json()["jwt"]
    assert notify(portal, copy).status_code == 200
    take_away(operator, path).raise_for_status()
    for one in (token, copy):
        refused, seen = notify(portal, one), introspect(portal, one).json()
        if left is None:
            assert (refused.status_code, seen) == (401, {"active": False})
            assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
        else:
            assert (seen["active"], seen["scope"]) == (True, left)
            assert refused.status_code == (200 if taken == "nothing" else 403)


def test_an_operator_loses_a_right_and_its_key_at_once(portal: RunningPortal) -> None:
    """Operators are made on the machine itself; their tokens are looked at in the same way."""
    database, key = portal.settings.database, new_key()
    add_operator(database, "leaving", public_jwk=public_jwk(key))
    token = portal.client_token(key, "leaving")
    with portal.operator(token) as leaving:
        assert leaving.post("/management/v1/clients", json=client_document()).status_code == 201
        add_operator(database, "leaving", ["management_read"], public_jwk=public_jwk(key))
        assert leaving.post("/management/v1/clients", json=client_document()).status_code == 403
        assert leaving.get("/management/v1/clients").status_code == 200
        add_operator(database, "leaving", public_jwk=public_jwk(new_key()))
        assert leaving.get("/management/v1/clients").status_code == 401


@pytest.mark.parametrize(
    ("scope", "told"), [("vo_info", True), ("dv_magda", False), ("dv_magda vo_info", True)]
)
def test_introspection_is_as_documented(
    portal: RunningPortal, operator: httpx.Client, scope: str, told: bool
) -> None:
    """The members that ACM/IDM documents, as they are now; the organisation's with `vo_info` alone.
    The signed copy says the same."""
    key = new_key()
    client_id = register_client(operator, keys=[key], scopes=["dv_magda"])["client_id"]
    token = portal.client_token(key, client_id, scope=scope)
    aalst = client_document(organisation={"name": "Stad Aalst", "ovo": "OVO001992"})
    put_current(operator, f"/management/v1/clients/{client_id}", aalst).raise_for_status()
    answer = introspect(portal, token)
    assert answer.headers["Cache-Control"] == "no-store"
    found = answer.json()
    metadata = httpx.get(f"{portal.issuer}/.well-known/openid-configuration").json()
    assert metadata["introspection_endpoint"] == f"{portal.issuer}/v1/introspect"
    copy = jwt.decode(
        found.pop("jwt"),
        KeySet.import_key_set(httpx.get(metadata["jwks_uri"]).json()),
        algorithms=["RS256"],
    )
    assert copy.header["typ"] == "JWT"
    assert copy.claims.pop("jti") not in token
    assert copy.claims == found
    assert found.pop("exp") - found.pop("iat") == 3600
    organisation = {
        "vo_ovocode": "OVO001992",
        "vo_orgcode": "OVO001992",
        "vo_orgnaam": "Stad Aalst",
        "vo_applicatienaam": "mijn-gent",
    }
    assert found == {
        "active": True,
        "iss": portal.issuer,
        "aud": client_id,
        "sub": client_id,
        "client_id": client_id,
        "scope": scope,
        "token_type": "bearer",
        **(organisation if told else {}),
    }


def test_an_organisation_without_ovo_code_is_known_by_its_kbo_number(
    portal: RunningPortal, operator: httpx.Client
) -> None:
    """vo_orgcode falls back, vo_ovocode is left out."""
    key = new_key()
    client_id = register_client(
        operator, keys=[key], organisation={"name": "Stad Gent", "kbo": "0207451227"}
    )["client_id"]
    found = introspect(portal, portal.client_token(key, client_id)).json()
    assert found["vo_orgcode"] == "0207451227"
    assert "vo_ovocode" not in found


def test_introspection_is_for_those_who_authenticate(portal: RunningPortal) -> None:
    """Else whoever guesses tokens learns here which are good (RFC 7662 §2.1); a token that is none
    is not active."""
    token = portal.operator_token()
    assert introspect(portal, token, x="y").status_code == 401
    assert (
        introspect(portal, token, client_id="nobody", client_secret="x").json()["error"]
        == "invalid_client"
    )
    for nonsense in ("x", "a.b.c", token[:-4], "\ud7ff", "é" * 5000):
        assert introspect(portal, nonsense).json() == {"active": False}
    assert introspect(portal, "").json()["error"] == "invalid_request"
    assert (
        httpx.post(f"{portal.token_endpoint}/introspect", data={"token": token}).json()["error"]
        == "invalid_client"
    )


@pytest.mark.parametrize(
    ("member", "status"),
    [
        ({"exp": time.time() - 1}, 401),
        ({"exp": time.time() + 3600}, 200),
        ({"nbf": time.time() + 3600}, 401),
    ],
)
def test_a_key_counts_within_its_time_only(
    portal: RunningPortal, operator: httpx.Client, member: dict[str, float], status: int
) -> None:
    """Reports say of an expired key that it is cut off: so it must be."""
    key = new_key()
    client_id = register_client(operator)["client_id"]
    jwk = {**public_jwk(key), **{name: int(value) for name, value in member.items()}}
    put_current(
        operator, f"/management/v1/clients/{client_id}/jwks", {"keys": [jwk]}
    ).raise_for_status()
    assert portal.request_token(sign_assertion(key, client_id, portal.issuer)).status_code == status
