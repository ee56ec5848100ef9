"""A run that is cut off when a mail server has the first of two mails, and has not said so."""

from __future__ import annotations

import pytest

from tests.support.between import ProxiedProject, require_as_declared
from tests.support.cutting import UP, Run, Victims, write_state
from tests.support.forms import PLAIN, FormFile, write_form
from tests.support.handing_over import hand_over, mailing
from tests.support.mail_server import MailServer, running_mail_server
from tests.support.registry import Registry
from tests.support.warm_server import warm_environment

CUTS: tuple[Victims, ...] = (("engine", 1, "each step"), ("Ctrl-C", 1, "at the end"))
"""The state knows nothing of the mail after a kill, whoever it was; after Ctrl-C it may."""


@pytest.mark.exhaustive
def test_each_organisation_gets_its_mail_at_least_once(
    project: ProxiedProject, registry: Registry, buried: list[Run]
) -> None:
    """Two new clients for each way to be cut off: nobody is needed, and the clients are as they are
    declared.

    At most one copy more, with the same ``Message-ID``.
    """
    forms: list[FormFile] = []
    with running_mail_server() as server:
        mailing(project, server)
        for victim, _, when in CUTS:
            new = two_forms(project, victim)
            forms += new
            server.received.clear()
            cut_off_at_the_first_mail(project, server, buried, victim, when)
            outcome = project.recover()
            assert outcome.code == 0, outcome.output
            ids = [str(mail["Message-ID"]) for mail in server.received]
            assert {hand_over(project, form).get("message_id") for form in new} <= set(ids), victim
            assert len(set(ids)) == 2, victim
            assert max(map(ids.count, ids)) <= 2, victim
        server.received.clear()
        assert project.recover().code == 0
        assert server.received == []
    require_as_declared(project, registry, forms)


def two_forms(project: ProxiedProject, victim: str) -> list[FormFile]:
    """One of them has a contact of its own, so that each gets another mail."""
    folder = victim.lower()
    one, other = f"een@{folder}.example", f"twee@{folder}.example"
    return [
        write_form(project.forms, f"{folder}/een", scopes=(PLAIN,), contacts=[one]),
        write_form(project.forms, f"{folder}/twee", scopes=(PLAIN,), contacts=[one, other]),
    ]


def cut_off_at_the_first_mail(
    project: ProxiedProject, server: MailServer, buried: list[Run], victim: str, when: str
) -> None:
    run: list[Run] = []

    def cut() -> None:
        server.once_received = None
        run[0].cut(victim)

    server.once_received = cut
    before = dict(project.environment)
    write_state(project, when)
    run.append(Run(project, *UP))
    buried.append(run[0])
    run[0].end()
    project.environment = before
    project.start_python(warm_environment())
