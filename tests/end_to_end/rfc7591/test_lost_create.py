"""A create whose answer is lost: nobody finds what it made, so that no run makes it a second time
by itself."""

from __future__ import annotations

from tests.support import faults
from tests.support.between import ProxiedProject
from tests.support.engine import Project
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import FormFile, write_form
from tests.support.oidc_provider import RunningProvider


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
    project.succeed(
        "state", "delete", "--yes", project.resources()[f"OAuthClient {form.key}"]["urn"]
    )


def test_is_reported_in_each_run_and_never_repeated(
    proxied: ProxiedProject, proxy: FaultProxy, provider: RunningProvider
) -> None:
    """With what to look for; a refresh keeps it; nothing of it is made, and everybody else's is.

    By ``pulumi up``. ``acmidm deploy``, and how it is taken over:
    ``tests/conformance/test_killed.py``.
    """
    lost, other = lose(proxied, proxy)
    for _ in range(2):
        outcome = proxied.up()
        assert outcome.code != 0
        assert (
            f"look at the authority for one with software_id acmidm/tni/{lost.key}"
            in outcome.output
        )
        proxied.pulumi("refresh", "--yes")
    assert len(provider.named(lost.application)) == 1
    assert len(provider.named(other.application)) == 1
    assert [place for place in proxied.resources() if place.endswith(lost.key)] == [
        f"OAuthClient {lost.key}"
    ]
    assert "client_id" not in proxied.outputs()["connections"][lost.key]["acmidm"], (
        "nobody is told one"
    )
    assert proxied.acmidm("drift").code == 1, "it is declared, and not applied"


def test_what_was_not_made_is_made_then(
    proxied: ProxiedProject, proxy: FaultProxy, provider: RunningProvider
) -> None:
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


def test_a_replacement_that_is_not_known_costs_nobody_the_client_that_works(
    proxied: ProxiedProject, proxy: FaultProxy, provider: RunningProvider
) -> None:
    """In no later run either, until a person has looked."""
    form = write_form(proxied.forms)
    proxied.apply()
    client_id = proxied.client_id(form)
    proxy.rule("POST", "/reg$", faults.cut_after)
    for words in (("--replace", proxied.resources()[f"OAuthClient {form.key}"]["urn"]), (), ()):
        outcome = proxied.up(*words)
        assert outcome.code != 0
        assert f"client {client_id} stays" in outcome.output
        assert client_id in provider.clients
