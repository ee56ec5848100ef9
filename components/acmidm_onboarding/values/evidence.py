"""Evidence that a connection works: what ``acmidm probe --record`` proved, signed by the very key
that it proved.

A JSON Web Signature in the flattened serialization (RFC 7515 §7.2.2), in a file beside the form.
Whoever writes it holds the private key, so that nobody writes it by hand. Evidence that does not
hold is no mistake of the form: it counts as none, with its reason. A file without such a signature
is a mistake (``other_files.py``).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
)

from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.identifiers import is_visible
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, algorithms_of, public_jwk
from acmidm_onboarding.values.plain import only
from acmidm_onboarding.values.problems import Unusable
from acmidm_onboarding.values.secrecy import PRIVATE_MEMBERS
from acmidm_onboarding.values.terms import EVIDENCE_ENDING, LONGEST_TEXT, Environment, Platform

TYPE = "acmidm-evidence+jws"
VERSION = 1
CLOCK_SKEW = timedelta(minutes=5)
"""How far the clock of whoever recorded it may be ahead of ours."""

_MEMBERS = frozenset({"payload", "protected", "signature"})
_HEADER = frozenset({"alg", "kid", "typ", "jwk"})
_MOST_NAMES = 200
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_REQUIRED = ("kty", "n", "e", "crv", "x", "y")


@dataclass(frozen=True)
class Expected:
    """Which connection the evidence has to be of. ``organisation`` is its OVO code, else its KBO
    number."""

    organisation: str
    application: str
    environment: Environment
    platform: Platform

    @property
    def file_name(self) -> str:
        return f"{self.application}.{self.environment}.{self.platform}{EVIDENCE_ENDING}"


def _visible(text: str) -> str:
    if not is_visible(text):
        raise ValueError  # without a sentence: the payload is refused by the names of its members
    return text


_Text = Annotated[StrictStr, Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(_visible)]
_Names = Annotated[frozenset[_Text], Field(max_length=_MOST_NAMES), PlainSerializer(sorted)]


class Evidence(BaseModel):
    """What was proven and is signed: tokens for these scopes, and reads of these products, by the
    catalogue's names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: StrictInt = VERSION
    organisation: _Text
    application: _Text
    environment: Environment
    platform: Platform
    issuer: _Text
    """Who gave the tokens."""
    client_id: _Text
    scopes: _Names
    products: _Names
    thumbprint: _Text
    """Of the key that was proven, and that signed this: RFC 7638, SHA-256, base64url."""
    iat: Annotated[StrictInt, Field(gt=0, lt=253_402_300_800)]
    """When, in seconds since 1970."""
    signs_with_kid: StrictBool
    """Whether the assertions that got the tokens had a ``kid``."""

    @property
    def proven_at(self) -> datetime:
        return datetime.fromtimestamp(self.iat, UTC)


@dataclass(frozen=True)
class EvidenceFile:
    """A file of evidence beside a form: either what it proves, or why it counts as none; neither
    without a file."""

    evidence: Evidence | None = None
    refused: str | None = None


_OF_ANOTHER = {
    "organisation": N_("it is of another organisation"),
    "application": N_("it is of another application"),
    "environment": N_("it is of another environment"),
    "platform": N_("it is of another platform"),
}


def read_evidence(text: str, expected: Expected, now: datetime | None = None) -> Evidence:
    """Return what the text of a file proves of the expected connection; the caller checks its key
    and its age.

    Raises:
        Unusable: with the first reason why the evidence does not hold.
    """
    parts = parts_in(text)
    key = _verified_key(**parts)
    try:
        evidence = Evidence.model_validate(_object(_decoded(parts["payload"]), "payload"))
    except ValidationError as error:
        names = {str(details["loc"][0]) for details in error.errors()}
        wrong = sorted(names & Evidence.model_fields.keys())
        reason = tr("its payload has unknown members")
        if wrong:
            reason = tr("its payload has a wrong or missing {members}", members=", ".join(wrong))
        raise Unusable(reason) from None
    if evidence.version != VERSION:
        raise Unusable(tr("it is of another version than {version}", version=VERSION))
    if evidence.thumbprint != key.thumbprint:
        raise Unusable(tr("its thumbprint is not that of the key that signed it"))
    for name in ("organisation", "application", "environment", "platform"):
        if getattr(evidence, name) != getattr(expected, name):
            raise Unusable(translated(_OF_ANOTHER[name]))
    if evidence.proven_at > (now or datetime.now(UTC)) + CLOCK_SKEW:
        raise Unusable(tr("it was recorded in the future"))
    return evidence


def parts_in(text: str) -> dict[str, str]:
    """Return payload, header and signature of a text, unverified. Raises Unusable where it is no
    flattened JWS."""
    parts = _object(text, "file")
    if parts.keys() != _MEMBERS or not all(isinstance(part, str) for part in parts.values()):
        raise Unusable(tr("it is no flattened JWS, with payload, protected and signature alone"))
    return parts


def summary(evidence: Evidence) -> dict[str, str]:
    """Return what a stack records of evidence, and a review shows."""
    return {
        "thumbprint": evidence.thumbprint,
        "issuer": evidence.issuer,
        "proven_at": f"{evidence.proven_at:%Y-%m-%dT%H:%M:%SZ}",
    }


def is_fresh(evidence: Evidence, now: datetime, days: int) -> bool:
    """Return whether evidence is at most this many days old."""
    return now - evidence.proven_at <= timedelta(days=days)


def _verified_key(payload: str, protected: str, signature: str) -> PublicJwk:
    """Return the public key in the protected header, once it is sure that it made the signature
    (RFC 7515 §5.2). Raises Unusable with the reason."""
    header = _object(_decoded(protected), "header")
    if header.keys() != _HEADER:  # crit, zip, x5u and the like change what a header means
        raise Unusable(tr("its header does not have alg, kid, typ and jwk alone"))
    if header["typ"] != TYPE:
        raise Unusable(tr("its typ is not {type}", type=TYPE))
    try:
        key = public_jwk(header["jwk"])
    except InvalidJwk as error:
        sentence = tr("its header has no usable public key")
        if any(reason.member in PRIVATE_MEMBERS for reason in error.reasons):
            sentence = tr(
                "its header has a private key, which has been shared now: make a new pair"
            )
        raise Unusable(sentence) from None
    if header["kid"] != key.kid:
        raise Unusable(tr("its kid is not that of the key in its header"))
    alg = header["alg"]
    # Neither "none" nor a MAC, which would take the public key as a secret.
    if not isinstance(alg, str) or alg not in algorithms_of(key.members):
        raise Unusable(tr("its alg is none that its key signs with"))
    jws = JWS()
    jws.allowed_algs = [alg]
    try:
        jws.deserialize(
            f"{protected}.{payload}.{signature}",
            JWK(**only(key.members, _REQUIRED)),
        )
    except (JWException, ValueError, TypeError):
        raise Unusable(tr("its signature does not hold")) from None
    return key


def _decoded(text: str) -> str:
    """Return the text that base64url stands for. Raises Unusable."""
    if not _BASE64URL.fullmatch(text):
        raise Unusable(tr("it is not base64url throughout"))
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Unusable(tr("it is not base64url throughout")) from None


_NO_OBJECT = {
    "payload": N_("its payload is no JSON object"),
    "file": N_("it is no JSON object"),
    "header": N_("its header is no JSON object"),
}


def _object(text: str, what: str) -> dict[str, Any]:
    """Return the members of a JSON object; a refusal says that it is ``what``: the payload, the
    header or the file. Raises Unusable."""
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Unusable(translated(_NO_OBJECT[what])) from None
    if not isinstance(value, dict):
        raise Unusable(translated(_NO_OBJECT[what]))
    return value


def _once(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    """Return the members of a JSON object as a mapping. Raises Unusable where one is there
    twice."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise Unusable(tr("it has a member twice"))
    return members
