"""The mail that hands a client over, on the real engine with a real mail server: once, to whom it should, and never in anybody's way."""

from __future__ import annotations

import json
from typing import Any

from tests.adoption.by_hand import adopt, made_by_hand
from tests.support.engine import Project, place_of
from tests.support.forms import DOSSIERS, PLAIN, SEND, FormFile, write_form
from tests.support.mail_server import MailServer, running_mail_server
from tests.support.registry import Registry

A, B, GONE = "a@stad-gent.example", "b@stad-gent.example", "weg@stad-gent.example"


def hand_over(project: Project, form: FormFile) -> dict[str, Any]:
    """What the state has of what an organisation was told."""
    resources = json.loads(project.exported())["deployment"]["resources"]
    (found,) = [one["outputs"] for one in resources if place_of(one["urn"]) == f"HandOver {form.key}"]
    return dict(found)


def mailing(project: Project, server: MailServer) -> None:
    project.configure({"smtpUrl": f"smtp://127.0.0.1:{server.port}", "mailSender": "DV <noreply@dv.example>"})


def with_contacts(form: FormFile, *contacts: str) -> None:
    form.document["contacts"] = list(contacts)
    form.save()


def test_an_organisation_is_told_once(project: Project, registry: Registry) -> None:
    """Nothing is sent without a server, and that is no change for ever; with one it goes, to each contact once, whatever else changes.

    Who is refused for now gets it from the next run. Who is refused for good is reported once, until the form names another.
    """
    form, alone = write_form(project.forms, scopes=(SEND,)), write_form(project.forms, "gent/ander", scopes=(DOSSIERS,))
    with_contacts(form, A, B, GONE)
    with_contacts(alone, GONE)
    shown = project.apply().output
    client_id = registry.client(form.application)["client_id"]
    assert f'the mail "Uw OAuth client-ID voor {form.application}: testomgeving (TNI)" to {A}, {B}, {GONE} is not sent' in shown
    assert hand_over(project, form)["not_sent"] == "no-smtp"
    project.in_sync()

    with running_mail_server() as server:
        mailing(project, server)
        server.refused = {A: "450 busy", GONE: "550 no such user"}
        assert f'was refused for {A}: 450 "busy"; the next run tries again' in project.apply().output
        assert "the mail server refused every recipient" in hand_over(project, alone)["not_sent"]
        server.refused = {}
        project.apply()
        assert server.recipients == [[B], [A]]
        first, second = server.received
        assert first["Message-ID"] == second["Message-ID"] == hand_over(project, form)["message_id"]
        assert client_id in first.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert not {"not_sent", "owed", "retry"} & {name for name, value in hand_over(project, form).items() if value}
        project.succeed("preview", "--expect-no-changes")

        form.request()["scopes"] = {SEND: {}, PLAIN: {}}
        with_contacts(form, A)
        with_contacts(alone, B)
        project.apply()
        assert sorted(server.recipients[2:]) == [[A], [B]]
        (mail,) = (one for one in server.received[2:] if A in str(one["To"]))
        told = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert f"- {PLAIN}" in told
        assert SEND not in told

        form.request()["scopes"] = {SEND: {}}
        form.document |= {"application": f"{form.application}-nieuw", "formerly": form.application}
        with_contacts(form, B)
        project.apply()
        project.in_sync()
        project.succeed("destroy", "--yes", "--skip-preview", "--suppress-progress")
        assert len(server.received) == 4, "withdrawn, renamed, other contacts, removed: nobody hears of it"


def test_a_client_that_is_brought_back_is_told_its_new_id(project: Project, registry: Registry) -> None:
    """By the command that repairs it: what it was told before is of a client that is gone."""
    form = write_form(project.forms, scopes=(PLAIN,))
    with running_mail_server() as server:
        mailing(project, server)
        project.apply()
        registry.remove(registry.client(form.application)["client_id"])
        done = project.acmidm("drift", "--stack", project.stack, "--heal")
        assert done.code == 0, done.output
        client_id = registry.client(form.application)["client_id"]
        assert hand_over(project, form)["client_id"] == client_id
        (_, mail) = server.received
        assert client_id in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        project.succeed("preview", "--expect-no-changes")


def test_no_mail_holds_anything_up(project: Project, registry: Registry) -> None:
    """Neither a server that is down nor one that takes nothing fails a run; who was there before or is taken over is not written to."""
    taken, made = write_form(project.forms, "gent/over", scopes=(SEND,)), write_form(project.forms, "gent/nieuw", scopes=(SEND,))
    adopt(taken, made_by_hand(registry, taken))
    with running_mail_server() as server:
        mailing(project, server)
    outcome = project.apply()
    assert "cannot be reached: Connection refused" in outcome.output
    assert hand_over(project, taken)["not_sent"] == "existed"
    assert hand_over(project, made)["not_sent"].startswith("mail server 127.0.0.1:")
    assert registry.client(made.application)["client_id"]
    with running_mail_server(server.port) as server:
        project.apply()
        assert len(server.received) == 1
        first = server.received[0]["Message-ID"]

        # The run was cut off between the client and its hand-over: it may be told twice, by the same mail.
        project.change_state(lambda state: without_hand_overs(state, made.key))
        project.apply()
        assert [mail["Message-ID"] for mail in server.received] == [first, first]

        project.change_state(of_before_hand_overs)
        with_contacts(made, A)
        project.apply()
        assert {hand_over(project, form)["not_sent"] for form in (taken, made)} == {"existed"}
        made.request()["scopes"] = {SEND: {}, PLAIN: {}}
        made.save()
        server.answers = {"DATA": "554 spam"}
        assert 'refused the mail: 554 "spam"' in project.apply().output
        server.answers = {}
        project.apply()
        assert len(server.received) == 3
        project.in_sync()


def without_hand_overs(state: dict[str, Any], key: str = "") -> None:
    state["resources"] = [one for one in state["resources"] if not place_of(one["urn"]).startswith(f"HandOver {key}")]


def of_before_hand_overs(state: dict[str, Any]) -> None:
    """A stack whose clients say nothing of them."""
    without_hand_overs(state)
    for one in state["resources"]:
        one.get("outputs", {}).pop("hand_over", None)
