"""The mistakes that people make in a token request, a row each: how it is found, what it is, what to do. Pure: nothing is sent.

Rows of one group exclude each other: the first that is found counts. A row finds a mistake by giving the values that its sentences
name; what they repeat of a request is quoted, and hidden where it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from acmidm.probe.sent import Sent
from acmidm.probe.steps import Finding
from acmidm_onboarding.model.form import Environment, Platform
from acmidm_onboarding.model.jwk import PublicJwk, algorithms_of
from acmidm_onboarding.model.problems import listed, quoted

LONGEST_LIFETIME_SECONDS = 600
SKEW_SECONDS = 30
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT_TYPE = "client_credentials"
_MILLISECONDS = 10**11
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MATERIAL = ("kty", "n", "e", "crv", "x", "y")
TITLES = {Platform.ACMIDM: "ACM/IDM", Platform.GEOSECURE: "GeoSecure"}


@dataclass(frozen=True)
class Known:
    """What a mistake is told by. ``has_habits``: the authority has its platform's rules; a Keycloak has its own."""

    platform: Platform
    environment: Environment
    issuer: str
    now: float
    token_endpoint: str | None = None
    has_habits: bool = True
    client_id: str | None = None
    api_of: Mapping[str, str] = field(default_factory=dict)
    """Per client-ID of an API, its product."""
    keys: Mapping[str, PublicJwk] | None = None
    """What the form declares, per ``kid``; None where the keys are in the portal."""
    other_keys: Mapping[str, str] = field(default_factory=dict)
    """Per thumbprint of a key of the other environment, that environment."""
    scopes: Mapping[str, str] = field(default_factory=dict)
    """Those of the form, by the platform's names: the product of each."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Per scope of the form whose name is another on this platform: that name."""

    @property
    def audience(self) -> str | None:
        """What an assertion has as ``aud``."""
        return self.token_endpoint if self.platform is Platform.GEOSECURE and self.has_habits else self.issuer

    @property
    def other(self) -> Platform:
        return Platform.GEOSECURE if self.platform is Platform.ACMIDM else Platform.ACMIDM


Values = Mapping[str, object] | None
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


def _if(condition: object, **values: object) -> Values:
    return values if condition else None


def mistaken_id(client_id: object, known: Known) -> Finding | None:
    """What is wrong with a client-ID, by its kind alone."""
    sent = Sent({}, {"sub": client_id}, "")
    return next(_found(sent, known, (row for row in MISTAKES if row.id in OF_CLIENT_ID)), None)


def mistakes_in(sent: Sent, known: Known) -> list[Finding]:
    """Return every mistake, in the order of the table."""
    return list(_found(sent, known, MISTAKES))


def _found(sent: Sent, known: Known, rows: Iterator[Mistake] | tuple[Mistake, ...]) -> Iterator[Finding]:
    done: set[str] = set()
    for row in rows:
        if row.group in done:
            continue
        values = row.check(sent, known)
        if values is None:
            continue
        done.add(row.group)
        shown = {name: quoted(value) if isinstance(value, str) else value for name, value in values.items()}
        here = TITLES[known.platform]
        fixed = {
            "platform": here,
            "other": TITLES[known.other],
            "issuer": known.issuer,
            "endpoint": known.token_endpoint or "the token endpoint",
        }
        yield Finding(id=row.id, what=row.what.format(**shown, **fixed), remedy=row.remedy.format(**shown, **fixed))


def _scopes(sent: Sent) -> list[str]:
    return (sent.one("scope") or "").split()


def _number(sent: Sent, name: str) -> float | None:
    value = sent.claims.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _key(sent: Sent, known: Known) -> PublicJwk | None:
    """The declared key that an assertion names, or the only one."""
    keys, kid = known.keys or {}, sent.header.get("kid")
    if kid is None:
        return next(iter(keys.values())) if len(keys) == 1 else None
    return keys.get(kid) if isinstance(kid, str) else None


def _is_signed_by(sent: Sent, key: PublicJwk) -> bool:
    jws, alg = JWS(), sent.header.get("alg")
    jws.allowed_algs = [str(alg)]
    try:
        jws.deserialize(sent.jwt, JWK(**{name: key.members[name] for name in _MATERIAL if name in key.members}))
    except (JWException, ValueError, TypeError):
        return False
    return True


def _wrong_signature(sent: Sent, known: Known) -> Values:
    key = _key(sent, known)
    if key is None or sent.header.get("alg") not in algorithms_of(key.members):
        return None
    return _if(not _is_signed_by(sent, key), kid=key.kid)


def _signed_by_none(sent: Sent, known: Known) -> Values:
    """Without ``kid``, and several keys: none of them made it."""
    if sent.header.get("kid") is not None or not known.keys or len(known.keys) == 1:
        return None
    return _if(not any(_is_signed_by(sent, key) for key in known.keys.values()), kids=listed(known.keys))


def _audience(sent: Sent) -> object:
    aud = sent.claims.get("aud")
    return aud[0] if isinstance(aud, list) and len(aud) == 1 else aud


def _is_endpoint(aud: object, known: Known) -> bool:
    """Whether an audience is the token endpoint, or is spelled like that of an issuer whose endpoint is not known."""
    if not isinstance(aud, str):
        return False
    bare = aud.lower().rstrip("/")
    return bare == (known.token_endpoint or "").lower() or (
        known.token_endpoint is None and bare.startswith(known.issuer.lower()) and bare.endswith("/token")
    )


def _wrong_audience(sent: Sent, known: Known) -> Values:
    aud = _audience(sent)
    good = {known.audience} if known.has_habits else {known.issuer, known.token_endpoint}
    return _if(isinstance(aud, str) and known.audience is not None and aud not in good, aud=aud)


def _endpoint_on_acmidm(sent: Sent, known: Known) -> Values:
    return _if(known.has_habits and known.platform is Platform.ACMIDM and _is_endpoint(_audience(sent), known))


def _issuer_on_geosecure(sent: Sent, known: Known) -> Values:
    aud = _audience(sent)
    return _if(known.has_habits and known.platform is Platform.GEOSECURE and isinstance(aud, str) and aud.rstrip("/") == known.issuer)


def _misspelt_audience(sent: Sent, known: Known) -> Values:
    aud, right = _audience(sent), known.audience
    return _if(isinstance(aud, str) and right is not None and aud != right and aud.lower().rstrip("/") == right.lower(), right=right)


def _unfitting_algorithm(sent: Sent, known: Known) -> Values:
    key, alg = _key(sent, known), sent.header.get("alg")
    if key is None or alg in algorithms_of(key.members):
        return None
    return {"alg": str(alg), "kid": key.kid, "fitting": " or ".join(sorted(algorithms_of(key.members)))}


def _numeric(sent: Sent, known: Known) -> Values:
    found = sent.client_id
    return _if(known.has_habits and known.platform is Platform.ACMIDM and isinstance(found, str) and found.isdecimal(), id=found)


def _uuid(sent: Sent, known: Known) -> Values:
    found = sent.client_id
    return _if(known.has_habits and known.platform is Platform.GEOSECURE and isinstance(found, str) and UUID.fullmatch(found), id=found)


def _of_api(sent: Sent, known: Known) -> Values:
    found = sent.client_id
    return {"product": known.api_of[found]} if isinstance(found, str) and found in known.api_of else None


def _ended_key(sent: Sent, known: Known) -> Values:
    key = _key(sent, known)
    return _if(key and key.expires and key.expires.timestamp() <= known.now, kid=key.kid if key else "")


def _apis_wanted(sent: Sent, known: Known) -> list[str]:
    """The products of the scopes, whose API has a client-ID that is known."""
    return sorted({known.scopes[name] for name in _scopes(sent) if name in known.scopes} & set(known.api_of.values()))


def _lifetime(sent: Sent) -> float | None:
    iat, exp = _number(sent, "iat"), _number(sent, "exp")
    return None if iat is None or exp is None else exp - iat


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
        lambda s, _: _if(s.fields is not None and s.one("grant_type") != GRANT_TYPE),
        "grant_type is not " + GRANT_TYPE,
        "send grant_type=" + GRANT_TYPE,
    ),
    Mistake(
        "type:",
        lambda s, _: _if(s.fields is not None and s.one("client_assertion_type") != ASSERTION_TYPE),
        "client_assertion_type is missing or another",
        "send client_assertion_type=" + ASSERTION_TYPE,
    ),
    Mistake(
        "method:secret",
        lambda s, _: _if(s.one("client_secret") is not None),
        "the request has a client secret beside the assertion",
        "leave client_secret out, and have the secret renewed: it has been shown here",
    ),
    Mistake(
        "alg:none",
        lambda s, _: _if(str(s.header.get("alg", "none")).lower() == "none"),
        "the assertion is not signed (alg none)",
        "sign it with the private key, such as by RS256",
    ),
    Mistake(
        "alg:mac",
        lambda s, _: _if(str(s.header.get("alg")).startswith("HS"), alg=str(s.header.get("alg"))),
        "alg {alg} signs with a shared secret, not with a private key",
        "sign with the private key, such as by RS256",
    ),
    Mistake("alg:unfitting", _unfitting_algorithm, "alg {alg} does not fit key {kid}", "sign with {fitting}"),
    Mistake(
        "kid:several",
        lambda s, k: _if("kid" not in s.header and len(k.keys or ()) > 1, kids=listed(k.keys or ())),
        "the header has no kid, and the client has several keys: {kids}",
        "name the key that signs, in every assertion, as kid",
    ),
    Mistake(
        "kid:geosecure",
        lambda s, k: _if(k.has_habits and k.platform is Platform.GEOSECURE and "kid" not in s.header),
        "the header has no kid, which GeoSecure requires",
        "name the key that signs as kid",
    ),
    Mistake(
        "kid:text",
        lambda s, _: _if("kid" in s.header and not isinstance(s.header["kid"], str)),
        "kid is no text",
        "send the kid of the registered key as a text",
    ),
    Mistake(
        "kid:unknown",
        lambda s, k: _if(
            k.keys is not None and "kid" in s.header and s.header["kid"] not in k.keys,
            kid=str(s.header.get("kid")),
            kids=listed(k.keys or ()),
        ),
        "kid {kid} is no key of the form, which has {kids}: it is an old key, or one that was not added",
        "sign with a key of the form and name that, or add this one to the form",
    ),
    Mistake("key:ended", _ended_key, "key {kid} has ended", "add a new key to the form, and sign with that"),
    Mistake(
        "signature:wrong",
        _wrong_signature,
        "the signature is not by key {kid}, which the form has under that name",
        "sign with the private key that belongs to it, or add the public key of the one that signs",
    ),
    Mistake(
        "signature:none",
        _signed_by_none,
        "the signature is by none of the keys of the form: {kids}",
        "sign with one of these, or add the public key of the one that signs",
    ),
    Mistake(
        "client:missing",
        lambda s, _: _if(not isinstance(s.client_id, str) or not s.client_id),
        "sub is missing or no text",
        "send the client-ID as both iss and sub",
    ),
    Mistake(
        "client:api",
        _of_api,
        "sub is the client-ID of the API of {product}, not of your client",
        "send the client-ID that was handed over to you; the API's is for audience",
    ),
    Mistake(
        "client:numeric",
        _numeric,
        "client-ID {id} is a number, as GeoSecure gives out; this is ACM/IDM",
        "send the client-ID of ACM/IDM, a UUID",
    ),
    Mistake(
        "client:uuid",
        _uuid,
        "client-ID {id} is a UUID, as ACM/IDM gives out; this is GeoSecure",
        "send the client-ID of GeoSecure, a number",
    ),
    Mistake(
        "client:another",
        lambda s, k: _if(k.client_id is not None and s.client_id != k.client_id, id=str(s.client_id), wanted=k.client_id),
        "client-ID {id} is not {wanted}, which was given here",
        "send that one, or give the other as --client-id",
    ),
    Mistake("iss:", lambda s, _: _if(s.claims.get("iss") != s.claims.get("sub")), "iss and sub differ", "send the client-ID as both"),
    Mistake(
        "client_id:",
        lambda s, _: _if(s.one("client_id") is not None and s.one("client_id") != s.claims.get("sub")),
        "client_id of the request is another than sub of the assertion",
        "send the same client-ID, or leave client_id out",
    ),
    Mistake(
        "aud:missing",
        lambda s, _: _if(not s.claims.get("aud")),
        "aud is missing",
        "send it, the issuer on ACM/IDM, the token endpoint on GeoSecure",
    ),
    Mistake("aud:several", lambda s, _: _if(not isinstance(_audience(s), str)), "aud is a list of several, or no text", "send one text"),
    Mistake(
        "aud:endpoint",
        _endpoint_on_acmidm,
        "aud is the token endpoint, as GeoSecure wants it; this is ACM/IDM",
        "send the issuer: {issuer}",
    ),
    Mistake(
        "aud:issuer",
        _issuer_on_geosecure,
        "aud is the issuer, as ACM/IDM wants it; this is GeoSecure",
        "send the token endpoint: {endpoint}",
    ),
    Mistake(
        "aud:misspelt",
        _misspelt_audience,
        "aud has capitals, or a slash at its end, that {right} does not have",
        "send it as it is written there",
    ),
    Mistake(
        "aud:another",
        _wrong_audience,
        "aud {aud} is neither this issuer nor its token endpoint: another environment's, perhaps",
        "send the issuer {issuer} on ACM/IDM, the token endpoint {endpoint} on GeoSecure",
    ),
    Mistake("iat:missing", lambda s, _: _if("iat" not in s.claims), "iat is missing", "send the time of making it, in seconds since 1970"),
    Mistake("iat:text", lambda s, _: _if(_number(s, "iat") is None), "iat is no number", "send " + _NUMBERS),
    Mistake("iat:milliseconds", lambda s, _: _if((_number(s, "iat") or 0) > _MILLISECONDS), "iat is in milliseconds", "send " + _NUMBERS),
    Mistake(
        "iat:future",
        lambda s, k: _if((_number(s, "iat") or 0) > k.now + SKEW_SECONDS, seconds=round((_number(s, "iat") or 0) - k.now)),
        "iat lies {seconds} seconds in the future: the clock that it was made by is ahead",
        "set that clock by NTP",
    ),
    Mistake("exp:missing", lambda s, _: _if("exp" not in s.claims), "exp is missing", "send it, at most 10 minutes after iat"),
    Mistake("exp:text", lambda s, _: _if(_number(s, "exp") is None), "exp is no number", "send " + _NUMBERS),
    Mistake("exp:milliseconds", lambda s, _: _if((_number(s, "exp") or 0) > _MILLISECONDS), "exp is in milliseconds", "send " + _NUMBERS),
    Mistake(
        "exp:long",
        lambda s, _: _if((_lifetime(s) or 0) > LONGEST_LIFETIME_SECONDS, seconds=round(_lifetime(s) or 0)),
        "exp is {seconds} seconds after iat, and at most 600 are allowed",
        "let it live five minutes, and " + _MAKE,
    ),
    Mistake(
        "exp:before",
        lambda s, _: _if((lives := _lifetime(s)) is not None and lives <= 0),
        "exp is not after iat",
        "let it live five minutes",
    ),
    Mistake(
        "nbf:future",
        lambda s, k: _if((_number(s, "nbf") or 0) > k.now + SKEW_SECONDS),
        "nbf lies in the future",
        "leave it out, or set the clock",
    ),
    Mistake("jti:missing", lambda s, _: _if(not s.claims.get("jti")), "jti is missing", "send a fresh UUID in each assertion"),
    Mistake(
        "jti:guid",
        lambda s, k: _if(k.has_habits and k.platform is Platform.GEOSECURE and not UUID.fullmatch(str(s.claims.get("jti")))),
        "jti is no GUID, which GeoSecure requires",
        "send a fresh UUID in each assertion",
    ),
    Mistake(
        "scope:list",
        lambda s, _: _if("," in (s.one("scope") or "") or "scope[]" in (s.fields or {})),
        "scope is a list of another kind",
        "send one scope, with spaces between the names",
    ),
    Mistake(
        "scope:renamed",
        lambda s, k: next(({"scope": name, "name": k.renamed[name]} for name in _scopes(s) if name in k.renamed), None),
        "scope {scope} has another name on {platform}",
        "request {name}",
    ),
    Mistake(
        "scope:unknown",
        lambda s, k: next(({"scope": name} for name in _scopes(s) if k.scopes and name not in k.scopes), None),
        "scope {scope} is not among those of the form",
        "add it to the form, or request another",
    ),
    Mistake(
        "audience:own",
        lambda s, _: _if(s.one("audience") is not None and s.one("audience") == s.claims.get("sub")),
        "audience is your own client-ID",
        "send the client-ID of the API",
    ),
    Mistake(
        "audience:missing",
        lambda s, k: _if(
            s.fields is not None
            and k.has_habits
            and k.platform is Platform.ACMIDM
            and not s.one("audience")
            and not s.one("resource")
            and _apis_wanted(s, k),
            products=listed(_apis_wanted(s, k)),
        ),
        "the request has no audience: the token is for no API, and {products} refuses it",
        "send the client-ID of the API as audience",
    ),
)
OF_CLIENT_ID = frozenset({"client:missing", "client:api", "client:numeric", "client:uuid"})


def ended_seconds_ago(sent: Sent, known: Known) -> int | None:
    """How long ago an assertion ended: no mistake of what was written down earlier, but of one that is sent now."""
    exp = _number(sent, "exp")
    return None if exp is None or exp > known.now - SKEW_SECONDS or exp > _MILLISECONDS else round(known.now - exp)
