"""What was right in the portal, taken over into the forms: a change like any other, after which
nothing differs, and nothing was written at the authority.

The cases share a stack. Each waits for the same runs: up, up, up.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.forms import DOSSIERS, NOTIFICATIES, PLAIN, SEND, FormFile, read_form
from tests.support.named_forms import changes_of, write
from tests.support.portal import OPERATOR, RunningPortal, new_key
from tests.support.registry import Registry
from tests.support.reported import Reported
from tests.support.together import Script, differing, together


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal,
    registry: Registry,
    random_plugin: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> Reported:
    return Reported.connected(tmp_path_factory, portal, registry)


def taken_over(at: Reported, *forms: FormFile) -> str:
    """Take over what a hand changed of some forms' clients, each scope with a reason; return what
    was said."""
    words = (form.application for form in forms)
    written = at.acmidm.run("drift", "--take-over", *words, "--stack", "tni")
    assert written.code == 0, written.output
    file = at.project.folder / "change.yaml"
    file.write_text(written.stdout.replace("reason:\n", "reason: dossiers\n"))
    taken = at.acmidm.run("new", "--from", file.name)
    assert taken.code == 0, taken.output
    return written.stdout + written.stderr


def everything(at: Reported, form: FormFile) -> Any:
    return at.registry.everything(form.application)


@together
def test_after_merge_and_deploy_nothing_differs(at: Reported) -> Script:
    """Scopes, keys, a product and contacts, also what a hand took away: the document says who did
    it, and the run changes nothing at the authority. What a review shows: ``test_sources.py``."""
    form = write(at.project, "right", scopes=(SEND, DOSSIERS), keys=("a", "b"))
    other = write(at.project, "right-too", scopes=(SEND,))
    yield at.up
    client_id = at.client(form)["client_id"]
    at.registry.set_scopes(client_id, [SEND, PLAIN], default=[PLAIN])
    at.registry.set_keys(client_id, [form.keys["a"], new_key("theirs")])
    at.registry.change(client_id, contacts=["nieuw@stad-gent.example"])
    at.registry.remove_configuration("dosis", client_id)
    configuration = {**NOTIFICATIES, "product_ids": ["10299"]}
    at.registry.set_configuration("notificaties", client_id, configuration)
    at.registry.set_scopes(at.client(other)["client_id"], [SEND, PLAIN])
    before, audit = everything(at, form), at.registry.audit(client_id=client_id)
    said = taken_over(at, form, other)
    assert f"by {OPERATOR} at 20" in said
    assert "the contacts are those of all environments of the form" in said

    now = read_form(at.forms, form.name).request()
    assert now["scopes"].keys() == {SEND, PLAIN}
    assert now["scopes"][PLAIN]["reason"] == "dossiers"
    assert OPERATOR in now["scopes"][PLAIN]["reference"]
    assert now["products"] == {"notificaties": configuration}
    drift = yield at.drift
    assert changes_of(drift, form, "by_hand") == set()
    yield at.up
    assert everything(at, form) == before
    assert at.registry.audit(client_id=client_id) == audit, "nobody wrote anything"
    drift = yield at.drift
    assert differing(drift, form) == differing(drift, other) == []
    yield at.up
    assert everything(at, form) == before


@together
def test_a_newer_change_by_hand_is_not_overwritten(at: Reported) -> Script:
    """Whoever edits the client after it was taken over finds that edit again: the next run
    does not write over it, and drift goes on to show it."""
    form = write(at.project, "meanwhile", scopes=(SEND,))
    yield at.up
    client_id = at.client(form)["client_id"]
    at.registry.set_scopes(client_id, [SEND, PLAIN])
    taken_over(at, form)
    at.registry.set_scopes(client_id, [SEND, PLAIN], default=[PLAIN])
    done = yield at.up
    assert done.code != 0
    assert form.key in done.output
    drift = yield at.drift
    assert changes_of(drift, form, "by_hand") == {("scope_granted", PLAIN)}
    taken_over(at, form)
    done = yield at.up
    assert done.code == 0, done.output
    assert differing((yield at.drift), form) == []


@together
def test_what_is_not_taken_over_is_said(at: Reported) -> Script:
    """A client that bears another's mark, one that nobody declares, one that nobody changed, and
    one that is not there: all at once, in both languages, and nothing is on the standard output."""
    marked, same = write(at.project, "marked"), write(at.project, "same")
    yield at.up
    client_id = at.client(marked)["client_id"]
    managed_by = at.client(marked)["managed_by"]
    at.registry.change(client_id, managed_by="another/prod")
    for language, sentences in (
        ("en", ('has another\'s mark, "another/prod"', "nobody changed anything", "no client")),
        ("nl", ('merk van iemand anders, "another/prod"', "niemand wijzigde iets", "geen client")),
    ):
        words = ("drift", "--language", language, "--take-over", "--stack", "tni")
        refused = at.acmidm.run(*words, marked.application, same.application, "nobody")
        assert (refused.code, refused.stdout) == (2, "")
        assert all(sentence in refused.stderr for sentence in sentences), refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 3
    at.registry.change(client_id, managed_by=managed_by)
    yield at.up
