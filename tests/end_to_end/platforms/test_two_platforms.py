"""A form that names both platforms: two clients, each with the platform's own client-ID, names and
rules."""

from __future__ import annotations

import json
from dataclasses import dataclass

import httpx
import pytest
from joserfc.jwk import ECKey

from tests.end_to_end.platforms.conftest import connected_to_both
from tests.support.by_hand import made_by_hand
from tests.support.engine import Project, details
from tests.support.forms import DOSIS, DOSSIERS, PLAIN, SEND, FormFile, write_form
from tests.support.messages import NOTIFICATION
from tests.support.portal import RunningPortal, sign_assertion
from tests.support.registry import Registry, kids

BOTH = ["acmidm", "geosecure"]
AWAY = {"geosecure:managementUrl": "http://127.0.0.1:9/management/v1", "retryDeadlineSeconds": 0}


@dataclass(frozen=True)
class Connected:
    """A form that was brought up on both platforms, which no test changes, and two beside it that
    are changed by one."""

    project: Project
    form: FormFile
    acmidm: str
    geosecure: str
    extended: FormFile
    added: FormFile

    @property
    def key(self) -> ECKey:
        return self.form.keys["key-1"]


@pytest.fixture(scope="module")
def connected(
    acmidm: RunningPortal, geosecure: RunningPortal, tmp_path_factory: pytest.TempPathFactory
) -> Connected:
    project = connected_to_both(acmidm, geosecure, tmp_path_factory.mktemp("both") / "project")
    form = write_form(project.forms, scopes=(SEND, DOSSIERS), platforms=BOTH)
    extended, added = (
        write_form(project.forms, "gent/uitgebreid", platforms=BOTH),
        write_form(project.forms, "gent/erbij"),
    )
    project.apply()
    outputs = project.outputs()["connections"][form.key]
    return Connected(
        project,
        form,
        outputs["acmidm"]["client_id"],
        outputs["geosecure"]["client_id"],
        extended,
        added,
    )


def test_each_platform_has_its_own_client(
    connected: Connected, at_acmidm: Registry, at_geosecure: Registry
) -> None:
    """Client-ID, scopes by the platform's names, keys and product configuration: in both, and in
    the outputs."""
    here, there = (
        at_acmidm.client(connected.form.application),
        at_geosecure.client(connected.form.application),
    )
    assert (here["client_id"], there["client_id"]) == (connected.acmidm, connected.geosecure)
    assert there["client_id"].isdecimal()
    assert not here["client_id"].isdecimal()
    listed = json.loads(
        connected.project.acmidm(
            "status", "--stack", "tni", "--scope", DOSSIERS, "--output", "json"
        ).stdout
    )
    assert {one["client_id"] for one in listed["connections"]} == {
        connected.acmidm,
        connected.geosecure,
    }, "by either of its names"
    assert set(here["scopes"]) == {SEND, DOSSIERS, "vo_info"}
    assert set(there["scopes"]) == {"NotificatiesImport", "DosisImport"}
    assert kids(here) == kids(there) == {"key-1"}
    asked = connected.form.request()["products"]
    for registry, client in ((at_acmidm, here), (at_geosecure, there)):
        assert {
            product: registry.configuration(product, client["client_id"]) for product in asked
        } == asked
    outputs = connected.project.outputs()["connections"][connected.form.key]
    assert {platform: shown["scopes"] for platform, shown in outputs.items()} == {
        "acmidm": [DOSSIERS, SEND],
        "geosecure": ["DosisImport", "NotificatiesImport"],
    }
    connected.project.in_sync()


def test_a_token_at_each_platform_with_its_audience(
    connected: Connected, acmidm: RunningPortal, geosecure: RunningPortal
) -> None:
    """The issuer at ACM/IDM, the token endpoint at GeoSecure; each token carries the platform's
    names, and opens its product's API."""
    for portal, client_id, scope, aud in (
        (acmidm, connected.acmidm, SEND, acmidm.issuer),
        (geosecure, connected.geosecure, "NotificatiesImport", geosecure.token_endpoint),
    ):
        audience = (
            {"audience": portal.settings.products["notificaties"].client_id}
            if portal is acmidm
            else {}
        )
        answer = portal.request_token(
            sign_assertion(connected.key, client_id, aud), scope=scope, **audience
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["scope"] == scope
        headers = {"authorization": f"Bearer {answer.json()['access_token']}"}
        sent = httpx.post(
            f"{portal.origin}/api/v2/notificaties", json=NOTIFICATION, headers=headers, timeout=10
        )
        assert sent.is_success, sent.text


def test_a_scope_extension_reaches_both_and_a_platform_that_is_added_touches_no_other(
    connected: Connected, at_acmidm: Registry, at_geosecure: Registry
) -> None:
    """One line in the form, one line on each platform, each under its own name."""
    project, form, added = connected.project, connected.extended, connected.added
    before = at_acmidm.client(added.application)
    form.request()["scopes"][DOSSIERS] = {}
    form.request()["products"]["dosis"] = DOSIS
    form.save()
    added.document["platforms"] = BOTH
    added.save()

    shown = details(project.steps())
    assert {place: step for place, step in shown.items() if form.key in place} == {
        f"ClientScopes {form.key}": ("update", [f"scopes.{DOSSIERS}"]),
        f"ProductConfiguration {form.key}/dosis": ("create", []),
        f"ClientScopes {form.key}/geosecure": (
            "update",
            ["catalogue_names.DosisImport", "scopes.DosisImport"],
        ),
        f"ProductConfiguration {form.key}/geosecure/dosis": ("create", []),
    }
    others = {place: operation for place, (operation, _) in shown.items() if form.key not in place}
    assert set(others.values()) == {"create"}
    assert all(f"{added.key}/geosecure" in place for place in others)
    project.apply()
    assert set(at_geosecure.client(form.application)["scopes"]) == {
        "NotificatiesImport",
        "DosisImport",
    }
    client_id = at_acmidm.client(form.application)["client_id"]
    assert at_acmidm.configuration("dosis", client_id) == DOSIS
    assert at_acmidm.client(added.application) == before


def test_an_unreachable_platform_holds_up_only_those_who_need_it(
    project: Project, at_acmidm: Registry, at_geosecure: Registry
) -> None:
    """A takeover there cannot be looked at: the preview shows the rest and fails, ``up`` carries
    out the rest."""
    taking = write_form(project.forms, "een/loket", platforms=BOTH)
    taking.request()["adopt"] = {"geosecure": "40001"}
    taking.save()
    other = write_form(project.forms, "twee/loket")
    project.configure(AWAY)

    for refused in (project.preview(), project.up()):
        assert refused.code != 0
        (sentence,) = refused.errors
        assert "een/loket: GET http://127.0.0.1:9/management/v1" in sentence, refused.output
        assert "cannot be reached" in sentence
    assert at_acmidm.client(other.application)["jwks"]["keys"]
    assert at_acmidm.client(taking.application)["jwks"]["keys"]
    assert at_geosecure.clients(taking.application) == []


def test_others_are_reviewed_and_approved_where_a_platform_is_down(
    project: Project, at_acmidm: Registry
) -> None:
    """Of the client that changes there nothing is approved."""
    both, other = (
        write_form(project.forms, "een/loket", platforms=BOTH),
        write_form(project.forms, "twee/loket"),
    )
    project.apply()
    for form in (both, other):
        form.document["contacts"] = ["new@loket.example"]
        form.save()
    project.configure(AWAY)
    file = project.folder / "approved.json"
    reviewed = project.acmidm("review", "--stack", "tni", "--save", str(file))
    assert reviewed.code == 0, reviewed.output
    done = project.recover("--approved", str(file))
    assert done.code == 1, done.output
    assert "1 client is left out" in done.stderr
    contacts = [
        at_acmidm.client(form.application)["contacts"] == form.document["contacts"]
        for form in (both, other)
    ]
    assert contacts == [False, True]


@pytest.mark.exhaustive
def test_after_a_bad_run_too(
    project: Project, geosecure: RunningPortal, at_acmidm: Registry, at_geosecure: Registry
) -> None:
    """The look at the authorities that ``make up`` begins with then fails: the rest is carried out,
    and the look is caught up later."""
    both = write_form(project.forms, "een/loket", platforms=BOTH)
    project.apply()
    taking = write_form(project.forms, "twee/loket")
    taking.request()["adopt"] = {"acmidm": "nobody-has-this"}
    taking.save()
    assert project.up().code != 0
    client_id = at_geosecure.client(both.application)["client_id"]
    at_geosecure.set_scopes(client_id, [])
    reachable = f"{geosecure.origin}/management/v1"
    project.configure(AWAY)
    other = write_form(project.forms, "drie/loket")

    refused = project.recover()
    assert refused.code != 0
    assert any("cannot be reached" in sentence for sentence in refused.errors), refused.output
    assert "the next run looks again" in refused.stderr
    assert "Refreshing" in refused.stdout
    assert at_acmidm.client(other.application)["jwks"]["keys"]

    # All that is declared goes well by now, but for the look.
    taking.path.unlink()
    refused = project.recover()
    assert refused.code != 0, refused.output
    project.configure({"geosecure:managementUrl": reachable})
    assert project.recover().code == 0
    assert at_geosecure.client(both.application)["scopes"] == ["NotificatiesImport"]
    assert "Refreshing" not in project.recover().stdout


def test_an_import_reads_a_platform_for_the_products_that_it_offers(
    project: Project, at_acmidm: Registry
) -> None:
    """GeoSecure answers 404 for a product that it lacks, which ended the import."""
    model = write_form(project.folder / "model", scopes=(PLAIN,))
    client_id = made_by_hand(at_acmidm, model)
    (project.folder / "klanten.csv").write_text(
        f"KBOnummer;Klant;CliëntID TEST\n0207451227;Stad Gent;{client_id}\n"
    )
    done = project.acmidm("import", "klanten.csv", "--tni", "tni")
    assert "1 row: 1 form written" in done.stdout, done.output
    assert (project.forms / f"stad-gent/{model.application}.yaml").exists()
    assert done.code in (0, 1), "1 where the portal has clients of other tests"
