"""Whatever becomes of evidence, the gate to production takes nothing away that is there; with the
real engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import Project
from tests.support.evidence import prove
from tests.support.forms import PLAIN, SEND, FormFile, write_form
from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal
from tests.support.registry import Registry, kids


class Production:
    """Production with a gate, and one connection that was let through; its evidence is gone by
    now."""

    def __init__(self, project: Project, registry: Registry, form: FormFile) -> None:
        self.project, self.registry, self.form = project, registry, form

    @property
    def client(self) -> dict[str, Any]:
        return self.registry.client(self.form.application)

    @property
    def scopes(self) -> set[str]:
        """Those that somebody granted: the provider of an API assigns its own."""
        return set(self.client["scopes"]) - {"vo_info"}

    def drift(self, *words: str, code: int = 0) -> dict[str, Any]:
        done = self.project.acmidm("drift", "--stack", "prod", "--output", "json", *words)
        assert done.code == code, done.output
        return dict(json.loads(done.stdout))


@pytest.fixture
def production(tmp_path: Path, portal: RunningPortal, registry: Registry) -> Iterator[Production]:
    with (
        running_portal(tmp_path / "prod-portal", environment="prod", **offered()) as other,
        other.operator() as http,
    ):
        tni, prod = Project(tmp_path / "project"), Project(tmp_path / "project", stack="prod")
        prod.connect(other, promotionGate="enforce", protectClients=True)
        tni.connect(portal)
        form = write_form(prod.forms, "gent/loket", keys=("tni-key",))
        form.document["environments"]["prod"] = json.loads(json.dumps(form.request()))
        form.request("prod").pop("jwks", None)
        form.add_key("prod-key", "prod")
        form.save()
        tni.apply()
        client_id = registry.client(form.application)["client_id"]
        evidence = prove(portal, form, "tni-key", client_id, SEND, products=["notificaties"])
        tni.apply()
        prod.apply()
        evidence.unlink()
        made = Production(prod, Registry(http), form)
        assert made.scopes == {SEND}
        yield made


def test_what_somebody_removed_by_hand_is_brought_back(production: Production) -> None:
    """A client with all that is in it, and a scope or a product alone."""
    there = production.client["client_id"]
    production.registry.remove_configuration("notificaties", there)
    production.registry.remove(there)
    healed = production.drift("--heal")
    assert (healed["in_sync"], healed["healed"], len(healed["repaired"])) == (True, True, 1)
    assert production.scopes == {SEND}
    assert set(production.project.outputs()["connections"]) == {production.form.key}
    assert production.project.recover().code == 0

    now = production.client["client_id"]
    production.registry.remove_configuration("notificaties", now)
    production.registry.set_scopes(now, [])
    assert production.drift("--heal")["healed"]
    assert production.scopes == {SEND}
    assert production.registry.configuration("notificaties", now) is not None
    production.project.in_sync()


def test_a_run_that_looks_first_brings_it_back_too(production: Production) -> None:
    there = production.client["client_id"]
    production.registry.remove_configuration("notificaties", there)
    production.registry.remove(there)
    production.project.succeed("stack", "tag", "set", "acmidm:look-first", "true")
    assert production.project.recover().code == 0
    assert production.scopes == {SEND}


def test_a_state_that_was_lost_is_found_again(production: Production) -> None:
    """A program cannot ask the authority, and says so; ``acmidm deploy`` asks, and hands it on."""
    project, there = production.project, production.client
    project.succeed("stack", "rm", "prod", "--yes", "--force", "--preserve-config")
    project.succeed("stack", "init", "prod")
    bare = project.up()
    assert bare.code != 0
    (said,) = [one for one in bare.errors if "is not known here" in one]
    assert production.form.key in said
    assert said.endswith("run acmidm deploy --stack prod, which asks the authority")
    assert project.preview().code == 0, "a preview warns"
    assert production.drift(code=1)["in_sync"] is False
    settings = (project.folder / "Pulumi.prod.yaml").read_text()

    done = project.recover()
    assert done.code == 0, done.output
    assert production.client["client_id"] == there["client_id"]
    assert set(project.outputs()["connections"]) == {production.form.key}
    assert production.drift()["in_sync"]
    assert (project.folder / "Pulumi.prod.yaml").read_text() == settings, "nothing is saved there"
    assert project.up().code == 0


def test_scopes_that_only_the_authority_knows_stay_as_they_are(production: Production) -> None:
    """The state has lost them alone: what a run does not know it leaves, and all else is done. A
    command asks, and finds them again."""
    form, project = production.form, production.project
    (urn,) = [
        one["urn"] for name, one in project.resources().items() if name.startswith("ClientScopes")
    ]
    project.succeed("state", "delete", urn, "--yes", "--force")
    form.add_key("second", "prod")
    form.save()
    bare = project.up()
    assert bare.code != 0
    assert [one for one in bare.errors if "the scopes of" in one and "are left as they are" in one]
    assert kids(production.client) == {"prod-key", "second"}
    assert production.scopes == {SEND}
    production.drift("--heal", code=1)
    assert production.scopes == {SEND}
    assert project.recover().code == 0
    assert production.drift()["in_sync"]
    assert production.scopes == {SEND}


def test_what_somebody_grants_by_hand_is_no_more_proven_for_it(production: Production) -> None:
    """It is asked and held back: it is drift, before a run and after it."""
    production.form.request("prod")["scopes"][PLAIN] = {}
    production.form.save()
    production.registry.set_scopes(production.client["client_id"], [SEND, PLAIN])
    assert production.project.recover().code == 0
    assert not production.drift(code=1)["in_sync"]
    production.drift("--heal")
    assert production.scopes == {SEND}


def test_a_day_that_is_taken_away_gives_back_what_it_took(production: Production) -> None:
    """Of a client that was about to be removed, and of a product."""
    form, project = production.form, production.project
    for day in ("2020-03-31", {"notificaties": "2020-03-31"}):
        form.document["retire"] = day
        form.save()
        project.apply()
        assert production.scopes == set()
        project.succeed("refresh", "--yes", "--skip-preview", "--suppress-progress")
        del form.document["retire"]
        form.save()
        done = project.recover()
        assert done.code == 0, done.output
        assert production.scopes == {SEND}
        project.in_sync()
