"""The catalogue: which scopes and products there are. Data, so that a new one is a file and no code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Self

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from acmidm_onboarding.model.form import LONGEST_ATTRIBUTE_NAME, LONGEST_TEXT, RESERVED_NAME, Environment, Platform
from acmidm_onboarding.model.problems import quoted
from acmidm_onboarding.model.schemas import LinearValidator, is_pattern

_EVERYWHERE = (Environment.TNI, Environment.PROD)
_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
_REFERENCES = ("$ref", "$dynamicRef", "$id", "$anchor", "$dynamicAnchor")
_DIALECT = Draft202012Validator.META_SCHEMA["$id"]
_FORMATS = Draft202012Validator.FORMAT_CHECKER
ATTRIBUTE = re.compile(r"setbyclient_[a-z0-9]+(_[a-z0-9]+)*", re.ASCII)
"""What a client says of itself in its tokens has such a name at ACM/IDM, and no other claim has."""
_OF_IDENTITY = frozenset(
    {
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "act", "azp", "scope", "scopes", "scp", "amr", "acr", "sid", "cnf"),
        *("client", "clientid", "issuer", "subject", "audience", "role", "roles", "group", "groups", "entitlements"),
        *("vo", "ovo", "ovocode", "orgcode", "orgnaam", "organisatie", "applicatienaam", "kbo", "kbonummer", "insz", "rrn", "email"),
    }
)
"""The words of claims by which an API knows who somebody is and what they may do (RFC 7519 §4.1, RFC 9068 §2.2, ACM/IDM's ``vo_…``)."""
_LONGEST_COMMON_PART = 5
"""Longer ones of those words are a part of no other."""
_BELOW = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._~-]*/)*(?:[A-Za-z0-9][A-Za-z0-9._~-]*)?", re.ASCII)
"""What may follow the beginning of an address: no ``..``, no empty part and nothing escaped leads to another place."""

OPERATOR_RIGHTS = frozenset({"management_read", "management_write"})
"""The rights over a management API and the product APIs (docs/adr/0004-management-api-contract.md): those of operators."""
RESERVED_SCOPES = frozenset(
    {
        *OPERATOR_RIGHTS,
        *("openid", "profile", "email", "address", "phone", "offline_access"),  # OpenID Connect Core §5.4, §11
        *("acr", "basic", "microprofile-jwt", "organization", "role_list", "roles", "saml_organization", "service_account", "web-origins"),
    }
)
"""Scopes that an authority needs for itself, or that give rights on it: no product has them. The last are those that Keycloak makes."""


def _schema(value: dict[str, Any]) -> dict[str, Any]:
    try:
        Draft202012Validator.check_schema(value)
    except SchemaError as error:
        raise ValueError(f"configuration is no JSON Schema: {error.message[:200]}; correct the schema") from error
    except (OverflowError, RecursionError) as error:  # a regular expression of the schema that Python cannot compile
        raise ValueError("configuration is no JSON Schema that can be used; simplify its patterns") from error
    _refuse_unsupported(value)
    return value


def _refuse_unsupported(schema: object) -> None:
    """Refuse what a valid schema may have and this project does not follow: other schemas, dialects, unchecked formats."""
    if isinstance(schema, dict):
        for keyword, part in schema.items():
            if keyword == "pattern" and isinstance(part, str) and not is_pattern(part):
                raise ValueError(f"configuration has pattern {quoted(part)}, which may take for ever; write one without look-around")
            if keyword == "patternProperties" and isinstance(part, dict):
                raise ValueError('configuration uses "patternProperties"; write propertyNames and additionalProperties instead')
            if keyword in _REFERENCES and isinstance(part, str):
                raise ValueError(f'configuration uses "{keyword}"; write the schema out, each product in one piece')
            if keyword == "$schema" and isinstance(part, str) and part.rstrip("#") != _DIALECT:
                raise ValueError(f"configuration is of another dialect of JSON Schema; write it in {_DIALECT}")
            if keyword == "format" and isinstance(part, str) and part not in _FORMATS.checkers:
                raise ValueError(f"configuration uses format {quoted(part)}, which is not checked here; use a pattern instead")
            _refuse_unsupported(part)
    elif isinstance(schema, list):
        for part in schema:
            _refuse_unsupported(part)


def _in_order(schema: Any, value: Any) -> Any:
    """Sort the sets in ``value``: the lists whose schema has ``uniqueItems``, where order means nothing."""
    if not isinstance(schema, dict):
        return value
    if isinstance(value, dict):
        parts = schema.get("properties", {})
        return {name: _in_order(parts.get(name), value[name]) for name in sorted(value)}
    if isinstance(value, list):
        items = [_in_order(schema.get("items"), item) for item in value]
        return sorted(items, key=repr) if schema.get("uniqueItems") else items
    return value


def _is_of_texts(schema: Any) -> bool:
    """Return whether a schema is that of a text, or of a list of texts."""
    match schema:
        case {"type": "string"} | {"type": "array", "items": {"type": "string"}}:
            return True
    return False


def _scope_token(name: str) -> str:
    """Check a scope's name: scopes are listed with spaces between them (RFC 6749 §3.3), so that a name has none."""
    if not _SCOPE_TOKEN.fullmatch(name):
        raise ValueError(f"{quoted(name)} is not a scope; write visible ASCII characters without space, quote or backslash")
    if name.casefold() in RESERVED_SCOPES:
        raise ValueError(f"{quoted(name)} is a scope that an authority keeps for itself; name the product's own")
    return name


def _product_name(name: str) -> str:
    if name == RESERVED_NAME:
        raise ValueError(f"{quoted(name)} is the name of a platform; name the product otherwise")
    return name


def _attribute_name(name: str) -> str:
    """Check an attribute's name: one that a client sets by itself, and no claim of identity under another name."""
    if not ATTRIBUTE.fullmatch(name):
        raise ValueError(f"{quoted(name)} is no attribute that a client sets; write setbyclient_ and lower case letters, digits or _")
    words = name.split("_")[1:]
    joined = "".join(words)
    if any(word in words or (len(word) > _LONGEST_COMMON_PART and word in joined) for word in _OF_IDENTITY):
        raise ValueError(f"{quoted(name)} says who a client is, or what it may do, which no client says of itself; leave it out")
    return name


AttributeName = Annotated[str, Field(max_length=LONGEST_ATTRIBUTE_NAME), AfterValidator(_attribute_name)]
ScopeToken = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_scope_token)]


class Speaks(StrEnum):
    """How a value of a field that speaks for somebody is held against what an organisation may say."""

    EXACTLY = "exactly"
    BEGINNING = "beginning"

    def allows(self, value: str, allowed: str) -> bool:
        """Return whether a value is the allowed one, or is below it: ``urn://gent`` is no beginning of ``urn://gentle/x``."""
        if value == allowed or self is Speaks.EXACTLY:
            return value == allowed
        beginning = allowed if allowed.endswith("/") else f"{allowed}/"
        return value.startswith(beginning) and _BELOW.fullmatch(value, len(beginning)) is not None


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scope(_Part):
    """One scope that a client can be granted."""

    title: Annotated[str, Field(min_length=1, description="What the scope lets a client do.")]
    verified: Annotated[bool, Field(description="Whether the name was found in a public source, or is a placeholder of ours.")]
    source: Annotated[str, Field(min_length=1, description="Where the name comes from.")]
    environments: Annotated[
        tuple[Environment, ...], Field(min_length=1, description="Where it is offered; left out, where its product is.")
    ] = _EVERYWHERE
    names: Annotated[
        dict[Platform, ScopeToken] | None,
        Field(description="Its name per platform, where that differs; a platform that is absent does not offer it."),
    ] = None
    assigned_by_provider: Annotated[bool, Field(description="The API's provider grants it by itself: its presence is no drift.")] = False

    def names_of(self, name: str) -> Mapping[Platform, str]:
        """Return its name per platform that offers it; ``name`` is the one in the catalogue."""
        return {Platform.ACMIDM: name} if self.names is None else self.names


class Attribute(_Part):
    """Something that the client of an API says of itself: a claim in its tokens."""

    title: Annotated[str, Field(min_length=1, description="What its value says.")]
    source: Annotated[str, Field(min_length=1, description="Where the name comes from.")]
    platforms: Annotated[tuple[Platform, ...], Field(min_length=1, description="Where clients can have it.")] = (Platform.ACMIDM,)
    speaks_for: Annotated[
        Speaks | None, Field(description="Where it speaks for somebody: how its value is held against those in organisation.yaml.")
    ] = None


class Product(_Part):
    """One file of the catalogue: a product or API, its scopes, and what it needs to know about each client."""

    product: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$"), AfterValidator(_product_name)]
    title: Annotated[str, Field(min_length=1)]
    owner: Annotated[str, Field(min_length=1, description="Who decides about its scopes.")]
    source: Annotated[str, Field(min_length=1, description="Where the content of this file comes from.")]
    environments: Annotated[tuple[Environment, ...], Field(min_length=1)] = _EVERYWHERE
    scopes: Annotated[dict[ScopeToken, Scope], Field(min_length=1)]
    attributes: Annotated[
        dict[AttributeName, Attribute], Field(description="What its clients may say of themselves in their tokens, by the claim's name.")
    ] = Field(default_factory=dict)
    configuration: Annotated[
        dict[str, Any] | None,
        AfterValidator(lambda value: value if value is None else _schema(value)),
        Field(description="The JSON Schema (2020-12) of its configuration; absent where it needs none."),
    ] = None
    speaks_for: Annotated[
        dict[str, Speaks],
        Field(
            description="The fields of the configuration that speak for somebody, so that an organisation has only the values in its "
            "organisation.yaml: exactly those, or with one of them as beginning."
        ),
    ] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _scopes_are_where_their_product_is(cls, data: Any) -> Any:
        """Give each scope without environments those of its product; mistakes are left to the fields."""
        match data:
            case {"environments": [*where], "scopes": {**scopes}} if where and all(one in list(Environment) for one in where):
                filled = {name: {"environments": where, **scope} if isinstance(scope, dict) else scope for name, scope in scopes.items()}
                return {**data, "scopes": filled}
        return data

    @model_validator(mode="after")
    def _offers_what_its_scopes_need(self) -> Self:
        for name, scope in self.scopes.items():
            if not set(scope.environments) <= set(self.environments):
                raise ValueError(f'scope "{name}" is offered in an environment where its product is not; correct environments')
        return self

    @model_validator(mode="after")
    def _speaks_in_texts(self) -> Self:
        fields = (self.configuration or {}).get("properties", {})
        for name in self.speaks_for:
            if not _is_of_texts(fields.get(name)):
                raise ValueError(f"speaks_for names {quoted(name)}, which is no text or list of texts; give it type: string")
        return self


@dataclass(frozen=True)
class Catalogue:
    """All products, by name."""

    products: Mapping[str, Product]

    @cached_property
    def scopes(self) -> dict[str, Scope]:
        return {name: scope for product in self.products.values() for name, scope in product.scopes.items()}

    @cached_property
    def product_of(self) -> dict[str, Product]:
        """The product that each scope belongs to."""
        return {name: product for product in self.products.values() for name in product.scopes}

    @cached_property
    def attributes(self) -> dict[str, tuple[Product, Attribute]]:
        """Each attribute, with the product that it belongs to."""
        return {name: (product, attribute) for product in self.products.values() for name, attribute in product.attributes.items()}

    @cached_property
    def speaking_fields(self) -> dict[str, str]:
        """The fields and attributes by which a client of a product speaks for somebody, each with its description."""
        return {name: attribute.title for name, (_, attribute) in self.attributes.items() if attribute.speaks_for} | {
            name: str((product.configuration or {})["properties"][name].get("description", ""))
            for product in self.products.values()
            for name in product.speaks_for
        }

    @cached_property
    def validators(self) -> dict[str, Draft202012Validator]:
        """A validator for each product that needs a configuration."""
        return {
            name: LinearValidator(product.configuration, format_checker=_FORMATS)
            for name, product in self.products.items()
            if product.configuration is not None
        }

    def in_order(self, product: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """Return the configuration in one order, so that reordering a form is no change."""
        ordered: dict[str, Any] = _in_order(self.products[product].configuration, dict(configuration))
        return ordered

    def name_on(self, platform: Platform, scope: str) -> str | None:
        """Return the platform's name for the scope, None where it does not offer it."""
        return self.scopes[scope].names_of(scope).get(platform)

    def products_on(self, platform: Platform, environment: Environment) -> tuple[str, ...]:
        """Return the configured products that a platform offers in an environment, by one of their scopes."""
        return tuple(
            name
            for name, product in self.products.items()
            if product.configuration is not None
            and any(platform in scope.names_of(own) and environment in scope.environments for own, scope in product.scopes.items())
        )

    def assigned_by_provider(self, platform: Platform) -> frozenset[str]:
        """Return the scopes, by the platform's names, that API providers grant by themselves."""
        assigned: Iterable[str | None] = (self.name_on(platform, name) for name, scope in self.scopes.items() if scope.assigned_by_provider)
        return frozenset(name for name in assigned if name)
