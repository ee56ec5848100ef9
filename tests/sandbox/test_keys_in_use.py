"""Which keys of a client are in use: what an operator sees before one of them goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from joserfc.jwk import ECKey
from sqlalchemy import select

from acmidm_sandbox.beheerportaal.store.clients import StoredKeyUse
from acmidm_sandbox.beheerportaal.store.database import Database
from tests.sandbox.inside import Inside
from tests.support.portal import (
    OPERATOR,
    RunningPortal,
    new_key,
    public_jwk,
    put_current,
    register_client,
    sign_assertion,
)


def path_of(client_id: str) -> str:
    return f"/management/v1/clients/{client_id}/keys-in-use"


def uses(operator: httpx.Client, client_id: str) -> dict[str, dict[str, Any]]:
    """By kid."""
    items: list[dict[str, Any]] = (
        operator.get(path_of(client_id)).raise_for_status().json()["items"]
    )
    return {str(item["kid"]): item for item in items}


def sign(portal: RunningPortal, key: ECKey, client_id: str, **header: Any) -> httpx.Response:
    return portal.request_token(sign_assertion(key, client_id, portal.audience, header=header))


def test_a_secret_uses_no_key(inner: Inside) -> None:
    """Of a client that still has some from before."""
    secret = "a secret of some length"
    client_id = inner.register(
        keys=[new_key()], token_endpoint_auth_method="client_secret_post", client_secret=secret
    )
    answer = inner.request_token(client_id=client_id, client_secret=secret)
    assert answer.status == 200, answer.text
    assert inner.manage("GET", path_of(client_id)).json() == {"items": []}


def test_a_key_is_in_use_from_its_first_token_on(
    portal: RunningPortal, operator: httpx.Client
) -> None:
    """An assertion that was refused is no use; whether it named its key is seen."""
    first, second = new_key("first"), new_key("second")
    client_id = str(
        register_client(operator, keys=[first, second], scopes=["dv_magda"])["client_id"]
    )
    assert uses(operator, client_id) == {}
    assert sign(portal, new_key("first"), client_id).status_code == 401
    assert uses(operator, client_id) == {}
    assert sign(portal, second, client_id).status_code == 200
    found = uses(operator, client_id)
    assert found.keys() == {"second"}
    assert found["second"]["thumbprint"] == second.thumbprint()
    assert found["second"]["with_kid"] is True
    assert datetime.now(UTC) - datetime.fromisoformat(found["second"]["last_used_at"]) < timedelta(
        minutes=1
    )


def test_an_assertion_without_kid_shows_at_once(
    portal: RunningPortal, operator: httpx.Client
) -> None:
    """Within the minute too: it is what a second key would break."""
    key = new_key("only")
    client_id = str(register_client(operator, keys=[key], scopes=["dv_magda"])["client_id"])
    for kid, expected in (("only", True), (None, False), ("only", True)):
        assert sign(portal, key, client_id, kid=kid).status_code == 200
        assert uses(operator, client_id)["only"]["with_kid"] is expected


def test_it_goes_with_its_key_and_its_client(portal: RunningPortal, operator: httpx.Client) -> None:
    first, second = new_key("first"), new_key("second")
    client_id = str(
        register_client(operator, keys=[first, second], scopes=["dv_magda"])["client_id"]
    )
    for key in (first, second):
        assert sign(portal, key, client_id).status_code == 200
    put_current(
        operator, f"/management/v1/clients/{client_id}/jwks", {"keys": [public_jwk(second)]}
    ).raise_for_status()
    assert uses(operator, client_id).keys() == {"second"}
    operator.delete(
        f"/management/v1/clients/{client_id}", headers={"if-match": "*"}
    ).raise_for_status()
    assert operator.get(path_of(client_id)).status_code == 404
    database = Database(portal.settings.database)
    with database.read() as session:
        theirs = StoredKeyUse.client_id.in_([client_id, OPERATOR])
        assert session.scalars(select(StoredKeyUse).where(theirs)).all() == []
    database.close()
