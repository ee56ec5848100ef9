"""Moving off GeoSecure: one line in the form; where clients are protected, announced by another
line first."""

from __future__ import annotations

import json

import httpx

from tests.support.engine import Project, details
from tests.support.forms import DOSSIERS, SEND, FormFile, write_form
from tests.support.portal import RunningPortal, sign_assertion
from tests.support.registry import Registry

BOTH = ["acmidm", "geosecure"]


def move_off(form: FormFile) -> None:
    form.document["platforms"] = ["acmidm"]
    form.document.pop("retire", None)
    form.save()


def assert_gone(registry: Registry, form: FormFile, client_id: str) -> None:
    assert registry.clients(form.application) == []
    for part in ("scopes", "jwks"):
        assert (
            registry.http.get(f"/management/v1/clients/{client_id}/{part}").status_code
            == httpx.codes.NOT_FOUND
        )
    assert [
        registry.configuration(product, client_id) for product in ("notificaties", "dosis")
    ] == [None, None]


def test_the_preview_shows_exactly_what_ends(
    project: Project, at_acmidm: Registry, at_geosecure: Registry
) -> None:
    """What it has at GeoSecure and nothing else; then they are gone, and ACM/IDM was not
    touched."""
    form = write_form(project.forms, scopes=(SEND, DOSSIERS), platforms=BOTH)
    project.apply()
    places = [place for place in project.resources() if f"{form.key}/geosecure" in place]
    assert len(places) >= len(("client", "scopes", "keys", "notificaties", "dosis"))
    kept, ended = (
        at_acmidm.client(form.application),
        at_geosecure.client(form.application)["client_id"],
    )
    trail = at_acmidm.audit()
    move_off(form)

    preview = json.loads(project.succeed("preview", "--json").stdout)
    ending = details(step for step in preview["steps"] if step["op"] != "same")
    assert ending == dict.fromkeys(places, ("delete", []))
    project.apply()
    assert_gone(at_geosecure, form, ended)
    assert at_acmidm.client(form.application) == kept
    assert at_acmidm.audit() == trail
    assert list(project.outputs()["connections"][form.key]) == ["acmidm"]
    project.in_sync()


def test_leaving_a_protecting_stack(
    project: Project, at_acmidm: Registry, at_geosecure: Registry, acmidm: RunningPortal
) -> None:
    """Unannounced it is refused: nothing is removed on either platform, and put back and announced
    it is the same client all along.

    From the day of ``retire`` on GeoSecure's client goes, in two runs, with all it had; ACM/IDM's
    stays, protected, and works.
    """
    project.configure({"protectClients": True})
    form = write_form(project.forms, scopes=(SEND, DOSSIERS), platforms=BOTH)
    project.apply()
    kept, client = at_acmidm.client(form.application), at_geosecure.client(form.application)
    trails = at_acmidm.audit(), at_geosecure.audit()
    move_off(form)
    for refused in (project.preview(), project.up()):
        assert refused.code != 0
        assert "because it is protected" in refused.output
    assert (at_acmidm.audit(), at_geosecure.audit()) == trails
    form.document.update(platforms=BOTH, retire={"geosecure": "2999-03-31"})
    form.save()
    project.apply()
    assert at_geosecure.client(form.application) == client

    form.document["retire"] = {"geosecure": "2020-03-31"}
    form.save()
    assert project.recover().code == 0
    assert_gone(at_geosecure, form, client["client_id"])
    assert at_acmidm.client(form.application) == kept
    assert at_acmidm.audit() == trails[0]
    move_off(form)
    assert project.steps() == [], "the platform's line may go at any time later"
    project.apply()
    assert (
        acmidm.request_token(
            sign_assertion(form.keys["key-1"], kept["client_id"], acmidm.audience)
        ).status_code
        == httpx.codes.OK
    )
    assert project.resources()[f"OAuthClient {form.key}"]["protect"] is True
    project.in_sync()
