"""What comes after an adoption: a crash, another organisation code, another name of the form."""

from __future__ import annotations

from tests.support.by_hand import adopt, made_by_hand, stop_adopting
from tests.support.engine import Project
from tests.support.forms import write_form
from tests.support.registry import Registry


def test_adopted_but_not_recorded_is_adopted_again_and_goes_with_its_form(
    project: Project, registry: Registry
) -> None:
    """The rerun writes no more than its mark. The line may be gone by then: the same stack finds
    its client by the natural key.

    Another code cannot take it along, with the client-ID still in the form: it is this stack's by
    now, and ``formerly`` is how it is kept.
    """
    stays, goes, moves = forms = [
        write_form(project.forms, name)
        for name in ("gent/blijft", "gent/zonder-regel", "ander/verhuist")
    ]
    ids = [made_by_hand(registry, form) for form in forms]
    for form, client_id in zip(forms, ids, strict=True):
        adopt(form, client_id)
    project.apply()
    before = [registry.client(form.application) for form in forms]
    # As after a crash, or from a backup that was put back.
    project.change_state(lambda state: state.update(resources=[]))
    stop_adopting(goes)
    project.apply()
    of_resource = {"incarnation": None, "etags": None}
    assert [{**registry.client(form.application), **of_resource} for form in forms] == [
        {**client, **of_resource} for client in before
    ]

    old_key, old_code = moves.key, moves.code
    moves.organisation = {"name": "Stad Aalst", "ovo": "OVO002002"}
    moves.save()
    refused = project.preview()
    assert refused.code != 0
    assert refused.errors == [
        f'{moves.name}: client "{ids[2]}" is that of acmidm/tni/{old_key} in this stack; write'
        " formerly to keep it under another name"
    ]
    moves.organisation["formerly"] = old_code
    moves.save()
    goes.path.unlink()
    project.apply()
    client = registry.client(moves.application)
    assert (client["client_id"], client["software_id"]) == (ids[2], f"acmidm/tni/{moves.key}")
    assert registry.clients(goes.application) == []
    assert registry.client(stays.application)["client_id"] == ids[0]
    assert [registry.configuration("notificaties", client_id) is None for client_id in ids] == [
        False,
        True,
        False,
    ]
    project.in_sync()
