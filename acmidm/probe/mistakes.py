"""The mistakes that people make in a token request, a row each: how it is found, what it is, what to do.

Rows of one group exclude each other: the first that is found counts. A row finds a mistake by giving the values that its sentences
name; what they repeat of a request is quoted, and hidden where it may be a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from acmidm.probe.checks import (
    UUID,
    Known,
    Values,
    apis_wanted,
    audience_of,
    ended_key,
    endpoint_on_acmidm,
    issuer_on_geosecure,
    lifetime,
    misspelt_audience,
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
from acmidm.probe.sent import Sent
from acmidm.probe.steps import Finding, named
from acmidm_onboarding.model.form import Platform
from acmidm_onboarding.model.problems import on_one_line, quoted

LONGEST_LIFETIME_SECONDS = 600
SKEW_SECONDS = 30
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT_TYPE = "client_credentials"
TITLES = {Platform.ACMIDM: "ACM/IDM", Platform.GEOSECURE: "GeoSecure"}
_MILLISECONDS = 10**11
Check = Callable[[Sent, Known], Values]


@dataclass(frozen=True)
class Mistake:
    """A row. ``id`` is ``group:name``."""

    id: str
    check: Check
    what: str
    remedy: str

    @property
    def group(self) -> str:
        return self.id.partition(":")[0]


def mistaken_id(client_id: object, known: Known) -> Finding | None:
    """What is wrong with a client-ID, by its kind alone."""
    sent = Sent({}, {"sub": client_id}, "")
    return next(_found(sent, known, (row for row in MISTAKES if row.id in OF_CLIENT_ID)), None)


def mistakes_in(sent: Sent, known: Known) -> list[Finding]:
    """Return every mistake, in the order of the table."""
    return list(_found(sent, known, MISTAKES))


def _found(sent: Sent, known: Known, rows: Iterable[Mistake]) -> Iterator[Finding]:
    done: set[str] = set()
    for row in rows:
        if row.group in done:
            continue
        values = row.check(sent, known)
        if values is None:
            continue
        done.add(row.group)
        shown = {name: _shown(value) for name, value in values.items()}
        here = TITLES[known.platform]
        fixed = {
            "platform": here,
            "other": TITLES[known.other],
            "issuer": known.issuer,
            "endpoint": known.token_endpoint or "the token endpoint",
        }
        yield Finding(id=row.id, what=row.what.format(**shown, **fixed), remedy=row.remedy.format(**shown, **fixed))


def _shown(value: object) -> object:
    return ", ".join(map(on_one_line, value)) if isinstance(value, tuple) else quoted(value) if isinstance(value, str) else value


_NUMBERS = "a number of seconds since 1970"
_MAKE = "make a new assertion for each request"
MISTAKES = (
    Mistake(
        "twice:",
        lambda s, _: next(({"name": name} for name, values in (s.fields or {}).items() if len(values) > 1 and name != "scope[]"), None),
        "the request has {name} twice",
        "send each parameter once (RFC 6749 §3.2)",
    ),
    Mistake(
        "grant:",
        lambda s, _: when(s.fields is not None and s.one("grant_type") != GRANT_TYPE),
        "grant_type is not " + GRANT_TYPE,
        "send grant_type=" + GRANT_TYPE,
    ),
    Mistake(
        "type:",
        lambda s, _: when(s.fields is not None and s.one("client_assertion_type") != ASSERTION_TYPE),
        "client_assertion_type is missing or another",
        "send client_assertion_type=" + ASSERTION_TYPE,
    ),
    Mistake(
        "method:secret",
        lambda s, _: when(s.one("client_secret") is not None),
        "the request has a client secret beside the assertion",
        "leave client_secret out, and have the secret renewed: it has been shown here",
    ),
    Mistake(
        "alg:none",
        lambda s, _: when(str(s.header.get("alg", "none")).lower() == "none"),
        "the assertion is not signed (alg none)",
        "sign it with the private key, such as by RS256",
    ),
    Mistake(
        "alg:mac",
        lambda s, _: when(str(s.header.get("alg")).startswith("HS"), alg=str(s.header.get("alg"))),
        "alg {alg} signs with a shared secret, not with a private key",
        "sign with the private key, such as by RS256",
    ),
    Mistake("alg:unfitting", unfitting_algorithm, "alg {alg} does not fit key {kid}", "sign with {fitting}"),
    Mistake(
        "kid:several",
        lambda s, k: when("kid" not in s.header and len(k.keys or ()) > 1, kids=tuple(k.keys or ())),
        "the header has no kid, and the client has several keys: {kids}",
        "name the key that signs, in every assertion, as kid",
    ),
    Mistake(
        "kid:geosecure",
        lambda s, k: when(k.has_habits and k.platform is Platform.GEOSECURE and "kid" not in s.header),
        "the header has no kid, which GeoSecure requires",
        "name the key that signs as kid",
    ),
    Mistake(
        "kid:text",
        lambda s, _: when("kid" in s.header and not isinstance(s.header["kid"], str)),
        "kid is no text",
        "send the kid of the registered key as a text",
    ),
    Mistake(
        "kid:unknown",
        lambda s, k: when(
            k.keys is not None and "kid" in s.header and s.header["kid"] not in k.keys,
            kid=(named(str(s.header.get("kid"))),),
            kids=tuple(k.keys or ()),
        ),
        "kid {kid} is no key of the form, which has {kids}: it is an old key, or one that was not added",
        "sign with a key of the form and name that, or add this one to the form",
    ),
    Mistake("key:ended", ended_key, "key {kid} has ended", "add a new key to the form, and sign with that"),
    Mistake(
        "signature:wrong",
        wrong_signature,
        "the signature is not by key {kid}, which the form has under that name",
        "sign with the private key that belongs to it, or add the public key of the one that signs",
    ),
    Mistake(
        "signature:none",
        signed_by_none,
        "the signature is by none of the keys of the form: {kids}",
        "sign with one of these, or add the public key of the one that signs",
    ),
    Mistake(
        "client:missing",
        lambda s, _: when(not isinstance(s.client_id, str) or not s.client_id),
        "sub is missing or no text",
        "send the client-ID as both iss and sub",
    ),
    Mistake(
        "client:api",
        of_api,
        "sub is the client-ID of the API of {product}, not of your client",
        "send the client-ID that was handed over to you; the API's is for audience",
    ),
    Mistake(
        "client:numeric",
        numeric_on_acmidm,
        "client-ID {id} is a number, as GeoSecure gives out; this is ACM/IDM",
        "send the client-ID of ACM/IDM, a UUID",
    ),
    Mistake(
        "client:uuid",
        uuid_on_geosecure,
        "client-ID {id} is a UUID, as ACM/IDM gives out; this is GeoSecure",
        "send the client-ID of GeoSecure, a number",
    ),
    Mistake(
        "client:another",
        lambda s, k: when(k.client_id is not None and s.client_id != k.client_id, id=str(s.client_id), wanted=(k.client_id,)),
        "client-ID {id} is not {wanted}, which was given here",
        "send that one, or give the other as --client-id",
    ),
    Mistake("iss:", lambda s, _: when(s.claims.get("iss") != s.claims.get("sub")), "iss and sub differ", "send the client-ID as both"),
    Mistake(
        "client_id:",
        lambda s, _: when(s.one("client_id") is not None and s.one("client_id") != s.claims.get("sub")),
        "client_id of the request is another than sub of the assertion",
        "send the same client-ID, or leave client_id out",
    ),
    Mistake(
        "aud:missing",
        lambda s, _: when(not s.claims.get("aud")),
        "aud is missing",
        "send it, the issuer on ACM/IDM, the token endpoint on GeoSecure",
    ),
    Mistake("aud:several", lambda s, _: when(not isinstance(audience_of(s), str)), "aud is a list of several, or no text", "send one text"),
    Mistake(
        "aud:endpoint",
        endpoint_on_acmidm,
        "aud is the token endpoint, as GeoSecure wants it; this is ACM/IDM",
        "send the issuer: {issuer}",
    ),
    Mistake(
        "aud:issuer",
        issuer_on_geosecure,
        "aud is the issuer, as ACM/IDM wants it; this is GeoSecure",
        "send the token endpoint: {endpoint}",
    ),
    Mistake(
        "aud:misspelt",
        misspelt_audience,
        "aud has capitals, or a slash at its end, that {right} does not have",
        "send it as it is written there",
    ),
    Mistake(
        "aud:another",
        wrong_audience,
        "aud {aud} is neither this issuer nor its token endpoint: another environment's, perhaps",
        "send the issuer {issuer} on ACM/IDM, the token endpoint {endpoint} on GeoSecure",
    ),
    Mistake("iat:missing", lambda s, _: when("iat" not in s.claims), "iat is missing", "send the time of making it, in seconds since 1970"),
    Mistake("iat:text", lambda s, _: when(number(s, "iat") is None), "iat is no number", "send " + _NUMBERS),
    Mistake("iat:milliseconds", lambda s, _: when((number(s, "iat") or 0) > _MILLISECONDS), "iat is in milliseconds", "send " + _NUMBERS),
    Mistake(
        "iat:future",
        lambda s, k: when((number(s, "iat") or 0) > k.now + SKEW_SECONDS, seconds=round((number(s, "iat") or 0) - k.now)),
        "iat lies {seconds} seconds in the future: the clock that it was made by is ahead",
        "set that clock by NTP",
    ),
    Mistake("exp:missing", lambda s, _: when("exp" not in s.claims), "exp is missing", "send it, at most 10 minutes after iat"),
    Mistake("exp:text", lambda s, _: when(number(s, "exp") is None), "exp is no number", "send " + _NUMBERS),
    Mistake("exp:milliseconds", lambda s, _: when((number(s, "exp") or 0) > _MILLISECONDS), "exp is in milliseconds", "send " + _NUMBERS),
    Mistake(
        "exp:long",
        lambda s, _: when((lifetime(s) or 0) > LONGEST_LIFETIME_SECONDS, seconds=round(lifetime(s) or 0)),
        "exp is {seconds} seconds after iat, and at most 600 are allowed",
        "let it live five minutes, and " + _MAKE,
    ),
    Mistake(
        "exp:before",
        lambda s, _: when((lives := lifetime(s)) is not None and lives <= 0),
        "exp is not after iat",
        "let it live five minutes",
    ),
    Mistake(
        "nbf:future",
        lambda s, k: when((number(s, "nbf") or 0) > k.now + SKEW_SECONDS),
        "nbf lies in the future",
        "leave it out, or set the clock",
    ),
    Mistake("jti:missing", lambda s, _: when(not s.claims.get("jti")), "jti is missing", "send a fresh UUID in each assertion"),
    Mistake(
        "jti:guid",
        lambda s, k: when(k.has_habits and k.platform is Platform.GEOSECURE and not UUID.fullmatch(str(s.claims.get("jti")))),
        "jti is no GUID, which GeoSecure requires",
        "send a fresh UUID in each assertion",
    ),
    Mistake(
        "scope:list",
        lambda s, _: when("," in (s.one("scope") or "") or "scope[]" in (s.fields or {})),
        "scope is a list of another kind",
        "send one scope, with spaces between the names",
    ),
    Mistake(
        "scope:renamed",
        lambda s, k: next(({"scope": name, "name": (k.renamed[name],)} for name in scopes_of(s) if name in k.renamed), None),
        "scope {scope} has another name on {platform}",
        "request {name}",
    ),
    Mistake(
        "scope:unknown",
        lambda s, k: next(({"scope": name} for name in scopes_of(s) if k.scopes and name not in k.scopes), None),
        "scope {scope} is not among those of the form",
        "add it to the form, or request another",
    ),
    Mistake(
        "audience:own",
        lambda s, _: when(s.one("audience") is not None and s.one("audience") == s.claims.get("sub")),
        "audience is your own client-ID",
        "send the client-ID of the API",
    ),
    Mistake(
        "audience:missing",
        lambda s, k: when(
            s.fields is not None
            and k.has_habits
            and k.platform is Platform.ACMIDM
            and not s.one("audience")
            and not s.one("resource")
            and apis_wanted(s, k),
            products=tuple(apis_wanted(s, k)),
        ),
        "the request has no audience: the token is for no API, and {products} refuses it",
        "send the client-ID of the API as audience",
    ),
)
OF_CLIENT_ID = frozenset({"client:missing", "client:api", "client:numeric", "client:uuid"})


def ended_seconds_ago(sent: Sent, known: Known) -> int | None:
    """How long ago an assertion ended: no mistake of what was written down earlier, but of one that is sent now."""
    exp = number(sent, "exp")
    return None if exp is None or exp > known.now - SKEW_SECONDS or exp > _MILLISECONDS else round(known.now - exp)
