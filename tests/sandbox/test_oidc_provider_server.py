"""The oidc-provider as a process: who may register, and what survives a stop."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import httpx
import yaml

from acmidm_onboarding.authorities.port import ClientParts
from acmidm_sandbox.commands.oidc_provider import daemon_of, start_server
from tests.support.forms import SEND
from tests.support.keycloak import free_port
from tests.support.offered import SHIPPED
from tests.support.oidc_provider import OPERATOR_SCOPE, RunningProvider, running_provider
from tests.support.portal import metadata, new_key, public_jwk
from tests.support.trust import TRUSTED
from tests.support.warm_server import warm_environment

PROJECT = Path(__file__).parents[2]


def registered(provider: RunningProvider) -> tuple[str, str]:
    """The client-ID of a client, and its access token."""
    key = new_key("key-1")
    along = ClientParts({SEND: False}, {"key-1": public_jwk(key)})
    client_id = provider.adapter().register(metadata(), None, along).client_id
    answer = provider.request_token(key, client_id, scope=SEND).raise_for_status()
    return client_id, str(answer.json()["access_token"])


def test_an_operators_token_opens_it_and_no_other(tmp_path: Path) -> None:
    """Neither none nor a client's; and what an answer has of a token opens nothing any more."""
    with running_provider(tmp_path) as provider:
        client_id, token = registered(provider)
        with provider.http() as http:
            answered = (
                http.get(f"/{client_id}").raise_for_status().json()["registration_access_token"]
            )
        for header in (
            {},
            {"authorization": f"Bearer {token}"},
            {"authorization": f"Bearer {answered}"},
        ):
            for method, url in (
                ("POST", provider.endpoint),
                ("GET", f"{provider.endpoint}/{client_id}"),
            ):
                document = (
                    {"redirect_uris": ["https://gent.example/"]} if method == "POST" else None
                )
                answer = httpx.request(method, url, headers=header, json=document, verify=TRUSTED)
                assert answer.status_code in (400, 401), answer.text
        assert list(provider.clients) == [client_id]


def test_clients_and_keys_survive_a_stop(tmp_path: Path) -> None:
    """A token from before is verified by the same key; nobody else on the machine may read the
    store."""
    with running_provider(tmp_path) as provider:
        client_id, _ = registered(provider)
        keys = httpx.get(f"{provider.issuer}/jwks", verify=TRUSTED).json()
        assert not start_server(provider.server), "one that runs is left alone"
        assert daemon_of(provider.server).stop()
        assert start_server(provider.server)
        assert provider.adapter().read(client_id) is not None
        assert httpx.get(f"{provider.issuer}/jwks", verify=TRUSTED).json() == keys
        assert not {"d", "p", "q"} & keys["keys"][0].keys()
        assert (tmp_path / "oidc-provider.json").stat().st_mode & 0o777 == 0o600


def test_the_command_starts_that_of_a_stack(tmp_path: Path) -> None:
    """With the operator's key that the settings name; a second start leaves it alone; a stop ends
    it."""
    (tmp_path / "Pulumi.yaml").write_text((PROJECT / "Pulumi.yaml").read_text())
    issuer = f"http://127.0.0.1:{free_port()}"
    settings = {
        "environment": "tni",
        "authority": "rfc7591",
        "catalogueFolder": str(SHIPPED),
        "managementUrl": f"{issuer}/reg",
        "issuer": issuer,
        "productsUrl": "http://127.0.0.1:9/products/v1",
        "operatorClientId": "onboarding",
        "operatorScope": OPERATOR_SCOPE,
        "operatorPrivateKeyFile": ".local/own/operator.jwk.json",
    }
    config = {f"acmidm:{name}": value for name, value in settings.items()}
    (tmp_path / "Pulumi.own.yaml").write_text(yaml.safe_dump({"config": config}))

    def said(*words: str) -> str:
        command = [str(warm_environment() / "bin" / "acmidm"), "oidc-provider", *words]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        assert said("start", "--stack", "own") == f"oidc-provider own acmidm: started at {issuer}\n"
        assert "running" in said("start", "--stack", "own")
        assert "d" in json.loads((tmp_path / ".local/own/operator.jwk.json").read_text())
    finally:
        assert said("stop") == "oidc-provider own acmidm: stopped\n"
