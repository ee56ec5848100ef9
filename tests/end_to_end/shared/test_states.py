"""A shared state that is lost, restored, moved to another key, or whose server dies: no client is
doubled or lost."""

from __future__ import annotations

import re
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.between import require_as_declared
from tests.support.client_secrets import has_access, secret_of
from tests.support.engine import COMMAND_SECONDS, Outcome
from tests.support.fault_proxy import Exchange, FaultProxy
from tests.support.forms import PLAIN, FormFile, write_form
from tests.support.portal import RunningPortal
from tests.support.registry import Registry
from tests.support.shared_states import SharedProject

pytestmark = [pytest.mark.exhaustive, pytest.mark.usefixtures("random_plugin")]
MARKS = ("incarnation", "etags", "client_secret_updated_at")
"""What a client gets anew when the state that knew it is another."""


def with_secret(project: SharedProject) -> FormFile:
    return write_form(
        project.forms,
        "gent/geheim",
        scopes=(PLAIN,),
        keys=(),
        token_endpoint_auth_method="client_secret_basic",
    )


def seen(registry: Registry, *forms: FormFile) -> dict[str, Any]:
    """All that people have of their connections, but for secrets."""
    found = registry.everything(*(form.application for form in forms))
    return {
        application: [
            {name: value for name, value in client.items() if name not in MARKS}
            for client in clients
        ]
        for application, clients in found.items()
    }


def deploy(project: SharedProject) -> Outcome:
    done = project.recover()
    assert done.code == 0, done.output
    return done


def test_a_server_that_dies_midway_costs_nothing(
    project: SharedProject, proxy: FaultProxy, registry: Registry
) -> None:
    """kill -9 of what has the state, while a client is made: once it is back, the same command goes
    on."""
    form = write_form(project.forms)
    waiting, released, ended = threading.Event(), threading.Event(), list[Outcome]()

    def hold(exchange: Exchange) -> None:
        waiting.set()
        released.wait(COMMAND_SECONDS)
        exchange.reply(exchange.forward())

    proxy.rule("POST", "/clients$", hold)
    run = threading.Thread(target=lambda: ended.append(project.recover()))
    run.start()
    assert waiting.wait(COMMAND_SECONDS)
    project.backend.kill()
    released.set()
    run.join()
    client_id = registry.client(form.application)["client_id"]
    refused = project.recover()
    project.backend.start()
    assert (ended[0].code, refused.code) == (3, 3), ended[0].output
    assert len(refused.stderr.splitlines()) == 1
    assert "its lock on tni is cleared" in deploy(project).stderr
    assert registry.client(form.application)["client_id"] == client_id
    require_as_declared(project, registry, [form])


def test_a_lost_state_is_found_again_at_the_authority(
    project: SharedProject, registry: Registry, portal: RunningPortal
) -> None:
    """Nothing is doubled. A secret, which nobody can read, is another one, and the run says
    whose."""
    form, secret = write_form(project.forms), with_secret(project)
    project.apply()
    first, before = secret_of(project, secret), seen(registry, form, secret)
    project.succeed("stack", "rm", "tni", "--yes", "--force", "--preserve-config")
    project.init()
    done = deploy(project)
    client_id = registry.client(secret.application)["client_id"]
    assert seen(registry, form, secret) == before
    said = re.findall(
        r"warning: client (\S+) of \S+ was there before the state knew it", done.output
    )
    assert set(said) == {client_id}
    assert [has_access(portal, client_id, one) for one in (first, secret_of(project, secret))] == [
        False,
        True,
    ]
    assert "warning" not in deploy(project).output


def test_a_backup_brings_all_back_and_one_that_is_too_old_is_caught_up_with(
    project: SharedProject, registry: Registry, portal: RunningPortal, tmp_path: Path
) -> None:
    """As new as what it replaces: the secret in it works, and nothing changes. As old as a few
    changes: what came since is found again with its client-ID, what went stays away.

    A secret that was renewed since is renewed once more, which drift, review and the run itself
    say.
    """
    kept, secret, gone = (
        write_form(project.forms, "gent/kept"),
        with_secret(project),
        write_form(project.forms, "a/b"),
    )
    project.apply()
    first = secret_of(project, secret)
    project.backend.back_up(tmp_path / "backup")
    project.succeed("stack", "rm", "tni", "--yes", "--force", "--preserve-config")
    project.backend.restore(tmp_path / "backup")
    assert secret_of(project, secret) == first
    project.in_sync()

    new = write_form(project.forms, "gent/new")
    kept.request()["scopes"][PLAIN] = {}
    kept.save()
    secret.request()["secret_generation"] = 2
    secret.save()
    gone.remove()
    deploy(project)
    second, before = secret_of(project, secret), seen(registry, kept, secret, new)

    project.backend.restore(tmp_path / "backup")
    renewed = "gets a new client secret, which has to be handed over"
    drift = project.acmidm("drift", "--stack", "tni")
    assert "was given another client secret by hand" in drift.output
    assert renewed in drift.output
    assert renewed in project.acmidm("review", "--stack", "tni").output
    done = deploy(project)
    assert f"warning: {secret.key} on tni {renewed}" in done.stderr
    assert seen(registry, kept, secret, new) == before
    assert registry.clients(gone.application) == []
    client_id = registry.client(secret.application)["client_id"]
    assert [has_access(portal, client_id, one) for one in (second, secret_of(project, secret))] == [
        False,
        True,
    ]
    project.in_sync()


def test_a_passphrase_is_replaced(
    project: SharedProject, registry: Registry, portal: RunningPortal
) -> None:
    """The state and the stack's file have their secrets under the new one; nothing changes at the
    authority."""
    secret = with_secret(project)
    project.apply()
    first, before = secret_of(project, secret), registry.everything(secret.application)
    project.succeed("stack", "change-secrets-provider", "passphrase")
    replaced = subprocess.run(
        ["pulumi", "stack", "change-secrets-provider", "passphrase", "--non-interactive"],
        cwd=project.folder,
        env=project.variables(),
        input="the new one",
        capture_output=True,
        text=True,
        check=False,
    )
    assert replaced.returncode == 0, replaced.stderr
    refused = project.recover()
    assert refused.code != 0
    assert "passphrase" in refused.output
    project.environment["PULUMI_CONFIG_PASSPHRASE"] = "the new one"
    assert secret_of(project, secret) == first
    deploy(project)
    assert registry.everything(secret.application) == before
    assert has_access(portal, registry.client(secret.application)["client_id"], first)
