"""Changes by hand in Keycloak: each shows by name in one refreshing preview, and one ``up`` repairs all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.engine import details
from tests.support.forms import PLAIN, FormFile, write_form
from tests.support.keycloak import TestRealm
from tests.support.keycloak_platform import Platform
from tests.support.portal import new_key

TESTER = "dv_organisatieregister_testclient"
ELSEWHERE = "https://elsewhere.example/jwks"


@dataclass(frozen=True)
class Drift:
    """What someone does by hand, and the properties that the preview then names, ``{client_id}`` standing for the client's."""

    name: str
    act: Callable[[TestRealm, str, FormFile], None]
    shown: dict[str, tuple[str, list[str]]]


def jwks_elsewhere(realm: TestRealm, client_id: str, _: FormFile) -> None:
    realm.change(client_id, attributes={"use.jwks.url": "true", "jwks.url": ELSEWHERE, "use.jwks.string": "false"})


def make_default(realm: TestRealm, client_id: str, _: FormFile) -> None:
    realm.withdraw(client_id, PLAIN)
    realm.grant(client_id, PLAIN, "default")


def allow_everything(realm: TestRealm, client_id: str, _: FormFile) -> None:
    realm.change(client_id, fullScopeAllowed=True)
    for claim in ("vo_ovocode", "vo_orgcode"):
        realm.add_claim(client_id, claim, "OVO000001")


DRIFTS = (
    Drift(
        "scope-granted",
        lambda realm, client_id, _: realm.grant(client_id, "dv_ar_adres_beheer"),
        {"ClientScopes": ("update", ["scopes.dv_ar_adres_beheer"])},
    ),
    Drift(
        "default-scope-granted",
        lambda realm, client_id, _: realm.grant(client_id, "roles", "default"),
        {"ClientScopes": ("update", ["default_scopes.roles", "scopes.roles"])},
    ),
    Drift(
        "made-default",
        make_default,
        {"ClientScopes": ("update", [f"default_scopes.{PLAIN}"])},
    ),
    Drift(
        "attribute-added",
        lambda realm, client_id, _: realm.add_claim(client_id, "setbyclient_proef", "hand", **{"introspection.token.claim": "true"}),
        {"OAuthClient": ("update", ["attributes"])},
    ),
    Drift(
        "full-scope-allowed",
        lambda realm, client_id, _: realm.change(client_id, fullScopeAllowed=True),
        {"ClientScopes": ("update", ['scopes["{client_id}-dedicated"]'])},
    ),
    Drift(
        "claim-of-another",
        lambda realm, client_id, _: realm.add_claim(client_id, "vo_ovocode", "OVO000001"),
        {"ClientScopes": ("update", ['scopes["{client_id}-dedicated"]'])},
    ),
    Drift(
        "full-scope-and-claims",
        allow_everything,
        {"ClientScopes": ("update", ['scopes["{client_id}-dedicated"]'])},
    ),
    Drift(
        "scope-withdrawn",
        lambda realm, client_id, _: realm.withdraw(client_id, PLAIN),
        {"ClientScopes": ("update", [f"scopes.{PLAIN}"])},
    ),
    Drift(
        "key-slipped-in",
        lambda realm, client_id, form: realm.set_keys(client_id, [*form.keys.values(), new_key("slipped-in")]),
        {"ClientJwks": ("update", ['jwks["slipped-in"]'])},
    ),
    Drift(
        # The declared one last: in a map by kid it would have stood before the other.
        "key-behind-a-declared-one",
        lambda realm, client_id, form: realm.set_keys(client_id, [new_key("key-1"), *form.keys.values()]),
        {"ClientJwks": ("update", ['jwks["key-1 (2)"]', 'jwks["key-1"].x', 'jwks["key-1"].y'])},
    ),
    Drift(
        "key-removed",
        lambda realm, client_id, form: realm.set_keys(client_id, [form.keys["key-1"]]),
        {"ClientJwks": ("update", ['jwks["key-2"]'])},
    ),
    Drift("keys-elsewhere", jwks_elsewhere, {"ClientJwks": ("update", ["jwks.jwks_uri", 'jwks["key-1"]', 'jwks["key-2"]'])}),
    Drift(
        "authentication-method",
        lambda realm, client_id, _: realm.change(client_id, clientAuthenticatorType="client-secret"),
        {"OAuthClient": ("update", ["awaited_keys", "token_endpoint_auth_method"])},
    ),
    Drift(
        "public",
        lambda realm, client_id, _: realm.change(
            client_id, publicClient=True, serviceAccountsEnabled=False, directAccessGrantsEnabled=True
        ),
        {"OAuthClient": ("update", ["grant_types[0]", "token_endpoint_auth_method"])},
    ),
    Drift("disabled", lambda realm, client_id, _: realm.change(client_id, enabled=False), {"OAuthClient": ("update", ["enabled"])}),
    Drift("name", lambda realm, client_id, _: realm.change(client_id, name="Anders"), {"OAuthClient": ("update", ["client_name"])}),
    Drift(
        "description",
        lambda realm, client_id, _: realm.change(client_id, description="Anders"),
        {"OAuthClient": ("update", ["organisation.name"])},
    ),
    Drift(
        "login-page",
        lambda realm, client_id, _: realm.change(client_id, standardFlowEnabled=True),
        {"OAuthClient": ("update", ["grant_types[0]", "grant_types[1]"])},
    ),
    Drift(
        "removed",
        lambda realm, client_id, _: realm.remove(client_id),
        {"OAuthClient": ("create", []), "ClientScopes": ("create", []), "ClientJwks": ("create", [])},
    ),
    Drift("nothing", lambda _realm, _client_id, _form: None, {}),
)


@dataclass
class Story:
    keys: dict[str, str]
    shown: dict[str, tuple[str, list[str]]]
    realm: TestRealm
    client_ids: dict[str, str]
    before: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def story(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Story:
    project = platform.project(tmp_path_factory.mktemp("drift") / "project")
    forms = {
        drift.name: write_form(project.forms, f"gent/{drift.name}", scopes=(PLAIN, TESTER), keys=("key-1", "key-2")) for drift in DRIFTS
    }
    project.apply()
    connections = project.outputs()["connections"]
    client_ids = {name: connections[form.key]["acmidm"]["client_id"] for name, form in forms.items()}
    before = {name: platform.realm.client(client_id) for name, client_id in client_ids.items()}
    for drift in DRIFTS:
        drift.act(platform.realm, client_ids[drift.name], forms[drift.name])
    steps = project.steps("--refresh")
    project.apply("--refresh")
    project.in_sync()
    return Story({name: form.key for name, form in forms.items()}, details(steps), platform.realm, client_ids, before)


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.name)
def test_shows_by_name(story: Story, drift: Drift) -> None:
    shown = {place.split(" ")[0]: step for place, step in story.shown.items() if place.split(" ")[1] == story.keys[drift.name]}
    assert {kind: (op, sorted(names)) for kind, (op, names) in shown.items()} == {
        kind: (op, sorted(name.replace("{client_id}", story.client_ids[drift.name]) for name in names))
        for kind, (op, names) in drift.shown.items()
    }


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.name)
def test_is_repaired(story: Story, drift: Drift) -> None:
    """Also a client that was removed: it comes back with the client-ID that the organisation was given."""
    after, before = story.realm.client(story.client_ids[drift.name]), story.before[drift.name]
    # `true` or absent, `false` or absent: Keycloak keeps switches in either way.
    assert plain_client(after) == plain_client(before)


def plain_client(client: dict[str, Any]) -> dict[str, Any]:
    passing = ("id", "secret")
    attributes = {name: value for name, value in client["attributes"].items() if value != "false" and name != "client.secret.creation.time"}
    attributes.pop("acmidm.incarnation")
    plain = {name: value for name, value in client.items() if name not in passing}
    scopes = {kind: sorted(client[kind]) for kind in ("defaultClientScopes", "optionalClientScopes")}
    return {**plain, **scopes, "attributes": attributes}
