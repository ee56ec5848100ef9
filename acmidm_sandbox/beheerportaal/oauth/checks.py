"""The rules of a token request, as `rules.yaml` has them, and when one is broken: a condition for
each answer. They are checked in this order, so that one can count on those before it: a request
that breaks them has been refused, unless that is tolerated.

What breaks a rule is refused (RFC 6749 §5.2), or accepted with a line in the log.
"""

import logging
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from authlib.oauth2.rfc6749 import (
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
)
from pydantic.dataclasses import dataclass

from acmidm_sandbox.beheerportaal.jwk import SIGNING_ALGORITHMS, algorithms_of, is_in_time
from acmidm_sandbox.beheerportaal.limits import (
    CLOCK_SKEW_SECONDS,
    LONGEST_JTI,
    LONGEST_LIFETIME_SECONDS,
    LONGEST_TOLERATED_SECONDS,
)
from acmidm_sandbox.beheerportaal.oauth.request import ASSERTION, BASIC, POST, TokenRequest

BLANKS = {
    "algorithms": ", ".join(SIGNING_ALGORITHMS),
    "clock_skew": CLOCK_SKEW_SECONDS,
    "longest_lifetime": LONGEST_LIFETIME_SECONDS,
    "tolerated_minutes": LONGEST_TOLERATED_SECONDS // 60,
    "longest_jti": LONGEST_JTI,
}
"""What fills the blanks of the texts and answers in `rules.yaml`."""


RequestPart = Literal["request", "header", "claim"]
"""Where a rule looks: in the request, or in the header or the claims of its assertion."""
Demand = Literal["required", "optional", "refused"]
"""Whether a request needs it, may have it, or is refused with it."""
RuleBasis = Literal["documented", "seen", "assumed"]
"""How that is known: read in its documentation, seen in a public client, or neither."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """One platform's rule. `tolerated` says which clients break it and are accepted; it is empty
    where the sandbox accepts none."""

    demand: Demand
    basis: RuleBasis
    source: str
    tolerated: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of `rules.yaml`; `rulings` are by platform. `answers` has the sentence and the error
    code by the name of each way to break it, which is `""` where there is only one."""

    part: RequestPart
    text: str
    rulings: Mapping[str, Ruling]
    answers: Mapping[str, tuple[str, str]]


def _read_rules() -> Iterator[tuple[str, Rule]]:
    """Yield each rule of `rules.yaml` with its name."""
    text = Path(__file__).with_name("rules.yaml").read_text("utf-8")
    parts = yaml.load(text, Loader=yaml.CSafeLoader)
    for part, rows in parts.items():
        for name, row in rows.items():
            described = row.pop("text").format(**BLANKS)
            answers = _answers(row.pop("answer", {}), row.pop("error", "invalid_client"))
            # All that is left in a row is by platform the fields of a Ruling.
            rulings: dict[str, Ruling] = {}
            for platform, fields in row.items():
                platforms = ("acmidm", "geosecure") if platform == "both" else (platform,)
                rulings |= dict.fromkeys(platforms, Ruling(*fields))
            yield name, Rule(part, described, rulings, answers)


def _answers(written: Any, default_code: str) -> dict[str, tuple[str, str]]:
    """Return `Rule.answers` as a row has them: one sentence, or by way a sentence, or a pair of a
    sentence and another error code than the row's."""
    by_way = written if isinstance(written, dict) else {"": written}
    answers = {}
    for way, answer in by_way.items():
        sentence, code = (answer, default_code) if isinstance(answer, str) else answer
        answers[way] = (sentence, code)
    return answers


RULES = dict(_read_rules())
FORM = "application/x-www-form-urlencoded"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT_TYPE = "client_credentials"
CREDENTIALS = {"client_secret", "client_assertion"}
# Of the year 5138: a larger number is a time in milliseconds.
_MOST_SECONDS = 10**11
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]+")
_NOT_ALLOWED = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
_LONGEST_SENTENCE = 400
_ERRORS = {
    kind.error: kind for kind in (InvalidClientError, InvalidRequestError, InvalidScopeError)
}

log = logging.getLogger("acmidm_sandbox.beheerportaal.rules")
Conditions = Mapping[str, Callable[[Any], object]]
"""True where a request breaks a rule, by `<rule>`, `<rule>:<way>` or `<rule>:<way>:<claim>`."""

SOUND: Conditions = {
    "form:media type": lambda sent: sent.media_type != FORM,
    "form:JSON": lambda sent: sent.body.lstrip().startswith(b"{"),
    "form:UTF-8": lambda sent: sent.pairs is None,
    "query": lambda sent: CREDENTIALS.intersection(sent.query),
    "twice": lambda sent: sent.repeats_a_name,
}
GRANT: Conditions = {"grant_type": lambda sent: "grant_type" not in sent.form}
ONE_METHOD: Conditions = {
    "one method:none": lambda sent: not sent.methods,
    "one method:several": lambda sent: len(sent.methods) > 1,
}
BY_METHOD: Mapping[str, Conditions] = {
    ASSERTION: {
        "client_assertion_type": lambda sent: (
            sent.form.get("client_assertion_type") != ASSERTION_TYPE
        ),
        "assertion:none": lambda sent: not sent.form.get("client_assertion"),
        "assertion:JWT": lambda sent: not sent.header_and_claims,
        "sub": lambda sent: not isinstance(sent.client_id, str),
        "alg:any key": lambda sent: sent.alg not in SIGNING_ALGORITHMS,
        "registered kid:text": lambda sent: not isinstance(sent.kid, str | None),
    },
    BASIC: {"one method:Basic": lambda sent: not all(sent.id_and_secret)},
    POST: {"client_id of a secret": lambda sent: not sent.client_id},
}
KNOWN: Conditions = {
    "another client_id": lambda sent: sent.form.get("client_id", sent.client_id) != sent.client_id,
    "known client:ACM/IDM": lambda sent: (
        not sent.client and sent.platform == "geosecure" and _UUID.fullmatch(sent.client_id)
    ),
    "known client:GeoSecure": lambda sent: (
        not sent.client and sent.platform == "acmidm" and _DIGITS.fullmatch(sent.client_id)
    ),
    "known client:none": lambda sent: not sent.client,
    "registered method": lambda sent: sent.method != sent.client.token_endpoint_auth_method,
}
_SECRET: Conditions = {"secret": lambda sent: not sent.credential}
PROOF: Mapping[str, Conditions] = {
    ASSERTION: {
        "registered key": lambda sent: not sent.client.jwks,
        "kid": lambda sent: sent.kid is None and len(sent.client.jwks) == 1,
        "kid of several": lambda sent: sent.kid is None and len(sent.client.jwks) > 1,
        "registered kid:name": lambda sent: sent.key is None,
        "ended key": lambda sent: not is_in_time(sent.key, sent.now),
        "alg:this key": lambda sent: sent.alg not in algorithms_of(sent.key),
        "signature": lambda sent: not sent.is_signed,
    },
    BASIC: _SECRET,
    POST: _SECRET,
}
ENABLED: Conditions = {"enabled": lambda sent: not sent.client.enabled}
ISSUER: Conditions = {"iss": lambda sent: sent.claims.get("iss") != sent.client_id}
AUDIENCE: Conditions = {
    "several aud": lambda sent: isinstance(sent.audience, list) and sent.audience,
    "aud:text": lambda sent: not isinstance(sent.audience, str),
    "aud with slash": lambda sent: sent.audience == f"{sent.expected_audience}/",
    "aud of the sample": lambda sent: (
        sent.expects_endpoint and sent.audience == sent.sample_audience
    ),
    "aud:spelling": lambda sent: (
        sent.expects_endpoint and sent.names_endpoint and sent.audience != sent.expected_audience
    ),
    "aud:issuer": lambda sent: sent.expects_endpoint and sent.audience == sent.settings.issuer,
    "aud:endpoint": lambda sent: (
        sent.expected_audience == sent.settings.issuer and sent.names_endpoint
    ),
    "aud:other": lambda sent: sent.audience not in sent.audiences,
}
"""One `aud` can break several: for `require_first`, which reports the first, the most exact."""


def _time_conditions(claim: str) -> Conditions:
    """Return the conditions of a claim that is a time in seconds since 1970 (RFC 7519 §2)."""
    return {
        f"times as text::{claim}": lambda sent: (
            isinstance(sent.claims.get(claim), str) and sent.moment(claim) >= 0
        ),
        f"times:number:{claim}": lambda sent: not 0 <= sent.moment(claim) < _MOST_SECONDS * 1000,
        f"times:seconds:{claim}": lambda sent: sent.moment(claim) >= _MOST_SECONDS,
    }


def _is_guid(jti: str) -> bool:
    try:
        uuid.UUID(jti)
    except ValueError:
        return False
    return True


TIMES_AND_JTI: Conditions = {
    "iat": lambda sent: "iat" not in sent.claims,
    **_time_conditions("iat"),
    "exp": lambda sent: "exp" not in sent.claims,
    **_time_conditions("exp"),
    "future iat": lambda sent: sent.moment("iat") > sent.now + CLOCK_SKEW_SECONDS,
    "passed exp": lambda sent: sent.moment("exp") <= sent.now - CLOCK_SKEW_SECONDS,
    "lifetime": lambda sent: (
        LONGEST_LIFETIME_SECONDS < sent.lifetime_seconds <= LONGEST_TOLERATED_SECONDS
    ),
    "longest lifetime": lambda sent: sent.lifetime_seconds > LONGEST_TOLERATED_SECONDS,
    **_time_conditions("nbf"),
    "future nbf": lambda sent: sent.moment("nbf") > sent.now + CLOCK_SKEW_SECONDS,
    "jti": lambda sent: "jti" not in sent.claims,
    "jti as text": lambda sent: (
        not isinstance(sent.jti, str) or not 0 < len(sent.jti) <= LONGEST_JTI
    ),
    "jti is a GUID": lambda sent: "jti" in sent.claims and not _is_guid(sent.jti),
}
ONCE: Conditions = {"used jti": lambda sent: sent.is_replay}
SCOPES: Conditions = {
    "scope[]": lambda sent: "scope[]" in sent.form,
    "scope": lambda sent: (
        not sent.is_operators and not sent.requested_scopes and not sent.client.default_scopes
    ),
    "scope not granted": lambda sent: sent.missing_scopes and sent.scopes,
    "no scope granted": lambda sent: sent.missing_scopes and not sent.scopes,
}


def require(request: TokenRequest, conditions: Conditions) -> None:
    """Check a request against each condition by `_refuse_unless_accepted`. Raises OAuth2Error."""
    for name, is_broken in conditions.items():
        if is_broken(request):
            _refuse_unless_accepted(request, name)


def require_first(request: TokenRequest, conditions: Conditions) -> None:
    """Check a request against no more than the first condition that is true: where breaking it is
    tolerated, those after it are not looked at. Raises OAuth2Error."""
    for name, is_broken in conditions.items():
        if is_broken(request):
            _refuse_unless_accepted(request, name)
            return


def note(request: TokenRequest, rule: str, sentence: str) -> None:
    """Log a sentence, with nothing that was sent, about a known client; once for each rule."""
    if request.client is not None and rule not in request.noted:
        request.noted.add(rule)
        log.info("client %s, rule %s: %s", request.client.client_id, rule, sentence)


def _refuse_unless_accepted(request: TokenRequest, name: str) -> None:
    """Refuse a request that breaks the rule of a condition, with the rule's answer. It is accepted
    where the rule is optional on this platform, and, with a line in the log, where breaking it is
    tolerated. Raises OAuth2Error."""
    rule, _, way_and_claim = name.partition(":")
    way, _, claim = way_and_claim.partition(":")
    ruling = RULES[rule].rulings[request.platform]
    if ruling.demand == "optional":
        return
    if ruling.tolerated and not request.settings.strict and not request.is_operators:
        note(request, rule, f"tolerated, {ruling.tolerated}; a strict portal refuses it")
        return
    sentence, code = RULES[rule].answers[way]
    sentence = sentence.format(sent=request, claim=claim, **BLANKS)
    # It may repeat parts of the request. RFC 6749 §5.2 allows ASCII without quotes and backslashes.
    described = _NOT_ALLOWED.sub("?", f"{sentence} (rule: {rule})")[:_LONGEST_SENTENCE]
    error: OAuth2Error = _ERRORS[code](description=described)
    error.rule = rule
    if code == "invalid_client":
        error.status_code = 401  # RFC 6749 §5.2 requires it after an Authorization header
    raise error
