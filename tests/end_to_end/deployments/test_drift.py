"""Changes by hand at the authority: each shows as the very line, is repaired by ``up``, and is gone
after it.

One project with a form per kind of drift: one refreshing preview has to show all of them, one
``up`` to repair them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import Project, detail_lines, details
from tests.support.forms import NOTIFICATIES, PLAIN, SEND, FormFile, write_form
from tests.support.portal import RunningPortal, new_key
from tests.support.registry import Registry, kids

SLIPPED_IN = "slipped-in"
GRANTED = "dv_ar_adres_beheer"
Act = Callable[[Registry, FormFile, str], None]
"""What someone does by hand to a form's client."""


def exchange_keys(registry: Registry, form: FormFile, client_id: str) -> None:
    """One stays, one is removed, one is another by the same name, and one is slipped in."""
    registry.set_keys(client_id, [form.keys["key-1"], new_key("key-2"), new_key(SLIPPED_IN)])


def let_in_by_a_secret(registry: Registry, _: FormFile, client_id: str) -> None:
    registry.change(
        client_id,
        token_endpoint_auth_method="client_secret_basic",
        client_secret="made-by-hand-0123456789",
    )


DRIFTS: dict[str, tuple[Act, dict[str, tuple[str, list[str]]]]] = {
    "client": (
        lambda registry, _, client_id: registry.change(
            client_id, enabled=False, contacts=["ander@stad.example"]
        ),
        {"OAuthClient": ("update", ["contacts[0]", "enabled"])},
    ),
    "method": (
        let_in_by_a_secret,
        {"OAuthClient": ("update", ["awaited_keys", "token_endpoint_auth_method"])},
    ),
    "scopes": (
        lambda registry, _, client_id: registry.set_scopes(client_id, [SEND, GRANTED]),
        {"ClientScopes": ("update", [f"scopes.{GRANTED}", f"scopes.{PLAIN}"])},
    ),
    "public keys": (
        exchange_keys,
        {
            "ClientJwks": (
                "update",
                ['jwks["key-2"].x', 'jwks["key-2"].y', 'jwks["key-3"]', f'jwks["{SLIPPED_IN}"]'],
            )
        },
    ),
    "product": (
        lambda registry, _, client_id: registry.set_configuration(
            "notificaties", client_id, {**NOTIFICATIES, "merk_code": "ander"}
        ),
        {"ProductConfiguration": ("update", ["configuration.merk_code"])},
    ),
    "product removed": (
        lambda registry, _, client_id: registry.remove_configuration("notificaties", client_id),
        {"ProductConfiguration": ("create", [])},
    ),
    "client removed": (
        lambda registry, _, client_id: registry.remove(client_id),
        {
            "OAuthClient": ("create", []),
            "ClientScopes": ("create", []),
            "ClientJwks": ("create", []),
        },
    ),
    "nothing": (lambda *_: None, {}),
}


@dataclass
class Story:
    """What was seen before, during and after the drift."""

    project: Project
    forms: dict[str, FormFile]
    shown: dict[str, tuple[str, list[str]]]
    added: list[str]
    removed: list[str]
    before: dict[str, dict[str, Any]]
    after: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def story(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Story:
    project = Project(tmp_path_factory.mktemp("drift"))
    project.connect(portal)
    keys = ("key-1", "key-2", "key-3")
    forms = {
        name: write_form(
            project.forms, f"gent/{name.replace(' ', '-')}", scopes=(SEND, PLAIN), keys=keys
        )
        for name in DRIFTS
    }
    project.apply()
    before = {name: registry.client(form.application) for name, form in forms.items()}
    for name, (act, _) in DRIFTS.items():
        act(registry, forms[name], before[name]["client_id"])
    steps = project.steps("--refresh")
    text = project.preview("--refresh", "--diff")
    project.apply("--refresh")
    project.in_sync()
    after = {name: registry.client(form.application) for name, form in forms.items()}
    return Story(
        project,
        forms,
        details(steps),
        detail_lines(text, "+"),
        detail_lines(text, "-"),
        before,
        after,
    )


@pytest.mark.parametrize("name", DRIFTS)
def test_shows_as_the_very_line_and_is_repaired(
    story: Story, registry: Registry, name: str
) -> None:
    """After ``up`` the client is what it was, everything but its ETags; one that was removed is
    made anew with all it had."""
    shown = {
        place.partition(" ")[0]: step
        for place, step in story.shown.items()
        if story.forms[name].key in place
    }
    before, after = story.before[name], story.after[name]
    anew: dict[str, Any] = {}
    if name == "client removed":
        # The product's configuration outlives its client at the authority, and goes to the new one.
        assert shown.pop("ProductConfiguration")[0] in (
            "replace",
            "create-replacement",
            "delete-replaced",
        )
        assert after["client_id"] != before["client_id"]
        anew = {
            member: after[member] for member in ("client_id", "client_id_issued_at", "incarnation")
        }
    assert shown == DRIFTS[name][1]
    assert {**after, "etags": None} == {**before, "etags": None, **anew}
    assert kids(after) == {"key-1", "key-2", "key-3"}
    assert registry.configuration("notificaties", after["client_id"]) == NOTIFICATIES


def test_lines_of_text_name_what_a_person_must_see(story: Story) -> None:
    """A scope granted by hand is removed by name, what was withdrawn comes back by name; what the
    authority itself assigns is no drift."""
    assert any(line.startswith(f'- {GRANTED}: "granted outside') for line in story.removed)
    assert any(line.startswith(f"+ {PLAIN}:") for line in story.added)
    assert not any("vo_info" in path for _, paths in story.shown.values() for path in paths)
    assert "vo_info" in story.after["nothing"]["scopes"]


def test_destroy_leaves_nothing(story: Story, registry: Registry) -> None:
    """Neither a client nor a product's configuration stays at the authority, and the state is
    empty."""
    story.project.succeed("destroy", "--yes", "--suppress-progress")
    assert not any(registry.clients(form.application) for form in story.forms.values())
    assert not any(
        registry.configuration("notificaties", client["client_id"])
        for client in story.after.values()
    )
    assert story.project.resources() == {}
    assert not list(Path(story.project.folder / "state").rglob("*.lock"))
