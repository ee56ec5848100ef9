"""A form with a mistake on main holds up nobody, and loses nothing.

The stack protects none of its clients: what a program does not declare, the engine removes. Each
case has an organisation of its own. Its forms are right, then wrong, then right again; the mistakes
of all cases are there in the same run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import Outcome, Project, place_of
from tests.support.forms import PLAIN, SEND, FormFile, write_form
from tests.support.mistakes import (
    Mistake,
    broken_yaml,
    keys_of_a_supplier,
    platform_without_authority,
    unknown_field,
)
from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal
from tests.support.registry import Registry, kids
from tests.support.together import OneStack, Script, differing, kinds, together

STAY = "stay as they are, for a mistake in the forms may be about them"


class Unprotected(OneStack):
    phases = ("up", "refused", "healed", "deploy")
    slow_reads = ("reviewed",)

    def refused(self) -> Outcome:
        """``pulumi up``, which nobody hands what it may do: the server sees nothing of it."""
        requests = self.portal.log.read_text()
        done = self.project.up()
        assert self.portal.log.read_text() == requests
        return done

    def healed(self) -> Outcome:
        return self.project.acmidm("drift", "--stack", "tni", "--heal")

    def reviewed(self) -> Outcome:
        return self.project.acmidm("review", "--stack", "tni", "--output", "json")


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unprotected]:
    folder = tmp_path_factory.mktemp("mistakes")
    with running_portal(folder / "portal", **offered()) as portal, portal.operator() as http:
        project = Project(folder / "project")
        project.connect(portal)
        yield Unprotected(project, Registry(http), portal)


def there(at: OneStack, form: FormFile) -> dict[str, Any]:
    """What the authority, the state and the outputs have of a form that is in the state."""
    client = at.registry.client(form.application)
    # What the engine encrypts, it encrypts anew.
    state = re.sub(r'"ciphertext": *"[^"]*"', '"ciphertext": ""', at.project.exported())
    resources = json.loads(state)["deployment"]["resources"]
    return {
        "client": client,
        "notificaties": at.registry.configuration("notificaties", client["client_id"]),
        "recorded": {
            place_of(one["urn"]): (one.get("inputs"), one.get("dependencies"), one.get("protect"))
            for one in resources
            if form.key in one["urn"]
        },
        "output": at.project.outputs()["connections"][form.key],
    }


@pytest.mark.parametrize("mistake", [broken_yaml, platform_without_authority])
@together
def test_a_form_with_a_mistake_keeps_what_it_has(at: Unprotected, mistake: Mistake) -> Script:
    """The neighbour's change runs, the code is not 0, and once the mistake is mended the same
    command ends right.

    One mistake is found in its file, the other by the stack alone.
    """
    name = mistake.__name__.replace("_", "-")
    form, neighbour = write_form(at.forms, f"{name}/loket"), write_form(at.forms, f"{name}/buur")
    assert (yield at.up).code == 0
    before = there(at, form)

    file = mistake(form)
    neighbour.request()["scopes"][PLAIN] = {}
    neighbour.save()
    refused: Outcome = yield at.refused
    assert refused.code != 0
    reviewed: Outcome = yield at.reviewed
    done: Outcome = yield at.deploy

    shown = file.relative_to(at.project.folder).as_posix()
    assert [said for said in refused.errors if said.startswith(shown)]
    report = json.loads(reviewed.stdout)
    assert reviewed.code == 1
    assert [said for said in report["problems"] if said.startswith(shown)]
    assert kinds(report, form) == []
    assert kinds(report, neighbour) == ["scope_granted"]
    assert [line for line in done.stderr.splitlines() if line.startswith(shown)]
    (stay,) = [line for line in done.stderr.splitlines() if STAY in line]
    assert stay in report["problems"]
    assert done.code == 1, done.output
    assert there(at, form) == before
    assert PLAIN in at.registry.client(neighbour.application)["scopes"]

    form.request()["scopes"][PLAIN] = {}
    form.save()
    done = yield at.deploy
    assert done.code == 0, done.output
    now = at.registry.client(form.application)
    assert (now["client_id"], PLAIN in now["scopes"]) == (before["client"]["client_id"], True)


@together
def test_a_client_secret_stays_as_it_is(at: Unprotected) -> Script:
    """In the state, at the authority and among the outputs, though no program knows it then."""
    method = "client_secret_basic"
    form = write_form(at.forms, "geheim/loket", keys=(), token_endpoint_auth_method=method)
    yield at.up
    before, secrets = there(at, form), at.project.shown_with_secrets()
    assert form.key in json.loads(secrets)["client_secrets"]
    unknown_field(form)
    yield at.refused
    yield at.reviewed
    yield at.deploy
    assert there(at, form) == before
    now = json.loads(at.project.shown_with_secrets())["client_secrets"]
    assert now[form.key] == json.loads(secrets)["client_secrets"][form.key]
    form.save()
    yield at.deploy
    assert there(at, form) == before


@together
def test_the_mistake_of_a_supplier_keeps_what_all_its_customers_have(at: Unprotected) -> Script:
    form = write_form(at.forms, "klant/loket", keys=())
    keys = form.use_supplier("key-1")
    yield at.up
    before, right = there(at, form), keys.read_text()
    keys_of_a_supplier(form)
    yield at.refused
    yield at.reviewed
    done: Outcome = yield at.deploy
    assert "onboardings/leverancier/keys.yaml:" in done.stderr
    assert there(at, form) == before
    keys.write_text(right)
    yield at.deploy
    assert there(at, form) == before


@together
def test_a_new_form_with_a_mistake_is_not_made(at: Unprotected) -> Script:
    yield at.up
    form = write_form(at.forms, "nieuw/loket")
    unknown_field(form)
    yield at.refused
    yield at.reviewed
    yield at.deploy
    assert at.registry.clients(form.application) == []
    form.save()
    yield at.deploy
    assert len(at.registry.clients(form.application)) == 1


@together
def test_a_form_that_is_removed_beside_one_with_a_mistake_may_be_renamed(at: Unprotected) -> Script:
    """It may be the broken file's; a form of an organisation without mistakes goes."""
    gone, other = write_form(at.forms, "gaat/weg"), write_form(at.forms, "gaat/blijft")
    beside, broken = write_form(at.forms, "beide/weg"), write_form(at.forms, "beide/fout")
    yield at.up
    before = there(at, beside)
    gone.path.unlink()
    beside.path.unlink()
    unknown_field(broken)
    yield at.refused
    yield at.reviewed
    yield at.deploy
    assert at.registry.clients(gone.application) == []
    assert at.registry.client(other.application)
    assert there(at, beside) == before
    broken.save()
    yield at.deploy
    assert at.registry.clients(beside.application) == []


@together
def test_what_must_end_ends_in_a_form_with_a_mistake_too(at: Unprotected) -> Script:
    """A key that is compromised leaves at once; a supplier whose mandate is taken out loses scopes,
    then keys."""
    stolen = write_form(at.forms, "gestolen/loket", keys=("key-1", "key-2"))
    ended = write_form(at.forms, "einde/loket", keys=())
    ended.use_supplier("key-1")
    yield at.up
    assert at.registry.client(ended.application)["scopes"] == [SEND, "vo_info"]
    (first, *_) = stolen.request()["jwks"]
    stolen.request()["jwks"][0] = {"file": first, "compromised": True}
    for form in (stolen, ended):
        unknown_field(form)
    ended.path.with_name("mandates.yaml").write_text("mandates: []\n")
    yield at.refused
    yield at.reviewed
    done: Outcome = yield at.deploy
    (said,) = [line for line in done.stderr.splitlines() if "they lose at once" in line]
    assert f"({stolen.key}: keys)" in said
    assert f"({ended.key}: scopes)" in said
    assert kids(at.registry.client(stolen.application)) == {"key-2"}
    assert at.registry.client(ended.application)["scopes"] == ["vo_info"]
    assert kids(at.registry.client(ended.application)) == {"key-1"}
    for form in (stolen, ended):
        form.save()
    yield at.deploy
    assert kids(at.registry.client(ended.application)) == set()
    assert kids(at.registry.client(stolen.application)) == {"key-2"}


@together
def test_a_form_that_says_that_its_key_is_stolen_gets_its_new_one(at: Unprotected) -> Script:
    """Also while another form goes on naming the stolen one, which that form loses as well."""
    right = write_form(at.forms, "gedeeld/loket")
    wrong = write_form(at.forms, "gedeeld/parkeren", keys=())
    (shared,) = right.request()["jwks"]
    wrong.request()["jwks"] = [shared]
    wrong.save()
    yield at.up
    right.request()["jwks"] = [{"file": shared, "compromised": True}]
    right.request()["scopes"][PLAIN] = {}
    right.add_key("key-2")
    right.save()
    yield at.refused
    yield at.reviewed
    done: Outcome = yield at.deploy
    assert done.code == 1
    assert kids(at.registry.client(right.application)) == {"key-2"}
    assert PLAIN in at.registry.client(right.application)["scopes"]
    assert kids(at.registry.client(wrong.application)) == set()
    wrong.request()["jwks"] = [{"file": shared, "compromised": True}]
    wrong.save()
    done = yield at.deploy
    assert done.code == 0, done.output


@pytest.mark.exhaustive
@together
def test_drift_goes_on_for_the_rest_and_heals_nothing_that_stays(at: Unprotected) -> Script:
    form, other = write_form(at.forms, "hand/loket"), write_form(at.forms, "hand/anders")
    yield at.up
    unknown_field(form)
    yield at.refused
    yield at.reviewed
    clients = [at.registry.client(one.application)["client_id"] for one in (form, other)]
    for client_id in clients:
        at.registry.set_scopes(client_id, [SEND, "vo_info", PLAIN])
    found = yield at.drift
    assert differing(found, form) == differing(found, other) == ["by_hand"]
    done: Outcome = yield at.healed
    assert done.code == 1
    assert f"{form.key}: ClientScopes was changed by hand" in done.output, done.output
    assert PLAIN not in at.registry.client(other.application)["scopes"]
    assert PLAIN in at.registry.client(form.application)["scopes"]
    yield at.deploy
    form.save()
    yield at.deploy
    assert differing((yield at.drift), form) == ["by_hand"], "which a look at the authority shows"


@pytest.mark.exhaustive
def test_while_an_organisation_is_not_known_nothing_that_no_form_declares_goes(
    tmp_path: Path, portal: RunningPortal, registry: Registry
) -> None:
    """Nor is what was approved before a way around: it carries out the rest."""
    project = Project(tmp_path)
    project.connect(portal)
    wrong, right = write_form(project.forms, "fout/loket"), write_form(project.forms, "goed/loket")
    gone = write_form(project.forms, "goed/weg")
    project.apply()
    before = registry.everything(wrong.application, gone.application)

    for form in (wrong, right):
        form.request()["scopes"][PLAIN] = {}
        form.save()
    file = str(tmp_path / "approved.json")
    assert project.acmidm("review", "--stack", "tni", "--save", file).code == 0
    wrong.path.with_name("organisation.yaml").write_text("name: Fout\novo: OVO1\n")
    done = project.recover("--approved", file)
    assert done.code == 1, done.output
    assert f"Fout ({wrong.key})" in done.stderr
    assert PLAIN in registry.client(right.application)["scopes"]
    assert registry.everything(wrong.application, gone.application) == before

    gone.path.unlink()
    done = project.recover()
    assert done.code == 1, done.output
    assert registry.everything(wrong.application, gone.application) == before


def test_a_mistake_in_the_settings_brings_up_nobody(
    tmp_path: Path, portal: RunningPortal, registry: Registry
) -> None:
    project = Project(tmp_path)
    project.connect(portal)
    form = write_form(project.forms)
    project.configure({"environmnt": "tni"})
    done = project.recover()
    assert done.code in (1, 2), done.output
    assert registry.clients(form.application) == []
    assert project.resources() == {}
