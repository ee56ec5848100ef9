"""The table of rules against requests: what public clients send is accepted as the table says, and
each rule can be broken."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from joserfc.jwk import RSAKey

from acmidm.probe.checks import Context
from acmidm.probe.mistakes import mistakes_in
from acmidm.probe.sent import parse_request
from acmidm_onboarding.values.jwk import public_jwk
from acmidm_onboarding.values.terms import Platform
from acmidm_sandbox.beheerportaal.oauth import checks
from acmidm_sandbox.beheerportaal.oauth.checks import RULES
from tests.sandbox.inside import FORM, Answer, Inside, inside
from tests.support.portal import API_IDS, ASSERTION_TYPE, OPERATOR, sign_assertion
from tests.support.rsa_keys import rsa_key

# What each client sends; `not_known` names what had to be filled in, `broken` the rules that the
# sandbox tolerates it to break.
REQUESTS = sorted((Path(__file__).parent / "requests").glob("*.json"))
SECRET = "a secret of some length"
GRANTED = ("dv_dosis_schrijven", "dv_notificaties_import")
NOBODY = str(uuid.UUID(int=1))


@pytest.fixture(scope="module")
def portals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, bool], Inside]]:
    """A portal of each platform, strict or not."""
    opened = []

    @cache
    def portal(platform: str, strict: bool) -> Inside:
        opened.append(
            inside(
                tmp_path_factory.mktemp(platform),
                platform=platform,
                strict=strict,
            )
        )
        return opened[-1].__enter__()

    yield portal
    for one in opened:
        one.__exit__(None, None, None)


@cache
def key(number: int) -> RSAKey:
    """Its kid looks like the SHA-1 thumbprint of a certificate, as VMSW's does."""
    return rsa_key(f"of the rules {number}", kid=kid(number), use="sig")


def kid(number: int) -> str:
    return hashlib.sha1(b"%d" % number, usedforsecurity=False).hexdigest().upper()


@cache
def registered(portal: Inside, keys: int = 1, **metadata: Any) -> str:
    """A client with two scopes, which no test changes."""
    client_id = portal.register(keys=[key(number) for number in range(keys)], **metadata)
    scopes = portal.manage(
        "PUT", f"/management/v1/clients/{client_id}/scopes", {"scopes": GRANTED}, If_Match="*"
    )
    assert scopes.status == 200, scopes.text
    return client_id


def sent(
    portal: Inside,
    form: Mapping[str, Any],
    query: str = "",
    more: str = "",
    headers: Any = (FORM,),
    path: str = "",
) -> Answer:
    target = f"{path or portal.token_path}{query}"
    return portal.send("POST", target, headers, body_of(form, more).encode())


def body_of(form: Mapping[str, Any], more: str) -> str:
    return urlencode({name: value for name, value in form.items() if value is not None}) + more


def lines(caplog: pytest.LogCaptureFixture, client_id: str) -> list[str]:
    """The rules that the log names for a client."""
    beginning = f"client {client_id}, rule "
    assert all(line.startswith(beginning) for line in caplog.messages)
    return [line.removeprefix(beginning).partition(":")[0] for line in caplog.messages]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("file", REQUESTS, ids=lambda file: file.stem)
def test_what_public_clients_send(
    portals: Callable[[str, bool], Inside],
    caplog: pytest.LogCaptureFixture,
    file: Path,
    strict: bool,
) -> None:
    """A token, and a line in the log for each rule that it breaks; a strict portal refuses the
    first of these by its name."""
    recorded = json.loads(file.read_text())
    portal = portals(recorded["platform"], strict)
    method, now = recorded["token_endpoint_auth_method"], int(time.time())
    with_key = method == "private_key_jwt"
    client_id = registered(
        portal,
        int(with_key),
        token_endpoint_auth_method=method,
        **({} if with_key else {"client_secret": SECRET}),
    )
    values = {
        "$client_id": client_id,
        "$issuer": portal.settings.issuer,
        "$token_endpoint": f"{portal.settings.origin}{recorded['path']}",
        "$kid": key(0).kid,
        "$uuid": str(uuid.uuid4()),
        "$hex": secrets.token_hex(16),
        "$letters": "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(20)),
        "$secret": SECRET,
        "$scope": GRANTED[0],
        "$scopes": " ".join(GRANTED),
        "$audience": API_IDS["dosis"],
        "$resource": "https://api.example/dosis",
    }

    def moment(value: Any) -> Any:
        if isinstance(value, int):
            return now + value
        return (
            str(now + int(value))
            if value.isdecimal()
            else values.get(value, value.replace("$origin", portal.settings.origin))
        )

    if with_key:
        header = {"kid": None, **recorded["header"]}
        claims = {
            "iat": None,
            "jti": None,
            **{name: moment(value) for name, value in recorded["claims"].items()},
        }
        header = {name: values.get(value, value) for name, value in header.items()}
        values["$assertion"] = sign_assertion(key(0), client_id, "", header=header, claims=claims)
    form = {name: values.get(value, value) for name, value in recorded["form"].items()}
    basic = base64.b64encode(f"{client_id}:{quote(SECRET)}".encode()).decode()
    headers = (
        [FORM, ("Authorization", f"Basic {basic}")] if method == "client_secret_basic" else [FORM]
    )
    caplog.set_level("INFO", "acmidm_sandbox.beheerportaal.rules")
    answer = sent(portal, form, headers=headers, path=recorded["path"])
    broken = recorded.get("broken", [])
    if strict and broken:
        assert answer.status in (400, 401)
        assert any(f"(rule: {name})" in answer.json()["error_description"] for name in broken)
    else:
        assert answer.status == 200, answer.text
        assert sorted(lines(caplog, client_id)) == sorted(broken)
        assert not any(
            str(value) in caplog.text
            for name, value in values.items()
            if name in ("$assertion", "$secret", "$uuid")
        )


@dataclass(frozen=True)
class Broken:
    """How a good request is made a bad one; None leaves out. `at` makes times of seconds from
    now."""

    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    at: Mapping[str, int] = field(default_factory=dict)
    form: Mapping[str, Any] = field(default_factory=dict)
    sent: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    times: int = 1


BROKEN: dict[str, Broken] = {
    "form": Broken(sent={"headers": [("Content-Type", "application/json")]}),
    "twice": Broken(sent={"more": "&scope=dv_magda"}),
    "grant_type": Broken(form={"grant_type": None}),
    "scope": Broken(form={"scope": None}),
    "scope not granted": Broken(form={"scope": "dv_dosis_schrijven dv_magda"}),
    "no scope granted": Broken(form={"scope": "dv_magda"}),
    "scope[]": Broken(sent={"more": "&scope[]=vo_info&scope[]=dv_magda"}),
    "one method": Broken(form={"client_secret": SECRET}),
    "registered method": Broken(
        metadata={"token_endpoint_auth_method": "client_secret_post", "client_secret": SECRET}
    ),
    "query": Broken(sent={"query": f"?client_secret={quote(SECRET)}"}),
    "another client_id": Broken(form={"client_id": "another"}),
    "client_id of a secret": Broken(
        form={"client_assertion": None, "client_assertion_type": None, "client_secret": SECRET}
    ),
    "secret": Broken(
        form={
            "client_assertion": None,
            "client_assertion_type": None,
            "client_id": "$client",
            "client_secret": f"{SECRET}!",
        },
        metadata={"token_endpoint_auth_method": "client_secret_post", "client_secret": SECRET},
    ),
    "known client": Broken(claims={"iss": NOBODY, "sub": NOBODY}),
    "enabled": Broken(metadata={"enabled": False}),
    "assertion": Broken(form={"client_assertion": "no.jwt"}),
    "client_assertion_type": Broken(form={"client_assertion_type": "jwt"}),
    "alg": Broken(header={"alg": "HS256"}),
    "kid": Broken(header={"kid": None}),
    "kid of several": Broken(header={"kid": None}, metadata={"keys": 2}),
    "registered kid": Broken(header={"kid": "another"}),
    "registered key": Broken(metadata={"keys": 0}),
    "ended key": Broken(metadata={"exp": 1_700_000_000}),
    "signature": Broken(header={"kid": kid(1)}, metadata={"keys": 2}),
    "iss": Broken(claims={"iss": "another"}),
    "sub": Broken(claims={"sub": None}),
    "aud": Broken(claims={"aud": "another"}),
    "aud with slash": Broken(claims={"aud": "{}/"}),
    "aud of the sample": Broken(claims={"aud": "{folder}/authorization"}),
    "several aud": Broken(claims={"aud": ["one", "two"]}),
    "iat": Broken(claims={"iat": None}),
    "future iat": Broken(at={"iat": 60, "exp": 90}),
    "exp": Broken(claims={"exp": None}),
    "passed exp": Broken(at={"iat": -120, "exp": -60}),
    "lifetime": Broken(at={"iat": 0, "exp": 601}),
    "longest lifetime": Broken(at={"iat": 0, "exp": 960 * 60 + 1}),
    "times": Broken(claims={"nbf": True}),
    "times as text": Broken(claims={"nbf": "7"}),
    "future nbf": Broken(at={"nbf": 60}),
    "jti": Broken(claims={"jti": None}),
    "jti as text": Broken(claims={"jti": 7}),
    "jti is a GUID": Broken(claims={"jti": "no-guid"}),
    "used jti": Broken(times=2),
}
NOT_IN_THE_REQUEST = {
    *("form", "query", "scope", "passed exp", "used jti", "enabled"),
    *("registered method", "client_id of a secret", "secret", "assertion"),
}
"""What is about the client or the moment, about a secret, or no assertion at all."""
BREAKABLE = [
    (name, platform)
    for name, rule in RULES.items()
    for platform, ruling in rule.rulings.items()
    if name in BROKEN or ruling.demand != "optional"
]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(("name", "platform"), BREAKABLE)
def test_each_rule_can_be_broken(
    portals: Callable[[str, bool], Inside],
    caplog: pytest.LogCaptureFixture,
    name: str,
    platform: str,
    strict: bool,
) -> None:
    """Refused by its name; accepted where it is optional; with a line in the log where it is
    tolerated and the portal is not strict. What the request alone shows, acmidm probe --assertion
    finds."""
    portal, broken, now = portals(platform, strict), BROKEN[name], int(time.time())
    client_id = registered(portal, **broken.metadata)
    wanted = portal.settings.token_endpoint if platform == "geosecure" else portal.settings.issuer
    claims = {**broken.claims, **{claim: now + seconds for claim, seconds in broken.at.items()}}
    if isinstance(claims.get("aud"), str):
        claims["aud"] = claims["aud"].format(wanted, folder=wanted.rpartition("/")[0])
    header = {"alg": "RS256", **broken.header}
    is_mac = header["alg"] == "HS256"
    assertion = sign_assertion(
        key(0),
        client_id,
        wanted,
        header={**header, "alg": "RS256"} if is_mac else header,
        claims=claims,
    )
    if is_mac:  # by hand: the library refuses to make it
        head = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
        assertion = f"{head}.{assertion.partition('.')[2]}"
    form = {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        "scope": GRANTED[0],
        **broken.form,
    }
    form |= {"client_id": client_id} if form.get("client_id") == "$client" else {}
    caplog.set_level("INFO", "acmidm_sandbox.beheerportaal.rules")
    for _ in range(broken.times):
        answer = sent(portal, {"grant_type": "client_credentials", **form}, **broken.sent)
    ruling = RULES[name].rulings[platform]
    if ruling.demand == "optional" or (ruling.tolerated and not strict):
        assert answer.status == 200, answer.text
        assert lines(caplog, client_id) == ([name] if ruling.tolerated else [])
    else:
        assert answer.status in (400, 401), answer.text
        assert f"(rule: {name})" in answer.json()["error_description"]
        if name not in NOT_IN_THE_REQUEST:
            body = body_of(
                {"grant_type": "client_credentials", **form}, broken.sent.get("more", "")
            )
            assert mistakes_in(parse_request(body), context_of(portal, client_id))


def context_of(portal: Inside, client_id: str) -> Context:
    """What a form with the keys and scopes of the client says."""
    jwks = portal.manage("GET", f"/management/v1/clients/{client_id}/jwks").json()["keys"]
    return Context(
        Platform(portal.settings.platform),
        portal.settings.environment,
        portal.settings.issuer,
        time.time(),
        portal.settings.token_endpoint,
        client_id=client_id,
        keys={one["kid"]: public_jwk(one) for one in jwks},
        scopes=dict.fromkeys(GRANTED, "a product"),
    )


def test_operators_are_always_held_to_the_rules(
    portals: Callable[[str, bool], Inside], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is tolerated for others; each of these is accepted from a client of the same
    portal."""
    for platform in ("acmidm", "geosecure"):
        portal = portals(platform, False)
        for claims in (
            {"iat": None},
            {"jti": None},
            {"exp": int(time.time()) + 3600},
            {"exp": str(int(time.time()) + 60)},
        ):
            assertion = sign_assertion(
                portal.operator_key, OPERATOR, portal.settings.issuer, claims=claims
            )
            answer = portal.request_token(
                client_assertion_type=ASSERTION_TYPE, client_assertion=assertion
            )
            assert "(rule: " in answer.json()["error_description"]
    assert caplog.messages == []


def test_assertions_without_jti_are_not_told_apart(portals: Callable[[str, bool], Inside]) -> None:
    """Two that a client makes within a second are one text by RS256: each gets its token, until its
    exp."""
    portal = portals("acmidm", False)
    client_id = registered(portal)
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
    claims = {"jti": None, "iat": int(time.time()), "exp": int(time.time()) + 60}
    made = {
        sign_assertion(
            key(0), client_id, portal.settings.issuer, header={"alg": "RS256"}, claims=claims
        )
        for _ in range(2)
    }
    assert [sent(portal, {**form, "client_assertion": one}).status for one in 2 * [*made]] == [
        200,
        200,
    ]


def test_each_platform_has_its_own_token_path(portals: Callable[[str, bool], Inside]) -> None:
    """The other's is 404, as it is in reality."""
    for platform, other in (("acmidm", "geosecure"), ("geosecure", "acmidm")):
        assert (
            sent(portals(platform, False), {}, path=portals(other, False).token_path).status == 404
        )


def test_nothing_is_tolerated_before_the_signature() -> None:
    """Else whoever forges an assertion writes into the log."""
    assert [
        name
        for name, rule in RULES.items()
        if rule.part == "header" and any(ruling.tolerated for ruling in rule.rulings.values())
    ] == []


def test_each_answer_has_its_condition() -> None:
    """Of each way to break a rule that rules.yaml has an answer to."""
    answers = {f"{name}:{way}".rstrip(":") for name, rule in RULES.items() for way in rule.answers}
    groups = [one for name, one in vars(checks).items() if name.isupper() and isinstance(one, dict)]
    groups += map(dict, [*checks.BY_METHOD.values(), *checks.PROOF.values()])
    named = {name for one in groups for name, said in one.items() if isinstance(said, FunctionType)}
    assert {":".join(name.split(":")[:2]).rstrip(":") for name in named} == answers
