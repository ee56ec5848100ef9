"""The client documents."""

import uuid
from typing import Any

import httpx
import pytest

from tests.support.portal import client_document, new_key, put_current, register_client

CLIENTS = "/management/v1/clients"


def software_id() -> str:
    return f"acmidm/tni/OVO002067/{uuid.uuid4()}"


def test_a_registered_client_is_read_back_as_it_was_returned(operator: httpx.Client) -> None:
    """POST answers 201 with Location, ETag and the whole document; GET at that Location gives the
    same."""
    created = operator.post(
        CLIENTS, json=client_document(contacts=["b@x.example", "a@x.example", "b@x.example"])
    )
    assert created.status_code == 201
    document = created.json()
    assert uuid.UUID(document["client_id"]).version == 4
    assert created.headers["Location"] == f"{CLIENTS}/{document['client_id']}"
    assert document["contacts"] == ["a@x.example", "b@x.example"]
    assert document["enabled"] is True
    assert document["client_secret_updated_at"] is None
    read = operator.get(created.headers["Location"])
    assert read.json() == document
    assert read.headers["ETag"] == created.headers["ETag"] == '"1"'


@pytest.mark.parametrize(
    ("attributes", "pointer"),
    [
        ({"vo_ovocode": "OVO000001"}, "/attributes/vo_ovocode"),
        ({"sub": "x"}, "/attributes/sub"),
        ({"SETBYCLIENT_x": "x"}, "/attributes/SETBYCLIENT_x"),
        ({"setbyclient_x": ""}, "/attributes/setbyclient_x"),
        ({"setbyclient_x": "a\u202eb"}, "/attributes/setbyclient_x"),
        ({f"setbyclient_{number}": "x" for number in range(21)}, "/attributes"),
    ],
)
def test_a_client_says_of_itself_what_no_other_claim_says(
    operator: httpx.Client, attributes: dict[str, Any], pointer: str
) -> None:
    """Attributes are part of its document: another claim's name, or what is no visible text, is
    refused."""
    client = register_client(operator, attributes={"setbyclient_x": "y"})
    path = f"{CLIENTS}/{client['client_id']}"
    refused = put_current(operator, path, client_document(attributes=attributes))
    assert (
        refused.status_code,
        [error["pointer"].removesuffix("/[key]") for error in refused.json()["errors"]],
    ) == (
        422,
        [pointer],
    )
    assert operator.get(path).json()["attributes"] == {"setbyclient_x": "y"}
    assert put_current(operator, path, client_document()).json()["attributes"] == {}


def test_the_natural_key_is_unique_and_the_conflict_names_its_owner(operator: httpx.Client) -> None:
    """A second POST with a software_id, as after a lost answer, is a 409 from which the first
    client can be found."""
    key = software_id()
    first = register_client(operator, software_id=key)
    second = operator.post(CLIENTS, json=client_document(software_id=key))
    assert second.status_code == 409
    assert second.json()["client_id"] == first["client_id"]
    assert first["client_id"] in second.json()["detail"]
    assert [
        item["client_id"]
        for item in operator.get(CLIENTS, params={"software_id": key}).json()["items"]
    ] == [first["client_id"]]


def test_a_put_can_not_take_another_clients_natural_key(operator: httpx.Client) -> None:
    """Nor can a replacement make two clients with one key; keeping its own is no conflict."""
    taken, own = software_id(), software_id()
    owner = register_client(operator, software_id=taken)
    path = f"{CLIENTS}/{register_client(operator, software_id=own)['client_id']}"
    refused = put_current(operator, path, client_document(software_id=taken))
    assert refused.status_code == 409
    assert refused.json()["client_id"] == owner["client_id"]
    assert (
        put_current(
            operator, path, client_document(software_id=own, client_name="renamed")
        ).status_code
        == 200
    )


def test_put_replaces_the_whole_document_but_not_what_lives_inside(operator: httpx.Client) -> None:
    """What is left out falls back to its default (RFC 7592 §2.2); scopes and keys stay, with their
    ETags. Sent again, it is no news."""
    client = register_client(
        operator, scopes=["dv_magda"], keys=[new_key()], managed_by="acmidm/tni/x"
    )
    path = f"{CLIENTS}/{client['client_id']}"
    document = client_document()
    del document["contacts"], document["managed_by"]
    replaced = put_current(operator, path, document)
    assert replaced.status_code == 200
    assert (
        replaced.headers["ETag"] == put_current(operator, path, document).headers["ETag"] == '"2"'
    )
    assert replaced.json()["contacts"] == []
    assert replaced.json()["managed_by"] is None
    assert replaced.json()["client_id_issued_at"] == client["client_id_issued_at"]
    scopes = operator.get(f"{path}/scopes")
    assert scopes.json()["scopes"] == ["dv_magda", "vo_info"]
    assert scopes.headers["ETag"] == '"2"'


def test_a_put_for_another_client_id_is_refused(operator: httpx.Client) -> None:
    """client_id may be repeated in the body (RFC 7592 §2.2), but only the one of the URL."""
    client = register_client(operator)
    path = f"{CLIENTS}/{client['client_id']}"
    assert (
        put_current(operator, path, client_document(client_id=client["client_id"])).status_code
        == 200
    )
    refused = put_current(operator, path, client_document(client_id="another"))
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/client_id"


def test_a_removed_client_is_gone_with_its_scopes_and_keys(operator: httpx.Client) -> None:
    """After DELETE all three documents are 404, and its natural key is free."""
    key = software_id()
    path = f"{CLIENTS}/{register_client(operator, software_id=key, keys=[new_key()])['client_id']}"
    assert operator.delete(path, headers={"If-Match": '"1"'}).status_code == 204
    assert {operator.get(f"{path}{part}").status_code for part in ("", "/scopes", "/jwks")} == {404}
    register_client(operator, software_id=key)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"client_name": "line\nbreak"}, "/client_name"),
        ({"contacts": ["a@x.example", "nobody"]}, "/contacts/1"),
        ({"grant_types": ["password"]}, "/grant_types/0"),
        ({"organisation": {"name": "Stad Gent"}}, "/organisation"),
        ({"organisation": {"name": "Stad Gent", "kbo": "207451227"}}, "/organisation/kbo"),
        ({"client_id": "chosen"}, "/client_id"),
        ({"software_ID": "typo"}, "/software_ID"),
        ({"token_endpoint_auth_method": "client_secret_basic"}, "/client_secret"),
        (
            {"token_endpoint_auth_method": "client_secret_basic", "client_secret": "short"},
            "/client_secret",
        ),
        ({"client_secret": "a secret of a good length"}, ""),
    ],
)
def test_a_bad_document_is_refused_with_the_place_of_the_mistake(
    operator: httpx.Client, change: dict[str, Any], pointer: str
) -> None:
    """Every rule of the document answers 422 with a JSON Pointer."""
    refused = operator.post(CLIENTS, json=client_document(**change))
    assert refused.status_code == 422, refused.text
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


def test_all_mistakes_are_told_at_once_and_no_value_is_repeated(operator: httpx.Client) -> None:
    """Someone with three mistakes needs one round, and a secret in the wrong place is not
    echoed."""
    refused = operator.post(
        CLIENTS,
        json=client_document(
            contacts=["x"],
            application="",
            client_secret="hunter2",
            token_endpoint_auth_method="hunter2",
        ),
    )
    assert len(refused.json()["errors"]) == 4
    assert "hunter2" not in refused.text


def test_a_method_of_secrets_needs_one(operator: httpx.Client) -> None:
    """A change to private_key_jwt forgets it, and then another is needed."""
    method = "client_secret_basic"
    client = register_client(
        operator, token_endpoint_auth_method=method, client_secret="correct horse battery"
    )
    path = f"{CLIENTS}/{client['client_id']}"
    assert client["client_secret_updated_at"] == client["client_id_issued_at"]
    assert put_current(operator, path, client_document()).json()["client_secret_updated_at"] is None
    missing = put_current(operator, path, client_document(token_endpoint_auth_method=method))
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "/client_secret")


def test_pages_give_every_client_once_in_a_stable_order(operator: httpx.Client) -> None:
    """Keyset paging: clients that are removed or added meanwhile make none come twice or fall
    out."""
    mark = f"acmidm/paging/{uuid.uuid4()}"
    ids = [register_client(operator, managed_by=mark)["client_id"] for _ in range(7)]
    first = operator.get(CLIENTS, params={"managed_by": mark, "limit": 3}).json()
    operator.delete(f"{CLIENTS}/{ids[0]}", headers={"If-Match": "*"}).raise_for_status()
    ids.append(register_client(operator, managed_by=mark)["client_id"])
    seen = [item["client_id"] for item in first["items"]]
    following = first["next"]
    while following is not None:
        page = operator.get(
            CLIENTS, params={"managed_by": mark, "limit": 3, "after": following}
        ).json()
        assert len(page["items"]) <= 3
        seen += [item["client_id"] for item in page["items"]]
        following = page["next"]
    assert seen == ids


def test_a_page_gives_whole_clients_with_the_etags_of_the_documents(operator: httpx.Client) -> None:
    """One list replaces three reads for each client: a refresh of hundreds depends on it."""
    mark = f"acmidm/whole/{uuid.uuid4()}"
    client = register_client(
        operator, managed_by=mark, keys=[new_key()], attributes={"setbyclient_x": "y"}
    )
    path = f"{CLIENTS}/{client['client_id']}"
    put_current(
        operator, f"{path}/scopes", {"scopes": ["dv_magda"], "default": ["dv_magda"]}
    ).raise_for_status()
    (item,) = operator.get(CLIENTS, params={"managed_by": mark, "application": "mijn-gent"}).json()[
        "items"
    ]
    parts = {
        part: operator.get(f"{path}{suffix}")
        for part, suffix in {"client": "", "scopes": "/scopes", "jwks": "/jwks"}.items()
    }
    assert item.pop("etags") == {part: answer.headers["ETag"] for part, answer in parts.items()}
    assert {"scopes": item.pop("scopes"), "default": item.pop("default_scopes")} == parts[
        "scopes"
    ].json()
    assert item.pop("jwks") == parts["jwks"].json()
    assert item == parts["client"].json()
