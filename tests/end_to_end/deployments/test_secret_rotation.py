"""A client secret is renewed by one line of a form, handed over by one command, and never shows
besides."""

from __future__ import annotations

import os
import pty
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.client_secrets import has_access, secret_of
from tests.support.engine import Project, details
from tests.support.forms import FormFile, write_form
from tests.support.portal import RunningPortal
from tests.support.registry import Registry
from tests.support.warm_server import warm_environment

RENEWED = "gets a new client secret, which has to be handed over"


def renew(form: FormFile, generation: int) -> None:
    form.request()["secret_generation"] = generation
    form.save()


@dataclass(frozen=True)
class Stack:
    """A form with a secret, and one with a key, brought up."""

    project: Project
    form: FormFile
    keyed: FormFile


@pytest.fixture(scope="module")
def stack(
    portal: RunningPortal,
    registry: Registry,  # noqa: ARG001
    random_plugin: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> Stack:
    project = Project(tmp_path_factory.mktemp("secrets"))
    project.connect(portal, keyOverlapDays=0.01)
    form = write_form(project.forms, keys=(), token_endpoint_auth_method="client_secret_basic")
    keyed = write_form(project.forms, "gent/sleutel")
    project.apply()
    return Stack(project, form, keyed)


def test_one_line_renews_a_secret_and_both_work(
    stack: Stack, portal: RunningPortal, registry: Registry
) -> None:
    """For the overlap of the stack, which the review names; drift calls it not applied, never
    somebody's hand. A third ends the first."""
    project, form = stack.project, stack.form
    first, client_id = secret_of(project, form), registry.client(form.application)["client_id"]
    renew(form, 1)
    project.in_sync()

    renew(form, 2)
    assert details(project.steps()).keys() == {
        f"RandomPassword {form.key}",
        f"OAuthClient {form.key}",
    }
    reviewed = project.acmidm("review", "--stack", "tni").output
    assert f"{RENEWED}; the one before works for 14 minutes beside it" in reviewed
    drift = project.acmidm("drift", "--stack", "tni").output
    assert RENEWED in drift
    assert "by hand" not in drift.lower().replace("nothing was changed by hand", "")
    project.apply()
    second = secret_of(project, form)
    assert second != first
    assert has_access(portal, client_id, first)
    assert has_access(portal, client_id, second)
    project.in_sync()

    renew(form, 3)
    project.configure({"keyOverlapDays": 0})
    assert (
        f"{RENEWED}; the one before ends at once"
        in project.acmidm("review", "--stack", "tni").output
    )
    project.apply()
    assert [
        has_access(portal, client_id, secret)
        for secret in (first, second, secret_of(project, form))
    ] == [
        False,
        False,
        True,
    ]
    assert not any(secret in project.exported() for secret in (first, second))


def test_secret_is_shown_to_who_can_decrypt_the_stack(stack: Stack, tmp_path: Path) -> None:
    """On a terminal, or in a new file of theirs alone; for nobody else, in no log, and never where
    Git would take it along."""
    project, form = stack.project, stack.form
    secret = secret_of(project, form)
    show = ("secret", "show", f"onboardings/{form.name}.yaml", "--stack", "tni")

    file = tmp_path / "handed over" / "loket.secret"
    written = project.acmidm(*show, "--file", str(file))
    assert (written.code, written.stdout, file.read_text()) == (0, "", secret), written.output
    assert file.stat().st_mode & 0o777 == 0o600
    assert shown_on_a_terminal(project, show) == secret

    of_keyed = ("secret", "show", f"onboardings/{stack.keyed.name}.yaml")
    (tmp_path / "cloned" / ".git").mkdir(parents=True)
    for words, code, sentence in (
        (
            show,
            2,
            (
                "the output is no terminal, where a log would keep the secret; name a file for it"
                " with --file FILE"
            ),
        ),
        (
            (*show, "--file", str(file)),
            2,
            "exists already, and is never overwritten; name another file with --file FILE",
        ),
        ((*show, "--file", str(tmp_path / "cloned" / "s")), 2, "is in the Git repository"),
        (
            (*show, "--platform", "geosecure", "--file", str(tmp_path / "s")),
            2,
            "has no client for geosecure on tni",
        ),
        (
            (*of_keyed, "--file", str(tmp_path / "s")),
            2,
            "private_key_jwt, and has no client secret",
        ),
    ):
        refused = project.acmidm(*words)
        assert (refused.code, sentence in refused.stderr) == (code, True), refused.output
    project.succeed("stack", "change-secrets-provider", "passphrase")
    project.environment["PULUMI_CONFIG_PASSPHRASE"] = "another"
    refused = project.acmidm(*show, "--file", str(tmp_path / "s"))
    assert (
        refused.code,
        refused.stderr.startswith(
            "stack tni cannot be decrypted here; set PULUMI_CONFIG_PASSPHRASE"
        ),
    ) == (3, True)
    assert not (tmp_path / "s").exists()


def shown_on_a_terminal(project: Project, words: tuple[str, ...]) -> str:
    """What a command writes there, and nowhere else."""
    ours, its = pty.openpty()
    acmidm = str(warm_environment() / "bin" / "acmidm")
    done = subprocess.run(
        [acmidm, *words],
        cwd=project.folder,
        env=project.variables(),
        stdout=its,
        stderr=subprocess.PIPE,
        check=True,
    )
    os.close(its)
    assert not done.stderr.decode().count(project.secrets[-1])
    return os.read(ours, 10_000).decode().strip()
