"""A connection is named by its organisation's code and its application: where its form is means
nothing."""

from __future__ import annotations

import pytest

from tests.support.client_secrets import has_access, secret_of
from tests.support.engine import Project, details
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.portal import RunningPortal
from tests.support.registry import Registry


@pytest.mark.usefixtures("random_plugin")
def test_names_of_forms_mean_nothing_and_formerly_keeps_a_client(
    project: Project, portal: RunningPortal, registry: Registry
) -> None:
    """On a protecting stack: a rename, a move, and another application and another code that say
    what they were.

    Also in a run that looks first, after one that was cut off: with the program, the engine's
    refresh would panic on the alias.
    """
    project.configure({"protectClients": True})
    renamed = write_form(project.forms, "gent/loket", scopes=(SEND, DOSSIERS))
    former = write_form(
        project.forms,
        "gent/balie",
        scopes=(SEND,),
        keys=(),
        token_endpoint_auth_method="client_secret_basic",
    )
    recoded = write_form(project.forms, "ander/loket")
    project.apply()
    before = registry.everything(renamed.application)
    ids = {
        form.name: registry.client(form.application)["client_id"]
        for form in (renamed, former, recoded)
    }
    secret = secret_of(project, former)

    renamed.rename("gent/anders")
    (project.forms / "gent").rename(project.forms / "stad-gent")
    unchanged = project.preview("--expect-no-changes")
    assert unchanged.code == 0, unchanged.output
    (project.forms / "stad-gent").rename(project.forms / "gent")
    # What is granted by hand shows beneath another name of the form: nothing is withdrawn that no
    # preview has shown.
    registry.set_scopes(ids["gent/loket"], [SEND, DOSSIERS, PLAIN])
    assert details(project.steps("--refresh")) == {
        f"ClientScopes {renamed.key}": ("update", [f"scopes.{PLAIN}"])
    }
    registry.set_scopes(ids["gent/loket"], [SEND, DOSSIERS])

    old = former.application
    former.document |= {"application": f"{old}-nieuw", "formerly": old}
    former.save()
    recoded.organisation |= {"ovo": "OVO002068", "formerly": recoded.code}
    recoded.save()
    assert {operation for operation, _ in details(project.steps()).values()} == {"update"}
    project.succeed("stack", "tag", "set", "acmidm:look-first", "true")
    outcome = project.recover()
    assert outcome.code == 0, outcome.output
    assert "Refreshing" in outcome.output
    after = registry.everything(renamed.application)
    assert {**after[renamed.application][0], "etags": None} == {
        **before[renamed.application][0],
        "etags": None,
    }
    assert registry.clients(old) == []
    for form in (former, recoded):
        client = registry.client(form.application)
        assert (client["client_id"], client["software_id"]) == (
            ids[form.name],
            f"acmidm/tni/{form.key}",
        )
    assert secret_of(project, former) == secret
    assert has_access(portal, ids[former.name], secret)
    project.in_sync()
    del former.document["formerly"]
    former.save()
    project.in_sync()
