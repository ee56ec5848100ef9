"""Who may see what: logging on and off, sessions and cookies."""

import time
import uuid
from hashlib import sha256

import httpx
import pytest

from acmidm_sandbox.beheerportaal.store.database import Database
from acmidm_sandbox.beheerportaal.store.users import WebSession
from story.person import MENU, PortalVisitor, client_path, hidden_fields
from tests.sandbox.web import GENT, anybody, cookies_of, person
from tests.support.people import add_user, list_users, remove_user, set_right
from tests.support.portal import RunningPortal, new_key, public_jwk, register_client

LOG_ON = "/portaal/nl/aanmelden"
MINE = f"/portaal/nl{MENU}"
COOKIE = "portaal_acmidm_tni"


@pytest.fixture
def name() -> str:
    return f"beheer-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def somebody(portal: RunningPortal) -> PortalVisitor:
    return person(portal, f"beheer-{uuid.uuid4().hex[:8]}")


def test_a_visitor_is_led_to_the_form_and_then_to_the_page(
    portal: RunningPortal, somebody: PortalVisitor, operator: httpx.Client
) -> None:
    """The page that was asked for is where one ends after logging on."""
    path = client_path(register_client(operator)["client_id"])
    visitor = anybody(portal)
    visitor.name, visitor.password = somebody.name, somebody.password
    first = visitor.http.get(path)
    assert first.status_code == 303
    fields = hidden_fields(visitor.http.get(first.headers["location"]).text)
    answer = visitor.http.post(
        LOG_ON, data={**fields, "name": somebody.name, "password": somebody.password}
    )
    assert answer.headers["location"] == path
    assert visitor.http.get(path).status_code == 200


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/management/v1",
    ],
)
def test_nobody_is_sent_elsewhere(
    portal: RunningPortal, somebody: PortalVisitor, elsewhere: str
) -> None:
    """No open redirect behind the log-on."""
    visitor = anybody(portal)
    fields = visitor.fields(LOG_ON)
    answer = visitor.http.post(
        LOG_ON,
        data={**fields, "name": somebody.name, "password": somebody.password, "naar": elsewhere},
    )
    assert (answer.status_code, answer.headers["location"]) == (303, MINE)


def test_a_session_is_a_new_one_and_ends(portal: RunningPortal, somebody: PortalVisitor) -> None:
    """What someone planted is worth nothing, and neither is what was thrown away or is over; the
    cookie is for HTTP alone, and nothing that opens a session is in the database."""
    visitor = anybody(portal)
    visitor.name, visitor.password = somebody.name, somebody.password
    visitor.http.cookies.set(COOKIE, "planted", path="/portaal")
    cookie = cookies_of(visitor.log_on())[COOKIE]
    assert all(attribute in cookie for attribute in ("HttpOnly", "SameSite=lax", "Path=/portaal"))
    token = cookie.partition(";")[0]
    assert not any(
        token.encode() in file.read_bytes()
        for file in portal.settings.database.parent.glob("portal.db*")
    )
    ended, used = (anybody(portal) for _ in range(2))
    ended.name, ended.password = somebody.name, somebody.password
    ended.log_on()
    database = Database(portal.settings.database)
    with database.write() as session:
        kept = session.get(WebSession, sha256(ended.http.cookies[COOKIE].encode()).hexdigest())
        assert kept is not None
        kept.ends_at = int(time.time()) - 1
    database.close()
    used.http.cookies.set(COOKIE, token)
    assert [one.http.get(MINE).status_code for one in (ended, used)] == [303, 200]
    assert used.http.post("/portaal/nl/afmelden").status_code == 303
    for thrown_away in (token, "planted"):
        thief = anybody(portal)
        thief.http.cookies.set(COOKIE, thrown_away)
        assert thief.http.get(MINE).status_code == 303


def test_a_wrong_name_is_told_like_a_wrong_password(
    portal: RunningPortal, somebody: PortalVisitor
) -> None:
    """The same page, so that nobody learns which names there are."""
    pages = []
    for name, password in (
        (somebody.name, "wrong"),
        ("nobody-by-that-name", "wrong"),
        (somebody.name, "x" * 1000),
    ):
        visitor = anybody(portal)
        visitor.name, visitor.password = name, password
        answer = visitor.log_on()
        assert answer.status_code == 422
        pages.append(answer.text.replace(name, "NAME"))
    assert pages[0] == pages[1] == pages[2]


def test_the_right_counts_from_the_next_page(
    portal: RunningPortal, name: str, operator: httpx.Client
) -> None:
    """Without it each page says whom to ask, and nothing can be done; granted or taken away, it
    needs no new log-on."""
    client_id = register_client(operator)["client_id"]
    somebody = person(portal, name, api_beheerder=False)
    path = client_path(client_id)
    for page in (MINE, path):
        refused = somebody.http.get(page)
        assert refused.status_code == 403
        assert all(
            word in refused.text
            for word in (
                "Lokale Beheerder",
                "1700",
                "keuze 5",
                'href="tel:+3225531700"',
                "+32 2 553 1700",
            )
        )
        assert client_id not in refused.text.replace(page, "").replace(
            page.replace("/nl/", "/en/"), ""
        )
    upload = somebody.http.post(f"{path}/sleutels", data={"jwk": "{}"})
    assert upload.status_code == 403
    set_right(portal.settings.database, name, api_beheerder=True)
    assert somebody.http.get(path).status_code == 200
    set_right(portal.settings.database, name, api_beheerder=False)
    assert somebody.http.get(path).status_code == 403
    remove_user(portal.settings.database, name)
    assert somebody.http.get(path).status_code == 303


def test_only_the_own_organisation(
    portal: RunningPortal, name: str, operator: httpx.Client
) -> None:
    """By OVO code where both have one, else by KBO number, unless departments share it; another's
    client is not there at all."""
    gent = {"name": "Stad Gent", "ovo": GENT, "kbo": "0207451227"}
    both = register_client(operator, organisation=gent)
    by_kbo = register_client(
        operator, organisation={"name": "Stad Gent", "ovo": None, "kbo": "0207451227"}
    )
    aalst = register_client(
        operator, organisation={"name": "Stad Aalst", "ovo": "OVO001992", "kbo": "0207437468"}
    )
    shared, departments = (
        [
            register_client(operator, organisation={"name": "Departement", "ovo": ovo, "kbo": kbo})
            for ovo in ("OVO700001", other, None)
        ]
        for kbo, other in (("0316380841", "OVO700001"), ("0200881951", "OVO700002"))
    )

    def sees(*organisation: str) -> set[str]:
        who = person(portal, f"{name}-{'-'.join(organisation)}", organisation)
        made = [both, by_kbo, aalst, *shared, *departments]
        return {
            client["client_id"]
            for client in made
            if who.http.get(client_path(client["client_id"])).status_code == 200
        }

    assert sees(GENT) == {both["client_id"]}
    assert sees("0207.451.227") == {both["client_id"], by_kbo["client_id"]}
    assert sees(GENT, "0207451227") == {both["client_id"], by_kbo["client_id"]}
    assert sees("OVO001992", "0207451227") == {aalst["client_id"], by_kbo["client_id"]}
    assert sees("OVO000002", "0316380841") == set()
    assert sees("0200881951") == {departments[2]["client_id"]}
    assert sees("OVO700002", "0200881951") == {one["client_id"] for one in departments[1:]}
    with pytest.raises(ValueError, match="shared"):
        add_user(portal.settings.database, "shared", ["0316380841"], api_beheerder=True)


def test_another_organisations_key_can_not_be_changed(
    somebody: PortalVisitor, operator: httpx.Client
) -> None:
    """404 for reading, adding and removing, and the keys stay."""
    key = new_key()
    aalst = {"name": "Stad Aalst", "ovo": "OVO001992", "kbo": None}
    client_id = register_client(operator, organisation=aalst, keys=[key])["client_id"]
    path = client_path(client_id)
    for place, sent in (("", {"jwk": "{}"}), ("/verwijderen", {"kid": "key-1", "laatste": "ja"})):
        assert somebody.http.post(f"{path}/sleutels{place}", data=sent).status_code == 404
    assert operator.get(f"/management/v1/clients/{client_id}/jwks").json()["keys"] == [
        public_jwk(key)
    ]


def test_a_portal_without_the_page_of_the_form_has_no_link_to_it(somebody: PortalVisitor) -> None:
    assert somebody.http.get("/portaal/aansluitingsformulier").status_code == 404
    assert "aansluitingsformulier" not in somebody.http.get("/portaal/nl/aanmelden").text


def test_users_are_kept_with_a_hash_only(portal: RunningPortal, name: str) -> None:
    """The password is returned once; names and codes that can't be used are told in a sentence."""
    database = portal.settings.database
    password = add_user(database, name, [GENT], api_beheerder=True)
    assert any(user.name == name and user.api_beheerder for user in list_users(database))
    assert not any(
        password.encode() in file.read_bytes() for file in database.parent.glob("portal.db*")
    )
    for given, organisation, words in (
        ("", [GENT], "printable"),
        ("a\nb", [GENT], "printable"),
        ("new", [], "needs an organisation"),
    ):
        with pytest.raises(ValueError, match=words):
            add_user(database, given, organisation, api_beheerder=False)
