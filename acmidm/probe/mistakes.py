"""The mistakes that people make in a token request, a row each: what it is, what to do, and
how it is found.

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
from acmidm.probe.findings import Finding, named
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
    what: str
    remedy: str
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
        yield Finding(row.id, row.what, row.remedy, {**fixed, **shown})


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
        "probe.twice:.what",
        "probe.twice:.remedy",
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
        "probe.grant:.what",
        "probe.grant:.remedy",
        lambda s, _: when(s.fields is not None and s.first("grant_type") != GRANT_TYPE),
    ),
    Mistake(
        "type:",
        "probe.type:.what",
        "probe.type:.remedy",
        lambda s, _: when(
            s.fields is not None and s.first("client_assertion_type") != ASSERTION_TYPE
        ),
    ),
    Mistake(
        "method:secret",
        "probe.method:secret.what",
        "probe.method:secret.remedy",
        lambda s, _: when(s.first("client_secret") is not None),
    ),
    Mistake(
        "alg:none",
        "probe.alg:none.what",
        "probe.alg:none.remedy",
        lambda s, _: when(str(s.header.get("alg", "none")).lower() == "none"),
    ),
    Mistake(
        "alg:mac",
        "probe.alg:mac.what",
        "probe.alg:mac.remedy",
        lambda s, _: when(str(s.header.get("alg")).startswith("HS"), alg=str(s.header.get("alg"))),
    ),
    Mistake(
        "alg:unfitting",
        "probe.alg:unfitting.what",
        "probe.alg:unfitting.remedy",
        unfitting_algorithm,
    ),
    Mistake(
        "kid:several",
        "probe.kid:several.what",
        "probe.kid:several.remedy",
        lambda s, k: when(
            "kid" not in s.header and len(k.keys or ()) > 1, kids=tuple(k.keys or ())
        ),
    ),
    Mistake(
        "kid:geosecure",
        "probe.kid:geosecure.what",
        "probe.kid:geosecure.remedy",
        lambda s, k: when(
            k.has_habits and k.platform is Platform.GEOSECURE and "kid" not in s.header
        ),
    ),
    Mistake(
        "kid:text",
        "probe.kid:text.what",
        "probe.kid:text.remedy",
        lambda s, _: when("kid" in s.header and not isinstance(s.header["kid"], str)),
    ),
    Mistake(
        "kid:unknown",
        "probe.kid:unknown.what",
        "probe.kid:unknown.remedy",
        lambda s, k: when(
            k.keys is not None and "kid" in s.header and s.header["kid"] not in k.keys,
            kid=(named(str(s.header.get("kid"))),),
            kids=tuple(k.keys or ()),
        ),
    ),
    Mistake("key:ended", "probe.key:ended.what", "probe.key:ended.remedy", ended_key),
    Mistake(
        "signature:wrong",
        "probe.signature:wrong.what",
        "probe.signature:wrong.remedy",
        wrong_signature,
    ),
    Mistake(
        "signature:none", "probe.signature:none.what", "probe.signature:none.remedy", signed_by_none
    ),
    Mistake(
        "client:missing", "probe.client:missing.what", "probe.client:missing.remedy", missing_client
    ),
    Mistake("client:api", "probe.client:api.what", "probe.client:api.remedy", of_api),
    Mistake(
        "client:numeric",
        "probe.client:numeric.what",
        "probe.client:numeric.remedy",
        numeric_on_acmidm,
    ),
    Mistake("client:uuid", "probe.client:uuid.what", "probe.client:uuid.remedy", uuid_on_geosecure),
    Mistake(
        "client:another",
        "probe.client:another.what",
        "probe.client:another.remedy",
        lambda s, k: when(
            k.client_id is not None and s.client_id != k.client_id,
            id=str(s.client_id),
            wanted=(k.client_id,),
        ),
    ),
    Mistake(
        "iss:",
        "probe.iss:.what",
        "probe.iss:.remedy",
        lambda s, _: when(s.claims.get("iss") != s.claims.get("sub")),
    ),
    Mistake(
        "client_id:",
        "probe.client_id:.what",
        "probe.client_id:.remedy",
        lambda s, _: when(
            s.first("client_id") is not None and s.first("client_id") != s.claims.get("sub")
        ),
    ),
    Mistake(
        "aud:missing",
        "probe.aud:missing.what",
        "probe.aud:missing.remedy",
        lambda s, _: when(not s.claims.get("aud")),
    ),
    Mistake(
        "aud:several",
        "probe.aud:several.what",
        "probe.aud:several.remedy",
        lambda s, _: when(not isinstance(audience_of(s), str)),
    ),
    Mistake(
        "aud:endpoint", "probe.aud:endpoint.what", "probe.aud:endpoint.remedy", endpoint_on_acmidm
    ),
    Mistake("aud:issuer", "probe.aud:issuer.what", "probe.aud:issuer.remedy", issuer_on_geosecure),
    Mistake("aud:other way", "probe.aud:other way.what", "probe.aud:other way.remedy", other_way),
    Mistake(
        "aud:misspelt", "probe.aud:misspelt.what", "probe.aud:misspelt.remedy", misspelt_audience
    ),
    Mistake("aud:another", "probe.aud:another.what", "probe.aud:another.remedy", wrong_audience),
    Mistake(
        "iat:missing",
        "probe.iat:missing.what",
        "probe.iat:missing.remedy",
        lambda s, _: when("iat" not in s.claims),
    ),
    Mistake(
        "iat:text",
        "probe.iat:text.what",
        "probe.iat:text.remedy",
        lambda s, _: when(number(s, "iat") is None),
    ),
    Mistake(
        "iat:milliseconds",
        "probe.iat:milliseconds.what",
        "probe.iat:milliseconds.remedy",
        lambda s, _: when((number(s, "iat") or 0) > _MILLISECONDS),
    ),
    Mistake(
        "iat:future",
        "probe.iat:future.what",
        "probe.iat:future.remedy",
        lambda s, k: when(
            (number(s, "iat") or 0) > k.now + SKEW_SECONDS,
            seconds=round((number(s, "iat") or 0) - k.now),
        ),
    ),
    Mistake(
        "exp:missing",
        "probe.exp:missing.what",
        "probe.exp:missing.remedy",
        lambda s, _: when("exp" not in s.claims),
    ),
    Mistake(
        "exp:text",
        "probe.exp:text.what",
        "probe.exp:text.remedy",
        lambda s, _: when(number(s, "exp") is None),
    ),
    Mistake(
        "exp:milliseconds",
        "probe.exp:milliseconds.what",
        "probe.exp:milliseconds.remedy",
        lambda s, _: when((number(s, "exp") or 0) > _MILLISECONDS),
    ),
    Mistake(
        "exp:long",
        "probe.exp:long.what",
        "probe.exp:long.remedy",
        lambda s, _: when(
            (lifetime(s) or 0) > LONGEST_LIFETIME_SECONDS, seconds=round(lifetime(s) or 0)
        ),
    ),
    Mistake(
        "exp:before",
        "probe.exp:before.what",
        "probe.exp:before.remedy",
        lambda s, _: when((lives := lifetime(s)) is not None and lives <= 0),
    ),
    Mistake(
        "nbf:text",
        "probe.nbf:text.what",
        "probe.nbf:text.remedy",
        lambda s, _: when("nbf" in s.claims and number(s, "nbf") is None),
    ),
    Mistake(
        "nbf:future",
        "probe.nbf:future.what",
        "probe.nbf:future.remedy",
        lambda s, k: when((number(s, "nbf") or 0) > k.now + SKEW_SECONDS),
    ),
    Mistake(
        "jti:missing",
        "probe.jti:missing.what",
        "probe.jti:missing.remedy",
        lambda s, _: when(not s.claims.get("jti")),
    ),
    Mistake("jti:text", "probe.jti:text.what", "probe.jti:text.remedy", wrong_jti),
    Mistake(
        "jti:guid",
        "probe.jti:guid.what",
        "probe.jti:guid.remedy",
        lambda s, k: when(
            k.has_habits
            and k.platform is Platform.GEOSECURE
            and not UUID.fullmatch(str(s.claims.get("jti")))
        ),
    ),
    Mistake(
        "scope:list",
        "probe.scope:list.what",
        "probe.scope:list.remedy",
        lambda s, _: when("," in (s.first("scope") or "") or "scope[]" in (s.fields or {})),
    ),
    Mistake(
        "scope:renamed",
        "probe.scope:renamed.what",
        "probe.scope:renamed.remedy",
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
        "probe.scope:unknown.what",
        "probe.scope:unknown.remedy",
        lambda s, k: next(
            ({"scope": name} for name in scopes_of(s) if k.scopes and name not in k.scopes), None
        ),
    ),
    Mistake(
        "audience:own",
        "probe.audience:own.what",
        "probe.audience:own.remedy",
        lambda s, _: when(
            s.first("audience") is not None and s.first("audience") == s.claims.get("sub")
        ),
    ),
    Mistake(
        "audience:another",
        "probe.audience:another.what",
        "probe.audience:another.remedy",
        another_api,
    ),
    Mistake(
        "audience:missing",
        "probe.audience:missing.what",
        "probe.audience:missing.remedy",
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
