"""Notificaties as its public pages have it."""

import json
import logging
from typing import Any

import pytest
import sqlalchemy as sa

from beheerportaal.products import notificaties
from beheerportaal.store import tables
from tests.portal.inside import Inside
from tests.portal.sender import Sender, fields
from tests.support.messages import NOTIFICATION

PATH = "/api/v2/notificaties"
PAIRS = NOTIFICATION["SleutelWaardeParen"]
REQUIRED = ["Id", "AanbiederUri", "Bestemmelingen", "Categorie", "Kanalen", "ProductId", "MerkCode"]


def stored(inner: Inside, sender: Sender) -> list[dict[str, Any]]:
    with inner.app.state.portal.database.read() as connection:
        table = tables.notifications
        return list(connection.execute(sa.select(table.c.document).where(table.c.client_id == sender.client_id)).scalars())


ACCEPTED: dict[str, dict[str, Any]] = {
    "as documented": NOTIFICATION,
    "only what is required": {name: NOTIFICATION[name] for name in REQUIRED} | {"Categorie": "iets anders"},
    "a day to end": {**NOTIFICATION, "Vervaldatum": "2099-12-31"},
    "a moment to end": {**NOTIFICATION, "Vervaldatum": "2099-12-31T12:00:00", "DatumNotificatie": "2026-11-26T09:30:00"},
    "optional keys": {
        **NOTIFICATION,
        "SleutelWaardeParen": [*PAIRS, *({"Sleutel": key, "Waarde": {}} for key in ("DossierBeheerder.Naam", "DossierBeheerder"))],
    },
    "pairs of another category": {**NOTIFICATION, "Categorie": "x", "SleutelWaardeParen": [{"Sleutel": "Zomaar", "Waarde": "1"}]},
    "unknown members": {**NOTIFICATION, "Onderwerp": {"x": [1]}},
}  # fmt: skip


@pytest.mark.parametrize("kind", ACCEPTED)
def test_a_notification_is_accepted_as_it_is(inner: Inside, sender: Sender, kind: str) -> None:
    accepted = sender.call("POST", PATH, ACCEPTED[kind])
    assert (accepted.status, accepted.json()) == (200, {"Id": "n-1"})
    assert stored(inner, sender) == [ACCEPTED[kind]]


@pytest.mark.parametrize(
    ("changes", "said"), [({"Categorie": "Zoek"}, "category 'Zoek'"), ({"Vervaldatum": "2020-01-01"}, "Vervaldatum is over")]
)
def test_what_may_go_otherwise_is_noted(sender: Sender, caplog: pytest.LogCaptureFixture, changes: dict[str, str], said: str) -> None:
    with caplog.at_level(logging.INFO, "beheerportaal"):
        assert sender.call("POST", PATH, {**NOTIFICATION, **changes}).status == 200
    assert [said in record.getMessage() for record in caplog.records if record.name == notificaties.__name__] == [True]


REFUSED: dict[str, tuple[dict[str, Any], int, list[str]]] = {
    "nothing": ({}, 422, REQUIRED),
    "nobody and no way": ({**NOTIFICATION, "Bestemmelingen": [], "Kanalen": []}, 422, ["Bestemmelingen", "Kanalen"]),
    "a value that is missing, a key that is not used, and one that is missing, beside a day that is none": (
        {
            **NOTIFICATION,
            "Vervaldatum": "ooit",
            "SleutelWaardeParen": [PAIRS[0], {"Sleutel": "StatusVlaamseCode", "Waarde": None}, {"Sleutel": "Zomaar", "Waarde": "1"}],
        },
        422,
        ["Vervaldatum", "SleutelWaardeParen[1].Waarde", "SleutelWaardeParen[2].Sleutel", "SleutelWaardeParen"],
    ),
    "no pairs": ({**NOTIFICATION, "SleutelWaardeParen": None}, 422, ["SleutelWaardeParen"]),
    "pairs that are left out": ({name: NOTIFICATION[name] for name in REQUIRED}, 422, ["SleutelWaardeParen"]),
    "a pair without its key": ({**NOTIFICATION, "SleutelWaardeParen": [*PAIRS, {"Waarde": "x"}]}, 422, ["SleutelWaardeParen[3].Sleutel"]),
    "another sender, product and brand": (
        {**NOTIFICATION, "AanbiederUri": "https://elders.example", "ProductId": "1", "MerkCode": "elders"},
        403,
        ["AanbiederUri", "MerkCode", "ProductId"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_bad_notification_is_refused(inner: Inside, sender: Sender, kind: str) -> None:
    """With the documented codes and all its mistakes at once; nothing is stored."""
    document, status, wrong = REFUSED[kind]
    refused = sender.call("POST", PATH, document)
    assert (refused.status, fields(refused)) == (status, wrong)
    said = refused.json()
    message = "Validatiefouten" if status == 422 else "Not everything is configured for this client."
    assert (said["code"], said["message"]) == ("2001" if status == 422 else "403", message)
    assert {error["code"] for error in said["errors"]} == {"1100" if status == 422 else "403"}
    assert stored(inner, sender) == []


def test_an_id_is_of_one_notification(inner: Inside, sender: Sender) -> None:
    """The same message again, as after a lost answer, is accepted and kept once; another message is refused. Others have their own Ids."""
    assert [sender.call("POST", PATH, NOTIFICATION).status for _ in range(2)] == [200, 200]
    refused = sender.call("POST", PATH, {**NOTIFICATION, "Onderwerp": "another"})
    assert (refused.status, fields(refused)) == (422, ["Id"])
    assert stored(inner, sender) == [NOTIFICATION]
    assert Sender.of(inner).call("POST", PATH, {**NOTIFICATION, "Onderwerp": "another"}).status == 200


@pytest.mark.parametrize(("size", "status"), [(80 * 1024, 200), (80 * 1024 + 1, 413)])
def test_a_body_has_80_kb(sender: Sender, size: int, status: int) -> None:
    body = json.dumps(NOTIFICATION).encode()
    answer = sender.call("POST", PATH, body + b" " * (size - len(body)))
    assert answer.status == status
    assert status == 200 or fields(answer) == []
