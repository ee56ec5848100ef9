"""What a fresh clone says and gets, on machines that this one is made to look like.

The builds themselves take minutes; `make engine` and `make random-plugin` on CI's fresh machine
prove those.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.repository import git
from toolchain import install_venv
from toolchain.common import ROOT, version_in

pytestmark = pytest.mark.tool

LOCK_FILES = [
    ROOT / "requirements.txt",
    ROOT / "requirements-dev.txt",
    ROOT / "requirements-lowest.txt",
]
ON_EVERY_MACHINE = ["bash", "cat", "chmod", "cp", "mkdir", "rm", "sh"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in which nothing was made yet, in a folder with a space in its name."""
    clone = tmp_path / "a clone"
    clone.mkdir()
    shutil.copytree(
        ROOT / "toolchain", clone / "toolchain", ignore=shutil.ignore_patterns("__pycache__")
    )
    return clone


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The only folder on PATH: no Go, no Pulumi, no curl, hence no way to the official
    installer."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ON_EVERY_MACHINE:
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    return folder


def command(machine: Path, name: str, script: str) -> None:
    """Put a shell script on that machine's PATH."""
    file = machine / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def run(clone: Path, machine: Path, module: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": str(machine),
        "HOME": str(machine.parent),
        "SEEN": str(machine.parent / "seen"),
        **more,
    }
    return subprocess.run(
        [sys.executable, "-m", module],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_go_one_sentence_says_what_to_install(clone: Path, machine: Path) -> None:
    result = run(clone, machine, "toolchain.install_engine")
    assert result.returncode == 1
    assert re.fullmatch(
        r"error: Go is needed to build .*: install Go 1\.\d+\.\d+ or newer .*",
        result.stderr.splitlines()[-1],
    )
    assert not list((clone / ".local/engine/bin").iterdir())
    command(machine, "go", "echo go1.19.8")
    assert "the Go on PATH is too old" in run(clone, machine, "toolchain.install_engine").stderr


def test_a_usable_pulumi_on_path_is_taken(clone: Path, machine: Path) -> None:
    command(machine, "pulumi", "echo v3.211.0")
    command(machine, "pulumi-language-python", "")
    result = run(clone, machine, "toolchain.install_engine")
    assert (result.returncode, result.stderr) == (0, "")
    assert not (clone / ".local/engine").exists()


@pytest.mark.parametrize(
    ("version", "host"), [("v3.210.9", True), ("v3.274.1", False), ("no version", True)]
)
def test_an_unusable_pulumi_on_path_is_not_taken(
    clone: Path, machine: Path, version: str, host: bool
) -> None:
    command(machine, "pulumi", f"echo {version}")
    if host:
        command(machine, "pulumi-language-python", "")
    assert "Go is needed" in run(clone, machine, "toolchain.install_engine").stderr


OFFICIAL_INSTALLER = """
echo "$@" > "$SEEN"
mkdir -p "$4/bin"
printf '#!/bin/sh\\necho v%s\\n' "$2" > "$4/bin/pulumi"
chmod +x "$4/bin/pulumi"
"""


def test_the_official_installer_stays_inside_the_clone_and_runs_once(
    clone: Path, machine: Path
) -> None:
    # Instead of downloading: writes the installer to the place that --output, its last argument but
    # one, names.
    command(
        machine, "curl", f'for output; do :; done\ncat > "$output" <<"end"{OFFICIAL_INSTALLER}end'
    )
    assert run(clone, machine, "toolchain.install_engine").returncode == 0
    flags = (machine.parent / "seen").read_text()
    assert flags.startswith("--version 3.")
    assert flags.endswith("--no-edit-path\n")
    assert f"--install-root {clone}" in flags
    assert (clone / ".local/engine/bin/pulumi").exists()
    (machine / "curl").unlink()
    assert run(clone, machine, "toolchain.install_engine").stderr == ""


def test_a_pipeline_never_runs_the_installer(clone: Path, machine: Path) -> None:
    """Whoever has its site would have the operator's key: the build has a hash for whatever goes
    into it."""
    command(
        machine, "curl", f'for output; do :; done\ncat > "$output" <<"end"{OFFICIAL_INSTALLER}end'
    )
    for module in ("install_engine", "install_random"):
        result = run(clone, machine, f"toolchain.{module}", CI="true")
        assert result.returncode == 1
        assert "Go is needed to build" in result.stderr
    assert not (machine.parent / "seen").exists()


def test_packages_come_as_wheels_by_their_hash() -> None:
    """A package that is built fetches its builder, for which there is no hash; pip itself, and what
    builds the project, have one."""
    assert {"--require-hashes", "--no-deps", "--only-binary", ":all:"} <= set(
        map(str, install_venv.LOCKED)
    )
    for file in LOCK_FILES:
        assert {"pip", "setuptools"} <= set(
            re.findall(r"^([a-z]+)==", file.read_text(), re.MULTILINE)
        )


def test_an_installer_that_fails_is_followed_by_a_build(clone: Path, machine: Path) -> None:
    command(machine, "curl", 'for output; do :; done\necho "exit 3" > "$output"')
    stderr = run(clone, machine, "toolchain.install_engine").stderr
    assert "the official installer failed, building instead" in stderr
    assert "Go is needed" in stderr


def test_the_environment_is_text_for_a_shell_and_names_only_the_clone(
    clone: Path, machine: Path
) -> None:
    exports = run(clone, machine, "toolchain.environment").stdout
    value = dict(line.removeprefix("export ").split("=", 1) for line in exports.splitlines())
    assert shlex.split(value["PULUMI_BACKEND_URL"]) == [f"file://{clone}/.local/state"]
    assert shlex.split(value["PULUMI_HOME"]) == [f"{clone}/.local/pulumi"]
    assert shlex.split(value["PATH"])[0].startswith(
        f"{clone}/.venv/bin{os.pathsep}{clone}/.local/engine/bin{os.pathsep}"
    )
    assert (clone / ".local/state").stat().st_mode & 0o077 == 0


def test_postgresql_takes_the_place_of_the_state_in_files(clone: Path, machine: Path) -> None:
    """And nothing of a shell does: whoever has a backend for other projects works on this clone's
    state here."""
    of_others = {"PULUMI_BACKEND_URL": "s3://state"}
    exports = run(clone, machine, "toolchain.environment", **of_others).stdout
    assert "s3://" not in exports
    exports = run(clone, machine, "toolchain.environment", **of_others, BACKEND="postgres").stdout
    assert "export PULUMI_BACKEND_URL='postgres://127.0.0.1:" in exports
    assert "export PULUMI_CONFIG_PASSPHRASE=sandbox\n" in exports


def test_without_go_the_workflows_are_checked_without_actionlint_but_never_in_ci(
    clone: Path, machine: Path
) -> None:
    result = run(clone, machine, "toolchain.install_actionlint")
    assert (result.returncode, result.stderr.partition(";")[0]) == (
        0,
        "actionlint: needs Go, and there is none on PATH",
    )
    result = run(clone, machine, "toolchain.install_actionlint", CI="true")
    assert result.returncode == 1
    assert "Go is needed to build actionlint" in result.stderr


@pytest.mark.parametrize("lock_file", LOCK_FILES, ids=lambda file: file.name)
def test_lock_files_name_packages_and_hashes_only(lock_file: Path) -> None:
    line = re.compile(
        r"#.*|\s+#.*|[a-z0-9.-]+==\S+( ; .*)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?"
    )
    assert [
        text
        for text in lock_file.read_text().splitlines()
        if "://" in text or not line.fullmatch(text)
    ] == []


def test_lock_files_have_all_that_the_project_depends_on() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    runtime, everything, _ = (
        {name.split("==")[0] for name in re.findall(r"^[a-z].*", file.read_text(), re.MULTILINE)}
        for file in LOCK_FILES
    )
    assert {name.split(">=")[0] for name in project["dependencies"]} <= runtime <= everything
    assert set(project["optional-dependencies"]["dev"]) <= everything


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go1.26.6", (1, 26, 6)),
        ("v3.274.1-dev.0", (3, 274, 1)),
        ("go1.26", (1, 26, 0)),
        ("none", None),
    ],
)
def test_versions(text: str, version: tuple[int, int, int] | None) -> None:
    assert version_in(text) == version


@pytest.mark.parametrize("code", [0, 1])
def test_what_went_wrong_is_the_last_thing_on_screen(clone: Path, machine: Path, code: int) -> None:
    """The table of a failed run would push it off."""
    shutil.copy(ROOT / "Makefile", clone)
    tools = clone / ".venv" / "bin"
    tools.mkdir(parents=True)
    command(
        tools,
        "acmidm",
        f'case "$1" in status) echo the table;; deploy) echo what went wrong; exit {code};; esac',
    )
    command(machine, "pulumi", "")
    for name in ("env", "make"):
        (machine / name).symlink_to(shutil.which(name) or "")
    words = ["make", "--silent", "--old-file=ready", "up", f"PYTHON={sys.executable}"]
    done = subprocess.run(
        words, cwd=clone, env={"PATH": str(machine)}, stdout=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode == 0) == (code == 0)
    lines = done.stdout.splitlines()
    assert lines[0] == "what went wrong"
    assert (lines[1:2] == ["the table"]) == (code == 0)
    assert code == 0 or lines[1:] == []


@pytest.mark.parametrize(
    ("stack", "following"), [("tni", "make demo"), ("by-hand", "make operator STACK=by-hand")]
)
def test_what_is_next_is_what_the_stack_needs(clone: Path, stack: str, following: str) -> None:
    """Where people click, nothing is there before they did: no application could be let in."""
    shutil.copy(ROOT / "Makefile", clone)
    words = ["make", "--dry-run", "--old-file=ready", "up", f"STACK={stack}"]
    done = subprocess.run(words, cwd=clone, stdout=subprocess.PIPE, text=True, check=True)
    assert f"Next: {following}, " in done.stdout


@pytest.mark.parametrize("script", ["install_venv", "install_engine"])
def test_a_disk_that_takes_no_file_is_one_sentence(clone: Path, machine: Path, script: str) -> None:
    """As a read-only one, or a full one: where, what, and what to do."""
    (clone / ".local").write_text("no folder, so that nothing can be written into it")
    for name in ("requirements-dev.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, clone)
    result = run(clone, machine, f"toolchain.{script}")
    assert result.returncode == 1
    [sentence] = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert f"{clone}/.local: " in sentence
    assert "; work in a clone on a disk that you may write to" in sentence
    assert "Traceback" not in result.stderr


def test_ports_of_a_clone_are_moved_and_put_back(clone: Path) -> None:
    """From those of the last commit each time; one that is out of reach moves none."""

    def ports(offset: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "toolchain.ports", offset],
            cwd=clone,
            env=os.environ,
            capture_output=True,
            text=True,
            check=False,
        )

    def texts() -> str:
        return "".join(
            file.read_text()
            for file in sorted((*clone.glob("Pulumi.*.yaml"), *clone.glob("examples/*.env")))
        )

    for file in (*ROOT.glob("Pulumi.*.yaml"), *ROOT.glob("examples/*.env")):
        (clone / file.relative_to(ROOT)).parent.mkdir(exist_ok=True)
        shutil.copy(file, clone / file.relative_to(ROOT))
    committed = texts()
    assert "127.0.0.1:8521/authorization/ws/oauth/v2/token" in committed
    assert "not in the last commit" in ports("100").stderr
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=stacks"]):
        git(clone, *words)
    for _ in range(2):
        assert ports("100").returncode == 0
        assert texts() == re.sub(
            r"127\.0\.0\.1:(\d+)", lambda found: f"127.0.0.1:{int(found[1]) + 100}", committed
        )
    assert "lie outside 1 to 65535" in ports("60000").stderr
    assert ports("0").returncode == 0
    assert texts() == committed
