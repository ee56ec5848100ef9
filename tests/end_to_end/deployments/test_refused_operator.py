"""An operator whom the authority refuses: what is the same for all connections is said once."""

from __future__ import annotations

import json

import pytest

from tests.support.engine import Project
from tests.support.forms import write_form
from tests.support.portal import new_key

REFUSAL = "check the operator's credentials"


@pytest.mark.exhaustive
def test_a_refusal_of_all_connections_is_said_once(project: Project) -> None:
    """Once in the look at the authorities and once in the run, each with how many it is about."""
    there = [write_form(project.forms, f"gent/loket-{number}") for number in range(5)]
    project.apply()
    for form in there:
        form.document["contacts"] = ["loket@stad-gent.example"]
        form.save()
        write_form(project.forms, f"{form.name}-nieuw")
    key = new_key("operator").as_dict(private=True)
    (project.folder / "operator-tni.jwk.json").write_text(json.dumps(key))
    project.succeed("stack", "tag", "set", "acmidm:look-first", "true")
    done = project.recover()
    assert done.code != 0
    assert done.output.count(REFUSAL) == 2, done.output
    assert "  10 resources (" in done.stdout
    assert done.stdout.count("**updating failed**") == done.stdout.count("**creating failed**") == 5
