"""What a pull request changes beside its forms: each is a line, and a danger."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from acmidm.git import merged
from acmidm.report.stacks import stacks_of
from tests.report.repository import EVIL, Repository, repository
from tests.support.portal import new_key

__all__ = ["repository"]

CREDENTIALS = "also changes where the operator's credentials go, in Pulumi.prod.yaml: "


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"managementUrl": EVIL}, f"{CREDENTIALS}managementUrl https://beheer.example/management/v1 → {EVIL}"),
        ({"smtpUrl": "smtp://evil.example"}, f"{CREDENTIALS}smtpUrl none → smtp://evil.example"),
        ({"issuer": EVIL}, f"{CREDENTIALS}issuer https://op.example/op → {EVIL}"),
        ({"geosecureProductsUrl": EVIL}, f"{CREDENTIALS}geosecureProductsUrl none → {EVIL}"),
        ({"authority": "keycloak"}, f"{CREDENTIALS}authority none → keycloak"),
        ({"operatorClientId": "evil"}, "also changes who the operator is, in Pulumi.prod.yaml: operatorClientId onboarding → evil"),
        (
            {"operatorPrivateKeyFile": "x.jwk.json"},
            "also changes who the operator is, in Pulumi.prod.yaml: operatorPrivateKeyFile none → x.jwk.json",
        ),
        (
            {"operatorClientSecret": "hunter2"},
            "also changes who the operator is, in Pulumi.prod.yaml: operatorClientSecret none → a value that is not shown",
        ),
        (
            {"operatorClientSekret": "hunter2"},
            "also changes settings, in Pulumi.prod.yaml: operatorClientSekret none → a value that is not shown",
        ),
        ({"config:managementUrl": EVIL}, f"{CREDENTIALS}managementUrl none → {EVIL}"),
        (
            {"config:protectClients": "false"},
            "also changes which clients are protected, in Pulumi.prod.yaml: protectClients none → false",
        ),
        (
            {"config:operatorClientSecret": "hunter2"},
            "also changes who the operator is, in Pulumi.prod.yaml: operatorClientSecret none → a value that is not shown",
        ),
        ({"formsFolder": "others"}, "also changes settings, in Pulumi.prod.yaml: formsFolder none → others"),
        ({"catalogueFolder": "others"}, "also changes settings, in Pulumi.prod.yaml: catalogueFolder none → others"),
        ({"profile": "acmidm"}, "also changes settings, in Pulumi.prod.yaml: profile none → acmidm"),
        ({"retryDeadlineSeconds": "0"}, "also changes settings, in Pulumi.prod.yaml: retryDeadlineSeconds none → 0"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_each_setting_that_changes(repository: Repository, changes: dict[str, object], said: str) -> None:
    """Is told with its old value and its new one, in a sentence of what it is about; none that may be a secret is shown."""
    repository.set("prod", **changes)
    assert repository.beside() == [said]


@pytest.mark.parametrize("output", ["text", "markdown", "json", "html"])
def test_every_kind_of_report_has_them_and_a_pipeline_stops_on_them(repository: Repository, output: str) -> None:
    """Its headline too; no secret is in any."""
    repository.set("prod", managementUrl=EVIL, operatorClientSecret="hunter2")
    shown = repository.review("--fail-on", "prod:danger", "--output", output, code=1).output.replace("&#39;", "'").replace("\\u2192", "→")
    assert "No client changes; also changes where the operator's credentials go, who the operator is" in shown
    assert "also changes where the operator's credentials go, in " in shown
    assert EVIL in shown.replace("&#8203;", "").replace("<wbr>", "")
    assert "hunter2" not in shown


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
    repository.replace("Pulumi.yaml", 'true on prod alone."\n    default: ""', 'true on prod alone."\n    default: "false"')


@pytest.mark.parametrize("lift", [_without_another, _not_yaml, _a_second_stack, _no_stack, _by_default])
def test_protection_that_is_lifted(repository: Repository, lift: Callable[[Repository], None]) -> None:
    """Is told, whatever else is wrong in the file, and whatever other stack protects the same environment."""
    lift(repository)
    said = "also changes which clients are protected, in Pulumi.prod.yaml"
    assert any(sentence.startswith(said) for sentence in repository.beside())
    if lift not in (_not_yaml, _no_stack):
        assert "protection_lifted" in repository.of_client("loket")


NEW_PRODUCT = """product: evil
title: Evil
owner: Digitaal Vlaanderen
source: a letter
scopes:
  acmidm_beheer: {title: All, verified: true, source: a letter, names: {acmidm: beheer}}
"""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda one: one.add("catalogue/evil.yaml", NEW_PRODUCT),
            "also changes what can be granted, in catalogue/evil.yaml: owner none → Digitaal Vlaanderen, product none → evil, "
            "scopes.acmidm_beheer.names.acmidm none → beheer, and 5 more",
        ),
        (
            lambda one: one.replace("catalogue/dosis.yaml", "verified: false", "verified: true"),
            "also changes what can be granted, in catalogue/dosis.yaml: scopes.dv_dosis_schrijven.verified false → true",
        ),
        (
            lambda one: one.replace("catalogue/dosis.yaml", "owner: Digitaal", "owner: Digitaler"),
            "also changes what can be granted, in catalogue/dosis.yaml: owner Digitaal Vlaanderen → Digitaler Vlaanderen",
        ),
        (
            lambda one: one.replace("catalogue/mijn-burgerprofiel.yaml", "speaks_for: exactly", ""),
            "also changes what can be granted, in catalogue/mijn-burgerprofiel.yaml: fields.widget_id.speaks_for exactly → none",
        ),
        (
            lambda one: one.replace("catalogue/notificaties.yaml", "NotificatiesImport", "Alles"),
            "also changes what can be granted, in catalogue/notificaties.yaml: "
            "scopes.dv_notificaties_schrijven.names.geosecure NotificatiesImport → Alles",
        ),
        (
            lambda one: one.replace("onboardings/gent/organisation.yaml", "name: Stad Gent", "name: Stad Gent\nowners: ['@evil/team']"),
            "also changes who an organisation is, in onboardings/gent/organisation.yaml: owners none → @evil/team",
        ),
        (
            lambda one: one.add("onboardings/nieuw/organisation.yaml", "name: Nieuw\nkbo: '0417497106'\nsuppliers: [gent]\n"),
            "also changes who an organisation is, in onboardings/nieuw/organisation.yaml: kbo none → 0417497106, name none → Nieuw, "
            "suppliers none → gent",
        ),
        (lambda one: one.add("acmidm/review.py"), "also changes code: acmidm/review.py none → 587be6b4c3"),
        (lambda one: one.add("httpx.py"), "also changes code: httpx.py none → 587be6b4c3"),
        (lambda one: one.add("Makefile"), "also changes code: Makefile none → 587be6b4c3"),
        (lambda one: one.add("catalogue/.gitattributes"), "also changes code: catalogue/.gitattributes none → 587be6b4c3"),
        (lambda one: one.add("policies/x.py"), "also changes policies: policies/x.py none → 587be6b4c3"),
        (lambda one: one.add("requirements.txt"), "also changes which packages are installed: requirements.txt none → 587be6b4c3"),
        *(
            (lambda one, file=file: one.add(file), f"also changes what pipelines do or who approves: {file} none → 587be6b4c3")
            for file in (".github/workflows/review.yml", ".github/CODEOWNERS", "docs/CODEOWNERS", ".gitlab-ci.yml", "azure-pipelines.yml")
        ),
        (
            lambda one: one.replace("Pulumi.yaml", "virtualenv: .venv", "virtualenv: evil"),
            "also changes settings, in Pulumi.yaml: runtime.options.virtualenv .venv → evil",
        ),
        (
            lambda one: one.replace("Pulumi.yaml", "name: acmidm", "backend: {url: 's3://evil'}\nname: acmidm"),
            "also changes settings, in Pulumi.yaml: backend.url none → s3://evil",
        ),
    ],
)
def test_whatever_else_changes(repository: Repository, change: Callable[[Repository], None], said: str) -> None:
    """Organisations and catalogue by value; code, pipelines, policies, packages by file."""
    change(repository)
    assert repository.beside() == [said]


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
        (lambda one: _with_mode(one, 0o644, "docs/page.md", "docs/images/a.png", "README.md", "schema/onboarding.schema.json"), []),
        *(
            (lambda one, file=file: one.add(file), [f"{file} none → 587be6b4c3"])
            for file in (
                "CLAUDE.md",
                "docs/AGENTS.md",
                ".claude/commands/x.md",
                "docs/.cursor/rules.md",
                "a/README.md",
                "LICENSE",
                "docs/x.py",
            )
        ),
        (lambda one: _with_mode(one, 0o755, "docs/page.md"), ["docs/page.md none → 587be6b4c3 100755"]),
        (lambda one: _with_mode(one, 0o755, "onboardings/gent/x.jwk.json"), ["onboardings/gent/x.jwk.json none → 587be6b4c3 100755"]),
        (lambda one: _gitlink(one, "docs/x"), ["docs/x none → ", " 160000"]),
        (
            lambda one: (one.set("prod", issuer=EVIL), (one.folder / "Pulumi.prod.yaml").chmod(0o755)),
            [f"issuer https://op.example/op → {EVIL}", "100755"],
        ),
    ],
)
def test_what_nobody_runs_is_a_page_or_a_picture(repository: Repository, change: Callable[[Repository], None], told: list[str]) -> None:
    """Where people look for one, and a plain file. What a coding agent takes for its instructions is code; any other mode is told."""
    change(repository)
    found = " ".join(repository.beside())
    assert all(part in found for part in told)
    assert bool(told) is bool(found)


def test_a_change_that_no_value_shows_is_told_all_the_same(repository: Repository) -> None:
    """Such as a comment, or a value that another reader of YAML takes otherwise; text about the project is none."""
    repository.replace("Pulumi.prod.yaml", "config:", "config: # more")
    repository.add("docs/page.md")
    repository.add("README.md")
    (said,) = repository.beside()
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
                f"{CREDENTIALS}managementUrl https://beheer.example/management/v1 → {EVIL}",
                'also changes settings, in Pulumi.prod.yaml: "config.acmidm:managementUrl" none → a value that is not shown',
            ],
        ),
        (
            "catalogue/dosis.yaml",
            'pattern: "^[A-Za-z]',
            'pattern: "^',
            """  "properties.bron_uri.pattern": '^[A-Za-z][A-Za-z0-9+.-]*:\\S+$'""",
            ["configuration.properties.bron_uri.pattern ^[A-Za-z]"],
        ),
        ("Pulumi.prod.yaml", "'true'", "'false'", "evil:", ["protectClients true → false", "content "]),
    ],
    ids=["setting", "catalogue", "null"],
)
def test_no_key_hides_another(repository: Repository, file: str, old: str, new: str, more: str, said: list[str]) -> None:
    """One with dots in it is not one in a mapping; where one has no value, the file's content is told beside the others."""
    repository.replace(file, old, new)
    repository.add(file, f"{(repository.folder / file).read_text()}{more}\n")
    found = json.loads(repository.review("--output", "json").stdout)["beside"]
    fields = ", ".join(f"{one['field']} {one['old']} → {one['new']}" for change in found for one in change["fields"])
    told = [*(change["text"] for change in found), fields]
    assert all(any(sentence in one for one in told) for sentence in said), told


def test_a_stack_is_what_its_settings_say(repository: Repository) -> None:
    """And no key beside them: else forms would be read from a folder that nobody deploys."""
    for stack in ("prod", "tni"):
        repository.set(stack, environment=stack, formsFolder="others")
        repository.add(
            file := f"Pulumi.{stack}.yaml", f'{(repository.folder / file).read_text()}"config.acmidm:formsFolder": onboardings\n'
        )
    repository.commit()
    assert stacks_of(merged("change", "change")[0]).forms == [Path("others")]


def test_no_value_hides_another(repository: Repository) -> None:
    """Many new ones are behind those that were there; and no key that somebody pasted into whatever field is repeated."""
    pasted = new_key().as_pem(private=True).decode().replace("\n", "")
    new = {f"a{number:02}": "x" for number in range(40)}
    repository.set("prod", **new, requestTimeoutSeconds=30, operatorPrivateKeyFile=pasted)
    page = repository.review("--output", "markdown").stdout
    assert "requestTimeoutSeconds `none` → `30`" in page
    assert "and 30 more" in page, "with them, that the file has a mistake: a key"
    assert pasted[30:60] not in page


def test_a_change_does_not_choose_where_it_is_read(repository: Repository) -> None:
    """Forms and catalogue are read where the stacks before it have them, and scopes are described as they were."""
    repository.set("prod", formsFolder="others", catalogueFolder="others")
    repository.set("tni", environment="tni", protectClients="false", formsFolder="others", catalogueFolder="others")
    repository.replace("catalogue/organisatieregister.yaml", "owner: ", "owner: Niet ")
    repository.write("tweede")
    granted = repository.of_client("tweede")["scope_granted"]
    assert granted["owner"] == "Digitaal Vlaanderen"


def test_many_changes_push_none_of_the_worst_out_of_a_comment(repository: Repository) -> None:
    """What was there before is first, whatever it is, and what is left out is counted."""
    repository.git("switch", "--quiet", "main")
    repository.add("onboardings/gent/gone.yaml")
    repository.commit()
    repository.git("switch", "--quiet", "--force-create", "change")
    (repository.folder / "onboardings/gent/gone.yaml").unlink()
    repository.set("prod", managementUrl=EVIL)
    repository.replace("onboardings/gent/organisation.yaml", "name: Stad Gent", "name: Stad Gent\nowners: ['@evil/team']")
    repository.add("acmidm/review.py")
    for number in range(400):
        repository.set(f"a{number:03}", managementUrl=f"https://{number}.example/{'x' * 300}")
    page = repository.review("--output", "markdown").stdout
    first = page.index("https://0.example")
    assert all(page.index(worse) < first for worse in (EVIL, "gent/organisation.yaml", "acmidm/review.py", "gent/gone.yaml"))
    assert "**Left out for length**" in page
    assert len(page) < 65_536
