"""The providers of clients, scopes, keys and products, called directly on a real portal."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from acmidm_onboarding.authorities.connected import connected
from acmidm_onboarding.authorities.errors import ChangedMeanwhile, NotFound, Rejected
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.resources.base import AuthorityProvider
from acmidm_onboarding.resources.client_jwks import ClientJwksProvider
from acmidm_onboarding.resources.client_scopes import ClientScopesProvider
from acmidm_onboarding.resources.oauth_client import OAuthClientProvider
from acmidm_onboarding.resources.product_configuration import ProductConfigurationProvider
from acmidm_onboarding.settings import TRUSTED_HOSTS, InvalidSettings, full_key, read_settings
from acmidm_onboarding.values.jwk import public_jwk as read_jwk
from acmidm_onboarding.values.terms import Platform
from tests.resources.world import UNKNOWN, World, adopting, client_inputs, outs, product_of
from tests.support.forms import NOTIFICATIES, PLAIN, SEND
from tests.support.portal import RunningPortal, new_key, public_jwk
from tests.support.registry import Registry

PROVIDERS = (
    OAuthClientProvider,
    ClientScopesProvider,
    ClientJwksProvider,
    ProductConfigurationProvider,
)


def scopes_of(client_id: str, *scopes: str, default: tuple[str, ...] = ()) -> dict[str, Any]:
    granted = {
        "scopes": dict.fromkeys(scopes, "requested"),
        "default_scopes": dict.fromkeys(default, True),
    }
    return {"platform": "acmidm", "client_id": client_id, **granted}


def test_check_gives_whole_numbers_back_as_integers(world: World) -> None:
    """They travel as floating point; a configuration with a number must not differ from itself."""
    inputs = {
        **product_of(UNKNOWN),
        "configuration": {"limit": 3.0, "share": 0.5, "list": [1.0, {"deep": 2.0}], "yes": True},
    }
    checked = world.provider(ProductConfigurationProvider).check(
        {}, {**inputs, "__provider": "module:class"}
    )
    assert checked.failures == []
    assert checked.inputs is not None
    configuration = checked.inputs["configuration"]
    assert repr(configuration) == repr(
        {"limit": 3, "share": 0.5, "list": [1, {"deep": 2}], "yes": True}
    )
    assert checked.inputs["client_id"] == UNKNOWN
    assert "__provider" not in checked.inputs


def test_a_platform_without_authority_is_a_sentence(world: World, application: str) -> None:
    """The project's own program refuses such a form before; what is left in a state has no program
    that says so."""
    provider, props = (
        world.provider(OAuthClientProvider),
        client_inputs(application, platform="geosecure"),
    )
    for call in (
        lambda: provider.create(props),
        lambda: provider.read("40001", props),
        lambda: provider.delete("40001", props),
    ):
        with pytest.raises(
            Rejected,
            match=(
                'platform "geosecure" has no authority in this stack; set geosecure:managementUrl'
            ),
        ):
            call()


def test_no_credentials_for_a_host_that_the_pipeline_does_not_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one who changed the setting would get them. Refused before any name is looked up, for the
    engine and for the command line."""
    looked_up: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: looked_up.append(host))
    config = {**world.config, "acmidm:managementUrl": "https://attacker.example/management/v1"}
    settings = read_settings(lambda key: config.get(full_key(key)))
    for start in (
        lambda: World(config).provider(OAuthClientProvider),
        lambda: connected(settings, load_catalogue(settings.catalogue_folder)),
    ):
        monkeypatch.setenv(TRUSTED_HOSTS, "beheer.example")
        with pytest.raises(
            InvalidSettings,
            match=(
                r"acmidm:managementUrl leads to attacker\.example, which ACMIDM_TRUSTED_HOSTS does"
                r" not name"
            ),
        ):
            start()
        monkeypatch.setenv(TRUSTED_HOSTS, "attacker.example")
        start()
    assert looked_up == []


def test_what_is_refused_neither_replaces_nor_is_made(world: World, application: str) -> None:
    """A replacement would be checked without the old inputs, and so be allowed."""
    provider = world.provider(OAuthClientProvider)
    before, after = client_inputs(application), client_inputs(f"{application}-2")
    checked = provider.check(before, adopting("x", after))
    assert (checked.failures, checked.inputs is not None) == ([], True)
    assert provider.diff("y", before, dict(checked.inputs or {})).replaces == []
    for call in (
        lambda: provider.create(checked.inputs or {}),
        lambda: provider.update("y", before, checked.inputs or {}),
    ):
        with pytest.raises(Rejected, match='gent/loket: client "x" cannot be taken over'):
            call()


@pytest.mark.parametrize("kind", PROVIDERS)
def test_diff_leaves_the_details_to_the_engine(world: World, kind: type[AuthorityProvider]) -> None:
    """Only what forces a replacement is named: the identity. An unknown identity is that of another
    client."""
    provider = world.provider(kind)
    old = {
        "software_id": "acmidm/tni/A/a",
        "platform": "acmidm",
        "client_id": "1",
        "product": "dosis",
        "scopes": {},
        "contacts": [],
    }
    moved = {**old, "software_id": "acmidm/tni/B/b", "scopes": {"x": "y"}, "contacts": ["c"]}
    assert provider.diff("id", old, moved).replaces == [], (
        "another code or application is the same client under another name"
    )
    for name in kind.replaced_by:
        diff = provider.diff("id", old, {**old, name: UNKNOWN})
        assert diff.changes is None
        assert diff.replaces == [name]


def test_client_from_create_to_delete(world: World, registry: Registry, application: str) -> None:
    """What is read is what was written last; the second delete is none."""
    provider = world.provider(OAuthClientProvider)
    inputs = client_inputs(application)

    created = provider.create(inputs)
    made = {
        "client_id": created.id,
        "hand_over": True,
        "incarnation": registry.client(application)["incarnation"],
    }
    assert outs(created) == {**inputs, **made}
    assert registry.client(application)["client_id"] == created.id

    read = provider.read(created.id, outs(created))
    assert outs(read) == outs(created)
    assert read.inputs == inputs

    changed = {**inputs, "contacts": ["nieuw@stad-gent.example"]}
    updated = provider.update(created.id, outs(created), changed)
    assert outs(updated) == {**changed, **made}
    assert registry.client(application)["contacts"] == ["nieuw@stad-gent.example"]
    reread = provider.read(created.id, outs(updated))
    assert outs(reread)["contacts"] == ["nieuw@stad-gent.example"], (
        "the read must not be that of before the update"
    )

    provider.delete(created.id, outs(updated))
    assert registry.clients(application) == []
    gone = provider.read(created.id, outs(updated))
    assert (gone.id, outs(gone)) == ("", {})
    provider.delete(created.id, outs(updated))


@pytest.mark.parametrize(
    ("changed", "owner"),
    [
        ("managed_by", "elders/tni"),
        ("managed_by", None),
        ("incarnation", "anothers"),
        ("incarnation", None),
    ],
)
def test_deletes_spare_what_bears_another_owner(
    world: World, registry: Registry, application: str, changed: str, owner: str | None
) -> None:
    """Another stack's, nobody's, or another resource's of the same stack: the client and its
    products are theirs."""
    clients, products = (
        world.provider(OAuthClientProvider),
        world.provider(ProductConfigurationProvider),
    )
    old = clients.create(client_inputs(application))
    configured = products.create(product_of(old.id))
    registry.change(old.id, **{changed: owner})
    registry.set_configuration("notificaties", old.id, NOTIFICATIES, **{changed: owner})

    products.delete(configured.id, outs(configured))
    clients.delete(old.id, outs(old))

    assert registry.client(application)["client_id"] == old.id
    assert registry.configuration("notificaties", old.id) == NOTIFICATIES


def test_assigned_scope_that_a_form_asks_for_is_drift_when_it_goes(
    world: World, client_id: str
) -> None:
    """Declared, it counts like any other."""
    provider = world.provider(ClientScopesProvider)
    created = provider.create(scopes_of(client_id, SEND, "vo_info"))
    assert provider.read(client_id, outs(created)).outs == outs(created)


def test_default_scopes_from_create_to_update(
    world: World, registry: Registry, application: str, client_id: str
) -> None:
    """Made default by hand, or no longer, a scope is drift; what a provider assigns keeps what it
    is while nobody declares it."""
    provider = world.provider(ClientScopesProvider)
    created = provider.create(scopes_of(client_id, PLAIN, SEND, default=(SEND,)))
    assert registry.client(application)["default_scopes"] == [SEND]

    registry.set_scopes(client_id, [PLAIN, SEND, "vo_info"], default=[PLAIN, "vo_info"])
    read = provider.read(client_id, outs(created))
    assert outs(read) == scopes_of(client_id, PLAIN, SEND, default=(PLAIN,))
    with pytest.raises(ChangedMeanwhile, match=f"changed {SEND}, {PLAIN}"):
        provider.update(client_id, outs(created), scopes_of(client_id, PLAIN))
    provider.update(client_id, outs(read), scopes_of(client_id, PLAIN))
    assert registry.client(application)["default_scopes"] == ["vo_info"]


def test_attributes_from_create_to_update(
    world: World, registry: Registry, application: str
) -> None:
    """One that somebody else gave it meanwhile is seen, and none is left that is declared no
    more."""
    provider = world.provider(OAuthClientProvider)
    wanted = client_inputs(application, attributes={"setbyclient_proef": "loket"})
    created = provider.create(wanted)
    assert registry.client(application)["attributes"] == {"setbyclient_proef": "loket"}

    registry.change(
        created.id, attributes={"setbyclient_proef": "loket", "setbyclient_tweede": "hand"}
    )
    read = provider.read(created.id, outs(created))
    assert outs(read)["attributes"] == {"setbyclient_proef": "loket", "setbyclient_tweede": "hand"}
    with pytest.raises(ChangedMeanwhile):
        provider.update(created.id, outs(created), client_inputs(application))
    provider.update(created.id, outs(read), client_inputs(application))
    assert registry.client(application)["attributes"] == {}
    assert "attributes" not in outs(provider.read(created.id, outs(read)))


def test_an_address_of_keys_is_refused_where_it_is_not_known(
    world: World, registry: Registry, application: str
) -> None:
    """Also where no form was checked, as in a program: before anything is sent, so that no client
    is made without keys."""
    provider = world.provider(OAuthClientProvider)
    wanted = client_inputs(application, jwks_uri="https://keys.gent.example/jwks")
    with pytest.raises(Rejected, match="takes no keys from an address"):
        provider.create(wanted)
    assert registry.clients(application) == []
    created = provider.create(client_inputs(application))
    with pytest.raises(Rejected, match="takes no keys from an address"):
        provider.update(created.id, outs(created), wanted)


def test_removed_client_takes_its_products_along(
    world: World, registry: Registry, client: dict[str, Any]
) -> None:
    """Also those that a run which was cut off made, and that no state knows."""
    client_id = client["client_id"]
    world.provider(ProductConfigurationProvider).create(
        {**product_of(client_id), "software_id": client["software_id"]}
    )
    world.provider(OAuthClientProvider).delete(client_id, client)
    assert registry.configuration("notificaties", client_id) is None


def test_removed_clients_take_along_what_no_state_has(
    world: World, registry: Registry, application: str
) -> None:
    """What the list has that this run read, and what the run has made since; of the first clients
    it asks one by one."""
    clients = world.provider(OAuthClientProvider)
    made = [outs(clients.create(client_inputs(f"{application}-{number}"))) for number in range(6)]
    marks = {name: made[4][name] for name in ("software_id", "managed_by")}
    registry.set_configuration("notificaties", made[4]["client_id"], NOTIFICATIES, **marks)
    for number, client in enumerate(made):
        if number == 5:
            marks = {name: client[name] for name in ("software_id", "managed_by")}
            world.provider(ProductConfigurationProvider).create(
                {**product_of(client["client_id"]), **marks}
            )
        clients.delete(client["client_id"], client)
        assert registry.configuration("notificaties", client["client_id"]) is None


@pytest.mark.parametrize("gone", ["nothing", "configuration", "client"])
def test_deletes_inside_a_client(
    world: World, registry: Registry, client_id: str, application: str, gone: str
) -> None:
    """Scopes and keys are left, for they go with the client, or are the organisation's own in the
    portal; what is gone is no error."""
    registry.set_scopes(client_id, [SEND])
    registry.set_keys(client_id, [new_key("key-1")])
    configured = outs(world.provider(ProductConfigurationProvider).create(product_of(client_id)))
    if gone == "configuration":
        registry.remove_configuration("notificaties", client_id)
    elif gone == "client":
        registry.remove(client_id)
    before = registry.clients(application)
    world.provider(ClientScopesProvider).delete(client_id, scopes_of(client_id, SEND))
    world.provider(ClientJwksProvider).delete(
        client_id, {"platform": "acmidm", "client_id": client_id, "jwks": {}}
    )
    world.provider(ProductConfigurationProvider).delete(f"notificaties/{client_id}", configured)
    assert registry.configuration("notificaties", client_id) is None
    assert registry.clients(application) == before


def test_update_of_a_client_that_is_gone_says_so(
    world: World, registry: Registry, client_id: str, application: str
) -> None:
    registry.remove(client_id)
    with pytest.raises(NotFound, match="run pulumi up --refresh"):
        world.provider(OAuthClientProvider).update(
            client_id,
            client_inputs(application),
            client_inputs(application, contacts=["a@b.example"]),
        )


def test_four_resources_read_a_client_once(
    world: World, registry: Registry, client_id: str
) -> None:
    """The providers of one run share what was read."""
    first = world.provider(OAuthClientProvider)
    scopes = world.provider(ClientScopesProvider)
    first.read(client_id, client_inputs("x"))
    registry.remove(client_id)
    assert scopes.read(client_id, scopes_of(client_id)).id == client_id


@pytest.mark.parametrize("in_portal", [True, False])
def test_evidence_counts_where_the_authority_has_seen_its_key_in_use(
    world: World, portal: RunningPortal, registry: Registry, client_id: str, in_portal: bool
) -> None:
    """A run looks until then, and each time where the key may go unseen. Of another issuer, nothing
    counts."""
    key, provider = new_key("of-evidence"), world.provider(ClientJwksProvider)
    registry.set_keys(client_id, [key])
    public = public_jwk(key)
    thumbprint = read_jwk(public).thumbprint
    proven = {
        "thumbprint": thumbprint,
        "issuer": portal.issuer,
        "proven_at": "2026-11-20T10:00:00Z",
    }
    jwks = None if in_portal else {"of-evidence": public}
    inputs = {"platform": "acmidm", "client_id": client_id, "jwks": jwks, "proven": proven}
    created = outs(provider.create(inputs))
    assert created["seen"] is None, "no token was got with it"
    assert provider.diff(client_id, created, inputs).changes is None

    portal.client_token(key, client_id)
    assert provider.diff(client_id, created, inputs).changes is True
    updated = outs(provider.update(client_id, created, inputs))
    assert updated["seen"] == thumbprint
    read = provider.read(client_id, updated)
    assert (outs(read)["seen"], "seen" in (read.inputs or {})) == (thumbprint, False)
    later_on = f"{datetime.now(UTC) + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"
    for forged in ({"issuer": "https://elsewhere.example"}, {"proven_at": later_on}):
        assert (
            outs(provider.update(client_id, updated, {**inputs, "proven": {**proven, **forged}}))[
                "seen"
            ]
            is None
        )
    assert "seen" not in outs(provider.update(client_id, updated, {**inputs, "proven": None}))

    registry.set_keys(client_id, [new_key("another")])
    later = world.provider(ClientJwksProvider)
    later._platforms[Platform.ACMIDM].clients.forget(client_id)
    assert later.diff(client_id, updated, inputs).changes is (True if in_portal else None), (
        "what else is in a form's set is drift"
    )
    assert outs(later.read(client_id, updated))["seen"] is None
