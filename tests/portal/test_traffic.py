"""The products' own traffic, and the organisation's whole step 3: each condition of access that is missing is named."""

from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from tests.support.portal import RunningPortal, new_key, put_current, register_client, running_portal

NOTIFICATION = {
    "Id": "n-1",
    "AanbiederUri": "https://data.vlaanderen.be/id/organisatie/OVO002067",
    "Bestemmelingen": [{"Inszs": "00000000097"}],
    "Categorie": "info",
    "Kanalen": ["ebox"],
    "ProductId": "10244",
    "MerkCode": "stad-gent",
    "Onderwerp": "unknown members are kept",
}
DOSSIER = {"Id": "d-1", "BronUri": "urn://gent/mijn-gent", "ProductId": "10244", "Titel": "Parkeervergunning", "Status": "ingediend"}
NOTIFICATIES = {
    "aanbieder_uri": NOTIFICATION["AanbiederUri"],
    "merk_code": NOTIFICATION["MerkCode"],
    "product_ids": [NOTIFICATION["ProductId"]],
}
DOSIS = {"bron_uri": DOSSIER["BronUri"], "product_ids": [DOSSIER["ProductId"]]}


def connected(operator: httpx.Client, key: ECKey, **configurations: Any) -> str:
    """A client with both scopes and these configurations."""
    client_id = register_client(operator, keys=[key], scopes=["dv_notificaties_schrijven", "dv_dosis_schrijven"])["client_id"]
    for product, configuration in configurations.items():
        path = f"/products/v1/{product}/configurations/{client_id}"
        operator.put(path, json={"configuration": configuration}, headers={"If-None-Match": "*"}).raise_for_status()
    return str(client_id)


def test_the_whole_story(portal: RunningPortal, operator: httpx.Client) -> None:
    """Registered, without the scope: 403; granted, not configured: 403; configured: accepted. Each refusal names what is missing."""
    key = new_key()
    client_id = register_client(operator, keys=[key])["client_id"]

    def send() -> httpx.Response:
        with portal.operator(portal.client_token(key, client_id, "notificaties")) as client:
            return client.post("/api/v2/notificaties", json=NOTIFICATION)

    no_scope = send()
    assert no_scope.status_code == 403
    assert 'scope="dv_notificaties_schrijven"' in no_scope.headers["WWW-Authenticate"]
    assert "lacks scope dv_notificaties_schrijven" in no_scope.json()["detail"]
    put_current(operator, f"/management/v1/clients/{client_id}/scopes", {"scopes": ["dv_notificaties_schrijven"]}).raise_for_status()
    no_configuration = send()
    assert no_configuration.status_code == 403
    assert f"notificaties is not configured for client {client_id}" in no_configuration.json()["detail"]
    path = f"/products/v1/notificaties/configurations/{client_id}"
    operator.put(path, json={"configuration": NOTIFICATIES}, headers={"If-None-Match": "*"}).raise_for_status()
    accepted = send()
    assert accepted.status_code == 202
    assert accepted.json() == {"Id": "n-1"}


@pytest.mark.parametrize(
    ("path", "message", "member"),
    [
        ("/api/v2/notificaties", NOTIFICATION, "AanbiederUri"),
        ("/api/v2/notificaties", NOTIFICATION, "MerkCode"),
        ("/api/v2/notificaties", NOTIFICATION, "ProductId"),
        ("/api/v2/dosis/dossiers", DOSSIER, "BronUri"),
        ("/api/v2/dosis/dossiers", DOSSIER, "ProductId"),
    ],
)
def test_only_what_is_configured_may_be_sent(
    portal: RunningPortal, operator: httpx.Client, path: str, message: dict[str, Any], member: str
) -> None:
    """Another sender, brand, source or product is refused by its name, with what is configured instead."""
    key = new_key()
    client_id = connected(operator, key, notificaties=NOTIFICATIES, dosis=DOSIS)
    with portal.operator(portal.client_token(key, client_id, path.split("/")[3])) as client:
        assert client.post(path, json=message).is_success
        refused = client.post(path, json={**message, member: "another"})
    assert refused.status_code == 403
    assert f"{member} another is not configured for this client; use {message[member]}" in refused.json()["detail"]
    assert refused.json()["errors"][0]["pointer"] == f"/{member}"


@pytest.mark.parametrize("member", ["Id", "AanbiederUri", "Bestemmelingen", "Categorie", "Kanalen", "ProductId", "MerkCode"])
def test_a_message_without_a_member_is_refused(portal: RunningPortal, operator: httpx.Client, member: str) -> None:
    """422 with its pointer."""
    key = new_key()
    client_id = connected(operator, key, notificaties=NOTIFICATIES)
    message = {name: value for name, value in NOTIFICATION.items() if name != member}
    with portal.operator(portal.client_token(key, client_id, "notificaties")) as client:
        refused = client.post("/api/v2/notificaties", json=message)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"pointer": f"/{member}", "detail": "field required"}]


def test_a_token_with_less_scope_is_not_enough(portal: RunningPortal, operator: httpx.Client) -> None:
    """What counts is the token's scope, not what the client could have asked for."""
    key = new_key()
    client_id = connected(operator, key, dosis=DOSIS)
    with portal.operator(portal.client_token(key, client_id, scope="dv_notificaties_schrijven")) as client:
        assert "lacks scope dv_dosis_schrijven" in client.post("/api/v2/dosis/dossiers", json=DOSSIER).json()["detail"]


def test_an_environment_without_the_product_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    """404 that names product and environment, not a riddle."""
    with running_portal(tmp_path_factory.mktemp("bare"), products={}) as portal, portal.operator() as operator:
        answer = operator.post("/api/v2/dosis/dossiers", json=DOSSIER)
        assert answer.status_code == 404
        assert "product dosis in environment tni" in answer.json()["detail"]
