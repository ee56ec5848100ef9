"""A refused token is explained in three ways, and each names the same cause in Dutch: the portal to
its organisation, ``acmidm refusals`` to the service desk, ``acmidm probe`` to whoever has the
request."""

from __future__ import annotations

import html
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from joserfc.jwk import ECKey

from story.person import Person
from tests.end_to_end.reports.conftest import CommandLine, write
from tests.sandbox.web import person
from tests.support.engine import Project
from tests.support.forms import DOSSIERS, PLAIN, SEND, FormFile
from tests.support.portal import (
    ASSERTION_TYPE,
    RunningPortal,
    new_key,
    public_jwk,
    put_current,
    sign_assertion,
)
from tests.support.registry import Registry
from tests.support.trust import TRUSTED

ENDED = 1_700_000_000
NOBODY = str(uuid.UUID(int=7))


@dataclass(frozen=True)
class Mistake:
    """How a good request is made a bad one; ``at`` makes times of seconds from now, None leaves
    out."""

    cause: str
    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    at: Mapping[str, int] = field(default_factory=dict)
    scope: str = PLAIN
    times: int = 1
    in_portal: bool = True


MISTAKES = {
    "a kid that is not registered": Mistake("kid:unknown", header={"kid": "old"}),
    "no kid, and two keys": Mistake("kid:several", header={"kid": None}),
    "another private key": Mistake("signature:wrong", header={"kid": "ended-not"}),
    "a key that has ended": Mistake("key:ended", header={"kid": "ended"}),
    "the audience of GeoSecure": Mistake("aud:endpoint", claims={"aud": "$endpoint"}),
    "the audience of another environment": Mistake(
        "aud:another", claims={"aud": "https://elsewhere.example/op"}
    ),
    "a client that nobody made": Mistake(
        "client:unknown", claims={"iss": NOBODY, "sub": NOBODY}, in_portal=False
    ),
    "another issuer": Mistake("iss:", claims={"iss": "another"}),
    "a scope that is not granted": Mistake("scope:not granted", scope=DOSSIERS),
    "a clock that is ahead": Mistake("iat:future", at={"iat": 300, "exp": 600}),
    "a clock that is behind": Mistake("exp:passed", at={"iat": -900, "exp": -600}),
    "milliseconds": Mistake(
        "iat:milliseconds", claims={"iat": 1_800_000_000_000, "exp": 1_800_000_300_000}
    ),
    "the same assertion again": Mistake("jti:used", times=2),
}


@dataclass
class Connected:
    """A client with three keys, one of which has ended, and a person of its organisation at the
    portal."""

    project: Project
    portal: RunningPortal
    form: FormFile
    client_id: str
    key: ECKey
    somebody: Person

    def send(self, mistake: Mistake) -> str:
        """The body of the request that is refused."""
        now, key = int(time.time()), self.key
        claims = {**mistake.claims, **{name: now + seconds for name, seconds in mistake.at.items()}}
        if claims.get("aud") == "$endpoint":
            claims["aud"] = self.portal.token_endpoint
        assertion = sign_assertion(
            key, self.client_id, self.portal.issuer, header=mistake.header, claims=claims
        )
        form = {
            "grant_type": "client_credentials",
            "scope": mistake.scope,
            "client_assertion_type": ASSERTION_TYPE,
        }
        body = urlencode({**form, "client_assertion": assertion})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        for _ in range(mistake.times):
            answer = httpx.post(
                self.portal.token_endpoint, content=body, headers=headers, verify=TRUSTED
            )
        assert answer.status_code in (400, 401), answer.text
        return body


@pytest.fixture(scope="module")
def connected(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Connected:
    project = Project(tmp_path_factory.mktemp("refusals") / "project")
    project.connect(portal)
    form = write(project, "geweigerd", scopes=(PLAIN, SEND), keys=())
    project.apply()
    client_id, key = project.client_id(form), new_key("mine")
    keys = [
        public_jwk(key),
        public_jwk(new_key("ended-not")),
        {**public_jwk(new_key("ended")), "exp": ENDED},
    ]
    put_current(
        registry.http, f"/management/v1/clients/{client_id}/jwks", {"keys": keys}
    ).raise_for_status()
    somebody = person(portal, f"gent-{uuid.uuid4().hex[:8]}")
    return Connected(project, portal, form, client_id, key, somebody)


@pytest.mark.parametrize("name", MISTAKES)
def test_all_three_name_the_same_cause_in_dutch(
    connected: Connected, name: str, tmp_path: Path
) -> None:
    mistake, words = MISTAKES[name], ("--stack", "tni", "--language", "nl", "--output", "json")
    request = tmp_path / "request.txt"
    request.write_text(connected.send(mistake))

    client_id = connected.client_id if mistake.in_portal else NOBODY
    listed = json.loads(connected.project.acmidm("refusals", client_id, *words).stdout)["entries"][
        0
    ]
    assert (listed["cause"], listed["client_id"]) == (mistake.cause, client_id)
    assert {"iat", "scope"} <= listed["sent"].keys()

    form = f"onboardings/{connected.form.name}.yaml"
    given = connected.project.acmidm(
        "probe", form, "--assertion", str(request), "--client-id", client_id, *words
    )
    found = json.loads(given.stdout)["steps"][0]["findings"][0]
    assert (found["id"], found["what"], found["remedy"]) == (
        mistake.cause,
        listed["what"],
        listed["remedy"],
    )

    page = connected.somebody.http.get(
        f"/portaal/nl/toegangsbeheer/api-en-clientbeheer/mijn-oauth-clients/{client_id}"
    )
    assert (page.status_code == 200) is mistake.in_portal
    if mistake.in_portal:
        shown = html.unescape(
            page.text.partition('id="geweigerd"')[2].partition("<tbody")[2].partition("</tr>")[0]
        )
        assert listed["what"] in shown
        assert listed["remedy"][1:] in shown
        assert ("Niet bewezen" in shown) is not listed["proven"]
    secret = request.read_text().rpartition("client_assertion=")[2].rpartition(".")[2]
    assert not any(secret in text for text in (json.dumps(listed), given.output, page.text))


def test_a_probe_names_the_cause_with_certainty(connected: Connected, tmp_path: Path) -> None:
    """A scope was withdrawn and the key replaced by hand: without the record the probe would try
    eight requests."""
    key_file = tmp_path / "key.jwk.json"
    key_file.write_text(json.dumps(new_key("lost").as_dict(private=True)))
    words = ("--stack", "tni", "--client-id", connected.client_id, "--private-key", str(key_file))
    form = f"onboardings/{connected.form.name}.yaml"
    before = connected.portal.log.read_text().count("/op/v1/token")
    report = json.loads(connected.project.acmidm("probe", form, *words, "--output", "json").stdout)
    found = [
        finding["id"]
        for step in report["steps"]
        if step["step"] == "token"
        for finding in step["findings"]
    ]
    assert found == ["kid:unknown"]
    assert (
        connected.portal.log.read_text().count("/op/v1/token") - before <= 2
    )  # the operator's own, and the probe's


def test_why_answers_the_desk(connected: Connected) -> None:
    """The refusal comes first; then what was changed by hand; then the step. Each scope has its
    reason and its commit."""
    project, acmidm = connected.project, CommandLine(connected.project)
    form = connected.form
    form.document["environments"]["tni"]["scopes"][SEND] = {
        "reason": "berichten",
        "reference": "SD-1",
    }
    form.save()
    acmidm.keep_in_git()
    project.apply()
    connected.send(MISTAKES["a kid that is not registered"])
    with connected.portal.operator() as http:
        Registry(http).set_scopes(connected.client_id, [PLAIN])
    words = ("why", form.application, "--stack", "tni", "--language", "nl")
    answered = project.acmidm(*words, "--output", "json")
    assert answered.code == 0, answered.output
    [answer] = json.loads(answered.stdout)["answers"]
    assert 'kid "old"' in answer["causes"][0]
    assert SEND in answer["causes"][1]
    assert 'is geweigerd: kid "old"' in answer["tell"]
    assert answer["refusals"][0]["cause"] == "kid:unknown"
    scopes = {scope["scope"]: scope for scope in answer["granted"]}
    assert scopes[SEND]["reason"] == "berichten (SD-1)"
    assert ": forms" in scopes[SEND]["commit"]
    assert scopes[PLAIN]["by"] == "test-operator"
    said = project.acmidm(*words)
    assert said.code == 0
    for label in ("oorzaak", "zeg", "laatste token", "sleutels", "stap", "geweigerd", "waarom"):
        assert f"\n  {label}" in said.stdout


def test_an_authority_that_keeps_none_is_named(project: Project) -> None:
    """In a sentence that says what to do instead."""
    project.configure({"authority": "by_hand", "managementUrl": None, "confirmedFolder": "none"})
    said = project.acmidm("refusals", "--stack", "tni")
    assert said.code == 0, said.output
    assert "acmidm on tni does not say which token requests it refused" in said.stdout
    assert project.acmidm("refusals", "--since", "yesterday").code == 2
