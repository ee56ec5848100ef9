"""Keys and client secrets are renewed on the real engine: a key leaves beside another that works,
or not at all; a secret is handed over by one command, and never shows besides.

All cases share one stack with an overlap. In its third run, and the fourth, some keys are refused,
for which nobody else waits.
"""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.support.client_secrets import has_access, secret_of
from tests.support.engine import Outcome, Project
from tests.support.forms import FormFile, write_form
from tests.support.portal import RunningPortal, sign_assertion
from tests.support.registry import Registry, kids
from tests.support.rotating import as_if_days_ago, drop, steal
from tests.support.together import OneStack, Script, change_list, own, together
from tests.support.warm_server import warm_environment

OVERLAP_DAYS = 14
RENEWED = "gets a new client secret, which has to be handed over"
MADE = (
    'pulumi_random.RandomPassword("made", length=9, keepers={{"of": {key!r}}})'
    ".result.apply(lambda _: [{key!r}])"
)
"""A key that is known once another resource is made."""


@dataclass
class Rotations(OneStack):
    """A stack with an overlap, whose operator's key is a secret of the stack."""

    writes: ClassVar[Collection[str]] = (*OneStack.writes, "up_after_a_look")
    slow_reads: ClassVar[Collection[str]] = (*OneStack.slow_reads, "save_review")

    @property
    def saved(self) -> Path:
        return self.project.folder / "approved.json"

    def save_review(self) -> dict[str, Any]:
        words = ("--stack", "tni", "--save", str(self.saved), "--output", "json")
        review: dict[str, Any] = json.loads(self.project.acmidm("review", *words).stdout)
        return review

    def planned(self, form: FormFile) -> dict[str, str]:
        """What the saved review does with each resource of a form, as {"ClientJwks": "update"}."""
        found = {}
        for step in json.loads(self.saved.read_text())["steps"]:
            operation, kind, name = step.split(" ")
            if name == form.key:
                found[kind] = operation
        return found

    def up(self) -> Outcome:
        """With each property that changes."""
        return self.project.up("--diff")

    def up_after_a_look(self) -> Outcome:
        return self.project.up("--refresh", "--diff")

    def use(self, form: FormFile, name: str, header: Mapping[str, Any] | None = None) -> None:
        """Get a token with a key, so that the authority has seen it."""
        client_id = self.registry.client(form.application)["client_id"]
        portal = self.portal
        signed = sign_assertion(form.keys[name], client_id, portal.audience, header=header)
        portal.request_token(signed).raise_for_status()


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal,
    registry: Registry,
    random_plugin: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> Rotations:
    settings = {"keyOverlapDays": OVERLAP_DAYS, "operatorPrivateKeyFile": ""}
    made = Rotations.connected(tmp_path_factory, portal, registry, **settings)
    key = json.dumps(portal.operator_key.as_dict(private=True))
    made.project.succeed("config", "set", "--secret", "acmidm:operatorPrivateKey", key)
    return made


def with_secret(at: Rotations, name: str) -> FormFile:
    """A form whose client has a secret."""
    return write_form(at.forms, name, keys=(), token_endpoint_auth_method="client_secret_basic")


def renew(form: FormFile, generation: int) -> None:
    form.request()["secret_generation"] = generation
    form.save()


@together
def test_a_key_leaves_beside_one_that_is_in_use(at: Rotations) -> Script:
    """Beside a new key it stays, for that client alone; after the overlap, and once the authority
    saw the new one, it goes."""
    form = write_form(at.forms, "gent/draait")
    yield at.up
    as_if_days_ago(at.project, form, 20)
    at.use(form, "key-1", {"kid": None})
    form.add_key("key-2")
    form.save()
    reviewed = change_list((yield at.save_review), form)
    assert {(change["kind"], change["subject"]) for change in reviewed} == {
        ("key_added", "key-2"),
        ("second_key_without_kid", "key-1"),
    }
    assert at.planned(form) == {"ClientJwks": "update"}
    yield at.up

    drop(form, "key-1")
    before = at.project.resources()[f"ClientJwks {form.key}"]
    outcome = yield at.deploy
    assert outcome.code != 0
    day = datetime.now(UTC) + timedelta(days=OVERLAP_DAYS)
    refused = f'refused: gent/draait: key "key-1" may leave from {day:%Y-%m-%d}'
    assert refused in outcome.stderr
    assert kids(at.registry.client(form.application)) == {"key-1", "key-2"}
    kept = at.project.resources()[f"ClientJwks {form.key}"]
    assert {**kept["inputs"], "refused": None} == {**before["inputs"], "refused": None}

    as_if_days_ago(at.project, form, 20)
    at.use(form, "key-2")
    outcome = yield at.up_after_a_look
    assert outcome.code == 0, outcome.output
    assert kids(at.registry.client(form.application)) == {"key-2"}
    assert own((yield at.settled), form) == {}


@together
def test_a_compromised_key_goes_at_once_though_it_is_the_last(at: Rotations) -> Script:
    """The deployment says so, and goes through: nobody else's refusal holds it up."""
    form = write_form(at.forms, "ander/loket")
    yield at.up
    yield at.up
    steal(form, "key-1")
    outcome = yield at.deploy
    assert f"warning: {form.key} on tni loses compromised key key-1" in outcome.stderr
    assert kids(at.registry.client(form.application)) == set()


@together
def test_a_stolen_key_goes_though_another_may_not_leave_yet(at: Rotations) -> Script:
    """In one change: the stolen one goes, the new one comes, and the one that leaves too early
    stays, in the state too."""
    form = write_form(at.forms, "gent/gestolen", keys=("stolen", "early"))
    yield at.up
    as_if_days_ago(at.project, form, 20)
    early = form.keys["early"].thumbprint()
    yield at.up
    form.add_key("new")
    drop(form, "early")
    steal(form, "stolen")
    outcome = yield at.deploy
    assert outcome.code == 1, outcome.output
    assert 'refused: gent/gestolen: key "early" ' in outcome.stderr
    assert kids(at.registry.client(form.application)) == {"early", "new"}
    inputs = at.project.resources()[f"ClientJwks {form.key}"]["inputs"]
    assert inputs["jwks"].keys() == {"early", "new"}
    assert inputs["since"].keys() == {form.keys["new"].thumbprint(), early}

    as_if_days_ago(at.project, form, 20)
    at.use(form, "new")
    yield at.up_after_a_look
    assert kids(at.registry.client(form.application)) == {"new"}
    assert own((yield at.settled), form) == {}


@together
def test_keys_that_another_resource_makes_are_guarded_too(at: Rotations) -> Script:
    """In the run, as a preview does not know them."""
    form = write_form(at.forms, "gent/gegeven", keys=())
    program = (at.project.folder / "__main__.py").read_text()
    for kid in ("one", "two"):
        form.add_key(kid)
    del form.request()["jwks"]
    form.save()

    def give(kid: str) -> None:
        key = json.dumps(form.keys[kid].as_dict(private=False))
        keys = f"{MADE.format(key=key)} if key == {form.key!r} else None"
        changed = program.replace("(connections, ", f"(connections, keys={keys}, ")
        changed = changed.replace("import pulumi\n", "import pulumi\nimport pulumi_random\n")
        (at.project.folder / "__main__.py").write_text(changed)

    give("one")
    yield at.up
    yield at.up
    give("two")
    outcome = yield at.deploy
    assert "refused: gent/gegeven: " not in outcome.stderr, "its preview could not see that"
    assert 'gent/gegeven: key "one" cannot leave' in outcome.output
    assert kids(at.registry.client(form.application)) == {"one", "two"}
    as_if_days_ago(at.project, form, 20)
    at.use(form, "two")
    yield at.up_after_a_look
    assert kids(at.registry.client(form.application)) == {"two"}


@together
def test_one_line_renews_a_secret_and_both_work(at: Rotations) -> Script:
    """For the overlap of the stack, which the review names; drift calls it not applied, never
    somebody's hand. A third ends the first."""
    form, first_generation = with_secret(at, "gent/geheim"), with_secret(at, "gent/eerste")
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    first = secret_of(at.project, form)
    renew(first_generation, 1)
    renew(form, 2)
    (change,) = change_list((yield at.save_review), form)
    assert f"{RENEWED}; the one before works for 14 days beside it" in change["text"]
    drift = yield at.drift
    (change,) = change_list(drift, form, "not_applied")
    assert RENEWED in change["text"]
    assert change_list(drift, form, "by_hand") == []
    assert at.planned(form).keys() == {"RandomPassword", "OAuthClient"}
    assert at.planned(first_generation) == {}, "that is the one which is there"
    yield at.up
    second = secret_of(at.project, form)
    assert second != first
    assert has_access(at.portal, client_id, first)
    assert has_access(at.portal, client_id, second)

    renew(form, 3)
    yield at.deploy
    third = secret_of(at.project, form)
    works = [has_access(at.portal, client_id, secret) for secret in (first, second, third)]
    assert works == [False, True, True]
    state = at.project.exported()
    assert not any(secret in state for secret in (first, second, third))
    yield at.up_after_a_look
    assert own((yield at.settled), form) == {}


@together
def test_a_secret_works_and_never_shows(at: Rotations) -> Script:
    """Through create, preview, review, refresh, update and repair, the secret stays encrypted and
    masked, and goes on working. So does the operator's key, which the stack has as a secret."""
    form = with_secret(at, "gent/bewaard")
    made = yield at.up
    secret = secret_of(at.project, form)
    assert secret not in made.output
    client_id = at.registry.client(form.application)["client_id"]
    assert has_access(at.portal, client_id, secret)
    shown = yield at.outputs
    assert shown["client_secrets"] == "[secret]"
    assert shown["connections"][form.key]["acmidm"]["client_id"] == client_id

    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.save()
    yield at.save_review
    assert "[secret]" in at.saved.read_text()
    yield at.up
    assert has_access(at.portal, client_id, secret)
    yield at.deploy
    at.registry.change(client_id, token_endpoint_auth_method="private_key_jwt")
    assert not has_access(at.portal, client_id, secret)
    repaired = yield at.up_after_a_look
    assert repaired.code == 0, repaired.output
    assert has_access(at.portal, client_id, secret)
    # What the engine keeps, all of it: state, backups, history; and what a review saved.
    folder = at.project.folder / "state"
    kept = [file.read_text() for file in folder.rglob("*") if file.is_file()]
    kept += [at.saved.read_text(), at.portal.log.read_text()]
    assert not any(private in text for private in at.project.secrets for text in kept)
    assert own((yield at.settled), form) == {}


@together
def test_a_secret_is_shown_to_who_can_decrypt_the_stack(at: Rotations) -> Script:
    """On a terminal, or in a new file of theirs alone; for nobody else, in no log, and never where
    Git would take it along."""
    form, keyed = with_secret(at, "gent/getoond"), write_form(at.forms, "gent/sleutel")
    yield at.up
    folder = at.project.folder.with_name("shown")
    shutil.copytree(at.project.folder, folder, symlinks=True)
    project = replace(at.project, folder=folder)
    secret = secret_of(project, form)
    show = ("secret", "show", f"onboardings/{form.name}.yaml", "--stack", "tni")

    file = folder / "handed over" / "loket.secret"
    written = project.acmidm(*show, "--file", str(file))
    assert (written.code, written.stdout, file.read_text()) == (0, "", secret), written.output
    assert file.stat().st_mode & 0o777 == 0o600
    assert shown_on_a_terminal(project, show) == secret

    of_keyed = ("secret", "show", f"onboardings/{keyed.name}.yaml")
    (folder / "cloned" / ".git").mkdir(parents=True)
    another = ("--file", str(folder / "s"))
    refusals = {
        show: "the output is no terminal, where a log would keep the secret; name a file for it"
        " with --file FILE",
        (*show, "--file", str(file)): "exists already, and is never overwritten; name another file"
        " with --file FILE",
        (*show, "--file", str(folder / "cloned" / "s")): "is in the Git repository",
        (*show, "--platform", "geosecure", *another): "has no client for geosecure on tni",
        (*of_keyed, *another): "private_key_jwt, and has no client secret",
    }
    for words, sentence in refusals.items():
        refused = project.acmidm(*words)
        assert (refused.code, sentence in refused.stderr) == (2, True), refused.output
    project.succeed("stack", "change-secrets-provider", "passphrase")
    elsewhere = replace(project, environment={"PULUMI_CONFIG_PASSPHRASE": "another"})
    refused = elsewhere.acmidm(*show, *another)
    said = "stack tni cannot be decrypted here; set PULUMI_CONFIG_PASSPHRASE"
    assert (refused.code, refused.stderr.startswith(said)) == (3, True), refused.output
    assert not (folder / "s").exists()


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
