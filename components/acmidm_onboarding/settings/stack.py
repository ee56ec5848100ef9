"""The settings of one stack: one environment, with its platforms.

Three places read them: the program (``pulumi.Config``), the provider process (the request that
configures it), and the command line (the stack's file). Each gives ``read_settings`` a function
that looks a key up. ``Pulumi.yaml`` declares the same keys to the engine; a test keeps the two
alike.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from acmidm_onboarding.forms.validation import ending_of
from acmidm_onboarding.rules.policies import Gate, Profile, PromotionGate
from acmidm_onboarding.settings.addresses import SmtpUrl, mailbox
from acmidm_onboarding.settings.ended import INSTEAD
from acmidm_onboarding.settings.platform import (
    NAMESPACE,
    OLD_WAY,
    InvalidSettings,
    Lookup,
    PlatformSettings,
    SettingsModel,
    by_key,
    config_key,
    full_key,
    is_own,
    plain_key,
    platform_fields,
    settings_by_type,
    values_of_platform,
)
from acmidm_onboarding.values.marks import has_mark
from acmidm_onboarding.values.problems import did_you_mean, on_one_line, quoted
from acmidm_onboarding.values.terms import Environment, Platform


def yaml_off(value: object) -> object:
    """Return the text "off" for False: it is false in YAML 1.1, which Python reads, and a word in
    the engine's YAML."""
    return "off" if value is False else value


def _mailbox(text: str) -> str:
    if text:
        mailbox(text)
    return text


def _sender(text: str, info: ValidationInfo) -> str:
    if not text and info.data.get("smtp_url") is not None:
        raise ValueError("is wanted where acmidm:smtpUrl is set, for mails have a sender")
    return _mailbox(text)


class Settings(SettingsModel):
    """One environment."""

    environment: Annotated[
        Environment, Field(description="tni or prod: which part of each form is declared here.")
    ]
    profile: Annotated[
        Profile, Field(description="The security profile that forms must satisfy: acmidm or fapi2.")
    ] = Profile.ACMIDM
    forms_folder: Annotated[Path, Field(description="The folder of onboarding forms.")] = Path(
        "onboardings"
    )
    catalogue_folder: Annotated[
        Path,
        Field(
            description=(
                "The folder of the catalogue; where it is not set, catalogue, else the module's"
                " own."
            )
        ),
    ]
    protect_clients: Annotated[
        bool,
        Field(
            description=(
                "Refuse to remove or replace a client until this is set to false; where it is not"
                " set, true on prod alone."
            )
        ),
    ]
    promotion_gate: Annotated[
        PromotionGate,
        BeforeValidator(yaml_off),
        Field(
            description=(
                "Whether production needs evidence from TNI: off, warn (declare it and say what is"
                " missing) or enforce."
            )
        ),
    ] = PromotionGate.OFF
    promotion_stack: Annotated[
        str,
        Field(description="The stack of this project that has the connections on TNI."),
    ] = "tni"
    evidence_max_days: Annotated[
        int, Field(gt=0, le=3650, description="How many days evidence from TNI counts.")
    ] = Gate().evidence_max_days
    key_overlap_days: Annotated[
        float,
        Field(
            ge=0,
            le=365,
            description=(
                "Days, or part of one, that a new key is there before an old one may leave; 0:"
                " none."
            ),
        ),
    ] = 14.0
    request_timeout_seconds: Annotated[
        int, Field(gt=0, le=300, description="How long one request may take.")
    ] = 10
    retry_deadline_seconds: Annotated[
        int,
        Field(ge=0, le=3600, description="How long one operation goes on retrying what may pass."),
    ] = 60
    smtp_url: Annotated[
        SmtpUrl | None,
        Field(
            description=(
                "The server that mails go to: smtps://host, or smtp://host with STARTTLS; where it"
                " is not set, none is sent."
            )
        ),
    ] = None
    mail_sender: Annotated[
        str,
        AfterValidator(_sender),
        Field(
            description=(
                "Who mails are from: an address, or Name <address>; wanted where smtpUrl is set."
            )
        ),
    ] = ""
    mail_reply_to: Annotated[
        str,
        AfterValidator(_mailbox),
        Field(description="Who answers to mails go to; where it is not set, the sender."),
    ] = ""
    platforms: dict[
        Platform, Annotated[SerializeAsAny[PlatformSettings], BeforeValidator(settings_by_type)]
    ]

    @property
    def gate(self) -> Gate:
        return Gate(self.promotion_gate, self.evidence_max_days)


_GENERAL = by_key(Settings)
del _GENERAL["platforms"]
_MAPS = ("apiClientIds", "apiUrls")
"""Settings that are maps; they were written in words, as ``dosis=ID``."""
_FORMER = re.compile(rf"{NAMESPACE}:(?P<platform>{Platform.GEOSECURE})(?P<name>[A-Z]\w*)")
_NOT_READ = "extra_forbidden"
"""The type of pydantic's error for a key that only another type of authority reads."""


def read_settings(
    lookup: Lookup, environ: Mapping[str, str] = os.environ, keys: Iterable[str] = ()
) -> Settings:
    """Return the settings that ``lookup`` finds; an empty value counts as not set.

    Credentials of the operator in the environment, such as ``ACMIDM_OPERATOR_CLIENT_SECRET`` or
    ``GEOSECURE_OPERATOR_CLIENT_SECRET``, replace all credentials of the stack. ``keys`` are all
    keys that are set, with or without their namespace: an undeclared key is refused, for it is
    probably misspelt.

    Raises:
        InvalidSettings: with a sentence for each setting that is missing or wrong.
    """
    unknown = sentences_about_unknown_keys(keys)
    found = {key: lookup(key) for key in _GENERAL}
    values: dict[str, Any] = {key: value for key, value in found.items() if value not in (None, "")}
    values.setdefault("protectClients", values.get("environment") == Environment.PROD)
    values.setdefault("catalogueFolder", own_catalogue())
    values.setdefault("mailSender", "")  # pydantic checks no default, and a server needs a sender
    values["platforms"] = {}
    for platform in Platform:
        given = values_of_platform(platform, lookup, environ)
        if given or platform is Platform.ACMIDM:
            values["platforms"][platform] = given
    unknown += _sentences_about_marks(values)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise InvalidSettings("\n".join([*unknown, _sentences(error)])) from None
    if unknown:
        raise InvalidSettings("\n".join(unknown))
    return settings


def own_catalogue() -> Path:
    """Return the folder of the catalogue: the project's, else that in the wheel, else that of the
    clone."""
    folder = Path("catalogue")
    return folder if folder.is_dir() else catalogue_of_module()


def catalogue_of_module() -> Path:
    """Return the folder of the catalogue that is in the wheel, else that of the clone."""
    module = Path(__file__).parents[1]
    in_wheel, in_clone = module / "catalogue", module.parents[1] / "catalogue"
    return in_wheel if in_wheel.is_dir() else in_clone


def declared_keys() -> dict[str, tuple[object, str]]:
    """Return each key with its default (None: it has none) and description, for the check against
    ``Pulumi.yaml``."""
    keys: dict[str, tuple[object, str]] = {}
    for key, field in _GENERAL.items():
        keys[key] = (_default(field), field.description or "")
    for platform in Platform:
        for key, field in platform_fields().items():
            # A default would give a second platform to stacks that have none.
            default = _default(field) if platform is Platform.ACMIDM else None
            keys[config_key(platform, key)] = (default, field.description or "")
    return keys


def _default(field: FieldInfo) -> object:
    return None if field.is_required() else field.get_default()


def sentences_about_unknown_keys(keys: Iterable[str]) -> list[str]:
    """Return a sentence for each of ``keys`` that is this project's and not declared, such as a
    misspelt one; keys of other projects, such as aws:region, are passed over."""
    declared = declared_keys()
    unknown = sorted({key.removeprefix(f"{NAMESPACE}:") for key in keys} - declared.keys())
    sentences: list[str] = []
    # The engine takes acmidm:config:issuer for acmidm:issuer, even where that is set too.
    for key in unknown:
        if key.startswith(OLD_WAY):
            now = present_key(full_key(key.removeprefix(OLD_WAY)))
            sentences.append(f"setting acmidm:{key} has one word too many; write {now}")
    for key in unknown:
        if not key.startswith(OLD_WAY) and is_own(full_key(key)):
            remedy = _remedy_of_unknown_key(key, declared)
            sentences.append(f"setting {full_key(key)} is not known; {remedy}")
    return list(map(on_one_line, sentences))


def _remedy_of_unknown_key(key: str, declared: Collection[str]) -> str:
    """Return what to do about a key that is not declared: what a setting that ended is replaced by,
    its present name, the nearest declared key, or to remove it."""
    now = present_key(full_key(key))
    if (instead := INSTEAD.get(plain_key(now))) is not None:
        return f"{instead}; remove it with pulumi config rm {full_key(key)}"
    if now.removeprefix(f"{NAMESPACE}:") in declared and now != full_key(key):
        return f"write {now} instead, its namespace is the platform's"
    return did_you_mean(key, declared, f"remove it with pulumi config rm {quoted(full_key(key))}")


def is_map_in_words(key: str, value: object) -> bool:
    """Return whether a setting that is a map today is written as in an earlier version, in words:
    ``dosis=ID notificaties=ID``."""
    is_map = plain_key(present_key(key)) in _MAPS
    return is_map and isinstance(value, str) and value[:1] not in ("", "{")


def present_key(key: str) -> str:
    """Return the present key for one of an earlier version, such as ``geosecure:issuer`` for
    ``acmidm:geosecureIssuer``; any other key as it is."""
    if (former := _FORMER.fullmatch(key)) is None:
        return key
    name = former["name"]
    return f"{former['platform']}:{name[0].lower()}{name[1:]}"


def _sentences_about_marks(values: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each setting that has one of the engine's marks in it: the engine would
    take it for something else than a text."""
    sentences = []
    for platform, given in ((Platform.ACMIDM, values), *values["platforms"].items()):
        for key, value in given.items():
            if key != "platforms" and has_mark(str(value)):
                sentences.append(
                    f"setting {full_key(config_key(platform, key))} is a mark of the Pulumi"
                    " engine; write something else"
                )
    return sentences


def _sentences(error: ValidationError) -> str:
    """Return a line for each setting that is missing or wrong."""
    lines = []
    for details in error.errors(include_url=False, include_input=False):
        location = [str(part) for part in details["loc"]]
        if location[0] == "platforms" and len(location) > 2:
            key = full_key(config_key(Platform(location[1]), ".".join(location[2:])))
        else:
            key = full_key(location[-1])
        place = _place(key)
        if details["type"] == _NOT_READ:
            lines.append(
                f"setting {key} is none that this type of authority reads; remove it with pulumi"
                f" config rm {place}"
            )
        else:
            lines.append(f"setting {key} {_ending(details)}; set it with pulumi config set {place}")
    return "\n".join(lines)


def _place(key: str) -> str:
    """Return what names a setting to ``pulumi config``: a map is set value by value."""
    if "." in key:
        return f"--path {key}"
    return f"--path {key}.PRODUCT" if plain_key(key) in _MAPS else key


def _ending(details: ErrorDetails) -> str:
    """Return the end of the sentence about a setting. No value is repeated: it may be a secret in
    the wrong setting."""
    kind, context = details["type"], details.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "enum":
        return f"is not known; it is {context['expected']}"
    return ending_of(details) or "cannot be used"
