"""What a pull request changes beside its forms: each is a line, and a danger."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest

from acmidm.git import merged
from acmidm.report.codeowners import codeowners_in
from acmidm.report.revisions.stacks import stacks_of
from tests.support.forms import DOSIS as OF_DOSIS
from tests.support.forms import NOTIFICATIES, PLAIN, organisation_of, write_form
from tests.support.portal import new_key
from tests.support.repository import EVIL, Repository, repository

__all__ = ["repository"]

CREDENTIALS, OPERATOR = "where credentials and tokens go", "who the operator is"
HIDDEN = "none → a value that is not shown"


OF_MANAGEMENT = "https://beheer.example/management/v1"
SETTINGS: dict[str, dict[str, tuple[str, str]]] = {
    CREDENTIALS: {
        "managementUrl": (EVIL, f"{OF_MANAGEMENT} → {EVIL}"),
        "smtpUrl": ("smtp://evil.example", "none → smtp://evil.example"),
        "issuer": (EVIL, f"https://op.example/op → {EVIL}"),
        "geosecure:productsUrl": (EVIL, f"none → {EVIL}"),
        "authority": ("keycloak", "none → keycloak"),
        "config:productsUrl": (EVIL, f"none → {EVIL}"),
        "geosecure:config:issuer": (EVIL, f"none → {EVIL}"),
    },
    OPERATOR: {
        "operatorClientId": ("evil", "onboarding → evil"),
        "operatorPrivateKeyFile": ("x.jwk.json", "none → x.jwk.json"),
        "operatorClientSecret": ("hunter2", HIDDEN),
        "config:operatorPrivateKey": ("hunter2", HIDDEN),
        "geosecure:operatorClientSecret": ("hunter2", HIDDEN),
    },
    "which clients are protected": {"config:protectClients": ("false", "none → false")},
    "settings": {
        "operatorClientSekret": ("hunter2", HIDDEN),
        "content": ("hunter2", HIDDEN),
        "formsFolder": ("others", "none → others"),
        "catalogueFolder": ("others", "none → others"),
        "profile": ("acmidm", "none → acmidm"),
        "retryDeadlineSeconds": ("0", "none → 0"),
    },
}
"""By what a sentence says of them: each setting, its new value, and its change as it is told."""


def test_each_setting_that_changes(repository: Repository) -> None:
    """Is told with its old value and its new one, in a sentence of what it is about; none that may
    be a secret is shown."""
    given = {name: value for of in SETTINGS.values() for name, (value, _) in of.items()}
    repository.set("prod", **given)
    report = repository.report()
    told = {}
    for change in report["other_changes"]:
        about = change["text"].removeprefix("also changes ").partition(", in Pulumi.prod.yaml: ")[0]
        told[about] = {one["field"]: f"{one['old']} → {one['new']}" for one in change["fields"]}
    assert told == {
        about: {name.replace("config:", ""): change for name, (_, change) in of.items()}
        for about, of in SETTINGS.items()
    }
    assert "hunter2" not in str(report)


def test_every_kind_of_report_has_them_and_a_pipeline_stops_on_them(
    repository: Repository,
) -> None:
    """Its headline too; no secret is in any."""
    repository.set("prod", managementUrl=EVIL, operatorClientSecret="hunter2")
    repository.commit()
    for output in ("text", "markdown", "json"):
        words = ("--base", "main", "--fail-on", "prod:danger", "--output", output)
        shown = repository.run("review", *words, code=1).output.replace("\\u2192", "→")
        assert f"No client changes; also changes {CREDENTIALS}, {OPERATOR}" in shown, output
        assert f"also changes {CREDENTIALS}, in " in shown, output
        assert EVIL in shown.replace("&#8203;", ""), output
        assert "hunter2" not in shown, output


def _without_another(repository: Repository) -> None:
    repository.set("prod", protectClients="false", managementUrl=None)


def _not_yaml(repository: Repository) -> None:
    repository.set("prod", protectClients="false")
    repository.replace("Pulumi.prod.yaml", "encryptionsalt:", "x: [\nencryptionsalt:")


def _a_second_stack(repository: Repository) -> None:
    repository.set("prod", protectClients="false")
    repository.set("prod2")


def _no_stack(repository: Repository) -> None:
    (repository.folder / "Pulumi.prod.yaml").unlink()


def _by_default(repository: Repository) -> None:
    repository.set("prod", protectClients=None)
    repository.replace(
        "Pulumi.yaml",
        'true on prod alone."\n    default: ""',
        'true on prod alone."\n    default: "false"',
    )


@pytest.mark.parametrize(
    "lift", [_without_another, _not_yaml, _a_second_stack, _no_stack, _by_default]
)
def test_protection_that_is_lifted(
    repository: Repository, lift: Callable[[Repository], None]
) -> None:
    """Is told, whatever else is wrong in the file, and whatever other stack protects the same
    environment."""
    lift(repository)
    said = "also changes which clients are protected, in Pulumi.prod.yaml"
    assert any(sentence.startswith(said) for sentence in repository.other_changes())
    if lift not in (_not_yaml, _no_stack):
        assert "protection_lifted" in repository.of_client("loket")


NEW_PRODUCT = """product: evil
title: Evil
owner: Digitaal Vlaanderen
source: a letter
scopes:
  acmidm_beheer: {title: All, verified: true, source: a letter, names: {acmidm: beheer}}
"""


DOSIS, PRODUCT = "catalogue/dosis.yaml", "scopes.dv_dosis_schrijven"
GENT = "onboardings/gent/organisation.yaml"


VALUES = {
    ("what can be granted", DOSIS): [
        ("    placeholders: [acmidm]\n", "", f"{PRODUCT}.placeholders acmidm → none"),
        (
            *("owner: Digitaal", "owner: Digitaler"),
            "owner Digitaal Vlaanderen → Digitaler Vlaanderen",
        ),
        (
            *("geosecure: DosisImport", "geosecure: Alles"),
            f"{PRODUCT}.names.geosecure DosisImport → Alles",
        ),
        ("speaks_for: exactly", "", "fields.bron_id.speaks_for exactly → none"),
    ],
    ("who an organisation is", GENT): [
        (
            *("name: Stad Gent", "name: Stad Gent\nowners: ['@evil/team']"),
            "owners none → @evil/team",
        )
    ],
    ("settings", "Pulumi.yaml"): [
        (
            *("virtualenv: .venv", "virtualenv: evil"),
            "runtime.options.virtualenv .venv → evil",
        ),
        (
            *("name: acmidm", "backend: {url: 's3://evil'}\nname: acmidm"),
            "backend.url none → s3://evil",
        ),
    ],
}
"""What a change of a file is about: each text in it, the new one, and the change as it is told."""


def test_values_that_change(repository: Repository) -> None:
    """Of organisations, catalogue and project each is told, under its name."""
    for (_, file), changes in VALUES.items():
        for old, new, _ in changes:
            repository.replace(file, old, new)
    repository.add("catalogue/evil.yaml", NEW_PRODUCT)
    found = {}
    for change in repository.report()["other_changes"]:
        about = change["text"].removeprefix("also changes ").partition(", in ")[0]
        found[about, change["subject"]] = change
    new = found.pop(("what can be granted", "catalogue/evil.yaml"))
    assert new["text"].endswith(
        ", in catalogue/evil.yaml: owner none → Digitaal Vlaanderen, product none → evil,"
        " scopes.acmidm_beheer.names.acmidm none → beheer, and 5 more"
    )
    told = {
        place: {f"{one['field']} {one['old']} → {one['new']}" for one in change["fields"]}
        for place, change in found.items()
    }
    assert told == {place: {change for *_, change in changes} for place, changes in VALUES.items()}


def test_a_new_organisation_is_a_line_to_verify_and_no_danger(repository: Repository) -> None:
    """With all that its file has; nor is who approves its forms, as acmidm schema writes it. Of one
    that exists a change is a danger."""

    def reviewed(code: int) -> list[str]:
        repository.add(".github/CODEOWNERS", codeowners_in() or "")
        repository.review("--fail-on", "danger", code=code)
        return repository.other_changes()

    repository.add("pyproject.toml", '[tool.acmidm]\nonboarding_team = "@team/onboarding"\n')
    reviewed(1)
    repository.merge()
    for town in ("aalst", "brugge"):
        form = write_form(repository.folder / "onboardings", f"{town}/loket", scopes=(PLAIN,))
        form.organisation |= {"owners": [f"@{town}/api", f"@{town}/it"], "language": "en"}
        form.save()
    said = [
        f"also adds an organisation, to be verified, in onboardings/{town}/organisation.yaml:"
        f" language en, name {town.title()}, ovo {organisation_of(town)['ovo']}, owners"
        f" @{town}/api, @{town}/it, speaks_for.aanbieder_uri {NOTIFICATIES['aanbieder_uri']},"
        f" speaks_for.bron_uri {OF_DOSIS['bron_uri']}, speaks_for.merk_code"
        f" {NOTIFICATIES['merk_code']}"
        for town in ("aalst", "brugge")
    ]
    assert reviewed(0) == said
    repository.replace(GENT, "name: Stad Gent", "name: Stad Gent\nowners: ['@evil/team']")
    assert reviewed(1) == [
        f"also changes who an organisation is, in {GENT}: owners none → @evil/team",
        *said,
    ]
    repository.add(".github/CODEOWNERS", f"{codeowners_in()}* @evil/team\n")
    assert any(
        line.startswith("also changes what pipelines do or who approves: .github/CODEOWNERS ")
        for line in repository.other_changes()
    )


FOR_AGENTS = ("CLAUDE.md", "docs/AGENTS.md", ".claude/commands/x.md", "docs/.cursor/rules.md")
FILES = {
    "code": (
        "acmidm/review.py",
        "httpx.py",
        "Makefile",
        "catalogue/.gitattributes",
        "a/README.md",
        "LICENSE",
        "docs/x.py",
        "policies/x.py",
        "components/acmidm_onboarding/rules/policies.py",
        *FOR_AGENTS,
    ),
    "which packages are installed": ("requirements.txt",),
    "what pipelines do or who approves": (
        ".github/workflows/review.yml",
        ".github/CODEOWNERS",
        "docs/CODEOWNERS",
        ".gitlab-ci.yml",
        "azure-pipelines.yml",
    ),
}


def test_files_that_change(repository: Repository) -> None:
    """Code, and what a coding agent takes for its instructions; pipelines and packages: each by its
    name."""
    for file in chain.from_iterable(FILES.values()):
        repository.add(file)
    told = {}
    for change in repository.report()["other_changes"]:
        about = change["text"].removeprefix("also changes ").partition(": ")[0]
        told[about] = {one["field"] for one in change["fields"]}
        assert {(one["old"], one["new"]) for one in change["fields"]} == {("none", "587be6b4c3")}
    assert told == {about: set(files) for about, files in FILES.items()}


def _gitlink(repository: Repository, path: str) -> None:
    repository.commit()
    head = repository.git("rev-parse", "HEAD")
    (repository.folder / path).mkdir(parents=True)
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{head},{path}")


def _with_mode(repository: Repository, mode: int, *paths: str) -> None:
    for path in paths:
        repository.add(path)
        (repository.folder / path).chmod(mode)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda one: _with_mode(
                one,
                0o644,
                "docs/page.md",
                "docs/images/a.png",
                "README.md",
                "people.yaml",
                "schema/onboarding.schema.json",
            ),
            [],
        ),
        (
            lambda one: _with_mode(one, 0o755, "docs/page.md"),
            ["docs/page.md none → 587be6b4c3 100755"],
        ),
        (
            lambda one: _with_mode(one, 0o755, "onboardings/gent/x.jwk.json"),
            ["onboardings/gent/x.jwk.json none → 587be6b4c3 100755"],
        ),
        (lambda one: _gitlink(one, "docs/x"), ["docs/x none → ", " 160000"]),
        (
            lambda one: (
                one.set("prod", issuer=EVIL),
                (one.folder / "Pulumi.prod.yaml").chmod(0o755),
            ),
            [f"issuer https://op.example/op → {EVIL}", "100755"],
        ),
    ],
)
def test_what_nobody_runs_is_a_page_or_a_picture(
    repository: Repository, change: Callable[[Repository], None], told: list[str]
) -> None:
    """Where people look for one, and a plain file: any other mode is told."""
    change(repository)
    found = " ".join(repository.other_changes())
    assert all(part in found for part in told)
    assert bool(told) is bool(found)


def test_a_change_that_no_value_shows_is_told_all_the_same(repository: Repository) -> None:
    """Such as a comment, or a value that another reader of YAML takes otherwise; text about the
    project is none."""
    repository.replace("Pulumi.prod.yaml", "config:", "config: # more")
    repository.add("docs/page.md")
    repository.add("README.md")
    (said,) = repository.other_changes()
    assert said.startswith("also changes settings, in Pulumi.prod.yaml: content ")


@pytest.mark.parametrize(
    ("file", "old", "new", "more", "said"),
    [
        (
            "Pulumi.prod.yaml",
            "https://beheer.example/management/v1",
            EVIL,
            '"config.acmidm:managementUrl": https://beheer.example/management/v1',
            [
                (
                    f"also changes {CREDENTIALS}, in Pulumi.prod.yaml: managementUrl"
                    f" https://beheer.example/management/v1 → {EVIL}"
                ),
                (
                    'also changes settings, in Pulumi.prod.yaml: "config.acmidm:managementUrl" none'
                    " → a value that is not shown"
                ),
            ],
        ),
        (
            "catalogue/dosis.yaml",
            'pattern: "^[A-Za-z]',
            'pattern: "^',
            """  "properties.bron_uri.pattern": '^[A-Za-z][A-Za-z0-9+.-]*:\\S+$'""",
            ["configuration.properties.bron_uri.pattern ^[A-Za-z]"],
        ),
        (
            "Pulumi.prod.yaml",
            "'true'",
            "'false'",
            "evil:",
            ["protectClients true → false", "content "],
        ),
    ],
    ids=["setting", "catalogue", "null"],
)
def test_no_key_hides_another(
    repository: Repository, file: str, old: str, new: str, more: str, said: list[str]
) -> None:
    """One with dots in it is not one in a mapping; where one has no value, the file's content is
    told beside the others."""
    repository.replace(file, old, new)
    repository.add(file, f"{(repository.folder / file).read_text()}{more}\n")
    found = json.loads(repository.review("--output", "json").stdout)["other_changes"]
    fields = ", ".join(
        f"{one['field']} {one['old']} → {one['new']}"
        for change in found
        for one in change["fields"]
    )
    told = [*(change["text"] for change in found), fields]
    assert all(any(sentence in one for one in told) for sentence in said), told


def test_a_stack_is_what_its_settings_say(repository: Repository) -> None:
    """And no key beside them: else forms would be read from a folder that nobody deploys."""
    for stack in ("prod", "tni"):
        repository.set(stack, environment=stack, formsFolder="others")
        repository.add(
            file := f"Pulumi.{stack}.yaml",
            f'{(repository.folder / file).read_text()}"config.acmidm:formsFolder": onboardings\n',
        )
    repository.commit()
    assert stacks_of(merged("change", "change")[0]).forms == [Path("others")]


def test_no_value_hides_another(repository: Repository) -> None:
    """Many new ones are behind those that were there; and no key that somebody pasted into whatever
    field is repeated."""
    pasted = new_key().as_pem(private=True).decode().replace("\n", "")
    new = {f"a{number:03}": "x" for number in range(400)}
    repository.set("prod", **new, requestTimeoutSeconds=30, operatorPrivateKeyFile=pasted)
    page = repository.review("--output", "markdown").stdout
    assert "requestTimeoutSeconds: `none` → `30`" in page
    assert re.search(
        r"^  - \*\*and \d+ more\*\*: the same command with `--output text`$", page, re.MULTILINE
    )
    assert pasted[30:60] not in page


def test_a_change_does_not_choose_where_it_is_read(repository: Repository) -> None:
    """Forms and catalogue are read where the stacks before it have them, and scopes are described
    as they were."""
    repository.set("prod", formsFolder="others", catalogueFolder="others")
    repository.set(
        "tni",
        environment="tni",
        protectClients="false",
        formsFolder="others",
        catalogueFolder="others",
    )
    repository.replace("catalogue/organisatieregister.yaml", "owner: ", "owner: Niet ")
    repository.write("tweede")
    granted = repository.of_client("tweede")["scope_granted"]
    assert granted["owner"] == "Digitaal Vlaanderen"


def test_many_changes_push_none_of_the_worst_out_of_a_comment(repository: Repository) -> None:
    """What was there before is first, whatever it is, and what is left out is counted."""
    repository.add("onboardings/gent/gone.yaml")
    repository.merge()
    (repository.folder / "onboardings/gent/gone.yaml").unlink()
    repository.set("prod", managementUrl=EVIL)
    repository.replace(
        "onboardings/gent/organisation.yaml",
        "name: Stad Gent",
        "name: Stad Gent\nowners: ['@evil/team']",
    )
    repository.add("acmidm/review.py")
    for number in range(250):
        repository.set(f"a{number:03}", managementUrl=f"https://{number}.example/{'x' * 300}")
    page = repository.review("--output", "markdown").stdout
    first = page.index("https://0.example")
    assert all(
        page.index(worse) < first
        for worse in (EVIL, "gent/organisation.yaml", "acmidm/review.py", "gent/gone.yaml")
    )
    assert re.search(r"^- \*\*and \d+ more\*\*: the same command ", page, re.MULTILINE)
    assert len(page) < 65_536
