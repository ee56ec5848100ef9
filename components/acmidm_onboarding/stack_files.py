"""What the files of stacks say, without the engine: ``Pulumi.<stack>.yaml`` over the defaults of ``Pulumi.yaml``.

What holds for an environment is what all of its stacks say together, the strictest where they differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml

from acmidm_onboarding.model.documents import Unreadable, read_text
from acmidm_onboarding.model.form import Environment, Platform
from acmidm_onboarding.model.policies import Gate, Profile, PromotionGate, strictest
from acmidm_onboarding.model.problems import did_you_mean, listed, on_one_line, quoted
from acmidm_onboarding.settings import (
    NAMESPACE,
    AuthorityKind,
    InvalidSettings,
    Settings,
    config_key,
    of_platform,
    read_settings,
    unknown_keys,
    yaml_off,
)

E = TypeVar("E", bound=StrEnum)


def stack_settings(stack: str, folder: Path) -> Settings:
    """The settings of a stack as its file has them, without the engine; values encrypted there are left out."""
    values = _values_of(stack_file(stack, folder))
    return read_settings(lambda key: None if isinstance(values.get(key), dict) else values.get(key), keys=values)


def stack_file(stack: str, folder: Path) -> Path:
    """The file of a stack, which may be named with its organisation and project before it."""
    return folder / f"Pulumi.{stack.rpartition('/')[2]}.yaml"


def profiles(folder: Path) -> dict[Environment, Profile]:
    """The profile of each environment, as the stacks in ``folder`` set it: the strictest where they differ, the default where none does."""
    found = dict.fromkeys(Environment, Profile.ACMIDM)
    for stack in _stacks(folder):
        if stack.profile is Profile.FAPI2:
            found[stack.environment] = Profile.FAPI2
    return found


def promotion_gate(folder: Path) -> Gate:
    """The gate to production, as the stacks in ``folder`` set it: the strictest where they differ."""
    found = [stack.gate for stack in _stacks(folder) if stack.environment is Environment.PROD]
    return strictest(found)


def served(folder: Path) -> dict[Environment, dict[Platform, frozenset[AuthorityKind]]]:
    """The platforms that every stack in ``folder`` of an environment has an authority for, each with the kinds of those authorities.

    An environment without a stack is left out.
    """
    found: dict[Environment, dict[Platform, frozenset[AuthorityKind]]] = {}
    for stack in _stacks(folder):
        before = found.get(stack.environment, dict.fromkeys(stack.platforms, frozenset()))
        found[stack.environment] = {name: before[name] | {stack.platforms[name]} for name in before if name in stack.platforms}
    return found


class _Stack(NamedTuple):
    """What the file of a stack says of the forms, complete or not."""

    environment: Environment
    profile: Profile
    platforms: Mapping[Platform, AuthorityKind]
    gate: Gate


def _stacks(folder: Path) -> Iterator[_Stack]:
    """The stacks in ``folder`` that name their environment."""
    for file in sorted(folder.glob("Pulumi.*.yaml")):
        values = _values_of(file)
        if unknown := unknown_keys(values):
            raise InvalidSettings("\n".join(f"{on_one_line(file.name)}: {sentence}" for sentence in unknown))
        if (environment := values.get("environment")) in (None, ""):
            continue
        own = {platform: of_platform(platform, values.get, {}) for platform in Platform}
        platforms = {
            platform: _known(AuthorityKind, found.get("authority", AuthorityKind.BEHEERPORTAAL), file, config_key(platform, "authority"))
            for platform, found in own.items()
            if found or platform is Platform.ACMIDM
        }
        profile = values.get("profile") or Profile.ACMIDM
        gate = _known(PromotionGate, yaml_off(values.get("promotionGate")) or PromotionGate.OFF, file, "promotionGate")
        yield _Stack(
            _known(Environment, environment, file, "environment"),
            _known(Profile, profile, file, "profile"),
            platforms,
            Gate(gate, _days(values.get("evidenceMaxDays"), file)),
        )


def _days(value: object, file: Path) -> int:
    if value in (None, ""):
        return Gate().evidence_max_days
    if not str(value).isdecimal() or not int(str(value)):
        raise InvalidSettings(on_one_line(f"{file.name}: setting {NAMESPACE}:evidenceMaxDays is no number of days; write one such as 90"))
    return int(str(value))


def _known(kind: type[E], value: object, file: Path, key: str) -> E:
    try:
        return kind(value)  # type: ignore[arg-type]  # whatever the file holds: what is none of them raises
    except ValueError:
        said = quoted(value) if isinstance(value, str) else "this value"
        remedy = did_you_mean(str(value), kind, f"use {listed(kind)}")
        raise InvalidSettings(on_one_line(f"{file.name}: setting {NAMESPACE}:{key}: {said} is not known; {remedy}")) from None


def _values_of(file: Path) -> dict[str, Any]:
    """What a stack's file sets, over the defaults of its project; keys without their namespace, those of other namespaces with it."""
    own = _config_of(file)
    project = _config_of(file.with_name("Pulumi.yaml")) if file.with_name("Pulumi.yaml").exists() else {}
    defaults = {key: value["default"] for key, value in project.items() if isinstance(value, dict) and "default" in value}
    return {key.removeprefix(f"{NAMESPACE}:"): value for key, value in {**defaults, **own}.items()}


def _config_of(file: Path) -> dict[str, Any]:
    try:
        text = read_text(file)
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.CSafeLoader)):
            # A few lines of them are a value without end, once it is written down.
            raise InvalidSettings(on_one_line(f"{file.name} has YAML aliases (*name); write the values out"))
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except Unreadable as error:
        remedy = error.remedy if file.exists() else "run this in the project's folder with an existing stack"
        raise InvalidSettings(on_one_line(f"{file.name} {error.what}; {remedy}")) from None
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date or a number that Python cannot make
        raise InvalidSettings(on_one_line(f"{file.name} is not YAML; correct it")) from None
    config = document.get("config") if isinstance(document, dict) else None
    return {str(key): value for key, value in config.items()} if isinstance(config, dict) else {}
