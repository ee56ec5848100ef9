"""A repository of forms of its own, as `make repository` makes it: outside the clone, with this
commit's wheel in an environment of its own, and the commands of its README as they are written."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from acmidm.cli import command_names
from tests.support.clone import free_offset, run, scripts
from tests.support.engine import ROOT, SIGNS_OF_A_TRACEBACK
from toolchain.make_repository import build_wheel

README = ROOT / "examples" / "onboarding-repository" / "README.md"
REVIEW, TRY = scripts(README.read_text())
NEW_FORM = """
acmidm new --organisation "Gemeente Voorbeeldem" --ovo OVO099999 \
    --owner @voorbeeldem/digitalisering --application e-loket \
    --contact e-loket@voorbeeldem.example --scope dv_organisatieregister_info --language en
acmidm keys new onboardings/gemeente-voorbeeldem/e-loket.yaml --environment tni \
    --private-key ../e-loket.pem --passphrase-fd 3 3<<<'paard batterij nietje'
acmidm schema
acmidm validate
"""
FORM = "onboardings/gemeente-voorbeeldem/e-loket.yaml"
PROBE = f"""
acmidm probe {FORM} --stack tni --private-key ../e-loket.pem --record \
    --client-id $(acmidm status voorbeeldem --stack tni | grep -oE '[0-9a-f-]{{36}}' | head -1) \
    --passphrase-fd 3 3<<<'paard batterij nietje'
acmidm promote {FORM} --write
"""
HELP = """
from typer.testing import CliRunner
from acmidm.cli import app, command_names
for name in command_names():
    shown = CliRunner().invoke(app, [name, "--help"], prog_name="acmidm")
    print(shown.output)
    assert shown.exit_code == 0, name
"""
COMMIT = "git add --all && git commit --quiet --message x"


@dataclass
class Repository:
    """``variables`` are what a terminal would have by now, as lines of shell."""

    folder: Path
    variables: str

    def say(self, script: str) -> str:
        """What the commands of a script say, none of which fails or shows a traceback."""
        done = run(self.folder, f"{self.variables}\n{script}")
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{script}\n{said}"
        assert not any(sign in said for sign in SIGNS_OF_A_TRACEBACK), said
        return said


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """Made, committed and installed. The engine is the clone's, where PATH has no other."""
    folder = tmp_path_factory.mktemp("own") / "aansluitingen"
    engine = Path(shutil.which("pulumi") or "").resolve().parent
    clone_engine = ROOT / ".local" / "engine" / "bin"
    path = f'export PATH="$PATH:{clone_engine if clone_engine.exists() else engine}"'
    with free_offset() as offset:
        made = run(ROOT, f"make repository FOLDER={folder} OFFSET={offset}")
        assert made.returncode == 0, made.stdout + made.stderr
        who = "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b.example"
        who += " GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b.example"
        # As in a pipeline: each command would else look for plugins, where there may be no network.
        quick = "export PULUMI_SKIP_UPDATE_CHECK=true"
        quick += " PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true PIP_NO_COMPILE=1"
        own = Repository(folder, f"{path}\n{who}\n{quick}")
        *install, activate = REVIEW[:4]
        own.say("\n".join(install))
        own.variables += f"\n{activate}"
        try:
            yield own
        finally:
            own.say("acmidm sandbox stop")


@pytest.mark.exhaustive
def test_nothing_of_the_clone_is_in_it(repository: Repository) -> None:
    """The package is the wheel's; what builds an engine from its source is not in it."""
    imported = "import acmidm, acmidm_onboarding, acmidm_sandbox as s; print(acmidm.__file__, s)"
    where = repository.say(f"python -c '{imported}'")
    assert str(ROOT) not in where
    assert ".venv" in where
    lacking = run(repository.folder, f"{repository.variables}\npython -c 'import toolchain'")
    assert "No module named 'toolchain'" in lacking.stderr
    found = subprocess.run(
        ["grep", "-rlF", str(ROOT), ".", "--exclude-dir=.git"],
        cwd=repository.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""


@pytest.mark.exhaustive
def test_each_command_shows_its_help(repository: Repository) -> None:
    """With what the wheel has: texts, templates, schemas and the catalogue."""
    said = repository.say(f"python - <<'END'\n{HELP}\nEND")
    for command in command_names():
        assert f"Usage: acmidm {command}" in said


@pytest.mark.exhaustive
def test_from_a_form_to_production_and_a_scope_extension(repository: Repository) -> None:
    """Validate, review, deploy on TNI, probe, deploy on production, drift, an edit, its review, its
    deployment: each in the words of the README, where it has it."""
    said = repository.say("\n".join(REVIEW[4:]))
    assert "2 forms, 4 connections: all valid" in said
    assert "Nothing changes" in said

    repository.say(NEW_FORM)
    assert "1 client is new on tni" in repository.say("acmidm review")
    repository.say(COMMIT)
    backend = next(line for line in TRY if line.startswith("export "))
    last_on_tni = TRY.index("acmidm deploy --stack tni")
    repository.say("\n".join(TRY[: last_on_tni + 1]))
    repository.variables += f"\n{backend}"

    assert "evidence" in repository.say(PROBE)
    repository.say(
        "acmidm keys new"
        f" {FORM} --environment prod --private-key ../e-loket-prod.pem --passphrase-fd 3"
        " 3<<<'paard batterij nietje'"
    )
    repository.say(f"{COMMIT}\nacmidm deploy --stack tni")
    stop = TRY.index("acmidm sandbox stop")
    on_prod = repository.say("\n".join(TRY[last_on_tni + 1 : stop]))
    assert "declared unproven: gemeente-voorbeeldem" not in on_prod
    assert "tni is in sync" in on_prod
    assert "Gemeente Voorbeeldem · e-loket" in on_prod

    form = repository.folder / FORM
    scope = "      dv_organisatieregister_info: {"
    extended = form.read_text().replace(scope, f"      vo_info: {{reason: x}}\n{scope}", 1)
    assert extended != form.read_text()
    form.write_text(extended)
    review = repository.say("acmidm review")
    assert "gains scope vo_info" in review, review
    repository.say(COMMIT)
    repository.say("acmidm deploy --stack tni")
    assert "vo_info" in repository.say("acmidm status voorbeeldem --stack tni")


@pytest.mark.exhaustive
def test_the_same_files_give_the_same_wheel(repository: Repository, tmp_path: Path) -> None:
    """So that anybody can check the hash in requirements.txt."""
    digest = hashlib.sha256(build_wheel(tmp_path).read_bytes()).hexdigest()
    assert f"--hash=sha256:{digest}\n" in (repository.folder / "requirements.txt").read_text()


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("", "give a folder, as in make repository FOLDER=../aansluitingen"),
        (".", "is in this clone: give a folder beside it"),
        ("/etc", "is there already: give a folder that is not"),
    ],
)
def test_a_folder_that_is_none_is_refused(folder: str, sentence: str) -> None:
    refused = run(ROOT, f"make repository FOLDER={folder}")
    assert refused.returncode != 0
    assert sentence in refused.stderr
