"""What is no change is shown as none."""

from __future__ import annotations

import json

import yaml

from tests.support import faults
from tests.support.engine import Project
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.portal import RunningPortal
from tests.support.registry import Registry, kids


def test_second_up_changes_nothing(project: Project, registry: Registry) -> None:
    """Neither the engine nor the server sees a change, and ``--expect-no-changes`` says so to a pipeline."""
    form = write_form(project.forms, scopes=(SEND, DOSSIERS, PLAIN), keys=("b", "a"))
    project.apply()
    audit = registry.audit()

    second = project.apply("--expect-no-changes")
    assert not any(word in second.output for word in ("to create", "created", "updated", "replaced", "deleted"))
    project.in_sync()

    assert registry.audit() == audit
    client = registry.client(form.application)
    assert set(client["scopes"]) == {SEND, DOSSIERS, PLAIN, "vo_info"}
    assert kids(client) == {"a", "b"}


def test_order_comments_layout_and_names_of_key_files_are_no_change(project: Project) -> None:
    """Reordering lists and maps, comments, quoting, the key's file name and the order of its members: no diff."""
    form = write_form(
        project.forms,
        scopes=(SEND, DOSSIERS, PLAIN),
        keys=("key-1", "key-2"),
        contacts=["a@stad-gent.example", "b@stad-gent.example"],
    )
    project.apply()

    request = form.request()
    request["jwks"].reverse()
    for table in ("scopes", "products"):
        request[table] = dict(reversed(request[table].items()))
    request["products"] = {product: dict(reversed(settings.items())) for product, settings in request["products"].items()}
    document = dict(reversed(form.document.items()))
    document["contacts"] = list(reversed(document["contacts"]))
    old = form.path.with_name(request["jwks"][0])
    new = old.with_name("another-name.jwk.json")
    request["jwks"][0] = new.name
    new.write_text(json.dumps(dict(reversed(json.loads(old.read_text()).items())), indent=8))
    old.unlink()
    form.path.write_text("# a comment\n\n" + yaml.safe_dump(document, sort_keys=False, default_flow_style=True, width=60))

    outcome = project.preview("--expect-no-changes", "--diff")
    assert outcome.code == 0, outcome.output


def test_renamed_form_keeps_its_client(project: Project, registry: Registry) -> None:
    """The resources' names change with the form's, the client does not: same client-ID, scopes, keys and products."""
    form = write_form(project.forms, scopes=(SEND, PLAIN))
    project.apply()
    before = registry.client(form.application)
    configuration = registry.configuration("notificaties", before["client_id"])

    form.rename("gent/digitaal-loket")
    project.apply()

    after = registry.client(form.application)
    assert after["client_id"] == before["client_id"]
    assert after["scopes"] == before["scopes"]
    assert after["jwks"] == before["jwks"]
    assert after["managed_by"] == "acmidm/tni:gent/digitaal-loket"
    assert configuration is not None
    assert registry.configuration("notificaties", before["client_id"]) == configuration
    assert all(place.endswith(("gent/digitaal-loket", "gent/digitaal-loket/notificaties")) for place in project.resources())
    project.in_sync()


def test_renamed_form_whose_take_over_fails_keeps_its_client(project: Project, portal: RunningPortal, registry: Registry) -> None:
    """The engine goes on to delete what the old name had: refused, so that the client-ID in production outlives the trouble."""
    with FaultProxy(portal.origin) as proxy:
        project.configure({"managementUrl": f"{proxy.origin}/management/v1"})
        form = write_form(project.forms, scopes=(SEND, PLAIN))
        project.apply()
        before = registry.client(form.application)
        proxy.rule("PUT", "/clients/[^/]+$", faults.answer(422, b'{"detail": "not now"}'), times=None)
        form.rename("gent/digitaal-loket")

        failed = project.up()

        assert failed.code != 0
        assert len(failed.errors) == 2
        assert any(sentence.startswith(f"client {before['client_id']} is kept: ") for sentence in failed.errors)
        assert registry.client(form.application) == before
        assert registry.configuration("notificaties", before["client_id"]) is not None

        proxy.heal()
        project.apply()
        after = registry.client(form.application)
        assert after["client_id"] == before["client_id"]
        assert after["scopes"] == before["scopes"]
        assert registry.configuration("notificaties", before["client_id"]) is not None
        project.in_sync()
