"""Evidence beside a form: what holds, and each way in which it does not. It is never a mistake of
the form."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from acmidm.report.codeowners import codeowners
from acmidm_onboarding.forms.files import refusal_of_stray
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.values.evidence import TYPE, Evidence, Expected, is_fresh, read_evidence
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import Unusable
from acmidm_onboarding.values.terms import Environment, Platform
from tests.support.evidence import evidence_text, proof, write_evidence
from tests.support.workspace import WITHOUT_KEYS, Workspace, private_key, public_key

EXPECTED = Expected("OVO002067", "mijn-gent", Environment.TNI, Platform.ACMIDM)
NAME = "mijn-gent.tni.acmidm.evidence.json"
NOT_FLATTENED = "it is no flattened JWS, with payload, protected and signature alone"
KEY = private_key("ec", kty="EC", crv="P-256")
"""RSA takes sixty times as long to sign."""
OF_FORM = private_key("tni", kty="RSA", size=2048)


def base64url(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def parts(**changes: Any) -> dict[str, Any]:
    """Good evidence, taken apart; ``changes`` of its payload."""
    return dict(json.loads(evidence_text(KEY, **changes)))


def decoded(evidence: dict[str, Any], part: str) -> dict[str, Any]:
    text = evidence[part]
    return dict(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))


def signed_again(payload: str | None = None, key: JWK | None = None, alg: str = "ES256") -> str:
    """Evidence with another payload, or by another key, whose signature holds all the same."""
    good = parts()
    jws = JWS((payload or json.dumps(decoded(good, "payload"))).encode())
    jws.allowed_algs = [alg]
    jws.add_signature(
        key or JWK(**KEY), alg, json.dumps({**decoded(good, "protected"), "alg": alg})
    )
    return str(jws.serialize())


def with_payload(**changes: Any) -> str:
    return signed_again(json.dumps({**decoded(parts(), "payload"), **changes}))


def with_header(**changes: Any) -> str:
    good = parts()
    header = {
        name: value
        for name, value in {**decoded(good, "protected"), **changes}.items()
        if value is not None
    }
    return json.dumps({**good, "protected": base64url(header)})


def signed_as_secret() -> str:
    """The old attack: a MAC, whose secret is the public key that everybody has."""
    return signed_again(
        key=JWK(kty="oct", k=base64url(decoded(parts(), "protected")["jwk"])), alg="HS256"
    )


def by_another_key() -> str:
    """Somebody else's signature, with the header of the key that was proven."""
    return signed_again(key=JWK(**private_key("another", kty="EC", crv="P-256")))


def twice(part: str, member: str) -> str:
    """A part with a member twice: which one counts is another one's choice."""
    good = parts()
    doubled = json.dumps(decoded(good, part))[:-1] + f", {member}}}"
    if part == "payload":
        return signed_again(doubled)
    return json.dumps(
        {**good, part: base64.urlsafe_b64encode(doubled.encode()).decode().rstrip("=")}
    )


WAYS: dict[str, tuple[Callable[[], str], str]] = {
    "no JSON": (lambda: "{", "it is no JSON object"),
    "a list": (lambda: "[]", "it is no JSON object"),
    "deep": (lambda: "[" * 60_000, "it is no JSON object"),
    "a compact JWS": (lambda: json.dumps("eyJ.eyJ.x"), "it is no JSON object"),
    "a general JWS": (lambda: json.dumps({"payload": "", "signatures": []}), NOT_FLATTENED),
    "an unprotected header": (
        lambda: json.dumps({**parts(), "header": {"alg": "none"}}),
        NOT_FLATTENED,
    ),
    "twice": (lambda: json.dumps(parts())[:-1] + ', "payload": ""}', "it has a member twice"),
    "twice in the header": (lambda: twice("protected", '"alg": "none"'), "it has a member twice"),
    "twice in the payload": (
        lambda: twice("payload", '"client_id": "another"'),
        "it has a member twice",
    ),
    "not base64url": (
        lambda: json.dumps({**parts(), "protected": "{}"}),
        "it is not base64url throughout",
    ),
    "not UTF-8": (
        lambda: json.dumps({**parts(), "protected": "____"}),
        "it is not base64url throughout",
    ),
    "another payload": (
        lambda: json.dumps({**parts(), "payload": parts(client_id="another")["payload"]}),
        "its signature does not hold",
    ),
    "another signature": (
        lambda: json.dumps({**parts(), "signature": parts(client_id="x")["signature"]}),
        "its signature does not hold",
    ),
    "no signature": (
        lambda: json.dumps({**parts(), "signature": ""}),
        "its signature does not hold",
    ),
    "by another key": (by_another_key, "its signature does not hold"),
    "another key in the header": (
        lambda: with_header(jwk=public_key("other", kty="EC", crv="P-256"), kid="other"),
        "its signature does not hold",
    ),
    "alg none": (
        lambda: json.dumps({**json.loads(with_header(alg="none")), "signature": ""}),
        "its alg is none that its key signs with",
    ),
    "a MAC with the public key": (signed_as_secret, "its alg is none that its key signs with"),
    "alg of another key": (
        lambda: with_header(alg="RS256"),
        "its alg is none that its key signs with",
    ),
    "another typ": (lambda: with_header(typ="JWT"), f"its typ is not {TYPE}"),
    "crit": (
        lambda: with_header(crit=["b64"], b64=False),
        "its header does not have alg, kid, typ and jwk alone",
    ),
    "no jwk": (
        lambda: with_header(jwk=None),
        "its header does not have alg, kid, typ and jwk alone",
    ),
    "another kid": (
        lambda: with_header(kid="other"),
        "its kid is not that of the key in its header",
    ),
    "a private key": (
        lambda: with_header(jwk=KEY),
        "its header has a private key, which has been shared now: make a new pair",
    ),
    "a secret key": (
        lambda: with_header(jwk={"kty": "oct", "k": "c2VjcmV0"}),
        "its header has no usable public key",
    ),
    "a short key": (
        lambda: with_header(jwk=public_key("short", size=1024)),
        "its header has no usable public key",
    ),
    "another version": (lambda: with_payload(version=2), "it is of another version than 1"),
    "another thumbprint": (
        lambda: with_payload(thumbprint="x" * 43),
        "its thumbprint is not that of the key that signed it",
    ),
    "another organisation": (
        lambda: with_payload(organisation="OVO000001"),
        "it is of another organisation",
    ),
    "another form": (lambda: with_payload(application="loket"), "it is of another application"),
    "another environment": (
        lambda: with_payload(environment="prod"),
        "it is of another environment",
    ),
    "another platform": (lambda: with_payload(platform="geosecure"), "it is of another platform"),
    "the future": (
        lambda: with_payload(iat=int(datetime.now(UTC).timestamp()) + 900),
        "it was recorded in the future",
    ),
    "no moment": (lambda: with_payload(iat=True), "its payload has a wrong or missing iat"),
    "an endless number": (
        lambda: with_payload(iat=float("inf")),
        "its payload has a wrong or missing iat",
    ),
    "a long number": (lambda: with_payload(iat=10**30), "its payload has a wrong or missing iat"),
    "a fraction": (lambda: with_payload(iat=1.5), "its payload has a wrong or missing iat"),
    "no list": (
        lambda: with_payload(scopes="dv_dosis_schrijven"),
        "its payload has a wrong or missing scopes",
    ),
    "too many": (
        lambda: with_payload(scopes=[f"dv_{number}" for number in range(201)]),
        "its payload has a wrong or missing scopes",
    ),
    "a hidden character": (
        lambda: with_payload(client_id="a\u202eb"),
        "its payload has a wrong or missing client_id",
    ),
    "a text for a boolean": (
        lambda: with_payload(signs_with_kid="yes"),
        "its payload has a wrong or missing signs_with_kid",
    ),
    "more members": (lambda: with_payload(proven_by="me"), "its payload has unknown members"),
}


def test_evidence_that_does_not_hold() -> None:
    """Each has its reason, and no reason repeats what is in the file."""
    refused = {}
    for way, (made, _) in WAYS.items():
        with pytest.raises(Unusable) as caught:
            read_evidence(made(), EXPECTED)
        refused[way] = str(caught.value)
    assert refused == {way: reason for way, (_, reason) in WAYS.items()}


def test_evidence_that_holds() -> None:
    """By a key of each kind; a clock that is a little ahead is forgiven."""
    for private in (
        KEY,
        OF_FORM,
        private_key("ed", kty="OKP", crv="Ed25519"),
    ):
        iat = int(datetime.now(UTC).timestamp()) + 60
        said: dict[str, Any] = {
            "scopes": ["b", "a"],
            "products": ["dosis"],
            "iat": iat,
            "signs_with_kid": False,
        }
        evidence = read_evidence(evidence_text(private, **said), EXPECTED)
        assert evidence == proof(**said, thumbprint=evidence.thumbprint)
        proven_at = datetime.fromtimestamp(iat, UTC)
        assert is_fresh(evidence, proven_at + timedelta(days=90), 90)
        assert not is_fresh(evidence, proven_at + timedelta(days=90, seconds=1), 90)


def only(
    workspace: Workspace, environment: Environment = Environment.TNI
) -> tuple[Evidence | None, str | None]:
    [connection] = workspace.load().connections(environment)
    return connection.evidence_file.evidence, connection.evidence_file.refused


def test_a_connection_has_its_own_evidence_and_that_of_tni(workspace: Workspace) -> None:
    """Production's connection has both; each by the name of its file."""
    folder = workspace.forms / "gent"
    assert only(workspace) == (None, None)
    write_evidence(folder, OF_FORM)
    write_evidence(
        folder, private_key("prod", kty="RSA", size=2048), environment="prod", client_id="another"
    )
    [tni], [prod] = (workspace.load().connections(environment) for environment in Environment)
    assert tni.evidence_file.evidence is not None
    assert prod.evidence_file.evidence is not None
    assert (tni.evidence_file.evidence.thumbprint, prod.evidence_file.evidence.client_id) == (
        tni.keys.declared and next(iter(tni.keys.declared.values())).thumbprint,
        "another",
    )
    assert (tni.test_evidence_file.evidence, prod.test_evidence_file.evidence) == (
        None,
        tni.evidence_file.evidence,
    )
    assert workspace.problems() == ()


def test_what_does_not_hold_is_no_mistake_of_the_form(workspace: Workspace, tmp_path: Path) -> None:
    """Another file's name, another key, a key under another environment, a link, a large file:
    none, with the reason."""
    folder = workspace.forms / "gent"
    file = folder / NAME
    refusals: dict[str, Callable[[], int]] = {
        "it is of another environment": lambda: file.write_text(
            evidence_text(OF_FORM, environment="prod")
        ),
        "it is signed by a key that the form does not have for tni": lambda: file.write_text(
            evidence_text(private_key("prod", kty="RSA", size=2048))
        ),
        "it is larger than 65536 bytes": lambda: file.write_text(
            evidence_text(OF_FORM) + " " * 65_536
        ),
        "it is not UTF-8 text": lambda: file.write_bytes(b"\xff"),
    }
    for reason, write in refusals.items():
        write()
        assert only(workspace) == (None, reason)
        [prod] = workspace.load().connections(Environment.PROD)
        assert (prod.test_evidence_file.evidence, prod.test_evidence_file.refused) == (None, reason)
    file.unlink()
    (tmp_path / "elsewhere").write_text(evidence_text(OF_FORM))
    file.symlink_to(tmp_path / "elsewhere")
    assert [str(one) for one in workspace.problems()] == [
        f"onboardings/gent/{NAME}:1:1: this is a link, which is not followed; put the file or"
        " folder itself here, or remove the link"
    ]
    [alone] = (
        read_onboardings([folder / "mijn-gent.yaml"], workspace.catalogue)
        .valid()
        .connections(Environment.TNI)
    )
    assert (alone.evidence_file.evidence, alone.evidence_file.refused) == (
        None,
        "it is a link, which is not followed",
    )


def test_keys_in_the_portal_are_for_whoever_knows_them(workspace: Workspace) -> None:
    """Where the form has no keys, any key's evidence is read: its thumbprint is compared with the
    authority's."""
    workspace.write_form(WITHOUT_KEYS)
    write_evidence(workspace.forms / "gent", private_key("uploaded", kty="RSA", size=2048))
    evidence, refused = only(workspace)
    assert evidence is not None
    assert refused is None


def test_a_client_with_a_secret_has_no_evidence(workspace: Workspace) -> None:
    """It signs nothing; whatever lies there is another's."""
    workspace.write_form(WITHOUT_KEYS.replace("private_key_jwt", "client_secret_basic"))
    write_evidence(workspace.forms / "gent", OF_FORM)
    assert only(workspace) == (None, "the client authenticates with a secret, which signs nothing")


def test_evidence_belongs_beside_forms() -> None:
    """And nowhere else; its owners are those of the form."""
    forms = Path("onboardings")
    assert refusal_of_stray(forms / "gent" / NAME, forms) is None
    for name in (
        f"gent/more/{NAME}",
        NAME,
        "gent/mijn-gent.evidence.json",
        "gent/mijn-gent.test.acmidm.evidence.json",
        f"gent/.{NAME}",
    ):
        assert refusal_of_stray(forms / name, forms) is not None, name
    organisation = Organisation(name="Stad Gent", ovo="OVO002067", owners=("@gent/api",))
    assert "/onboardings/gent/*.evidence.json @gent/api\n" in codeowners(
        "@team", "onboardings", {"gent": organisation}
    )
