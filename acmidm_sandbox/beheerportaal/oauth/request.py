"""A token request as it was sent, and the client or operator who sent it."""

import hashlib
import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749.util import extract_basic_authorization
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key
from joserfc.util import urlsafe_b64decode
from pydantic_core import from_json
from sqlalchemy.orm import Session

from acmidm_sandbox.beheerportaal.documents import SECRET_METHODS, AuthMethod
from acmidm_sandbox.beheerportaal.jwk import algorithms_of, is_in_time, thumbprint
from acmidm_sandbox.beheerportaal.limits import CLOCK_SKEW_SECONDS
from acmidm_sandbox.beheerportaal.secrets import is_secret
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store import clients
from acmidm_sandbox.beheerportaal.store.clients import StoredClient
from acmidm_sandbox.beheerportaal.store.users import Operator


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """What the token endpoint needs to know about the client or operator who sends a request."""

    client_id: str
    token_endpoint_auth_method: AuthMethod = "private_key_jwt"
    secret_hashes: Sequence[str] = ()
    """Of the secrets that work now: the last one, and the one before it during an overlap."""
    jwks: Sequence[Mapping[str, Any]]
    scopes: frozenset[str]
    default_scopes: frozenset[str] = frozenset()
    grant_types: Sequence[str] = ("client_credentials",)
    enabled: bool = True
    is_operator: bool = False
    claims: Mapping[str, str] = field(default_factory=dict)

    def still_accepts(self, credential: str) -> bool:
        """Return whether a key, by its thumbprint, or a secret, by `mark_of_secret`, could still
        authenticate it. A token ends when what it was requested with no longer could."""
        if self.token_endpoint_auth_method in SECRET_METHODS:
            return credential in map(mark_of_secret, self.secret_hashes)
        now = time.time()
        return any(thumbprint(key) == credential for key in self.jwks if is_in_time(key, now))


def mark_of_secret(secret_hash: str) -> str:
    """Return a name for a secret, by which nobody can find it: its hash has a salt."""
    return hashlib.sha256(secret_hash.encode()).hexdigest()


def find_principal(session: Session, client_id: str) -> Principal | None:
    """Return the client or operator with this client_id, as it is now; None where there is none."""
    return principal_of(clients.find(session, client_id) or session.get(Operator, client_id))


def principal_of(stored: StoredClient | Operator | None) -> Principal | None:
    """Return the principal of a client or an operator; None of None."""
    if stored is None:
        return None
    if isinstance(stored, StoredClient):
        return _principal_of_client(stored)
    return Principal(
        client_id=stored.client_id,
        jwks=stored.jwks,
        scopes=frozenset(stored.rights),
        is_operator=True,
    )


def _principal_of_client(client: StoredClient) -> Principal:
    """Return the principal of a client. The claims of its tokens name its organisation and its
    application, and have the attributes that an operator gave it."""
    document, organisation = client.document, client.document.organisation
    claims = {
        **document.attributes,
        "vo_orgcode": organisation.code,
        "vo_orgnaam": organisation.name,
        "vo_applicatienaam": document.application,
    }
    if organisation.ovo is not None:
        claims["vo_ovocode"] = organisation.ovo
    hashes = client.client_secret_hash, client.previous_in_force(time.time())
    return Principal(
        client_id=document.client_id,
        token_endpoint_auth_method=document.token_endpoint_auth_method,
        secret_hashes=[hashed for hashed in hashes if hashed is not None],
        jwks=client.jwks.keys,
        scopes=frozenset(client.scopes.scopes),
        default_scopes=frozenset(client.scopes.default),
        grant_types=document.grant_types,
        enabled=document.enabled,
        claims=claims,
    )


ASSERTION = "private_key_jwt"
BASIC, POST = "client_secret_basic", "client_secret_post"
AUTH_METHODS = (BASIC, POST, ASSERTION)
_DIGITS = re.compile(r"[0-9]{1,15}")


@dataclass(eq=False, repr=False)
class TokenRequest:
    """A token request: headers, the names in its query, and body. A property is read when a rule
    of `checks.py` needs it, and may fail where an earlier rule is broken. Those whose name ends in
    `for_people`, and some others, fill blanks of sentences in `rules.yaml`."""

    settings: PortalSettings
    headers: Mapping[str, str]
    query: Collection[str]
    body: bytes
    now: float = field(default_factory=time.time)
    client: Principal | None = None
    """Who has the client-ID that it names; None before that was looked up, or where nobody has."""
    is_proven: bool = False
    """Whether surely that client sent it, and nobody who got hold of an old assertion."""
    is_replay: bool = False
    """Whether its assertion was used before."""
    noted: set[str] = field(default_factory=set)
    """The rules of which the log has a line already."""

    @cached_property
    def credential(self) -> str:
        """By what it authenticates: the thumbprint of the client's key that its assertion names, or
        the mark of the client's secret that it has; empty where the client has no such one."""
        if self.client is None or self.method == ASSERTION:
            return thumbprint(self.key) if self.key else ""
        for hashed in self.client.secret_hashes:
            if is_secret(str(self.id_and_secret[1]), hashed):
                return mark_of_secret(hashed)
        return ""

    @property
    def is_operators(self) -> bool:
        return self.client is not None and self.client.is_operator

    @property
    def platform(self) -> str:
        """Whose rules count: ACM/IDM's for operators, who belong to the portal on any platform."""
        return "acmidm" if self.is_operators else self.settings.platform

    @cached_property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def pairs(self) -> list[tuple[str, str]] | None:
        """The parameters of the form, in their order; None where they are not UTF-8."""
        try:
            return parse_qsl(self.body.decode(), errors="strict")
        except ValueError:
            return None

    @cached_property
    def form(self) -> dict[str, str]:
        return dict(self.pairs or ())

    @property
    def repeats_a_name(self) -> bool:
        names = [name for name, _ in self.pairs or () if name != "scope[]"]
        return len(set(names)) < len(names)

    @cached_property
    def methods(self) -> list[str]:
        """The methods by which it authenticates (RFC 7591 §2). A good request has one."""
        uses = {
            ASSERTION: {"client_assertion", "client_assertion_type"} & self.form.keys(),
            BASIC: "Authorization" in self.headers,
            POST: "client_secret" in self.form,
        }
        return [method for method, is_used in uses.items() if is_used]

    @property
    def method(self) -> str:
        """The first of the methods; empty where it has none."""
        return self.methods[0] if self.methods else ""

    @property
    def methods_for_people(self) -> str:
        return " and ".join(self.methods)

    @property
    def method_for_people(self) -> str:
        return "an assertion" if self.method == ASSERTION else self.method

    @cached_property
    def id_and_secret(self) -> tuple[str | None, str | None]:
        """The client-ID and the secret of the form or of the Authorization header; None for what is
        missing, twice for a header that is not Basic."""
        if self.method == POST:
            return self.form.get("client_id"), self.form["client_secret"]
        try:
            client_id, secret = extract_basic_authorization(self.headers)
        except ValueError:
            return None, None
        return client_id, secret

    @property
    def client_id(self) -> Any:
        """The client-ID that it authenticates as: `sub` of the assertion, or that of a secret."""
        return self.claims.get("sub") if self.method == ASSERTION else self.id_and_secret[0]

    @cached_property
    def header_and_claims(self) -> list[Any]:
        """Of its assertion, whoever signed that; an empty list where it is no JWT."""
        parts = self.form.get("client_assertion", "").split(".")[:-1]
        try:
            objects = [from_json(urlsafe_b64decode(part.encode())) for part in parts]
        except ValueError:
            return []
        return objects if list(map(type, objects)) == [dict, dict] else []

    @property
    def claims(self) -> Mapping[str, Any]:
        return self.header_and_claims[1] if self.header_and_claims else {}

    @property
    def alg(self) -> Any:
        return self.header_and_claims[0].get("alg")

    @property
    def kid(self) -> Any:
        return self.header_and_claims[0].get("kid")

    @property
    def kids(self) -> str:
        """The kids of all keys of the client, for people."""
        return ", ".join(str(key["kid"]) for key in self.client.jwks) if self.client else ""

    @cached_property
    def key(self) -> Mapping[str, Any] | None:
        """The client's key that the assertion names by its kid, its first key where the assertion
        has no kid; None where it has no such key."""
        if self.client is None or self.method != ASSERTION:
            return None
        for key in self.client.jwks:
            if self.kid in (None, key["kid"]):
                return key
        return None

    @property
    def algorithms(self) -> str:
        """Those that fit the key, for people."""
        return " or ".join(algorithms_of(self.key or {}))

    @cached_property
    def is_signed(self) -> bool:
        """Whether the assertion was signed with `key`."""
        try:
            key = import_key(dict(self.key or {}))
            jwt.decode(self.form["client_assertion"], key, algorithms=[self.alg])
        except (JoseError, ValueError):
            return False
        return True

    @cached_property
    def audience(self) -> Any:
        """The assertion's `aud`; of a list with one item, that item."""
        aud = self.claims.get("aud")
        return aud[0] if isinstance(aud, list) and len(aud) == 1 else aud

    @property
    def audiences(self) -> tuple[str, ...]:
        """What `aud` may be: for operators both that RFC 7523 §3 knows, for clients one."""
        if self.is_operators:
            return self.settings.issuer, self.settings.token_endpoint
        return (self.settings.assertion_audience,)

    @property
    def expected_audience(self) -> str:
        """What `aud` may be, as one text for people."""
        return " or ".join(self.audiences)

    @property
    def expects_endpoint(self) -> bool:
        """Whether `aud` may be the token endpoint and nothing else, as on GeoSecure."""
        return self.expected_audience == self.settings.token_endpoint

    @property
    def sample_audience(self) -> str:
        """The `aud` of GeoSecure's sample in its documentation: not the token endpoint."""
        return f"{self.settings.token_endpoint.removesuffix('token')}authorization"

    @property
    def names_endpoint(self) -> bool:
        """Whether `aud` is the token endpoint, whatever its case and with or without a slash."""
        return bool(self.audience.lower().rstrip("/") == self.settings.token_endpoint)

    def moment(self, claim: str, absent: float = 0) -> float:
        """Return a claim that is a time, as a number or as its digits in a text; `absent` where
        there is no such claim, -1 where it is no number."""
        value = self.claims.get(claim, absent)
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            return int(value)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value if is_number else -1

    @property
    def lifetime_seconds(self) -> float:
        """From `iat` to `exp`. Where there is no `iat`, the shortest that it can be: the assertion
        was made now, by a clock that is ahead."""
        return self.moment("exp") - self.moment("iat", self.now + CLOCK_SKEW_SECONDS)

    @property
    def jti(self) -> Any:
        return self.claims.get("jti", "absent")

    @property
    def requested_scopes(self) -> set[str]:
        return set(self.form.get("scope", "").split())

    @cached_property
    def scopes(self) -> list[str]:
        """Those of the token: what the client was granted of the requested and the default scopes;
        all that it was granted where there is neither."""
        if self.client is None:
            return []
        scopes = {*self.requested_scopes, *self.client.default_scopes} or self.client.scopes
        return sorted(scopes & self.client.scopes)

    @property
    def missing_scopes(self) -> str:
        """Those that were requested and not granted, for people."""
        granted = self.client.scopes if self.client else ()
        return ", ".join(sorted(self.requested_scopes.difference(granted)))
