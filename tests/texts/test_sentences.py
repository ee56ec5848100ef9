"""Every sentence about a mistake is marked for translation, and is reported in Dutch."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import acmidm
import acmidm_onboarding
import acmidm_sandbox
from acmidm.cli import app
from acmidm.engine import pulumi as engine
from acmidm_onboarding.authorities import errors
from acmidm_onboarding.texts import Language, speak
from tests.support.fake_server import Reply, Request, serving
from tests.support.workspace import FORM, Workspace

MODULE, COMMANDS = Path(acmidm_onboarding.__path__[0]), Path(acmidm.__path__[0])
PRODUCT = (MODULE, COMMANDS, Path(acmidm_sandbox.__path__[0]))
DONE = [
    *(MODULE / room for room in ("forms", "rules", "values")),
    *(COMMANDS / room for room in ("edit",)),
    *(
        COMMANDS / "commands" / f"{name}.py"
        for name in ("validate", "new", "keys", "secret", "status")
    ),
    *(COMMANDS / f"{name}.py" for name in ("git",)),
]
"""What reports to people of organisations, whose every sentence is marked: rooms, and files."""
SAYS = {
    *(name for name, kind in vars(errors).items() if isinstance(kind, type)),
    *(
        "EngineError",
        "InvalidSettings",
        "Reason",
        "Reserved",
        "UnknownRevision",
        "UnknownStack",
        "kind",
    ),
    *("Unreadable", "UnreadableState", "Unusable", "ValueError", "echo", "plain", "working"),
    *("Finding", "Problem", "problem", "_problem", "_report", "report", "fail", "append", "_check"),
}
"""What people read of: exceptions, those of authorities too, problems and findings."""
WORDS = re.compile(r"[A-Za-z]{3,} | [A-Za-z]{3,}")


@cache
def files() -> list[Path]:
    return [*chain.from_iterable(sorted(folder.rglob("*.py")) for folder in PRODUCT)]


@cache
def trees() -> dict[Path, ast.Module]:
    """Parsed by the first test that reads them, and by no worker that runs none of these."""
    return {file: ast.parse(file.read_bytes()) for file in files()}


@cache
def all_calls(tree: ast.Module) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def calls(tree: ast.Module, *names: str) -> Iterator[ast.Call]:
    return (call for call in all_calls(tree) if _name(call.func) in names)


def _name(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def written(node: ast.AST) -> Iterator[str]:
    """Each text in an expression, ``\0`` for what is filled in; nothing of calls in it, which say
    what they mean."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "\0" for part in parts
            )
        case ast.Call():
            return
        case _:
            for below in ast.iter_child_nodes(node):
                yield from written(below)


def sentences(tree: ast.Module) -> Iterator[str]:
    """Each sentence that is said without a mark for translation."""
    for call in calls(tree, *SAYS):
        for argument in (*call.args, *(one.value for one in call.keywords)):
            yield from filter(WORDS.search, written(argument))


def test_no_sentence_is_written_in_the_code() -> None:
    done = [file for file in files() if any(file.is_relative_to(one) for one in DONE)]
    assert len(done) > 50
    found = {file: said for file in done if (said := [*sentences(trees()[file])])}
    assert found == {}


def test_a_program_speaks_english() -> None:
    """What the module says in a program gets into states and outputs: commands alone choose another
    language."""
    assert [
        file
        for file, tree in trees().items()
        if file.is_relative_to(MODULE) and [*calls(tree, "speak")]
    ] == []


@pytest.fixture
def reader() -> Iterator[None]:
    """Whoever reads: English again for the tests that follow."""
    yield
    speak(Language.EN)


@pytest.mark.usefixtures("reader")
def test_a_form_with_mistakes_of_each_kind_in_dutch(workspace: Workspace) -> None:
    """Of YAML, shape, values, catalogue, product and keys: each line is Dutch, from its place to
    its end."""
    form = (
        FORM.replace("application: mijn-gent", "application: Mijn Gent\napplication: twee")
        .replace("[api-beheer@stad-gent.example]", "[niemand]")
        .replace("platforms: [acmidm]", "platform: [acmidm]\nretire: morgen")
        .replace("dv_dosis_schrijven", "dv_dosis_schrijve")
        .replace("merk_code: stad-gent", "merk_code: stad-aalst", 1)
        .replace("prod.jwk.json", "weg.pem")
    )
    workspace.write_form(form)
    result = CliRunner().invoke(app, ["validate", "--language", "nl"])
    assert result.exit_code == 1
    assert [
        line.removeprefix("onboardings/gent/mijn-gent.yaml:") for line in result.output.splitlines()
    ] == [
        (
            '1:14: "Mijn Gent" is geen naam van een applicatie; gebruik kleine letters, cijfers en'
            " enkele koppeltekens, hoogstens 64"
        ),
        '2:1: "application" staat er twee keer; behoud een van de twee',
        '3:12: "niemand" is geen e-mailadres; schrijf er een zoals api-beheer@stad.example',
        '4:1: onbekend veld "platform"; bedoelt u "platforms"?',
        '5:9: "morgen" is geen dag; schrijf er een zoals 2027-03-31',
        (
            '12:7: scope "dv_dosis_schrijve" staat niet in de catalogus; bedoelt u'
            ' "dv_dosis_schrijven"?'
        ),
        (
            '15:20: notificaties, merk_code is "stad-aalst", en daarvoor spreekt Stad Gent niet;'
            ' gebruik "stad-gent"; het onboardingteam voegt andere toe onder speaks_for in'
            " onboardings/gent/organisation.yaml"
        ),
        (
            "20:12: dit is niet de naam van een sleutelbestand; zet de publieke sleutel in een"
            " bestand naast dit bestand, met de naam *.jwk.json, of noem onder keys_of de"
            " leverancier van wie hij is"
        ),
    ]


@pytest.mark.usefixtures("reader", "workspace")
def test_what_new_misses_in_dutch() -> None:
    result = CliRunner().invoke(
        app, ["new", "--language", "nl", "--organisation", "gentt", "--set", "x"]
    )
    assert result.exit_code == 2
    assert result.output.splitlines()[:2] == [
        (
            '--set: "x" is niet PRODUCT.VELD=WAARDE; schrijf er een zoals'
            " notificaties.merk_code=stad-gent"
        ),
        (
            '--organisation: "gentt" noemt geen organisatie hier; bedoelt u "gent"? Een nieuwe'
            " heeft haar OVO-code nodig, of een KBO-nummer van haar alleen"
        ),
    ]


@pytest.mark.usefixtures("reader", "workspace")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), 'there is no stack "weg" here, and'),
        (("--language", "nl"), 'er is hier geen stack "weg", en'),
        (("--language", "en"), 'there is no stack "weg" here, and'),
    ],
)
def test_what_a_command_refuses_that_reports_in_dutch_by_itself(
    words: tuple[str, ...], sentence: str
) -> None:
    """Its refusals are in English, as everybody's, unless somebody asks for a language."""
    for command in (("orders", "list"), ("status", "--board")):
        result = CliRunner().invoke(app, [*command, "--stack", "weg", *words])
        assert sentence in result.output
        speak(Language.EN)


@pytest.mark.usefixtures("reader")
def test_an_authority_that_refuses_in_dutch(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its adapter says of the refusal, and what ``drift`` says of the stack; only the server's
    own words stay."""

    def script(request: Request) -> Reply:
        origin = f"http://{request.headers['host']}"
        if request.path.endswith("/.well-known/openid-configuration"):
            return Reply(200, {"issuer": f"{origin}/op", "token_endpoint": f"{origin}/op/token"})
        if request.path == "/op/token":
            return Reply(200, {"access_token": "a-token", "token_type": "Bearer"})
        return Reply(403, {"detail": "not yours"})

    monkeypatch.setattr(engine, "stack_deployment", lambda _: {})
    with serving(script) as server:
        settings = {
            "environment": "tni",
            "managementUrl": f"{server.url}/management",
            "issuer": f"{server.url}/op",
            "productsUrl": f"{server.url}/products",
            "operatorClientId": "onboarding",
        }
        config = {f"acmidm:{key}": value for key, value in settings.items()}
        workspace.write("Pulumi.yaml", "name: acmidm\n")
        workspace.write("Pulumi.tni.yaml", yaml.safe_dump({"config": config}))
        environment = {"ACMIDM_OPERATOR_CLIENT_SECRET": "a-secret"}
        result = CliRunner().invoke(app, ["drift", "--language", "nl"], env=environment)
    assert result.exit_code == 3
    request = f"GET {server.url}/management/clients?limit=200"
    assert result.output.splitlines() == [
        f"{request}: 403 Forbidden, not yours; laat dit recht aan de operator geven",
        "stack tni kon niet vergeleken worden: niet al zijn platformen zijn bereikbaar",
    ]
