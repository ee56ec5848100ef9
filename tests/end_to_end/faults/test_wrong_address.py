"""A deployment whose settings name a wrong address of an authority, and that has nothing to do."""

from __future__ import annotations

from tests.support.between import ProxiedProject
from tests.support.forms import write_form
from tests.support.portal import RunningPortal


def test_a_wrong_address_fails_though_nothing_is_to_be_done(
    project: ProxiedProject, portal: RunningPortal
) -> None:
    """A server answers 404 there. Nobody knows whether the clients are still at the authority:
    whoever set the address sees that at once, in one sentence."""
    write_form(project.forms, "gent/loket")
    project.apply()
    wrong = f"{portal.origin}/management/v9"
    project.configure({"managementUrl": wrong})
    for _ in range(2):  # the first run records the address
        done = project.recover()
        assert done.code == 1, done.output
        (sentence,) = [line for line in done.stderr.splitlines() if "is not known" in line]
        assert sentence.startswith(
            "warning: whether all clients are still there is not known: acmidm: "
        )
        assert wrong in sentence
    assert "all that is known of tni is as declared" in done.stdout
