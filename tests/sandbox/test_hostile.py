"""No input makes a 500, and nothing that one client contains spoils an answer about others."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from story.person import MENU
from tests.sandbox.inside import Browser, Inside
from tests.sandbox.web import GENT
from tests.support.portal import client_document, new_key, public_jwk

CLIENTS = "/management/v1/clients"
KEY = public_jwk(new_key())
# What `visible` refuses is compared character by character with what forms refuse, in
# unit/model/test_limits.py.
TEXT_RULES = {
    "NUL": "a\0b",
    "a newline": "a\nb",
    "right to left": "a\u202eb",
    "no width": "a\u200bb",
    "a filler": "a\u3164b",
    "a space at its end": "ab ",
    "half a character": "a\ud800b",
}


@pytest.fixture(scope="module")
def somebody(inner: Inside) -> Browser:
    return Browser(inner).of(GENT)


@pytest.fixture(scope="module")
def client_id(inner: Inside) -> str:
    return inner.register()


def test_only_registered_members_are_kept(inner: Inside, somebody: Browser) -> None:
    """By both ways in: what nobody here reads is not stored, so that it can't be read as something
    else elsewhere."""
    extra = {
        "note": {"a": [1]},
        "x5u": "https://evil.example/",
        "x5c": ["AA"],
        "ext": True,
        "<b>": "x",
    }
    client_id = inner.register()
    first, second = ({**KEY, "exp": 4102444800, "iat": 1, "nbf": 1}, public_jwk(new_key("second")))
    written = inner.manage(
        "PUT", f"{CLIENTS}/{client_id}/jwks", {"keys": [{**first, **extra}]}, If_Match="*"
    )
    assert written.json() == {"keys": [first]}
    page = f"/portaal/nl{MENU}/{client_id}"
    assert (
        somebody.post(
            f"{page}/sleutels", somebody.get(page).text, jwk=json.dumps({**second, **extra})
        ).status
        == 303
    )
    assert inner.manage("GET", f"{CLIENTS}/{client_id}/jwks").json() == {"keys": [first, second]}


@pytest.mark.parametrize(
    "field",
    [
        "configuration",
        "client_name",
        "software_id",
        "managed_by",
        "application",
        "organisation",
        "contacts",
    ],
)
def test_a_text_that_can_not_be_seen_is_refused(inner: Inside, field: str) -> None:
    """NUL, control, bidirectional and invisible characters in names and contacts: a 4xx that names
    the field, never the value."""
    configuration = f"/products/v1/dosis/configurations/{inner.register()}"
    for kind, text in TEXT_RULES.items():
        if field == "configuration":
            document = {"configuration": {"bron_uri": "urn://gent/", "product_ids": [text]}}
            refused = inner.manage("PUT", configuration, document, If_None_Match="*")
        else:
            of_field = {
                "organisation": {"name": text, "ovo": GENT},
                "contacts": [f"{text}@stad.example"],
            }
            refused = inner.manage(
                "POST", CLIENTS, client_document(**{field: of_field.get(field, text)})
            )
        assert refused.text.isprintable()
        if kind == "half a character":
            assert refused.status == 400
        else:
            assert refused.status == 422, kind
            assert refused.json()["errors"][0]["pointer"].startswith(f"/{field}")


NASTY_TEXTS = [
    *TEXT_RULES.values(), "", "\0", "é" * 300, "x" * 70_000, "../../x", "%00",
    "{}", "{0}", "${x}", "<b>", "'\"`;--", "null",
    "4dabf18193072939515e22adb298388d", "9" * 30, "-1", "1e999", "*", '"1"', 'W/"1"', "user:x", "management_read", GENT,  # noqa: E501
]  # fmt: skip
texts = st.one_of(
    st.sampled_from(NASTY_TEXTS), st.text(st.characters(exclude_categories=()), max_size=30)
)
PAGE = f"/portaal/nl{MENU}/@"
TARGETS = [
    ("POST", "/op/v1/token"), ("POST", "/op/v1/introspect"),
    ("GET", "/"), ("GET", "/@"), ("GET", "/portaal/@"), ("GET", "/portaal/static/@"),
    ("GET", "/portaal/nl/aanmelden"), ("POST", "/portaal/nl/aanmelden"),
    *[(method, f"{PAGE}{page}")
        for page in ("", "/sleutels", "/sleutels/verwijderen") for method in ("GET", "POST")],
]  # fmt: skip
QUERIES = ["gedaan", "naar", "afgemeld", "x"]
FORM_FIELDS = [
    "grant_type", "scope", "client_id", "client_secret", "client_assertion", "client_assertion_type",  # noqa: E501
    "token", "name", "password",
    "audience", "resource", "scope[]", "etag", "jwk", "kid", "laatste", "naar",
]  # fmt: skip
HEADERS = [
    "Accept-Language",
    "Cookie",
    "Origin",
    "Sec-Fetch-Site",
    "Range",
    "Content-Length",
    "Authorization",
]
FORM_TYPE = "application/x-www-form-urlencoded"
TYPES = [
    FORM_TYPE,
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=x; charset=utf-7",
    "é",
    "",
]
HOSTS = ["[", "[::x]", "\xff\xa0", ""]


@pytest.mark.parametrize(("method", "target"), TARGETS)
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_request_makes_a_500(
    inner: Inside, somebody: Browser, client_id: str, method: str, target: str, data: st.DataObject
) -> None:
    """Whatever path, query, headers and body a page or the token endpoint gets; for the APIs that
    is `test_openapi.py`'s."""
    client_id = data.draw(st.sampled_from([client_id, "x"]) | texts, "client_id")
    encoded = quote(client_id.encode("utf-8", "surrogatepass"), safe="")
    query = data.draw(st.dictionaries(st.sampled_from(QUERIES), texts, max_size=3), "query")
    wanted = f"{target.replace('@', encoded)}?{urlencode(query, errors='surrogatepass')}"
    media_type = data.draw(st.sampled_from([FORM_TYPE] * 5 + TYPES), "media type")
    drawn = data.draw(st.dictionaries(st.sampled_from(HEADERS), texts, max_size=2), "headers")
    headers = {"Cookie": somebody.cookie, "Content-Type": media_type, **drawn}
    if media_type == FORM_TYPE:
        fields = data.draw(st.dictionaries(st.sampled_from(FORM_FIELDS), texts, max_size=5), "form")
        if data.draw(st.booleans(), "ours"):
            fields = {
                "grant_type": "client_credentials",
                "token": inner.token,
                "etag": '"1"',
                **fields,
            }
        body = urlencode(fields, errors="surrogatepass").encode()
    else:
        body = data.draw(st.binary(max_size=60), "body")
    host = data.draw(st.sampled_from(["127.0.0.1"] * 9 + HOSTS), "host")
    answer = inner.send(method, wanted, list(headers.items()), body, host)
    assert answer.status < 500, answer.text
