"""What Keycloak shows of the guide's steps: it has no portal, and does not tell when a token was fetched."""

from __future__ import annotations

import json

from tests.support.engine import Project
from tests.support.forms import SEND, write_form
from tests.support.mail_server import running_mail_server


def test_keycloak_shows_what_it_can(project: Project) -> None:
    """The client-ID is mailed, and who has no key gives it in the form; neither names a portal that is not there."""
    with_key, without = write_form(project.forms, "gent/met", scopes=(SEND,)), write_form(project.forms, "gent/zonder", scopes=(SEND,))
    del without.request()["jwks"]
    without.save()
    with running_mail_server() as server:
        project.configure({"smtpUrl": f"smtp://127.0.0.1:{server.port}", "mailSender": "dv@vlaanderen.example"})
        project.apply()
        told = [mail.get_body(("plain",)).get_content() for mail in server.received]  # type: ignore[union-attr]
    connections = project.outputs()["connections"]
    for form, said in ((with_key, "zijn al opgeladen"), (without, "via uw aansluitingsformulier")):
        client_id = connections[form.key]["acmidm"]["client_id"]
        (mail,) = (one for one in told if client_id in one)
        assert said in mail
        assert "Beheerportaal" not in mail
    outcome = project.acmidm("steps", "--stack", project.stack, "--output", "json")
    assert outcome.code == 0, outcome.output
    rows = {found["connection"]["client_id"]: found for found in json.loads(outcome.stdout)["connections"]}
    proven, waiting = (rows[connections[form.key]["acmidm"]["client_id"]] for form in (with_key, without))
    assert (proven["step"], proven["order"], proven["unknown"]) == (7, "validate", ["last_token"])
    assert (waiting["step"], waiting["order"], waiting["waits_for"]) == (5, "first-key", "organisation")
    assert "Beheerportaal" not in waiting["text"]
