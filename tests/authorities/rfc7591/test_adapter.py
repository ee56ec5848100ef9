"""The adapter against a real oidc-provider, without the engine: what is written, what is read, what
is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from acmidm_onboarding.authorities.errors import Rejected, TokenRefused, Unintelligible
from acmidm_onboarding.authorities.port import ClientParts, NewSecret
from acmidm_onboarding.authorities.rfc7591.adapter import Registration
from acmidm_onboarding.values.metadata import Jwks, Owner
from tests.support import faults
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import DOSSIERS, PLAIN, SEND
from tests.support.oidc_provider import RunningProvider, running_provider
from tests.support.portal import OPERATOR, metadata, new_key, public_jwk


def parts(*scopes: str, keys: tuple[str, ...] = ("key-1",)) -> ClientParts:
    return ClientParts(dict.fromkeys(scopes, False), jwks(*keys))


def jwks(*kids: str) -> Jwks:
    return {kid: public_jwk(new_key(kid)) for kid in kids}


def test_what_is_written_is_read(provider: RunningProvider, adapter: Registration) -> None:
    """In one request: our marks, scopes and keys too; a part that is there already is not written
    again."""
    wanted, along = metadata(incarnation="abc", keys_declared=True), parts(PLAIN, SEND)
    client_id = adapter.register(wanted, None, along).client_id
    with FaultProxy(provider.issuer) as proxy:
        between = provider.adapter(origin=proxy.origin)
        snapshot = between.snapshot(client_id)
        assert len(proxy.requests) == 1
        between.replace_scopes(client_id, {}, along.scopes)
        between.replace_jwks(client_id, {}, along.jwks)
        assert proxy.seen("PUT", "") == []
    assert snapshot is not None
    assert (snapshot.client.metadata, snapshot.scopes, snapshot.jwks) == (
        wanted,
        along.scopes,
        along.jwks,
    )


def test_a_token_has_the_scopes_that_it_requests_and_the_client_was_granted(
    provider: RunningProvider, adapter: Registration
) -> None:
    key = new_key("key-1")
    along = ClientParts({SEND: False, PLAIN: False}, {"key-1": public_jwk(key)})
    client_id = adapter.register(metadata(), None, along).client_id
    answer = provider.request_token(key, client_id, scope=SEND).json()
    assert answer["scope"] == SEND
    assert provider.request_token(key, client_id, scope=DOSSIERS).status_code == 400


def test_each_part_is_replaced_and_the_others_stay(
    provider: RunningProvider, adapter: Registration
) -> None:
    """A PUT replaces everything (RFC 7592): what is not the part's own is what was there, whoever
    put it there."""
    before = metadata()
    client_id = adapter.register(before, None, parts(SEND)).client_id
    provider.change(client_id, client_uri="https://gent.example/")
    after = before.model_copy(update={"client_name": "Stad Gent: loket 7"})
    adapter.update(client_id, before, after, None)
    adapter.replace_scopes(client_id, {SEND: False}, {PLAIN: False})
    new = jwks("key-2", "key-3")
    adapter.replace_jwks(client_id, None, new)
    found = adapter.snapshot(client_id)
    assert found is not None
    assert (found.client.metadata, found.scopes, found.jwks) == (after, {PLAIN: False}, new)
    assert provider.clients[client_id]["client_uri"] == "https://gent.example/"


def test_what_is_declared_no_more_is_taken_away(
    provider: RunningProvider, adapter: Registration
) -> None:
    """An update sends back all that it has read, but for that."""
    wanted = metadata(incarnation="abc")
    client_id = adapter.register(wanted, None, parts(SEND)).client_id
    adapter.update(client_id, wanted, wanted.model_copy(update={"incarnation": None}), None)
    assert "incarnation" not in provider.clients[client_id]


def test_a_client_that_is_taken_over_keeps_nothing_but_scopes_and_keys(
    provider: RunningProvider, adapter: Registration
) -> None:
    """Whoever made it by hand may have left a door in it."""
    client_id = adapter.register(metadata(managed_by=None), None, parts(SEND)).client_id
    provider.change(
        client_id,
        grant_types=["client_credentials", "authorization_code"],
        response_types=["code"],
        redirect_uris=["https://elsewhere.example/back"],
    )
    seen = adapter.read(client_id)
    assert seen is not None
    adapter.update(client_id, seen.metadata, metadata(seen.metadata.application), None)
    client = provider.clients[client_id]
    assert (client["redirect_uris"], client["response_types"]) == ([], [])
    assert client["grant_types"] == ["client_credentials"]
    assert client["scope"] == SEND


def test_keys_are_in_one_place(provider: RunningProvider, adapter: Registration) -> None:
    """RFC 7591: an address, or a set. At no moment there is neither, which would leave the client
    without any."""
    address = metadata(jwks_uri="https://gent.example/jwks.json")
    client_id = adapter.register(address, None, ClientParts({SEND: False})).client_id
    assert adapter.read_jwks(client_id) == {
        "jwks_uri": {"jwks_uri": "https://gent.example/jwks.json"}
    }
    without = address.model_copy(update={"jwks_uri": None})
    adapter.update(client_id, address, without, None)
    assert provider.clients[client_id]["jwks_uri"] == "https://gent.example/jwks.json"
    adapter.replace_jwks(client_id, None, jwks("key-1"))
    assert "jwks_uri" not in provider.clients[client_id]
    adapter.update(client_id, without, address, None)
    assert "jwks" not in provider.clients[client_id]


def test_what_the_standard_has_not_is_refused_before_anything_is_sent(
    provider: RunningProvider,
) -> None:
    with FaultProxy(provider.issuer) as proxy:
        between = provider.adapter(origin=proxy.origin)
        for wanted, secret, along, sentence in (
            (metadata(), "geheim", parts(SEND), "takes none; use private_key_jwt"),
            (
                metadata(attributes={"setbyclient_proef": "7"}),
                None,
                parts(SEND),
                "no attributes into tokens",
            ),
            (metadata(enabled=False), None, parts(SEND), "disables no client"),
            (
                metadata(),
                None,
                ClientParts({SEND: True}, jwks("key-1")),
                f"take default from {SEND}",
            ),
            (metadata(), None, ClientParts({SEND: False}), "has no key yet"),
            (metadata(), None, parts("client_registration"), "is a right of operators"),
            (metadata(), None, parts("management_write"), "is a right of operators"),
            (metadata(), None, parts("openid"), "stands for a client without scopes"),
        ):
            with pytest.raises(Rejected, match=sentence):
                between.register(wanted, secret, along)
        with pytest.raises(Rejected, match="takes none"):
            between.update("somebody", None, metadata(), NewSecret("geheim"))
        assert proxy.requests == []


def test_an_operator_is_none_of_a_forms(provider: RunningProvider, adapter: Registration) -> None:
    """Its own client, and one that can register others."""
    client_id = adapter.register(
        metadata(managed_by=None, software_id=None), None, parts(SEND)
    ).client_id
    provider.change(client_id, scope=f"{SEND} client_registration")
    for reserved in (OPERATOR, client_id):
        assert adapter.reserved(reserved) is not None
    with pytest.raises(Rejected, match="has rights over this authority"):
        adapter.update(client_id, None, metadata(), None)
    with pytest.raises(Rejected, match="has rights over this authority"):
        adapter.remove(client_id, Owner())
    assert client_id in provider.clients
    adapter.replace_scopes(
        client_id, None, {SEND: False}
    )  # what was slipped into one of ours goes, whatever it is
    assert adapter.reserved(client_id) is None
    with pytest.raises(Rejected, match="is an operator's own"):
        adapter.replace_jwks(OPERATOR, None, jwks("key-1"))


def test_a_token_without_the_right_is_refused_in_one_sentence(provider: RunningProvider) -> None:
    with pytest.raises(TokenRefused, match="check the operator's credentials"):
        provider.adapter(scope="management_read").register(metadata(), None, parts(SEND))


def test_what_the_authority_does_not_keep_is_said_and_the_client_removed(tmp_path: Path) -> None:
    """RFC 7591 §2 lets a server drop what it does not know: without our marks nobody knew whose
    client it is."""
    with running_provider(
        tmp_path, kept=("software_id", "organisation", "application")
    ) as forgetful:
        wanted = metadata(incarnation="abc")
        with pytest.raises(
            Rejected, match="is removed again, for the authority does not keep incarnation"
        ):
            forgetful.adapter().register(wanted, None, parts(SEND))
        assert forgetful.named(wanted.application) == []


def test_the_endpoint_is_where_the_issuer_names_it(provider: RunningProvider) -> None:
    """RFC 8414 §2; on its own host alone, for the operator's token goes there."""
    wanted = metadata()
    client_id = provider.adapter(endpoint=None).register(wanted, None, parts(SEND)).client_id
    assert client_id in provider.clients
    for document, sentence in (
        ({}, "names no registration endpoint; set acmidm:managementUrl"),
        (
            {"registration_endpoint": "https://elsewhere.example/reg"},
            "is not where the issuer is, so that no",
        ),
    ):
        with FaultProxy(provider.issuer) as proxy:
            body = json.dumps(document).encode()
            proxy.rule(
                "GET",
                "/openid-configuration",
                faults.answer(200, body, "application/json"),
                times=None,
            )
            with pytest.raises(Rejected, match=sentence):
                provider.adapter(origin=proxy.origin, endpoint=None).read(client_id)
            assert proxy.seen("GET", "/reg") == []


@pytest.mark.parametrize(
    "named", ["urn:a:b", "reg", "https://[::1", "x" * 70_000, "https://a/\x1b[31m", ["reg"]]
)
def test_an_endpoint_at_no_address_is_a_sentence(provider: RunningProvider, named: object) -> None:
    with FaultProxy(provider.issuer) as proxy:
        body = json.dumps({"registration_endpoint": named}).encode()
        proxy.rule(
            "GET", "/openid-configuration", faults.answer(200, body, "application/json"), times=None
        )
        with pytest.raises(Unintelligible, match="registration_endpoint") as caught:
            provider.adapter(origin=proxy.origin, endpoint=None).read("any")
    assert len(str(caught.value)) < 500
