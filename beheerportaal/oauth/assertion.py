"""Client authentication with a signed assertion, private_key_jwt (RFC 7523 §3)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key
from joserfc.util import urlsafe_b64encode

from beheerportaal.jwk import SIGNING_ALGORITHMS, algorithms_of, is_in_time, thumbprint
from beheerportaal.limits import LONGEST_JTI, LONGEST_KID, LONGEST_TEXT
from beheerportaal.oauth.errors import invalid_client
from beheerportaal.oauth.principals import Principal, why_unknown
from beheerportaal.settings import PortalSettings
from beheerportaal.store import credentials
from beheerportaal.store.database import Database
from beheerportaal.untrusted import Unreadable, read_jwt

METHOD = "private_key_jwt"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFETIME_SECONDS = 600
CLOCK_SKEW_SECONDS = 30
_KEY_MEMBERS = ("kty", "crv", "x", "y", "n", "e")


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion as it was sent. What is read here of its form is the sender's own; nothing is known of the client yet."""

    text: str
    client_id: str
    alg: str
    kid: str | None

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "Assertion":
        """The assertion in a form.

        Raises:
            InvalidClientError: where it is none.
        """
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise invalid_client(f"client_assertion_type must be {ASSERTION_TYPE}")
        text = form.get("client_assertion")
        if not text:
            raise invalid_client("client_assertion is missing")
        try:
            header, claims = read_jwt(text)
        except Unreadable as error:
            raise invalid_client(f"client_assertion is no JWT (RFC 7519): it {error}") from None
        client_id, alg, kid = claims.get("sub"), header.get("alg"), header.get("kid")
        if not isinstance(client_id, str) or len(client_id) > LONGEST_TEXT:
            raise invalid_client("sub is missing in the assertion, or no string; it must be the client_id")
        if not isinstance(alg, str) or alg not in SIGNING_ALGORITHMS:
            raise invalid_client(f"alg {alg} is not accepted; sign with one of {', '.join(SIGNING_ALGORITHMS)}")
        if kid is not None and (not isinstance(kid, str) or len(kid) > LONGEST_KID):
            raise invalid_client(f"kid is no string of at most {LONGEST_KID} characters; name the registered key")
        return cls(text, client_id, alg, kid)


class AssertionVerifier:
    """This platform's rules for assertions, with an error that names the claim that is wrong."""

    def __init__(self, settings: PortalSettings, database: Database) -> None:
        self._settings = settings
        self._database = database

    def verify(self, assertion: Assertion, client: Principal | None) -> Principal:
        """The client, with the thumbprint of the key that signed it as its credential.

        Whatever is wrong, and whether there is a client or not, one signature is verified.

        Raises:
            InvalidClientError
        """
        key, reason = self._choose(assertion, client)
        claims = _signed_claims(assertion, _stand_in(assertion.alg) if key is None else _public_key(key))
        if client is None or key is None:
            raise invalid_client(reason)
        if claims is None:
            raise invalid_client(f"the signature is wrong: it was not made with the private key of kid {key.get('kid')}")
        if not client.enabled:
            raise invalid_client(f"client {client.client_id} is disabled; ask the operator to enable it")
        self._verify_claims(claims, client)
        return replace(client, credential=thumbprint(key))

    def _choose(self, assertion: Assertion, client: Principal | None) -> tuple[Mapping[str, Any] | None, str]:
        """The client's key that the assertion is for, else why there is none."""
        if client is None:
            return None, why_unknown(self._settings, assertion.client_id)
        if client.token_endpoint_auth_method != METHOD:
            return (
                None,
                f"client {client.client_id} is registered with {client.token_endpoint_auth_method}, so an assertion is not accepted",
            )
        if not client.jwks:
            return None, f"client {client.client_id} has no registered key; register its public key (JWK) first"
        known = ", ".join(str(key.get("kid")) for key in client.jwks)
        if assertion.kid is None:
            if self._settings.platform == "geosecure" and not client.is_operator:
                return None, f"kid is missing in the assertion's header, GeoSecure requires it; registered: {known}"
            if len(client.jwks) > 1:
                return None, f"kid is missing in the assertion's header, and the client has several keys; registered: {known}"
            key = client.jwks[0]
        else:
            found = [key for key in client.jwks if key.get("kid") == assertion.kid]
            if not found:
                return None, f"kid {assertion.kid} is not registered for this client; registered: {known}"
            key = found[0]
        if not is_in_time(key, time.time()):
            return None, f"key {key.get('kid')} has expired, or does not count yet (its exp and nbf); register another one"
        if assertion.alg not in algorithms_of(key):
            return None, f"alg {assertion.alg} does not fit key {key.get('kid')}; sign with {' or '.join(algorithms_of(key))}"
        return key, ""

    def _verify_claims(self, claims: Mapping[str, Any], client: Principal) -> None:
        """Checks iss, aud, iat, exp and nbf (RFC 7523 §3), and last of all uses up the jti."""
        if claims.get("iss") != client.client_id:
            raise invalid_client("iss is missing or differs from sub; both must be the client_id")
        self._verify_audience(claims.get("aud"), client)
        now = time.time()
        iat, exp = _seconds(claims, "iat"), _seconds(claims, "exp")
        if iat > now + CLOCK_SKEW_SECONDS:
            raise invalid_client("iat lies in the future; set the clock, and give the time in seconds since 1970")
        if exp <= now - CLOCK_SKEW_SECONDS:
            raise invalid_client("exp has passed; make a new assertion for each request")
        if exp - iat > LONGEST_LIFETIME_SECONDS:
            raise invalid_client(f"exp is more than {LONGEST_LIFETIME_SECONDS} seconds after iat; make the assertion shorter-lived")
        if "nbf" in claims and _seconds(claims, "nbf") > now + CLOCK_SKEW_SECONDS:
            raise invalid_client("nbf lies in the future; wait, or set the clock")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
            raise invalid_client(f"jti is missing, or no string of 1 to {LONGEST_JTI} characters; give each assertion its own UUID")
        with self._database.write() as connection:
            if not credentials.use_assertion(connection, client.client_id, jti, int(exp) + CLOCK_SKEW_SECONDS + 1):
                raise invalid_client("jti was used before; make a new assertion with its own jti for each request")

    def _verify_audience(self, aud: object, client: Principal) -> None:
        issuer, token_endpoint = self._settings.issuer, self._settings.token_endpoint
        found = aud[0] if isinstance(aud, list) and len(aud) == 1 else aud
        geosecure = self._settings.platform == "geosecure"
        # Operators belong to the portal, not to a platform: both forms that RFC 7523 §3 knows are good.
        if found in ((issuer, token_endpoint) if client.is_operator else (token_endpoint if geosecure else issuer,)):
            return
        if not isinstance(found, str):
            raise invalid_client("aud is missing, or no single string")
        if geosecure and found == issuer:
            raise invalid_client(
                f"aud is the issuer, as ACM/IDM wants it; this is GeoSecure, aud must be the token endpoint {token_endpoint}"
            )
        is_endpoint = found.lower().rstrip("/") == token_endpoint
        if geosecure and is_endpoint:
            raise invalid_client(f"aud must be in lower case and without trailing slash: {token_endpoint}")
        if is_endpoint:
            raise invalid_client(f"aud is the token endpoint, as GeoSecure wants it; this is ACM/IDM, aud must be the issuer {issuer}")
        raise invalid_client(f"aud is {found}; it must be {token_endpoint if geosecure else issuer}")


def _signed_claims(assertion: Assertion, key: Key) -> Mapping[str, Any] | None:
    try:
        return jwt.decode(assertion.text, key, algorithms=[assertion.alg]).claims
    except (JoseError, ValueError):
        return None


def _public_key(key: Mapping[str, Any]) -> Key:
    # Only the members that make the key: what else it carries is none of the verification's business.
    return import_key({name: key[name] for name in _KEY_MEMBERS if name in key})


@cache
def _stand_in(alg: str) -> Key:
    """A key that nobody signs with, for the work that an assertion of nobody's costs."""
    if alg in ("Ed25519", "EdDSA"):
        return OKPKey.generate_key("Ed25519", private=False)
    if alg.startswith("ES"):
        return ECKey.generate_key({"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[alg], private=False)
    modulus = (2**2048 - 1).to_bytes(256)  # verifying does not mind that it has small factors
    return RSAKey.import_key({"kty": "RSA", "n": urlsafe_b64encode(modulus).decode(), "e": "AQAB"})


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e11:
        raise invalid_client(f"{name} is missing, or no number of seconds since 1970")
    return value
