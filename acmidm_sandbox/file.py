"""The one file that the sandbox starts from, in YAML: a portal's settings, with its people, clients
and operators. Every mistake has its line and column.

Run by itself, it writes the people in a FILE as JSON.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, Field, JsonValue, ValidationError, model_validator

from acmidm_sandbox.beheerportaal.jwk import mistakes_in_keys
from acmidm_sandbox.beheerportaal.settings import (
    Platform,
    PortalSettings,
    ScopeSettings,
    StrictModel,
)
from acmidm_sandbox.beheerportaal.store.users import ACTOR_PREFIX, Person

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
"""How a sentence about a name ends, by the type of pydantic's error."""
_NO_TOKEN = "found character that cannot start any token"
"""What PyYAML says of a tab before a name, and of three more characters."""
_NOT_BEGUN_SO = "nothing begins with a tab, @, ` or %: indent with spaces, put a text in quotes"
_NO_VALUE = "what looks like a number or a date here is none: put a text in quotes"
_FOLLOWS = "default_factory_not_called"
"""The type of an error that follows from another: a default is made from a field that is wrong."""
Location = tuple[str | int, ...]
"""Where a value is in the file, by names and positions: ("clients", 0, "name")."""


class InvalidFile(Exception):
    """What is wrong with the file: a line with place and remedy for each mistake."""


class _Loader(yaml.CSafeLoader):
    """Reads YAML, but refuses a name that a mapping has twice, and keeps the 0 of a KBO number."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._flattened: set[yaml.Node] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Put what a mapping merges (``<<``) into it, once its own names are checked. Raises
        MarkedYAMLError where one is written twice: PyYAML would take the last."""
        if node in self._flattened:  # PyYAML comes again for one that has an anchor
            return
        self._flattened.add(node)
        names = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in names:
                twice = f'"{key.value}" is written twice'
                raise yaml.MarkedYAMLError(problem=twice, problem_mark=key.start_mark)
            names.add(str(key.value))
        super().flatten_mapping(node)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return the value of a node. Raises MarkedYAMLError where there is none, as of 2026-13-01:
        PyYAML raises errors of many kinds then, without a place."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError):
            raise yaml.MarkedYAMLError(problem=_NO_VALUE, problem_mark=node.start_mark) from None

    def construct_number(self, node: yaml.ScalarNode) -> str | int:
        """Return digits that begin with 0, such as a KBO number, as a text: YAML would read them as
        octal ones. Return any other number as such."""
        if node.value.isdecimal() and node.value.startswith("0") and node.value != "0":
            return str(node.value)
        return int(self.construct_yaml_int(node))


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_number)


def _checked_client_name(name: str) -> str:
    """Return the name of a client unchanged. Raises ValueError where it is none."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise ValueError(
            f"{name} is no name of a client; use lower case letters, digits and single hyphens,"
            f" {_LONGEST_NAME} at most"
        )
    return name


def _checked_operator(client_id: str) -> str:
    """Return an operator's client-ID unchanged. Raises ValueError where it reads like a user's."""
    if client_id.startswith(ACTOR_PREFIX):
        raise ValueError(
            f"a client-ID that begins with {ACTOR_PREFIX} would look like a user's in the audit"
            " trail; choose another"
        )
    return client_id


def _checked_key(public_jwk: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return an operator's public key unchanged. Raises ValueError where it can't be used."""
    sentences = []
    for mistake in mistakes_in_keys([public_jwk]):
        member = mistake["pointer"].removeprefix("/keys/0") or "the key"
        sentences.append(f"{member} {mistake['detail']}")
    if sentences:
        raise ValueError("; ".join(sentences))
    return public_jwk


class SandboxClient(Person):
    """A client of an organisation."""

    name: Annotated[str, AfterValidator(_checked_client_name)]
    rights: tuple[()] = ()
    scopes: tuple[str, ...] = ()


class People(StrictModel):
    """Everybody who can log on."""

    people: tuple[Person, ...] = ()

    def mistakes_across_fields(self) -> Iterator[tuple[Location, str]]:
        """Yield the place and a sentence of each mistake that no field has alone."""
        yield from _repeated_names("people", self.people)


Model = TypeVar("Model", bound=People)


class Sandbox(People, PortalSettings):
    """The file. What most people leave out has a default; ``acmidm sandbox`` writes all of it."""

    environment: str = "tni"
    platform: Platform = "acmidm"
    scopes: dict[str, ScopeSettings] = Field(default={}, description="Those of all APIs.")
    clients: tuple[SandboxClient, ...] = ()
    operators: dict[
        Annotated[str, AfterValidator(_checked_operator)],
        Annotated[dict[str, JsonValue], AfterValidator(_checked_key)],
    ] = Field(
        default={}, description="By client-ID, the public key of who may use the management API."
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in_apis(cls, written: Any) -> Any:
        """Return the file's content, where each API has an owner and a client-ID, the same after
        every start, and `scopes` has those of all APIs. What the file has is kept; what is no map
        of maps stays as it is, for the fields to refuse it."""
        apis = written.get("apis") if isinstance(written, dict) else None
        if not isinstance(apis, dict) or not all(isinstance(api, dict) for api in apis.values()):
            return written
        completed, scopes_of_apis = {}, dict[str, Any]()
        for name, api in apis.items():
            client_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://sandbox.example/{name}"))
            completed[name] = {"owner": _OWNER, "client_id": client_id, **api}
            if isinstance(scopes := api.get("scopes"), list):
                scopes_of_apis |= {scope: {} for scope in scopes if isinstance(scope, str)}
        return {"scopes": scopes_of_apis, **written, "apis": completed}

    def mistakes_across_fields(self) -> Iterator[tuple[Location, str]]:
        yield from super().mistakes_across_fields()
        if self.smtp_port == self.port:
            yield ("smtp_port",), '"smtp_port" is the same as "port"; choose another'
        yield from _repeated_names("clients", self.clients)
        for number, client in enumerate(self.clients):
            for position, scope in enumerate(client.scopes):
                if scope not in self.scopes:
                    yield (
                        ("clients", number, "scopes", position),
                        f"client {client.name} has the scope {scope}, which no API of this file"
                        " has; add it to one, or correct the name",
                    )


def _repeated_names(kind: str, people: tuple[Person, ...]) -> Iterator[tuple[Location, str]]:
    """Yield the place and a sentence of each name that people, or clients, before it have too."""
    names = set()
    for number, person in enumerate(people):
        if person.name in names:
            sentence = f"there are two {kind} with the name {person.name}; give each its own"
            yield (kind, number, "name"), sentence
        names.add(person.name)


def read_sandbox(file: Path) -> Sandbox:
    """Return a sandbox by its file. Where that names no database, it is in a folder beside the
    file: sandbox.data of sandbox.yaml. Raises InvalidFile."""
    return _read(file, Sandbox, database=file.absolute().with_suffix(".data") / "portal.db")


def _read(file: Path, model: type[Model], **defaults: Any) -> Model:
    """Return the model of a file's content, with defaults for what it lacks. Raises InvalidFile."""
    node, content = _parse(file)
    if isinstance(content, dict):
        content = {**defaults, **content}
    try:
        document = model.model_validate(content)
    except ValidationError as invalid:
        errors = [error for error in invalid.errors() if error["type"] != _FOLLOWS]
        sentences = [_sentence(file, node, dict(error)) for error in errors]
        raise InvalidFile("\n".join(sentences)) from None
    sentences = []
    for location, sentence in document.mistakes_across_fields():
        sentences.append(f"{_place(file, _mark_at(node, location))}: {sentence}")
    if sentences:
        raise InvalidFile("\n".join(sentences))
    return document


def _parse(file: Path) -> tuple[yaml.Node | None, Any]:
    """Return a file as nodes, which know their places, and as values. Raises InvalidFile."""
    try:
        text = file.read_text("utf-8")
        return yaml.compose(text, _Loader), _Loader(text).get_single_data()
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
    except RecursionError:
        raise InvalidFile(f"{file}:1:1: its values are nested too deep; correct it") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or error
        reason = _NOT_BEGUN_SO if problem == _NO_TOKEN else problem
        raise InvalidFile(f"{_place(file, mark)}: {reason}; correct it") from None


def _sentence(file: Path, node: yaml.Node | None, error: dict[str, Any]) -> str:
    """Return an error of pydantic's as a sentence, with the place of the value, of an unknown name
    that of the name. An item of a list is called by the name of the list."""
    is_unknown = error["type"] == "extra_forbidden"
    place = _place(file, _mark_at(node, error["loc"], of_name=is_unknown))
    if error["type"] == "value_error":
        return f"{place}: {error['ctx']['error']}"
    names = [part for part in error["loc"] if isinstance(part, str)]
    name = f'"{names[-1]}"' if names else "the file"
    if error["loc"] and isinstance(error["loc"][-1], int):
        name = f"an item of {name}"
    ending = _ENDINGS.get(error["type"], f"cannot be used: {error['msg']}; correct it")
    return f"{place}: {name} {ending}"


def _mark_at(node: yaml.Node | None, location: Location, *, of_name: bool = False) -> Any:
    """Return the mark of a value in the file, or of its name; of a value that is missing that of
    the mapping which lacks it."""
    nearest: yaml.Node | None = node
    for part in location:
        name_node, node = _below(node, part)
        nearest = (name_node if of_name else node) or nearest
    return nearest and nearest.start_mark


def _place(file: Path, mark: Any) -> str:
    """Return `sandbox.yaml:3:5`: the file with line and column of a mark, 1:1 where it is None."""
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return f"{file}:{line}:{column}"


def _below(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """Return the nodes of a name in a mapping and of its value; None and the value of a position in
    a list; twice None where the node has no such part."""
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
