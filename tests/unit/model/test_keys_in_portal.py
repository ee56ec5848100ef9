"""The form's mode in which the organisation manages its keys in the portal."""

from __future__ import annotations

import pytest

from components.model.form import Environment
from components.model.problems import InvalidForms
from tests.unit.model.workspace import FORM, Workspace

JWKS = "    jwks: [tni.jwk.json]\n"
MODE = "    keys_managed_in_portal: true\n"
PLACE = "onboardings/gent/mijn-gent.yaml:11:5"


def test_the_connection_has_no_keys_of_its_own(workspace: Workspace) -> None:
    """In that environment; the other one keeps its declared keys."""
    workspace.write_form(FORM.replace(JWKS, MODE))
    loaded = workspace.load()
    [tni], [prod] = (loaded.connections(environment) for environment in (Environment.TNI, Environment.PROD))
    assert (tni.keys_managed_in_portal, dict(tni.keys)) == (True, {})
    assert not prod.keys_managed_in_portal
    assert prod.keys


def test_it_excludes_keys_in_the_form(workspace: Workspace) -> None:
    """Else neither would be true."""
    workspace.write_form(FORM.replace(JWKS, MODE + JWKS))
    with pytest.raises(InvalidForms) as refused:
        workspace.load()
    assert (
        str(refused.value) == f"{PLACE}: keys are managed in the portal, while jwks names some here; keep one of the two, this line or jwks"
    )


def test_it_excludes_a_client_secret(workspace: Workspace) -> None:
    """A client with a secret uses no keys. A mistake elsewhere in the environment does not hide it."""
    text = FORM.replace(JWKS, MODE + "    adopt: 1\n").replace("method: private_key_jwt", "method: client_secret_basic")
    workspace.write_form(text.replace("    jwks: [prod.jwk.json]\n", ""))
    with pytest.raises(InvalidForms) as refused:
        workspace.load()
    assert f"{PLACE}: keys are managed in the portal, while the client authenticates with client_secret_basic" in str(refused.value)


@pytest.mark.parametrize("value", ["yes please", "1.5", "[true]"])
def test_it_is_true_or_false(workspace: Workspace, value: str) -> None:
    """Anything else is told."""
    workspace.write_form(FORM.replace(JWKS, f"    keys_managed_in_portal: {value}\n"))
    with pytest.raises(InvalidForms, match='"keys_managed_in_portal" is not true or false; write true or false'):
        workspace.load()
