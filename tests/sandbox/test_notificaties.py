"""Notificaties as its public pages have it. Days, keys and their values are in
`product_answers.jsonl`, byte for byte."""

import json
import logging
from typing import Any

import pytest
import sqlalchemy as sa

from acmidm_sandbox.beheerportaal.products import notificaties, server
from acmidm_sandbox.beheerportaal.store.products import Notification
from tests.sandbox.inside import Inside
from tests.sandbox.sender import Sender, fields
from tests.support.forms import NOTIFICATIES
from tests.support.messages import NOTIFICATION

PATH = "/api/v2/notificaties"
LONGEST = 80 * 1024
PAIRS = NOTIFICATION["SleutelWaardeParen"]
PARTS = ("Dienst", "Email", "Naam", "Telefoon", "Website")
REQUIRED = ["Id", "AanbiederUri", "Bestemmelingen", "Categorie", "Kanalen", "ProductId", "MerkCode"]


def stored(inner: Inside, sender: Sender) -> list[dict[str, Any]]:
    with inner.app.state.portal.database.read() as session:
        its = Notification.client_id == sender.client_id
        return list(session.scalars(sa.select(Notification.document).where(its)))


ACCEPTED: dict[str, dict[str, Any]] = {
    "as documented": NOTIFICATION,
    "only what is required": {name: NOTIFICATION[name] for name in REQUIRED} | {"Categorie": "iets anders"},  # noqa: E501
    "optional keys": {
        **NOTIFICATION,
        "SleutelWaardeParen": [*PAIRS, *({"Sleutel": f"DossierBeheerder{part}", "Waarde": "x"} for part in PARTS)],  # noqa: E501
    },
    "unknown members": {**NOTIFICATION, "Onderwerp": {"x": [1]}},
}  # fmt: skip


@pytest.mark.parametrize("kind", ACCEPTED)
def test_a_notification_is_accepted_as_it_is(inner: Inside, sender: Sender, kind: str) -> None:
    accepted = sender.call("POST", PATH, ACCEPTED[kind])
    assert (accepted.status, accepted.json()) == (200, {"Id": "n-1"})
    assert stored(inner, sender) == [ACCEPTED[kind]]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"Categorie": "Zoek"},
            "Categorie 'Zoek' was not seen in public: what depends on it was not checked",
        ),
        ({"Vervaldatum": "2020-01-01"}, "Vervaldatum is over"),
    ],
)
def test_what_may_go_otherwise_is_noted(
    sender: Sender, caplog: pytest.LogCaptureFixture, changes: dict[str, str], said: str
) -> None:
    with caplog.at_level(logging.INFO, "acmidm_sandbox.beheerportaal"):
        assert sender.call("POST", PATH, {**NOTIFICATION, **changes}).status == 200
    assert [
        said in record.getMessage()
        for record in caplog.records
        if record.name in (notificaties.__name__, server.__name__)
    ] == [True]


REFUSED: dict[str, tuple[dict[str, Any], int, list[str]]] = {
    "nothing": ({}, 400, REQUIRED),
    "nobody and no way": ({**NOTIFICATION, "Bestemmelingen": [], "Kanalen": []}, 400, ["Bestemmelingen", "Kanalen"]),  # noqa: E501
    "a value that is too long": (
        {**NOTIFICATION, "SleutelWaardeParen": [{"Sleutel": "DossierNummer", "Waarde": "x" * LONGEST}, *PAIRS[1:]]},  # noqa: E501
        400,
        ["SleutelWaardeParen[0].Waarde"],
    ),
    "another sender, product and brand": (
        {**NOTIFICATION, "AanbiederUri": "https://elders.example", "ProductId": "1", "MerkCode": "elders"},  # noqa: E501
        403,
        ["AanbiederUri"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_bad_notification_is_refused(inner: Inside, sender: Sender, kind: str) -> None:
    """With the documented codes and all its mistakes at once; nothing is stored."""
    document, status, wrong = REFUSED[kind]
    refused = sender.call("POST", PATH, document)
    assert (refused.status, fields(refused)) == (status, wrong)
    said = refused.json()
    if status == 400:
        assert (said["code"], said["message"], {error["code"] for error in said["errors"]}) == (
            "2001",
            "Validatiefouten",
            {"1100"},
        )
    else:
        assert (said["code"], said["message"], said["errors"]) == ("403", said["description"], [])
    assert stored(inner, sender) == []


AANBIEDER, AFZENDER = (
    f"Aanbieder {NOTIFICATION['AanbiederUri']}",
    f"Afzender {NOTIFICATION['MerkCode']}",
)


@pytest.mark.parametrize(
    ("configured", "missing", "field"),
    [
        (None, ["as Aanbieder of notificaties"], ""),
        ({**NOTIFICATIES, "aanbieder_uri": "urn:elders"}, [AANBIEDER], "AanbiederUri"),
        ({**NOTIFICATIES, "merk_code": "elders"}, [AFZENDER], "MerkCode"),
        (
            {**NOTIFICATIES, "product_ids": ["1"], "channels": ["email"]},
            ["product 10244", "channel passief"],
            "ProductId",
        ),
        (
            {**NOTIFICATIES, "channels": ["email"]},
            ["channel passief is not set for this client (set: email)"],
            "Kanalen[0]",
        ),
    ],
)
def test_403_says_what_is_missing(
    sender: Sender, configured: dict[str, Any] | None, missing: list[str], field: str
) -> None:
    """All of it; and the same message is accepted once it is set."""
    sender.configure("notificaties", configured)
    refused = sender.call("POST", PATH, NOTIFICATION)
    said = refused.json()
    assert (refused.status, fields(refused), said["field"]) == (
        403,
        [field] if field else [],
        field,
    )
    assert [one for one in missing if one not in said["description"]] == []
    assert (
        "offer the same message again, unchanged, once the Aansluitingenteam has set it"
        in said["description"]
    )
    sender.configure("notificaties", {**NOTIFICATIES, "channels": ["email", "passief"]})
    assert sender.call("POST", PATH, NOTIFICATION).status == 200


def test_an_id_is_of_one_notification(inner: Inside, sender: Sender) -> None:
    """The same message again, as after a lost answer, gets 1071, as another does: the first call
    worked. Others have their own Ids."""
    assert sender.call("POST", PATH, NOTIFICATION).status == 200
    for again in (NOTIFICATION, {**NOTIFICATION, "Onderwerp": "another"}):
        refused = sender.call("POST", PATH, again)
        assert (refused.status, refused.json()["code"], fields(refused)) == (400, "1071", [])
        assert "the first call worked" in refused.json()["description"]
    assert stored(inner, sender) == [NOTIFICATION]
    assert Sender.of(inner).call("POST", PATH, NOTIFICATION).status == 200


@pytest.mark.parametrize(("size", "status"), [(LONGEST, 200), (LONGEST + 1, 400), (2**21, 400)])
def test_a_body_has_80_kb(sender: Sender, size: int, status: int) -> None:
    """A larger one is a mistake of the document as any other, be it that no value is too long by
    itself."""
    body = json.dumps(NOTIFICATION).encode()
    answer = sender.call("POST", PATH, body + b" " * (size - len(body)))
    assert answer.status == status
    assert status == 200 or (
        fields(answer),
        answer.json()["code"],
        answer.json()["errors"][0]["code"],
    ) == (
        [""],
        "2001",
        "1100",
    )
