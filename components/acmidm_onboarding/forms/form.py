"""The organisation and its onboarding forms: who it is, and per application what the
*aansluitingsformulier* has.

These classes are the one definition of both files: they validate them, and make the editor's JSON
Schemas. Names are those of RFC 7591 §2 where it has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from acmidm_onboarding.values.key_address import key_address
from acmidm_onboarding.values.names import (
    ClientId,
    Part,
    application_name,
    day,
    list_of_single_value,
    mail_address,
    one_line,
    printable,
    schema_of_one_or_more,
)
from acmidm_onboarding.values.terms import (
    LONGEST_TEXT,
    MOST_ATTRIBUTES,
    MOST_CONTACTS,
    MOST_KEYS,
    NAME,
    AuthMethod,
    Environment,
    ExemptiblePolicy,
    Platform,
)


def _empty_mapping_for_none(value: object) -> object:
    """Accept ``dv_notificaties_import:`` with nothing behind it: the scope, without a reason."""
    return {} if value is None else value


def _empty_list_for_none(value: object) -> object:
    """Take ``jwks:`` with nothing behind it as an empty list, not as a line that was left out."""
    return () if value is None else value


def _key_entry(value: object) -> object:
    """Return an entry such as {"file": "a.jwk.json"}, also for the name of a file alone. Anything
    else is refused without repeating it, for it may be a key."""
    if isinstance(value, Mapping) and isinstance(value.get("file"), str | int | float):
        return value
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return {"file": value}
    raise PydanticCustomError("no_file_name", "")


LONGEST_REASON = 500
_Day = Annotated[date, BeforeValidator(day)]
_DAY: dict[str, Any] = {"type": "string", "format": "date"}


def _day_of_whole_connection(value: object) -> object:
    """Take ``retire: 2027-03-31`` for ``retire: {on: 2027-03-31}``."""
    return value if isinstance(value, dict) and value else {"on": value}


_AttributeValue = Annotated[
    str, Field(min_length=1, max_length=LONGEST_TEXT), AfterValidator(one_line)
]


class ScopeRequest(Part):
    """Why a scope is needed, for the reviewer and kept with the scope; and whether tokens have it
    without being asked for it."""

    default: Annotated[
        StrictBool,
        Field(
            description=(
                "Whether every token of the client has it; left out, it has to be requested."
            )
        ),
    ] = False

    reason: Annotated[
        Annotated[str, AfterValidator(printable)] | None,
        Field(max_length=LONGEST_REASON, description="What the application needs the scope for."),
    ] = None
    reference: Annotated[
        Annotated[str, AfterValidator(printable)] | None,
        Field(max_length=100, description="Where it was agreed, such as a ticket number."),
    ] = None
    until: Annotated[
        date | None,
        BeforeValidator(day, json_schema_input_type=date),
        Field(
            description=(
                "The last day (UTC) on which the client has the scope, such as 2027-12-31; left"
                " out, it has no end."
            )
        ),
    ] = None

    @property
    def note(self) -> str:
        """Reason and reference on one line."""
        reference = f"({self.reference})" if self.reference else ""
        return " ".join(f"{self.reason or ''} {reference}".split()) or "requested"


class Exemption(Part):
    """Why a policy does not apply to this connection, and where that was agreed."""

    reason: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_REASON,
            description="Why the connection cannot satisfy the policy.",
        ),
        AfterValidator(printable),
    ]
    reference: Annotated[
        str,
        Field(
            min_length=1,
            max_length=100,
            description="Where it was agreed, such as a ticket number.",
        ),
        AfterValidator(printable),
    ]

    @property
    def note(self) -> str:
        """Reason and reference on one line."""
        return " ".join(f"{self.reason} ({self.reference})".split())


class KeyEntry(Part):
    """A public key of a client: its file, and whether somebody else may have the private half."""

    file: Annotated[
        str, Field(description="The file of the public key, *.jwk.json in the same folder.")
    ]
    compromised: Annotated[
        StrictBool,
        Field(
            description=(
                "Whether somebody else may have the private key: it leaves the client at once,"
                " whatever that breaks."
            )
        ),
    ] = False


KeyEntries = Annotated[
    tuple[
        Annotated[KeyEntry, BeforeValidator(_key_entry, json_schema_input_type=str | KeyEntry)],
        ...,
    ],
    Field(min_length=1, max_length=MOST_KEYS),
]


class EnvironmentRequest(Part):
    """What the application needs in one environment."""

    jwks: Annotated[
        KeyEntries | None,
        BeforeValidator(_empty_list_for_none),
        Field(
            description=(
                "Files of public keys, one JSON Web Key each, beside the form. The private keys"
                " stay with the organisation. Left out with private_key_jwt, the organisation"
                " uploads its keys in the Beheerportaal."
            )
        ),
    ] = None
    jwks_uri: Annotated[
        Annotated[
            str,
            Field(min_length=1, max_length=LONGEST_TEXT),
            AfterValidator(one_line),
            AfterValidator(key_address),
        ]
        | None,
        Field(
            description=(
                "In the place of jwks: the address where the organisation publishes its public keys"
                " as a JWK Set (RFC 7591 jwks_uri), by https on port 443. Not every authority"
                " knows it."
            )
        ),
    ] = None
    scopes: Annotated[
        dict[str, Annotated[ScopeRequest, BeforeValidator(_empty_mapping_for_none)]],
        Field(
            description=(
                "The scopes of the catalogue that the client is granted; all others are withdrawn."
            )
        ),
    ] = Field(default_factory=dict)
    products: Annotated[
        dict[str, Annotated[dict[str, Any], BeforeValidator(_empty_mapping_for_none)]],
        Field(description="The configuration of each product, by its schema in the catalogue."),
    ] = Field(default_factory=dict)
    afzenders: Annotated[
        tuple[str, ...],
        Field(
            description=(
                "The folders of organisations that the client sends for too, each by a mandate in"
                " its mandates.yaml: they become senders of each product that knows such."
            ),
        ),
    ] = ()
    attributes: Annotated[
        dict[str, _AttributeValue],
        Field(
            max_length=MOST_ATTRIBUTES,
            description=(
                "What the client's tokens say beside its organisation: attributes of the catalogue,"
                " each with its value."
            ),
        ),
    ] = Field(default_factory=dict)
    secret_generation: Annotated[
        StrictInt,
        Field(
            ge=1,
            description=(
                "The number of the client secret: another number makes a new one, which has to be"
                " handed over."
            ),
        ),
    ] = 1
    adopt: Annotated[
        dict[Platform, ClientId],
        Field(
            description=(
                "Per platform the client-ID of a client that was made by hand and is taken over,"
                " once."
            )
        ),
    ] = Field(default_factory=dict)


class Retirement(Part):
    """When a connection leaves: as a whole, or some of its platforms and products, each with its
    day under its name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, _Day]

    on: Annotated[date | None, BeforeValidator(day)] = None
    keep: StrictBool = False
    """Whether the client stays at its authority then, without this project's marks."""

    @property
    def parts(self) -> Mapping[str, date]:
        """The day of each platform and product that leaves while the connection stays."""
        return self.__pydantic_extra__


class Form(Part):
    """One application's connection: the aansluitingsformulier as a file, in the folder of its
    organisation."""

    application: Annotated[
        str,
        AfterValidator(application_name),
        Field(
            description=(
                "The application's short name; with the organisation's code it names the"
                " connection."
            ),
            json_schema_extra={"pattern": f"^{NAME}$"},
        ),
    ]
    formerly: Annotated[
        tuple[Annotated[str, AfterValidator(application_name)], ...],
        BeforeValidator(list_of_single_value),
        Field(description="The application's earlier name, whose clients it keeps."),
        schema_of_one_or_more({"type": "string", "pattern": f"^{NAME}$"}),
    ] = ()
    contacts: Annotated[
        tuple[Annotated[str, AfterValidator(mail_address)], ...],
        Field(
            min_length=1,
            max_length=MOST_CONTACTS,
            description="Functional e-mail addresses (RFC 7591 contacts), never those of a person.",
        ),
    ]
    platforms: Annotated[
        tuple[Platform, ...], Field(min_length=1, description="Where the client is registered.")
    ] = (Platform.ACMIDM,)
    token_endpoint_auth_method: Annotated[
        AuthMethod, Field(description="How the client authenticates (RFC 7591 §2).")
    ] = AuthMethod.PRIVATE_KEY_JWT
    keys_of: Annotated[
        str | None,
        Field(
            description=(
                "In the place of the jwks of all environments: the folder of the supplier that has"
                " the keys, in its keys.yaml; by a mandate in mandates.yaml beside the form."
            ),
            json_schema_extra={"pattern": f"^{NAME}$"},
        ),
    ] = None
    retire: Annotated[
        Retirement,
        BeforeValidator(_day_of_whole_connection),
        Field(
            description=(
                "From which day on (UTC) the connection is taken down, such as 2027-03-31; or per"
                " platform or product, those that the connection leaves: {geosecure: 2027-03-31};"
                " or {on: 2027-03-31, keep: true}, where the client stays at its authority with its"
                " keys and scopes, and nobody manages it from that day on."
            )
        ),
        WithJsonSchema(
            {
                "anyOf": [
                    _DAY,
                    {
                        "type": "object",
                        "properties": {"on": _DAY, "keep": {"type": "boolean"}},
                        "required": ["on"],
                        "additionalProperties": False,
                    },
                    {"type": "object", "additionalProperties": _DAY, "minProperties": 1},
                ]
            }
        ),
    ] = Retirement()
    exemptions: Annotated[
        dict[ExemptiblePolicy, Exemption],
        Field(
            description=(
                "The policies that this connection is exempted from, each with reason and"
                " reference; see docs/policies.md."
            )
        ),
    ] = Field(default_factory=dict)
    environments: Annotated[
        dict[Environment, Annotated[EnvironmentRequest, BeforeValidator(_empty_mapping_for_none)]],
        Field(
            min_length=1,
            description="What is needed where; an environment that is absent gets no client.",
        ),
    ]

    @property
    def exemption_notes(self) -> dict[str, str]:
        """Per policy that it is exempted from, why."""
        return {policy.value: exemption.note for policy, exemption in self.exemptions.items()}

    @property
    def retirement_days(self) -> dict[str, str]:
        """The day of each platform and product that it retires, as {"geosecure": "2027-03-31"};
        of all its platforms where it retires the whole connection."""
        if self.retire.on is None:
            return {name: day.isoformat() for name, day in self.retire.parts.items()}
        return dict.fromkeys(map(str, self.platforms), self.retire.on.isoformat())
