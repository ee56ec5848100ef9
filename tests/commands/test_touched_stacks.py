"""Which stacks a change touches, by what Git says of its files."""

from __future__ import annotations

import json

from tests.support.forms import PLAIN, FormFile, write_form
from tests.support.repository import Repository, repository

__all__ = ["repository"]


def test_which_stacks_a_change_touches(repository: Repository) -> None:
    (repository.folder / "Pulumi.tni.yaml").unlink()
    repository.set("tni-a", environment="tni", organisations="gent")
    repository.set("tni-b", environment="tni", organisations="l* zele")
    zele = write_form(repository.folder / "onboardings", "zele/loket", scopes=(PLAIN,))
    repository.merge()

    def touched() -> dict[str, list[str]]:
        repository.commit()
        shown = repository.run("github", "stacks", "--base", "main")
        repository.merge()
        *lines, all_named = sorted(
            (line.partition("=") for line in shown.stdout.splitlines()), reverse=True
        )
        found = {environment: json.loads(names) for environment, _, names in lines}
        assert sorted(json.loads(all_named[2])) == sorted(
            name for names in found.values() for name in names
        )
        return found

    def changed(form: FormFile) -> dict[str, list[str]]:
        form.document["contacts"] = ["ander@stad-gent.example"]
        form.save()
        return touched()

    assert touched() == {"tni": [], "prod": []}
    assert changed(repository.form) == {"tni": ["tni-a"], "prod": ["prod"]}
    assert changed(zele) == {"tni": ["tni-b"], "prod": ["prod"]}
    repository.form.use_supplier("theirs", environment="prod")
    repository.merge()
    repository.form.use_supplier("theirs", "new", environment="prod")
    assert touched() == {"tni": ["tni-a", "tni-b"], "prod": ["prod"]}
    repository.set("tni-a", environment="tni", organisations="gent g*")
    assert touched() == {"tni": ["tni-a"], "prod": []}
    (repository.folder / "catalogue" / "README").write_text("x")
    assert touched() == {"tni": ["tni-a", "tni-b"], "prod": ["prod"]}
    saved = repository.folder / "saved"
    (saved / "approved-prod").mkdir(parents=True)
    assert '\nprod=["prod"]\n' in (
        shown := repository.run("github", "stacks", "--saved", "saved").stdout
    )
    assert 'all=["prod"]\n' in shown
    repository.set("sandbox", environment="tni", managementUrl="http://127.0.0.1:1")
    assert "sandbox" not in repository.run("github", "stacks").stdout
    (repository.folder / "Pulumi.sandbox.yaml").unlink()
    zele.path.unlink()
    assert touched() == {"tni": ["tni-b"], "prod": ["prod"]}
    refused = repository.run("github", "stacks", "--base", "nowhere", code=2)
    assert refused.stderr == "Git cannot compare with nowhere; fetch it: fetch-depth 0\n"
