"""What the files of stacks say, without the engine: ``Pulumi.<stack>.yaml`` over the defaults of
``Pulumi.yaml``."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from acmidm_onboarding.authority_types import DEFAULT_AUTHORITY, installed_authorities
from acmidm_onboarding.forms.documents import Unreadable
from acmidm_onboarding.forms.files import Files, absolute
from acmidm_onboarding.forms.validation import unknown_value
from acmidm_onboarding.rules.policies import Gate, Profile, PromotionGate, strictest
from acmidm_onboarding.settings import (
    NAMESPACE,
    InvalidSettings,
    Settings,
    config_key,
    full_key,
    read_settings,
    sentences_about_unknown_keys,
    values_of_platform,
    yaml_off,
)
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import (
    Failure,
    did_you_mean,
    either,
    listed,
    on_one_line,
    quoted,
)
from acmidm_onboarding.values.terms import Environment, Platform

_TRUE = frozenset({"true", "1", "yes", "on", "y", "t"})


def stack_settings(stack: str, folder: Path) -> Settings:
    """Return the settings of a stack as its file has them, without the engine; values encrypted
    there are left out. Raises InvalidSettings."""
    file = stack_file(stack, folder)
    files = Files()
    if not files.exists(absolute(file)):
        raise InvalidSettings(no_such_stack(stack, folder))
    values = _values_of(file, files)
    clear = {key: value for key, value in values.items() if not _is_encrypted(value)}
    return read_settings(clear.get, keys=values)


def _is_encrypted(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"secure"}


def stack_file(stack: str, folder: Path) -> Path:
    """Return the file of a stack, which may be named with its organisation and project before
    it."""
    return folder / f"Pulumi.{stack.rpartition('/')[2]}.yaml"


def require_own_name(stack: str) -> None:
    """Refuse the whole name of a stack, ``organisation/project/prod``: a command that names its
    files by the stack takes the short name alone, ``prod``. Raises Failure."""
    if "/" in stack:
        short_name = stack.rpartition("/")[2]
        raise Failure(
            on_one_line(
                f"{stack} is a stack's whole name; name it here as in"
                f" Pulumi.{short_name}.yaml: {short_name}"
            )
        )


def stack_names(folder: Path, files: Files | None = None) -> list[str]:
    """Return the names of the stacks that have a file in ``folder``."""
    names = [file.name for file in (files or Files()).inside(absolute(folder))]
    of_stacks = fnmatch.filter(names, "Pulumi.*.yaml")
    return [name.removeprefix("Pulumi.").removesuffix(".yaml") for name in of_stacks]


def no_such_stack(stack: str, folder: Path) -> str:
    """Return the sentence about a stack that has no file in ``folder``: which stacks have one, and
    which of them may be meant."""
    known = stack_names(folder)
    if not known:
        return tr(
            "there is no stack {stack} here, and no Pulumi.STACK.yaml; run this in the folder of a"
            " project with stacks",
            stack=quoted(stack),
        )
    remedy = did_you_mean(stack, known, tr("use {known}", known=either(known)))
    sentence = tr("there is no stack {stack} here; {remedy}", stack=quoted(stack), remedy=remedy)
    return on_one_line(sentence)


@dataclass(frozen=True)
class Stacks:
    """The settings of some stacks, without their namespace: what holds for an environment is what
    all of its stacks say together.

    Where they differ that is the strictest, and so is what cannot be read: whoever reads the stack
    itself says what is wrong with it.
    """

    values: tuple[Mapping[str, Any], ...]

    @property
    def profiles(self) -> dict[Environment, Profile]:
        """The profile of each environment; the default where no stack sets one."""
        profiles = dict.fromkeys(Environment, Profile.ACMIDM)
        for environment, stack in self._with_environments():
            if stack.get("profile") == Profile.FAPI2:
                profiles[environment] = Profile.FAPI2
        return profiles

    @property
    def gate(self) -> Gate:
        """The gate to production."""
        return strictest(map(_gate_of, self._stacks_of(Environment.PROD)))

    @property
    def protecting(self) -> dict[Environment, bool]:
        """Per environment with a stack, whether every stack of it protects its clients."""
        protecting: dict[Environment, bool] = {}
        for environment, stack in self._with_environments():
            setting = stack.get("protectClients")
            protects = str(setting).casefold() in _TRUE
            if setting in (None, ""):
                protects = environment is Environment.PROD
            protecting[environment] = protecting.get(environment, True) and protects
        return protecting

    @property
    def confirmed(self) -> list[Path]:
        """The folders of confirmations that the stacks name, in order."""
        folders = set[Path]()
        for stack in self.values:
            for platform in Platform:
                if folder := stack.get(config_key(platform, "confirmedFolder")):
                    folders.add(Path(str(folder)))
        return sorted(folders)

    def has_overlap(self, environment: Environment) -> bool:
        """Return whether a stack of an environment has an old public key stay for a while beside a
        new one."""
        return max(map(overlap_days, self._stacks_of(environment)), default=0) > 0

    @property
    def served(self) -> dict[Environment, dict[Platform, frozenset[str]]]:
        """The platforms that every stack of an environment has an authority for, each with the
        kinds of those authorities.

        An environment without a stack is left out.
        """
        served: dict[Environment, dict[Platform, frozenset[str]]] = {}
        for environment, stack in self._with_environments():
            kinds = _authorities_of(stack)
            before = served.get(environment, dict.fromkeys(kinds, frozenset()))
            in_all = [name for name in before if name in kinds]
            served[environment] = {name: before[name] | {kinds[name]} for name in in_all}
        return served

    def _stacks_of(self, environment: Environment) -> Iterator[Mapping[str, Any]]:
        for where, stack in self._with_environments():
            if where is environment:
                yield stack

    def _with_environments(self) -> Iterator[tuple[Environment, Mapping[str, Any]]]:
        """Yield each stack with its environment; without those that name no known one."""
        for stack in self.values:
            if (name := stack.get("environment")) in list(Environment):
                yield Environment(name), stack


def stacks_in(folder: Path, files: Files | None = None) -> Stacks:
    """Read the stacks in ``folder`` that name their environment, of the ``files`` on the disk
    where none are given.

    Raises:
        InvalidSettings: for the first stack with an unknown key, or with an unknown value of a
            setting that forms are checked by.
    """
    stacks = []
    files = files or Files()
    for name in stack_names(folder, files):
        file = stack_file(name, folder)
        values = _values_of(file, files)
        if unknown := sentences_about_unknown_keys(values):
            raise InvalidSettings(
                "\n".join(f"{on_one_line(file.name)}: {sentence}" for sentence in unknown)
            )
        if values.get("environment") in (None, ""):
            continue
        _require_known(Environment, values["environment"], file, "environment")
        _require_known(Profile, values.get("profile") or Profile.ACMIDM, file, "profile")
        _require_known(
            PromotionGate,
            yaml_off(values.get("promotionGate")) or PromotionGate.OFF,
            file,
            "promotionGate",
        )
        for platform in Platform:
            kind = values_of_platform(platform, values.get, {}).get("authority", DEFAULT_AUTHORITY)
            _require_known(installed_authorities(), kind, file, config_key(platform, "authority"))
        if not (
            days := str(values.get("evidenceMaxDays") or Gate().evidence_max_days)
        ).isdecimal() or not int(days):
            sentence = (
                f"{file.name}: setting acmidm:evidenceMaxDays is no number of days; write"
                " one such as 90"
            )
            raise InvalidSettings(on_one_line(sentence))
        stacks.append(values)
    return Stacks(tuple(stacks))


def overlap_days(stack: Mapping[str, Any]) -> float:
    """Return how many days an old and a new key overlap by a stack's settings; the default where
    they have none, or no number."""
    text = str(stack.get("keyOverlapDays"))
    if text.replace(".", "", 1).isdecimal():
        return float(text)
    return float(Settings.model_fields["key_overlap_days"].default)


def _gate_of(stack: Mapping[str, Any]) -> Gate:
    """Return the gate in a stack's settings; the strictest one where a setting cannot be read."""
    mode = str(stack.get("promotionGate") or PromotionGate.OFF).casefold()
    days = str(stack.get("evidenceMaxDays") or Gate().evidence_max_days)
    strictness = PromotionGate(mode) if mode in list(PromotionGate) else PromotionGate.ENFORCE
    most_days = int(days) if days.isdecimal() else 0
    return Gate(strictness, most_days)


def _authorities_of(stack: Mapping[str, Any]) -> dict[Platform, str]:
    """Return the type of authority of each platform that a stack has settings of, and of ACM/IDM in
    any case."""
    authorities = {}
    for platform in Platform:
        settings = values_of_platform(platform, stack.get, {})
        if settings or platform is Platform.ACMIDM:
            authorities[platform] = str(settings.get("authority", DEFAULT_AUTHORITY))
    return authorities


def _require_known(names: Iterable[str], value: object, file: Path, key: str) -> None:
    """Refuse a setting whose value is none of its ``names``. Raises InvalidSettings."""
    if value not in list(names):
        remedy = did_you_mean(str(value), names, tr("use {known}", known=listed(names)))
        sentence = f"{file.name}: setting {full_key(key)}: {unknown_value(value)}; {remedy}"
        raise InvalidSettings(on_one_line(sentence))


def _values_of(file: Path, files: Files) -> dict[str, Any]:
    """Return what a stack's file sets, over the defaults of its project, as {"environment": "tni",
    "geosecure:issuer": …}: keys of this project's namespace are without it."""
    of_stack = _config_of(file, files)
    project_file = file.with_name("Pulumi.yaml")
    of_project = _config_of(project_file, files) if files.exists(absolute(project_file)) else {}
    values = {}
    for key, value in of_project.items():
        if isinstance(value, dict) and "default" in value:
            values[key] = value["default"]
    values |= of_stack
    return {key.removeprefix(f"{NAMESPACE}:"): value for key, value in values.items()}


def _config_of(file: Path, files: Files) -> dict[str, Any]:
    """Return what the file of a stack or a project has under ``config``, none where it has no such
    mapping.

    Raises:
        InvalidSettings: for a file that cannot be read, is no YAML, or has aliases.
    """
    try:
        text = files.read_text(absolute(file))
    except Unreadable as error:
        raise InvalidSettings(on_one_line(f"{file.name} {error}")) from None
    return _config_in(text, file.name)


@lru_cache(maxsize=8)
def _config_in(text: str, name: str) -> dict[str, Any]:
    """Return what ``_config_of`` does, by the ``text`` and ``name`` of the file: the same object
    each time, which no caller changes. A command reads the files of a stack and of its project
    often.

    Raises:
        InvalidSettings: for a text that is no YAML, or has aliases.
    """
    try:
        if any(map(_is_alias_or_merge, yaml.parse(text, Loader=yaml.CSafeLoader))):
            # A few lines of aliases can stand for an endless value; a merge hides what it sets.
            raise InvalidSettings(
                on_one_line(f"{name} has YAML aliases (*name) or merges (<<); write the values out")
            )
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except (
        yaml.YAMLError,
        ValueError,
        RecursionError,
    ):
        # ValueError: a date or a number that Python cannot make.
        raise InvalidSettings(on_one_line(f"{name} is not YAML; correct it")) from None
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        return {}
    return {str(key): value for key, value in config.items()}


def _is_alias_or_merge(event: yaml.Event) -> bool:
    if isinstance(event, yaml.ScalarEvent):
        return event.value == "<<" and event.implicit[0]
    return isinstance(event, yaml.AliasEvent)
