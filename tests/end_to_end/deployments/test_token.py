"""A token for a program, from a form and the stack that made its client."""

from __future__ import annotations

import json

from tests.support.engine import Project
from tests.support.forms import PLAIN, write_form


def test_the_client_id_is_that_of_the_stack(project: Project) -> None:
    """Nobody gives it; before a run has made the client, somebody must."""
    form = write_form(project.forms, scopes=(PLAIN,))
    [key] = form.keys.values()
    file = project.folder / "private.jwk.json"
    file.write_text(json.dumps(key.as_dict(private=True)))
    project.environment["XDG_CACHE_HOME"] = str(project.folder / "cache")
    words = ("token", str(form.path), "--stack", "tni", "--private-key", str(file), "--print")
    unmade = project.acmidm(*words)
    assert (unmade.code, unmade.stdout) == (2, "")
    assert "give the one that was handed over, with --client-id" in unmade.stderr
    project.apply()
    made = project.acmidm(*words)
    assert made.code == 0, made.output
    assert len(made.stdout.split()) == 1
    assert project.acmidm(*words).stdout == made.stdout
