"""Policies that the loader checks forms with: the place, the exemption, and the profile that a
stack sets."""

from __future__ import annotations

import time

import pytest
from typer.testing import CliRunner, Result

from acmidm.cli import app
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.values.terms import Environment
from tests.support.workspace import FORM, WITHOUT_KEYS, Workspace, place_of_mark

GENT = "onboardings/gent/mijn-gent.yaml"
SECRET = WITHOUT_KEYS.replace("method: private_key_jwt", "method: ▶client_secret_basic")
EXEMPTION = (
    "exemptions: {client-secret: {reason: a package that knows no keys, reference:"
    " SD-4810}}\nenvironments:\n"
)
REFUSED = (
    "the client authenticates with client_secret_basic on prod; use private_key_jwt, or add under"
    " exemptions client-secret: {reason: …, reference: …} (docs/policies.md#client-secret)"
)
EXP = f',\n  "exp": {int(time.time()) + 1500 * 86400}'


def sentences(
    workspace: Workspace, profile: Profile = Profile.ACMIDM, *environments: Environment
) -> list[str]:
    return workspace.sentences(profiles=dict.fromkeys(environments or Environment, profile))


def validate(*options: str) -> Result:
    return CliRunner().invoke(app, ["validate", *options])


def test_a_secret_on_prod_is_refused_where_it_is_chosen(workspace: Workspace) -> None:
    workspace.write_form(place_of_mark(SECRET)[0])
    assert sentences(workspace) == [f"{GENT}:4:29: {REFUSED}"]
    assert sentences(workspace, Profile.ACMIDM, Environment.TNI) == [], (
        "production is no business of another stack"
    )


def test_a_written_exemption_lets_it_pass(workspace: Workspace) -> None:
    workspace.write_form(place_of_mark(SECRET)[0].replace("environments:\n", EXEMPTION))
    assert sentences(workspace) == []
    assert sentences(workspace, Profile.FAPI2) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("reason: a package that knows no keys, ", '"reason" is missing; add it'),
        (", reference: SD-4810", '"reference" is missing; add it'),
        ("a package that knows no keys", '"reason" is empty; fill it in'),
    ],
)
def test_an_exemption_has_a_reason_and_a_reference(
    change: str, sentence: str, workspace: Workspace
) -> None:
    """That alone is reported then, not also that the policy is violated."""
    exemption = EXEMPTION.replace(change, '""' if "empty" in sentence else "")
    workspace.write_form(place_of_mark(SECRET)[0].replace("environments:\n", exemption))
    assert [one.partition(": ")[2] for one in sentences(workspace)] == [sentence]


@pytest.mark.parametrize("policy", ["private-key", "client-secrets"])
def test_only_some_policies_know_exemptions(policy: str, workspace: Workspace) -> None:
    workspace.write_form(
        place_of_mark(SECRET)[0].replace(
            "environments:\n", EXEMPTION.replace("client-secret", policy)
        )
    )
    assert len(sentences(workspace)) == 1
    assert f'"{policy}" is not known' in sentences(workspace)[0]


def test_a_key_is_reported_at_its_place_among_the_keys(workspace: Workspace) -> None:
    """Also where a key before it is refused for other reasons."""
    text, line, column = place_of_mark(
        FORM.replace("[tni.jwk.json]", "[wrong.jwk.json, ▶tni.jwk.json]")
    )
    workspace.write_form(text)
    workspace.write_key("{}", "gent/wrong")
    (workspace.forms / "gent" / "tni.jwk.json").write_text(
        (workspace.forms / "gent" / "tni.jwk.json").read_text().replace("\n}", f"{EXP}\n}}")
    )
    found = [one for one in sentences(workspace) if "key-lifetime" in one]
    assert len(found) == 1
    assert found[0].startswith(f'{GENT}:{line}:{column}: key "tni" is valid until ')


def test_the_stricter_profile_refuses_what_acmidm_takes(workspace: Workspace) -> None:
    assert sentences(workspace) == []
    violations = sentences(workspace, Profile.FAPI2)
    assert [("key-algorithm" in one, "key-lifetime" in one) for one in violations] == [
        (True, False),
        (False, True),
    ] * 2


def test_validate_goes_by_the_profile_that_a_stack_sets(workspace: Workspace) -> None:
    assert validate().exit_code == 0
    workspace.write(
        "Pulumi.strict.yaml", "config: {acmidm:environment: prod, acmidm:profile: fapi2}\n"
    )
    workspace.write("Pulumi.lenient.yaml", "config: {acmidm:environment: prod}\n")
    result = validate()
    assert result.exit_code == 1
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [
        f"{GENT}:18:12"
    ] * 2, "prod's key alone"


def test_annotations_show_each_mistake_at_its_line_on_github(workspace: Workspace) -> None:
    """Nothing in a form can end the command or start another."""
    workspace.write_form(FORM.replace("mijn-gent\n", '"mijn%0Agent\\n::set-output name=x::"\n', 1))
    result = validate("--annotations")
    assert result.exit_code == 1
    annotations = result.stdout.splitlines()
    assert len(annotations) == 1
    assert annotations[0].startswith(f"::error file={GENT},line=1,col=14::")
    assert "%250Agent" in annotations[0]
    assert validate().stdout == ""
