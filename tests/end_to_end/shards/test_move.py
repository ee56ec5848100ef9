"""A connection goes from one stack to the other: nothing is made anew, nobody is mailed, and
whatever is cut off goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.deployments.test_hand_over import hand_over, mailing
from tests.end_to_end.shards.conftest import Shards
from tests.support.forms import PLAIN, SEND, FormFile, write_form
from tests.support.mail_server import running_mail_server
from tests.support.registry import Registry

SHOWN = ("client_id", "software_id", "scopes", "jwks", "products")


def there(registry: Registry, *forms: FormFile) -> list[dict[str, object]]:
    """What people have of their connections, each with one client."""
    clients = [
        client for (client,) in registry.everything(*(form.application for form in forms)).values()
    ]
    return [{name: client[name] for name in SHOWN} for client in clients]


def nothing_is_made_or_removed(shards: Shards, *marked: FormFile) -> None:
    """But for the mark of the second stack on what was moved."""
    assert shards.a.steps() == []
    steps = shards.b.steps()
    assert {step["op"] for step in steps} <= {"update"}
    assert {key for step in steps for key in step["detailedDiff"]} <= {"managed_by"}
    names = {step["urn"].rpartition("::")[2] for step in steps}
    assert names == {name for form in marked for name in (form.key, f"{form.key}/notificaties")}


@pytest.mark.usefixtures("random_plugin")
@pytest.mark.parametrize("is_new", [True, False], ids=["to-a-new-stack", "to-one-with-clients"])
def test_an_organisation_moves(shards: Shards, registry: Registry, is_new: bool) -> None:
    """Its clients with keys and with a secret, protected, and what it was mailed."""
    with running_mail_server() as server:
        for project in (shards.a, shards.b):
            mailing(project, server)
            project.configure({"protectClients": True})
        form = write_form(shards.forms, "gent/loket", scopes=(SEND, PLAIN))
        secret = write_form(
            shards.forms,
            "gent/ander",
            keys=(),
            token_endpoint_auth_method="client_secret_basic",
            platforms=["acmidm"],
        )
        stays = write_form(shards.forms, "aalst/loket")
        write_form(shards.forms, "zele/loket")
        assert shards.a.recover().code == 0
        if not is_new:
            assert shards.b.recover().code == 0
        before, secrets = there(registry, form, secret, stays), shards.a.shown_with_secrets()
        shards.take("aalst", "gent z*")
        refused = shards.a.recover()
        assert (
            refused.code,
            f"acmidm move {min(form.key, secret.key)} --from tni-a --to STACK" in refused.stderr,
        ) == (
            2,
            True,
        ), refused.output
        assert any("acmidm move" in error for error in shards.b.up().errors)
        mailed = len(server.recipients)

        moved = shards.a.acmidm("move", "gent", "--from", "tni-a", "--to", "tni-b")
        assert (moved.code, moved.stdout) == (
            0,
            (
                "2 connections are moved; acmidm deploy --stack tni-b puts the mark of that stack"
                " on their clients\n"
            ),
        ), moved.output
        nothing_is_made_or_removed(shards, form, secret)
        drift = shards.a.acmidm("drift", "--stack", "tni-a")
        assert drift.code == 0, drift.output
        for project in (shards.b, shards.a):
            deployed = project.recover()
            assert deployed.code == 0, deployed.output
        nothing_is_made_or_removed(shards)
        assert there(registry, form, secret, stays) == before
        assert {registry.client(each.application)["managed_by"] for each in (form, secret)} == {
            "acmidm/tni-b"
        }
        kept = [
            json.loads(text)["client_secrets"][secret.key]
            for text in (secrets, shards.b.shown_with_secrets())
        ]
        assert kept[0] == kept[1]
        assert kept[0]["acmidm"] not in shards.b.exported()
        assert server.recipients[mailed:] == [], "whom gent's own mail went to"
        assert hand_over(shards.b, form)["sent_at"]
        drift = shards.a.acmidm("drift", *shards.both, "--strict")
        assert drift.code == 0, drift.output
        again = shards.a.acmidm("move", "gent", "--from", "tni-a", "--to", "tni-b")
        assert (again.code, again.stdout) == (0, "tni-b has gent already\n")


def test_a_move_that_is_killed_goes_on(shards: Shards, registry: Registry, tmp_path: Path) -> None:
    """Killed between the two states, each of which has the connection then: neither stack changes
    anything of it."""
    form = write_form(shards.forms, "gent/loket")
    stays = write_form(shards.forms, "aalst/loket")
    write_form(shards.forms, "zele/loket")
    for project in (shards.a, shards.b):
        project.apply()
    before = there(registry, form, stays)
    shards.take("aalst", "gent z*")
    engine = tmp_path / "bin" / "pulumi"
    engine.parent.mkdir()
    engine.write_text(
        '#!/bin/sh\ncase "$*" in "stack import --stack tni-a"*) kill -9 $PPID; exit;; esac\n'
        'PATH=${PATH#*:} exec pulumi "$@"\n'
    )
    engine.chmod(0o755)
    path = shards.a.variables()["PATH"]
    shards.a.environment["PATH"] = f"{engine.parent}:{path}"
    words = ("move", form.key, "--from", "tni-a", "--to", "tni-b")
    assert shards.a.acmidm(*words).code in (-9, 137)
    shards.a.environment["PATH"] = path

    assert any("acmidm move" in error for error in shards.a.up().errors)
    assert any("run acmidm move again" in error for error in shards.b.up().errors)
    assert there(registry, form, stays) == before
    assert registry.client(form.application)["managed_by"] == "acmidm/tni-a"

    moved = shards.a.acmidm(*words)
    assert moved.code == 0, moved.output
    nothing_is_made_or_removed(shards, form)
    for project in (shards.b, shards.a):
        assert project.recover().code == 0
    assert there(registry, form, stays) == before


def test_what_may_not_move(shards: Shards) -> None:
    """What the settings do not say yet, what nobody has, and between stacks that are not of one
    environment."""
    form = write_form(shards.forms, "gent/loket")
    write_form(shards.forms, "zele/loket")
    shards.a.apply()

    def refused(what: str, *stacks: str) -> tuple[int, str]:
        outcome = shards.a.acmidm("move", what, "--from", stacks[0], "--to", stacks[1])
        return outcome.code, outcome.stderr.strip()

    assert refused("gent", "tni-a", "tni-b") == (
        2,
        (
            f"stack tni-a takes {form.key} itself; have acmidm:organisations of it leave its"
            " organisation out first"
        ),
    )
    shards.take("aalst", "zele")
    assert refused("gent", "tni-a", "tni-b") == (
        2,
        (
            f"stack tni-b does not take {form.key}; name its organisation in acmidm:organisations"
            " of it first"
        ),
    )
    assert refused("nobody", "tni-a", "tni-b")[1].startswith(
        "stack tni-a has no connection nobody; "
    )
    shards.b.configure({"environment": "prod"})
    assert "are not of one environment" in refused("gent", "tni-a", "tni-b")[1]
