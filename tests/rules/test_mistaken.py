"""What stays as it is recorded while forms have mistakes, and what of that ends all the same."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import pytest

from acmidm_onboarding.rules.mistaken import Ending, Folder, Mistaken
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.mandate import Mandate
from tests.support.changed import changed, configured
from tests.support.declared_connection import CONNECTION

CODE, APPLICATION = CONNECTION.key.split("/")
TODAY = date(2027, 6, 1)
GENT = Folder(name="gent", code=CODE, is_sound=False)
OTHER = Folder(name="ander", code="OVO000009", is_sound=True)
GONE = "OVO000008/loket"
WHOLE: Client = changed(
    CONNECTION.in_stack(protect=False),
    client_id="8abae908",
    mandate={"supplier": "leverancier", "until": "2027-12-31"},
)


def known(*folders: Folder, is_attributed: bool = True, declared: Any = ()) -> Mistaken:
    return Mistaken(folders=folders, is_attributed=is_attributed, declared=declared)


def mandate(*names: str, until: str = "2027-12-31") -> Mandate:
    """For applications, or for connections: those have a slash."""
    kind = "connections" if "/" in names[0] else "applications"
    return Mandate.model_validate({"supplier": "leverancier", kind: names, "until": until})


@pytest.mark.parametrize(
    ("mistaken", "stays"),
    [
        (known(GENT, OTHER), [CONNECTION.key, GONE]),
        (known(GENT, OTHER, is_attributed=False), [CONNECTION.key, "OVO000009/weg", GONE]),
        (known(GENT, OTHER, declared=[CONNECTION.key]), [GONE]),
        (
            known(dataclasses.replace(GENT, earlier_codes=["OVO000009"]), OTHER),
            [CONNECTION.key, "OVO000009/weg", GONE],
        ),
        (
            known(dataclasses.replace(GENT, earlier_keys=["OVO000009/weg"]), OTHER),
            [CONNECTION.key, "OVO000009/weg", GONE],
        ),
        (known(dataclasses.replace(OTHER, earlier_keys=[GONE]), GENT), [CONNECTION.key]),
    ],
    ids=["by folder", "nobody knows", "declared", "earlier code", "earlier key", "sound owner"],
)
def test_only_what_is_known_to_be_meant_goes(mistaken: Mistaken, stays: list[str]) -> None:
    """A connection whose organisation has no folder any more may be one that got another code."""
    assert mistaken.staying([CONNECTION.key, "OVO000009/weg", GONE]) == stays


def test_a_form_that_takes_the_client_of_an_earlier_key_waits() -> None:
    """The earlier key may be that of the form with the mistake."""
    form = changed(CONNECTION, key=f"{CODE}/nieuw", formerly=(CONNECTION.key,))
    mistaken = known(GENT, declared=[form.key])
    assert mistaken.waiting([form], [CONNECTION.key]) == {form.key}
    assert mistaken.staying([CONNECTION.key]) == [CONNECTION.key]
    assert mistaken.waiting([form], [form.key, CONNECTION.key]) == set(), "it has a client by now"
    assert mistaken.waiting([form], []) == set(), "nobody has one"
    sound = known(dataclasses.replace(GENT, is_sound=True), declared=[form.key])
    assert sound.waiting([form], [CONNECTION.key]) == set()


ALL_SCOPES = Ending(takes_scopes=True, withdrawn=frozenset(WHOLE.scopes or ()))
ALL_KEYS = Ending(keys=WHOLE.keys.thumbprints)


@pytest.mark.parametrize(
    ("mandates", "ending"),
    [
        ([mandate(APPLICATION)], Ending()),
        ([mandate(APPLICATION, until="2027-05-31")], ALL_SCOPES),
        ([mandate(APPLICATION, until=TODAY.isoformat())], Ending()),
        ([], ALL_SCOPES),
        (None, Ending()),
        ([mandate("ander")], ALL_SCOPES),
        ([mandate("nog-niet-gemaakt")], Ending()),
    ],
    ids=["runs", "ended", "last day", "taken out", "unreadable", "another's", "perhaps renamed"],
)
def test_a_supplier_ends_with_its_mandate(mandates: Any, ending: Ending) -> None:
    """Where the file of mandates can be read, and the form's new name cannot be what it means."""
    mistaken, recorded = (
        known(dataclasses.replace(GENT, mandates=mandates)),
        [WHOLE.key, f"{CODE}/ander"],
    )
    assert mistaken.ending(WHOLE, recorded, TODAY) == ending
    if ending == ALL_SCOPES:
        without = dataclasses.replace(WHOLE, scopes={})
        assert mistaken.ending(without, recorded, TODAY) == ALL_KEYS, "in the next run"


def test_nothing_ends_of_an_organisation_that_is_not_known() -> None:
    assert known(OTHER, is_attributed=False).ending(WHOLE, [WHOLE.key], TODAY) == Ending()


def test_a_compromised_key_ends_by_its_own_organisation_or_its_supplier() -> None:
    """Not where a stranger says so."""
    (stolen, *_) = WHOLE.keys.thumbprints
    runs = dataclasses.replace(GENT, mandates=[mandate(APPLICATION)])
    supplier = Folder(name="leverancier", code="", is_sound=False, compromised=[stolen])
    stranger = dataclasses.replace(OTHER, compromised=[stolen])
    for folders, keys in (
        ([dataclasses.replace(runs, compromised=[stolen, "of nobody"])], {stolen}),
        ([runs, supplier], {stolen}),
        ([runs, stranger], set()),
    ):
        assert known(*folders).ending(WHOLE, [WHOLE.key], TODAY) == Ending(keys=frozenset(keys))


@pytest.mark.parametrize("stolen", [False, True])
@pytest.mark.parametrize("runs", [False, True])
def test_a_former_suppliers_key_ends_too(stolen: bool, runs: bool) -> None:
    """By the state, which remembers whose the key is: the form names somebody else, or nobody."""
    (key, *_) = WHOLE.keys.thumbprints
    client = changed(WHOLE, mandate={}, lent={key: "leverancier"})
    town = dataclasses.replace(GENT, mandates=[mandate(APPLICATION)] if runs else [])
    supplier = Folder(
        name="leverancier", code="", is_sound=True, compromised=[key] if stolen else []
    )
    gone = frozenset({key} if stolen or not runs else ())
    assert known(town, supplier).ending(client, [client.key], TODAY) == Ending(keys=gone)
    in_portal = changed(client, keys=None)
    assert known(town, supplier).ending(in_portal, [client.key], TODAY) == Ending(keys=gone)
    theirs = dataclasses.replace(supplier, name="ander", compromised=[key])
    if runs and not stolen:
        assert known(town, theirs).ending(client, [client.key], TODAY) == Ending()


@pytest.mark.parametrize(
    ("mandates", "ended"),
    [
        ([mandate("OVO000009/post")], set()),
        ([mandate("OVO000009/post", until="2027-05-31")], {CODE}),
        ([], {CODE}),
        (None, set()),
    ],
    ids=["runs", "ended", "taken out", "unreadable"],
)
def test_an_organisation_that_is_sent_for_ends_it_by_itself(mandates: Any, ended: set[str]) -> None:
    """A mistake in the form of the supplier holds up nobody's end."""
    sends = changed(
        WHOLE,
        key="OVO000009/post",
        mandate={},
        products=configured({"dosis": {"afzenders": [{"code": CODE, "name": "Stad Gent"}]}}),
    )
    mistaken = known(dataclasses.replace(GENT, mandates=mandates), OTHER)
    assert mistaken.ending(sends, [sends.key], TODAY).afzenders == ended
