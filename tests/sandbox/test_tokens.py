"""The token endpoint's answers: secrets, scopes, tokens, discovery."""

import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import httpx
import pytest

from acmidm_sandbox.beheerportaal.oauth.request import TokenRequest
from acmidm_sandbox.beheerportaal.store.users import hash_of_token
from tests.sandbox.inside import FORM, inside
from tests.support.portal import (
    ASSERTION_TYPE,
    RunningPortal,
    client_document,
    new_key,
    put_current,
    register_client,
    sign_assertion,
)
from tests.support.trust import TRUSTED

KEY = new_key()
SECRET = "a secret: with colon & 100%"


def secret_client(operator: httpx.Client, method: str) -> str:
    return str(
        register_client(
            operator, token_endpoint_auth_method=method, client_secret=SECRET, scopes=["dv_magda"]
        )["client_id"]
    )


def post(
    portal: RunningPortal,
    form: Mapping[str, str] = MappingProxyType({}),
    *,
    auth: tuple[str, str] | None = None,
) -> httpx.Response:
    return httpx.post(
        portal.token_endpoint,
        data={"grant_type": "client_credentials", **form},
        auth=auth,
        verify=TRUSTED,
    )


def test_each_secret_method_works_where_it_is_registered_and_only_there(
    portal: RunningPortal, operator: httpx.Client
) -> None:
    """client_secret_basic and client_secret_post are not the same, and the error says which one is
    registered."""
    basic, form = (
        secret_client(operator, "client_secret_basic"),
        secret_client(operator, "client_secret_post"),
    )
    quoted = httpx.QueryParams({"s": SECRET})  # RFC 6749 §2.3.1: form-encoded before Basic
    encoded = str(quoted).removeprefix("s=").replace("+", "%20")
    assert post(portal, auth=(basic, encoded)).status_code == 200
    assert post(portal, {"client_id": form, "client_secret": SECRET}).status_code == 200
    wrong = post(portal, {"client_id": basic, "client_secret": SECRET})
    assert wrong.status_code == 401
    assert (
        "registered with client_secret_basic, so client_secret_post is not accepted"
        in wrong.json()["error_description"]
    )
    assert (
        "registered with client_secret_post"
        in post(portal, auth=(form, encoded)).json()["error_description"]
    )
    asserted = portal.request_token(sign_assertion(new_key(), basic, portal.issuer))
    assert (
        "registered with client_secret_basic, so an assertion is not accepted"
        in asserted.json()["error_description"]
    )


def test_a_request_without_credentials_is_told_so(
    portal: RunningPortal, operator: httpx.Client
) -> None:
    """None at all, and each kind of broken Basic."""
    client_id = secret_client(operator, "client_secret_post")
    without = post(portal, {"client_id": client_id})
    assert (without.status_code, without.json()["error"]) == (401, "invalid_client")
    assert "carries no client authentication" in without.json()["error_description"]
    for header in ("Basic", "Basic !", "Basic /w==", "Basic eDo=", "Bearer x"):
        broken = httpx.post(
            portal.token_endpoint,
            data={"grant_type": "client_credentials"},
            headers={"Authorization": header},
        )
        assert broken.status_code == 401
        assert "not Basic with client_id and client_secret" in broken.json()["error_description"]


def test_scopes_are_limited_to_those_granted(portal: RunningPortal, operator: httpx.Client) -> None:
    """One that was not granted is an error that names it, never silently less; without `scope` all
    granted ones come."""
    key = new_key()
    client_id = register_client(operator, scopes=["dv_magda"], keys=[key])["client_id"]

    def ask(**parameters: str) -> httpx.Response:
        return portal.request_token(sign_assertion(key, client_id, portal.issuer), **parameters)

    assert ask().json()["scope"] == "dv_magda vo_info"
    assert ask(scope="dv_magda").json()["scope"] == "dv_magda"
    refused = ask(scope="dv_magda dv_dosis_schrijven unheard\\of")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    assert (
        "scope dv_dosis_schrijven, unheard?of is not granted" in refused.json()["error_description"]
    )
    path = f"/management/v1/clients/{client_id}/scopes"
    put_current(operator, path, {"scopes": ["dv_magda", "dv_dosis_schrijven"]}).raise_for_status()
    assert ask(scope="dv_dosis_schrijven").json()["scope"] == "dv_dosis_schrijven"
    put_current(operator, path, {"scopes": []}).raise_for_status()
    assert ask(scope="dv_magda").json()["error"] == "invalid_scope"


def test_an_access_token_says_nothing_itself(portal: RunningPortal, operator: httpx.Client) -> None:
    """It is opaque, as ACM/IDM's are, and not even its hash's owner can make it out of the
    database."""
    key = new_key()
    client_id = register_client(operator, scopes=["dv_magda"], keys=[key])["client_id"]
    answer = portal.request_token(sign_assertion(key, client_id, portal.issuer))
    found = answer.json()
    token = found.pop("access_token")
    assert found == {"token_type": "Bearer", "expires_in": 3600, "scope": "dv_magda vo_info"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(token) == 43
    assert "." not in token
    stored = b"".join(
        file.read_bytes() for file in portal.settings.database.parent.glob("portal.db*")
    )
    assert token.encode() not in stored
    assert hash_of_token(token).encode() in stored


def test_a_token_request_is_printed_without_its_secret(portal: RunningPortal) -> None:
    """Whoever logs one, or an error of it with its variables, has no credential in the log."""
    headers, body = {"authorization": "Basic c2VjcmV0"}, b"client_secret=hidden"
    shown = repr(TokenRequest(portal.settings, headers, (), body))
    assert "c2VjcmV0" not in shown
    assert "hidden" not in shown


def test_a_disabled_client_gets_no_token(portal: RunningPortal, operator: httpx.Client) -> None:
    """invalid_client, until it is enabled again."""
    key = new_key()
    client_id = register_client(operator, keys=[key], enabled=False)["client_id"]
    refused = portal.request_token(sign_assertion(key, client_id, portal.issuer))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert f"client {client_id} is disabled" in refused.json()["error_description"]
    put_current(
        operator, f"/management/v1/clients/{client_id}", client_document(enabled=True)
    ).raise_for_status()
    portal.client_token(key, client_id)


def test_only_the_registered_grant_is_given(portal: RunningPortal, operator: httpx.Client) -> None:
    """A client for users' logins has no use of this endpoint; other grants aren't offered at
    all."""
    key = new_key()
    client_id = register_client(operator, keys=[key], grant_types=["authorization_code"])[
        "client_id"
    ]
    assertion = sign_assertion(key, client_id, portal.issuer)
    assert portal.request_token(assertion).json()["error"] == "unauthorized_client"
    assert (
        portal.request_token(assertion, grant_type="password").json()["error"]
        == "unsupported_grant_type"
    )


@pytest.mark.parametrize(
    ("body", "description"),
    [
        (b"", "grant_type is missing"),
        (b"grant_type=%ff", "no form in UTF-8"),
        (b"\xff", "no form in UTF-8"),
        # As requests.post(json=…) with the form's Content-Type sends it: a script of OTL_Corrector
        # does so.
        (
            b' {"grant_type": "client_credentials"}',
            "the body is JSON, though its Content-Type says application/x-www-form-urlencoded",
        ),
    ],
)
def test_what_is_no_token_request_is_refused(
    portal: RunningPortal, body: bytes, description: str
) -> None:
    """invalid_request, as RFC 6749 §5.2 has it, for each way to break the form."""
    answer = httpx.post(
        portal.token_endpoint,
        content=body,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert description in answer.json()["error_description"]


def test_a_host_header_does_not_matter(portal: RunningPortal) -> None:
    """The issuer is a setting, not what a request says it is."""
    answer = httpx.get(
        f"{portal.issuer}/.well-known/openid-configuration", headers={"Host": "elsewhere.example"}
    )
    assert answer.json()["token_endpoint"] == portal.token_endpoint
    token = httpx.post(
        portal.token_endpoint, data={"grant_type": "x"}, headers={"Host": "elsewhere.example"}
    )
    assert token.json()["error"] == "unsupported_grant_type"


def test_discovery_says_what_is_offered(portal: RunningPortal) -> None:
    """The same document at all three places; no private key among the published ones."""
    places = (
        "/op/.well-known/openid-configuration",
        "/op/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/op",
    )
    first, *others = [httpx.get(f"{portal.origin}{place}").json() for place in places]
    assert others == [first, first]
    assert first["issuer"] == portal.issuer
    assert first["token_endpoint"] == f"{portal.issuer}/v1/token"
    required = {"subject_types_supported", "id_token_signing_alg_values_supported"}
    assert required <= first.keys(), "OpenID Connect Discovery 1.0 §3, which Spring reads it by"
    (key,) = httpx.get(first["jwks_uri"]).json()["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}


def test_a_token_ends_when_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An expired access token is a 401 invalid_token, also where it was accepted before."""
    real = time.time
    with inside(tmp_path, access_token_lifetime_seconds=60) as portal:
        for seconds, status in ((0, 200), (58, 200), (61, 401)):
            monkeypatch.setattr(time, "time", lambda passed=seconds: real() + passed)
            answer = portal.manage("GET", "/management/v1/clients")
            assert answer.status == status
    assert "invalid_token" in answer.headers["www-authenticate"]


def test_a_refused_request_is_a_line_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With the client, where there is one, and the rule; nothing that somebody sent."""
    caplog.set_level("INFO", "acmidm_sandbox.beheerportaal.refused")
    with inside(tmp_path) as portal:
        client_id = portal.register(keys=[KEY])
        for name in (client_id, "nobody\n\x1b[2J"):
            assertion = sign_assertion(new_key(), name, portal.settings.issuer)
            portal.request_token(client_assertion_type=ASSERTION_TYPE, client_assertion=assertion)
        portal.request_token(client_secret=SECRET)
        portal.send("POST", portal.token_path, [FORM], b"grant_type=eyJ.of.somebody%0A")
    assert [
        record.getMessage()
        for record in caplog.records
        if record.name == "acmidm_sandbox.beheerportaal.refused"
    ] == [
        f"client {client_id}, rule signature: refused",
        "client unknown, rule known client: refused",
        "client unknown, rule client_id of a secret: refused",
        "client unknown, rule unsupported_grant_type: refused",
    ]
