"""Every setting of a stack, typed. Stack configuration is read here only.

The same settings are wanted in three places: the program (``pulumi.Config``), the provider process
(the request that configures it), and the command line (the stack's file). Each gives ``stack_values`` a way to look
one key up. ``Pulumi.yaml`` declares the same keys to the engine; a test keeps the two alike.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AnyUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from acmidm_onboarding.forms.validation import SENTENCES
from acmidm_onboarding.rules.policies import Gate, Profile, PromotionGate
from acmidm_onboarding.values.identifiers import is_visible
from acmidm_onboarding.values.marks import has_mark
from acmidm_onboarding.values.problems import Failure, did_you_mean, on_one_line, quoted
from acmidm_onboarding.values.secrecy import without_keys_and_tokens
from acmidm_onboarding.values.terms import LONGEST_TEXT, Environment, Platform

NAMESPACE = "acmidm"
OLD_WAY = "config:"
"""What the engine once wrote before a key, behind the namespace, and still reads."""

Lookup = Callable[[str], object]
"""The value of a key without its namespace, None where it is not set."""


class InvalidSettings(Failure):
    """Settings that are missing or wrong, a sentence each, without what may be a secret that went to the wrong
    place."""

    def __init__(self, sentences: str) -> None:
        super().__init__("\n".join(map(without_keys_and_tokens, sentences.split("\n"))))


class AuthorityKind(StrEnum):
    """Which adapter speaks to the authority."""

    BEHEERPORTAAL = "beheerportaal"
    KEYCLOAK = "keycloak"


LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""The hosts that are this machine, as they stand in a URL."""

TRUSTED_HOSTS = "ACMIDM_TRUSTED_HOSTS"
"""The environment variable with the hosts that get the operator's credentials: the pipeline's, for settings come out of
a pull request."""


def _address(url: HttpUrl) -> HttpUrl:
    # Nobody on the way may read what is sent there: it is encrypted, or stays on this machine.
    if url.scheme != "https" and url.host not in LOOPBACK:
        raise ValueError("is plain http, which goes to loopback only; use https")
    # An address is repeated in errors, and paths are added to it.
    if url.username or url.password:
        raise ValueError(
            "holds a user name or a password; leave it out, the operator's credentials have settings of their own"
        )
    if url.query or url.fragment:
        raise ValueError("goes on with ? or #; leave that out")
    return url


Address = Annotated[HttpUrl, AfterValidator(_address)]
_ADDRESS = TypeAdapter(Address)


def _server_shape(text: object) -> object:
    if not isinstance(text, str) or not re.match(r"smtps?://[^/?#\\\s]", text):
        raise ValueError(
            "is no address of a mail server; write it as in smtp://smtp.example:587 or smtps://smtp.example"
        )
    return text


def _server(url: AnyUrl) -> AnyUrl:
    if url.username or url.password:
        raise ValueError(
            "holds a user name or a password; leave it out, ACMIDM_SMTP_USERNAME and ACMIDM_SMTP_PASSWORD are for those"
        )
    if (url.path or "").strip("/") or url.query or url.fragment:
        raise ValueError("goes on behind the host and its port; leave that out")
    return url


SMTP_PORTS = {"smtp": 587, "smtps": 465}
"""Where mail is submitted (RFC 6409, RFC 8314), per scheme: with STARTTLS, or with TLS from the start."""
SmtpUrl = Annotated[AnyUrl, BeforeValidator(_server_shape), AfterValidator(_server)]

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN_ADDRESS = rf"[a-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@(?:{_LABEL}\.)+{_LABEL}"
_MAILBOX = re.compile(
    rf"(?:(?P<name>[^<>@\"\\]+) )?<(?P<between>{_PLAIN_ADDRESS})>|(?P<alone>{_PLAIN_ADDRESS})", re.ASCII | re.IGNORECASE
)


def mailbox(text: str) -> tuple[str, str]:
    """Return the name, empty where there is none, and the address of ``address`` or ``Name <address>``. Raises
    ValueError."""
    found = _MAILBOX.fullmatch(text) if is_visible(text) and len(text) <= LONGEST_TEXT else None
    if found is None or "=?" in text:  # which mails decode (RFC 2047)
        raise ValueError(
            "is no mail address; write one as in noreply@vlaanderen.example, or Name <noreply@vlaanderen.example>"
        )
    return (found["name"] or "").strip(), found["between"] or found["alone"]


def _mailbox(text: str) -> str:
    if text:
        mailbox(text)
    return text


def _sender(text: str, info: ValidationInfo) -> str:
    if not text and info.data.get("smtp_url") is not None:
        raise ValueError(f"is wanted where {NAMESPACE}:smtpUrl is set, for mails have a sender")
    return _mailbox(text)


def _pairs(text: str) -> dict[str, str]:
    """What a setting has per product: ``dosis=…``, with blanks or commas between."""
    return {name: value for part in text.replace(",", " ").split() for name, _, value in [part.partition("=")]}


def _each(text: str, check: Callable[[str], object]) -> str:
    for product, value in _pairs(text).items():
        if not product or not value:
            raise ValueError("is no list such as dosis=…; write product=value, with blanks between")
        try:
            check(value)
        except ValidationError:
            raise ValueError(
                f"has no https address for {quoted(product)}; write it as in {product}=https://host"
            ) from None
    return text


def yaml_off(value: object) -> object:
    # YAML 1.1, which Python reads, has off for false; the engine's YAML has it for the word.
    return "off" if value is False else value


class _Settings(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, coerce_numbers_to_str=True
    )


_PORTALS = {
    Environment.TNI: "https://beheerportaal-ti.vlaanderen.be",
    Environment.PROD: "https://beheerportaal.vlaanderen.be",
}
"""Of ACM/IDM: the public manual of the Beheerportaal."""


class PlatformSettings(_Settings):
    """Where one platform's authority is, and who we are there."""

    authority: Annotated[AuthorityKind, Field(description="The kind of authority: beheerportaal or keycloak.")] = (
        AuthorityKind.BEHEERPORTAAL
    )
    management_url: Annotated[Address, Field(description="The management API's address.")]
    issuer: Annotated[
        Address, Field(description="The issuer, whose token endpoint gives the operator its access tokens.")
    ]
    products_url: Annotated[
        Address, Field(description="The address of the API that holds the products' configuration.")
    ]
    operator_client_id: Annotated[str, Field(description="The operator's own client-ID.")]
    operator_private_key_file: Annotated[
        Path | None,
        Field(description="File with the operator's private key as a JSON Web Key, where it authenticates with one."),
    ] = None
    operator_private_key: Annotated[SecretStr | None, Field(description="The same key itself (secret).")] = None
    operator_client_secret: Annotated[
        SecretStr | None, Field(description="The operator's client secret, where it has no key (secret).")
    ] = None

    api_urls: Annotated[
        str,
        AfterValidator(lambda text: _each(text, lambda url: _ADDRESS.validate_python(url))),
        Field(
            description=(
                "Per product the address of its API, as dosis=https://host; where it is not set, the host of"
                " productsUrl."
            )
        ),
    ] = ""
    api_client_ids: Annotated[
        str,
        AfterValidator(lambda text: _each(text, str)),
        Field(description="Per product the client-ID of its API, the audience of a token request, as dosis=ID."),
    ] = ""

    portal_url: Annotated[
        Address | None,
        Field(
            description="The portal where organisations manage their clients; where it is not set, the Beheerportaal."
        ),
    ] = None

    def api_url(self, product: str) -> str:
        """The address of a product's API, without a slash at its end."""
        url = HttpUrl(_pairs(self.api_urls).get(product) or str(self.products_url))
        path = (url.path or "") if product in _pairs(self.api_urls) else ""
        return f"{url.scheme}://{url.host}:{url.port}{path}".rstrip("/")

    def api_client_id(self, product: str) -> str | None:
        """What a token request names a product's API by, where that is known."""
        return _pairs(self.api_client_ids).get(product)

    def portal(self, environment: Environment) -> str | None:
        """Where an organisation manages its clients, without a slash at its end; None where its authority has no
        portal."""
        found = self.portal_url or (_PORTALS[environment] if self.authority is AuthorityKind.BEHEERPORTAAL else None)
        return None if found is None else str(found).rstrip("/")

    @property
    def product_of_api(self) -> dict[str, str]:
        """The product of each client-ID that is an API's."""
        return {client_id: product for product, client_id in _pairs(self.api_client_ids).items()}

    @property
    def has_credentials(self) -> bool:
        """Whether there is anything to send."""
        return any(getattr(self, _OF_PLATFORM[key]) is not None for key in _CREDENTIALS)


class Settings(_Settings):
    """One environment."""

    environment: Annotated[Environment, Field(description="tni or prod: which part of each form is declared here.")]
    profile: Annotated[Profile, Field(description="The security profile that forms must satisfy: acmidm or fapi2.")] = (
        Profile.ACMIDM
    )
    forms_folder: Annotated[Path, Field(description="The folder of onboarding forms.")] = Path("onboardings")
    catalogue_folder: Annotated[
        Path, Field(description="The folder of the catalogue; where it is not set, catalogue, else the module's own.")
    ]
    protect_clients: Annotated[
        bool,
        Field(
            description=(
                "Refuse to remove or replace a client until this is set to false; where it is not set, true on prod"
                " alone."
            )
        ),
    ]
    promotion_gate: Annotated[
        PromotionGate,
        BeforeValidator(yaml_off),
        Field(
            description=(
                "Whether production needs evidence from TNI: off, warn (declare it and say what is missing) or enforce."
            )
        ),
    ] = PromotionGate.OFF
    promotion_stack: Annotated[
        str, Field(min_length=1, description="The stack of this project that has the connections on TNI.")
    ] = "tni"
    evidence_max_days: Annotated[int, Field(gt=0, le=3650, description="How many days evidence from TNI counts.")] = (
        Gate().evidence_max_days
    )
    key_overlap_days: Annotated[
        float,
        Field(
            ge=0,
            le=365,
            description="Days, or part of one, that a new key is there before an old one may leave; 0: none.",
        ),
    ] = 14.0
    request_timeout_seconds: Annotated[int, Field(gt=0, le=300, description="How long one request may take.")] = 10
    retry_deadline_seconds: Annotated[
        int, Field(ge=0, le=3600, description="How long one operation goes on retrying what may pass.")
    ] = 60
    smtp_url: Annotated[
        SmtpUrl | None,
        Field(
            description=(
                "The server that mails go to: smtps://host, or smtp://host with STARTTLS; where it is not set, none is"
                " sent."
            )
        ),
    ] = None
    mail_sender: Annotated[
        str,
        AfterValidator(_sender),
        Field(description="Who mails are from: an address, or Name <address>; wanted where smtpUrl is set."),
    ] = ""
    mail_reply_to: Annotated[
        str, AfterValidator(_mailbox), Field(description="Who answers to mails go to; where it is not set, the sender.")
    ] = ""
    platforms: dict[Platform, PlatformSettings]

    @property
    def gate(self) -> Gate:
        return Gate(self.promotion_gate, self.evidence_max_days)


_GENERAL = {field.alias or name: name for name, field in Settings.model_fields.items() if name != "platforms"}
_OF_PLATFORM = {field.alias or name: name for name, field in PlatformSettings.model_fields.items()}
_PREFIX = {Platform.ACMIDM: "", Platform.GEOSECURE: "geosecure"}
_CREDENTIALS = ("operatorPrivateKeyFile", "operatorPrivateKey", "operatorClientSecret")
SECRET_KEYS = ("operatorPrivateKey", "operatorClientSecret")
_HTTPS_PORT = 443


def config_key(platform: Platform, key: str) -> str:
    """The key of a platform's setting: ``issuer`` for ACM/IDM, ``geosecureIssuer`` for GeoSecure."""
    prefix = _PREFIX[platform]
    return prefix + key[0].upper() + key[1:] if prefix else key


def environment_variable(platform: Platform, key: str) -> str:
    """The environment variable that goes before a platform's setting, where it is one of the operator's credentials."""
    return f"{platform.upper()}_{_OF_PLATFORM[key].upper()}"


def read_settings(lookup: Lookup, environ: Mapping[str, str] = os.environ, keys: Iterable[str] = ()) -> Settings:
    """The settings that ``lookup`` finds, where empty is not set; operator credentials in the environment go first.

    ``ACMIDM_OPERATOR_CLIENT_SECRET`` and the like, ``GEOSECURE_OPERATOR_…`` for GeoSecure: one of them takes the place
    of whatever credentials the stack has. ``keys`` are all that are set, with or without their namespace: one that
    nobody knows is refused, for it is another one misspelt. Raises InvalidSettings.
    """
    unknown = unknown_keys(keys)
    values: dict[str, Any] = {key: value for key in _GENERAL if (value := lookup(key)) not in (None, "")}
    values.setdefault("protectClients", values.get("environment") == Environment.PROD)
    values.setdefault("catalogueFolder", own_catalogue())
    values.setdefault("mailSender", "")  # without one none is checked, and a server wants one
    values["platforms"] = {
        platform: found
        for platform in Platform
        if (found := of_platform(platform, lookup, environ)) or platform is Platform.ACMIDM
    }
    unknown += _marks(values)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise InvalidSettings("\n".join([*unknown, _sentences(error)])) from None
    if unknown:
        raise InvalidSettings("\n".join(unknown))
    return settings


def require_trusted_hosts(settings: Settings, environ: Mapping[str, str] = os.environ) -> None:
    """Refuse credentials for a host that the environment does not name: whoever changes a setting would have them sent
    to themselves.

    ``ACMIDM_TRUSTED_HOSTS`` has hosts, each with its port where that is not 443, separated by commas or spaces.
    Loopback needs none. Raises InvalidSettings, which names every setting that leads elsewhere.
    """
    trusted = set(environ.get(TRUSTED_HOSTS, "").lower().replace(",", " ").split())
    sentences = []
    for platform, found in settings.platforms.items():
        for key, name in _OF_PLATFORM.items() if found.has_credentials else ():
            url = getattr(found, name)
            if (
                isinstance(url, HttpUrl)
                and url.host not in LOOPBACK
                and trusted.isdisjoint(names := _names_of_host(url))
            ):
                sentences.append(
                    f"setting {NAMESPACE}:{config_key(platform, key)} leads to {names[0]}, which {TRUSTED_HOSTS} does"
                    " not name, so that no credentials are sent; correct the setting, or have the host added to that"
                    " variable, where the pipeline is set up"
                )
    server = settings.smtp_url
    if server is not None and server.host not in LOOPBACK and trusted.isdisjoint(names := _names_of_host(server)):
        sentences.append(
            f"setting {NAMESPACE}:smtpUrl leads to {names[0]}, which {TRUSTED_HOSTS} does not name, so that no mail is"
            " sent; correct the setting, or have the host added to that variable, where the pipeline is set up"
        )
    if sentences:
        raise InvalidSettings("\n".join(sentences))


def require_trusted_apis(
    settings: PlatformSettings, products: Iterable[str], environ: Mapping[str, str] = os.environ
) -> None:
    """Refuse to send a token to an API whose host the environment does not name, where it names any: a setting may lead
    anywhere.

    Raises InvalidSettings, which names each.
    """
    trusted = set(environ.get(TRUSTED_HOSTS, "").lower().replace(",", " ").split())
    urls = {product: HttpUrl(settings.api_url(product)) for product in products}
    sentences = [
        f"the API of {product} is at {names[0]}, which {TRUSTED_HOSTS} does not name, so that no token is sent; correct"
        " apiUrls, or have the host added to that variable"
        for product, url in urls.items()
        if trusted and url.host not in LOOPBACK and trusted.isdisjoint(names := _names_of_host(url))
    ]
    if sentences:
        raise InvalidSettings("\n".join(sentences))


def _names_of_host(url: HttpUrl | AnyUrl) -> list[str]:
    """How a host may be written: without its port where that is the one of its scheme."""
    own = SMTP_PORTS.get(url.scheme, _HTTPS_PORT)
    host = str(url.host).lower()
    with_port = f"{host}:{url.port or own}"
    return [host, with_port] if url.port in (None, own) else [with_port]


def own_catalogue() -> Path:
    """The project's folder of that name; else the one that a wheel has in it, or a clone in its own place."""
    module = Path(__file__).parent
    folders = (Path("catalogue"), module / "catalogue", module.parents[1] / "catalogue")
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def declared_keys() -> dict[str, tuple[object, str]]:
    """Each key with its default (None: it has none) and description, for the check against ``Pulumi.yaml``."""
    keys = {
        key: (_default(Settings.model_fields[name]), Settings.model_fields[name].description or "")
        for key, name in _GENERAL.items()
    }
    for platform in Platform:
        for key, name in _OF_PLATFORM.items():
            field = PlatformSettings.model_fields[name]
            # A default would name the second platform in stacks that have none.
            default = _default(field) if platform is Platform.ACMIDM else None
            keys[config_key(platform, key)] = (default, field.description or "")
    return keys


def _default(field: FieldInfo) -> object:
    return None if field.is_required() else field.get_default()


def of_platform(platform: Platform, lookup: Lookup, environ: Mapping[str, str]) -> dict[str, object]:
    found = {key: value for key in _OF_PLATFORM if (value := lookup(config_key(platform, key))) not in (None, "")}
    if found or platform is Platform.ACMIDM:
        names = {key: environment_variable(platform, key) for key in ("operatorClientId", *_CREDENTIALS)}
        given = {key: environ[name] for key, name in names.items() if environ.get(name)}
        if not given.keys().isdisjoint(_CREDENTIALS):  # another kind of the stack's would be taken before it
            found = {key: value for key, value in found.items() if key not in _CREDENTIALS}
        found |= given
    return found


def unknown_keys(keys: Iterable[str]) -> list[str]:
    """A sentence for each key of ours that is not declared."""
    own = sorted({key.removeprefix(f"{NAMESPACE}:") for key in keys} - declared_keys().keys())
    # The engine takes acmidm:config:issuer for acmidm:issuer, even where that is set too.
    old = [key.removeprefix(OLD_WAY) for key in own if key.startswith(OLD_WAY)]
    return [
        on_one_line(f"setting {NAMESPACE}:{OLD_WAY}{key} has one word too many; write {NAMESPACE}:{key}") for key in old
    ] + [
        on_one_line(
            f"setting {NAMESPACE}:{key} is not known; "
            + did_you_mean(key, declared_keys(), f"remove it with pulumi config rm {quoted(f'{NAMESPACE}:{key}')}")
        )
        for key in own
        if ":" not in key
    ]


def _marks(values: Mapping[str, Any]) -> list[str]:
    """A sentence for each setting that the engine would take for something else than a text."""
    return [
        f"setting {NAMESPACE}:{config_key(platform, key)} is a mark of the Pulumi engine; write something else"
        for platform, found in ((Platform.ACMIDM, values), *values["platforms"].items())
        for key, value in found.items()
        if isinstance(value, str) and has_mark(value)
    ]


def _sentences(error: ValidationError) -> str:
    lines = []
    for details in error.errors(include_url=False, include_input=False):
        location = [str(part) for part in details["loc"]]
        key = (
            config_key(Platform(location[1]), location[2])
            if location[0] == "platforms" and len(location) > 2
            else location[-1]
        )
        lines.append(f"setting {NAMESPACE}:{key} {_ending(details)}; set it with pulumi config set {NAMESPACE}:{key}")
    return "\n".join(lines)


def _ending(details: ErrorDetails) -> str:
    """How the sentence about a setting goes on. No value is repeated: it may be a secret that went to the wrong
    setting."""
    kind, context = details["type"], details.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "enum":
        return f"is not known; it is {context['expected']}"
    ending, _ = SENTENCES.get(kind, ("cannot be used", ""))
    return ending.format(**context)
