"""``kill -9`` and Ctrl-C when a mail server has a mail and has not said so: nobody is needed, and a second copy is the same mail."""

from __future__ import annotations

import pytest

from tests.engine.test_hand_over import hand_over, mailing
from tests.faults.between import ProxiedProject, require_as_declared
from tests.faults.cutting import UP, Run, Victims, victims, write_state
from tests.support.forms import PLAIN, SEND, write_form
from tests.support.mail_server import running_mail_server
from tests.support.registry import Registry
from tests.support.warm_server import warm_environment

ALL = victims(*((victim, 1) for victim in ("engine", "provider", "everything", "Ctrl-C")))


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", ALL.values(), ids=ALL)
def test_each_organisation_is_told_at_least_once_and_by_one_mail(
    project: ProxiedProject, registry: Registry, buried: list[Run], case: Victims
) -> None:
    """At most one copy more per run that was cut off, with the same ``Message-ID``; the clients are as they are declared."""
    victim, _, when = case
    write_state(project, when)
    forms = [write_form(project.forms, "gent/een", scopes=(SEND,)), write_form(project.forms, "gent/twee", scopes=(PLAIN,))]
    with running_mail_server() as server:
        mailing(project, server)
        run: list[Run] = []

        def cut() -> None:
            server.once_received = None
            run[0].cut(victim)

        server.once_received = cut
        run.append(Run(project, *UP))
        buried += run
        run[0].end()
        project.start_python(warm_environment())
        outcome = project.recover()
        assert outcome.code == 0, outcome.output
        assert project.recover().code == 0
        require_as_declared(project, registry, forms)
        known = {hand_over(project, form)["message_id"] for form in forms}
        ids = [str(mail["Message-ID"]) for mail in server.received]
    assert set(ids) == known
    assert max(ids.count(one) for one in known) <= 2
