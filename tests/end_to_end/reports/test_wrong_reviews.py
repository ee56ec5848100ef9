"""A review that is requested wrongly, of what is not there, or where the history is missing."""

from __future__ import annotations

from tests.support.repository import Repository, repository

__all__ = ["repository"]


def test_wrong_use(repository: Repository) -> None:
    """Each ends with 2 and one sentence."""
    no_plan = (
        "this is not the output of pulumi preview --json; make it with: pulumi preview --json >"
        " plan.json"
    )
    for_base = (
        "--head and --environment are for reviews of Git; with --stack and --plan the stack's"
        " settings have them"
    )
    (repository.folder / "plan.json").write_text("{}")
    for words, sentence in {
        ("--plan", "plan.json", "--base", "main"): (
            "choose what to review: --stack, or --plan, or --base, or none of them for what is not"
            " committed"
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
