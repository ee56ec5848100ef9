"""The one file that the sandbox starts from, in YAML: a portal's settings, with its people, clients
and operators. Every mistake has its line and column.

Run by itself, it writes the people in a FILE as JSON.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from acmidm_sandbox.beheerportaal.settings import (
    Platform,
    PortalSettings,
    ScopeSettings,
    StrictModel,
)
from acmidm_sandbox.beheerportaal.store.users import Person

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
Model = TypeVar("Model", bound=StrictModel)


class InvalidFile(Exception):
    """What is wrong with the file: a line for each mistake."""


class _Loader(yaml.CSafeLoader):
    """PyYAML's, which takes the last of two values of one name."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._merged: set[yaml.Node] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse a name that is written twice, before what is merged (``<<``) stands beside it."""
        if node in self._merged:
            return
        self._merged.add(node)
        names = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in names:
                twice = f'"{key.value}" is written twice'
                raise yaml.MarkedYAMLError(problem=twice, problem_mark=key.start_mark)
            names.add(str(key.value))
        super().flatten_mapping(node)

    def number(self, node: yaml.ScalarNode) -> str | int:
        """Return a KBO number, whose digits YAML reads as octal ones, as the text that it is."""
        if node.value.isdecimal() and node.value.startswith("0") and node.value != "0":
            return str(node.value)
        return int(self.construct_yaml_int(node))


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.number)


def _client_name(name: str) -> str:
    """Check the name of a client, and return it as it is. Raises ValueError where it is none."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise ValueError(
            f"{name} is no name of a client; use lower case letters, digits and single hyphens,"
            f" {_LONGEST_NAME} at most"
        )
    return name


class SandboxClient(Person):
    """A client of an organisation."""

    name: Annotated[str, AfterValidator(_client_name)]
    rights: tuple[()] = ()
    scopes: tuple[str, ...] = ()


class People(StrictModel):
    """Who logs on, and nobody else."""

    people: tuple[Person, ...] = ()

    @model_validator(mode="after")
    def _is_one_whole(self) -> Self:
        if mistakes := "; ".join(self._sentences_of_mistakes()):
            raise ValueError(mistakes)
        return self

    def _sentences_of_mistakes(self) -> Iterator[str]:
        yield from _named_twice("people", self.people)


class Sandbox(People, PortalSettings):
    """The file. What most people leave out has a default; ``acmidm sandbox`` writes all of it."""

    environment: str = "tni"
    platform: Platform = "acmidm"
    scopes: dict[str, ScopeSettings] = Field(default={}, description="Those of all APIs.")
    clients: tuple[SandboxClient, ...] = ()
    operators: dict[str, dict[str, Any]] = Field(
        default={}, description="By client-ID, the public key of who may use the management API."
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in_apis(cls, written: Any) -> Any:
        """Give each API its owner and a client-ID, the same after every start; offer its scopes."""
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

    def _sentences_of_mistakes(self) -> Iterator[str]:
        yield from super()._sentences_of_mistakes()
        yield from _named_twice("clients", self.clients)
        for client in self.clients:
            for scope in sorted({*client.scopes}.difference(self.scopes)):
                yield (
                    f"client {client.name} has the scope {scope}, which no API of this file has;"
                    " add it to one, or correct the name"
                )


def _named_twice(kind: str, people: tuple[Person, ...]) -> Iterator[str]:
    times = Counter(person.name for person in people)
    for name in sorted(name for name, number in times.items() if number > 1):
        yield f"there are two {kind} with the name {name}; give each a name of its own"


def read_sandbox(file: Path) -> Sandbox:
    """Return what the file says. Its data are beside it, where it does not say where.

    Raises:
        InvalidFile
    """
    return _read(file, Sandbox, database=file.absolute().with_suffix(".data") / "portal.db")


def _read(file: Path, model: type[Model], **defaults: Any) -> Model:
    """Return what a file says, as a model has it. Raises InvalidFile."""
    try:
        text = file.read_text("utf-8")
        node = yaml.compose(text, _Loader)
        written = _Loader(text).get_single_data()
    except OSError as error:
        raise InvalidFile(
            f"{file} cannot be read: {error.strerror}; check its name and your rights"
        ) from None
    except UnicodeDecodeError:
        raise InvalidFile(f"{file}:1:1: it is no text in UTF-8; correct it") from None
    except yaml.reader.ReaderError as error:
        before = text.encode()[: error.position].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise InvalidFile(
            f"{file}:{line}:{column}: here is a character that YAML does not allow; take it out"
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        place = _place(file, getattr(error, "problem_mark", None))
        reason = getattr(error, "problem", None) or error
        raise InvalidFile(f"{place}: {reason}; correct it") from None
    if isinstance(written, dict):
        written = {**defaults, **written}
    try:
        return model.model_validate(written)
    except ValidationError as invalid:
        errors = [error for error in invalid.errors() if error["type"] != _FOLLOWS]
        sentences = [_sentence(file, node, dict(error)) for error in errors]
        raise InvalidFile("\n".join(sentences)) from None


def _sentence(file: Path, node: yaml.Node | None, error: dict[str, Any]) -> str:
    """Return what is wrong, at the place of the value, or of the nearest one around it."""
    marked: yaml.Node | None = node
    for part in error["loc"]:
        name_of, node = _below(node, part)
        nearest = name_of if error["type"] == "extra_forbidden" else node
        marked = nearest or marked
    place = _place(file, marked and marked.start_mark)
    if error["type"] == "value_error":
        return f"{place}: {error['ctx']['error']}"
    name = f'"{error["loc"][-1]}"' if error["loc"] else "the file"
    ending = _ENDINGS.get(error["type"], f"cannot be used: {error['msg']}; correct it")
    return f"{place}: {name} {ending}"


def _place(file: Path, mark: Any) -> str:
    """Return the file with line and column of a mark, of its beginning where there is none."""
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return f"{file}:{line}:{column}"


def _below(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """Return what a mapping or a list has under a name or a number, after the name; None for what
    is not there."""
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return None, node.value[part]
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == part:
                return name, value
    return None, None


if __name__ == "__main__":
    try:
        document = _read(Path(sys.argv[1]), People).model_dump(mode="json", exclude_defaults=True)
    except InvalidFile as error:
        sys.exit(str(error))
    json.dump(document.get("people", []), sys.stdout)
