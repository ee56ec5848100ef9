"""What is said of the connections that stay as they are recorded, because a form with a mistake may
be about them."""

from __future__ import annotations

from typing import Any

from acmidm.report.mistakes import mistakes_of
from acmidm_onboarding.stack import open_stack
from acmidm_onboarding.values.jwk import public_jwk
from tests.support.recorded_resources import resource
from tests.support.settings import read
from tests.support.workspace import FORM, Workspace, public_key

COMPONENT = "acmidm:index:Onboarding"
WRONG = "colour: blue\n"
COMPROMISED = FORM.replace(
    "jwks: [tni.jwk.json]", "jwks: [{file: tni.jwk.json, compromised: true}]"
)
SAID_OF_MISTAKES = "for a mistake in the forms may be about"
CORRECT = "correct the forms, then run the same command again"


def of_onboarding(name: str, *, keys: bool = True, **inputs: Any) -> list[dict[str, Any]]:
    """What a state has of a client, with the key that the organisation's form has on TNI."""
    component = f"urn:pulumi:tni::acmidm::{COMPONENT}::{name}"
    client: dict[str, Any] = {
        "platform": "acmidm",
        "client_name": "x",
        "organisation": {"name": "Stad Gent"},
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "contacts": ["a@stad-gent.example"],
    }
    key = public_key("tni")
    jwks = {"tni": {**key, "thumbprint": public_jwk(key).thumbprint}} if keys else {}
    scopes = {"dv_notificaties_import": "requested"}
    below = (
        ("OAuthClient", client),
        ("ClientScopes", {"scopes": scopes}),
        ("ClientJwks", {"jwks": jwks}),
    )
    return [
        {"urn": component, "type": COMPONENT, "inputs": inputs},
        *(
            resource(kind, name, values, id=f"id-{name}", parent=COMPONENT) | {"parent": component}
            for kind, values in below
        ),
    ]


def said(workspace: Workspace, *resources: dict[str, Any]) -> list[str]:
    """The sentences after those of the mistakes themselves."""
    folders = {"formsFolder": str(workspace.forms), "catalogueFolder": str(workspace.catalogue)}
    state = {"deployment": {"resources": [*resources]}}
    stack = open_stack("tni", lambda: read(**folders), export=lambda _: state)
    mistakes = list(map(str, stack.forms.onboardings.problems))
    sentences = mistakes_of(stack)
    assert sentences[: len(mistakes)] == mistakes
    return sentences[len(mistakes) :]


def test_one_that_loses_a_stolen_key_is_not_said_to_stay_as_it_is(workspace: Workspace) -> None:
    """The other of the organisation does."""
    workspace.write_form(COMPROMISED + WRONG)
    loses, stays = (f"OVO002067/{name}" for name in ("mijn-gent", "ander"))
    assert said(workspace, *of_onboarding(loses), *of_onboarding(stays, keys=False)) == [
        f"1 connection stays as it is, {SAID_OF_MISTAKES} it: Stad Gent ({stays}); {CORRECT}",
        "1 connection stays as it is but for what it loses at once, by a stolen key or the end of a"
        f" mandate, {SAID_OF_MISTAKES} it: Stad Gent ({loses}: keys); {CORRECT}",
    ]


def test_where_all_lose_something_none_is_said_to_stay_whole(workspace: Workspace) -> None:
    """A mandate that was taken out ends the scopes first."""
    workspace.write_form(FORM + WRONG)
    workspace.write("onboardings/gent/mandates.yaml", "mandates: []\n")
    workspace.write_organisation("name: Leverancier\n", "leverancier")
    mandate = {"supplier": "leverancier", "until": "2999-12-31"}
    names = [f"OVO002067/{name}" for name in ("ander", "mijn-gent")]
    recorded = [one for name in names for one in of_onboarding(name, mandate=mandate)]
    assert said(workspace, *recorded) == [
        "2 connections stay as they are but for what they lose at once, by a stolen key or the end"
        f" of a mandate, {SAID_OF_MISTAKES} them: Stad Gent ({names[0]}: scopes), Stad Gent"
        f" ({names[1]}: scopes); {CORRECT}"
    ]
