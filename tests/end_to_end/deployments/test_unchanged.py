"""What is no change is shown as none."""

from __future__ import annotations

import json

import yaml

from tests.support.engine import Project
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.registry import Registry, kids


def test_second_up_changes_nothing(project: Project, registry: Registry) -> None:
    """Neither the engine nor the server sees a change, and ``--expect-no-changes`` says so to a
    pipeline.

    Nor is it one to reorder lists and maps, or to write comments, quotes, the key's file name and
    the order of its members otherwise.
    """
    form = write_form(
        project.forms,
        scopes=(SEND, DOSSIERS, PLAIN),
        keys=("b", "a"),
        contacts=["a@stad-gent.example", "b@stad-gent.example"],
    )
    project.apply()
    audit = registry.audit()

    second = project.apply("--expect-no-changes")
    assert not any(
        word in second.output for word in ("to create", "created", "updated", "replaced", "deleted")
    )
    project.in_sync()

    assert registry.audit() == audit
    client = registry.client(form.application)
    assert set(client["scopes"]) == {SEND, DOSSIERS, PLAIN, "vo_info"}
    assert kids(client) == {"a", "b"}

    request = form.request()
    request["jwks"].reverse()
    for table in ("scopes", "products"):
        request[table] = dict(reversed(request[table].items()))
    request["products"] = {
        product: dict(reversed(settings.items()))
        for product, settings in request["products"].items()
    }
    document = dict(reversed(form.document.items()))
    document["contacts"] = list(reversed(document["contacts"]))
    old = form.path.with_name(request["jwks"][0])
    new = old.with_name("another-name.jwk.json")
    request["jwks"][0] = new.name
    new.write_text(json.dumps(dict(reversed(json.loads(old.read_text()).items())), indent=8))
    old.unlink()
    form.path.write_text(
        "# a comment\n\n"
        + yaml.safe_dump(document, sort_keys=False, default_flow_style=True, width=60)
    )

    outcome = project.preview("--expect-no-changes", "--diff")
    assert outcome.code == 0, outcome.output
