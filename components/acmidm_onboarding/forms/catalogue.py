"""The catalogue: which scopes and products there are. Data, so that a new one is a file and no
code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Self

from jsonschema import Draft202012Validator
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, model_validator

from acmidm_onboarding.forms.probed_api import MADE, ProbedApi
from acmidm_onboarding.forms.schemas import FORMATS, LinearValidator, usable_schema
from acmidm_onboarding.texts import Language, tr
from acmidm_onboarding.values.attributes import AttributeName
from acmidm_onboarding.values.metadata import AFZENDERS
from acmidm_onboarding.values.names import code_owner, one_line
from acmidm_onboarding.values.problems import did_you_mean, nearest, quoted
from acmidm_onboarding.values.terms import LONGEST_TEXT, RESERVED_NAME, Environment, Platform

_EVERYWHERE = (Environment.TNI, Environment.PROD)
_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
_BELOW = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._~-]*/)*(?:[A-Za-z0-9][A-Za-z0-9._~-]*)?", re.ASCII)
"""What may follow the beginning of an address: no ``..``, no empty part and nothing escaped leads
to another place."""
_ORGANISATION = "{organisation}"
_LONGEST_NAME = 64

OPERATOR_RIGHTS = frozenset({"management_read", "management_write"})
"""The rights over a management API and the product APIs (docs/adr/0004-management-api-contract.md):
those of operators."""
RESERVED_SCOPES = frozenset(
    {
        *OPERATOR_RIGHTS,
        *(
            "openid",
            "profile",
            "email",
            "address",
            "phone",
            "offline_access",
        ),  # OpenID Connect Core §5.4, §11
        *(
            "acr",
            "basic",
            "microprofile-jwt",
            "organization",
            "role_list",
            "roles",
            "saml_organization",
            "service_account",
            "web-origins",
        ),
    }
)
"""Scopes that an authority needs for itself, or that give rights on it: no product has them. The
last are those that Keycloak makes."""


def _in_order(schema: Any, value: Any) -> Any:
    """Return a value with its fields in alphabetical order, and with its sets sorted: the lists
    whose schema has ``uniqueItems``. Other lists keep their order, which may mean something; so
    does a value without a schema."""
    if not isinstance(schema, dict):
        return value
    if isinstance(value, dict):
        parts = schema.get("properties", {})
        return {name: _in_order(parts.get(name), value[name]) for name in sorted(value)}
    if isinstance(value, list):
        items = [_in_order(schema.get("items"), item) for item in value]
        return sorted(items, key=repr) if schema.get("uniqueItems") else items
    return value


def _scope_token(name: str) -> str:
    """Return a scope's name as it is. Raises ValueError with a sentence where it is reserved, or
    has a space: scopes are listed with spaces between them (RFC 6749 §3.3)."""
    if not _SCOPE_TOKEN.fullmatch(name):
        raise ValueError(
            tr(
                "{name} is not a scope; write visible ASCII characters without space, quote or"
                " backslash",
                name=quoted(name),
            )
        )
    if name.casefold() in RESERVED_SCOPES:
        raise ValueError(
            tr(
                "{name} is a scope that an authority keeps for itself; name the product's own",
                name=quoted(name),
            )
        )
    return name


def _product_name(name: str) -> str:
    if name == RESERVED_NAME:
        raise ValueError(
            tr("{name} is the name of a platform; name the product otherwise", name=quoted(name))
        )
    return name


def _client_name_template(text: str) -> str:
    """Check a template of client names, and return it as it is.

    Raises:
        ValueError: where it has braces besides one {organisation}.
    """
    if {"{", "}"} & set(one_line(text).replace(_ORGANISATION, "", 1)):
        raise ValueError(
            tr(
                "{text} is no template of a name; of what is in braces it may have"
                " {{organisation}} alone, once",
                text=quoted(text),
            )
        )
    return text


ScopeToken = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_scope_token)]
ClientNameTemplate = Annotated[
    str, Field(max_length=_LONGEST_NAME), AfterValidator(_client_name_template)
]


class Speaks(StrEnum):
    """How a value of a field that speaks for somebody is held against what an organisation may
    say."""

    EXACTLY = "exactly"
    BEGINNING = "beginning"

    def allows(self, value: str, allowed: Iterable[str]) -> bool:
        """Return whether a value is an allowed one, or is below one: ``urn://gent`` is no beginning
        of ``urn://gentle/x``."""
        if self is Speaks.EXACTLY:
            return value in allowed
        return any(_is_below(value, name) for name in allowed)


def _is_below(value: str, name: str) -> bool:
    """Return whether a value is a name, or is below it."""
    beginning = f"{name.removesuffix('/')}/"
    if value == name:
        return True
    return value.startswith(beginning) and _BELOW.fullmatch(value, len(beginning)) is not None


class _CatalogueModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scope(_CatalogueModel):
    """One scope that a client can be granted."""

    title: Annotated[str, Field(min_length=1, description="What the scope lets a client do.")]
    title_nl: Annotated[
        str | None, Field(description="The title in Dutch, for the page of the form.")
    ] = None
    verified: Annotated[
        bool,
        Field(
            description=(
                "Whether the name was found in a public source, or is a placeholder of ours."
            )
        ),
    ]
    source: Annotated[str, Field(min_length=1, description="Where the name comes from.")]
    environments: Annotated[
        tuple[Environment, ...],
        Field(min_length=1, description="Where it is offered; left out, where its product is."),
    ] = _EVERYWHERE
    names: Annotated[
        dict[Platform, ScopeToken] | None,
        Field(
            description=(
                "Its name per platform, where that differs; a platform that is absent does not"
                " offer it."
            )
        ),
    ] = None
    placeholders: Annotated[
        tuple[Platform, ...],
        Field(description="Platforms where its name is a placeholder of ours all the same."),
    ] = ()
    formerly: Annotated[
        tuple[ScopeToken, ...],
        Field(description="Names that forms had for it: they are told the present one."),
    ] = ()
    assigned_by_provider: Annotated[
        bool, Field(description="The API's provider grants it by itself: its presence is no drift.")
    ] = False

    def is_verified(self, *platforms: Platform) -> bool:
        """Return whether its name on these platforms was found in a public source."""
        return self.verified and not set(platforms) & set(self.placeholders)

    def names_of(self, name: str) -> Mapping[Platform, str]:
        """Return its name per platform that offers it; ``name`` is the one in the catalogue."""
        return {Platform.ACMIDM: name} if self.names is None else self.names


class Basis(StrEnum):
    """What stands behind a field: documentation, public client code or a sample, or neither."""

    DOCUMENTED = "documented"
    SEEN = "seen"
    ASSUMED = "assumed"


class ConfigurationField(_CatalogueModel):
    """What is known of one field of a product's configuration."""

    source: Annotated[
        str, Field(min_length=1, description="Where it comes from, and what of it is not known.")
    ]
    basis: Annotated[
        Basis,
        Field(
            description=(
                "Documented by the owner; seen in public client code or a sample; or assumed, such"
                " as from the messages."
            )
        ),
    ]
    speaks_for: Annotated[
        Speaks | None,
        Field(
            description=(
                "It speaks for somebody, so that an organisation has only the values in its"
                " organisation.yaml: exactly those, or with one of them as beginning."
            )
        ),
    ] = None
    differs_per_environment: Annotated[
        bool, Field(description="Its value on production is not expected to be that on TNI.")
    ] = False
    proposed: Annotated[
        Annotated[str, Field(pattern=r"^[^{}]*(\{ovo\}[^{}]*)*$")] | None,
        Field(
            description=(
                "What it is for most organisations, {ovo} being their OVO code: acmidm new"
                " proposes it."
            )
        ),
    ] = None


class Attribute(_CatalogueModel):
    """Something that the client of an API says of itself: a claim in its tokens."""

    title: Annotated[str, Field(min_length=1, description="What its value says.")]
    source: Annotated[str, Field(min_length=1, description="Where the name comes from.")]
    platforms: Annotated[
        tuple[Platform, ...], Field(min_length=1, description="Where clients can have it.")
    ] = (Platform.ACMIDM,)
    speaks_for: Annotated[
        Speaks | None,
        Field(
            description=(
                "Where it speaks for somebody: how its value is held against those in"
                " organisation.yaml."
            )
        ),
    ] = None


class Senders(_CatalogueModel):
    """Whether one client of a product sends for several organisations."""

    known_by: Annotated[
        str | None,
        Field(
            description=(
                "By which field an organisation is a sender of another's client: one of those that"
                " it speaks for. Absent where each needs a client of its own."
            )
        ),
    ] = None
    source: Annotated[
        str, Field(min_length=1, description="Where that comes from, and what of it is not known.")
    ]
    basis: Annotated[Basis, Field(description="Documented by the owner, seen, or assumed.")]


def _are_known(environments: Sequence[object]) -> bool:
    """Return whether each of these names an environment."""
    return all(name in _EVERYWHERE for name in environments)


class Coupling(_CatalogueModel):
    """A coupling of a client to an API, which its owner or the operator grants."""

    source: Annotated[str, Field(min_length=1, description="Where this comes from.")]
    referentie: Annotated[
        dict[Environment, str],
        Field(
            description=(
                "The API's Referentie per environment, by which a coupling is requested in the"
                " portal."
            )
        ),
    ] = Field(default_factory=dict)
    approved_by_owner: Annotated[
        StrictBool,
        Field(
            description=(
                "Whether the API's owner approves each coupling; else the operator grants it."
            )
        ),
    ] = False
    client_name: Annotated[
        dict[Environment, ClientNameTemplate],
        Field(
            description=(
                "The name per environment by which the owner recognises a client, with"
                " {organisation}; a form's client has it."
            )
        ),
    ] = Field(default_factory=dict)

    beforehand: Annotated[
        str | None,
        Field(min_length=1, description="What must be there before it is granted: a sentence."),
    ] = None
    beforehand_nl: Annotated[str | None, Field(min_length=1, description="The same in Dutch.")] = (
        None
    )
    afterwards: Annotated[
        str | None,
        Field(
            min_length=1,
            description="What its owner still does once the client has its client-ID: a sentence.",
        ),
    ] = None
    afterwards_nl: Annotated[str | None, Field(min_length=1, description="The same in Dutch.")] = (
        None
    )

    def before(self, language: Language) -> str | None:
        """Return what must be there before the approval."""
        dutch = self.beforehand_nl if language is Language.NL else None
        return dutch or self.beforehand

    def after(self, language: Language) -> str | None:
        """Return what the API's owner still does after the approval."""
        dutch = self.afterwards_nl if language is Language.NL else None
        return dutch or self.afterwards

    def name_of(self, environment: Environment, organisation: str) -> str | None:
        """Return the name that the owner expects of an organisation's client; None where any will
        do."""
        template = self.client_name.get(environment)
        return template and template.replace(_ORGANISATION, organisation)


class Product(_CatalogueModel):
    """One file of the catalogue: a product or API, its scopes, and what it needs to know about each
    client."""

    product: Annotated[
        str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$"), AfterValidator(_product_name)
    ]
    title: Annotated[str, Field(min_length=1)]
    title_nl: Annotated[str | None, Field(description="The title in Dutch, where it differs.")] = (
        None
    )
    owner: Annotated[str, Field(min_length=1, description="Who decides about its scopes.")]
    approvers: Annotated[
        tuple[Annotated[str, AfterValidator(code_owner)], ...],
        Field(
            description=(
                "Who decides at its owner, any of them: teams such as @digitaal-vlaanderen/dosis,"
                " users or e-mail addresses. Where it has none, the onboarding team decides."
            )
        ),
    ] = ()
    source: Annotated[
        str, Field(min_length=1, description="Where the content of this file comes from.")
    ]
    environments: Annotated[tuple[Environment, ...], Field(min_length=1)] = _EVERYWHERE
    scopes: Annotated[dict[ScopeToken, Scope], Field(min_length=1)]
    attributes: Annotated[
        dict[AttributeName, Attribute],
        Field(
            description=(
                "What its clients may say of themselves in their tokens, by the claim's name."
            )
        ),
    ] = Field(default_factory=dict)
    configuration: Annotated[
        Annotated[dict[str, Any], AfterValidator(usable_schema)] | None,
        Field(
            description=(
                "The JSON Schema (2020-12) of its configuration; absent where it needs none."
            )
        ),
    ] = None
    fields: Annotated[
        dict[str, ConfigurationField],
        Field(description="What is known of each field of the configuration; none is left out."),
    ] = Field(default_factory=dict)

    senders: Annotated[
        Senders | None,
        Field(
            description=(
                "Whether one client sends for several organisations; absent where nothing is known."
            )
        ),
    ] = None
    coupling: Annotated[
        Coupling | None,
        Field(
            description="How a client comes to its API in a portal; absent where nothing is known."
        ),
    ] = None
    api: Annotated[
        ProbedApi | None,
        Field(description="How its API can be tried; absent where no such call is known."),
    ] = None

    @model_validator(mode="after")
    def _test_message_has_its_values(self) -> Self:
        """Refuse a test message with a blank that no field of the configuration fills."""
        if self.api is None or self.api.test_message is None:
            return self
        fields = MADE | set(self.properties)
        for name in sorted(self.api.test_message.names - fields):
            raise ValueError(
                tr(
                    "the test message has {{{name}}}, which is no field of the configuration;"
                    " {remedy}",
                    name=name,
                    remedy=did_you_mean(name, fields, tr("correct it")),
                )
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _scopes_are_where_their_product_is(cls, data: Any) -> Any:
        """Give each scope that names no environments those of its product, before the fields are
        checked. Where these have mistakes, nothing changes: the checks of the fields report
        them."""
        match data:
            case {"environments": [_, *_] as where, "scopes": {**scopes}} if _are_known(where):
                for name, scope in scopes.items():
                    if isinstance(scope, dict):
                        scopes[name] = {"environments": [*where], **scope}
                return {**data, "scopes": scopes}
        return data

    @model_validator(mode="after")
    def _is_offered_where_its_scopes_are(self) -> Self:
        """Refuse a scope in an environment where the product is not offered."""
        for name, scope in self.scopes.items():
            if not set(scope.environments) <= set(self.environments):
                raise ValueError(
                    tr(
                        'scope "{name}" is offered in an environment where its product is not;'
                        " correct environments",
                        name=name,
                    )
                )
        return self

    @property
    def properties(self) -> Mapping[str, Any]:
        """The schema of each field of its configuration."""
        properties: Mapping[str, Any] = (self.configuration or {}).get("properties", {})
        return properties

    @property
    def required(self) -> Sequence[str]:
        """The fields that each configuration has to have."""
        required: Sequence[str] = (self.configuration or {}).get("required", ())
        return required

    @property
    def sent(self) -> dict[str, Any] | None:
        """The schema of what is sent: a configuration, with the organisations that its client sends
        for besides."""
        if self.configuration is None or self.sender_field is None:
            return self.configuration
        list_of_names = {"type": "array", "minItems": 1, "items": {"type": "string"}}
        properties = {
            "code": {"type": "string"},
            "name": {"type": "string"},
            self.sender_field: list_of_names,
        }
        sender = {
            "type": "object",
            "properties": properties,
            "required": [*properties],
            "additionalProperties": False,
        }
        senders = {AFZENDERS: {"type": "array", "minItems": 1, "items": sender}}
        return {**self.configuration, "properties": {**self.configuration["properties"], **senders}}

    @property
    def sender_field(self) -> str | None:
        """The field by which an organisation is known that a client sends for; None where each
        needs a client of its own."""
        return self.senders.known_by if self.senders else None

    @property
    def speaks_for(self) -> dict[str, Speaks]:
        """The fields that speak for somebody, and how."""
        return {name: field.speaks_for for name, field in self.fields.items() if field.speaks_for}


def afterwards(products: Iterable[Product], language: Language) -> str:
    """Return what the owners of some APIs still do once a client has its client-ID: a sentence of
    each, without repetitions; empty where they do nothing."""
    sentences: dict[str | None, None] = {}
    for product in products:
        if product.coupling:
            sentences[product.coupling.after(language)] = None
    return " ".join(filter(None, sentences))


@dataclass(frozen=True)
class Catalogue:
    """All products, by name."""

    products: Mapping[str, Product]

    @cached_property
    def scopes(self) -> dict[str, Scope]:
        scopes: dict[str, Scope] = {}
        for product in self.products.values():
            scopes |= product.scopes
        return scopes

    def meant_scope(self, wrong: str) -> str | None:
        """Return the scope that was probably meant by a name that is not in the catalogue: the one
        that had this name formerly, else the nearest; None where none is near."""
        for name, scope in self.scopes.items():
            if wrong in scope.formerly:
                return name
        return nearest(wrong, self.scopes)

    @cached_property
    def product_of(self) -> dict[str, Product]:
        """The product that each scope belongs to."""
        products: dict[str, Product] = {}
        for product in self.products.values():
            products |= dict.fromkeys(product.scopes, product)
        return products

    def client_names(
        self, scopes: Iterable[str], environment: Environment, organisation: str
    ) -> list[str]:
        """Return the client names by which the owners of the APIs of some scopes recognise an
        organisation's client; none where any name will do."""
        names: dict[str | None, None] = {}
        for scope in sorted(scopes):
            coupling = self.product_of[scope].coupling
            if coupling:
                names[coupling.name_of(environment, organisation)] = None
        return list(filter(None, names))

    @cached_property
    def attributes(self) -> dict[str, tuple[Product, Attribute]]:
        """Each attribute, with the product that it belongs to."""
        attributes: dict[str, tuple[Product, Attribute]] = {}
        for product in self.products.values():
            for name, attribute in product.attributes.items():
                attributes[name] = (product, attribute)
        return attributes

    @cached_property
    def speaking_fields(self) -> dict[str, str]:
        """The fields and attributes by which a client of a product speaks for somebody, each with
        its description."""
        described: dict[str, str] = {}
        for name, (_, attribute) in self.attributes.items():
            if attribute.speaks_for:
                described[name] = attribute.title
        for product in self.products.values():
            for name in product.speaks_for:
                described[name] = str(product.properties[name].get("description", ""))
        return described

    @cached_property
    def validators(self) -> dict[str, Draft202012Validator]:
        """A validator for each product that needs a configuration."""
        validators: dict[str, Draft202012Validator] = {}
        for name, product in self.products.items():
            if product.configuration is not None:
                validators[name] = LinearValidator(product.configuration, format_checker=FORMATS)
        return validators

    def in_order(self, product: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """Return the configuration of a product with its fields and sets sorted, so that reordering
        a form is no change; as it is, where the catalogue has no schema of it."""
        schema = self.products[product].configuration if product in self.products else None
        ordered: dict[str, Any] = _in_order(schema, dict(configuration))
        return ordered

    def name_on(self, platform: Platform, scope: str) -> str | None:
        """Return the platform's name for the scope, None where it does not offer it."""
        return self.scopes[scope].names_of(scope).get(platform)

    def names_on(self, platform: Platform, scopes: Iterable[str]) -> dict[str, str]:
        """Return those of our scopes that a platform offers, as ``{its name: ours}``."""
        ours: dict[str, str] = {}
        for scope in scopes:
            name = self.name_on(platform, scope)
            if name:
                ours[name] = scope
        return ours

    def needs_test_message(self, product: str) -> bool:
        """Return whether only a message that is sent proves that a product's API works."""
        api = self.products[product].api
        return api is not None and api.needs_test_message

    def product_granting(self, platform: Platform, scope: str) -> Product | None:
        """Return the product of a scope by the platform's name of it; None where the catalogue has
        no such scope."""
        ours = self.scopes_by_name[platform].get(scope)
        return self.product_of[ours] if ours else None

    @cached_property
    def scopes_by_name(self) -> dict[Platform, dict[str, str]]:
        """Per platform, each scope that it offers: the catalogue's name by the platform's name."""
        return {platform: self.names_on(platform, self.scopes) for platform in Platform}

    def products_on(self, platform: Platform, environment: Environment) -> tuple[str, ...]:
        """Return the products with a configuration that a platform offers in an environment: it
        offers a scope of theirs there."""
        offered = []
        for name, product in self.products.items():
            if product.configuration is None:
                continue
            scopes = self.names_on(platform, product.scopes).values()
            if any(environment in self.scopes[scope].environments for scope in scopes):
                offered.append(name)
        return tuple(offered)

    def assigned_by_provider(self, platform: Platform) -> frozenset[str]:
        """Return the scopes, by the platform's names, that API providers grant by themselves."""
        assigned = [name for name, scope in self.scopes.items() if scope.assigned_by_provider]
        return frozenset(self.names_on(platform, assigned))
