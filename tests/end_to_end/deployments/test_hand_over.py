"""The mail that hands a client over, on the real engine with a real mail server: once, to whom it
should, and never in anybody's way.

All cases share one stack. It has no mail server in its first run, one that is down in the second,
and one that works from then on. Contacts are of one case each, for a contact gets one mail about
all its clients.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import pytest

from acmidm.report.approved import urns_of
from tests.support.by_hand import adopt, made_by_hand
from tests.support.engine import Outcome, Project, place_of
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, PLAIN, SEND, FormFile, write_form
from tests.support.handing_over import hand_over, mailing, text_of
from tests.support.mail_server import MailServer, running_mail_server
from tests.support.portal import RunningPortal
from tests.support.registry import Registry
from tests.support.retired import retire
from tests.support.together import OneStack, Script, together


@dataclass(kw_only=True)
class MailingStack(OneStack):
    """A stack that gets a mail server. Each round is one run; each connection of ``excluded`` is
    left out of the next one."""

    running: ExitStack
    server: MailServer = field(default_factory=MailServer)
    excluded: list[str] = field(default_factory=list)

    def up(self) -> Outcome:
        words = [word for urn in self.excluded for word in ("--exclude", urn)]
        self.excluded.clear()
        return self.project.up(*words)

    def name_a_server_that_is_down(self) -> None:
        with running_mail_server() as server:
            mailing(self.project, server)
        self.server = server

    def start_the_server(self) -> None:
        self.server = self.running.enter_context(running_mail_server(self.server.port))

    def mails_to(self, *contacts: str) -> list[EmailMessage]:
        """The mails that the server has accepted for one of these contacts, in order."""
        server = self.server
        pairs = zip(server.received, server.recipients, strict=True)
        return [mail for mail, recipients in pairs if set(recipients) & set(contacts)]

    def forget_mails(self, form: FormFile) -> None:
        """Take the record of a form's mails out of the state."""
        name = f"acmidm {self.registry.client(form.application)['client_id']}"

        def forget(state: dict[str, Any]) -> None:
            for one in state["resources"]:
                if place_of(one["urn"]) == "HandOver mails":
                    del one["outputs"]["records"][name]

        self.project.change_state(forget)


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MailingStack]:
    project = Project(tmp_path_factory.mktemp("mailing"))
    project.connect(
        portal, protectClients=True, apiClientIds={"notificaties": "api-of-notificaties"}
    )
    with ExitStack() as running:
        yield MailingStack(project, registry, portal, running=running)


def contacted(at: MailingStack, name: str, *contacts: str, **changes: Any) -> FormFile:
    """A form with these contacts."""
    return write_form(at.forms, name, **{"scopes": (PLAIN,), "contacts": list(contacts), **changes})


def with_contacts(form: FormFile, *contacts: str) -> None:
    form.document["contacts"] = list(contacts)
    form.save()


def with_scopes(form: FormFile, *scopes: str) -> None:
    form.request()["scopes"] = {scope: {} for scope in scopes}
    form.save()


def until_the_server_runs(at: MailingStack) -> Script:
    yield at.up
    yield at.name_a_server_that_is_down
    yield at.up
    yield at.start_the_server


@together
def test_no_mail_holds_anything_up(at: MailingStack) -> Script:
    """Neither a stack without a server nor a server that is down fails a run; once there is one,
    the mail goes out, one time."""
    contact = "wacht@stad-gent.example"
    form = contacted(at, "gent/wacht", contact)
    done = yield at.up
    assert done.code == 0, done.output
    client_id = at.registry.client(form.application)["client_id"]
    said = (
        f"the mail to {contact} about acmidm/tni/{form.key} is not sent, for acmidm:smtpUrl is not"
        " set"
    )
    assert said in done.output
    assert hand_over(at.project, form)["not_sent"] == "no-smtp"

    yield at.name_a_server_that_is_down
    done = yield at.up
    assert done.code == 0, done.output
    assert "cannot be reached: Connection refused" in done.output
    assert hand_over(at.project, form)["not_sent"].startswith("mail server 127.0.0.1:")

    yield at.start_the_server
    yield at.up
    (mail,) = at.mails_to(contact)
    assert client_id in text_of(mail)
    yield at.up
    yield at.up
    assert len(at.mails_to(contact)) == 1


@together
def test_who_is_refused_for_now_gets_it_from_the_next_run(at: MailingStack) -> Script:
    """The others have it by then, and get it once. Who is refused for good is reported once, until
    the form names another."""
    now, later, gone, other = (f"{name}@weigert.example" for name in ("b", "a", "weg", "weer"))
    yield from until_the_server_runs(at)
    form = contacted(at, "gent/geweigerd", later, now, gone)
    alone = contacted(at, "gent/weg", f"ook-{gone}")
    refused = {later: "450 busy", gone: "550 no such user", f"ook-{gone}": "550 no such user"}
    at.server.refused |= refused
    done = yield at.up
    assert f'was refused for {later}: 450 "busy"; the next run tries again' in done.output
    assert f"was refused for {gone}: 550" in done.output
    assert "the mail server refused every recipient" in hand_over(at.project, alone)["not_sent"]
    del at.server.refused[later]
    with_contacts(alone, other)
    done = yield at.up
    assert gone not in done.output
    first, second = at.mails_to(now, later)
    of_form = hand_over(at.project, form)
    assert first["Message-ID"] == second["Message-ID"] == of_form["message_id"]
    assert [len(at.mails_to(contact)) for contact in (now, later, other)] == [1, 1, 1]
    assert at.registry.client(form.application)["client_id"] in text_of(first)
    assert not any(of_form.get(name) for name in ("not_sent", "unsent", "retry"))
    done = yield at.up
    assert gone not in done.output
    assert [len(at.mails_to(contact)) for contact in (now, later, other)] == [1, 1, 1]


@together
def test_a_scope_that_comes_later_is_mailed_alone(at: MailingStack) -> Script:
    contact = "meer@stad-gent.example"
    yield from until_the_server_runs(at)
    form = contacted(at, "gent/meer", contact, scopes=(SEND,))
    yield at.up
    with_scopes(form, SEND, PLAIN)
    yield at.up
    _, mail = at.mails_to(contact)
    assert f"- {PLAIN}" in text_of(mail)
    assert SEND not in text_of(mail)
    assert "API notificaties (audience): api-of-notificaties" in text_of(mail)
    assert f"{at.portal.issuer}/v1/token" in text_of(mail)


@together
def test_nobody_hears_of_what_is_withdrawn_renamed_or_removed(at: MailingStack) -> Script:
    """Nor does whoever becomes a contact."""
    contacts = "minder@stad-gent.example", "nieuw-minder@stad-gent.example"
    yield from until_the_server_runs(at)
    form = contacted(at, "gent/minder", contacts[0], scopes=(SEND, PLAIN))
    yield at.up
    with_scopes(form, SEND)
    form.document |= {"application": f"{form.application}-nieuw", "formerly": form.application}
    with_contacts(form, contacts[1])
    retire(form)
    yield at.up
    assert at.registry.client(form.application)["contacts"] == [contacts[1]]
    yield at.up
    assert at.registry.clients(form.application) == []
    assert len(at.mails_to(*contacts)) == 1


@together
def test_a_contact_of_several_connections_gets_one_mail(at: MailingStack) -> Script:
    """About all that it has not been told: of whichever organisations. A client that cannot be made
    holds up no other's."""
    supplier, another = "support@leverancier.example", "b@leverancier.example"
    yield from until_the_server_runs(at)
    forms = [contacted(at, f"gent/een-{number}", supplier) for number in range(3)]
    with_contacts(forms[0], supplier, another)
    dienst = {"name": "Dienst", "ovo": "OVO001992", "language": "en"}
    forms.append(contacted(at, "dienst/ander", supplier, organisation=dienst))
    refused = contacted(at, "gent/niemands", supplier)
    adopt(refused, "nobodys")
    done = yield at.up
    assert done.code != 0
    ids = [at.registry.client(form.application)["client_id"] for form in forms]
    (mail,) = at.mails_to(supplier)
    (alone,) = at.mails_to(another)
    assert [text_of(mail).count(client_id) for client_id in ids] == [1] * 4
    assert [text_of(alone).count(client_id) for client_id in ids] == [1, 0, 0, 0]
    assert "4 aansluitingen" in str(mail["Subject"])
    assert len(str(mail["X-Acmidm-Connection"]).split()) == 4, "it is in no organisation's mailbox"

    forms[1].request()["products"]["notificaties"] = dict(NOTIFICATIES)
    with_scopes(forms[1], PLAIN, SEND)
    del refused.request()["adopt"]
    refused.save()
    yield at.up
    _, mail = at.mails_to(supplier)
    assert [text_of(mail).count(client_id) for client_id in ids] == [0, 1, 0, 0]
    assert at.registry.client(refused.application)["client_id"] in text_of(mail)


@together
def test_what_one_organisation_calls_itself_keeps_no_other_from_its_mail(
    at: MailingStack,
) -> Script:
    """A contact of both, and a server that refuses a word of one; nor does an address that no
    server has."""
    shared, dienst = "beide@leverancier.example", {"name": "Loket", "ovo": "OVO001993"}
    yield from until_the_server_runs(at)
    town = contacted(at, "gent/samen", shared)
    other = contacted(
        at, "loket/samen", shared, "-a@dienst.example", ".b@dienst.example", organisation=dienst
    )
    at.server.unwanted = other.key
    done = yield at.up
    assert 'refused the mail: 554 "unwanted"' in done.output
    (mail,) = at.mails_to(shared)
    assert str(mail["X-Acmidm-Connection"]).split("/")[2] == "OVO002067"
    assert town.application in text_of(mail)
    at.server.unwanted = None
    yield at.up
    _, mail = at.mails_to(shared)
    assert town.application not in text_of(mail)
    assert other.application in text_of(mail)


@together
def test_what_was_not_done_is_not_mailed(at: MailingStack) -> Script:
    """A scope of a connection that is left out of a run."""
    contact = "later@stad-gent.example"
    yield from until_the_server_runs(at)
    form = contacted(at, "gent/later", contact)
    yield at.up
    form.request()["products"]["dosis"] = dict(DOSIS)
    with_scopes(form, PLAIN, DOSSIERS)
    urns = urns_of(form.key, at.project.stored()["resources"])
    product = urns[0].replace("OAuthClient", "ProductConfiguration")
    product = product.replace("ClientJwks", "ProductConfiguration")
    at.excluded += [*urns, f"{product}/dosis"]
    yield at.up
    assert DOSSIERS not in at.registry.client(form.application)["scopes"]
    assert len(at.mails_to(contact)) == 1
    yield at.up
    _, mail = at.mails_to(contact)
    assert DOSSIERS in text_of(mail)


@together
def test_what_was_mailed_is_remembered_where_a_removal_is_refused(at: MailingStack) -> Script:
    """Nobody gets a second mail."""
    contact = "blijft@stad-gent.example"
    yield from until_the_server_runs(at)
    form = contacted(at, "gent/blijft", contact)
    yield at.up
    text = form.path.read_text()
    form.path.unlink()
    refused = yield at.up
    assert refused.code != 0
    assert form.key in refused.output
    form.path.write_text(text)
    yield at.up
    assert at.registry.client(form.application)
    assert len(at.mails_to(contact)) == 1


@together
def test_a_client_that_is_taken_over_is_not_mailed(at: MailingStack) -> Script:
    contact = "over@stad-gent.example"
    yield from until_the_server_runs(at)
    form = contacted(at, "gent/over", contact)
    adopt(form, made_by_hand(at.registry, form))
    yield at.up
    assert hand_over(at.project, form)["not_sent"] == "existed"
    assert at.mails_to(contact) == []


@together
def test_a_run_that_was_cut_off_before_it_knew_of_a_mail_sends_the_same_again(
    at: MailingStack,
) -> Script:
    """Between the client and its hand-over: whoever reads mail can tell that it is the same."""
    contact = "tweemaal@stad-gent.example"
    yield from until_the_server_runs(at)
    form = contacted(at, "gent/tweemaal", contact)
    yield at.up
    at.forget_mails(form)
    yield at.up
    first, second = at.mails_to(contact)
    assert first["Message-ID"] == second["Message-ID"]
