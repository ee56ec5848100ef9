"""The authority that people change by hand: what agrees with what they confirmed is done, and all
else is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from acmidm_onboarding.authorities.by_hand.adapter import ByHand
from acmidm_onboarding.authorities.errors import PerhapsGone, Rejected
from acmidm_onboarding.authorities.port import Authority, HasProducts, ProductApi
from acmidm_onboarding.forms.confirmation_files import as_text, key_file
from acmidm_onboarding.values.confirmation import ConfirmationFile
from acmidm_onboarding.values.metadata import Owner, ProductDocument
from tests.support.confirmed import BY, CLIENT_ID, as_wanted, jwk, saying, wanted

FORM = wanted("dv_magda", products={"dosis": {"bron_uri": "urn://a"}})
CONFIRMED = as_wanted(FORM)
ANOTHER = FORM.metadata.model_copy(update={"contacts": ("evil@evil.example",)})
KEYS = {"old": dict(jwk("old").members)}
NO_OWNER = Owner()


def confirm(folder: Path, said: ConfirmationFile, application: str = "loket") -> None:
    file = folder / "OVO002067" / f"{application}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    name, text = key_file(application, jwk("old"))
    file.with_name(name).write_text(text)
    keys = None if said.keys is None else dict.fromkeys([name], BY.at)
    file.write_text(as_text(said.model_copy(update={"keys": keys})))


@pytest.fixture
def there(tmp_path: Path) -> ByHand:
    """One client that is there, and one that somebody saw gone."""
    confirm(tmp_path, CONFIRMED.content)
    confirm(tmp_path, saying(CONFIRMED, client_id="gone", removed=BY).content, "weg")
    return ByHand(tmp_path)


def test_what_is_confirmed_is_done_already(there: ByHand, tmp_path: Path) -> None:
    """A create finds the client by its key, and each write of what is there succeeds; no file
    changes."""
    files = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    marked = FORM.metadata.model_copy(
        update={"managed_by": "acmidm/tni", "incarnation": "x", "keys_declared": True}
    )
    assert there.register(marked, None, {}, {}).client_id == CLIENT_ID
    assert there.update(CLIENT_ID, None, marked, None) is None
    there.replace_scopes(CLIENT_ID, None, {"dv_magda": False})
    there.replace_jwks(CLIENT_ID, None, KEYS)
    there.product_api.put(
        "dosis", CLIENT_ID, None, ProductDocument({"bron_uri": "urn://a"}, Owner("a", "b", "c"))
    )
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == files


def test_what_it_says_of_a_client(there: ByHand) -> None:
    """Each way of reading agrees; no client has a mark; only one that is there is listed."""
    found = there.find(FORM.software_id)
    assert found is not None
    assert found == there.read(CLIENT_ID)
    assert (found.client_id, found.metadata.owner) == (CLIENT_ID, NO_OWNER)
    assert (there.read_scopes(CLIENT_ID), there.read_jwks(CLIENT_ID)) == ({"dv_magda": False}, KEYS)
    assert [one.client_id for one in there.clients()] == [CLIENT_ID]
    assert there.read_metadata(CLIENT_ID) == found.metadata
    assert (found.scopes, dict(found.jwks)) == ({"dv_magda": False}, KEYS)
    document = ProductDocument({"bron_uri": "urn://a"}, NO_OWNER)
    assert there.product_api.read("dosis", CLIENT_ID) == document
    assert list(there.product_api.configurations("dosis")) == [(CLIENT_ID, document)]
    assert there.product_api.read("notificaties", CLIENT_ID) is None
    assert there.reserved(CLIENT_ID) is None


def test_one_that_somebody_saw_gone_is_gone(there: ByHand) -> None:
    """For the engine: a read finds nothing, and a delete forgets it."""
    reads: list[Callable[[str], Any]] = [
        there.read,
        there.read_scopes,
        there.read_jwks,
        there.read_metadata,
    ]
    assert [read("gone") for read in reads] == [None] * 4
    assert there.product_api.read("dosis", "gone") is None
    assert there.find("acmidm/tni/OVO002067/weg") is None
    assert there.remove("gone", NO_OWNER)
    assert there.product_api.delete("dosis", "gone", NO_OWNER)


REFUSED: dict[str, tuple[Callable[[ByHand], object], str]] = {
    "a client that nobody confirmed": (
        lambda hand: hand.register(
            ANOTHER.model_copy(update={"software_id": "acmidm/tni/x/y"}), None, {}, {}
        ),
        "nobody has confirmed a client of x/y",
    ),
    "one that is confirmed otherwise": (
        lambda hand: hand.register(ANOTHER, None, {}, {}),
        "is confirmed otherwise",
    ),
    "a change": (
        lambda hand: hand.update(CLIENT_ID, None, ANOTHER, None),
        "is confirmed otherwise",
    ),
    "a scope": (
        lambda hand: hand.replace_scopes(CLIENT_ID, None, {"evil": False}),
        "is confirmed otherwise",
    ),
    "a scope in every token": (
        lambda hand: hand.replace_scopes(CLIENT_ID, None, {"dv_magda": True}),
        "is confirmed otherwise",
    ),
    "a key": (lambda hand: hand.replace_jwks(CLIENT_ID, None, {}), "is confirmed otherwise"),
    "a key of the same name": (
        lambda hand: hand.replace_jwks(CLIENT_ID, None, {"old": dict(jwk("x", kid="old").members)}),
        "is confirmed otherwise",
    ),
    "a configuration": (
        lambda hand: hand.product_api.put("dosis", CLIENT_ID, None, ProductDocument({}, NO_OWNER)),
        "is confirmed otherwise",
    ),
    "a configuration that nobody confirmed": (
        lambda hand: hand.product_api.put("proef", CLIENT_ID, None, ProductDocument({}, NO_OWNER)),
        "is confirmed otherwise",
    ),
    "the removal of one that is there": (
        lambda hand: hand.remove(CLIENT_ID, NO_OWNER),
        "is confirmed as being there",
    ),
    "the removal of a configuration": (
        lambda hand: hand.product_api.delete("dosis", CLIENT_ID, NO_OWNER),
        "the dosis configuration of client",
    ),
    "a change of one that is gone": (
        lambda hand: hand.replace_scopes("gone", None, {"dv_magda": False}),
        "client gone is confirmed as removed",
    ),
    "a read of one whose file is missing": (
        lambda hand: hand.read("lost"),
        "what was confirmed of client lost is not",
    ),
    "its removal": (
        lambda hand: hand.remove("lost", NO_OWNER),
        "what was confirmed of client lost is not",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_nobody_confirmed_is_refused(
    there: ByHand, case: tuple[Callable[[ByHand], object], str]
) -> None:
    """With a sentence that names the client, and what to do; a file that is missing is no client
    that is gone."""
    act, expected = case
    with pytest.raises((Rejected, PerhapsGone)) as raised:
        act(there)
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_client_that_was_made_again(tmp_path: Path) -> None:
    """Under another name with the same client-ID: the one that is there counts."""
    confirm(tmp_path, saying(CONFIRMED, removed=BY).content, "weg")
    confirm(tmp_path, CONFIRMED.content)
    assert ByHand(tmp_path).read(CLIENT_ID) is not None


def test_nothing_is_confirmed_where_there_is_no_folder(tmp_path: Path) -> None:
    hand = ByHand(tmp_path / "nothing")
    assert list(hand.clients()) == []
    assert hand.find(FORM.software_id) is None


def test_it_is_the_port(tmp_path: Path) -> None:
    hand: Authority = ByHand(tmp_path)
    assert isinstance(hand, HasProducts)
    products: ProductApi = hand.product_api
    assert list(products.configurations("dosis")) == []
