"""A connection that is written in a program: checked as forms are, with keys that may be known only
while it runs."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from acmidm_onboarding import program as declared
from acmidm_onboarding.onboarding import _public_keys
from tests.program.test_onboarding import CONNECTION
from tests.settings.test_settings import read
from tests.support.engine import Project
from tests.support.forms import PLAIN
from tests.support.portal import new_key, public_jwk
from tests.support.registry import Registry

_PROGRAM = """
import json, pulumi
from acmidm_onboarding import Onboarding, OnboardingArgs, connections_of
form = {{"application": "balie", "contacts": ["a@stad.example"]}}
form["environments"] = {{"tni": {{"scopes": {{"{scope}": {{}}}}}}}}
keys = pulumi.Output.from_input(json.loads('''{keys}'''))
made = connections_of({{"name": "Stad Gent", "ovo": "OVO002067"}}, form)
Onboarding(made[0].key, OnboardingArgs(made, keys=keys))
"""


def write(project: Project, scope: str, *keys: dict[str, Any]) -> None:
    (project.folder / "__main__.py").write_text(_PROGRAM.format(scope=scope, keys=json.dumps(keys)))


def test_a_program_with_a_connection_of_its_own(project: Project, registry: Registry) -> None:
    """Its mistakes are sentences, and nothing is declared; a private key is refused and not
    repeated."""
    pair = new_key("loket-1")
    write(project, "dv_organisatieregister_inf", public_jwk(pair))
    wrong = project.preview()
    assert wrong.code != 0
    assert wrong.errors == [
        'Stad Gent, balie: scope "dv_organisatieregister_inf" is not in the catalogue; did you'
        f' mean "{PLAIN}"?'
    ]

    private = pair.as_dict(private=True)
    project.secrets.append(str(private["d"]))
    write(project, PLAIN, private)
    refused = project.up()
    assert refused.code != 0
    assert [
        line
        for line in refused.errors
        if line.startswith("OVO002067/balie, key 1: the key contains the private member d;")
    ]
    assert registry.clients("balie") == []

    write(project, PLAIN, public_jwk(pair))
    project.apply()
    (client,) = registry.clients("balie")
    assert [key["kid"] for key in client["jwks"]["keys"]] == ["loket-1"]
    project.in_sync()


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        (
            {"environments": {"tni": {"jwks": [pulumi.Output.secret("x")]}}},
            "a connection that is written in a program is plain data: ",
        ),
        ({"environments": {"tni": {"jwks": "x"}}}, '"jwks" is not a list; '),
        ({"environments": 1}, '"environments" is not a mapping'),
        ({}, '"environments" is missing; '),
    ],
)
def test_what_is_no_form_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, form: dict[str, Any], sentence: str
) -> None:
    monkeypatch.setattr(declared, "_settings", read)
    lines: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", lines.append)
    with pytest.raises(SystemExit):
        declared.connections_of({"name": "Stad Gent", "ovo": "OVO002067"}, form)
    assert any(sentence in line for line in lines), lines


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (
            [],
            "is given an empty list of keys; leave keys out where the organisation uploads its own",
        ),
        (["{"], ", key 1: this is no key; give a JSON Web Key"),
        (
            [public_jwk(new_key("a")), public_jwk(new_key("a"))],
            ", key 2: its kid is that of another key",
        ),
        (
            [{"kty": "oct", "k": "c2VjcmV0"}],
            (
                ", key 1: the key is a symmetric key (kty oct); make a key pair and give its public"
                " half"
            ),
        ),
    ],
)
def test_keys_that_cannot_be_declared(keys: list[Any], sentence: str) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        _public_keys(CONNECTION, keys)
    assert sentence in str(caught.value)
    assert "c2VjcmV0" not in str(caught.value)
