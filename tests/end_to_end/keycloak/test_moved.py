"""A connection moves to another stack on a real Keycloak."""

from __future__ import annotations

from pathlib import Path

from tests.support.forms import SEND, write_form
from tests.support.keycloak_platform import Platform


def test_a_connection_moves(platform: Platform, tmp_path: Path) -> None:
    """With its client-ID; the next run of the second stack puts its mark there."""
    a, b = (
        platform.project(tmp_path / "project", f"moved-{name}", environment="tni") for name in "ab"
    )
    a.configure({"organisations": "gent"})
    form = write_form(a.forms, "gent/loket", scopes=(SEND,))
    write_form(a.forms, "aalst/loket", environment="prod", keys=())
    a.apply()
    client_id = a.client_id(form)
    a.configure({"organisations": "aalst"})
    b.configure({"organisations": "gent"})
    moved = a.acmidm("move", form.key, "--from", a.stack, "--to", b.stack)
    assert moved.code == 0, moved.output
    for project in (b, a):
        deployed = project.recover()
        assert deployed.code == 0, deployed.output
    assert b.client_id(form) == client_id
    b.in_sync()
    assert platform.realm.client(client_id)["attributes"]["acmidm.managed_by"] == "acmidm/moved-b"
