"""The mistakes that people make in a token request, a row each: how it is found. What it is and
what to do is in the texts, by its id.

Rows of one group exclude each other: the first that is found counts. A row finds a mistake by
giving the values that its sentences name; what they repeat of a request is quoted, and a key or a
token in it hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from acmidm.probe.checks import (
    ENDPOINT,
    UUID,
    Context,
    Values,
    another_api,
    apis_wanted,
    audience_of,
    ended_key,
    endpoint_on_acmidm,
    issuer_on_geosecure,
    lifetime,
    missing_client,
    misspelt_audience,
    number,
    numeric_on_acmidm,
    of_api,
    other_way,
    scopes_of,
    signed_by_none,
    unfitting_algorithm,
    uuid_on_geosecure,
    when,
    wrong_audience,
    wrong_jti,
    wrong_signature,
)
from acmidm.probe.findings import Finding, finding, named
from acmidm.probe.sent import Sent
from acmidm_onboarding.values.problems import on_one_line, quoted
from acmidm_onboarding.values.terms import Platform

LONGEST_LIFETIME_SECONDS = 600
SKEW_SECONDS = 30
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT_TYPE = "client_credentials"
TITLES = {Platform.ACMIDM: "ACM/IDM", Platform.GEOSECURE: "GeoSecure"}
_MILLISECONDS = 10**11
Check = Callable[[Sent, Context], Values]


@dataclass(frozen=True)
class Mistake:
    """A row. ``id`` is ``group:name``."""

    id: str
    check: Check

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
        yield finding(row.id, **fixed, **shown)


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
    ),
    Mistake(
        "grant:",
        lambda s, _: when(s.fields is not None and s.first("grant_type") != GRANT_TYPE),
    ),
    Mistake(
        "type:",
        lambda s, _: when(
            s.fields is not None and s.first("client_assertion_type") != ASSERTION_TYPE
        ),
    ),
    Mistake("method:secret", lambda s, _: when(s.first("client_secret") is not None)),
    Mistake("alg:none", lambda s, _: when(str(s.header.get("alg", "none")).lower() == "none")),
    Mistake(
        "alg:mac",
        lambda s, _: when(str(s.header.get("alg")).startswith("HS"), alg=str(s.header.get("alg"))),
    ),
    Mistake("alg:unfitting", unfitting_algorithm),
    Mistake(
        "kid:several",
        lambda s, k: when(
            "kid" not in s.header and len(k.keys or ()) > 1, kids=tuple(k.keys or ())
        ),
    ),
    Mistake(
        "kid:geosecure",
        lambda s, k: when(
            k.has_habits and k.platform is Platform.GEOSECURE and "kid" not in s.header
        ),
    ),
    Mistake(
        "kid:text",
        lambda s, _: when("kid" in s.header and not isinstance(s.header["kid"], str)),
    ),
    Mistake(
        "kid:unknown",
        lambda s, k: when(
            k.keys is not None and "kid" in s.header and s.header["kid"] not in k.keys,
            kid=(named(str(s.header.get("kid"))),),
            kids=tuple(k.keys or ()),
        ),
    ),
    Mistake("key:ended", ended_key),
    Mistake("signature:wrong", wrong_signature),
    Mistake("signature:none", signed_by_none),
    Mistake("client:missing", missing_client),
    Mistake("client:api", of_api),
    Mistake("client:numeric", numeric_on_acmidm),
    Mistake("client:uuid", uuid_on_geosecure),
    Mistake(
        "client:another",
        lambda s, k: when(
            k.client_id is not None and s.client_id != k.client_id,
            id=str(s.client_id),
            wanted=(k.client_id,),
        ),
    ),
    Mistake("iss:", lambda s, _: when(s.claims.get("iss") != s.claims.get("sub"))),
    Mistake(
        "client_id:",
        lambda s, _: when(
            s.first("client_id") is not None and s.first("client_id") != s.claims.get("sub")
        ),
    ),
    Mistake("aud:missing", lambda s, _: when(not s.claims.get("aud"))),
    Mistake(
        "aud:several",
        lambda s, _: when(not isinstance(audience_of(s), str)),
    ),
    Mistake("aud:endpoint", endpoint_on_acmidm),
    Mistake("aud:issuer", issuer_on_geosecure),
    Mistake("aud:other way", other_way),
    Mistake("aud:misspelt", misspelt_audience),
    Mistake("aud:another", wrong_audience),
    Mistake("iat:missing", lambda s, _: when("iat" not in s.claims)),
    Mistake("iat:text", lambda s, _: when(number(s, "iat") is None)),
    Mistake("iat:milliseconds", lambda s, _: when((number(s, "iat") or 0) > _MILLISECONDS)),
    Mistake(
        "iat:future",
        lambda s, k: when(
            (number(s, "iat") or 0) > k.now + SKEW_SECONDS,
            seconds=round((number(s, "iat") or 0) - k.now),
        ),
    ),
    Mistake("exp:missing", lambda s, _: when("exp" not in s.claims)),
    Mistake("exp:text", lambda s, _: when(number(s, "exp") is None)),
    Mistake("exp:milliseconds", lambda s, _: when((number(s, "exp") or 0) > _MILLISECONDS)),
    Mistake(
        "exp:long",
        lambda s, _: when(
            (lifetime(s) or 0) > LONGEST_LIFETIME_SECONDS, seconds=round(lifetime(s) or 0)
        ),
    ),
    Mistake("exp:before", lambda s, _: when((lives := lifetime(s)) is not None and lives <= 0)),
    Mistake("nbf:text", lambda s, _: when("nbf" in s.claims and number(s, "nbf") is None)),
    Mistake(
        "nbf:future",
        lambda s, k: when((number(s, "nbf") or 0) > k.now + SKEW_SECONDS),
    ),
    Mistake("jti:missing", lambda s, _: when(not s.claims.get("jti"))),
    Mistake("jti:text", wrong_jti),
    Mistake(
        "jti:guid",
        lambda s, k: when(
            k.has_habits
            and k.platform is Platform.GEOSECURE
            and not UUID.fullmatch(str(s.claims.get("jti")))
        ),
    ),
    Mistake(
        "scope:list",
        lambda s, _: when("," in (s.first("scope") or "") or "scope[]" in (s.fields or {})),
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
    ),
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
    Mistake("audience:another", another_api),
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
