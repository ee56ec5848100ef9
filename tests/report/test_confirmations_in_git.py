"""What a review of two revisions says of confirmations: who confirms what the same change asks is a
danger."""

from __future__ import annotations

import json

import pytest

from tests.support.by_hand_stack import CONFIRMED, carry_out, opened, set_by_hand
from tests.support.confirmed import jwk
from tests.support.forms import PLAIN, FormFile
from tests.support.repository import Repository, repository

__all__ = ["repository"]

FOLDER = CONFIRMED / "OVO002067"
FILE = FOLDER / "mijn-app.yaml"


@pytest.fixture
def form(repository: Repository) -> FormFile:
    """A form whose client is confirmed, as ``main`` has it."""
    set_by_hand(repository)
    made = repository.write("mijn-app", environment="tni")
    repository.write("mijn-app-twee", environment="tni", keys=())
    repository.form.path.unlink()
    repository.merge()
    carry_out_one(made)
    repository.merge()
    return made


def carry_out_one(form: FormFile) -> None:
    other = form.path.with_name("mijn-app-twee.yaml")
    text = other.read_text()
    other.unlink()
    carry_out(opened())
    other.write_text(text)


def dangers(repository: Repository) -> list[tuple[str, str | None, str]]:
    return [
        (one["kind"], one.get("subject"), one["severity"])
        for one in repository.report()["other_changes"]
    ]


def test_a_confirmation_is_named(repository: Repository, form: FormFile) -> None:
    """Alone it is for whoever reviews it; a form that changes beside it is another's."""
    repository.replace(str(FILE), PLAIN, "dvl_dcbaas_info")
    repository.write("nieuw", environment="tni", keys=())
    assert dangers(repository) == [("confirmation_changed", str(FILE), "warning")]
    assert form.key in f"{FILE}".replace(str(CONFIRMED), "")[1:]


def test_a_change_that_confirms_itself(repository: Repository, form: FormFile) -> None:
    form.request()["scopes"]["dvl_dcbaas_info"] = {}
    form.save()
    carry_out_one(form)
    assert ("confirmed_itself", str(FILE), "danger") in dangers(repository)


def test_a_key_in_the_place_of_one_that_was_confirmed(
    repository: Repository, form: FormFile
) -> None:
    """The confirmation stays as it is, and its file has another key: the form's change has that key
    too."""
    (file,) = FOLDER.glob("*.json")
    file.write_text(json.dumps(dict(jwk("evil").members)))
    form.add_key("key-2")
    form.save()
    assert ("confirmed_itself", str(file), "danger") in dangers(repository)


def test_a_new_client_with_its_confirmation(repository: Repository, form: FormFile) -> None:
    """A form and what claims that its client is there."""
    text = FILE.read_text().replace("mijn-app", "nieuw").replace("client_id: ", "client_id: x")
    repository.write("nieuw", environment="tni")
    repository.add(str(FOLDER / "nieuw.yaml"), text)
    for file in FOLDER.glob("*.json"):
        repository.add(str(FOLDER / file.name.replace("mijn-app", "nieuw")), file.read_text())
    assert ("confirmed_itself", str(FOLDER / "nieuw.yaml"), "danger") in dangers(repository)
    assert form.application == "mijn-app"


def test_another_folder_of_confirmations(repository: Repository, form: FormFile) -> None:
    """Whoever sets it says what all clients are: a danger."""
    set_by_hand(repository, confirmedFolder="confirmed/evil/acmidm")
    found = dangers(repository)
    assert ("settings_changed", "Pulumi.hand.yaml", "danger") in found, found
    assert form.key
