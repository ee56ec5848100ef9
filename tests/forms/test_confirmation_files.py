"""What people confirmed, as files: every mistake at its place, and what is written reads back the
same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acmidm_onboarding.forms.confirmation_files import (
    as_text,
    key_file,
    problems_of_confirmations,
    read_confirmations,
)
from acmidm_onboarding.forms.files import Files
from acmidm_onboarding.values.confirmation import Attestation, Confirmation, ConfirmationFile
from acmidm_onboarding.values.problems import InvalidForms
from tests.support.confirmed import CLIENT_ID, NOW, jwk
from tests.support.workspace import Workspace, private_key, public_key

FOLDER = Path("confirmed/tni/acmidm")
FILE = FOLDER / "OVO002067/mijn-gent.yaml"
KEY_NAME = key_file("mijn-gent", jwk("key"))[0]
SAID: dict[str, Any] = {
    "client_id": CLIENT_ID,
    "metadata": {
        "client_name": "Stad Gent - mijn-gent",
        "organisation": {"name": "Stad Gent", "ovo": "OVO002067"},
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "contacts": ["a@stad-gent.example"],
    },
    "scopes": {"dv_magda": {}},
    "keys": {KEY_NAME: "2026-11-28T12:00:00Z"},
}
EC: dict[str, Any] = {"kty": "EC", "crv": "P-256"}


def write(workspace: Workspace, said: Any = SAID, file: Path = FILE, key: Any = None) -> Path:
    """A confirmation, and its key beside it."""
    workspace.write(str(file.with_name(KEY_NAME)), dict(jwk("key").members) if key is None else key)
    return workspace.write(
        str(file), said if isinstance(said, str) else yaml.safe_dump(said, sort_keys=False)
    )


def sentences() -> list[str]:
    return [str(one) for one in problems_of_confirmations([FOLDER], Files())]


def test_what_people_confirmed(workspace: Workspace) -> None:
    """By its key, with its public keys and since when each is there; a folder that is not there has
    nothing."""
    assert read_confirmations(FOLDER) == [{}]
    write(workspace)
    ([(key, found)],) = (one.items() for one in read_confirmations(FOLDER))
    assert (key, found.is_there, found.scopes) == ("OVO002067/mijn-gent", True, {"dv_magda": False})
    assert found.jwks == {"key": jwk("key")}
    assert found.since == {jwk("key").thumbprint: NOW}
    assert found.registered.application == "mijn-gent"


def changed(**members: Any) -> Callable[[Workspace], object]:
    return lambda workspace: write(workspace, {**SAID, **members})


def with_key(key: Any) -> Callable[[Workspace], object]:
    return lambda workspace: write(workspace, key=key)


def two_of_one_kid(workspace: Workspace) -> None:
    write(workspace, {**SAID, "keys": {**SAID["keys"], "other.jwk.json": "2026-11-28T12:00:00Z"}})
    workspace.write(
        str(FILE.with_name("other.jwk.json")), {**public_key("another", **EC), "kid": "key"}
    )


def linked_key(workspace: Workspace) -> None:
    write(workspace)
    key = workspace.root / FILE.with_name(KEY_NAME)
    key.rename(workspace.root / "elsewhere.json")
    key.symlink_to(workspace.root / "elsewhere.json")


def no_key(workspace: Workspace) -> None:
    write(workspace)
    (workspace.root / FILE.with_name(KEY_NAME)).unlink()


REFUSED = {"by": "iemand", "at": "2026-11-28T12:00:00Z", "digest": "3fa1", "why": "no"}
MISTAKES: dict[str, tuple[Callable[[Workspace], object], str]] = {
    "an unknown field": (
        changed(scope={}),
        f'{FILE}:16:1: unknown field "scope"; did you mean "scopes"?',
    ),
    "no client-ID": (
        lambda workspace: write(
            workspace, {name: value for name, value in SAID.items() if name != "client_id"}
        ),
        (
            f"{FILE}:1:1: a confirmation has a client_id with its metadata, or refused orders"
            " alone; confirm the client with acmidm orders done"
        ),
    ),
    "no metadata": (
        changed(metadata=None),
        f"{FILE}:1:1: a confirmation has a client_id with its metadata, or refused orders alone;",
    ),
    "a client-ID that leads elsewhere": (
        changed(client_id=".."),
        f'{FILE}:1:12: ".." is no client-ID; ',
    ),
    "a moment without its zone": (
        changed(removed={"by": "iemand", "at": "2026-11-28T12:00:00"}),
        f'{FILE}:18:7: "at" has no time zone; write it with one, as 2026-11-28T12:00:00Z',
    ),
    "no moment": (
        changed(removed={"by": "iemand", "at": "yesterday"}),
        f'{FILE}:18:7: "at" is no moment; write one, as 2026-11-28T12:00:00Z',
    ),
    "nobody": (
        changed(removed={"by": "", "at": "2026-11-28T12:00:00Z"}),
        f'{FILE}:17:7: "by" is empty; fill it in',
    ),
    "somebody on two lines": (
        changed(removed={"by": "a\n  b", "at": "2026-11-28T12:00:00Z"}),
        f'{FILE}:17:7: "by" contains a line break, ',
    ),
    "a part that no client has": (
        changed(refused={"scope": REFUSED}),
        f'{FILE}:17:3: "scope" is no part of a',
    ),
    "a product that a shell would run": (
        changed(products={"$(reboot)": {}}),
        f'{FILE}:17:3: "$(reboot)" is no name',
    ),
    "a default that is a text": (
        changed(scopes={"dv_magda": {"default": "yes"}}),
        f'{FILE}:14:14: "default" is not true',
    ),
    "a key file elsewhere": (
        changed(keys={"../../../../onboardings/gent/tni.jwk.json": "2026-11-28T12:00:00Z"}),
        f"{FILE}:15:46: this is not the name of a key file; ",
    ),
    "a key file that is not there": (
        no_key,
        f'{FILE}:15:67: key file "{KEY_NAME}" cannot be read: ',
    ),
    "a private key": (
        with_key(private_key("key", **EC)),
        f"{FILE.with_name(KEY_NAME)}:3:3: the key contains the private member d;",
    ),
    "no key": (with_key("{}"), f"{FILE.with_name(KEY_NAME)}:1:1: "),
    "no JSON": (with_key("{"), f"{FILE.with_name(KEY_NAME)}:1:2: this is not JSON;"),
    "two keys of one kid": (
        two_of_one_kid,
        f'{FILE}:16:19: another key has the kid "key"; keep one of the two',
    ),
    "a link to a key": (
        linked_key,
        f"{FILE.with_name(KEY_NAME)}:1:1: this is a link, which is not followed;",
    ),
    "in no organisation's folder": (
        lambda workspace: write(workspace, file=FOLDER / "mijn-gent.yaml"),
        (
            f"{FOLDER}/mijn-gent.yaml:1:1: a confirmation is in a folder named by its"
            " organisation's code, and named by its application; move it, as in"
            " OVO002067/mijn-gent.yaml"
        ),
    ),
    "in the folder of no code": (
        lambda workspace: write(workspace, file=FOLDER / "gent/mijn-gent.yaml"),
        (
            f"{FOLDER}/gent/mijn-gent.yaml:1:1: a confirmation is in a folder named by its"
            " organisation's code"
        ),
    ),
    "too deep": (
        lambda workspace: write(workspace, file=FOLDER / "x/OVO002067/mijn-gent.yaml"),
        (
            f"{FOLDER}/x/OVO002067/mijn-gent.yaml:1:1: a confirmation is in a folder named by its"
            " organisation's code"
        ),
    ),
    "of an application that none can be": (
        lambda workspace: write(workspace, file=FOLDER / "OVO002067/Mijn Gent.yaml"),
        (
            f"{FOLDER}/OVO002067/Mijn Gent.yaml:1:1: a confirmation is in a folder named by its"
            " organisation's code"
        ),
    ),
    "another ending": (
        lambda workspace: write(workspace, file=FILE.with_suffix(".yml")),
        f"{FILE.with_suffix('.yml')}:1:1: ",
    ),
    "conflict markers": (
        lambda workspace: write(
            workspace, "<<<<<<< ours\nclient_id: a\n=======\nclient_id: b\n>>>>>>> theirs\n"
        ),
        f"{FILE}:",
    ),
    "an alias": (
        lambda workspace: write(workspace, "client_id: &a x\nmetadata: *a\n"),
        f"{FILE}:2:",
    ),
    "a tag that runs": (
        lambda workspace: write(workspace, "client_id: !!python/object/apply:os.system [id]\n"),
        f"{FILE}:1:12: ",
    ),
    "a document of a thousand levels": (
        lambda workspace: write(
            workspace, "products: {dosis: " + "{a: " * 1000 + "}" * 1001 + "\n"
        ),
        f"{FILE}:1:",
    ),
    "too large": (lambda workspace: write(workspace, "# " + "x" * 70_000), f"{FILE}:1:1: "),
    "nothing": (lambda workspace: write(workspace, ""), f"{FILE}:1:1: "),
}


@pytest.mark.parametrize("case", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_has_its_place_and_what_to_do(
    workspace: Workspace, case: tuple[Callable[[Workspace], object], str]
) -> None:
    """And nothing of a private key is repeated."""
    make, expected = case
    make(workspace)
    found = sentences()
    assert any(one.startswith(expected) for one in found), found
    assert all("; " in one for one in found), "each says what to do"
    assert not any(private_key("key", **EC)["d"] in one for one in found)
    with pytest.raises(InvalidForms):
        read_confirmations(FOLDER)


@pytest.mark.parametrize(
    "other", [FOLDER, Path("confirmed/tni/geosecure")], ids=["platform", "other platform"]
)
def test_two_clients_of_one_client_id(workspace: Workspace, other: Path) -> None:
    """On two platforms too; where one of them is gone, the other is right."""
    write(workspace)
    again = other / "OVO002067/loket.yaml"
    write(workspace, file=again)
    with pytest.raises(InvalidForms) as raised:
        read_confirmations(*dict.fromkeys([FOLDER, other]))
    first, second = (FILE, again) if other != FOLDER else (again, FILE)
    assert [str(one) for one in raised.value.problems] == [
        f"{second}:1:12: this client-ID is also that of {first}; look in the portal whose it is,"
        " and correct the other"
    ]
    write(workspace, {**SAID, "removed": {"by": "iemand", "at": "2026-11-28T12:00:00Z"}}, again)
    assert len(read_confirmations(*dict.fromkeys([FOLDER, other]))[0]) == (
        2 if other == FOLDER else 1
    )


def test_one_folder_of_two_platforms(workspace: Workspace) -> None:
    """A stack whose platforms have one folder would give each client to both."""
    write(workspace)
    with pytest.raises(InvalidForms, match="this client-ID is also that of"):
        read_confirmations(FOLDER, FOLDER)


TEXTS = st.text(
    st.characters(categories=["L", "N", "P"], exclude_characters="\\"), min_size=1, max_size=20
)
MOMENTS = st.integers(0, 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
PEOPLE = st.builds(Attestation, by=TEXTS, at=MOMENTS)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(TEXTS, st.booleans(), st.integers(-(10**9), 10**9)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(TEXTS, inner, max_size=2)),
    max_leaves=4,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    st.dictionaries(TEXTS, st.fixed_dictionaries({"default": st.booleans()}), max_size=3),
    st.dictionaries(
        st.sampled_from(["dosis", "notificaties"]), st.dictionaries(TEXTS, VALUES, max_size=2)
    ),
    st.dictionaries(st.sampled_from(["scopes", "keys", "product/dosis", "scopes/elys"]), PEOPLE),
    st.one_of(st.none(), PEOPLE),
    MOMENTS,
)
def test_what_is_written_reads_back_the_same(
    workspace: Workspace, scopes: Any, products: Any, confirmed: Any, removed: Any, since: datetime
) -> None:
    """Whatever a value looks like to YAML."""
    values = {
        **SAID,
        "scopes": scopes,
        "products": products,
        "confirmed": confirmed,
        "removed": removed,
    }
    said = ConfirmationFile.model_validate({**values, "keys": {KEY_NAME: since}})
    write(workspace, as_text(said))
    assert read_confirmations(FOLDER) == [
        {
            "OVO002067/mijn-gent": Confirmation(
                "OVO002067/mijn-gent",
                FILE,
                said,
                {"key": jwk("key")},
                {jwk("key").thumbprint: since},
            )
        }
    ]


def test_a_refused_create_is_a_file_without_a_client(workspace: Workspace) -> None:
    said = ConfirmationFile.model_validate({"refused": {"create": REFUSED}})
    write(workspace, as_text(said))
    ([found],) = (one.values() for one in read_confirmations(FOLDER))
    assert (found.content, found.is_there) == (said, False)


def test_each_visible_character_is_written_as_it_is() -> None:
    """Also one beyond the 65,536 that the library in C writes so: else a file that somebody else
    wrote shows a change where nothing changed, and people cannot read it."""
    refusal = {**REFUSED, "why": "no mandate 🙂"}
    text = as_text(ConfirmationFile.model_validate({"refused": {"create": refusal}}))
    assert "    why: no mandate 🙂\n" in text
