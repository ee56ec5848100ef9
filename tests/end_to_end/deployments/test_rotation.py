"""Keys and client secrets are renewed on the real engine, and mandates end: run by run.

A key leaves beside another that works, or not at all. A secret is handed over by one command, and
never shows besides. Some changes take two runs, each with a part of it. At no moment does neither
secret nor key work, and nothing goes before what depends on it, wherever a run is cut off.

All cases share one stack with an overlap, which protects none of its clients. In its third run, and
the fourth, some keys are refused, for which nobody else waits.
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
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from tests.support.client_secrets import has_access, secret_of
from tests.support.engine import Outcome, Project
from tests.support.forms import DOSSIERS, PLAIN, SEND, FormFile, write_form
from tests.support.messages import DOSSIER, NOTIFICATION
from tests.support.portal import RunningPortal, new_key, sign_assertion
from tests.support.registry import Registry, kids
from tests.support.retired import KEPT, retire
from tests.support.rotating import as_if_days_ago, drop, steal
from tests.support.together import OneStack, Script, change_list, differing, kinds, own, together
from tests.support.warm_server import warm_environment

OVERLAP_DAYS = 14
ENDED = "2020-12-31"
_NUMBERS = count()
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

    def client(self, form: FormFile) -> dict[str, Any]:
        return self.registry.client(form.application)

    def works(self, form: FormFile, secret: str) -> bool:
        return has_access(self.portal, self.client(form)["client_id"], secret)

    def token(self, form: FormFile, kid: str) -> int:
        """The status of what a client is answered that wants a token with a key."""
        assertion = sign_assertion(
            form.keys[kid], self.client(form)["client_id"], self.portal.issuer
        )
        return self.portal.request_token(assertion, scope=PLAIN).status_code

    def use(self, form: FormFile, name: str, header: Mapping[str, Any] | None = None) -> None:
        """Get a token with a key, so that the authority has seen it."""
        client_id = self.client(form)["client_id"]
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
    assert kids(at.client(form)) == {"key-1", "key-2"}
    kept = at.project.resources()[f"ClientJwks {form.key}"]
    assert {**kept["inputs"], "refused": None} == {**before["inputs"], "refused": None}

    as_if_days_ago(at.project, form, 20)
    at.use(form, "key-2")
    outcome = yield at.up_after_a_look
    assert outcome.code == 0, outcome.output
    assert kids(at.client(form)) == {"key-2"}
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
    assert kids(at.client(form)) == set()


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
    assert kids(at.client(form)) == {"early", "new"}
    inputs = at.project.resources()[f"ClientJwks {form.key}"]["inputs"]
    assert inputs["jwks"].keys() == {"early", "new"}
    assert inputs["since"].keys() == {form.keys["new"].thumbprint(), early}

    as_if_days_ago(at.project, form, 20)
    at.use(form, "new")
    yield at.up_after_a_look
    assert kids(at.client(form)) == {"new"}
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
    assert kids(at.client(form)) == {"one", "two"}
    as_if_days_ago(at.project, form, 20)
    at.use(form, "two")
    yield at.up_after_a_look
    assert kids(at.client(form)) == {"two"}


@together
def test_one_line_renews_a_secret_and_both_work(at: Rotations) -> Script:
    """For the overlap of the stack, which the review names; drift calls it not applied, never
    somebody's hand. A third ends the first."""
    form, first_generation = with_secret(at, "gent/geheim"), with_secret(at, "gent/eerste")
    yield at.up
    client_id = at.client(form)["client_id"]
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
    client_id = at.client(form)["client_id"]
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


def texts(review: dict[str, Any], form: FormFile) -> list[str]:
    """What the engine's review says of a form."""
    return [change["text"] for change in change_list(review, form)]


def authenticate(form: FormFile, method: str) -> None:
    form.document["token_endpoint_auth_method"] = method
    form.save()


def method_in(status: dict[str, Any], form: FormFile) -> str:
    """The method by which a client authenticates now."""
    (one,) = [one for one in status["connections"] if one["application"] == form.application]
    return str(one["token_endpoint_auth_method"])


@together
def test_a_secret_works_until_the_forms_key_does(at: Rotations) -> Script:
    """The run that registers a form's key changes nothing else; the next one changes over."""
    form = with_secret(at, "gent/declares")
    yield at.up
    secret = secret_of(at.project, form)
    form.add_key("key-1")
    authenticate(form, "private_key_jwt")
    done = yield at.up
    said = (
        f"{form.key} goes on with its client secret until its authority has one of the keys in its"
        " form"
    )
    assert said in done.output
    assert at.works(form, secret)
    assert kids(at.client(form)) == {"key-1"}
    assert secret not in at.project.exported()
    reviewed = yield at.review
    assert kinds(reviewed, form) == ["authentication_changed"]
    yield at.deploy
    assert not at.works(form, secret)
    assert at.portal.client_token(form.keys["key-1"], at.client(form)["client_id"])
    assert method_in((yield at.status), form) == "private_key_jwt"
    assert own((yield at.settled), form) == {}


@together
def test_a_secret_works_until_a_key_is_uploaded(at: Rotations) -> Script:
    """However long its organisation takes: drift is none, and reports say what is in force."""
    form = with_secret(at, "gent/waits")
    yield at.up
    secret = secret_of(at.project, form)
    authenticate(form, "private_key_jwt")
    done = yield at.up
    said = (
        f"{form.key} goes on with its client secret until its authority has a key, which its"
        " organisation uploads"
    )
    assert said in done.output
    assert secret not in at.project.exported()
    reviewed = yield at.review
    assert kinds(reviewed, form) == ["authentication_changed", "secret_until_key"]
    assert at.works(form, secret)
    found = yield at.drift
    assert differing(found, form) == ["not_applied"]
    pending = {"connections": found["not_applied"]}
    assert kinds(pending, form) == ["authentication_changed", "secret_until_key"]
    assert method_in((yield at.status), form) == "client_secret_basic"

    key = new_key("uploaded")
    client_id = at.client(form)["client_id"]
    at.registry.set_keys(client_id, [key])
    yield at.deploy
    assert at.portal.client_token(key, client_id)
    assert not at.works(form, secret)
    assert own((yield at.settled), form) == {}


@together
def test_a_form_that_goes_back_to_a_secret_meanwhile_gets_a_new_one(at: Rotations) -> Script:
    """It works beside the one that its application has."""
    form = with_secret(at, "gent/regrets")
    yield at.up
    secret = secret_of(at.project, form)
    authenticate(form, "private_key_jwt")
    yield at.up
    authenticate(form, "client_secret_basic")
    reviewed = yield at.review
    assert any("gets a new client secret" in text for text in texts(reviewed, form))
    yield at.deploy
    new = secret_of(at.project, form)
    assert new != secret
    assert at.works(form, secret)
    assert at.works(form, new)


@together
def test_a_mandate_that_ends_takes_scopes_and_then_the_key_of_that_connection(
    at: Rotations,
) -> Script:
    """The same key of the same supplier goes on for another. Nothing else of the form is carried
    out meanwhile."""
    town, other = (
        write_form(at.forms, f"{name}/loket", scopes=(SEND, PLAIN), keys=())
        for name in ("aalst", "halle")
    )
    for form in (town, other):
        form.use_supplier("theirs")
    other.keys = town.keys
    yield at.up
    before, of_other = at.client(town), at.client(other)
    assert (at.token(town, "theirs"), at.token(other, "theirs")) == (200, 200)
    town.use_supplier("theirs", until=ENDED)
    town.document["contacts"] = ["ander@aalst.example"]
    town.save()
    said = f"aalst/loket on tni: the mandate of leverancier ended on {ENDED}"
    assert f"not carried out: {said}" in at.project.acmidm("validate").stdout
    reviewed = yield at.save_review
    assert kinds(reviewed, town) == [
        "mandate_ended",
        "mandate_changed",
        "scope_withdrawn",
        "scope_withdrawn",
    ]
    assert kinds(reviewed, other) == []
    yield at.up
    there = at.client(town)
    assert set(there["scopes"]) - {"vo_info"} == set()
    assert (kids(there), there["contacts"]) == ({"theirs"}, before["contacts"])
    assert (at.token(town, "theirs"), at.token(other, "theirs")) == (400, 200)
    listed = at.project.acmidm("status", "aalst", "--stack", "tni").stdout
    assert f"mandate leverancier ENDED {ENDED}" in " ".join(listed.split())
    board = at.project.acmidm("status", "--board", "aalst").stdout
    assert f"mandaat leverancier GEËINDIGD op {ENDED}" in " ".join(board.split())
    reviewed = yield at.review
    assert kinds(reviewed, town) == ["mandate_ended", "client_without_key", "key_removed"]
    assert "held back from production" not in json.dumps(reviewed), "it waits for no gate"
    yield at.deploy
    assert kids(at.client(town)) == set()
    assert differing((yield at.drift), town) == []
    assert at.client(other) == of_other
    assert own((yield at.settled), other) == {}


@together
def test_a_later_mandate_gives_back_what_an_ended_one_took(at: Rotations) -> Script:
    """And what the form wants besides is carried out then."""
    town = write_form(at.forms, "aalter/loket", scopes=(SEND, PLAIN), keys=())
    town.use_supplier("theirs")
    yield at.up
    before = at.client(town)
    town.use_supplier("theirs", until=ENDED)
    town.document["contacts"] = ["ander@aalter.example"]
    town.save()
    yield at.up
    assert set(at.client(town)["scopes"]) == {"vo_info"}
    yield at.deploy
    assert kids(at.client(town)) == set()
    town.use_supplier("theirs", until="2999-06-30")
    yield at.up_after_a_look
    again = at.client(town)
    assert (again["scopes"], kids(again)) == (before["scopes"], {"theirs"})
    assert again["contacts"] == ["ander@aalter.example"]
    assert own((yield at.settled), town) == {}


@pytest.mark.parametrize("keys", ["its own", "the portal's"])
@together
def test_a_suppliers_key_goes_with_its_mandate_whatever_comes_instead(
    at: Rotations, keys: str
) -> Script:
    """At once, though nobody has proven the other key; the review says whose it was."""
    form = write_form(at.forms, f"{'menen' if keys == 'its own' else 'tielt'}/loket", keys=())
    form.use_supplier("theirs")
    yield at.up
    assert kids(at.client(form)) == {"theirs"}
    form.path.with_name("mandates.yaml").unlink()
    form.document.pop("keys_of")
    if keys == "its own":
        form.add_key("key-1")
    form.save()
    reviewed = yield at.save_review
    if keys == "its own":
        said = "of leverancier, whose mandate has ended: it leaves at once"
        assert [text for text in texts(reviewed, form) if text.endswith(said)]
    yield at.up
    assert kids(at.client(form)) == ({"key-1"} if keys == "its own" else set())
    yield at.deploy
    assert own((yield at.settled), form) == {}


@pytest.mark.parametrize(
    ("keys", "why"),
    [("its own", "its mandate is taken out"), ("the portal's", "its client is let go")],
)
@together
def test_a_suppliers_key_goes_however_many_runs_later(at: Rotations, keys: str, why: str) -> Script:
    """Its form has named nobody for some runs, and the key waited for its overlap, or for ever in
    the portal: the state remembers whose it is."""
    name = f"{keys} {why}".replace(" ", "-").replace("'", "")
    form = write_form(at.forms, f"{name}/loket", keys=())
    form.use_supplier("theirs")
    yield at.up
    form.document.pop("keys_of")
    if keys == "its own":
        form.add_key("key-1")
    form.save()
    yield at.up
    stay = {"key-1"} if keys == "its own" else set[str]()
    assert kids(at.client(form)) == {"theirs", *stay}
    if why == "its client is let go":
        retire(form, KEPT)
    else:
        form.path.with_name("mandates.yaml").unlink()
    reviewed = yield at.review
    assert "key_removed" in kinds(reviewed, form)
    client_id = at.client(form)["client_id"]
    yield at.deploy
    there = at.registry.http.get(f"/management/v1/clients/{client_id}/jwks").json()["keys"]
    assert {key["kid"] for key in there} == stay


def town_of(at: Rotations, name: str, application: str, until: str = "2999-12-31") -> None:
    """A town without forms that lets the supplier send for it, under names of its own."""
    (folder := at.forms / name).mkdir(exist_ok=True)
    code = {"ronse": "OVO001992", "zele": "OVO002339"}[name]
    speaks_for = {"merk_code": [f"stad-{name}"], "bron_uri": [f"urn://{name}/loket"]}
    organisation = {"name": f"Stad {name.title()}", "ovo": code, "speaks_for": speaks_for}
    (folder / "organisation.yaml").write_text(json.dumps(organisation))
    key = f"OVO002067/{application}"
    mandate = {"supplier": "gent", "connections": [key], "until": until}
    (folder / "mandates.yaml").write_text(json.dumps({"mandates": [mandate]}))


def sent(at: Rotations, form: FormFile, name: str) -> tuple[int, ...]:
    """What both products answer to a message for a town."""
    number = f"n-{next(_NUMBERS)}"
    notification = {**NOTIFICATION, "MerkCode": f"stad-{name}", "Id": number}
    source = {"Bron": f"urn://{name}/loket", "DossierNummer": "2026-17"}
    dossier = {**DOSSIER, "UploadId": None, "Identificatie": source, "Agenten": []}
    calls = (
        ("notificaties", "/api/v2/notificaties", notification),
        ("dosis", "/api/v2/dosis/dossiers", dossier),
    )
    statuses = []
    for product, path, document in calls:
        token = at.portal.client_token(form.keys["key-1"], at.client(form)["client_id"], product)
        bearer = {"Authorization": f"Bearer {token}"}
        url = f"{at.portal.origin}{path}"
        statuses.append(httpx.post(url, json=document, headers=bearer, timeout=10).status_code)
    return tuple(statuses)


@together
def test_one_client_sends_for_many_and_for_each_by_its_own_mandate(at: Rotations) -> Script:
    """The products accept what is of a registered sender alone; the review and the list name them
    together."""
    form = write_form(at.forms, "gent/berichten", scopes=(SEND, DOSSIERS))
    yield at.up
    for name in ("ronse", "zele"):
        town_of(at, name, form.application)
    form.request()["afzenders"] = ["zele", "ronse"]
    form.save()
    reviewed = yield at.save_review
    changes = [change for one in reviewed["connections"] for change in one["changes"]]
    more = [change for change in changes if change["kind"] == "sends_for_more"]
    assert [change["subject"] for change in more] == ["dosis", "notificaties"]
    for change in more:
        assert [field["field"] for field in change["fields"]] == ["Stad Ronse", "Stad Zele"]
    yield at.up
    listed = at.project.acmidm("status", "--stack", "tni", form.application).stdout
    assert "acts for Stad Ronse, Stad Zele" in " ".join(listed.split())
    accepted, refused = (200, 200), (403, 403)
    answers = {name: sent(at, form, name) for name in ("gent", "ronse", "zele", "ander")}
    assert answers == {"gent": accepted, "ronse": accepted, "zele": accepted, "ander": refused}

    town_of(at, "ronse", form.application, ENDED)
    validated = at.project.acmidm("validate").stdout
    ended = "it does not send for Stad Ronse, without a mandate for that now"
    assert f"gent/berichten on tni: {ended}" in validated
    reviewed = yield at.review
    assert "sends for fewer organisations through dosis: 1" in texts(reviewed, form)
    yield at.deploy
    answers = {name: sent(at, form, name) for name in ("gent", "ronse", "zele", "ander")}
    assert answers == {"gent": accepted, "ronse": refused, "zele": accepted, "ander": refused}
    assert own((yield at.settled), form) == {}
