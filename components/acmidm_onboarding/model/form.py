"""The organisation and its onboarding forms: who it is, and per application what the *aansluitingsformulier* has.

These classes are the one definition of both files: they validate them, and make the editor's JSON Schemas. Names are those of
RFC 7591 §2 where it has one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from acmidm_onboarding.model.identifiers import SHARED_KBO_NUMBER, KboNumber, OvoCode, is_visible, official_name, organisation_code
from acmidm_onboarding.model.key_address import key_address
from acmidm_onboarding.model.problems import quoted

LONGEST_TEXT = 255
LONGEST_ADDRESS = 254
LONGEST_ATTRIBUTE_NAME = 64
MOST_CONTACTS = 50
MOST_KEYS = 5
MOST_ATTRIBUTES = 20
"""What an authority accepts at most, as the contract of the management API has it; a test holds the two alike."""

_NAME = "[a-z0-9]+(-[a-z0-9]+)*"
_LONGEST_NAME = 64
LONGEST_ORGANISATION_NAME = LONGEST_TEXT - len(" - ") - _LONGEST_NAME
"""A client is named by its organisation and its application together."""
_ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_OWNER = re.compile(
    r"@[a-z0-9](-?[a-z0-9])*(/[a-z0-9][a-z0-9._-]*)*|[a-z0-9._%+-]+@[a-z0-9](-?[a-z0-9])*(\.[a-z0-9](-?[a-z0-9])*)+",
    re.ASCII | re.IGNORECASE,
)
_CLIENT_ID = re.compile(r"[ -~]+", re.ASCII)
"""RFC 6749 appendix A.1."""


class Environment(StrEnum):
    """The environments of Digitaal Vlaanderen: test (TNI) and production."""

    TNI = "tni"
    PROD = "prod"


class Platform(StrEnum):
    """ACM/IDM is the uniform platform, GeoSecure its predecessor."""

    ACMIDM = "acmidm"
    GEOSECURE = "geosecure"


class Language(StrEnum):
    """In which language an organisation is addressed (RFC 5646): the first of these where it does not say."""

    NL = "nl"
    EN = "en"


RESERVED_NAME = Platform.GEOSECURE.value
"""No application or product has this name: it ends the name of a client on the second platform."""


class AuthMethod(StrEnum):
    """How the client authenticates at the token endpoint (RFC 7591 §2; OpenID Connect Core §9)."""

    PRIVATE_KEY_JWT = "private_key_jwt"
    CLIENT_SECRET_BASIC = "client_secret_basic"
    CLIENT_SECRET_POST = "client_secret_post"


class ExemptiblePolicy(StrEnum):
    """The policies that a form may be exempted from, in writing."""

    CLIENT_SECRET = "client-secret"
    KEY_LIFETIME = "key-lifetime"
    KEY_ALGORITHM = "key-algorithm"
    PROMOTION_GATE = "promotion-gate"


def is_name(text: str) -> bool:
    """Return whether folders, forms and applications may have this name: resources are named by it as it is."""
    return re.fullmatch(_NAME, text, re.ASCII) is not None and len(text) <= _LONGEST_NAME


def _application(text: str) -> str:
    if not is_name(text):
        raise ValueError(f"{quoted(text)} is not an application name; use lower case letters, digits and single hyphens, 64 at most")
    if text == RESERVED_NAME:
        raise ValueError(f"{quoted(text)} is the name of a platform; name the application otherwise")
    return text


def _code_or_key(text: str) -> str:
    code, slash, application = text.partition("/")
    return f"{organisation_code(code)}{slash}{_application(application) if slash else ''}"


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text) or len(text) > LONGEST_ADDRESS or not is_visible(text):
        raise ValueError(f"{quoted(text)} is not an e-mail address; write one such as api-beheer@stad.example")
    return text


def owner(text: str) -> str:
    """Return a user, a team or an address as CODEOWNERS has them, where nothing else can stand. Raises ValueError with a sentence."""
    if len(text) > LONGEST_ADDRESS or not _OWNER.fullmatch(text):
        raise ValueError(f"{quoted(text)} is no owner; write @user, @organisation/team or an e-mail address")
    return text


def _client_id(text: str) -> str:
    # A part of a path that is one or two dots leads to another place, even when it is escaped (RFC 3986 §5.2.4).
    if not _CLIENT_ID.fullmatch(text) or text in (".", ".."):
        raise ValueError(f"{quoted(text)} is no client-ID; copy the one that the authority shows")
    return text


def _one_line(text: str) -> str:
    if not is_visible(text):
        raise PydanticCustomError("not_one_line", "contains a line break, a control or invisible character, or a space at an end")
    return text


def _printable(text: str) -> str:
    """Check a text that may have several lines, since it is put on one: control characters are refused."""
    _one_line(" ".join(text.split()))
    return text


def _nothing_is_empty(value: object) -> object:
    """Accept ``dv_notificaties_import:`` with nothing behind it: the scope, without a reason."""
    return {} if value is None else value


def _nothing_is_none(value: object) -> object:
    """Take ``jwks:`` with nothing behind it as an empty list, not as a line that was left out."""
    return () if value is None else value


def _file_alone(value: object) -> object:
    """Take the name of a key's file for an entry that says no more. What is neither may be a key: it is not repeated."""
    if isinstance(value, Mapping) and "file" in value:
        return value
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return {"file": value}
    raise PydanticCustomError("string_type", "is not the name of a file")


def _one_is_a_list(value: object) -> object:
    return [value] if isinstance(value, str | int) else value


def _one_or_more(schema: dict[str, str]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [schema, {"type": "array", "items": schema, "uniqueItems": True}]})


WHOLE = ""
"""What retires where a form names neither a platform nor a product: all of the connection."""
_DAY: dict[str, Any] = {"type": "string", "format": "date"}


def day(value: object) -> date:
    """Return a day that is written as 2027-03-31 and in no other way. Raises ValueError with a sentence."""
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(f"{quoted(value) if isinstance(value, str) else 'this'} is no day; write one such as 2027-03-31")


def _one_day_is_for_all(value: object) -> object:
    return value if isinstance(value, dict) and value else {WHOLE: value}


_AttributeValue = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(_one_line)]
_ClientId = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(_one_line), AfterValidator(_client_id)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Organisation(_Part):
    """Whose folder of forms this is: its ``organisation.yaml``, which the onboarding team writes."""

    name: Annotated[
        str,
        Field(min_length=1, max_length=LONGEST_ORGANISATION_NAME, description="The name as the organisation register has it."),
        AfterValidator(_one_line),
        AfterValidator(official_name),
    ]
    ovo: Annotated[OvoCode | None, Field(description="OVO code, such as OVO002067.", json_schema_extra={"pattern": "^OVO[0-9]{6}$"})] = None
    kbo: Annotated[
        KboNumber | None,
        Field(
            description='KBO number, ten digits, in quotes, such as "0207.451.227".',
            json_schema_extra={"pattern": "^[. ]*[01]([. ]*[0-9]){9}[. ]*$"},
        ),
    ] = None
    owners: Annotated[
        tuple[Annotated[str, AfterValidator(owner)], ...],
        Field(description="Who approves changes of its forms and keys: teams such as @stad-gent/api-beheer, users or e-mail addresses."),
    ] = ()
    suppliers: Annotated[tuple[str, ...], Field(description="Folders of suppliers: the forms may name public keys there.")] = ()
    speaks_for: Annotated[
        dict[str, tuple[Annotated[str, Field(min_length=1), AfterValidator(_one_line)], ...]],
        Field(description="Under which names it may send: per field of a product that speaks for somebody, the values that it may have."),
    ] = Field(default_factory=dict)
    language: Annotated[Language, Field(description="In which language it is addressed: nl (Dutch) or en.")] = Language.NL
    formerly: Annotated[
        tuple[Annotated[str, AfterValidator(_code_or_key)], ...],
        BeforeValidator(_one_is_a_list),
        Field(
            description="Its earlier OVO code or KBO number, whose clients it keeps; of an organisation that merged into it also the "
            "whole key of one client, such as OVO001992/loket, whose application has another name now."
        ),
        _one_or_more({"type": "string"}),
    ] = ()
    adopts: Annotated[
        tuple[_ClientId, ...],
        Field(
            description="Client-IDs of its clients of which the authority does not know whose they are: the forms may take them over. "
            "Those whose codes the authority knows need no mention."
        ),
    ] = ()

    @model_validator(mode="after")
    def _identifies(self) -> Self:
        if self.kbo == SHARED_KBO_NUMBER and not self.ovo:
            raise ValueError(
                "KBO number 0316.380.841 is shared by all departments of the Flemish administration; add the OVO code of this one"
            )
        return self

    @property
    def code(self) -> str:
        """The OVO code, else the KBO number as ten digits; empty for a supplier that has neither."""
        return self.ovo or self.kbo or ""

    @property
    def earlier_codes(self) -> tuple[str, ...]:
        return tuple(former for former in self.formerly if "/" not in former)

    @property
    def earlier_keys(self) -> tuple[str, ...]:
        """The whole keys, such as OVO001992/loket, that one form each keeps."""
        return tuple(former for former in self.formerly if "/" in former)


class ScopeRequest(_Part):
    """Why a scope is needed, for the reviewer and kept with the scope; and whether tokens have it without being asked for it."""

    default: Annotated[StrictBool, Field(description="Whether every token of the client has it; left out, it has to be requested.")] = False

    reason: Annotated[
        Annotated[str, AfterValidator(_printable)] | None, Field(max_length=500, description="What the application needs the scope for.")
    ] = None
    reference: Annotated[
        Annotated[str, AfterValidator(_printable)] | None,
        Field(max_length=100, description="Where it was agreed, such as a ticket number."),
    ] = None

    @property
    def note(self) -> str:
        """Reason and reference on one line."""
        reference = f"({self.reference})" if self.reference else ""
        return " ".join(f"{self.reason or ''} {reference}".split()) or "requested"


class Exemption(_Part):
    """Why a policy does not apply to this connection, and where that was agreed."""

    reason: Annotated[
        str, Field(min_length=1, max_length=500, description="Why the connection cannot satisfy the policy."), AfterValidator(_printable)
    ]
    reference: Annotated[
        str, Field(min_length=1, max_length=100, description="Where it was agreed, such as a ticket number."), AfterValidator(_printable)
    ]

    @property
    def note(self) -> str:
        """Reason and reference on one line."""
        return " ".join(f"{self.reason} ({self.reference})".split())


class KeyEntry(_Part):
    """A public key of a client: its file, and whether somebody else may have the private half."""

    file: Annotated[str, Field(description="The file of the public key, *.jwk.json beside the form.")]
    compromised: Annotated[
        StrictBool,
        Field(description="Whether somebody else may have the private key: it leaves the client at once, whatever that breaks."),
    ] = False


class EnvironmentRequest(_Part):
    """What the application needs in one environment."""

    jwks: Annotated[
        Annotated[
            tuple[Annotated[KeyEntry, BeforeValidator(_file_alone, json_schema_input_type=str | KeyEntry)], ...],
            Field(min_length=1, max_length=MOST_KEYS),
        ]
        | None,
        BeforeValidator(_nothing_is_none),
        Field(
            description="Files of public keys, one JSON Web Key each, beside the form. The private keys stay with the organisation. "
            "Left out with private_key_jwt, the organisation uploads its keys in the Beheerportaal."
        ),
    ] = None
    jwks_uri: Annotated[
        Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(_one_line), AfterValidator(key_address)] | None,
        Field(
            description="In the place of jwks: the address where the organisation publishes its public keys as a JWK Set "
            "(RFC 7591 jwks_uri), by https on port 443. Not every authority knows it."
        ),
    ] = None
    scopes: Annotated[
        dict[str, Annotated[ScopeRequest, BeforeValidator(_nothing_is_empty)]],
        Field(description="The scopes of the catalogue that the client is granted; all others are withdrawn."),
    ] = Field(default_factory=dict)
    products: Annotated[
        dict[str, Annotated[dict[str, Any], BeforeValidator(_nothing_is_empty)]],
        Field(description="The configuration of each product, by its schema in the catalogue."),
    ] = Field(default_factory=dict)
    attributes: Annotated[
        dict[str, _AttributeValue],
        Field(
            max_length=MOST_ATTRIBUTES,
            description="What the client's tokens say beside its organisation: attributes of the catalogue, each with its value.",
        ),
    ] = Field(default_factory=dict)
    secret_generation: Annotated[
        StrictInt,
        Field(ge=1, description="The number of the client secret: another number makes a new one, which has to be handed over."),
    ] = 1
    adopt: Annotated[
        dict[Platform, _ClientId],
        Field(description="Per platform the client-ID of a client that was made by hand and is taken over, once."),
    ] = Field(default_factory=dict)


class Form(_Part):
    """One application's connection: the aansluitingsformulier as a file, in the folder of its organisation."""

    application: Annotated[
        str,
        AfterValidator(_application),
        Field(
            description="The application's short name; with the organisation's code it names the connection.",
            json_schema_extra={"pattern": f"^{_NAME}$"},
        ),
    ]
    formerly: Annotated[
        tuple[Annotated[str, AfterValidator(_application)], ...],
        BeforeValidator(_one_is_a_list),
        Field(description="The application's earlier name, whose clients it keeps."),
        _one_or_more({"type": "string", "pattern": f"^{_NAME}$"}),
    ] = ()
    contacts: Annotated[
        tuple[Annotated[str, AfterValidator(_address)], ...],
        Field(
            min_length=1, max_length=MOST_CONTACTS, description="Functional e-mail addresses (RFC 7591 contacts), never those of a person."
        ),
    ]
    platforms: Annotated[tuple[Platform, ...], Field(min_length=1, description="Where the client is registered.")] = (Platform.ACMIDM,)
    token_endpoint_auth_method: Annotated[AuthMethod, Field(description="How the client authenticates (RFC 7591 §2).")] = (
        AuthMethod.PRIVATE_KEY_JWT
    )
    retire: Annotated[
        dict[str, Annotated[date, BeforeValidator(day)]],
        BeforeValidator(_one_day_is_for_all),
        Field(
            description="From which day on (UTC) the connection is taken down, such as 2027-03-31; or per platform or product, those that "
            "the connection leaves: {geosecure: 2027-03-31}."
        ),
        WithJsonSchema({"anyOf": [_DAY, {"type": "object", "additionalProperties": _DAY, "minProperties": 1}]}),
    ] = Field(default_factory=dict)
    preserve: Annotated[
        StrictBool,
        Field(
            description="Whether the client stays at its authority as it is, and nobody manages it any more: from the day of retire on, "
            "or at once without one."
        ),
    ] = False
    exemptions: Annotated[
        dict[ExemptiblePolicy, Exemption],
        Field(description="The policies that this connection is exempted from, each with reason and reference; see docs/policies.md."),
    ] = Field(default_factory=dict)
    environments: Annotated[
        dict[Environment, Annotated[EnvironmentRequest, BeforeValidator(_nothing_is_empty)]],
        Field(min_length=1, description="What is needed where; an environment that is absent gets no client."),
    ]
