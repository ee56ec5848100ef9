"""Client authentication with a signed assertion, private_key_jwt (RFC 7523 §3)."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Error, OAuth2Request
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key
from typing_extensions import override

from beheerportaal.jwk import SIGNING_ALGORITHMS, algorithms_of
from beheerportaal.oauth.errors import invalid_client
from beheerportaal.oauth.principals import Principal
from beheerportaal.settings import PortalSettings
from beheerportaal.store import credentials
from beheerportaal.store.database import Database

LONGEST_LIFETIME_SECONDS = 600
CLOCK_SKEW_SECONDS = 30
LONGEST_JTI = 255
_KEY_MEMBERS = ("kty", "kid", "crv", "x", "y", "n", "e")


class ClientAssertion(JWTBearerClientAssertion):  # type: ignore[misc]
    """Authlib's assertion, with this platform's rules and an error that names the claim that is wrong."""

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, settings: PortalSettings, database: Database) -> None:
        super().__init__(leeway=CLOCK_SKEW_SECONDS)
        self._settings = settings
        self._database = database

    @override
    def __call__(self, query_client: Callable[[str], Principal], request: OAuth2Request) -> Principal:
        """Authlib: the client, or an error."""
        if request.form.get("client_assertion_type") != self.CLIENT_ASSERTION_TYPE:
            raise invalid_client(f"client_assertion_type must be {self.CLIENT_ASSERTION_TYPE}")
        if not request.form.get("client_assertion"):
            raise invalid_client("client_assertion is missing")
        client: Principal = super().__call__(query_client, request)
        return client

    @override
    def extract_assertion(self, assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The header and the claims, not yet verified."""
        try:
            header, claims = super().extract_assertion(assertion)
        except (OAuth2Error, ValueError, RecursionError) as error:
            raise invalid_client("client_assertion is no JWT: it needs a header, a payload and a signature (RFC 7519)") from error
        if not isinstance(claims.get("sub"), str):
            raise invalid_client("sub is missing in the assertion, or no string; it must be the client_id")
        return header, claims

    @override
    def resolve_client_public_key(self, client: Principal) -> Principal:
        """The client itself: which of its keys is meant shows in the header, which Authlib gives to `process_assertion_claims` only."""
        if client.token_endpoint_auth_method != self.CLIENT_AUTH_METHOD:
            raise invalid_client(
                f"client {client.client_id} is registered with {client.token_endpoint_auth_method}, so an assertion is not accepted"
            )
        if not client.jwks:
            raise invalid_client(f"client {client.client_id} has no registered key; register its public key (JWK) first")
        return client

    @override
    def process_assertion_claims(self, assertion: str, resolve_key: Principal) -> dict[str, Any]:
        """Verifies the signature, then the claims."""
        client = resolve_key
        header, _ = self.extract_assertion(assertion)
        alg = header.get("alg")
        if alg not in SIGNING_ALGORITHMS:
            raise invalid_client(f"alg {alg} is not accepted; sign with one of {', '.join(SIGNING_ALGORITHMS)}")
        key = self._choose(client, header.get("kid"))
        if alg not in algorithms_of(key):
            raise invalid_client(f"alg {alg} does not fit key {key['kid']}; sign with {' or '.join(algorithms_of(key))}")
        # Only the members that make the key: what else it carries is none of the verification's business.
        public_key = import_key({name: key[name] for name in _KEY_MEMBERS if name in key})
        try:
            claims = jwt.decode(assertion, public_key, algorithms=[alg]).claims
        except JoseError as error:
            raise invalid_client(f"the signature is wrong: it was not made with the private key of kid {key['kid']}") from error
        self.verify_claims(claims, client)
        return claims

    @override
    def verify_claims(self, claims: Mapping[str, Any], client: Principal) -> None:
        """Checks iss, aud, iat, exp and nbf (RFC 7523 §3), and last of all uses up the jti."""
        if claims.get("iss") != client.client_id:
            raise invalid_client("iss is missing or differs from sub; both must be the client_id")
        self._verify_audience(claims.get("aud"), client)
        now = time.time()
        iat, exp = _seconds(claims, "iat"), _seconds(claims, "exp")
        if iat > now + self.leeway:
            raise invalid_client("iat lies in the future; set the clock, and give the time in seconds since 1970")
        if exp <= now - self.leeway:
            raise invalid_client("exp has passed; make a new assertion for each request")
        if exp - iat > LONGEST_LIFETIME_SECONDS:
            raise invalid_client(f"exp is more than {LONGEST_LIFETIME_SECONDS} seconds after iat; make the assertion shorter-lived")
        if "nbf" in claims and _seconds(claims, "nbf") > now + self.leeway:
            raise invalid_client("nbf lies in the future; wait, or set the clock")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
            raise invalid_client(f"jti is missing, or no string of 1 to {LONGEST_JTI} characters; give each assertion its own UUID")
        with self._database.write() as connection:
            if not credentials.use_assertion(connection, client.client_id, jti, int(exp) + CLOCK_SKEW_SECONDS + 1):
                raise invalid_client("jti was used before; make a new assertion with its own jti for each request")

    def _choose(self, client: Principal, kid: object) -> Mapping[str, Any]:
        known = ", ".join(key["kid"] for key in client.jwks)
        if kid is None:
            if self._settings.platform == "geosecure" and not client.is_operator:
                raise invalid_client(f"kid is missing in the assertion's header, GeoSecure requires it; registered: {known}")
            if len(client.jwks) > 1:
                raise invalid_client(f"kid is missing in the assertion's header, and the client has several keys; registered: {known}")
            return client.jwks[0]
        for key in client.jwks:
            if key["kid"] == kid:
                return key
        raise invalid_client(f"kid {kid} is not registered for this client; registered: {known}")

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


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # The comparison also refuses NaN and infinity, which JSON as Python reads it knows.
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e11:
        raise invalid_client(f"{name} is missing, or no number of seconds since 1970")
    return value
