"""The review of a real preview: takeovers, keys in the portal, refusals; and what is asked
wrongly."""

from __future__ import annotations

from typing import Any

from tests.end_to_end.reports.conftest import write
from tests.end_to_end.reports.test_sources import without_engine
from tests.support.command_line import CommandLine, changes_in
from tests.support.engine import Project
from tests.support.forms import DOSSIERS, PLAIN, SEND
from tests.support.portal import RunningPortal, new_key, register_client
from tests.support.registry import Registry
from tests.support.repository import Repository, repository

__all__ = ["repository"]


def test_what_the_authority_has_is_compared_too(
    project: Project, acmidm: CommandLine, portal: RunningPortal, registry: Registry
) -> None:
    """What a client that is taken over has already is no news; what it loses is, and each key that
    goes from the portal.

    Where the portal cannot be reached, that they go.
    """
    declares = write(project, "taken-back", keys=())
    project.apply()
    registry.set_keys(registry.client(declares.application)["client_id"], [new_key("uploaded")])
    declares.add_key("key-1")
    declares.save()
    with portal.operator() as operator:
        client = register_client(
            operator, scopes=[SEND, PLAIN], keys=[new_key("old")], software_id=None, managed_by=None
        )
    form = write(project, "loket", platforms=["acmidm"])
    form.request()["adopt"] = {"acmidm": client["client_id"]}
    form.save()
    report = acmidm.json("review", "--stack", "tni")
    declared = {("taken-back", "keys_declared", None), ("taken-back", "key_added", "key-1")}
    assert changes_in(report) == {
        *declared,
        ("taken-back", "key_removed", "uploaded"),
        ("taken-back", "keys_replaced", None),
        ("loket", "client_adopted", client["client_id"]),
        ("loket", "client_updated", None),
        ("loket", "scope_withdrawn", PLAIN),
        ("loket", "key_added", "key-1"),
        ("loket", "key_removed", "old"),
        ("loket", "keys_replaced", None),
        ("loket", "product_configured", "notificaties"),
    }
    gone = [
        change
        for one in report["connections"]
        for change in one["changes"]
        if change["kind"] == "key_removed"
    ]
    assert all(change["thumbprint"] for change in gone)
    form.path.unlink()
    project.configure({"managementUrl": "http://127.0.0.1:9/management/v1"})
    assert changes_in(acmidm.json("review", "--stack", "tni")) == declared


def test_they_agree_on_what_protection_stops(
    project: Project, acmidm: CommandLine, registry: Registry
) -> None:
    """A protected client that goes or is replaced is refused by both; that a change lifts the
    protection of all is in both.

    The reason stands beside the report too: a job writes that to a file, and nobody sees it in the
    log. Nobody did it by hand.
    """
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
    refused = reviewed(1)
    names = sorted(
        forms[name].key.removesuffix("-anders") for name in ("removed", "another", "product")
    )
    assert [
        problem.partition(": its client is protected")[0] for problem in refused["problems"]
    ] == names
    assert (
        refused["headline"]
        == "2 clients are removed, 1 client loses 1 scope, 1 client loses 1 product, 1 client is"
        " new on tni; what is refused is held back"
    )
    shown = acmidm.run(
        "review",
        "--base",
        "HEAD^",
        "--head",
        "HEAD",
        "--environment",
        "tni",
        "--output",
        "markdown",
    )
    assert (shown.code, shown.stdout.splitlines()[0]) == (1, f"### {refused['headline']}")
    assert all(f"> **refused** {problem}" in shown.stdout for problem in refused["problems"])
    assert shown.stderr.splitlines() == [f"refused: {problem}" for problem in refused["problems"]]
    drift = acmidm.json("drift", "--stack", "tni", code=1)
    assert (drift["by_hand"], drift["problems"]) == ([], refused["problems"])
    assert ("removed", "client_removed", None) in changes_in(drift, "not_applied")

    acmidm.git("reset", "--quiet", "--hard", "HEAD^")
    project.configure({"protectClients": "false"})
    assert changes_in(reviewed(0)) == {(name, "protection_lifted", None) for name in forms}

    project.configure({"protectClients": "true"})
    registry.remove(registry.client(forms["unchanged"].application)["client_id"])
    (problem,) = acmidm.json("drift", "--stack", "tni", "--heal", code=1)["problems"]
    assert problem.startswith(f"{forms['unchanged'].key}: its client is protected: "), (
        "its product has the old client's configuration"
    )
    nowhere = acmidm.run("review", "--stack", "nowhere")
    assert (nowhere.code, nowhere.output) == (
        2,
        "pulumi preview --json: no stack named 'nowhere' found\n",
    )


def test_wrong_use(repository: Repository) -> None:
    """Each ends with 2 and one sentence."""
    no_plan = (
        "this is not the output of pulumi preview --json; make it with: pulumi preview --json >"
        " plan.json"
    )
    for_base = (
        "--head and --environment are for --base; with --stack and --plan the stack's settings have"
        " them"
    )
    (repository.folder / "plan.json").write_text("{}")
    for words, sentence in {
        (): (
            "choose what to review: either --stack, or --plan, or --base; such as: acmidm review"
            " --base origin/main"
        ),
        ("--plan", "plan.json"): no_plan,
        ("--plan", "plan.json", "--environment", "tni"): for_base,
        ("--stack", "tni", "--head", "HEAD"): for_base,
        (
            "--plan",
            "none.json",
        ): (
            "none.json cannot be read or written: No such file or directory; check its name, its"
            " folder and your rights"
        ),
        (
            "--base",
            "nothing",
        ): 'Git knows no revision "nothing" here; fetch it, or name another branch, tag or commit',
        (
            "--base",
            "HEAD",
            "--head",
            "HEAD",
            "--environment",
            "acc",
        ): 'environment "acc" is not known; use tni or prod',
    }.items():
        assert repository.run("review", *words, code=2).output == f"{sentence}\n"
    (repository.folder / ".git").rename(repository.folder / "elsewhere.git")
    outside = repository.run("review", "--base", "HEAD", code=2)
    assert outside.stderr.startswith("Git finds no repository here: not a git repository")


def test_a_clone_without_the_history_is_refused(repository: Repository) -> None:
    """Against the tip of main, what it got since the branch left would show as taken away."""
    repository.form.document["contacts"] = ["loket@stad-gent.example"]
    repository.form.save()
    repository.commit()
    repository.git("switch", "--quiet", "main")
    repository.write("other")
    repository.commit()
    repository.git("switch", "--quiet", "change")
    assert set(repository.of_client("loket")) == {"client_updated"}
    whole = (repository.folder / ".git").rename(repository.folder / "whole.git")
    repository.git(
        "clone",
        "--quiet",
        "--no-checkout",
        "--depth=1",
        "--no-single-branch",
        "--branch=change",
        whole.as_uri(),
        "shallow",
    )
    (repository.folder / "shallow" / ".git").rename(repository.folder / ".git")
    refused = repository.run("review", "--base", "origin/main", code=2)
    assert refused.output.startswith(
        'this clone is shallow: where "HEAD" left "origin/main" is not in it'
    )
