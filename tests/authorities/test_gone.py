"""What counts as gone: a wrong address answers 404 to everything, and neither a read nor a removal
takes that for an answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from acmidm_onboarding.authorities.errors import AuthorityError, NotFound
from acmidm_onboarding.authorities.http import collection
from acmidm_onboarding.authorities.port import Authority
from acmidm_onboarding.values.metadata import Owner
from tests.support.adapters import beheerportaal, keycloak, products
from tests.support.authority_calls import ANSWER, CALLS, PRODUCT_CALLS
from tests.support.fake_server import FakeServer, Reply, Request, serving

OWNER = Owner("acmidm/tni/OVO002067/loket", "acmidm/tni")
CLIENT = {"id": "1", "clientId": "another"}
BODIES = {
    "problem": Reply(404, {"title": "Not Found", "status": 404, "detail": "nothing here"}),
    "json": Reply(404, {}),
    "html": Reply(404, b"<html>404</html>", {"content-type": "text/html"}),
    "nothing": Reply(404, b""),
}


def only_lists(request: Request) -> Reply:
    """An authority that answers, and has nothing of what is looked for."""
    if request.path.partition("?")[0] in ("/clients", "/dosis/configurations"):
        return Reply(
            200,
            (
                [CLIENT]
                if "first=" in request.path
                else []
                if "clientId=" in request.path
                else {"items": [], "next": None}
            ),
        )
    return Reply(404, {})


@pytest.mark.parametrize("reply", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("authority", [beheerportaal, keycloak])
def test_a_wrong_address_has_no_client_that_is_gone(
    authority: Callable[[FakeServer], Authority], reply: Reply
) -> None:
    with serving(lambda _: reply) as server:
        for call in ("read", "read_scopes", "read_jwks", "read_metadata", "remove"):
            with pytest.raises(
                AuthorityError, match=r"check the address|must be the address of a realm"
            ) as caught:
                CALLS[call](authority(server))
            assert not isinstance(caught.value, NotFound), call


@pytest.mark.parametrize("reply", BODIES.values(), ids=BODIES.keys())
def test_a_wrong_address_has_no_configuration_that_is_gone(reply: Reply) -> None:
    with serving(lambda _: reply) as server:
        for call in ("read", "put", "delete"):
            with pytest.raises(AuthorityError, match="check the address") as caught:
                PRODUCT_CALLS[call](products(server))
            assert not isinstance(caught.value, NotFound), call
    assert {request.method for request in server.requests} == {"GET"}


@pytest.mark.parametrize("authority", [beheerportaal, keycloak])
def test_many_that_are_gone_cost_one_list(
    authority: Callable[[FakeServer], Authority], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection, "_COUNTS_FOR_SECONDS", 600)
    with serving(only_lists) as server:
        one = authority(server)
        for number in range(50):
            assert one.read_metadata(f"client-{number}") is None
            one.remove(f"client-{number}", OWNER)
    assert (
        len(
            [
                request
                for request in server.requests
                if "limit=1" in request.path or "max=1" in request.path
            ]
        )
        == 1
    )


def test_each_product_has_a_list_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Product APIs are many: that one answers says nothing of another."""
    monkeypatch.setattr(collection, "_COUNTS_FOR_SECONDS", 600)
    with serving(only_lists) as server:
        one = products(server)
        for number in range(50):
            assert one.read("dosis", f"client-{number}") is None
            one.delete("dosis", f"client-{number}", OWNER)
        assert len([request for request in server.requests if "limit=1" in request.path]) == 1
        with pytest.raises(
            AuthorityError,
            match=r"GET .*/notificaties/configurations: there is no such list \(404\)",
        ):
            one.read("notificaties", "client-1")


def test_an_api_that_vanishes_during_a_run_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list counts for seconds, not for ever."""
    monkeypatch.setattr(collection, "_COUNTS_FOR_SECONDS", 0)
    with serving(only_lists) as server:
        one = beheerportaal(server)
        assert one.read_metadata("x") is None
        server.script = lambda _: Reply(404, {})
        with pytest.raises(AuthorityError, match="nothing counts as gone"):
            one.read_metadata("x")


REMOVALS: dict[str, Callable[[FakeServer], object]] = {
    "client": lambda server: beheerportaal(server).remove("x", OWNER),
    "configuration": lambda server: products(server).delete("dosis", "x", OWNER),
}


@pytest.mark.parametrize("call", REMOVALS.values(), ids=REMOVALS.keys())
def test_a_document_that_stays_is_not_removed(call: Callable[[FakeServer], object]) -> None:
    """A gateway that knows no DELETE says 404 to it, and the document is there as before."""
    document = {**ANSWER, "software_id": OWNER.software_id, "managed_by": OWNER.managed_by}

    def script(request: Request) -> Reply:
        return Reply(200, document, {"etag": '"1"'}) if request.method == "GET" else Reply(404, {})

    with serving(script) as server, pytest.raises(NotFound, match="DELETE"):
        call(server)
