"""The review of a real preview: what it stops on, takeovers, refusals, wrong use."""

from __future__ import annotations

import shutil
from typing import Any

from tests.report.conftest import CommandLine, changes_in, write
from tests.report.test_sources import without_engine
from tests.support.engine import Project
from tests.support.forms import DOSSIERS, PLAIN, SEND
from tests.support.portal import RunningPortal, new_key, register_client


def test_fail_on(project: Project, acmidm: CommandLine) -> None:
    """A pipeline stops on the kinds that it names, and on a name that means nothing it does not pass."""
    write(project, "loket")
    assert acmidm.run("review", "--stack", "tni", "--fail-on", "client_removed,danger").code == 0
    assert acmidm.run("review", "--stack", "tni", "--fail-on", "prod:scope_granted").code == 0
    assert acmidm.run("review", "--stack", "tni", "--fail-on", "client_removed, scope_granted").code == 1
    wrong = acmidm.run("review", "--stack", "tni", "--fail-on", "scope_grant")
    assert (wrong.code, wrong.stderr) == (2, '--fail-on: "scope_grant" is no kind of change; did you mean "scope_granted"?\n')


def test_a_takeover_shows_what_it_changes(project: Project, acmidm: CommandLine, portal: RunningPortal) -> None:
    """What the client has already is no news; what it loses is."""
    with portal.operator() as operator:
        client = register_client(operator, scopes=[SEND, PLAIN], keys=[new_key("old")], software_id=None, managed_by=None)
    form = write(project, "loket", platforms=["acmidm"])
    form.request()["adopt"] = {"acmidm": client["client_id"]}
    form.save()
    report = acmidm.json("review", "--stack", "tni")
    assert changes_in(report) == {
        ("loket", "client_adopted", client["client_id"]),
        ("loket", "client_updated", None),
        ("loket", "scope_withdrawn", PLAIN),
        ("loket", "key_added", "key-1"),
        ("loket", "key_removed", "old"),
        ("loket", "keys_replaced", None),
        ("loket", "product_configured", "notificaties"),
    }


def test_what_the_engine_refuses(project: Project, acmidm: CommandLine) -> None:
    """A protected client that would be removed: the review says so, and what it was about; the exit code is not that of a clean one.

    The reason stands beside the report too: a job writes that to a file, and nobody sees it in the log.
    """
    project.configure({"protectClients": "true"})
    form = write(project, "loket")
    project.apply()
    form.remove()
    outcome = acmidm.run("review", "--stack", "tni", "--output", "markdown")
    assert outcome.code == 3
    assert outcome.stdout.splitlines()[0] == "### 1 client is removed on tni; the engine refuses this change"
    problem = f"{form.key}: its client is protected: put its form back; see docs/operations.md"
    assert f"> **refused** {problem}" in outcome.stdout
    assert outcome.stderr.startswith(f"refused: {problem}")
    assert outcome.stderr.count("is protected") == 1


def test_they_agree_on_what_protection_stops(project: Project, acmidm: CommandLine) -> None:
    """A protected client that goes or is replaced is refused by both; that a change lifts the protection of all is in both."""
    project.configure({"protectClients": "true"})
    forms = {name: write(project, name) for name in ("removed", "another", "unchanged")}
    forms["product"] = write(project, "product", scopes=(SEND, DOSSIERS))
    acmidm.keep_in_git()
    project.apply()

    def reviewed(code: int) -> dict[str, Any]:
        by_engine = acmidm.json("review", "--stack", "tni", code=code)
        by_forms = acmidm.review_of_forms("--environment", "tni", code=code)
        assert without_engine(by_engine) == without_engine(by_forms)
        return by_forms

    forms["removed"].path.unlink()
    forms["another"].document["application"] += "-anders"
    forms["another"].save()
    del forms["product"].request()["products"]["dosis"]
    del forms["product"].request()["scopes"][DOSSIERS]
    forms["product"].save()
    refused = reviewed(3)
    names = sorted(forms[name].key.removesuffix("-anders") for name in ("removed", "another", "product"))
    assert [problem.partition(": its client is protected")[0] for problem in refused["problems"]] == names
    assert refused["headline"] == (
        "2 clients are removed, 1 client loses 1 scope, 1 client loses 1 product, 1 client is new on tni; the engine refuses this change"
    )

    acmidm.git("reset", "--quiet", "--hard", "HEAD^")
    project.configure({"protectClients": "false"})
    assert changes_in(reviewed(0)) == {(name, "protection_lifted", None) for name in forms}


def test_one_refused_connection_stops_no_report(project: Project, acmidm: CommandLine) -> None:
    """A failed create leaves the engine's marker of what it does not know: every command works, before and after the correction."""
    project.configure({"protectClients": "true"})
    write(project, "sound")
    form = write(project, "refused")
    form.request()["adopt"] = {"acmidm": "no-such-client"}
    form.save()
    assert project.up().code != 0
    assert acmidm.run("status", "--stack", "tni").code == 0
    assert acmidm.run("drift", "--stack", "tni").code == 1
    assert acmidm.json("review", "--stack", "tni", code=3)["problems"][0].startswith("gent/refused: client ")
    del form.request()["adopt"]
    form.save()
    assert ("refused", "client_created", None) in changes_in(acmidm.json("review", "--stack", "tni"))
    project.apply()
    assert acmidm.run("drift", "--stack", "tni").code == 0


def test_too_many_clients_at_once(project: Project, acmidm: CommandLine) -> None:
    """Refused by both sources until somebody allows it, with the names of those that go."""
    forms = [write(project, f"app{number}", keys=()) for number in range(10)]
    acmidm.keep_in_git()
    project.apply()
    for form in forms[:4]:
        form.path.unlink()
    acmidm.commit()
    for words in (("--stack", "tni"), ("--base", "HEAD^", "--environment", "tni")):
        outcome = acmidm.run("review", *words)
        assert outcome.code == 1
        assert "refused  4 clients of 10 on tni would be removed or replaced, more than 30%: " in outcome.stdout
        assert all(form.key in outcome.stdout for form in forms[:4])
        assert acmidm.run("review", *words, "--allow-mass-change").code == 0


def test_wrong_use(project: Project, acmidm: CommandLine) -> None:
    """Each ends with 2 and one sentence."""
    no_plan = "this is not the output of pulumi preview --json; make it with: pulumi preview --json > plan.json"
    for_base = "--head and --environment are for --base; with --stack and --plan the stack's settings have them"
    (project.folder / "plan.json").write_text("{}")
    (project.folder / "steps.json").write_text('{"steps": [{"urn": "x"}]}')
    acmidm.keep_in_git()
    for words, sentence in {
        (): "choose what to review: either --stack, or --plan, or --base; such as: acmidm review --base origin/main",
        ("--stack", "nowhere"): "pulumi preview --json: no stack named 'nowhere' found",
        ("--plan", "plan.json"): no_plan,
        ("--plan", "steps.json"): no_plan,
        ("--plan", "plan.json", "--environment", "tni"): for_base,
        ("--stack", "tni", "--head", "HEAD"): for_base,
        (
            "--plan",
            "none.json",
        ): "none.json cannot be read or written: No such file or directory; check its name, its folder and your rights",
        ("--base", "nothing"): 'Git knows no revision "nothing" here; fetch it, or name another branch, tag or commit',
        ("--base", "HEAD", "--head", "HEAD", "--environment", "acc"): 'environment "acc" is not known; use tni or prod',
    }.items():
        outcome = acmidm.run("review", *words)
        assert (outcome.code, outcome.output) == (2, f"{sentence}\n")
    nothing = acmidm.run("review", "--stack", "tni", "--fail-on", " , ")
    assert (nothing.code, nothing.stderr.startswith("--fail-on names no kind of change; use attributes_changed, ")) == (2, True)
    shutil.rmtree(project.folder / ".git")
    assert acmidm.run("review", "--base", "HEAD").stderr.startswith("Git finds no repository here: not a git repository")


def test_a_clone_without_the_history_is_refused(project: Project, acmidm: CommandLine) -> None:
    """Against the tip of main, what it got since the branch left would show as taken away."""
    form = write(project, "loket")
    acmidm.keep_in_git()
    acmidm.git("checkout", "--quiet", "-b", "change")
    form.document["contacts"] = ["loket@stad-gent.example"]
    form.save()
    acmidm.git("commit", "--quiet", "--all", "--message=contacts")
    acmidm.git("checkout", "--quiet", "main")
    write(project, "other")
    acmidm.git("add", "onboardings")
    acmidm.git("commit", "--quiet", "--message=other")
    acmidm.git("checkout", "--quiet", "change")
    assert {kind for _, kind, _ in changes_in(acmidm.json("review", "--base", "main"))} == {"client_updated"}

    whole = (project.folder / ".git").rename(project.folder / "whole.git")
    acmidm.git("clone", "--quiet", "--no-checkout", "--depth=1", "--no-single-branch", "--branch=change", whole.as_uri(), "shallow")
    (project.folder / "shallow" / ".git").rename(project.folder / ".git")
    refused = acmidm.run("review", "--base", "origin/main")
    assert (refused.code, refused.stdout) == (2, "")
    assert refused.stderr.startswith('this clone is shallow: where "HEAD" left "origin/main" is not in it')


def test_a_change_that_repairs_the_forms_can_be_reviewed(project: Project, acmidm: CommandLine) -> None:
    """What was no valid form, on account of a key too, shows as new, and the report says so; all else is compared."""
    sound, broken, keyless = (write(project, name, environment="prod") for name in ("sound", "broken", "keyless"))
    contacts, jwk = broken.document.pop("contacts"), next(keyless.path.parent.glob("keyless*.json"))
    broken.save()
    text = jwk.read_text()
    jwk.write_text("{")
    acmidm.keep_in_git()
    broken.document["contacts"], sound.document["contacts"] = contacts, ["loket@stad-gent.example"]
    broken.save()
    sound.save()
    jwk.write_text(text)
    report = acmidm.review_of_forms()
    assert {(form, kind) for form, kind, _ in changes_in(report) if kind.startswith("client")} == {
        ("sound", "client_updated"),
        ("broken", "client_created"),
        ("keyless", "client_created"),
    }
    assert report["headline"].endswith("; 2 forms were not valid before: all that they have shows as new")
    assert acmidm.run("review", "--base", "HEAD^", "--head", "HEAD").stderr.splitlines() == [
        f"onboardings/gent/{name}.yaml was no valid form at HEAD^: all that it has shows as new" for name in ("broken", "keyless")
    ]
