"""The one file that the sandbox starts from, in YAML: a portal's settings, with its people, clients
and operators. Every mistake has its line and column."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from acmidm_sandbox.beheerportaal.settings import (
    Platform,
    PortalSettings,
    ScopeSettings,
    StrictModel,
)
from acmidm_sandbox.beheerportaal.store.users import User
from acmidm_sandbox.beheerportaal.users import user_of

_OVO = re.compile(r"OVO[0-9]{6}")
_KBO = re.compile(r"[01][0-9]{9}")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_NAME = 64
_OWNER = "OVO002949"
_ENDINGS = {
    "missing": "is missing; add it",
    "extra_forbidden": "is nothing that this file has; correct it, or take it out",
    "dict_type": "is no map; write a line for each, as in name: value",
    "model_type": "is no map; write a line for each, as in name: value",
    "list_type": "is no list; write a line with a hyphen for each",
    "tuple_type": "is no list; write a line with a hyphen for each",
}
"""Of a sentence about a name, by the kinds of pydantic's errors."""
_FOLLOWS = "default_factory_not_called"
"""Pydantic's error of a field whose default stands on one that is wrong."""


class InvalidFile(Exception):
    """What is wrong with the file: a line for each mistake."""


def _ovo(code: str) -> str:
    if not _OVO.fullmatch(code):
        raise ValueError(f"{code} is no OVO code; write one such as OVO002067")
    return code


def _kbo(number: str) -> str:
    plain = re.sub(r"[. ]", "", number)
    if not _KBO.fullmatch(plain):
        raise ValueError(f"{number} is no KBO number; write ten digits, such as 0207.451.227")
    return plain


def _client_name(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise ValueError(
            f"{name} is no name of a client; use lower case letters, digits and single hyphens,"
            f" {_LONGEST_NAME} at most"
        )
    return name


class Right(StrEnum):
    """What somebody may do at a portal, beside logging on."""

    API_BEHEERDER = "api-beheerder"
    AANSLUITINGENTEAM = "aansluitingenteam"


class Person(StrictModel):
    """Somebody who acts for an organisation, which is known by its OVO code, its KBO number or
    both."""

    name: str
    ovo: Annotated[str, AfterValidator(_ovo)] | None = None
    kbo: Annotated[str, AfterValidator(_kbo)] | None = None
    organisation: str = Field(default="", description="What clients call the organisation.")
    rights: tuple[Right, ...] = ()

    @model_validator(mode="after")
    def _can_log_on(self) -> Self:
        self.as_user()
        return self

    def as_user(self) -> User:
        """Return this person as a portal knows people. Raises ValueError."""
        return user_of(
            self.name,
            [code for code in (self.ovo, self.kbo) if code],
            api_beheerder=Right.API_BEHEERDER in self.rights,
            aansluitingenteam=Right.AANSLUITINGENTEAM in self.rights,
            organisation_name=self.organisation,
        )


class Client(Person):
    """A client of an organisation."""

    name: Annotated[str, AfterValidator(_client_name)]
    rights: tuple[()] = ()
    scopes: tuple[str, ...] = ()


class Sandbox(PortalSettings):
    """The file. What most people leave out has a default; ``acmidm sandbox`` writes all of it."""

    environment: str = "tni"
    platform: Platform = "acmidm"
    scopes: dict[str, ScopeSettings] = Field(default={}, description="Those of all APIs.")
    people: tuple[Person, ...] = ()
    clients: tuple[Client, ...] = ()
    operators: dict[str, dict[str, Any]] = Field(
        default={}, description="By client-ID, the public key of who may use the management API."
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in_apis(cls, written: Any) -> Any:
        """An API has the same client-ID after every start, and offers its scopes."""
        apis = written.get("apis") if isinstance(written, dict) else None
        if not isinstance(apis, dict) or not all(isinstance(api, dict) for api in apis.values()):
            return written
        filled, offered = {}, dict[str, Any]()
        for name, api in apis.items():
            client_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://sandbox.example/{name}"))
            filled[name] = {"owner": _OWNER, "client_id": client_id, **api}
            if isinstance(scopes := api.get("scopes"), list):
                offered |= {scope: {} for scope in scopes if isinstance(scope, str)}
        return {"scopes": offered, **written, "apis": filled}

    @model_validator(mode="after")
    def _is_one_whole(self) -> Self:
        if mistakes := "; ".join(self._mistakes()):
            raise ValueError(mistakes)
        return self

    def _mistakes(self) -> Iterator[str]:
        for client in self.clients:
            for scope in sorted({*client.scopes}.difference(self.scopes)):
                yield (
                    f"client {client.name} has the scope {scope}, which no API of this file has;"
                    " add it to one, or correct the name"
                )
        for kind, named in (("people", self.people), ("clients", self.clients)):
            names = [one.name for one in named]
            for name in sorted({name for name in names if names.count(name) > 1}):
                yield f"there are two {kind} with the name {name}; give each a name of its own"


def read_sandbox(file: Path) -> Sandbox:
    """Return what the file says. Its data are beside it, where it does not say where.

    Raises:
        InvalidFile
    """
    try:
        text = file.read_text("utf-8")
        node = yaml.compose(text, yaml.CSafeLoader)
        written = yaml.load(text, yaml.CSafeLoader)
    except OSError as error:
        raise InvalidFile(
            f"{file} cannot be read: {error.strerror}; check its name and your rights"
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else f"{file}:1:1"
        reason = getattr(error, "problem", None) or "it is no text in UTF-8"
        raise InvalidFile(f"{place}: this is no YAML: {reason}; correct it") from None
    if isinstance(written, dict):
        written.setdefault("database", file.absolute().with_suffix(".data") / "portal.db")
    try:
        return Sandbox.model_validate(written)
    except ValidationError as invalid:
        errors = [error for error in invalid.errors() if error["type"] != _FOLLOWS]
        sentences = [_sentence(file, node, dict(error)) for error in errors]
        raise InvalidFile("\n".join(sentences)) from None


def _sentence(file: Path, node: yaml.Node | None, error: dict[str, Any]) -> str:
    """Return what is wrong, at the place of the value, or of the nearest one around it."""
    for part in error["loc"]:
        node = _below(node, part) or node
    line, column = (node.start_mark.line + 1, node.start_mark.column + 1) if node else (1, 1)
    if error["type"] == "value_error":
        return f"{file}:{line}:{column}: {error['ctx']['error']}"
    name = f'"{error["loc"][-1]}"' if error["loc"] else "the file"
    ending = _ENDINGS.get(error["type"], f"cannot be used: {error['msg']}; correct it")
    return f"{file}:{line}:{column}: {name} {ending}"


def _below(node: yaml.Node | None, part: str | int) -> yaml.Node | None:
    """Return what a mapping or a list has under a name or a number; None where it has nothing."""
    below: dict[str | int, yaml.Node] = {}
    if isinstance(node, yaml.SequenceNode):
        below = dict(enumerate(node.value))
    if isinstance(node, yaml.MappingNode):
        below = {key.value: value for key, value in node.value}
    return below.get(part)
