"""A connection moves to another stack at an authority that finds no client by its key: what opens
the client moves with it, as a secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engine import Project
from tests.support.forms import SEND, write_form
from tests.support.oidc_provider import Platform, running_platform


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with running_platform(tmp_path / "platform", client_tokens="lasting") as running:
        yield running


def test_what_opens_a_client_moves_with_it(platform: Platform, tmp_path: Path) -> None:
    """Before that, the second stack makes no client; after it, it changes and removes the one that
    is there."""
    made = (Project(tmp_path / "project", f"tni-{name}") for name in "ab")
    a, b = (
        platform.prepared(each, environment="tni", registrationAccessTokens=True) for each in made
    )
    a.configure({"organisations": "aalst gent"})
    b.configure({"organisations": "zele"})
    form = write_form(a.forms, "gent/loket", scopes=(SEND,))
    for name in ("aalst/loket", "zele/loket"):
        write_form(a.forms, name, scopes=(SEND,))
    a.apply()
    client_id, clients = a.client_id(form), set(platform.provider.clients)
    a.configure({"organisations": "aalst"})
    b.configure({"organisations": "gent zele"})
    refused = b.up()
    assert f"acmidm move {form.key} --from tni-a --to tni-b" in refused.output
    assert set(platform.provider.clients) == clients

    moved = a.acmidm("move", "gent", "--from", "tni-a", "--to", "tni-b")
    assert moved.code == 0, moved.output
    registrations = [
        place for place, each in b.resources().items() if each["outputs"].get("registration")
    ]
    assert f"OAuthClient {form.key}" in registrations
    assert platform.provider.token_of(client_id) not in b.exported()
    form.document["contacts"] = ["ander@stad-gent.example"]
    form.save()
    for project in (b, a):
        deployed = project.recover()
        assert deployed.code == 0, deployed.output
    assert b.client_id(form) == client_id
    client = platform.provider.clients[client_id]
    assert (client["contacts"], client["managed_by"]) == (
        ["ander@stad-gent.example"],
        "acmidm/tni-b",
    )
    b.in_sync()
    form.path.unlink()
    write_form(a.forms, "gent/later", environment="prod", keys=())
    b.apply()
    assert client_id not in platform.provider.clients
