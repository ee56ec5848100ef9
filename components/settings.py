"""Every setting of a stack, typed. Stack configuration is read here only.

The same settings are wanted in three places: the program (``pulumi.Config``), the provider process
(the request that configures it), and the command line (the stack's file). Each gives ``stack_values`` a way to look
one key up. ``Pulumi.yaml`` declares the same keys to the engine; a test keeps the two alike.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, SecretStr, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from components.model.form import Environment, Platform
from components.model.policies import Profile

NAMESPACE = "acmidm"

Lookup = Callable[[str], object]
"""The value of a key without its namespace, None where it is not set."""


class InvalidSettings(Exception):
    """Settings that are missing or wrong, a sentence each."""


class AuthorityKind(StrEnum):
    """Which adapter speaks to the authority."""

    BEHEERPORTAAL = "beheerportaal"
    KEYCLOAK = "keycloak"


_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


def _encrypted(url: HttpUrl) -> HttpUrl:
    if url.scheme != "https" and url.host not in _LOOPBACK:
        raise ValueError("plain http goes to loopback only, use https")
    return url


Address = Annotated[HttpUrl, AfterValidator(_encrypted)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class PlatformSettings(_Settings):
    """Where one platform's authority is, and who we are there."""

    authority: Annotated[AuthorityKind, Field(description="The kind of authority: beheerportaal or keycloak.")] = (
        AuthorityKind.BEHEERPORTAAL
    )
    management_url: Annotated[Address, Field(description="The management API's address.")]
    issuer: Annotated[Address, Field(description="The issuer, whose token endpoint gives the operator its access tokens.")]
    products_url: Annotated[Address, Field(description="The address of the API that holds the products' configuration.")]
    operator_client_id: Annotated[str, Field(description="The operator's own client-ID.")]
    operator_private_key_file: Annotated[
        Path | None, Field(description="File with the operator's private key as a JSON Web Key, where it authenticates with one.")
    ] = None
    operator_private_key: Annotated[SecretStr | None, Field(description="The same key itself (secret).")] = None
    operator_client_secret: Annotated[
        SecretStr | None, Field(description="The operator's client secret, where it has no key (secret).")
    ] = None


class Settings(_Settings):
    """One environment."""

    environment: Annotated[Environment, Field(description="tni or prod: which part of each form is declared here.")]
    profile: Annotated[Profile, Field(description="The security profile that forms must satisfy: acmidm or fapi2.")] = Profile.ACMIDM
    forms_folder: Annotated[Path, Field(description="The folder of onboarding forms.")] = Path("onboardings")
    catalogue_folder: Annotated[Path, Field(description="The folder of the catalogue.")] = Path("catalogue")
    protect_clients: Annotated[bool, Field(description="Refuse to remove or replace a client until this is set to false.")] = False
    request_timeout_seconds: Annotated[float, Field(gt=0, le=300, description="How long one request may take.")] = 10
    retry_deadline_seconds: Annotated[float, Field(ge=0, le=3600, description="How long one operation goes on retrying what may pass.")] = (
        60
    )
    platforms: dict[Platform, PlatformSettings]


_GENERAL = {field.alias or name: name for name, field in Settings.model_fields.items() if name != "platforms"}
_OF_PLATFORM = {field.alias or name: name for name, field in PlatformSettings.model_fields.items()}
_PREFIX = {Platform.ACMIDM: "", Platform.GEOSECURE: "geosecure"}
_FROM_ENVIRONMENT = ("operatorClientId", "operatorPrivateKeyFile", "operatorPrivateKey", "operatorClientSecret")
SECRET_KEYS = ("operatorPrivateKey", "operatorClientSecret")


def config_key(platform: Platform, key: str) -> str:
    """The key of a platform's setting: ``issuer`` for ACM/IDM, ``geosecureIssuer`` for GeoSecure."""
    prefix = _PREFIX[platform]
    return prefix + key[0].upper() + key[1:] if prefix else key


def read_settings(lookup: Lookup, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that ``lookup`` finds, where empty is not set; operator credentials in the environment go first.

    ``ACMIDM_OPERATOR_CLIENT_SECRET`` and the like, ``GEOSECURE_OPERATOR_…`` for GeoSecure. Raises InvalidSettings.
    """
    values: dict[str, Any] = {key: value for key in _GENERAL if (value := lookup(key)) not in (None, "")}
    values["platforms"] = {
        platform: found for platform in Platform if (found := _of_platform(platform, lookup, environ)) or platform is Platform.ACMIDM
    }
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise InvalidSettings(_sentences(error)) from None


def stack_settings(stack: str, folder: Path) -> Settings:
    """The settings of a stack as its file has them, without the engine; values encrypted there are left out."""
    own = _config_of(folder / f"Pulumi.{stack}.yaml")
    project = _config_of(folder / "Pulumi.yaml")
    defaults = {key: value["default"] for key, value in project.items() if isinstance(value, dict) and "default" in value}
    values = {**defaults, **{key.removeprefix(f"{NAMESPACE}:"): value for key, value in own.items()}}
    return read_settings(lambda key: None if isinstance(values.get(key), dict) else values.get(key))


def profiles(folder: Path) -> dict[Environment, Profile]:
    """The profile of each environment, as the stacks in ``folder`` set it: the strictest where they differ, the default where none does."""
    found = dict.fromkeys(Environment, Profile.ACMIDM)
    for file in folder.glob("Pulumi.*.yaml"):
        config = _config_of(file)
        environment = config.get(f"{NAMESPACE}:environment")
        if environment in found and config.get(f"{NAMESPACE}:profile") == Profile.FAPI2:
            found[Environment(environment)] = Profile.FAPI2
    return found


def declared_keys() -> dict[str, tuple[object, str]]:
    """Each key with its default (None: it has none) and description, for the check against ``Pulumi.yaml``."""
    keys = {key: (_default(Settings.model_fields[name]), Settings.model_fields[name].description or "") for key, name in _GENERAL.items()}
    for platform in Platform:
        for key, name in _OF_PLATFORM.items():
            field = PlatformSettings.model_fields[name]
            # A default would name the second platform in stacks that have none.
            default = _default(field) if platform is Platform.ACMIDM else None
            keys[config_key(platform, key)] = (default, field.description or "")
    return keys


def _default(field: FieldInfo) -> object:
    return None if field.is_required() else field.get_default()


def _of_platform(platform: Platform, lookup: Lookup, environ: Mapping[str, str]) -> dict[str, object]:
    found = {key: value for key in _OF_PLATFORM if (value := lookup(config_key(platform, key))) not in (None, "")}
    if found or platform is Platform.ACMIDM:
        for key in _FROM_ENVIRONMENT:
            value = environ.get(f"{platform.upper()}_{_OF_PLATFORM[key].upper()}")
            if value:
                found[key] = value
    return found


def _config_of(file: Path) -> dict[str, Any]:
    try:
        document = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)
    except OSError as error:
        raise InvalidSettings(
            f"{file.name} cannot be read: {error.strerror}; run this in the project's folder with an existing stack"
        ) from None
    except yaml.YAMLError:
        raise InvalidSettings(f"{file.name} is not YAML; correct it") from None
    config = document.get("config") if isinstance(document, dict) else None
    return config if isinstance(config, dict) else {}


def _sentences(error: ValidationError) -> str:
    lines = []
    for details in error.errors(include_url=False, include_input=False):
        location = [str(part) for part in details["loc"]]
        key = config_key(Platform(location[1]), location[2]) if location[0] == "platforms" and len(location) > 2 else location[-1]
        lines.append(f"setting {NAMESPACE}:{key}: {details['msg'].lower()}; set it with pulumi config set {NAMESPACE}:{key}")
    return "\n".join(lines)
