"""Client authentication with a signed assertion, private_key_jwt (RFC 7523 §3)."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key
from joserfc.util import urlsafe_b64decode
from pydantic_core import from_json

from acmidm_sandbox.beheerportaal.documents import KeyInUse
from acmidm_sandbox.beheerportaal.jwk import (
    SIGNING_ALGORITHMS,
    algorithms_of,
    is_in_time,
    thumbprint,
)
from acmidm_sandbox.beheerportaal.limits import LONGEST_JTI
from acmidm_sandbox.beheerportaal.oauth.principals import Principal
from acmidm_sandbox.beheerportaal.oauth.rules import (
    CLOCK_SKEW_SECONDS,
    LONGEST_LIFETIME_SECONDS,
    LONGEST_TOLERATED_SECONDS,
    Judge,
)
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store.database import Database
from acmidm_sandbox.beheerportaal.store.tokens import UsedAssertion, forget_ended

METHOD = "private_key_jwt"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Since 1970, for three thousand years: a larger number is one of milliseconds.
_MOST_SECONDS = 10**11


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion as it was sent. What is read here of its form is the sender's own; nothing is
    known of the client yet."""

    method: ClassVar[str] = METHOD

    text: str
    client_id: str
    alg: str
    kid: str | None

    @classmethod
    def of(cls, form: Mapping[str, str], judge: Judge) -> "Assertion":
        """Return the assertion in a form.

        Raises:
            InvalidClientError: where it is none.
        """
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            judge.broken("client_assertion_type", f"client_assertion_type must be {ASSERTION_TYPE}")
        text = form.get("client_assertion")
        if not text:
            raise judge.refusal("assertion", "client_assertion is missing")
        objects = _objects_in(text)
        if objects is None:
            no_jwt = (
                "client_assertion is no JWT (RFC 7519): it needs a header, a payload and a"
                " signature"
            )
            raise judge.refusal("assertion", no_jwt)
        header, claims = objects
        client_id, alg, kid = claims.get("sub"), header.get("alg"), header.get("kid")
        if not isinstance(client_id, str):
            raise judge.refusal(
                "sub", "sub is missing in the assertion, or no string; it must be the client_id"
            )
        if not isinstance(alg, str) or alg not in SIGNING_ALGORITHMS:
            raise judge.refusal(
                "alg",
                f"alg {alg} is not accepted; sign with one of {', '.join(SIGNING_ALGORITHMS)}",
            )
        if kid is not None and not isinstance(kid, str):
            raise judge.refusal("registered kid", "kid is no string; name the registered key")
        return cls(text, client_id, alg, kid)


class AssertionVerifier:
    """This platform's rules for assertions, with an error that names the claim that is wrong."""

    def __init__(self, settings: PortalSettings, database: Database) -> None:
        self._settings = settings
        self._database = database

    def verify(self, assertion: Assertion, client: Principal, judge: Judge) -> Principal:
        """Return the client, with the thumbprint of the key that signed it as its credential. Once
        the signature is good, and nobody can have seen the assertion before, the judge knows the
        request as proven.

        Raises:
            InvalidClientError
        """
        key = _choose_key(assertion, client, judge)
        claims = _signed_claims(assertion, key)
        if claims is None:
            wrong = (
                f"the signature is wrong: it was not made with the private key of kid {key['kid']}"
            )
            raise judge.refusal("signature", wrong)
        judge.is_proven = self._is_fresh(claims, client)
        require_enabled(client, judge)
        if claims.get("iss") != client.client_id:
            judge.broken("iss", "iss is missing or differs from sub; both must be the client_id")
        if (broken := _wrong_audience(claims.get("aud"), client, self._settings)) is not None:
            judge.broken(*broken)
        ends_at = _verify_times(claims, judge)
        jti = _jti(claims, judge)
        if jti is not None and not self._use(client.client_id, jti, ends_at):
            judge.broken(
                "used jti",
                "jti was used before; give each request an assertion with its own jti",
            )
        authenticated = replace(client, credential=thumbprint(key))
        if client.is_operator:
            return authenticated
        use = KeyInUse(
            thumbprint=thumbprint(key),
            kid=str(key["kid"]),
            last_used_at=datetime.now(UTC).isoformat(timespec="seconds"),
            with_kid=assertion.kid is not None,
        )
        return replace(authenticated, signed=use)

    def _use(self, client_id: str, jti: str, ends_at: int) -> bool:
        """Return whether this is the first use of an assertion, which is remembered until it has
        ended."""
        with self._database.write() as session:
            forget_ended(session, UsedAssertion)
            if session.get(UsedAssertion, (client_id, jti)) is not None:
                return False
            session.add(UsedAssertion(client_id=client_id, jti=jti, expires_at=ends_at))
            return True

    def _is_fresh(self, claims: Mapping[str, Any], client: Principal) -> bool:
        """Return whether an assertion is none that somebody else may have: it was sent before, or
        its time is over, as that of one that a service desk gets."""
        exp, jti = claims.get("exp"), claims.get("jti")
        if not isinstance(exp, int | float) or not isinstance(jti, str) or exp <= time.time():
            return False
        with self._database.read() as session:
            return session.get(UsedAssertion, (client.client_id, jti)) is None


def require_enabled(client: Principal, judge: Judge) -> None:
    """Refuse a client that has proved who it is, and is disabled.

    Raises:
        InvalidClientError
    """
    if not client.enabled:
        sentence = f"client {client.client_id} is disabled; ask the operator to enable it"
        raise judge.refusal("enabled", sentence)


def _choose_key(assertion: Assertion, client: Principal, judge: Judge) -> Mapping[str, Any]:
    """Return the client's key that the assertion is for.

    Raises:
        InvalidClientError: with why there is none.
    """
    if not client.jwks:
        none = (
            f"client {client.client_id} has no registered key; register its public key (JWK) first"
        )
        raise judge.refusal("registered key", none)
    kids = ", ".join(str(key["kid"]) for key in client.jwks)
    if assertion.kid is None:
        name, why = (
            ("kid", "GeoSecure requires it")
            if len(client.jwks) == 1
            else ("kid of several", "and the client has several keys")
        )
        judge.broken(name, f"kid is missing in the assertion's header, {why}; registered: {kids}")
    keys = [key for key in client.jwks if assertion.kid in (None, key["kid"])]
    if not keys:
        raise judge.refusal(
            "registered kid",
            f"kid {assertion.kid} is not registered for this client; registered: {kids}",
        )
    key = keys[0]
    if not is_in_time(key, time.time()):
        late = f"key {key['kid']} has expired, or does not count yet (its exp and nbf)"
        judge.broken("ended key", f"{late}; register another one")
    if assertion.alg not in algorithms_of(key):
        fitting = " or ".join(algorithms_of(key))
        judge.broken(
            "alg", f"alg {assertion.alg} does not fit key {key['kid']}; sign with {fitting}"
        )
    return key


def _objects_in(assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """Return header and claims of a JWT that nobody has verified yet; None where it is none."""
    try:
        header, claims = (
            from_json(urlsafe_b64decode(part.encode())) for part in assertion.split(".")[:-1]
        )
    except ValueError:
        return None
    return (header, claims) if isinstance(header, dict) and isinstance(claims, dict) else None


def _wrong_audience(
    aud: object, client: Principal, settings: PortalSettings
) -> tuple[str, str] | None:
    """Return the rule that an audience breaks, with a sentence that knows the frequent mistakes."""
    issuer, token_endpoint = settings.issuer, settings.token_endpoint
    audience = aud[0] if isinstance(aud, list) and len(aud) == 1 else aud
    if not isinstance(audience, str):
        name = "several aud" if isinstance(aud, list) and aud else "aud"
        return name, "aud is missing, or no single string"
    if client.is_operator:
        # Operators belong to the portal, not to a platform: both forms that RFC 7523 §3 knows are
        # good.
        if audience in (issuer, token_endpoint):
            return None
        return "aud", f"aud is {audience}; it must be {issuer} or {token_endpoint}"
    is_geosecure = settings.platform == "geosecure"
    wanted = token_endpoint if is_geosecure else issuer
    is_endpoint = audience.lower().rstrip("/") == token_endpoint
    if audience == wanted:
        return None
    if audience == f"{wanted}/":
        return "aud with slash", f"aud must be without trailing slash: {wanted}"
    if is_geosecure and audience == f"{wanted.removesuffix('token')}authorization":
        sentence = f"aud is {audience}, which is not the URL that is called; it must be {wanted}"
        return "aud of the sample", sentence
    if is_geosecure and is_endpoint:
        return "aud", f"aud must be in lower case and without trailing slash: {token_endpoint}"
    if is_geosecure and audience == issuer:
        return "aud", (
            "aud is the issuer, as ACM/IDM wants it; this is GeoSecure, aud must be the token"
            f" endpoint {token_endpoint}"
        )
    if is_endpoint:
        return "aud", (
            "aud is the token endpoint, as GeoSecure wants it; this is ACM/IDM, aud must be"
            f" the issuer {issuer}"
        )
    return "aud", f"aud is {audience}; it must be {wanted}"


def _verify_times(claims: Mapping[str, Any], judge: Judge) -> int:
    """Check iat, exp and nbf (RFC 7523 §3); until when the assertion can be used."""
    now = time.time()
    # Without iat it may have been made a moment ago, by a clock that is ahead.
    iat = _seconds(claims, "iat", judge, absent=now + CLOCK_SKEW_SECONDS)
    exp = _seconds(claims, "exp", judge, absent=0)
    if iat > now + CLOCK_SKEW_SECONDS:
        judge.broken(
            "future iat",
            "iat lies in the future; set the clock, and give the time in seconds since 1970",
        )
    if exp <= now - CLOCK_SKEW_SECONDS:
        judge.broken("passed exp", "exp has passed; make a new assertion for each request")
    if exp - iat > LONGEST_LIFETIME_SECONDS:
        name = "lifetime" if exp - iat <= LONGEST_TOLERATED_SECONDS else "longest lifetime"
        judge.broken(
            name,
            f"exp is more than {LONGEST_LIFETIME_SECONDS} seconds after iat; make the assertion"
            " shorter-lived",
        )
    if _seconds(claims, "nbf", judge, absent=0) > now + CLOCK_SKEW_SECONDS:
        judge.broken("future nbf", "nbf lies in the future; wait, or set the clock")
    return int(exp) + CLOCK_SKEW_SECONDS + 1


def _seconds(claims: Mapping[str, Any], name: str, judge: Judge, absent: float) -> float:
    if name not in claims:
        judge.broken(name, f"{name} is missing; give the time in seconds since 1970")
        return absent
    value = claims[name]
    if (
        isinstance(value, str)
        and value.isascii()
        and value.isdecimal()
        and len(value) <= len(str(_MOST_SECONDS * 1000))
    ):
        judge.broken("times as text", f"{name} is a text; give the number itself")
        value = int(value)
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not 0 <= value < _MOST_SECONDS * 1000
    ):
        raise judge.refusal("times", f"{name} is no number of seconds since 1970")
    if value >= _MOST_SECONDS:
        raise judge.refusal(
            "times",
            f"{name} seems to be in milliseconds; a NumericDate is in seconds since 1970 (RFC 7519"
            " section 2)",
        )
    return value


def _jti(claims: Mapping[str, Any], judge: Judge) -> str | None:
    """Return what an assertion is known by, so that it counts once; without it, nothing tells a
    replay from the next request."""
    if "jti" not in claims:
        judge.broken("jti", "jti is missing; give each assertion its own UUID")
        return None
    jti = claims["jti"]
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
        raise judge.refusal(
            "jti as text",
            f"jti is no string of 1 to {LONGEST_JTI} characters; give each assertion its own UUID",
        )
    try:
        uuid.UUID(jti)
    except ValueError:
        judge.broken("jti is a GUID", "jti is no GUID; give each assertion its own")
    return jti


def _signed_claims(assertion: Assertion, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
    try:
        return jwt.decode(assertion.text, import_key(dict(key)), algorithms=[assertion.alg]).claims
    except (JoseError, ValueError):
        return None
