"""The mistakes that people make in a token request, a row each: how it is found. What it is and
what to do is in the texts, by its id.

Rows of one group exclude each other: the first that is found counts. A row finds a mistake by
giving the values that its sentences name; what they repeat of a request is quoted, and a key or a
token in it hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from acmidm_onboarding.mistakes.checks import (
    ENDPOINT,
    UUID,
    Context,
    Values,
    apis_wanted,
    audience_of,
    ended_key,
    endpoint_on_acmidm,
    issuer_on_geosecure,
    lifetime,
    missing_client,
    misspelt_audience,
    not_granted,
    number,
    numeric_on_acmidm,
    of_api,
    scopes_of,
    signed_by_none,
    unfitting_algorithm,
    uuid_on_geosecure,
    when,
    wrong_audience,
    wrong_signature,
)
from acmidm_onboarding.mistakes.findings import Finding, finding, named
from acmidm_onboarding.mistakes.sent import Sent
from acmidm_onboarding.values.problems import on_one_line, quoted
from acmidm_onboarding.values.terms import Platform

LONGEST_LIFETIME_SECONDS = 600
SKEW_SECONDS = 30
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT_TYPE = "client_credentials"
TITLES = {Platform.ACMIDM: "ACM/IDM", Platform.GEOSECURE: "GeoSecure"}
_MILLISECONDS = 10**11
_TIMES = ("times", "times as text")
_GRANTED = ("scope not granted", "no scope granted")
VAGUE = frozenset({"refused:", "assertion:refused"})
"""What says that a request was refused, and not why."""
OF_KEYS = frozenset({"kid:unknown", "key:ended", "signature:wrong"})
"""Whose sentences name the form; others do where the keys are those that an authority has."""
Check = Callable[[Sent, Context], Values]


@dataclass(frozen=True)
class Mistake:
    """A row. ``id`` is ``group:name``; ``rules`` are those of an authority that such a request
    breaks, by the names that the embedded authority's table has."""

    id: str
    check: Check
    rules: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        return self.id.partition(":")[0]


def mistaken_id(client_id: object, context: Context) -> Finding | None:
    """Return what is wrong with a client-ID, by its kind alone."""
    sent = Sent({}, {"sub": client_id}, "")
    return next(_found(sent, context, (row for row in MISTAKES if row.id in OF_CLIENT_ID)), None)


def mistakes_in(sent: Sent, context: Context) -> list[Finding]:
    """Return every mistake, in the order of the table."""
    return list(_found(sent, context, MISTAKES))


def cause_of(sent: Sent, context: Context) -> Finding:
    """Return the mistake for which an authority has refused a request by its rule; the rule alone
    where the table has no such mistake."""
    rules = {row.id: row.rules for row in MISTAKES}
    causes = (found for found in _found(sent, context, MISTAKES) if sent.rule in rules[found.id])
    return next(causes, finding("refused:", rule=quoted(sent.rule or "?")))


def _of_rule(mistake: str, rule: str) -> Mistake:
    """Return the row of a mistake that the authority alone can know."""
    return Mistake(mistake, lambda sent, _: when(sent.rule == rule), (rule,))


def _found(sent: Sent, context: Context, rows: Iterable[Mistake]) -> Iterator[Finding]:
    done: set[str] = set()
    for row in rows:
        if row.group in done:
            continue
        values = row.check(sent, context)
        if values is None:
            continue
        done.add(row.group)
        shown = {name: _shown(value) for name, value in values.items()}
        fixed = {
            "platform": TITLES[context.platform],
            "issuer": context.issuer,
            "endpoint": context.token_endpoint or ENDPOINT,
        }
        is_recorded = sent.rule is not None and row.id in OF_KEYS
        yield finding(row.id, f"{row.id} there" if is_recorded else "", **fixed, **shown)


def _shown(value: object) -> object:
    return (
        ", ".join(map(on_one_line, value))
        if isinstance(value, tuple)
        else quoted(value)
        if isinstance(value, str)
        else value
    )


MISTAKES = (
    Mistake(
        "twice:",
        lambda s, _: next(
            (
                {"name": name}
                for name, values in (s.fields or {}).items()
                if len(values) > 1 and name != "scope[]"
            ),
            None,
        ),
        ("twice",),
    ),
    _of_rule("query:", "query"),
    Mistake(
        "grant:",
        lambda s, _: when(s.fields is not None and s.first("grant_type") != GRANT_TYPE),
        ("grant_type",),
    ),
    _of_rule("jwt:", "assertion"),
    Mistake(
        "type:",
        lambda s, _: when(
            s.fields is not None and s.first("client_assertion_type") != ASSERTION_TYPE
        ),
        ("client_assertion_type",),
    ),
    Mistake(
        "method:secret",
        lambda s, _: when(s.first("client_secret") is not None and s.header),
        ("one method",),
    ),
    Mistake(
        "method:none", lambda s, _: when(s.rule == "one method" and not s.header), ("one method",)
    ),
    _of_rule("method:registered", "registered method"),
    _of_rule("secret:wrong", "secret"),
    Mistake(
        "alg:none", lambda s, _: when(str(s.header.get("alg", "none")).lower() == "none"), ("alg",)
    ),
    Mistake(
        "alg:mac",
        lambda s, _: when(str(s.header.get("alg")).startswith("HS"), alg=str(s.header.get("alg"))),
        ("alg",),
    ),
    Mistake("alg:unfitting", unfitting_algorithm, ("alg",)),
    Mistake(
        "kid:several",
        lambda s, k: when(
            "kid" not in s.header and len(k.keys or ()) > 1, kids=tuple(k.keys or ())
        ),
        ("kid of several",),
    ),
    Mistake(
        "kid:geosecure",
        lambda s, k: when(
            k.has_habits and k.platform is Platform.GEOSECURE and "kid" not in s.header
        ),
        ("kid", "kid of several"),
    ),
    Mistake(
        "kid:text",
        lambda s, _: when("kid" in s.header and not isinstance(s.header["kid"], str)),
        ("registered kid",),
    ),
    Mistake(
        "kid:unknown",
        lambda s, k: when(
            k.keys is not None and "kid" in s.header and s.header["kid"] not in k.keys,
            kid=(named(str(s.header.get("kid"))),),
            kids=tuple(k.keys or ()),
        ),
        ("registered kid",),
    ),
    Mistake(
        "kid:unregistered",
        lambda s, _: when(s.rule == "registered kid" and not s.header),
        ("registered kid",),
    ),
    _of_rule("key:none", "registered key"),
    Mistake("key:ended", ended_key, ("ended key",)),
    Mistake("signature:wrong", wrong_signature, ("signature",)),
    Mistake("signature:none", signed_by_none),
    _of_rule("assertion:refused", "invalid_client_credentials"),
    Mistake("client:missing", missing_client, ("sub",)),
    Mistake("client:api", of_api, ("known client",)),
    Mistake("client:numeric", numeric_on_acmidm, ("known client",)),
    Mistake("client:uuid", uuid_on_geosecure, ("known client",)),
    Mistake(
        "client:unknown",
        lambda s, _: when(
            s.rule == "known client", id=str(s.client_id or s.first("client_id") or "?")
        ),
        ("known client",),
    ),
    _of_rule("client:disabled", "enabled"),
    Mistake(
        "client:another",
        lambda s, k: when(
            k.client_id is not None and s.client_id != k.client_id,
            id=str(s.client_id),
            wanted=(k.client_id,),
        ),
    ),
    Mistake("iss:", lambda s, _: when(s.claims.get("iss") != s.claims.get("sub")), ("iss",)),
    _of_rule("client_id:missing", "client_id of a secret"),
    Mistake(
        "client_id:",
        lambda s, _: when(
            s.first("client_id") is not None and s.first("client_id") != s.claims.get("sub")
        ),
        ("another client_id",),
    ),
    Mistake("aud:missing", lambda s, _: when(not s.claims.get("aud")), ("aud",)),
    Mistake(
        "aud:several",
        lambda s, _: when(not isinstance(audience_of(s), str)),
        ("aud", "several aud"),
    ),
    Mistake("aud:endpoint", endpoint_on_acmidm, ("aud",)),
    Mistake("aud:issuer", issuer_on_geosecure, ("aud",)),
    Mistake("aud:misspelt", misspelt_audience, ("aud", "aud with slash")),
    Mistake("aud:another", wrong_audience, ("aud", "aud of the sample")),
    Mistake("iat:missing", lambda s, _: when("iat" not in s.claims), ("iat",)),
    Mistake("iat:text", lambda s, _: when(number(s, "iat") is None), _TIMES),
    Mistake("iat:milliseconds", lambda s, _: when((number(s, "iat") or 0) > _MILLISECONDS), _TIMES),
    Mistake(
        "iat:future",
        lambda s, k: when(
            (number(s, "iat") or 0) > k.now + SKEW_SECONDS,
            seconds=round((number(s, "iat") or 0) - k.now),
        ),
        ("future iat",),
    ),
    _of_rule("exp:passed", "passed exp"),
    Mistake("exp:missing", lambda s, _: when("exp" not in s.claims), ("exp",)),
    Mistake("exp:text", lambda s, _: when(number(s, "exp") is None), _TIMES),
    Mistake("exp:milliseconds", lambda s, _: when((number(s, "exp") or 0) > _MILLISECONDS), _TIMES),
    Mistake(
        "exp:long",
        lambda s, _: when(
            (lifetime(s) or 0) > LONGEST_LIFETIME_SECONDS, seconds=round(lifetime(s) or 0)
        ),
        ("lifetime", "longest lifetime"),
    ),
    Mistake("exp:before", lambda s, _: when((lives := lifetime(s)) is not None and lives <= 0)),
    Mistake("nbf:text", lambda s, _: when("nbf" in s.claims and number(s, "nbf") is None), _TIMES),
    Mistake(
        "nbf:future",
        lambda s, k: when((number(s, "nbf") or 0) > k.now + SKEW_SECONDS),
        ("future nbf",),
    ),
    _of_rule("jti:used", "used jti"),
    _of_rule("jti:text", "jti as text"),
    Mistake("jti:missing", lambda s, _: when(not s.claims.get("jti")), ("jti",)),
    Mistake(
        "jti:guid",
        lambda s, k: when(
            k.has_habits
            and k.platform is Platform.GEOSECURE
            and not UUID.fullmatch(str(s.claims.get("jti")))
        ),
        ("jti is a GUID",),
    ),
    _of_rule("scope:missing", "scope"),
    Mistake(
        "scope:list",
        lambda s, _: when("," in (s.first("scope") or "") or "scope[]" in (s.fields or {})),
        ("scope[]", *_GRANTED),
    ),
    Mistake(
        "scope:renamed",
        lambda s, k: next(
            (
                {"scope": name, "name": (k.renamed[name],)}
                for name in scopes_of(s)
                if name in k.renamed
            ),
            None,
        ),
        _GRANTED,
    ),
    Mistake("scope:not granted", not_granted, _GRANTED),
    Mistake(
        "scope:unknown",
        lambda s, k: next(
            ({"scope": name} for name in scopes_of(s) if k.scopes and name not in k.scopes), None
        ),
    ),
    Mistake(
        "audience:own",
        lambda s, _: when(
            s.first("audience") is not None and s.first("audience") == s.claims.get("sub")
        ),
    ),
    Mistake(
        "audience:missing",
        lambda s, k: when(
            s.fields is not None
            and k.has_habits
            and k.platform is Platform.ACMIDM
            and not s.first("audience")
            and not s.first("resource")
            and apis_wanted(s, k),
            products=tuple(apis_wanted(s, k)),
        ),
    ),
)
OF_CLIENT_ID = frozenset({"client:missing", "client:api", "client:numeric", "client:uuid"})


def ended_seconds_ago(sent: Sent, context: Context) -> int | None:
    """Return how long ago an assertion ended: a mistake of one that is sent now, and not of one
    that was saved earlier."""
    exp = number(sent, "exp")
    return (
        None
        if exp is None or exp > context.now - SKEW_SECONDS or exp > _MILLISECONDS
        else round(context.now - exp)
    )
