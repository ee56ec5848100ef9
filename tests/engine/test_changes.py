"""A change of a form shows as what it is: one resource, one line."""

from __future__ import annotations

from tests.support.engine import Project, detail_lines, details
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.registry import Registry


def test_scope_extension_is_one_resource_and_one_line(project: Project, registry: Registry) -> None:
    """Step 3 of the guide: a working client is granted one scope more."""
    form = write_form(project.forms, scopes=(SEND,))
    project.apply()
    client_id = registry.client(form.application)["client_id"]
    form.request()["scopes"][PLAIN] = {"reason": "codes of organisations", "reference": "SD-4711"}
    form.save()

    steps = project.steps()
    assert details(steps) == {f"ClientScopes {form.key}": ("update", [f"scopes.{PLAIN}"])}
    assert steps[0]["detailedDiff"][f"scopes.{PLAIN}"]["kind"] == "add"
    text = project.preview("--diff")
    assert detail_lines(text, "+") == [f'+ {PLAIN}: "codes of organisations (SD-4711)"']
    assert detail_lines(text, "-") + detail_lines(text, "~") == []
    assert "~ 1 to update" in text.stdout

    project.apply()
    client = registry.client(form.application)
    assert client["client_id"] == client_id
    assert set(client["scopes"]) == {SEND, PLAIN, "vo_info"}


def test_scope_extension_with_its_product(project: Project, registry: Registry) -> None:
    """DOSIS brings a product configuration along: one line in the scopes, one new resource, nothing else."""
    form = write_form(project.forms, scopes=(SEND,))
    project.apply()
    extended = write_form(project.forms, scopes=(SEND, DOSSIERS), application=form.application, keys=())
    extended.request()["jwks"] = form.request()["jwks"]
    extended.save()

    assert details(project.steps()) == {
        f"ClientScopes {form.key}": ("update", [f"scopes.{DOSSIERS}"]),
        f"ProductConfiguration {form.key}/dosis": ("create", []),
    }
    project.apply()
    client = registry.client(form.application)
    assert registry.configuration("dosis", client["client_id"]) == extended.request()["products"]["dosis"]


def test_changed_contact_updates_the_client_alone(project: Project, registry: Registry) -> None:
    """Nothing that lives inside the client is touched, not even in the preview."""
    form = write_form(project.forms)
    project.apply()
    before = registry.client(form.application)
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.save()

    assert details(project.steps()) == {f"OAuthClient {form.key}": ("update", ["contacts[0]"])}
    project.apply()
    after = registry.client(form.application)
    assert after["contacts"] == ["nieuw@stad-gent.example"]
    assert {name for name in before if before[name] != after[name]} == {"contacts", "etags"}
    assert after["etags"]["scopes"] == before["etags"]["scopes"]
    project.in_sync()


def test_changed_product_value_is_one_line(project: Project, registry: Registry) -> None:
    form = write_form(project.forms)
    project.apply()
    form.request()["products"]["notificaties"]["merk_code"] = "stad-gent-loket"
    form.save()

    assert detail_lines(project.preview("--diff"), "~") == ['~ merk_code: "stad-gent" => "stad-gent-loket"']
    project.apply()
    client_id = registry.client(form.application)["client_id"]
    assert registry.configuration("notificaties", client_id) == form.request()["products"]["notificaties"]


def test_another_code_is_another_client(project: Project, registry: Registry) -> None:
    """Without ``formerly``: the preview creates one and deletes one, and the old client goes with all it had."""
    form = write_form(project.forms)
    project.apply()
    old = registry.client(form.application)["client_id"]
    form.organisation = {"name": "Stad Aalst", "ovo": "OVO002002"}
    form.save()

    done = {(place.partition(" ")[2].partition("/")[0], op) for place, (op, _) in details(project.steps()).items()}
    assert done == {("OVO002002", "create"), ("OVO002067", "delete")}
    project.apply()

    client = registry.client(form.application)
    assert client["client_id"] != old
    assert client["software_id"] == f"acmidm/tni/OVO002002/{form.application}"
    assert set(client["scopes"]) == {SEND, "vo_info"}
    assert registry.configuration("notificaties", client["client_id"]) is not None
    assert registry.configuration("notificaties", old) is None
    project.in_sync()
