"""The story of ``make demo``, on a portal of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

from components.model.loading import load_catalogue
from demo.story import PROJECT, Story
from tests.support.portal import OPERATOR, running_portal
from toolchain.environment import variables


def test_an_organisation_gets_from_its_form_to_a_notification_and_on_to_dosis(tmp_path: Path) -> None:
    """The notification is accepted; DOSIS is refused without its scope, and accepted after the scope extension."""
    catalogue = load_catalogue(PROJECT / "catalogue")
    scopes = {name: {"assigned_by_provider": scope.assigned_by_provider} for name, scope in catalogue.scopes.items()}
    products = {
        name: {"schema": product.configuration, "scope": next(iter(product.scopes))}
        for name, product in catalogue.products.items()
        if product.configuration is not None
    }
    said: list[str] = []
    (tmp_path / "state").mkdir()
    with running_portal(tmp_path / "portal", scopes=scopes, products=products) as portal:
        key_file = tmp_path / "operator.jwk.json"
        key_file.write_text(json.dumps(portal.operator_key.as_dict(private=True)))
        Story(
            folder=tmp_path / "demo",
            origin=portal.origin,
            operator=OPERATOR,
            operator_key_file=key_file,
            environment={**os.environ, **variables(), "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}"},
            say=said.append,
        ).tell()
        with portal.operator() as operator:
            left = operator.get("/management/v1/clients").json()["items"]
    steps = {text.partition(".")[0]: text for text in said}
    assert "accepted" in steps["4"]
    assert "refused" in steps["5"]
    assert "dv_dosis_schrijven" in steps["5"]
    assert '+ dv_dosis_schrijven: "dossiers in Mijn Burgerprofiel (SD-4711)"' in steps["7"]
    assert "accepted" in steps["9"]
    assert left == [], "the story cleans up after itself"
    assert '"d"' not in "".join(said), "no private key member is shown"
