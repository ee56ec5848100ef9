"""The settings of one platform: its authority, the addresses, and the operator's credentials.

The settings that only one type of authority reads are in the model of that type.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
)
from pydantic.alias_generators import to_camel, to_snake
from pydantic.fields import FieldInfo

from acmidm_onboarding.authority_types import (
    DEFAULT_AUTHORITY,
    AuthorityType,
    installed_authorities,
)
from acmidm_onboarding.settings.addresses import Address
from acmidm_onboarding.settings.ended import AUTHORITIES
from acmidm_onboarding.values.plain import only, without
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.secrecy import without_keys_and_tokens
from acmidm_onboarding.values.terms import Environment, Platform

NAMESPACE = "acmidm"
OLD_WAY = "config:"
"""A word that older engines wrote between namespace and key, and that the engine still reads."""

Lookup = Callable[[str], object]
"""The value of a key, None where it is not set; ``full_key`` says in which namespace it is."""


class InvalidSettings(Failure):
    """Settings that are missing or wrong, a sentence each, without values: one may be a secret in
    the wrong setting."""

    def __init__(self, sentences: str) -> None:
        super().__init__("\n".join(map(without_keys_and_tokens, sentences.split("\n"))))


def _mapping(value: object) -> object:
    """Return a setting that is a map, which the engine hands on as a text of JSON. Raises
    ValueError with the end of a sentence."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, Mapping):
        raise ValueError("is no map; write a line for each product below it, as in dosis: value")
    return value


class SettingsModel(BaseModel):
    """A model whose keys have the camel case of the stack file. Other keys are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        coerce_numbers_to_str=True,
    )


def _installed(name: str) -> str:
    if name not in installed_authorities():
        either = " or ".join(map(repr, installed_authorities()))
        instead = f"; {AUTHORITIES[name]}" if name in AUTHORITIES else ""
        raise ValueError(f"is not known; it is {either}{instead}")
    return name


class AssertionAudience(StrEnum):
    """What an assertion has as ``aud``: RFC 7523 §3 allows either."""

    ISSUER = "issuer"
    TOKEN_ENDPOINT = "token_endpoint"


class PlatformSettings(SettingsModel):
    """The settings of a platform that every type of authority reads."""

    authority: Annotated[
        str,
        AfterValidator(_installed),
        Field(description="The type of authority, by its name: one of those that are installed."),
    ] = DEFAULT_AUTHORITY
    issuer: Annotated[
        Address,
        Field(
            description="The issuer, whose token endpoint gives clients, and the operator, tokens."
        ),
    ]
    products_url: Annotated[
        Address | None,
        Field(description="The address of the API that holds the products' configuration."),
    ] = None
    operator_client_id: Annotated[str, Field(description="The operator's own client-ID.")]
    operator_private_key_file: Annotated[
        Path | None,
        Field(
            description=(
                "File with the operator's private key as a JSON Web Key, where it authenticates"
                " with one."
            )
        ),
    ] = None
    operator_private_key: Annotated[
        SecretStr | None, Field(description="The same key itself (secret).")
    ] = None
    operator_client_secret: Annotated[
        SecretStr | None,
        Field(description="The operator's client secret, where it has no key (secret)."),
    ] = None

    api_urls: Annotated[
        dict[str, Address],
        BeforeValidator(_mapping),
        Field(
            description=(
                "Per product the address of its API; where it is not set, the host of productsUrl."
            )
        ),
    ] = {}
    api_client_ids: Annotated[
        dict[str, Annotated[str, Field(min_length=1)]],
        BeforeValidator(_mapping),
        Field(description="Per product the client-ID of its API, the audience of a token request."),
    ] = {}

    assertion_audience: Annotated[
        AssertionAudience | None,
        Field(
            description=(
                "What assertions have as aud, issuer or token_endpoint; where it is not set, the"
                " issuer, but for clients of GeoSecure."
            )
        ),
    ] = None

    portal_url: Annotated[
        Address | None,
        Field(
            description=(
                "The portal where organisations manage their clients; where it is not set, the"
                " Beheerportaal."
            )
        ),
    ] = None

    @property
    def authority_type(self) -> AuthorityType[Any]:
        """The type of the platform's authority."""
        return installed_authorities()[self.authority]

    @property
    def address(self) -> HttpUrl:
        """The address at which clients are managed: the issuer's, where a type has no other setting
        for it."""
        return self.issuer

    def api_url(self, product: str) -> str | None:
        """Return the address of a product's API, without a slash at its end; None where no setting
        says it."""
        url = self.api_urls.get(product) or self.products_url
        if url is None:
            return None
        path = (url.path or "") if product in self.api_urls else ""
        return f"{url.scheme}://{url.host}:{url.port}{path}".rstrip("/")

    def has_api_url(self, product: str) -> bool:
        """Return whether a product's API has an address of its own."""
        return product in self.api_urls

    def api_client_id(self, product: str) -> str | None:
        """Return the client-ID of a product's API, the audience of a token request; None where it
        is not set."""
        return self.api_client_ids.get(product)

    def portal(self, environment: Environment) -> str | None:
        """Return the address of the portal, without a slash at its end; None where the authority
        has none."""
        url = self.portal_url or self.authority_type.portals.get(environment)
        return None if url is None else str(url).rstrip("/")

    @property
    def issuer_name(self) -> str:
        """Return the issuer's address as issuers write it, without a slash at its end."""
        return str(self.issuer).rstrip("/")

    @property
    def discovery_url(self) -> str:
        """Return the address of the issuer's discovery document, which has all others."""
        return f"{self.issuer_name}/.well-known/openid-configuration"

    def token_endpoint(self, platform: Platform) -> str | None:
        """Return the token endpoint where a public rule has it: that of ACM/IDM is below its
        issuer. None where the discovery document alone tells."""
        if platform is not Platform.ACMIDM or not self.authority_type.has_platform_rules:
            return None
        return f"{self.issuer_name}/v1/token"

    @property
    def product_of_api(self) -> dict[str, str]:
        """The product of each client-ID that is an API's."""
        return {client_id: product for product, client_id in self.api_client_ids.items()}

    @property
    def has_credentials(self) -> bool:
        """Whether any of the operator's credentials is set."""
        return any(getattr(self, to_snake(key)) is not None for key in _CREDENTIALS)


def settings_by_type(values: object) -> object:
    """Return a platform's settings as the model of its type of authority: a validator for pydantic.
    Of an unknown type only what all types read is kept, for pydantic to refuse the type."""
    if not isinstance(values, Mapping):
        return values
    if authority := installed_authorities().get(str(values.get("authority", DEFAULT_AUTHORITY))):
        return authority.settings.model_validate(values)
    common = by_key(PlatformSettings)
    return only(values, common)


def platform_fields() -> dict[str, FieldInfo]:
    """Return each key that some installed type of authority reads for a platform, with its
    field."""
    models: list[type[PlatformSettings]] = [PlatformSettings]
    models += (authority.settings for authority in installed_authorities().values())
    fields: dict[str, FieldInfo] = {}
    for model in models:
        fields |= by_key(model)
    return fields


def by_key(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a model, each by the key of its setting."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


_CREDENTIALS = ("operatorPrivateKeyFile", "operatorPrivateKey", "operatorClientSecret")
SECRET_KEYS = ("operatorPrivateKey", "operatorClientSecret")


def config_key(platform: Platform, key: str) -> str:
    """Return the key of a platform's setting, as Pulumi's command line takes it: ``issuer`` for
    ACM/IDM, whose namespace is the project's, ``geosecure:issuer`` for GeoSecure."""
    return key if platform is Platform.ACMIDM else f"{platform}:{key}"


def full_key(key: str) -> str:
    """Return a key with its namespace, which is the project's where it names none."""
    return key if ":" in key else f"{NAMESPACE}:{key}"


def is_own(key: str) -> bool:
    """Return whether a key with its namespace is one of this project's."""
    return key.partition(":")[0] in list(Platform)


def plain_key(key: str) -> str:
    """Return a key without its namespace, which is the same for all platforms."""
    return key.rpartition(":")[2]


def environment_variable(platform: Platform, key: str) -> str:
    """Return the environment variable that overrides one of the operator's credentials."""
    return f"{platform.upper()}_{to_snake(key).upper()}"


def values_of_platform(
    platform: Platform, lookup: Lookup, environ: Mapping[str, str]
) -> dict[str, object]:
    """Return the settings of a platform from ``lookup`` and the environment, as {"issuer":
    "https…"}; empty where none is set.

    A credential in the environment, such as ``GEOSECURE_OPERATOR_CLIENT_SECRET``, replaces all
    credentials of the stack: those of another kind would be preferred.
    """
    found = {key: lookup(config_key(platform, key)) for key in platform_fields()}
    values = {key: value for key, value in found.items() if value not in (None, "", {})}
    if values or platform is Platform.ACMIDM:
        given: dict[str, object] = {}
        for key in ("operatorClientId", *_CREDENTIALS):
            value = environ.get(environment_variable(platform, key))
            if value:
                given[key] = value
        if not given.keys().isdisjoint(_CREDENTIALS):
            values = without(values, _CREDENTIALS)
        values |= given
    return values
