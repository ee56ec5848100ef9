"""What forms alone tell of exemptions: those that exempt nothing, and those that are missing."""

from __future__ import annotations

from copy import deepcopy

from tests.report.conftest import CommandLine, changes_in, write
from tests.support.engine import Project

EXEMPT = {"client-secret": {"reason": "a package that knows no keys", "reference": "SD-4810"}}


def test_an_exemption_that_exempts_nothing(project: Project, acmidm: CommandLine) -> None:
    """Reported as it becomes so, in any environment of the form, and then to whoever changes the form for another reason."""
    form = write(project, "loket", keys=(), token_endpoint_auth_method="client_secret_basic", exemptions=EXEMPT, environment="prod")
    form.document["environments"]["tni"] = deepcopy(form.document["environments"]["prod"])
    form.save()
    acmidm.keep_in_git()
    form.document["contacts"] = ["loket@stad-gent.example"]
    form.save()
    assert {kind for _, kind, _ in changes_in(acmidm.review_of_forms())} == {"client_updated"}, "on prod it is needed"

    form.document["token_endpoint_auth_method"] = "private_key_jwt"
    form.save()
    report = acmidm.review_of_forms()
    found = [(one["environment"], change) for one in report["connections"] for change in one["changes"]]
    unneeded = [(environment, change["subject"]) for environment, change in found if change["kind"] == "exemption_unneeded"]
    assert unneeded == [("prod", "client-secret")]
    assert acmidm.review_of_forms()["connections"] == [], "it does not nag"
    form.document["contacts"] = ["elders@stad-gent.example"]
    form.save()
    assert ("loket", "exemption_unneeded", "client-secret") in changes_in(acmidm.review_of_forms())


def test_policies_check_what_is_declared_now(project: Project, acmidm: CommandLine) -> None:
    """As the engine's program does: an exemption that is taken away from a client that needs it is a mistake, reported with its place."""
    form = write(project, "loket", keys=(), token_endpoint_auth_method="client_secret_basic", exemptions=EXEMPT, environment="prod")
    acmidm.keep_in_git()
    del form.document["exemptions"]
    form.save()
    acmidm.commit()
    outcome = acmidm.run("review", "--base", "HEAD^")
    assert outcome.code == 2
    assert "the client authenticates with client_secret_basic on prod; use private_key_jwt" in outcome.stderr
