"""No input makes a 500, and nothing that one client contains spoils an answer about others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from story.person import MENU, hidden_fields
from tests.portal.inside import JSON, Browser, Inside, inside
from tests.portal.sender import Sender
from tests.portal.web import GENT
from tests.support.forms import DOSIS
from tests.support.messages import DOSSIER, NOTIFICATION
from tests.support.portal import PRODUCTS, client_document, new_key, public_jwk

CLIENTS = "/management/v1/clients"
KEY = public_jwk(new_key())
TEXT_RULES = {
    "NUL": "a\0b",
    "a control character": "a\x1bb",
    "a newline": "a\nb",
    "C1": "a\x9bb",
    "right to left": "a\u202eb",
    "a mark of direction": "a\u200fb",
    "an isolate": "a\u2066b",
    "no width": "a\u200bb",
    "a byte order mark": "\ufeffab",
    "a soft hyphen": "a\xadb",
    "a tag": "a\U000e0041b",
    "a filler": "a\u3164b",
    "a variation selector": "a\ufe0fb",
    "a line separator": "a\u2028b",
    "a space of another kind": "a\xa0b",
    "a space at its end": "ab ",
    "half a character": "a\ud800b",
    "nothing that is assigned": "a\u0378b",
}


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"x": value}
    return value


def without_quotes(number: str) -> bytes:
    """A key whose exp is this number, which Python would not write."""
    return json.dumps({"keys": [{**KEY, "exp": 0}]}).replace('"exp": 0', f'"exp": {number}').encode()


HOSTILE_KEYS: dict[str, Any] = {
    "254 deep": {"keys": [{**KEY, "note": nested(254)}]},
    "255 deep": {"keys": [{**KEY, "note": nested(255)}]},
    "900 deep": {"keys": [{**KEY, "note": nested(900)}]},
    "half a character beside": {"keys": [{**KEY, "note": "\ud800"}]},
    "half a character as a name": {"keys": [{**KEY, "\ud800": 1}]},
    "half a character in x": {"keys": [{**KEY, "x": "\ud800"}]},
    "an endless number": without_quotes("1" * 4000),
    "a number beyond all": without_quotes("1e999"),
    "NaN": without_quotes("NaN"),
    "a time after all times": {"keys": [{**KEY, "exp": 2**52}]},
    "a time that is none": {"keys": [{**KEY, "exp": {"a": []}}]},
    "a long kid": {"keys": [{**KEY, "kid": "k" * 256}]},
    "a kid that is a list": {"keys": [{**KEY, "kid": ["k"]}]},
    "use that is an object": {"keys": [{**KEY, "use": {}}]},
    "alg that is a list": {"keys": [{**KEY, "alg": ["ES256"]}]},
    "crv that is a list": {"keys": [{**KEY, "crv": ["P-256"]}]},
    "x with more zeros than there are numbers": {"keys": [{**KEY, "x": "A" * 500_000 + KEY["x"]}]},
    "x in another spelling": {"keys": [{**KEY, "x": KEY["x"] + "="}]},
    "an exponent as long as the modulus": {"keys": [{"kty": "RSA", "kid": "k", "n": "_" * 5000, "e": "_" * 5000}]},
    "an exponent that makes each signature costly": {"keys": [{"kty": "RSA", "kid": "k", "n": "_" * 341 + "w", "e": "AQAAAAAAAAAB"}]},
    "a kid of many bytes": {"keys": [{**KEY, "kid": "\u00e9" * 128}]},
    "an even modulus": {"keys": [{"kty": "RSA", "kid": "k", "n": "_" * 341 + "A", "e": "AQAB"}]},
    "a private key inside": {"keys": [{**KEY, "backup": {"jwk": new_key().as_dict(private=True)}}]},
    "a key that was revoked": {"keys": [{**KEY, "revoked": {"revoked_at": 1}}]},
    **{f"kid with {name}": {"keys": [{**KEY, "kid": text}]} for name, text in TEXT_RULES.items()},
}


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


def answers_of(portal: Inside, browser: Browser, client_id: str) -> dict[str, Any]:
    """Everything that shows the client, each of which must be an answer."""
    found = {
        target: portal.manage("GET", target)
        for target in (
            f"{CLIENTS}?limit=500",
            f"{CLIENTS}/{client_id}",
            f"{CLIENTS}/{client_id}/jwks",
            f"{CLIENTS}/{client_id}/scopes",
            "/management/v1/audit?limit=500",
            f"/management/v1/audit?client_id={client_id}",
            "/products/v1/dosis/configurations",
        )
    }
    pages = (f"/portaal/nl{MENU}", f"/portaal/nl{MENU}/{client_id}", f"/portaal/nl{MENU}/{client_id}/geschiedenis")
    shown = {target: browser.get(target) for target in pages}
    assert {answer.status for answer in (*found.values(), *shown.values())} == {200}
    return {target: answer.json() for target, answer in found.items()}


def test_a_hostile_key_is_refused_whichever_way_it_comes(portal: Inside, browser: Browser) -> None:
    """At the management API and in the upload; it is stored nowhere, and what is harmless beside a good key is left out."""
    client_id = portal.register()
    path, page = f"{CLIENTS}/{client_id}/jwks", f"/portaal/nl{MENU}/{client_id}"
    shown = browser.get(page).text
    for kind, document in HOSTILE_KEYS.items():
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        assert portal.manage("PUT", path, body, If_Match="*").status in (400, 422), kind
        assert browser.post(f"{page}/sleutels", shown, jwk=body.decode()).status in (413, 422), kind
        assert portal.manage("GET", path).json() == {"keys": []}, kind
    answers_of(portal, browser, client_id)


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


ODD_REQUESTS: dict[str, tuple[str, str, list[tuple[str, str]], bytes]] = {
    "a host that is no name": ("GET", "/portaal/nl/aanmelden", [], b""),
    "nowhere, of such a host": ("GET", "/nowhere", [], b""),
    "NUL in a path": ("GET", "/portaal/static/%00", [], b""),
    "no file": ("GET", "/portaal/static/..%2f..%2fsettings.py", [], b""),
    "a file of a long name": ("GET", f"/portaal/static/{'a' * 5000}", [], b""),
    "half a range": ("GET", "/portaal/static/portal.css", [("Range", "bytes=9-1,x"), ("If-Range", "\xff")], b""),
    "a form in a strange charset": (
        "POST",
        "/portaal/nl/aanmelden",
        [("Content-Type", "multipart/form-data; boundary=x; charset=undefined")],
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xff\r\n--x--\r\n',
    ),
    "half a character in a form": (
        "POST",
        "/portaal/nl/aanmelden",
        [("Content-Type", "multipart/form-data; boundary=x; charset=utf-7")],
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n+2AA-\r\n--x--\r\n',
    ),
    "parts without an end": ("POST", "/portaal/nl/aanmelden", [("Content-Type", "multipart/form-data; boundary=x")], b"--x\r\nA"),
    "parts without a boundary": ("POST", "/portaal/nl/aanmelden", [("Content-Type", "multipart/form-data")], b"--x\r\nA"),
    "UTF-16": ("POST", CLIENTS, [JSON], '{"a": "\ud800"}'.encode("utf-16", "surrogatepass")),
    "a language beyond all": ("GET", "/", [("Accept-Language", "en;q=nan,nl;q=inf,x;q=1e999")], b""),
    "a deep token": ("GET", CLIENTS, [("Authorization", "Bearer " + "W1tb" * 9000 + ".e30.x")], b""),
    "a token with a list for a kid": ("GET", CLIENTS, [("Authorization", "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6W119.e30.eA")], b""),
    "an integer without end": ("GET", f"{CLIENTS}?limit={'9' * 5000}", [], b""),
    "a page beyond all pages": ("GET", f"{CLIENTS}?after={'9' * 18}", [], b""),
    "a condition of many quotes": ("DELETE", f"{CLIENTS}/x", [("If-Match", '"' * 60_000)], b""),
    "a client of a strange name": (
        "PUT",
        "/products/v1/dosis/configurations/%E2%82%AC%0A",
        [JSON, ("If-None-Match", "*")],
        b'{"configuration": {"bron_uri": "x", "product_ids": []}}',
    ),
}


@pytest.mark.parametrize("issuer", [None, "http://127.0.0.1:1/realms/x"])
def test_an_odd_request_is_no_failure_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, issuer: str | None) -> None:
    """Each of these is the sender's mistake, with clients of its own and with another issuer's."""
    with inside(tmp_path, external_issuer=issuer) as portal:
        if issuer is not None:
            claims = {"client_id": "operator", "scope": "management_read management_write"}
            monkeypatch.setattr(type(portal.app.state.portal.access_tokens), "claims", lambda *_: claims)
        for kind, (method, target, headers, body) in ODD_REQUESTS.items():
            for host in ("127.0.0.1", "[", "a]b", "[::x]", "\xff\xa0", ""):
                answer = portal.send(method, target, [*headers, ("Authorization", f"Bearer {portal.token}")], body, host)
                assert answer.status < 500, (kind, host)


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
    answer = portal.send(method, wanted, list(headers.items()), body)
    assert answer.status < 500, answer.text
    if answer.headers.get("content-type", "").endswith("json"):
        json.loads(answer.text)
