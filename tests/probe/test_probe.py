"""Whether a connection works, and if not, why: each mistake that people make, on real portals that
say ``invalid_client`` to all."""

from __future__ import annotations

import json
import logging
import re
import shutil
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from acmidm import private_key
from acmidm.private_key import KeyFormat
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.values.terms import Environment
from tests.support.connection import Connection, make_connection
from tests.support.fake_server import Reply, Request, serving
from tests.support.forms import DOSSIERS, NOTIFICATIES, SEND
from tests.support.offered import catalogue_folder, offered
from tests.support.portal import (
    ASSERTION_TYPE,
    RunningPortal,
    new_key,
    public_jwk,
    put_current,
    register_client,
    sign_assertion,
)
from tests.support.portal_thread import portal_in_thread
from tests.support.rsa_keys import rsa_key
from tests.support.terminal import descriptor


def evidence_of(connection: Connection) -> Any:
    """Return what the file of evidence beside the form proves."""
    found = (
        read_onboardings([connection.form.path], catalogue_folder())
        .valid()
        .connections(Environment.TNI)
    )
    declared = next(form for form in found if form.platform == connection.platform)
    return declared.evidence_file.evidence


@pytest.mark.parametrize("where", ["connection", "on_geosecure"])
def test_a_connection_that_works(request: pytest.FixtureRequest, where: str) -> None:
    """On both platforms, from the form, the key and the network; nothing is written at the
    authority."""
    connection: Connection = request.getfixturevalue(where)
    done = connection.probe()
    assert (done.code, done.found) == (0, [])
    # No call of its API that reads is public.
    assert done.steps.pop("product notificaties") == "untried"
    assert set(done.steps.values()) <= {"passed", "untried"}
    text = connection.run()
    assert "geen fouten gevonden" in text.output
    assert (
        "in orde       product dosis: GET /api/v2/dosis/bronnen/uris, GET"
        " /api/v1/dosis/instellingen/validatie" in text.output
    )


def test_what_was_proven_is_recorded(connection: Connection) -> None:
    """Scopes that got a token, products whose API answered; signed by the key, read with the form,
    its client-ID taken from there."""
    done = connection.probe("--record")
    assert done.code == 0
    assert done.said["evidence"] == "opgeslagen, maar notificaties is er niet mee bewezen"
    assert Path(done.report["recorded"]).exists()
    evidence = evidence_of(connection)
    assert (evidence.scopes, evidence.products, evidence.signs_with_kid) == (
        {SEND, DOSSIERS},
        {"dosis"},
        True,
    )
    assert (evidence.client_id, evidence.thumbprint) == (
        connection.client_id,
        connection.key.thumbprint(),
    )
    whole = connection.probe("--record", "--send-test-message", client_id="")
    assert (whole.code, "evidence" in whole.steps) == (0, False)
    assert evidence_of(connection).products == {"dosis", "notificaties"}
    assert [
        file.name for file in connection.form.path.parent.iterdir() if file.name.startswith(".")
    ] == []


def test_only_what_was_proven_is_recorded(connection: Connection) -> None:
    """A scope that is not granted is not in it; where nothing is proven, there is no file."""
    connection.grant(SEND)
    assert connection.probe("--record").code == 1
    evidence = evidence_of(connection)
    assert (evidence.scopes, evidence.products) == ({SEND}, frozenset())
    Path(
        f"{connection.form.path.parent}/{connection.form.application}.tni.acmidm.evidence.json"
    ).unlink()
    connection.grant()
    done = connection.probe("--record")
    assert (done.code, evidence_of(connection), done.report.get("recorded")) == (
        1,
        None,
        None,
    )


def test_a_ping_where_the_stack_says_the_address(
    acmidm: RunningPortal, connection: Connection
) -> None:
    """Of an API without configuration; its token has the scopes that the API wants besides."""

    def ping(request: Request) -> Reply:
        proof = sign_assertion(connection.key, connection.client_id, acmidm.issuer)
        token = request.headers["authorization"].removeprefix("Bearer ")
        form = {"token": token, "client_assertion_type": ASSERTION_TYPE, "client_assertion": proof}
        said = httpx.post(f"{acmidm.issuer}/v1/introspect", data=form).json()
        is_whole = request.path == "/elys/health/v1/ping" and set(said["scope"].split()) == {
            "elys_arts",
            "vo_info",
        }
        return Reply(200 if is_whole else 403, said)

    connection.form.document["platforms"] = ["acmidm"]
    connection.form.request()["scopes"] |= {"elys_arts": {}, "vo_info": {}}
    connection.form.save()
    connection.grant(SEND, DOSSIERS, "elys_arts", "vo_info")
    assert "product elys" not in connection.probe().steps
    with serving(ping) as server:
        connection.set_stack(apiUrls={"elys": f"{server.url}/elys"})
        done = connection.probe("--record")
    assert done.steps["product elys"] == "passed"
    assert evidence_of(connection).products == {"dosis"}


def test_nothing_is_written_without_a_test_message(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """The message of DOSIS has no agents; it is there after --send-test-message alone."""

    def dossiers() -> int:
        # Failures of the source are what the API lists; a dossier is found by its number in the log
        # of requests.
        return caplog.text.count("POST /api/v2/dosis/dossiers")

    caplog.set_level(logging.INFO, "acmidm_sandbox")
    before = dossiers()
    assert connection.probe().code == 0
    assert dossiers() == before
    assert connection.probe("--send-test-message").code == 0
    assert dossiers() == before + 1


def test_scope_not_granted(connection: Connection) -> None:
    """The other scopes are tried all the same."""
    connection.grant(SEND)
    done = connection.probe()
    assert (done.code, done.found) == (1, ["scope:not granted"])
    assert done.steps[f"token {SEND}"] == "passed"


def test_scope_not_granted_on_geosecure(on_geosecure: Connection) -> None:
    """Which gives a token for fewer scopes than were requested, or none."""
    on_geosecure.grant(DOSSIERS)
    assert on_geosecure.probe().found == ["scope:not granted"]


def test_product_not_configured(connection: Connection) -> None:
    with connection.portal.operator() as operator:
        operator.delete(
            f"/products/v1/dosis/configurations/{connection.client_id}", headers={"If-Match": "*"}
        ).raise_for_status()
    assert connection.probe().found == ["product:unconfigured"]


def test_what_is_missing_is_named(connection: Connection) -> None:
    """By the API; in one sentence with its remedy, and the API's own words below it."""
    with connection.portal.operator() as operator:
        path = f"/products/v1/notificaties/configurations/{connection.client_id}"
        put_current(
            operator, path, {"configuration": {**NOTIFICATIES, "channels": ["email"]}}
        ).raise_for_status()
    said = connection.run("--send-test-message").output
    assert 'hoewel zijn token de scope heeft; wat ontbreekt: "Kanalen[0]"; ' in said
    assert "channel passief is not set for this client" in said


def test_the_test_message_goes_through_the_channels_of_the_form(connection: Connection) -> None:
    """Of a form with e-mail alone too; all of them where it has several."""
    for channels in (["email"], ["passief", "email"]):
        connection.form.request()["products"]["notificaties"]["channels"] = channels
        connection.form.save()
        with connection.portal.operator() as operator:
            path = f"/products/v1/notificaties/configurations/{connection.client_id}"
            put_current(
                operator, path, {"configuration": {**NOTIFICATIES, "channels": channels}}
            ).raise_for_status()
        done = connection.probe("--send-test-message")
        assert (done.code, done.found) == (0, [])
        assert "channels" not in done.output


def test_a_form_without_channels(connection: Connection) -> None:
    """The message goes through passief, and the probe says so; where the API refuses that, the
    remedy is in the form."""
    said = connection.run("--send-test-message").output
    assert "POST /api/v2/notificaties, met passief: het formulier heeft geen channels" in said
    with connection.portal.operator() as operator:
        path = f"/products/v1/notificaties/configurations/{connection.client_id}"
        put_current(
            operator, path, {"configuration": {**NOTIFICATIES, "channels": ["email"]}}
        ).raise_for_status()
    refused = connection.probe("--send-test-message")
    assert refused.found == ["product:unconfigured"]
    assert "zet channels bij notificaties in uw formulier" in refused.output


def test_a_wrong_or_missing_audience_is_named(connection: Connection) -> None:
    """By what the token was requested for; a token that no API takes is said to be one before an
    API is called."""
    another = {"notificaties": "api-of-dosis", "dosis": "api-of-dosis"}
    connection.set_stack(apiClientIds=another)
    done = connection.probe("--send-test-message")
    assert done.found == ["product:token"]
    assert "api-of-dosis" in done.output
    connection.set_stack(apiClientIds={"dosis": "api-of-dosis"})
    assert "zonder audience" in connection.run().output
    assert connection.probe("--send-test-message").found == ["product:audience"]


def test_a_notification_that_exists(connection: Connection, tmp_path: Path) -> None:
    """As after an answer that was lost: the first call worked."""
    shutil.copytree(catalogue_folder(), tmp_path / "catalogue")
    product = tmp_path / "catalogue/notificaties.yaml"
    product.write_text(product.read_text().replace("probe-{id}", "probe"))
    connection.set_stack(catalogueFolder=str(product.parent))
    assert connection.probe("--send-test-message").code == 0
    assert connection.probe("--send-test-message").found == ["product:exists"]


def test_the_other_platforms_client_id(connection: Connection, on_geosecure: Connection) -> None:
    """Told by its kind; nothing is sent."""
    for one, other, found in (
        (connection, on_geosecure, "client:numeric"),
        (on_geosecure, connection, "client:uuid"),
    ):
        done = one.probe(client_id=other.client_id if one is connection else str(uuid.uuid4()))
        assert (done.code, done.found, len(done.steps)) == (1, [found], 1)


def test_a_client_id_that_is_not_its_own(connection: Connection) -> None:
    """That of the API, by its name; one that nobody has: the server says no more than
    invalid_client, also of the key."""
    assert connection.probe(client_id="api-of-dosis").found == ["client:api"]
    assert connection.probe(client_id=str(uuid.uuid4())).found == ["client:refused"]


def test_key_not_uploaded(connection: Connection) -> None:
    """Where keys are left to the portal, nobody else knows. One refusal ends it: a second would be
    the same."""
    connection.leave_keys_to_the_portal()
    connection.set_keys()
    done = connection.probe()
    assert done.found == ["client:refused"]
    assert list(done.steps.values()).count("wrong") == 1


def test_key_not_uploaded_at_a_server_that_tells_clients_apart(
    tmp_path: Path, geosecure: RunningPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client-ID that nobody has is refused otherwise than this one: the client is there, and its
    key is not."""
    monkeypatch.chdir(tmp_path)
    with portal_in_thread(tmp_path / "explaining", **offered()) as explaining:
        one = make_connection(tmp_path, explaining, geosecure, "acmidm")
        one.set_keys(new_key("another"))
        assert one.probe().found == ["key:not registered"]
        one.leave_keys_to_the_portal()
        done = one.probe()
        assert done.found == ["key:not registered"]
        assert "laad de publieke sleutel op in het Beheerportaal" in done.output


def test_an_old_key(connection: Connection) -> None:
    """Which the form does not have any more."""
    old = new_key("old")
    connection.key_file.write_text(json.dumps(old.as_dict(private=True)))
    done = connection.probe()
    assert done.code == 1
    assert done.found[0] == "key:unknown"


def test_a_key_of_the_other_environment(connection: Connection) -> None:
    connection.form.document["environments"]["prod"] = {
        "scopes": {SEND: {}},
        "products": {"notificaties": json.loads(json.dumps(NOTIFICATIES))},
    }
    connection.form.add_key("prod", "prod")
    connection.form.save()
    connection.key_file.write_text(json.dumps(connection.form.keys["prod"].as_dict(private=True)))
    assert connection.probe().found[0] == "key:elsewhere"


def test_kid_missing_beside_two_keys(connection: Connection) -> None:
    """The form shows it before anything is sent; the server confirms it with a request that has
    one.

    With one key it works without, and the evidence says so.
    """
    assert connection.probe("--record", "--kid", "").code == 0
    assert evidence_of(connection).signs_with_kid is False
    connection.form.add_key("key-2")
    connection.form.save()
    connection.set_keys(*connection.form.keys.values())
    assert connection.probe().code == 0
    done = connection.probe("--kid", "")
    assert done.found == ["kid:several", "kid:missing"]


def test_kid_missing_on_geosecure(on_geosecure: Connection) -> None:
    assert on_geosecure.probe("--kid", "").found == ["kid:geosecure", "kid:missing"]


def test_registered_under_another_kid(connection: Connection) -> None:
    """As where the portal gave the key a name of its own."""
    connection.leave_keys_to_the_portal()
    connection.set_keys({**public_jwk(connection.key), "kid": "of-the-portal"})
    assert connection.probe().found == ["kid:another"]
    assert connection.probe("--kid", "of-the-portal").code == 0


def test_wrong_algorithm(connection: Connection) -> None:
    """A key in PEM says nothing of its algorithm; RS256 is usual, and it is registered for
    another."""
    key = rsa_key("of an application")
    connection.leave_keys_to_the_portal()
    connection.set_keys({**key.as_dict(private=False), "alg": "PS256", "kid": "rsa"})
    connection.key_file.write_bytes(key.as_pem(private=True))
    done = connection.probe("--kid", "rsa")
    assert done.found == ["alg:another"]
    assert "geregistreerd voor PS256, niet voor RS256" in done.output


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_clock_skew(connection: Connection, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Told by the server's Date; with that time the token is given."""

    class Clock:
        @staticmethod
        def time() -> float:
            return time.time() + seconds

    monkeypatch.setattr("acmidm.probe.network.time", Clock)
    monkeypatch.setattr("acmidm.probe.refusals.time", Clock)
    monkeypatch.setattr("acmidm_onboarding.values.assertion.time", Clock)
    monkeypatch.setattr("acmidm.probe.inputs.time", Clock)
    done = connection.probe("--record")
    assert done.found == ["clock:skew", "clock:skew"]
    assert re.search(
        f"loopt 3(60|59). seconden {'voor' if seconds > 0 else 'achter'} op die van de server",
        done.output,
    )
    assert not done.report.get("recorded")


def test_the_other_platforms_issuer(connection: Connection, geosecure: RunningPortal) -> None:
    """The stack's file leads to GeoSecure: what it wants as aud shows it. The client is there."""
    with geosecure.operator() as operator:
        client_id = str(
            register_client(operator, keys=[connection.key], scopes=["NotificatiesImport"])[
                "client_id"
            ]
        )
    connection.set_stack(issuer=geosecure.issuer, authority="keycloak")
    done = connection.probe(client_id=client_id)
    assert "aud:other" in done.found

    connection.set_stack(assertionAudience="token_endpoint")
    done = connection.probe(client_id=client_id)
    assert {found.partition(":")[0] for found in done.found} == {"scope"}, "of ACM/IDM's name"


def test_no_audience_of_the_api(connection: Connection) -> None:
    """The token is then for no API, and the API refuses it."""
    connection.set_stack(apiClientIds={})
    done = connection.probe()
    assert (done.code, done.found) == (1, ["product:audience"])


def test_a_client_with_a_secret(connection: Connection) -> None:
    """It signs nothing: no evidence, but an exemption."""
    del connection.form.request()["jwks"]
    connection.form.document["token_endpoint_auth_method"] = "client_secret_basic"
    connection.form.save()
    done = connection.run()
    assert done.code == 2
    assert "takes an exemption" in done.output


def test_nobody_answers(connection: Connection) -> None:
    connection.set_stack(issuer="http://127.0.0.1:9/op")
    done = connection.probe()
    assert (done.code, done.found) == (3, ["unreached"])


def test_kinds_of_private_key(connection: Connection) -> None:
    """Each that acmidm keys writes, encrypted too, with its passphrase from a file descriptor; all
    other tests have a JSON Web Key."""
    key = private_key.private_key_of(dict(connection.key.as_dict(private=True)))
    connection.key_file.write_bytes(key.content(KeyFormat.PKCS8, None))
    assert connection.probe().code == 0
    connection.key_file.write_bytes(key.content(KeyFormat.PKCS8, b"of tests"))
    assert "give it with --passphrase-fd N" in connection.run().output
    for passphrase, code in (("another", 2), ("of tests", 0)):
        done = connection.run("--passphrase-fd", str(descriptor(passphrase)))
        assert (done.code, "of tests" in done.output) == (code, False)


def test_what_is_no_private_key(connection: Connection) -> None:
    """One sentence, and nothing of the file."""
    for content, said in (
        ("", "is no private key"),
        ("{", "is no private key"),
        ("[]", "is no private key"),
        ('{"kty": "oct", "k": "c2VjcmV0"}', "is a shared secret"),
        ("-----BEGIN PRIVATE KEY-----\nMIIBVg\n-----END PRIVATE KEY-----\n", "is no private key"),
        (json.dumps(public_jwk(connection.key)), "is a public key"),
        (_of_an_unknown_curve(), "is no private key"),
    ):
        connection.key_file.write_text(content)
        done = connection.run()
        assert (done.code, said in done.output, "c2VjcmV0" in done.output) == (
            2,
            True,
            False,
        ), content


def _of_an_unknown_curve() -> str:
    key = ec.generate_private_key(ec.SECP224R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def test_no_token_is_shown(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """In no output, be it one of a step that fails with the token in the answer."""
    tokens: list[str] = []
    real = httpx.Response.iter_raw

    def noted(self: httpx.Response, chunk_size: int | None = None) -> Any:
        for chunk in real(self, chunk_size):
            if b"access_token" in chunk:
                tokens.append(json.loads(chunk)["access_token"])
            yield chunk

    monkeypatch.setattr(httpx.Response, "iter_raw", noted)
    for words in ((), ("--output", "json"), ("--record",)):
        done = connection.run(*words)
        assert tokens
        assert not any(token in done.output for token in tokens)
    evidence = next(connection.form.path.parent.glob("*.evidence.json")).read_text()
    assert not any(token in evidence for token in tokens)


def test_wrong_use(connection: Connection) -> None:
    """One sentence each."""
    assert "give either --private-key" in connection.run(key=False).output
    assert "the client-ID is not known here" in connection.run(client_id="").output
    assert 'platform "magda" is not known' in connection.run("--platform", "magda").output
    assert "need --private-key" in connection.run("--assertion", "x", "--record", key=False).output
    assert "use text or json" in connection.run("--output", "html").output
    assert "use nl or en" in connection.run("--language", "fr").output


def test_the_language_of_the_organisation(connection: Connection) -> None:
    """Dutch, or what organisation.yaml says, or the option. What programs go by is the same in
    each."""
    connection.grant(SEND)
    organisation = connection.form.path.with_name("organisation.yaml")
    dutch = connection.probe()
    assert "is niet toegekend; laat uw formulier doorvoeren" in connection.run().output
    assert "is not granted; have the form brought up" in connection.run("--language", "en").output
    organisation.write_text(f"{organisation.read_text()}language: en\n")
    assert "is not granted; have the form brought up" in connection.run().output
    english = connection.probe()
    assert (english.found, english.steps) == (dutch.found, dutch.steps)
