"""The policy pack with the real engine: it sees what no form declares, and stops it before it
happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from acmidm_onboarding.rules.policies import POLICIES
from tests.end_to_end.deployments.test_first_preview import NO_ACCESS
from tests.support.engine import ROOT, Project
from tests.support.forms import write_form

PACK = ("--policy-pack", str(ROOT / "policies" / "pack"))
EXEMPT = {"client-secret": {"reason": "a package that knows no keys", "reference": "SD-4810"}}
BESIDE_THE_FORMS = """
import dataclasses
from acmidm_onboarding.values.client import Grant
from acmidm_onboarding.onboarding import Onboarding, OnboardingArgs

good, = [one for one, in load_onboardings() if one.form == "gent/loket"]
key, = good.jwks.values()
members = {**key.members, "kid": "slipped-in", "d": "c2VudGluZWwtdGhhdC1tdXN0LW5ldmVyLXNob3c", "exp": 4102444800}
method = {"token_endpoint_auth_method": "client_secret_post"}
bad = dataclasses.replace(
    good,
    key="OVO002067/by-hand",
    fields={**good.fields, **method},
    metadata=good.metadata.model_copy(update={"application": "by-hand", "contacts": (), **method}),
    scopes={"dv_alles": Grant("requested")},
    jwks={"slipped-in": dataclasses.replace(key, kid="slipped-in", members=members)},
)
Onboarding(bad.key, OnboardingArgs([bad]))
"""  # noqa: E501
_VIOLATION = re.compile(
    r"\[(mandatory|advisory)\]\s+(\S+)\s+\(pulumi-python:dynamic/acmidm:(\w+): (\S+)\)"
)


@pytest.fixture
def project(tmp_path: Path, random_plugin: None) -> Project:  # noqa: ARG001
    """On prod, with a form that satisfies every policy and one that is exempted from one; preview
    needs no authority."""
    made = Project(tmp_path / "project", stack="prod")
    made.prepare({**NO_ACCESS, "protectClients": True})
    write_form(made.forms, environment="prod")
    write_form(
        made.forms,
        "gent/oud",
        environment="prod",
        keys=(),
        token_endpoint_auth_method="client_secret_basic",
        exemptions=EXEMPT,
    )
    return made


def violations(output: str) -> set[tuple[str, str, str, str]]:
    """Level, policy, kind of resource, name."""
    return set(_VIOLATION.findall(output))


def test_what_no_form_declares_is_refused_policy_by_policy(project: Project) -> None:
    """And nothing of the forms, whose written exemption counts for the planned client too. Nothing
    of the private key is shown.

    RSA keys and algorithms are tried where the rules are.
    """
    program = project.folder / "__main__.py"
    program.write_text(program.read_text() + BESIDE_THE_FORMS)
    project.secrets.append("c2VudGluZWwtdGhhdC1tdXN0LW5ldmVyLXNob3c")

    outcome = project.preview(*PACK)

    assert outcome.code != 0
    assert violations(outcome.output) == {
        ("mandatory", "private-key", "ClientJwks", "OVO002067/by-hand"),
        ("mandatory", "key-lifetime", "ClientJwks", "OVO002067/by-hand"),
        ("mandatory", "client-secret", "OAuthClient", "OVO002067/by-hand"),
        ("mandatory", "no-contact", "OAuthClient", "OVO002067/by-hand"),
        ("mandatory", "unknown-scope", "ClientScopes", "OVO002067/by-hand"),
        ("advisory", "removal-on-prod", "OAuthClient", "OVO002067/by-hand"),
    }
    assert "docs/policies.md#private-key" in outcome.output


def test_lifting_the_protection_is_told_and_stops_nothing(project: Project) -> None:
    project.configure({"protectClients": False})
    outcome = project.succeed("preview", *PACK)
    assert "acmidm@v" in outcome.output
    assert {(level, policy) for level, policy, *_ in violations(outcome.output)} == {
        ("advisory", "removal-on-prod")
    }


def test_every_policy_is_in_the_pack() -> None:
    from acmidm_onboarding.policy_pack import policies

    assert [policy.name for policy in policies(Path())] == [policy.id for policy in POLICIES]
