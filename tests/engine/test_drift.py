"""Changes by hand at the authority: each shows as the very line, is repaired by ``up``, and is gone after it.

One project with a form per kind of drift: one refreshing preview has to show all of them, one ``up`` to repair them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import Project, detail_lines, details
from tests.support.forms import DOSSIERS, NOTIFICATIES, PLAIN, SEND, FormFile, write_form
from tests.support.portal import RunningPortal, new_key
from tests.support.registry import Registry, kids

SLIPPED_IN = "slipped-in"


@dataclass(frozen=True)
class Drift:
    """What someone does by hand to a client, and what the preview then says about its resources."""

    name: str
    act: Callable[[Registry, FormFile, dict[str, Any]], None]
    shown: dict[str, tuple[str, list[str]]]


DRIFTS = (
    Drift(
        "contact-changed",
        lambda registry, _, client: registry.change(client["client_id"], contacts=["ander@stad.example"]),
        {"OAuthClient": ("update", ["contacts[0]"])},
    ),
    Drift(
        "client-disabled",
        lambda registry, _, client: registry.change(client["client_id"], enabled=False),
        {"OAuthClient": ("update", ["enabled"])},
    ),
    Drift(
        "authentication-method-changed",
        lambda registry, _, client: registry.change(
            client["client_id"], token_endpoint_auth_method="client_secret_basic", client_secret="made-by-hand-0123456789"
        ),
        {"OAuthClient": ("update", ["awaited_keys", "token_endpoint_auth_method"])},
    ),
    Drift(
        "scope-granted",
        lambda registry, _, client: registry.set_scopes(client["client_id"], [*client["scopes"], "dv_ar_adres_beheer"]),
        {"ClientScopes": ("update", ["scopes.dv_ar_adres_beheer"])},
    ),
    Drift(
        "scope-withdrawn",
        lambda registry, _, client: registry.set_scopes(client["client_id"], [SEND]),
        {"ClientScopes": ("update", [f"scopes.{PLAIN}"])},
    ),
    Drift(
        "key-slipped-in",
        lambda registry, form, client: registry.set_keys(client["client_id"], [*form.keys.values(), new_key(SLIPPED_IN)]),
        {"ClientJwks": ("update", [f'jwks["{SLIPPED_IN}"]'])},
    ),
    Drift(
        "key-removed",
        lambda registry, form, client: registry.set_keys(client["client_id"], [form.keys["key-1"]]),
        {"ClientJwks": ("update", ['jwks["key-2"]'])},
    ),
    Drift(
        "key-exchanged",
        lambda registry, form, client: registry.set_keys(client["client_id"], [form.keys["key-1"], new_key("key-2")]),
        {"ClientJwks": ("update", ['jwks["key-2"].x', 'jwks["key-2"].y'])},
    ),
    Drift(
        "product-changed",
        lambda registry, _, client: registry.set_configuration("notificaties", client["client_id"], {**NOTIFICATIES, "merk_code": "ander"}),
        {"ProductConfiguration": ("update", ["configuration.merk_code"])},
    ),
    Drift(
        "product-removed",
        lambda registry, _, client: registry.remove_configuration("notificaties", client["client_id"]),
        {"ProductConfiguration": ("create", [])},
    ),
    Drift(
        "client-removed",
        lambda registry, _, client: registry.remove(client["client_id"]),
        {"OAuthClient": ("create", []), "ClientScopes": ("create", []), "ClientJwks": ("create", [])},
    ),
    Drift("nothing", lambda _registry, _form, _client: None, {}),
)


@dataclass
class Story:
    """What was seen before, during and after the drift."""

    keys: dict[str, str]
    shown: dict[str, tuple[str, list[str]]]
    added: list[str]
    removed: list[str]
    before: dict[str, dict[str, Any]]
    after: dict[str, dict[str, Any]]
    configurations: dict[str, dict[str, Any] | None]


@pytest.fixture(scope="module")
def story(portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Story:
    project = Project(tmp_path_factory.mktemp("drift"))
    project.connect(portal)
    forms = {drift.name: write_form(project.forms, f"gent/{drift.name}", scopes=(SEND, PLAIN), keys=("key-1", "key-2")) for drift in DRIFTS}
    project.apply()
    before = {name: registry.client(form.application) for name, form in forms.items()}
    for drift in DRIFTS:
        drift.act(registry, forms[drift.name], before[drift.name])
    steps = project.steps("--refresh")
    text = project.preview("--refresh", "--diff")
    project.apply("--refresh")
    project.in_sync()
    after = {name: registry.client(form.application) for name, form in forms.items()}
    configurations = {name: registry.configuration("notificaties", client["client_id"]) for name, client in after.items()}
    keys = {name: form.key for name, form in forms.items()}
    return Story(
        keys,
        details(steps),
        detail_lines(text, "+"),
        detail_lines(text, "-"),
        before,
        after,
        configurations,
    )


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.name)
def test_shows_as_the_very_line(story: Story, drift: Drift) -> None:
    shown = {place.partition(" ")[0]: step for place, step in story.shown.items() if story.keys[drift.name] in place}
    if drift.name == "client-removed":
        # The product's configuration outlives its client at the authority, and goes to the new one.
        assert shown.pop("ProductConfiguration")[0] in ("replace", "create-replacement", "delete-replaced")
    assert shown == drift.shown


def test_lines_of_text_name_what_a_person_must_see(story: Story) -> None:
    """A slipped-in key and a scope granted by hand are removed by name; what was withdrawn comes back by name."""
    assert any(line.startswith('- dv_ar_adres_beheer: "granted outside') for line in story.removed)
    assert any(line.startswith(f"+ {PLAIN}:") for line in story.added)


@pytest.mark.parametrize("drift", [drift for drift in DRIFTS if drift.name != "client-removed"], ids=lambda drift: drift.name)
def test_is_repaired_in_place(story: Story, drift: Drift) -> None:
    """After ``up`` the client is what it was: everything but its ETags."""
    before, after = ({**client, "etags": None} for client in (story.before[drift.name], story.after[drift.name]))
    assert after == before
    assert story.configurations[drift.name] == NOTIFICATIES


def test_removed_client_is_made_anew_with_all_it_had(story: Story) -> None:
    before, after = story.before["client-removed"], story.after["client-removed"]
    assert after["client_id"] != before["client_id"]
    assert after["scopes"] == before["scopes"]
    assert kids(after) == kids(before)
    assert story.configurations["client-removed"] == NOTIFICATIES


def test_provider_assigned_scope_is_no_drift_and_stays(story: Story) -> None:
    """``vo_info`` comes from the authority itself: no form of this story asks for it, no preview shows it."""
    assert not any("vo_info" in path for _, paths in story.shown.values() for path in paths)
    assert "vo_info" in story.after["nothing"]["scopes"]


def test_changes_of_someone_else_are_not_overwritten_unseen(project: Project, registry: Registry) -> None:
    """``up`` without refresh, while the scopes are neither as last seen nor as wanted: refused, one sentence, nothing lost."""
    form = write_form(project.forms, scopes=(SEND,))
    project.apply()
    client = registry.client(form.application)
    registry.set_scopes(client["client_id"], [SEND, DOSSIERS])
    form.request()["scopes"][PLAIN] = {}
    form.save()

    refused = project.up()
    assert refused.code != 0
    assert refused.errors == [
        f"someone else changed the scopes of client {client['client_id']} since the last refresh: added {DOSSIERS} "
        f"(declared: {SEND}, {PLAIN}; found: {DOSSIERS}, {SEND}), and nothing was written; "
        "run pulumi refresh, see the change in a preview, then run pulumi up"
    ]
    assert set(registry.client(form.application)["scopes"]) == {SEND, DOSSIERS, "vo_info"}

    project.apply("--refresh")
    assert set(registry.client(form.application)["scopes"]) == {SEND, PLAIN, "vo_info"}
    project.in_sync()


def test_destroy_leaves_nothing(project: Project, registry: Registry) -> None:
    """Neither a client nor a product's configuration stays at the authority, and the state is empty."""
    forms = [write_form(project.forms, name, scopes=(SEND, DOSSIERS)) for name in ("gent/een", "gent/twee")]
    project.apply()
    ids = [registry.client(form.application)["client_id"] for form in forms]

    project.succeed("destroy", "--yes", "--suppress-progress")

    assert [registry.clients(form.application) for form in forms] == [[], []]
    assert [registry.configuration(product, id_) for product in ("notificaties", "dosis") for id_ in ids] == [None] * 4
    assert project.resources() == {}
    assert not list(Path(project.folder / "state").rglob("*.lock"))
