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
    audience_claim,
    client_of_api,
    ended_key,
    endpoint_on_acmidm,
    issuer_on_geosecure,
    lifetime,
    missing_client,
    misspelt_audience,
    mistake_if,
    not_audience_of_setting,
    number,
    numeric_on_acmidm,
    renamed_scope,
    repeated_field,
    signed_by_none,
    unfitting_algorithm,
    unknown_scope,
    uuid_on_geosecure,
    wrong_audience,
    wrong_jti,
    wrong_signature,
)
from acmidm.probe.findings import Finding, quoted_kid
from acmidm.probe.sent import SentRequest
from acmidm_onboarding.texts import N_
from acmidm_onboarding.values.problems import on_one_line, quoted
from acmidm_onboarding.values.terms import Platform

LONGEST_LIFETIME_SECONDS = 600
SKEW_SECONDS = 30
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT_TYPE = "client_credentials"
TITLES = {Platform.ACMIDM: "ACM/IDM", Platform.GEOSECURE: "GeoSecure"}
_MILLISECONDS = 10**11
Check = Callable[[SentRequest, Context], Values]


@dataclass(frozen=True)
class Mistake:
    """A row: a mistake with its sentence, what to do, and the check that finds it. ``id`` is
    ``group:name``."""

    id: str
    what: str
    remedy: str
    check: Check

    @property
    def group(self) -> str:
        return self.id.partition(":")[0]


def mistaken_id(client_id: object, context: Context) -> Finding | None:
    """Return what is wrong with a client-ID by its spelling alone, such as a number on ACM/IDM;
    None where nothing is."""
    sent = SentRequest({}, {"sub": client_id}, "")
    rows = [row for row in MISTAKES if row.id in ABOUT_CLIENT_ID]
    return next(_findings(sent, context, rows), None)


def mistakes_in(sent: SentRequest, context: Context) -> list[Finding]:
    """Return every mistake in a request, in the order of the table."""
    return list(_findings(sent, context, MISTAKES))


def _findings(sent: SentRequest, context: Context, rows: Iterable[Mistake]) -> Iterator[Finding]:
    """Yield what is wrong with a request: of each group of rows the first whose check finds its
    mistake."""
    found_groups: set[str] = set()
    for row in rows:
        if row.group in found_groups:
            continue
        values = row.check(sent, context)
        if values is None:
            continue
        found_groups.add(row.group)
        values_of_check = {name: _shown(value) for name, value in values.items()}
        values_of_all = {
            "platform": TITLES[context.platform],
            "issuer": context.issuer,
            "endpoint": context.token_endpoint or ENDPOINT,
        }
        yield Finding(row.id, row.what, row.remedy, {**values_of_all, **values_of_check})


def _shown(value: object) -> object:
    """Return a value of a check as its sentence shows it, see ``Values``."""
    if isinstance(value, tuple):
        return ", ".join(map(on_one_line, value))
    return quoted(value) if isinstance(value, str) else value


MISTAKES = (
    Mistake(
        "twice:",
        N_("the request has {name} twice"),
        N_("send each parameter once (RFC 6749 §3.2)"),
        repeated_field,
    ),
    Mistake(
        "grant:",
        N_("grant_type is not client_credentials"),
        N_("send grant_type=client_credentials"),
        lambda sent, _: mistake_if(
            sent.fields is not None and sent.first("grant_type") != GRANT_TYPE
        ),
    ),
    Mistake(
        "type:",
        N_("client_assertion_type is missing or another"),
        N_("send client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        lambda sent, _: mistake_if(
            sent.fields is not None and sent.first("client_assertion_type") != ASSERTION_TYPE
        ),
    ),
    Mistake(
        "method:secret",
        N_("the request has a client secret beside the assertion"),
        N_("leave client_secret out, and have the secret renewed: it has been shown here"),
        lambda sent, _: mistake_if(sent.first("client_secret") is not None),
    ),
    Mistake(
        "alg:none",
        N_("the assertion is not signed (alg none)"),
        N_("sign it with the private key, such as by RS256"),
        lambda sent, _: mistake_if(str(sent.header.get("alg", "none")).lower() == "none"),
    ),
    Mistake(
        "alg:mac",
        N_("alg {alg} signs with a shared secret, not with a private key"),
        N_("sign with the private key, such as by RS256"),
        lambda sent, _: mistake_if(
            str(sent.header.get("alg")).startswith("HS"), alg=str(sent.header.get("alg"))
        ),
    ),
    Mistake(
        "alg:unfitting",
        N_("alg {alg} does not fit key {kid}"),
        N_("sign with one of these: {fitting}"),
        unfitting_algorithm,
    ),
    Mistake(
        "kid:several",
        N_("the header has no kid, and the client has several keys: {kids}"),
        N_("name the key that signs, in every assertion, as kid"),
        lambda sent, context: mistake_if(
            "kid" not in sent.header and len(context.keys or ()) > 1, kids=tuple(context.keys or ())
        ),
    ),
    Mistake(
        "kid:geosecure",
        N_("the header has no kid, which GeoSecure requires"),
        N_("name the key that signs as kid"),
        lambda sent, context: mistake_if(
            context.has_platform_rules
            and context.platform is Platform.GEOSECURE
            and "kid" not in sent.header
        ),
    ),
    Mistake(
        "kid:text",
        N_("kid is no text"),
        N_("send the kid of the registered key as a text"),
        lambda sent, _: mistake_if(
            "kid" in sent.header and not isinstance(sent.header["kid"], str)
        ),
    ),
    Mistake(
        "kid:unknown",
        N_(
            "kid {kid} is no key of the form, which has {kids}: it is an old key, or one that was"
            " not added"
        ),
        N_("sign with a key of the form and name that, or add this one to the form"),
        lambda sent, context: mistake_if(
            context.keys is not None
            and "kid" in sent.header
            and sent.header["kid"] not in context.keys,
            kid=(quoted_kid(str(sent.header.get("kid"))),),
            kids=tuple(context.keys or ()),
        ),
    ),
    Mistake(
        "key:ended",
        N_("key {kid} has ended"),
        N_("add a new key to the form, and sign with that"),
        ended_key,
    ),
    Mistake(
        "signature:wrong",
        N_("the signature is not by key {kid}, which the form has under that name"),
        N_(
            "sign with the private key that belongs to it, or add the public key of the one that"
            " signs"
        ),
        wrong_signature,
    ),
    Mistake(
        "signature:none",
        N_("the signature is by none of the keys of the form: {kids}"),
        N_("sign with one of these, or add the public key of the one that signs"),
        signed_by_none,
    ),
    Mistake(
        "client:missing",
        N_("sub is missing or no text"),
        N_("send the client-ID as both iss and sub"),
        missing_client,
    ),
    Mistake(
        "client:api",
        N_("sub is the client-ID of the API of {product}, not of your client"),
        N_("send the client-ID that was handed over to you; the API's is for audience"),
        client_of_api,
    ),
    Mistake(
        "client:numeric",
        N_("client-ID {id} is a number, as GeoSecure gives out; this is ACM/IDM"),
        N_("send the client-ID of ACM/IDM, a UUID"),
        numeric_on_acmidm,
    ),
    Mistake(
        "client:uuid",
        N_("client-ID {id} is a UUID, as ACM/IDM gives out; this is GeoSecure"),
        N_("send the client-ID of GeoSecure, a number"),
        uuid_on_geosecure,
    ),
    Mistake(
        "client:another",
        N_("client-ID {id} is not {wanted}, which was given here"),
        N_("send that one, or give the other as --client-id"),
        lambda sent, context: mistake_if(
            context.client_id is not None and sent.client_id != context.client_id,
            id=str(sent.client_id),
            wanted=(context.client_id,),
        ),
    ),
    Mistake(
        "iss:",
        N_("iss and sub differ"),
        N_("send the client-ID as both"),
        lambda sent, _: mistake_if(sent.claims.get("iss") != sent.claims.get("sub")),
    ),
    Mistake(
        "client_id:",
        N_("client_id of the request is another than sub of the assertion"),
        N_("send the same client-ID, or leave client_id out"),
        lambda sent, _: mistake_if(
            sent.first("client_id") is not None
            and sent.first("client_id") != sent.claims.get("sub")
        ),
    ),
    Mistake(
        "aud:missing",
        N_("aud is missing"),
        N_("send it, the issuer on ACM/IDM, the token endpoint on GeoSecure"),
        lambda sent, _: mistake_if(not sent.claims.get("aud")),
    ),
    Mistake(
        "aud:several",
        N_("aud is a list of several, or no text"),
        N_("send one text"),
        lambda sent, _: mistake_if(not isinstance(audience_claim(sent), str)),
    ),
    Mistake(
        "aud:endpoint",
        N_("aud is the token endpoint, as GeoSecure wants it; this is ACM/IDM"),
        N_("send the issuer: {issuer}"),
        endpoint_on_acmidm,
    ),
    Mistake(
        "aud:issuer",
        N_("aud is the issuer, as ACM/IDM wants it; this is GeoSecure"),
        N_("send the token endpoint: {endpoint}"),
        issuer_on_geosecure,
    ),
    Mistake(
        "aud:other way",
        N_(
            "aud is not the one of issuer and token endpoint that {namespace}:assertionAudience in"
            " the stack's file says"
        ),
        N_("send {right}"),
        not_audience_of_setting,
    ),
    Mistake(
        "aud:misspelt",
        N_("aud has capitals, or a slash at its end, that {right} does not have"),
        N_("send it as it is written there"),
        misspelt_audience,
    ),
    Mistake(
        "aud:another",
        N_(
            "aud {aud} is neither this issuer nor its token endpoint: another environment's,"
            " perhaps"
        ),
        N_("send {right}"),
        wrong_audience,
    ),
    Mistake(
        "iat:missing",
        N_("iat is missing"),
        N_("send the time of making it, in seconds since 1970"),
        lambda sent, _: mistake_if("iat" not in sent.claims),
    ),
    Mistake(
        "iat:text",
        N_("iat is no number"),
        N_("send a number of seconds since 1970"),
        lambda sent, _: mistake_if(number(sent, "iat") is None),
    ),
    Mistake(
        "iat:milliseconds",
        N_("iat is in milliseconds"),
        N_("send a number of seconds since 1970"),
        lambda sent, _: mistake_if((number(sent, "iat") or 0) > _MILLISECONDS),
    ),
    Mistake(
        "iat:future",
        N_("iat lies {seconds} seconds in the future: the clock that it was made by is ahead"),
        N_("set that clock by NTP"),
        lambda sent, context: mistake_if(
            (number(sent, "iat") or 0) > context.now + SKEW_SECONDS,
            seconds=round((number(sent, "iat") or 0) - context.now),
        ),
    ),
    Mistake(
        "exp:missing",
        N_("exp is missing"),
        N_("send it, at most 10 minutes after iat"),
        lambda sent, _: mistake_if("exp" not in sent.claims),
    ),
    Mistake(
        "exp:text",
        N_("exp is no number"),
        N_("send a number of seconds since 1970"),
        lambda sent, _: mistake_if(number(sent, "exp") is None),
    ),
    Mistake(
        "exp:milliseconds",
        N_("exp is in milliseconds"),
        N_("send a number of seconds since 1970"),
        lambda sent, _: mistake_if((number(sent, "exp") or 0) > _MILLISECONDS),
    ),
    Mistake(
        "exp:long",
        N_("exp is {seconds} seconds after iat, and at most 600 are allowed"),
        N_("let it live five minutes, and make a new assertion for each request"),
        lambda sent, _: mistake_if(
            (lifetime(sent) or 0) > LONGEST_LIFETIME_SECONDS, seconds=round(lifetime(sent) or 0)
        ),
    ),
    Mistake(
        "exp:before",
        N_("exp is not after iat"),
        N_("let it live five minutes"),
        lambda sent, _: mistake_if((lives := lifetime(sent)) is not None and lives <= 0),
    ),
    Mistake(
        "nbf:text",
        N_("nbf is no number"),
        N_("leave it out, or send a number of seconds since 1970"),
        lambda sent, _: mistake_if("nbf" in sent.claims and number(sent, "nbf") is None),
    ),
    Mistake(
        "nbf:future",
        N_("nbf lies in the future"),
        N_("leave it out, or set the clock"),
        lambda sent, context: mistake_if((number(sent, "nbf") or 0) > context.now + SKEW_SECONDS),
    ),
    Mistake(
        "jti:missing",
        N_("jti is missing"),
        N_("send a fresh UUID in each assertion"),
        lambda sent, _: mistake_if(not sent.claims.get("jti")),
    ),
    Mistake(
        "jti:text",
        N_("jti is no text of 1 to 255 characters"),
        N_("send a fresh UUID in each assertion"),
        wrong_jti,
    ),
    Mistake(
        "jti:guid",
        N_("jti is no GUID, which GeoSecure requires"),
        N_("send a fresh UUID in each assertion"),
        lambda sent, context: mistake_if(
            context.has_platform_rules
            and context.platform is Platform.GEOSECURE
            and not UUID.fullmatch(str(sent.claims.get("jti")))
        ),
    ),
    Mistake(
        "scope:list",
        N_("scope is a list of another kind"),
        N_("send one scope, with spaces between the names"),
        lambda sent, _: mistake_if(
            "," in (sent.first("scope") or "") or "scope[]" in (sent.fields or {})
        ),
    ),
    Mistake(
        "scope:renamed",
        N_("scope {scope} has another name on {platform}"),
        N_("request {name}"),
        renamed_scope,
    ),
    Mistake(
        "scope:unknown",
        N_("scope {scope} is not among those of the form"),
        N_("add it to the form, or request another"),
        unknown_scope,
    ),
    Mistake(
        "audience:own",
        N_("audience is your own client-ID"),
        N_("send the client-ID of the API"),
        lambda sent, _: mistake_if(
            sent.first("audience") is not None and sent.first("audience") == sent.claims.get("sub")
        ),
    ),
    Mistake(
        "audience:another",
        N_(
            "audience {audience} is not the API of {products}, which has the scopes: it refuses"
            " the token"
        ),
        N_("send the client-ID of that API as audience: {right}"),
        another_api,
    ),
    Mistake(
        "audience:missing",
        N_("the request has no audience: the token is for no API, and {products} refuses it"),
        N_("send the client-ID of the API as audience"),
        lambda sent, context: mistake_if(
            sent.fields is not None
            and context.has_platform_rules
            and context.platform is Platform.ACMIDM
            and not sent.first("audience")
            and not sent.first("resource")
            and apis_wanted(sent, context),
            products=tuple(apis_wanted(sent, context)),
        ),
    ),
)
ABOUT_CLIENT_ID = frozenset({"client:missing", "client:api", "client:numeric", "client:uuid"})


def ended_seconds_ago(sent: SentRequest, context: Context) -> int | None:
    """Return how many seconds ago an assertion ended; None where it has not, or its end is no time.

    That is no row of the table: an assertion that somebody saved has ended by now, without a
    mistake.
    """
    exp = number(sent, "exp")
    if exp is None or exp > context.now - SKEW_SECONDS or exp > _MILLISECONDS:
        return None
    return round(context.now - exp)
