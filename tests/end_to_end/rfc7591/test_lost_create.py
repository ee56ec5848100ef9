"""A create whose answer is lost: nobody finds what it made, so that no run makes it a second time by itself."""

from __future__ import annotations

import pytest

from tests.end_to_end.faults.cutting import DEPLOY, Run, buried, cut_off
from tests.support import faults
from tests.support.between import ProxiedProject
from tests.support.engine import Project
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import FormFile, write_form
from tests.support.oidc_provider import RunningProvider

__all__ = ["buried"]


def lose(proxied: ProxiedProject, proxy: FaultProxy) -> tuple[FormFile, FormFile]:
    """A first run, in which one of two clients is made and nobody hears of it."""
    lost, other = write_form(proxied.forms), write_form(proxied.forms, "gent/ander")
    other.path.rename(other.path.with_suffix(".later"))
    proxy.rule("POST", "/reg$", faults.cut_after)
    outcome = proxied.up()
    assert outcome.code != 0
    other.path.with_suffix(".later").rename(other.path)
    return lost, other


def forget(project: Project, form: FormFile) -> None:
    """What the report says that a person does."""
    project.succeed("state", "delete", "--yes", project.resources()[f"OAuthClient {form.key}"]["urn"])


@pytest.mark.parametrize("command", ["up", "deploy"])
def test_is_reported_in_each_run_and_never_repeated(
    proxied: ProxiedProject, proxy: FaultProxy, provider: RunningProvider, command: str
) -> None:
    """With what to look for; a refresh keeps it; nothing of it is made, and everybody else's is."""
    lost, other = lose(proxied, proxy)
    for _ in range(2):
        outcome = proxied.up() if command == "up" else proxied.recover()
        assert outcome.code != 0
        assert f"look at the authority for one with software_id acmidm/tni/{lost.key}" in outcome.output
        proxied.pulumi("refresh", "--yes")
    assert len(provider.named(lost.application)) == 1
    assert len(provider.named(other.application)) == 1
    assert [place for place in proxied.resources() if place.endswith(lost.key)] == [f"OAuthClient {lost.key}"]
    assert "client_id" not in proxied.outputs()["connections"][lost.key]["acmidm"], "nobody is told one"
    assert proxied.acmidm("drift").code == 1, "it is declared, and not applied"


def test_a_run_that_is_killed_while_it_makes_one_leaves_it_unknown(
    proxied: ProxiedProject, proxy: FaultProxy, provider: RunningProvider, buried: list[Run]
) -> None:
    """``acmidm deploy`` writes the state after each step here, and keeps what the killed run had begun.

    The sentence in the state is in English, whatever the reader of the command speaks.
    """
    proxied.environment["ACMIDM_LANGUAGE"] = "nl"
    form = write_form(proxied.forms)
    buried.append(cut_off(proxied, proxy, "everything", 1, *DEPLOY, api="/reg$"))
    assert len(provider.named(form.application)) == 1
    for _ in range(2):
        outcome = proxied.recover()
        assert outcome.code != 0
        assert f"look at the authority for a client with software_id acmidm/tni/{form.key}" in outcome.output
    assert len(provider.named(form.application)) == 1
    forget(proxied, form)
    form.request()["adopt"] = {"acmidm": provider.named(form.application)[0]["client_id"]}
    form.save()
    outcome = proxied.recover()
    assert outcome.code == 0, outcome.output
    assert len(provider.named(form.application)) == 1


def test_what_was_made_is_taken_over(proxied: ProxiedProject, proxy: FaultProxy, provider: RunningProvider) -> None:
    lost, _ = lose(proxied, proxy)
    [made] = provider.named(lost.application)
    lost.request()["adopt"] = {"acmidm": made["client_id"]}
    lost.save()
    forget(proxied, lost)
    proxied.apply()
    assert proxied.client_id(lost) == made["client_id"]
    assert len(provider.named(lost.application)) == 1
    proxied.in_sync()


def test_what_was_not_made_is_made_then(proxied: ProxiedProject, proxy: FaultProxy, provider: RunningProvider) -> None:
    lost, _ = lose(proxied, proxy)
    [made] = provider.named(lost.application)
    provider.remove(made["client_id"])
    forget(proxied, lost)
    proxied.apply()
    assert len(provider.named(lost.application)) == 1
    proxied.in_sync()


def test_it_is_not_removed_unseen(proxied: ProxiedProject, proxy: FaultProxy) -> None:
    """Without its form too: nobody knows whether there is something to remove."""
    lost, _ = lose(proxied, proxy)
    lost.path.unlink()
    outcome = proxied.up()
    assert outcome.code != 0
    assert "whether client" in outcome.output
    assert f"OAuthClient {lost.key}" in proxied.resources()
