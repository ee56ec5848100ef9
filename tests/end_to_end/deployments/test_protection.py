"""Where the stack's settings protect clients, removing a form, a product or a platform removes
nothing."""

from __future__ import annotations

from tests.support.engine import Project
from tests.support.forms import DOSSIERS, SEND, write_form
from tests.support.registry import Registry


def test_removals_are_refused_and_lose_nothing(project: Project, registry: Registry) -> None:
    """A form, and a product of another: after the refusal authority and state have both, and
    reverting is enough.

    Taking the protection away is one change, removing the form another; then it goes with all it
    had.
    """
    project.configure({"protectClients": True})
    forms = [
        write_form(project.forms, name, scopes=(SEND, DOSSIERS))
        for name in ("gent/loket", "gent/ander")
    ]
    form, other = forms
    project.apply()
    before, resources = [registry.client(one.application) for one in forms], project.resources()

    form.path.unlink()
    dosis, scope = other.request()["products"].pop("dosis"), other.request()["scopes"].pop(DOSSIERS)
    other.save()
    for refused in (project.preview(), project.up()):
        assert refused.code != 0
        assert "because it is protected" in refused.output
        assert all(
            f'{name}/dosis" cannot be deleted' in refused.output for name in (form.key, other.key)
        ), refused.output
    kept = project.resources()
    assert {place: kept[place] for place in resources if form.key in place or "dosis" in place} == {
        place: known for place, known in resources.items() if form.key in place or "dosis" in place
    }
    assert registry.client(form.application) == before[0]
    assert registry.configuration("dosis", before[1]["client_id"]) == dosis

    other.request()["products"]["dosis"], other.request()["scopes"][DOSSIERS] = dosis, scope
    for one in forms:
        one.save()
    project.apply()
    assert [{**registry.client(one.application), "etags": None} for one in forms] == [
        {**client, "etags": None} for client in before
    ]
    project.in_sync()

    project.configure({"protectClients": False})
    project.apply()
    form.path.unlink()
    project.apply()
    assert registry.clients(form.application) == []
    assert [
        registry.configuration(product, before[0]["client_id"])
        for product in ("notificaties", "dosis")
    ] == [
        None,
        None,
    ]
