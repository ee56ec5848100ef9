"""``acmidm probe --all``: every connection of a supplier with its one key, at a real portal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from joserfc.jwk import ECKey
from typer.testing import CliRunner, Result

from acmidm.cli import app
from acmidm.engine import pulumi
from acmidm_onboarding.stack import forms
from tests.support.engine import settings_of
from tests.support.engine_records import CLIENT, resource
from tests.support.forms import PLAIN
from tests.support.offered import catalogue_folder
from tests.support.portal import RunningPortal, new_key, public_jwk, register_client

TOWNS = {"aalst": [PLAIN], "brugge": [], "gent": None}
"""Per town the scopes that its client has; that of the last is not made yet."""


@pytest.fixture
def key(acmidm: RunningPortal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ECKey:
    """Three towns with the key of a supplier, and a state that has the clients of two."""
    monkeypatch.chdir(tmp_path)
    key, resources = new_key("shared"), []
    config = {
        "environment": "tni",
        "catalogueFolder": str(catalogue_folder()),
        **settings_of(acmidm),
    }
    write(
        "Pulumi.tni.yaml", {"config": {f"acmidm:{name}": value for name, value in config.items()}}
    )
    write("onboardings/leverancier/organisation.yaml", {"name": "Leverancier"})
    write("onboardings/leverancier/keys.yaml", {"tni": ["shared.jwk.json"]})
    write("onboardings/leverancier/shared.jwk.json", public_jwk(key))
    write("private.jwk.json", key.as_dict(private=True))
    for number, (town, scopes) in enumerate(TOWNS.items()):
        mandate = {"supplier": "leverancier", "applications": ["loket"], "until": "2099-12-31"}
        form = {"application": "loket", "contacts": ["api@stad.example"], "keys_of": "leverancier"}
        write(
            f"onboardings/{town}/organisation.yaml",
            {"name": f"Stad {town.title()}", "ovo": f"OVO00000{number}"},
        )
        write(f"onboardings/{town}/mandates.yaml", {"mandates": [mandate]})
        write(
            f"onboardings/{town}/loket.yaml",
            {**form, "environments": {"tni": {"scopes": {PLAIN: {}}}}},
        )
        if scopes is not None:
            with acmidm.operator() as operator:
                client_id = register_client(operator, keys=[key], scopes=scopes)["client_id"]
            resources.append({**resource(f"OVO00000{number}/loket", CLIENT), "id": client_id})
    monkeypatch.setattr(
        pulumi, "stack_deployment", lambda _: {"deployment": {"resources": resources}}
    )
    return key


def write(file: str, document: object) -> None:
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_text(
        json.dumps(document) if file.endswith("json") else yaml.safe_dump(document, sort_keys=False)
    )


def probe(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["probe", "--stack", "tni", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


ALL = ("--all", "--supplier", "leverancier", "--private-key", "private.jwk.json")


def test_each_connection_is_a_line_and_has_its_evidence(key: ECKey) -> None:
    """What is wrong with one is its cause alone; a connection without a client is one that does not
    work."""
    result = probe(*ALL, "--record", "--language", "en")
    assert result.exit_code == 1
    aalst, brugge, gent, *rest = result.stdout.splitlines()
    assert aalst.startswith("aalst/loket   ")
    assert aalst.endswith("  passed")
    assert "  wrong   token for dv_organisatieregister_info: " in brugge
    assert (
        gent.split("  ")[-1].strip()
        == "client-ID: the state has no client of this connection yet; wait until the run that"
        " makes it, acmidm deploy, is done"
    )
    assert rest == [
        "3 connections, 2 wrong",
        "evidence of 1 connection is recorded: commit it beside the form",
    ]
    assert [file.parent.name for file in Path("onboardings").glob("*/*.evidence.json")] == ["aalst"]
    assert str(key.as_dict(private=True)["d"]) not in result.output


def test_a_program_gets_each_report(key: ECKey) -> None:
    """As the probe of one connection has it, with whose it is."""
    result = probe(*ALL, "--output", "json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["wrong"]) == (1, 2)
    found = [(one["form"], one["outcome"], "client_id" in one) for one in report["connections"]]
    assert found == [
        ("aalst/loket", "passed", True),
        ("brugge/loket", "wrong", True),
        ("gent/loket", "wrong", False),
    ]
    assert [step["step"] for step in report["connections"][0]["probe"]["steps"]][:2] == [
        "client-id",
        "key",
    ]
    assert str(key.as_dict(private=True)["d"]) not in result.output


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "give either FORM, or --all with --supplier FOLDER"),
        (("onboardings/aalst/loket.yaml", *ALL), "give either FORM, or --all"),
        (ALL[:1] + ALL[3:], "give either FORM, or --all"),
        ((*ALL, "--client-id", "x"), "--all goes with --private-key and without --client-id"),
        (
            (*ALL[:2], "nobody", *ALL[3:]),
            "no form has keys_of: nobody on ACM/IDM tni; name another",
        ),
    ],
)
def test_wrong_use_is_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    given = (
        arguments
        if "--private-key" in arguments
        else (*arguments, "--private-key", "private.jwk.json")
    )
    result = probe(*given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr


@pytest.mark.usefixtures("key")
def test_an_unknown_platform_is_refused_before_forms_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forms, "read_onboardings", None)
    result = probe(*ALL, "--platform", "acmidn")
    assert (result.exit_code, result.stdout) == (2, "")
    assert 'platform "acmidn" is not known; did you mean "acmidm"?' in result.stderr


@pytest.mark.usefixtures("key")
def test_nobody_answers() -> None:
    file = Path("Pulumi.tni.yaml")
    document = yaml.safe_load(file.read_text())
    document["config"]["acmidm:issuer"] = "http://127.0.0.1:9/op"
    file.write_text(yaml.safe_dump(document))
    Path("onboardings/brugge/loket.yaml").unlink()
    Path("onboardings/gent/loket.yaml").write_text("nonsense: 1\n")
    result = probe(*ALL, "--language", "en")
    assert result.exit_code == 3
    assert (
        "not tried, for their mistakes: onboardings/gent/loket.yaml; acmidm validate names them"
        in result.stderr
    )
