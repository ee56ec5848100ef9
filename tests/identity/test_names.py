"""Names that would meet in the engine are refused before it sees them."""

from __future__ import annotations

import pytest

from tests.identity.places import OTHER
from tests.support.cases import cases
from tests.support.engine import Project
from tests.support.forms import write_form

GEOSECURE = {
    "geosecureManagementUrl": "http://127.0.0.1:1/management/v1",
    "geosecureIssuer": "http://127.0.0.1:1",
    "geosecureProductsUrl": "http://127.0.0.1:1/products/v1",
    "geosecureOperatorClientId": "operator",
    "geosecureOperatorClientSecret": "of-tests",
}
"""An authority that no preview speaks to."""


def test_a_geosecure_client_and_an_application_of_that_name(project: Project) -> None:
    """Both were children of the same name: Duplicate resource URN."""
    project.configure(GEOSECURE)
    write_form(project.forms, "vlaio/ondernemerssteun", platforms=["acmidm", "geosecure"], **OTHER)
    write_form(project.forms, "vlaio/geosecure", application="geosecure", **OTHER)
    refused = project.preview()
    assert refused.code != 0
    assert "Duplicate resource URN" not in refused.output
    assert any("geosecure.yaml:" in sentence and '"geosecure"' in sentence for sentence in refused.errors), refused.errors


@pytest.mark.parametrize("folder", cases({name: name for name in ("a::b$c", "Gent", "gent_1", "a--b")}, "a::b$c"))
def test_a_folder_that_is_no_name(project: Project, folder: str) -> None:
    """Each would be part of a resource's name, or of a path that nobody can type."""
    write_form(project.forms, f"{folder}/loket")
    refused = project.preview()
    assert refused.code != 0
    assert any("lower case" in sentence for sentence in refused.errors), refused.errors
