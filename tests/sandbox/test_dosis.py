"""DOSIS as its public clients know it. What `product_answers.jsonl` has, byte for byte, is not
tried here once more: queries, sources, removal, other numbers of agents."""

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import sqlalchemy as sa

from acmidm_sandbox.beheerportaal.products import server
from acmidm_sandbox.beheerportaal.products.documents import MOST_COUNTED
from acmidm_sandbox.beheerportaal.store.products import Notification, Upload
from tests.sandbox.inside import Inside, inside
from tests.sandbox.sender import Sender, fields
from tests.support.forms import DOSIS, DOSSIERS
from tests.support.messages import DOSSIER, NOTIFICATION
from tests.support.portal import RunningPortal, new_key, put_current, register_client

UPLOADS = ["/api/v2/dosis/dossiers", "/api/v2/dossiers", "/api/v1/dosis/dossiers"]
UPLOAD = UPLOADS[0]
RESULTS = "/api/v1/dosis/resultaten"
OF_DOSSIER = {"bron": DOSIS["bron_uri"], "dossierNummer": DOSSIER["Identificatie"]["DossierNummer"]}
OF_UPLOAD = f"{RESULTS}/perUploadId?uploadId={DOSSIER['UploadId']}"
FAILURES = f"{RESULTS}/fouten?{urlencode({'bron': DOSIS['bron_uri']})}"
REMOVAL = f"/api/v1/dosis/dossiers?{urlencode(OF_DOSSIER)}"


@pytest.fixture
def sender(inner: Inside) -> Sender:
    return Sender.of(inner, dosis={**DOSIS, "access_rights": ["Raadpleger"]})


def stored(portal: Inside, sender: Sender) -> list[dict[str, Any]]:
    with portal.app.state.portal.database.read() as session:
        its = Upload.client_id == sender.client_id
        return list(session.scalars(sa.select(Upload.document).where(its)))


@pytest.mark.parametrize("platform", ["portal", "geosecure"])
def test_the_whole_story(request: pytest.FixtureRequest, platform: str) -> None:
    """On both platforms: without the scope, and not configured, 403 that names it; then received,
    and processed."""
    portal: RunningPortal = request.getfixturevalue(platform)
    key = new_key()
    with portal.operator() as operator:
        client_id = str(register_client(operator, keys=[key])["client_id"])

        def send() -> httpx.Response:
            with portal.operator(portal.client_token(key, client_id, "dosis")) as client:
                return client.post("/api/v2/dossiers", json=DOSSIER)

        no_scope = send()
        assert (no_scope.status_code, no_scope.json()["code"]) == (403, "403")
        assert f'scope="{DOSSIERS}"' in no_scope.headers["WWW-Authenticate"]
        assert f"lacks scope {DOSSIERS}" in no_scope.json()["description"]
        put_current(
            operator, f"/management/v1/clients/{client_id}/scopes", {"scopes": [DOSSIERS]}
        ).raise_for_status()
        assert (
            f"Client {client_id} is not set as Aanbieder of dosis" in send().json()["description"]
        )
        path = f"/products/v1/dosis/configurations/{client_id}"
        operator.put(
            path, json={"configuration": DOSIS}, headers={"If-None-Match": "*"}
        ).raise_for_status()
        received = send()
    assert (received.status_code, received.json()) == (
        200,
        {"Status": "Ontvangen", "UploadId": DOSSIER["UploadId"]},
    )
    with portal.operator(portal.client_token(key, client_id, "dosis")) as client:
        assert client.get(OF_UPLOAD).json()["Succes"] is True


@pytest.mark.parametrize("path", UPLOADS)
def test_a_dossier_is_processed_as_it_was_sent(inner: Inside, sender: Sender, path: str) -> None:
    """By every path; unknown members are kept, and the result is what the public connector
    reads."""
    assert sender.call("POST", path, DOSSIER).status == 200
    assert stored(inner, sender) == [DOSSIER]
    result = sender.call("GET", OF_UPLOAD).json()
    assert len(result.pop("TijdstipVerwerking")) == len("2026-11-26T09:30:00")
    assert result == {
        "Identificatie": DOSSIER["Identificatie"],
        "UploadId": DOSSIER["UploadId"],
        "Bestand": None,
        "Succes": True,
        "Fout": None,
        "Fouten": [],
        "VerwerktVoorOpvraging": True,
    }
    assert (
        sender.call("GET", f"{RESULTS}?{urlencode(OF_DOSSIER)}").json()["UploadId"]
        == DOSSIER["UploadId"]
    )
    older = urlencode({"bron": OF_DOSSIER["bron"], "dossiernummer": OF_DOSSIER["dossierNummer"]})
    assert sender.call("GET", f"{RESULTS}?{older}").json()["UploadId"] == DOSSIER["UploadId"]


LOOSE: dict[str, dict[str, Any]] = {
    "only what identifies": {
        "Identificatie": DOSSIER["Identificatie"],
        "Producten": DOSSIER["Producten"],
    },
    "null for all the rest": {
        **dict.fromkeys(DOSSIER),
        "Identificatie": DOSSIER["Identificatie"],
        "Producten": DOSSIER["Producten"],
    },
    "two products": {**DOSSIER, "Producten": DOSSIER["Producten"] * 2},
    "a code in another phase": {
        **DOSSIER,
        "Status": {"VlaamsCode": "Goedgekeurd", "VlaamsFase": "Afgerond"},
    },
    "an enterprise": {
        **DOSSIER,
        "Agenten": [{"Identificatie": "BE207451227", "Toegangsrechten": [{"Code": "Raadpleger"}]}],
    },
}


@pytest.mark.parametrize("kind", LOOSE)
def test_what_is_not_known_is_not_refused(sender: Sender, kind: str) -> None:
    received = sender.call("POST", UPLOAD, LOOSE[kind])
    assert received.status == 200, received.text
    assert (
        sender.call("GET", f"{RESULTS}/perUploadId?uploadId={received.json()['UploadId']}").json()[
            "Succes"
        ]
        is True
    )


def test_a_code_that_was_not_seen_is_noted(
    sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log, for the official lists are not public: accepted here, and perhaps refused there.
    On one line, whatever it is."""
    status = {"VlaamsCode": "Zoek\nniets", "VlaamsFase": "Behandeling"}
    with caplog.at_level(logging.INFO, "acmidm_sandbox.beheerportaal"):
        assert (
            sender.call(
                "POST", UPLOAD, {**DOSSIER, "Status": status, "TypeDossierCode": "Ander"}
            ).status
            == 200
        )
    said = [record.getMessage() for record in caplog.records if record.name == server.__name__]
    assert [text.split(": ")[1].split()[0] for text in said] == [
        "TypeDossierCode",
        "Status.VlaamsCode",
    ]
    assert all(sender.client_id in text and text.isprintable() for text in said)


REFUSED: dict[str, tuple[dict[str, Any], int, list[str]]] = {
    "nothing": ({}, 400, ["Identificatie", "Producten"]),
    "nothing that identifies": (
        {"Identificatie": {}, "Producten": []},
        400,
        ["Identificatie.Bron", "Identificatie.DossierNummer", "Producten"],
    ),
    "a product without its Id": ({**DOSSIER, "Producten": [{}, {"Id": 1984}]},
        400, ["Producten[0].Id", "Producten[1].Id"]),
    "texts for what is none": (
        {**DOSSIER, "Status": {"Actie": {"ActieNodig": "ja"}}, "WijzigingsDatum": "gisteren"},
        400,
        ["WijzigingsDatum", "Status.Actie.ActieNodig"],
    ),
    "another source, product and right": (
        {
            "Identificatie": {"Bron": "urn://elders/", "DossierNummer": "1"},
            "Producten": [*DOSSIER["Producten"], {"Id": "1"}],
            "Agenten": [{"Toegangsrechten": [{"Code": "Raadpleger"}, {"Code": "Beheerder"}]}],
        },
        403,
        ["Identificatie.Bron"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", UPLOADS[1:])
@pytest.mark.parametrize("kind", REFUSED)
def test_a_bad_dossier_is_refused_at_once(
    inner: Inside, sender: Sender, kind: str, path: str
) -> None:
    """In DOSIS's own form, with all its mistakes, and nothing is stored."""
    document, status, wrong = REFUSED[kind]
    refused = sender.call("POST", path, document)
    assert (refused.status, fields(refused)) == (status, wrong)
    assert refused.json()["code"] == ("2001" if status == 400 else "403")
    assert (
        status == 400
        or (
            f"bron urn://elders/ is not set for this client (set: {DOSIS['bron_uri']}); product 1"
            " is not set for this client (set: 10244); right Beheerder is not set for this client"
            " (set: Raadpleger); offer the same message again, unchanged, once"
        )
        in refused.json()["description"]
    )
    assert stored(inner, sender) == []


def test_many_mistakes_and_a_long_configuration_make_no_large_answer(sender: Sender) -> None:
    """The first ones, and how many more there are: of what is not set, of a document, and in a
    result."""
    sender.configure(
        "dosis", {**DOSIS, "product_ids": [str(10_000 + number) for number in range(2_000)]}
    )
    document = {**DOSSIER, "Producten": [{"Id": "1"}] * 2_000}
    refused = sender.call("POST", UPLOAD, document)
    assert (refused.status, len(refused.text) < 20_000) == (403, True)
    assert "10009 and 1,990 more); " in refused.text
    assert "; there are 1,980 more mistakes; offer" in refused.json()["description"]
    refused = sender.call("POST", UPLOAD, {**document, "Producten": [{}] * 2_000})
    assert (refused.status, len(fields(refused)), len(refused.text) < 20_000) == (400, 21, True)
    refused = sender.call("POST", UPLOAD, {"Producten": [{}] * 30_000})
    assert f"there are {MOST_COUNTED - 20:,} more mistakes" in refused.text  # no more are counted
    sender.configure("dosis", {**DOSIS, "product_ids": ["1"]})
    assert sender.call("POST", UPLOAD, document).status == 200
    sender.configure("dosis", DOSIS)
    result = sender.call("GET", OF_UPLOAD).json()
    assert [len(result["Fouten"]), result["Fouten"][-1]["Omschrijving"]] == [
        21,
        "the document: there are 1,980 more mistakes.",
    ]


def test_there_is_no_result_before_it_was_processed(tmp_path: Path) -> None:
    """404, and the removal of a dossier that waits. By v1 it is at once: the public connector's
    version for it takes 404 for a failure."""
    with inside(tmp_path, processing_seconds=1000) as portal:
        sender = Sender.of(portal)
        assert sender.call("POST", UPLOAD, DOSSIER).status == 200
        for target in (OF_UPLOAD, f"{RESULTS}?{urlencode(OF_DOSSIER)}"):
            waiting = sender.call("GET", target)
            assert (waiting.status, fields(waiting)) == (404, [])
            assert "not processed yet" in waiting.json()["description"]
        assert sender.call("DELETE", REMOVAL).status == 204
        assert stored(portal, sender) == []
        assert sender.call("POST", "/api/v1/dosis/dossiers", DOSSIER).status == 200
        assert sender.call("GET", OF_UPLOAD).json()["Succes"] is True


@pytest.mark.parametrize("changed", [None, {**DOSIS, "product_ids": ["1"]}])
def test_what_is_configured_when_it_is_processed_counts(sender: Sender, changed: Any) -> None:
    """What was taken away in between is a failure, in the result and in the list; a later upload
    makes it good."""
    assert sender.call("POST", UPLOAD, DOSSIER).status == 200
    sender.configure("dosis", changed)
    result = sender.call("GET", OF_UPLOAD).json()
    assert (result["Succes"], result["VerwerktVoorOpvraging"], result["Fout"]) == (
        False,
        False,
        "The dossier could not be processed.",
    )
    said = (
        f"Client {sender.client_id} is not set as Aanbieder"
        if changed is None
        else "Producten[0].Id: product 10244 is not set"
    )
    assert [error["Omschrijving"].startswith(said) for error in result["Fouten"]] == [True]
    sender.configure("dosis", DOSIS)
    assert sender.call("GET", FAILURES).json() == [result]
    assert sender.call("POST", UPLOAD, {**DOSSIER, "UploadId": "second"}).status == 200
    assert sender.call("GET", FAILURES).json() == []
    assert sender.call("GET", f"{RESULTS}?{urlencode(OF_DOSSIER)}").json()["UploadId"] == "second"
    assert sender.call("GET", OF_UPLOAD).json() == result


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("85073003328", ""),
        ("0207.451.227", ""),
        ("0207451228", "its check digits are wrong"),
        ("V0012345", ""),
    ],
)
def test_a_number_of_an_agent_is_checked(sender: Sender, agent: str, said: str) -> None:
    """Received, and then a failure, without the number: it is somebody's. What has letters is of no
    known form."""
    agents = [{"Identificatie": "00010100173"}, {"Identificatie": agent}, {"Identificatie": None}]
    assert sender.call("POST", UPLOAD, {**DOSSIER, "Agenten": agents}).status == 200
    result = sender.call("GET", OF_UPLOAD).json()
    assert (result["Succes"], len(result["Fouten"])) == (not said, 1 if said else 0)
    assert not said or result["Fouten"][0]["Omschrijving"].startswith(
        f"Agenten[1].Identificatie: {said}"
    )
    assert not said or agent not in str(result)


def test_an_upload_that_is_sent_again_is_one(inner: Inside, sender: Sender) -> None:
    for name in ("first", "second"):
        assert sender.call("POST", UPLOAD, {**DOSSIER, "Naam": name}).status == 200
    assert [document["Naam"] for document in stored(inner, sender)] == ["second"]


def test_nothing_of_another_client_is_seen(inner: Inside, sender: Sender) -> None:
    """Of one with the same source neither results nor dossiers, and another's source is refused in
    each call that names one."""
    other, elsewhere = (
        Sender.of(inner),
        Sender.of(inner, dosis={**DOSIS, "bron_uri": "urn://elders/"}),
    )
    assert sender.call("POST", UPLOAD, DOSSIER).status == 200
    assert [
        other.call("GET", target).status
        for target in (OF_UPLOAD, f"{RESULTS}?{urlencode(OF_DOSSIER)}")
    ] == [
        404,
        404,
    ]
    assert other.call("GET", FAILURES).json() == []
    assert other.call("DELETE", REMOVAL).status == 404
    for method, target in (
        ("GET", f"{RESULTS}?{urlencode(OF_DOSSIER)}"),
        ("GET", FAILURES),
        ("DELETE", REMOVAL),
    ):
        refused = elsewhere.call(method, target)
        assert (refused.status, fields(refused)) == (403, ["bron"])
    assert elsewhere.call("GET", OF_UPLOAD).status == 404
    assert sender.call("GET", OF_UPLOAD).status == 200


def test_what_a_client_sent_goes_with_it(inner: Inside, sender: Sender) -> None:
    """Dossiers name people; nobody could remove them later."""
    assert sender.call("POST", UPLOAD, DOSSIER).status == 200
    assert sender.call("POST", "/api/v2/notificaties", NOTIFICATION).status == 200
    inner.manage("DELETE", f"/management/v1/clients/{sender.client_id}", If_Match="*")
    with inner.app.state.portal.database.read() as session:
        for kind in (Upload, Notification):
            its = kind.client_id == sender.client_id
            assert session.scalars(sa.select(kind.seq).where(its)).all() == []
