"""No input makes a 500, and nothing that one client contains spoils an answer about others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from story.person import MENU, hidden_fields
from tests.portal.inside import Browser, Inside, inside
from tests.portal.sender import Sender
from tests.portal.web import GENT
from tests.support.forms import DOSIS
from tests.support.messages import DOSSIER, NOTIFICATION
from tests.support.portal import PRODUCTS, client_document, new_key, public_jwk

CLIENTS = "/management/v1/clients"
KEY = public_jwk(new_key())
# What `visible` refuses is compared character by character with what forms refuse, in unit/model/test_limits.py.
TEXT_RULES = {
    "NUL": "a\0b",
    "a newline": "a\nb",
    "right to left": "a\u202eb",
    "no width": "a\u200bb",
    "a filler": "a\u3164b",
    "a space at its end": "ab ",
    "half a character": "a\ud800b",
}


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"x": value}
    return value


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    with inside(tmp_path_factory.mktemp("hostile")) as made:
        yield made


@pytest.fixture(scope="module")
def browser(portal: Inside) -> Browser:
    return Browser(portal).of(GENT)


@pytest.fixture(scope="module")
def sender(portal: Inside) -> Sender:
    return Sender.of(portal)


@pytest.fixture(scope="module")
def client_id(portal: Inside) -> str:
    return portal.register()


def test_only_registered_members_are_kept(portal: Inside, browser: Browser) -> None:
    """By both ways in: what nobody here reads is not stored, so that it can't be read as something else elsewhere."""
    extra = {"note": {"a": [1]}, "x5u": "https://evil.example/", "x5c": ["AA"], "ext": True, "<b>": "x"}
    client_id = portal.register()
    first, second = ({**KEY, "exp": 4102444800, "iat": 1, "nbf": 1}, public_jwk(new_key("second")))
    written = portal.manage("PUT", f"{CLIENTS}/{client_id}/jwks", {"keys": [{**first, **extra}]}, If_Match="*")
    assert written.json() == {"keys": [first]}
    page = f"/portaal/nl{MENU}/{client_id}"
    assert browser.post(f"{page}/sleutels", browser.get(page).text, jwk=json.dumps({**second, **extra})).status == 303
    assert portal.manage("GET", f"{CLIENTS}/{client_id}/jwks").json() == {"keys": [first, second]}


@pytest.mark.parametrize("field", ["configuration", "client_name", "software_id", "managed_by", "application", "organisation", "contacts"])
def test_a_text_that_can_not_be_seen_is_refused(portal: Inside, field: str) -> None:
    """NUL, control, bidirectional and invisible characters in names and contacts: a 4xx that names the field, never the value."""
    configuration = f"/products/v1/dosis/configurations/{portal.register()}"
    for kind, text in TEXT_RULES.items():
        if field == "configuration":
            document = {"configuration": {"bron_uri": "urn://gent/", "product_ids": [text]}}
            refused = portal.manage("PUT", configuration, document, If_None_Match="*")
        else:
            of_field = {"organisation": {"name": text, "ovo": GENT}, "contacts": [f"{text}@stad.example"]}
            refused = portal.manage("POST", CLIENTS, client_document(**{field: of_field.get(field, text)}))
        assert refused.text.isprintable()
        if kind == "half a character":
            assert refused.status == 400
        else:
            assert refused.status == 422, kind
            assert refused.json()["errors"][0]["pointer"].startswith(f"/{field}")


NASTY_TEXTS = [
    *TEXT_RULES.values(), "", "\0", "é" * 300, "x" * 70_000, "../../x", "%00", "{}", "{0}", "${x}", "<b>", "'\"`;--", "null",
    "4dabf18193072939515e22adb298388d", "9" * 30, "-1", "1e999", "*", '"1"', 'W/"1"', "user:x", "management_read", GENT,
]  # fmt: skip
texts = st.one_of(st.sampled_from(NASTY_TEXTS), st.text(st.characters(exclude_categories=()), max_size=30))
# Deeper than hypothesis nests by itself, and numbers that Python's own writer would not write.
leaves = st.one_of(texts, st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from([10**30, -(2**63), 10**3000, 1e308]))
names = st.one_of(st.sampled_from([*client_document(), "client_secret", "keys", "scopes", "configuration", "client_id", *KEY]), texts)
values: st.SearchStrategy[Any] = st.recursive(
    leaves, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=5)), max_leaves=12
) | st.integers(1, 1200).map(nested)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """A right document of some kind with one thing in it that is not, or no document at all."""
    right: list[dict[str, Any]] = [
        client_document(),
        {"keys": [KEY]},
        {"scopes": ["dv_magda"]},
        {"configuration": {"bron_uri": "urn://x", "product_ids": ["1"]}},
        DOSSIER,
        NOTIFICATION,
    ]
    document = draw(st.sampled_from(right))
    if draw(st.booleans()):
        place = draw(st.sampled_from(sorted(document)))
        inner = document[place][0] if isinstance(document[place], list) and document[place] else None
        if isinstance(inner, dict):
            document = {place: [{**inner, draw(st.sampled_from(sorted(inner)) | texts): draw(values)}]}
        else:
            document = {**document, place: draw(values)}
        return json.dumps(document).encode()
    return draw(st.one_of(values.map(lambda value: json.dumps(value).encode()), st.binary(max_size=60)))


PAGE = f"/portaal/nl{MENU}/@"
TARGETS = [
    ("GET", "/health"), ("GET", "/openapi.json"), ("GET", "/op/v1/keys"), ("GET", "/op/.well-known/openid-configuration"),
    ("POST", "/op/v1/token"), ("POST", "/op/v1/introspect"), ("GET", "/authorization/ws/oauth/v2/authorization/verify"),
    ("GET", CLIENTS), ("POST", CLIENTS), ("GET", "/management/v1/audit"),
    *[(method, f"{CLIENTS}/@{part}") for part in ("", "/scopes", "/jwks") for method in ("GET", "PUT", "DELETE")],
    *[("GET", f"/products/v1/{product}/configurations") for product in ("@", *PRODUCTS)],
    *[(method, f"/products/v1/dosis/configurations/@{part}") for part in ("", "x") for method in ("GET", "PUT", "DELETE")],
    ("POST", "/api/v2/notificaties"), ("POST", "/api/v2/dosis/dossiers"), ("DELETE", "/api/v1/dosis/dossiers"),
    *[("GET", f"/api/{path}") for path in ("v2/dosis/bronnen/uris", "v1/dosis/instellingen/validatie")],
    *[("GET", f"/api/v1/dosis/resultaten{path}") for path in ("", "/perUploadId", "/fouten")],
    ("GET", "/"), ("GET", "/@"), ("GET", "/portaal/@"), ("GET", "/portaal/static/@"), ("GET", "/portaal/nl/aanmelden"),
    *[("POST", f"/portaal/nl/{page}") for page in ("aanmelden", "afmelden")],
    *[(method, f"{PAGE}{page}") for page in ("", "/geschiedenis", "/sleutels", "/sleutels/verwijderen") for method in ("GET", "POST")],
]  # fmt: skip
QUERIES = [
    "limit", "after", "software_id", "application", "managed_by", "client_id", "gedaan", "na", "naar", "kid", "x",
    "bron", "dossierNummer", "dossiernummer", "uploadId",
]  # fmt: skip
FORM_FIELDS = [
    "grant_type", "scope", "client_id", "client_secret", "client_assertion", "client_assertion_type", "token", "name", "password",
    "audience", "resource", "scope[]",
    "etag", "jwk", "kid", "laatste", "naar",
]  # fmt: skip
HEADERS = ["If-Match", "If-None-Match", "Accept-Language", "Cookie", "Origin", "Sec-Fetch-Site", "Range", "Content-Length", "Authorization"]
TYPES = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=x; charset=utf-7",
    "application/json; charset=utf-16",
    "é",
    "",
]


@pytest.mark.parametrize(("method", "target"), TARGETS)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_request_makes_a_500(
    portal: Inside, browser: Browser, sender: Sender, client_id: str, method: str, target: str, data: st.DataObject
) -> None:
    """Whatever path, query, headers and body: refused with a 4xx or carried out, for somebody who is allowed everything."""
    known = portal.register() if method == "DELETE" else client_id
    client_id = data.draw(st.sampled_from([known, "x"]) | texts, "client_id")
    encoded = quote(client_id.encode("utf-8", "surrogatepass"), safe="")
    query = data.draw(st.dictionaries(st.sampled_from(QUERIES), texts, max_size=3), "query")
    if target.startswith("/api/v1/dosis/"):
        query = {"bron": DOSIS["bron_uri"], **query}
    wanted = f"{target.replace('@', encoded)}?{urlencode(query, errors='surrogatepass')}"
    headers = dict(data.draw(st.dictionaries(st.sampled_from(HEADERS), texts, max_size=2), "headers"))
    media_type = data.draw(st.sampled_from(TYPES[:1] * 3 + TYPES[1:2] * 3 + TYPES), "media type")
    token = sender.token_for(target) if target.startswith("/api/") else portal.token
    headers = {"Authorization": f"Bearer {token}", "If-Match": "*", "Cookie": browser.cookie, "Content-Type": media_type, **headers}
    if "form-urlencoded" in media_type:
        fields = data.draw(st.dictionaries(st.sampled_from(FORM_FIELDS), texts, max_size=5), "form")
        if "portaal" in target and data.draw(st.booleans(), "ours"):
            fields |= hidden_fields(browser.get(f"/portaal/nl{MENU}").text)
        elif "op/v1" in target:
            fields = {"grant_type": "client_credentials", "token": portal.token, **fields}
            headers.pop("Authorization")
        body = urlencode(fields, errors="surrogatepass").encode()
    else:
        body = data.draw(documents(), "body")
    host = data.draw(st.sampled_from(["127.0.0.1", "[", "[::x]", "\xff\xa0", ""]), "host")
    answer = portal.send(method, wanted, list(headers.items()), body, host)
    assert answer.status < 500, answer.text
    if answer.headers.get("content-type", "").endswith("json"):
        json.loads(answer.text)
