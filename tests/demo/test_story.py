"""The story of ``make demo``, on a portal of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from components.model.loading import load_catalogue
from demo.story import PROJECT, Story, StoryFailed
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


def test_what_went_wrong_first_is_what_is_told(tmp_path: Path) -> None:
    """Cleaning up then fails too, and says nothing of use: where nothing was laid out, and where Pulumi itself does not work."""

    def told_in(folder: Path) -> Exception:
        with pytest.raises((OSError, StoryFailed)) as caught:
            Story(folder, "http://127.0.0.1:9", OPERATOR, tmp_path / "key", {"PATH": str(tmp_path)}, said.append).tell()
        return caught.value

    said: list[str] = []
    (tmp_path / "file").write_text("")
    (tmp_path / "pulumi").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "pulumi").chmod(0o755)
    assert isinstance(told_in(tmp_path / "file"), FileExistsError | NotADirectoryError)
    assert str(told_in(tmp_path / "demo")).startswith("pulumi stack failed")
    assert said == []
