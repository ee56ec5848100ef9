"""The command ``acmidm validate``, as a person and a pipeline run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from acmidm.cli import app
from tests.support.workspace import FORM, Workspace

ROOT = Path(__file__).parents[2]
GENT = "onboardings/gent/mijn-gent.yaml"


def acmidm(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def process(*arguments: str, cwd: Path = ROOT) -> tuple[int, str, str]:
    """The command as a process of its own, and what it has imported by its end."""
    code = (
        f"import sys, time\nsys.path.insert(0, {str(ROOT)!r})\nfrom acmidm.cli import app\ntry:\n  "
        "  app(prog_name='acmidm')\nfinally:\n    print('slow' if time.process_time() > 3 else"
        " 'quick', file=sys.stderr)\n    print('heavy:', *sorted({'pulumi', 'httpx', 'fastapi',"
        " 'sqlalchemy', 'authlib'} & set(sys.modules)), file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return run.returncode, run.stdout, run.stderr


QUICK = "quick\nheavy:\n"
"""Half a second is the goal. Of processor time, which a busy machine does not take from it; what
may not be imported is exact."""


@pytest.mark.tool
def test_help_starts_quickly_and_without_the_engine() -> None:
    code, _, said = process("--help")
    assert (code, said) == (0, QUICK)


@pytest.mark.tool
def test_the_shipped_forms_are_valid() -> None:
    """Those with production have no evidence, which the gate of the sample production wants; that
    is no mistake. Nor is it slow."""
    code, shown, said = process("validate")
    first, head, *unproven = shown.splitlines()
    assert (code, first, said) == (0, "10 forms, 19 connections: all valid", QUICK)
    assert head.startswith("not proven on TNI, ")
    assert len(unproven) == 8
    assert all(
        " on prod" in line and ": there is no evidence from TNI; " in line for line in unproven
    )


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        (
            "enforce",
            "not proven on TNI, so that production gets nothing of it that it does not have"
            " already:",
        ),
        (
            "warn",
            "not proven on TNI, which the gate only warns of, so that production gets all of it:",
        ),
    ],
)
def test_what_is_not_proven_is_said_by_the_mode_of_the_gate(
    workspace: Workspace, gate: str, said: str
) -> None:
    settings = f"config: {{acmidm:environment: prod, acmidm:promotionGate: {gate}}}\n"
    workspace.write("Pulumi.prod.yaml", settings)
    _, head, *unproven = acmidm("validate").stdout.splitlines()
    assert head == said
    assert len(unproven) == 1


def test_a_scope_that_has_ended_is_named_and_no_mistake(workspace: Workspace) -> None:
    """Else every later change of forms would fail for it."""
    ended = FORM.replace(
        "dv_notificaties_import: {}", "dv_notificaties_import: {until: 2020-12-31}"
    )
    workspace.write_form(ended[: ended.index("  prod:")])
    valid, note = acmidm("validate").stdout.splitlines()
    assert valid == "1 form, 1 connection: all valid"
    assert note == (
        "gent/mijn-gent on tni: the last day of scope dv_notificaties_import was 2020-12-31, so"
        " that no run grants it; put a later day under until, or take the scope out"
    )


def test_one_is_not_counted_as_many(workspace: Workspace) -> None:
    workspace.write_form(FORM[: FORM.index("  prod:")])
    assert acmidm("validate").stdout == "1 form, 1 connection: all valid\n"


def test_every_mistake_goes_to_stderr_a_line_each(workspace: Workspace) -> None:
    workspace.write_form(FORM.replace("[acmidm]", "[x]").replace("application: mijn-gent\n", ""))
    result = acmidm("validate")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f'{GENT}:1:1: "application" is missing; add it',
        f'{GENT}:2:13: item 1 of "platforms": "x" is not known; use acmidm, geosecure',
    ]


@pytest.mark.parametrize(
    "path",
    [
        GENT,
        "onboardings/gent",
        "onboardings/gent/organisation.yaml",
        "onboardings",
        "./onboardings/../onboardings/gent/",
    ],
)
def test_a_form_or_a_folder_can_be_named(path: str, workspace: Workspace) -> None:
    """Whichever is named, keys of a supplier's folder can be read."""
    workspace.write_supplier()
    assert acmidm("validate", path).stdout == "1 form, 2 connections: all valid\n"


def test_where_there_is_no_catalogue_the_modules_own_is_used(workspace: Workspace) -> None:
    workspace.catalogue.rename(workspace.root / "ander")
    assert "does not exist" not in acmidm("validate").stderr


NOTHING = "{}: there is no file or folder of this name; name a form, or the folder of forms"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        *(
            (path, NOTHING)
            for path in ("absent", "absent.yaml", "x" * 5000, "onboardings/gent/mijn-gent.yaml/x")
        ),
        ("empty", "there is no form (*.yaml) here; name a form, or the folder of forms"),
        (".", ".: this is the folder of the project; name the folder of forms in it"),
    ],
)
def test_a_path_without_forms_is_wrong_use(path: str, sentence: str, workspace: Workspace) -> None:
    """The YAML files of the project are no forms, and its forms are not directly in it."""
    workspace.write("Pulumi.yaml", "name: acmidm\n")
    (workspace.root / "empty").mkdir()
    result = acmidm("validate", path)
    assert (result.exit_code, result.stderr) == (2, f"{sentence.format(path)}\n")


def test_what_is_neither_form_nor_folder_is_reported_as_what_it_is(workspace: Workspace) -> None:
    os.mkfifo(workspace.forms / "gent/pipe.yaml")
    (workspace.forms / "gent/circle.yaml").symlink_to("circle.yaml")
    result = acmidm("validate", "onboardings/gent/pipe.yaml", "onboardings/gent/circle.yaml")
    assert (result.exit_code, result.stderr.splitlines()) == (
        1,
        [
            (
                "onboardings/gent/circle.yaml:1:1: this is a link, which is not followed; "
                "put the file or folder itself here, or remove the link"
            ),
            (
                "onboardings/gent/pipe.yaml:1:1: the file is a folder or a device, not a file; name"
                " a file"
            ),
        ],
    )


@pytest.mark.parametrize("path", [(), ("onboardings",), ("onboardings/gent",)])
@pytest.mark.parametrize(
    "broken", ["onboardings/gent/sub/broken.yaml", "onboardings/gent/broken.yml"]
)
def test_no_form_is_overlooked(path: tuple[str, ...], broken: str, workspace: Workspace) -> None:
    """Neither one in too deep a folder, nor one with another ending."""
    workspace.write(broken, "nonsense")
    result = acmidm("validate", *path)
    assert (result.exit_code, result.stderr.partition(":")[0]) == (1, broken)


def test_a_form_for_a_platform_without_authority_is_refused_as_the_program_does(
    workspace: Workspace,
) -> None:
    """By the stack files: each stack of an environment needs the authority; without a stack nothing
    is known."""
    form = (
        FORM[: FORM.index("  prod:")]
        .replace("[acmidm]", "[acmidm, geosecure]")
        .replace("      dv_notificaties_import: {}\n", "")
    )
    workspace.write_form(
        form[: form.index("      notificaties:")] + form[form.index("      dosis:") :]
    )
    assert acmidm("validate").exit_code == 0
    workspace.write(
        "Pulumi.tni.yaml",
        "config: {acmidm:environment: tni, geosecure:issuer: https://geo.example}\n",
    )
    assert acmidm("validate").exit_code == 0
    workspace.write("Pulumi.other.yaml", "config: {acmidm:environment: tni}\n")
    result = acmidm("validate")
    assert (result.exit_code, result.stderr) == (
        1,
        (
            f"{GENT}:3:21: geosecure has no authority in this stack of tni; "
            "remove it here, or set geosecure:managementUrl and what goes with it\n"
        ),
    )


def test_a_secret_that_one_of_two_authorities_takes_is_refused_as_the_program_does(
    workspace: Workspace,
) -> None:
    """The run of the other stack would end for it, once it is on main."""
    form = FORM[: FORM.index("  prod:")].replace("    jwks: [tni.jwk.json]\n", "")
    workspace.write_form(form.replace("private_key_jwt", "client_secret_basic"))
    workspace.write("Pulumi.tni.yaml", "config: {acmidm:environment: tni}\n")
    assert acmidm("validate").exit_code == 0
    workspace.write(
        "Pulumi.by-hand.yaml", "config: {acmidm:environment: tni, acmidm:authority: by_hand}\n"
    )
    result = acmidm("validate")
    assert result.exit_code == 1
    assert "by_hand, the authority of acmidm in a stack of tni, takes no client secret of ours" in (
        result.stderr
    )


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("{", "is not YAML; correct it"),
        (b"# caf\xe9", "is not UTF-8 text; save it as UTF-8"),
        (
            "{acmidm:environment: tni, acmidm:profile: fapi}",
            ': setting acmidm:profile: "fapi" is not known; did you mean "fapi2"?',
        ),
        (
            "{acmidm:environment: [tni]}",
            ': setting acmidm:environment: this value is not known; did you mean "tni"?',
        ),
        (
            "{acmidm:environment: tni, acmidm:profil: fapi2}",
            ': setting acmidm:profil is not known; did you mean "profile"?',
        ),
    ],
)
def test_stack_files_with_mistakes_are_wrong_use(
    config: str | bytes, sentence: str, workspace: Workspace
) -> None:
    """With a misspelt profile, or key, the forms would be checked by the lenient one."""
    workspace.write(
        "Pulumi.tni.yaml", config if isinstance(config, bytes) else f"config: {config}\n"
    )
    result = acmidm("validate")
    assert (result.exit_code, result.stderr) == (
        2,
        f"Pulumi.tni.yaml{'' if sentence[0] == ':' else ' '}{sentence}\n",
    )


@pytest.mark.parametrize(
    "arguments", [["validate", "--no-such-option"], ["no-such-command"], ["validate", "--head"]]
)
def test_wrong_use_exits_with_2_and_without_traceback(arguments: list[str]) -> None:
    result = acmidm(*arguments)
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)


@pytest.mark.tool
def test_no_file_gives_a_traceback(workspace: Workspace) -> None:
    workspace.write("onboardings/gent/binary.yaml", bytes(range(256)))
    workspace.write_key(b"\xff\xfe", "gent/tni")
    (workspace.forms / "gent" / "folder.yaml").mkdir()
    code, _, said = process("validate", cwd=workspace.root)
    assert code == 1
    assert "Traceback" not in said
    assert len(said.removesuffix(QUICK).splitlines()) == 4, (
        "the key file where it is named, and by itself"
    )


HOSTILE = "a\n::error::b ##vso[task.x]y ##[error]z \x1b[2J \u202egnp"


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        (f"onboardings/gent/{HOSTILE}.yaml", ["validate"]),
        (f"onboardings/gent/{HOSTILE}.yaml", ["validate", "--annotations"]),
        (f"onboardings/gent/{HOSTILE}.yml", ["validate", "--annotations"]),
        (f"onboardings/{HOSTILE}/a.yaml", ["validate", "--annotations"]),
        ("::error::x.yaml", ["validate", "::error::x.yaml"]),
        (f"Pulumi.{HOSTILE}.yaml", ["validate"]),
        (f"catalogue/{HOSTILE}.yaml", ["validate", "--annotations"]),
        (f"{HOSTILE}.xlsx", ["import", f"{HOSTILE}.xlsx", "--tni", "tni"]),
        (f"{HOSTILE}.md", ["review", "--base", HOSTILE]),
        (f"{HOSTILE}.md", ["github", "comment", f"{HOSTILE}.md"]),
    ],
)
def test_a_name_is_no_command_to_a_pipeline_or_a_terminal(
    workspace: Workspace, file: str, arguments: list[str]
) -> None:
    """GitHub's begin a line, Azure's are anywhere in it, GitLab's and a terminal's have an ESC."""
    lines: list[str] = []
    for content in (
        "x: 1",
        "config: {acmidm:environment: prd}",
        "config: {acmidm:a: 1}",
        "- [",
        b"\xff",
    ):
        workspace.write(file, content)
        run = acmidm(*arguments)
        assert run.exit_code or file.startswith("Pulumi."), content
        lines += (run.stdout + run.stderr).splitlines()
    for line in lines:
        assert line.isprintable()
        assert not re.search(r"##(vso)?\[", line)
        assert re.match(
            r"::error file=[^,]*,line=[0-9]+,col=[0-9]+::", line
        ) or not line.lstrip().startswith("::")
