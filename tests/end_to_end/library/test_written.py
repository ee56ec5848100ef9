"""A connection that is written in a program: checked as forms are, with keys that may be known only
while it runs."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from acmidm_onboarding import program as declared
from acmidm_onboarding.onboarding import _public_keys
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.values.jwk import public_jwk as parsed
from acmidm_onboarding.values.keys import PublicKeys
from tests.support.declared_connection import CONNECTION
from tests.support.engine import Project
from tests.support.forms import PLAIN
from tests.support.portal import new_key, public_jwk
from tests.support.registry import Registry
from tests.support.settings import read
from tests.support.workspace import public_key

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


_AT_RUN_TIME = """
import pulumi_random
made_first = pulumi_random.RandomPassword("made-first", length=9).result
keys = pulumi.Output.all(keys, made_first).apply(lambda both: both[0])
made = """


@pytest.mark.usefixtures("random_plugin")
def test_keys_that_are_known_at_run_time_satisfy_the_policies(
    project: Project, registry: Registry
) -> None:
    """As those of a form do: a run refuses what its preview could not see, and makes no client."""
    project.configure({"profile": "fapi2"})
    pair = new_key("loket-1")
    soon = {"exp": int(time.time()) + 30 * 86_400}
    weak = public_key("loket-1")

    def write_later(*keys: dict[str, Any]) -> None:
        write(project, PLAIN, *keys)
        file = project.folder / "__main__.py"
        program = file.read_text().replace("balie", "later")  # nobody else's client
        file.write_text(program.replace("\nmade = ", _AT_RUN_TIME, 1))

    write_later(weak)
    refused = project.up()
    assert refused.code != 0
    for sentence in (
        'OVO002067/later: key "loket-1" has no alg, and may sign with any algorithm of its type;'
        " profile fapi2 requires PS256, or add under exemptions key-algorithm: {reason: …,"
        " reference: …} (docs/policies.md#key-algorithm)",
        'OVO002067/later: key "loket-1" has no exp; profile fapi2 requires one: give the key an'
        " end, or add under exemptions key-lifetime: {reason: …, reference: …}"
        " (docs/policies.md#key-lifetime)",
    ):
        assert sentence in refused.output, refused.output
    assert registry.clients("later") == []

    write_later({**public_jwk(pair), **soon})
    project.apply()
    (client,) = registry.clients("later")
    assert [key["kid"] for key in client["jwks"]["keys"]] == ["loket-1"]


@pytest.mark.exhaustive
def test_of_a_program_that_is_refused_nothing_is_saved_and_nothing_runs(project: Project) -> None:
    """Whatever the engine had seen when the program ended."""
    project.configure({"profile": "fapi2"})
    write(project, PLAIN, public_key("loket-1"))
    saved = project.folder / "approved.json"
    reviewed = project.acmidm("review", "--stack", "tni", "--save", str(saved))
    assert reviewed.code == 3, reviewed.output
    assert not saved.exists()
    deployed = project.recover()
    assert deployed.code == 1
    assert "nothing of tni is brought up" in deployed.stderr, deployed.output


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
        (
            {
                "application": "balie",
                "contacts": ["a@stad.example"],
                "environments": {"tni": {"scopes": {"dv_organisatieregister_inf": {}}}},
            },
            f'scope "dv_organisatieregister_inf" is not in the catalogue; did you mean "{PLAIN}"?',
        ),
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


PRIVATE: dict[str, Any] = new_key("loket-1").as_dict(private=True)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (
            [],
            "is given an empty list of keys; leave keys out where the organisation uploads its own",
        ),
        (["{"], ", key 1: this is no key; give a JSON Web Key"),
        ([PRIVATE], ", key 1: the key contains the private member d;"),
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
        _public_keys(CONNECTION, keys, Profile.ACMIDM)
    assert sentence in str(caught.value)
    assert not any(secret in str(caught.value) for secret in ("c2VjcmV0", PRIVATE["d"]))


def test_a_key_that_its_form_says_is_compromised_cannot_be_given() -> None:
    stolen = public_jwk(new_key("stolen"))
    said = PublicKeys(compromised=frozenset({parsed(stolen).thumbprint}))
    with pytest.raises(pulumi.RunError, match="its form says that this key is compromised; give"):
        _public_keys(replace(CONNECTION, keys=said), [stolen], Profile.ACMIDM)
