"""What cannot be taken over is refused in one sentence, and holds up nobody else: ``up`` carries
out the others."""

from __future__ import annotations

import json
import uuid

from acmidm.report.plan import read_plan
from tests.support.by_hand import adopt, made_by_hand
from tests.support.engine import Project, details
from tests.support.forms import DOSIS, DOSSIERS, FormFile, write_form
from tests.support.portal import OPERATOR
from tests.support.registry import Registry

NO_CLIENT = "does not exist; correct the client-ID under adopt in the form, or remove it"


def test_what_is_refused_is_nobody_elses_trouble(project: Project, registry: Registry) -> None:
    """A new connection, a scope extension and a removal go through.

    Refused are the clients of others, what is no client at all, and another one for a connection
    that has its client already.
    """
    theirs = write_form(project.forms, "aalst/loket")
    extended = write_form(project.forms, "twee/uitgebreid")
    removed = write_form(
        project.forms, "drie/weg", organisation={"name": "Gemeente Wingene", "kbo": "0207.495.470"}
    )
    has_one = write_form(project.forms, "een/heeft")
    project.apply()
    refused = of_others(project, registry, theirs)
    forms = {
        client_id: write_form(project.forms, f"gent/form-{number}")
        for number, client_id in enumerate(refused)
    }
    other = made_by_hand(registry, write_form(project.folder / "elsewhere", "een/ander"))
    has_one.document["contacts"] = ["nieuw@stad-gent.example"]
    forms[other] = has_one
    refused[other] = (
        "cannot be taken over, for this connection has a client already; "
        "remove adopt from the form, or see docs/adoption.md for how to change clients"
    )
    for client_id, form in forms.items():
        adopt(form, client_id)
    new = write_form(project.forms, "twee/nieuw")
    extended.request()["scopes"][DOSSIERS] = {}
    extended.request()["products"]["dosis"] = DOSIS
    extended.save()
    removed.path.unlink()
    before = there(registry, *refused)
    own, state = registry.client(has_one.application), project.resources()

    plan = json.loads((previewed := project.pulumi("preview", "--json")).stdout)
    assert previewed.code != 0
    assert details(plan["steps"])[f"OAuthClient {new.key}"] == ("create", [])
    outcome = project.up()
    assert outcome.code != 0
    for sentences in (read_plan(plan).problems, outcome.errors):
        assert len(sentences) == len(refused)
        for client_id, sentence in refused.items():
            (said,) = [
                one
                for one in sentences
                if one.startswith(f'{forms[client_id].name}: client "{client_id}" ')
            ]
            assert sentence in said
    assert (there(registry, *refused), registry.client(has_one.application)) == (before, own)
    known = project.resources()
    assert {place: known[place] for place in known if has_one.key in place} == {
        place: state[place] for place in state if has_one.key in place
    }
    assert not any(
        form.key in place for form in forms.values() if form is not has_one for place in known
    )

    assert DOSSIERS in registry.client(extended.application)["scopes"]
    made = registry.client(new.application)["client_id"]
    assert registry.configuration("notificaties", made) is not None
    assert registry.clients(removed.application) == []
    shown = project.outputs()["connections"]
    assert shown[new.key]["acmidm"]["client_id"] == made
    assert removed.key not in shown

    # The next run looks at the authority first, which the engine cannot do in the same go: it would
    # wait for ever.
    last = write_form(project.forms, "twee/laatst")
    again = project.recover()
    assert again.code != 0
    assert f'client "{other}" {refused[other]}' in again.stdout
    assert registry.client(last.application)["jwks"]["keys"]


def of_others(project: Project, registry: Registry, theirs: FormFile) -> dict[str, str]:
    """What no form of Gent can take over, and what is said of it.

    The client of another form, of another organisation, of nobody that is known, of another stack,
    the operator, and no client at all.
    """
    aalst, mine = registry.client(theirs.application), project.folder / "elsewhere"
    shared = {"name": "Departement", "ovo": None, "kbo": "0316380841"}
    return {
        aalst["client_id"]: (
            f"is that of acmidm/tni/{theirs.key} in this stack; write formerly to keep it under"
            " another name"
        ),
        made_by_hand(
            registry, write_form(mine, "aalst/oud")
        ): "and of no code in organisation.yaml; correct the client-ID under adopt",
        made_by_hand(
            registry, write_form(mine, "gent/oud"), organisation=shared
        ): "has no code of an organisation at its authority",
        made_by_hand(
            registry, write_form(mine, "gent/elders"), managed_by="elders/tni"
        ): "is managed by elders/tni already",
        OPERATOR: NO_CLIENT,
        str(uuid.uuid4()): NO_CLIENT,
    }


def there(registry: Registry, *client_ids: str) -> dict[str, str]:
    return {
        client_id: registry.http.get(f"/management/v1/clients/{client_id}").text
        for client_id in client_ids
    }
