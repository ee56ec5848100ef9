"""One connection's trouble breaks no command, and is nobody else's.

On a protecting stack whose authority does not offer a scope: that is reviewed, approved and brought
up, with forms that name no client, and clients that somebody removed by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support.by_hand import adopt, stop_adopting
from tests.support.engine import Outcome, Project
from tests.support.forms import write_form
from tests.support.offered import offered
from tests.support.portal import running_portal
from tests.support.registry import Registry
from tests.support.retired import DUE, KEPT, retire
from tests.support.together import OneStack, Script, about, differing, kinds, own, together

pytestmark = pytest.mark.exhaustive

SCOPE = "dv_metadata_read"
"""A scope that the authority does not offer."""
NOBODY = "00000000-0000-4000-8000-00000000000{}"
UNKNOWN = "04da6b54"
"""How the engine's sign for what is not known begins."""


class Protecting(OneStack):
    writes = ("up", "refresh", "approved")
    slow_reads = ("reviewed",)

    @property
    def _file(self) -> str:
        return str(self.project.folder / "approved.json")

    def reviewed(self) -> Outcome:
        """The review as JSON, which is approved as it is."""
        words = ("--stack", "tni", "--output", "json", "--save", self._file)
        return self.project.acmidm("review", *words)

    def approved(self) -> Outcome:
        return self.project.recover("--approved", self._file)


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Protecting]:
    folder, settings = tmp_path_factory.mktemp("protecting"), offered()
    del settings["scopes"][SCOPE]
    with running_portal(folder / "portal", **settings) as portal, portal.operator() as http:
        project = Project(folder / "project")
        project.connect(portal, protectClients=True)
        yield Protecting(project, Registry(http), portal)


@together
def test_a_new_client_that_is_refused_ends_no_second_run(at: Protecting) -> Script:
    """By then it has a client-ID, which no preview knew when it was approved."""
    leaves = write_form(at.forms, "gent/leaves")
    yield at.up
    yield at.refresh
    retire(leaves)
    evil = write_form(at.forms, "evil/loket", scopes=(SCOPE,))
    yield at.reviewed
    done: Outcome = yield at.approved
    assert done.code != 0, done.output
    (second,) = [line for line in done.stderr.splitlines() if "a second run goes on with" in line]
    assert leaves.key in second
    assert "differs: " not in done.stderr
    assert at.registry.clients(leaves.application) == []
    assert at.registry.client(evil.application)["scopes"] == ["vo_info"]


@pytest.mark.parametrize("is_corrected", [False, True], ids=["as it is", "corrected"])
@together
def test_a_create_that_failed_breaks_no_command(at: Protecting, is_corrected: bool) -> Script:
    """Before the form is corrected and after."""
    number = int(is_corrected)
    failing, nobody = write_form(at.forms, f"gent/fout-{number}"), NOBODY.format(number)
    adopt(failing, nobody)
    done: Outcome = yield at.up
    assert done.code != 0
    outputs = yield at.outputs
    assert UNKNOWN not in json.dumps(outputs)
    yield at.refresh
    if is_corrected:
        stop_adopting(failing)
    assert at.project.acmidm("status", "--stack", "tni").code == 0
    assert at.project.acmidm("drift", "--stack", "tni").code == 1
    reviewed: Outcome = yield at.reviewed
    report = json.loads(reviewed.stdout)
    refusals = about(failing, report["problems"])
    yield at.approved
    drift = yield at.drift
    if is_corrected:
        assert (refusals, "client_created" in kinds(report, failing)) == (
            [],
            True,
        )
        assert len(at.registry.clients(failing.application)) == 1
        assert differing(drift, failing) == []
    else:
        assert (reviewed.code, [nobody in sentence for sentence in refusals]) == (1, [True])
        assert at.registry.clients(failing.application) == []


@pytest.mark.parametrize("how", ["retired", "kept", "without a form"])
@together
def test_what_somebody_removed_leaves_with_all_that_is_left(at: Protecting, how: str) -> Script:
    """A client is removed by hand, a refresh sees it, and its protected product is left; then its
    form retires or keeps it, or is taken away. Nothing is made anew to leave."""
    form = write_form(at.forms, f"gent/{how.replace(' ', '-')}")
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    at.registry.remove(client_id)
    yield at.refresh
    (left,) = own(at.resources(), form).values()
    assert left["protect"]
    if how == "without a form":
        form.path.unlink()
    else:
        retire(form, KEPT if how == "kept" else DUE)
    before = created(at)
    assert client_id in before
    reviewed: Outcome = yield at.reviewed
    report = json.loads(reviewed.stdout)
    assert "client_created" not in kinds(report, form)
    assert about(form, report["problems"]) == []
    yield at.approved
    there = {one["client_id"] for one in at.registry.listed("/management/v1/clients")}
    assert at.registry.clients(form.application) == []
    assert created(at) - before <= there, "those of other forms"
    assert at.registry.configuration("notificaties", client_id) is None
    assert own(at.resources(), form) == {}


def created(at: OneStack) -> set[str]:
    """The client-IDs that were ever made."""
    return {one["client_id"] for one in at.registry.audit() if one["action"] == "client.created"}
