"""The mail that hands a client over, on the real engine with a real mail server: once, to whom it
should, and never in anybody's way."""

from __future__ import annotations

import json
from typing import Any

from acmidm.report.approved import urns_of
from tests.support.by_hand import adopt, made_by_hand
from tests.support.engine import Project, place_of
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, PLAIN, SEND, FormFile, write_form
from tests.support.handing_over import hand_over, mailing, text_of
from tests.support.mail_server import running_mail_server
from tests.support.registry import Registry

A, B, GONE = "a@stad-gent.example", "b@stad-gent.example", "weg@stad-gent.example"


def with_contacts(form: FormFile, *contacts: str) -> None:
    form.document["contacts"] = list(contacts)
    form.save()


def test_an_organisation_is_told_once(project: Project, registry: Registry) -> None:
    """Nothing is sent without a server, and that is no change for ever; with one it goes, to each
    contact once, whatever else changes.

    Who is refused for now gets it from the next run. Who is refused for good is reported once,
    until the form names another.
    """
    form, alone = (
        write_form(project.forms, scopes=(SEND,)),
        write_form(project.forms, "gent/ander", scopes=(DOSSIERS,)),
    )
    with_contacts(form, A, B, GONE)
    with_contacts(alone, GONE)
    shown = project.apply().output
    client_id = registry.client(form.application)["client_id"]
    assert (
        f"the mail to {A}, {B} about acmidm/tni/{form.key} is not sent, for acmidm:smtpUrl is"
        " not set" in shown
    )
    assert hand_over(project, form)["not_sent"] == "no-smtp"
    project.in_sync()

    with running_mail_server() as server:
        mailing(project, server)
        server.refused = {A: "450 busy", GONE: "550 no such user"}
        assert (
            f'was refused for {A}: 450 "busy"; the next run tries again' in project.apply().output
        )
        assert "the mail server refused every recipient" in hand_over(project, alone)["not_sent"]
        server.refused = {}
        project.apply()
        assert server.recipients == [[B], [A]]
        first, second = server.received
        assert first["Message-ID"] == second["Message-ID"] == hand_over(project, form)["message_id"]
        assert client_id in text_of(first)
        assert not {"not_sent", "unsent", "retry"} & {
            name for name, value in hand_over(project, form).items() if value
        }
        project.succeed("preview", "--expect-no-changes")

        form.request()["scopes"] = {SEND: {}, PLAIN: {}}
        with_contacts(form, A)
        with_contacts(alone, B)
        project.apply()
        assert sorted(server.recipients[2:]) == [[A], [B]]
        (mail,) = (one for one in server.received[2:] if A in str(one["To"]))
        told = text_of(mail)
        assert f"- {PLAIN}" in told
        assert SEND not in told

        form.request()["scopes"] = {SEND: {}}
        form.document |= {"application": f"{form.application}-nieuw", "formerly": form.application}
        with_contacts(form, B)
        project.apply()
        project.in_sync()
        project.succeed("destroy", "--yes", "--skip-preview", "--suppress-progress")
        assert len(server.received) == 4, (
            "withdrawn, renamed, other contacts, removed: nobody hears of it"
        )


def test_a_contact_of_several_connections_gets_one_mail(
    project: Project, registry: Registry
) -> None:
    """About all that it has not been told: of whichever organisations. A client that cannot be made
    holds up no other's."""
    supplier, dienst = (
        "support@leverancier.example",
        {"name": "Dienst", "ovo": "OVO001992", "language": "en"},
    )
    forms = [
        write_form(project.forms, f"gent/een-{number}", scopes=(PLAIN,)) for number in range(3)
    ]
    forms.append(write_form(project.forms, "dienst/ander", scopes=(PLAIN,), organisation=dienst))
    for form in forms:
        with_contacts(form, supplier, *([B] if form is forms[0] else []))
    refused = write_form(project.forms, "gent/geweigerd", scopes=(PLAIN,))
    adopt(refused, "nobodys")
    with_contacts(refused, supplier)
    with running_mail_server() as server:
        mailing(project, server)
        assert project.recover().code != 0
        assert sorted(server.recipients) == [[B], [supplier]]
        of = {str(mail["To"]): mail for mail in server.received}
        said, alone = (text_of(of[one]) for one in (supplier, B))
        ids = [registry.client(form.application)["client_id"] for form in forms]
        assert [said.count(client_id) for client_id in ids] == [1] * 4
        assert [alone.count(client_id) for client_id in ids] == [1, 0, 0, 0]
        assert "4 aansluitingen" in str(of[supplier]["Subject"])
        assert len(str(of[supplier]["X-Acmidm-Connection"]).split()) == 4, (
            "it is in no organisation's mailbox"
        )

        forms[1].request()["scopes"] = {PLAIN: {}, SEND: {}}
        forms[1].request()["products"]["notificaties"] = dict(NOTIFICATIES)
        refused.request().pop("adopt")
        for form in (forms[1], refused):
            form.save()
        project.apply()
        assert server.recipients[2:] == [[supplier]]
        told = text_of(server.received[2])
        assert [told.count(client_id) for client_id in ids] == [0, 1, 0, 0]
        assert registry.client(refused.application)["client_id"] in told
        project.in_sync()
        project.succeed("destroy", "--yes", "--skip-preview", "--suppress-progress")


def test_what_one_organisation_calls_itself_keeps_no_other_from_its_mail(project: Project) -> None:
    """A contact of both, and a server that refuses a word of one; nor does an address that no
    server has."""
    shared, dienst = "support@leverancier.example", {"name": "Dienst", "ovo": "OVO001992"}
    town = write_form(project.forms, "gent/een", scopes=(PLAIN,))
    other = write_form(project.forms, "dienst/ander", scopes=(PLAIN,), organisation=dienst)
    with_contacts(town, shared)
    with_contacts(other, shared, "-a@dienst.example", ".b@dienst.example")
    with running_mail_server() as server:
        mailing(project, server)
        server.unwanted = other.key
        project.apply()
        assert [
            str(mail["X-Acmidm-Connection"]).split("/")[2]
            for mail in server.received
            if shared in str(mail["To"])
        ] == ["OVO002067"]
        server.unwanted = None
        project.apply()
        assert [
            town.application in text_of(mail)
            for mail in server.received
            if shared in str(mail["To"])
        ] == [
            True,
            False,
        ]
        project.in_sync()
        project.succeed("destroy", "--yes", "--skip-preview", "--suppress-progress")


def test_what_was_not_done_is_not_told_and_what_was_told_is_remembered(project: Project) -> None:
    """A scope of a connection that is left out; and a client whose removal is refused, or that
    nobody may destroy."""
    kept, left_out = (
        write_form(project.forms, f"gent/{name}", scopes=(PLAIN,)) for name in ("blijft", "later")
    )
    with_contacts(kept, A)
    with running_mail_server() as server:
        mailing(project, server)
        project.configure({"protectClients": True})
        project.apply()
        left_out.request()["scopes"] = {PLAIN: {}, DOSSIERS: {}}
        left_out.request()["products"]["dosis"] = dict(DOSIS)
        left_out.save()
        urns = urns_of(left_out.key, json.loads(project.exported())["deployment"]["resources"])
        new = (
            urns[0]
            .replace("OAuthClient", "ProductConfiguration")
            .replace("ClientJwks", "ProductConfiguration")
        )
        project.apply(*(word for urn in [*urns, f"{new}/dosis"] for word in ("--exclude", urn)))
        assert len(server.received) == 2
        project.apply()
        assert DOSSIERS in text_of(server.received[2])

        text = kept.path.read_text()
        kept.remove()
        assert project.recover().code != 0
        assert project.up("--yes").code != 0
        assert project.pulumi("destroy", "--yes", "--skip-preview").code != 0
        kept.path.write_text(text)
        kept.save()
        project.recover()
        project.in_sync()
        assert len(server.received) == 3, "nobody is told twice"
        project.configure({"protectClients": False})
        project.apply()
        project.succeed("destroy", "--yes", "--skip-preview", "--suppress-progress")


def test_a_client_that_is_brought_back_is_told_its_new_id(
    project: Project, registry: Registry
) -> None:
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
        _, mail = server.received
        assert client_id in text_of(mail)
        project.succeed("preview", "--expect-no-changes")


def test_no_mail_holds_anything_up(project: Project, registry: Registry) -> None:
    """Neither a server that is down nor one that takes nothing fails a run; who was there before or
    is taken over is not written to."""
    taken, made = (
        write_form(project.forms, "gent/over", scopes=(SEND,)),
        write_form(project.forms, "gent/nieuw", scopes=(SEND,)),
    )
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

        # The run was cut off between the client and its hand-over: it may be told twice, by the
        # same mail.
        project.change_state(without_hand_overs)
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


def without_hand_overs(state: dict[str, Any]) -> None:
    state["resources"] = [
        one for one in state["resources"] if not place_of(one["urn"]).startswith("HandOver")
    ]


def of_before_hand_overs(state: dict[str, Any]) -> None:
    """A stack whose clients say nothing of them."""
    without_hand_overs(state)
    for one in state["resources"]:
        one.get("outputs", {}).pop("hand_over", None)
