"""The tables of `docs/products.md`, from the routes, documents and code lists."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi.openapi.utils import get_openapi

from acmidm_sandbox.beheerportaal.products import code_lists, dosis, notificaties
from acmidm_sandbox.beheerportaal.products.errors import FieldError, ProductError

BEGIN, END = "<!-- Written by `make schema` from the code: what follows. -->", "<!-- until here -->"
_NAMES = {
    "string": "text",
    "boolean": "true or false",
    "integer": "number",
    "object": "object",
    "null": "null",
}


def written(page: str) -> str:
    """Return the page with its tables as they are now."""
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def tables() -> str:
    """Return all of them, in Markdown."""
    parts: list[str] = []
    errors: dict[str, Any] = {}
    for title, router in (("DOSIS", dosis.router), ("Notificaties", notificaties.router)):
        document = get_openapi(title=title, version="", routes=router.routes)
        schemas = {
            name: schema
            for name, schema in document["components"]["schemas"].items()
            if _is_ours(schema)
        }
        errors = {name: schemas.pop(name) for name in (ProductError.__name__, FieldError.__name__)}
        parts += [
            f"### {title}",
            *_table(("call", "what it does", "", "source"), _calls(document)),
            *_documents(schemas),
        ]
    return (
        "\n\n".join(
            [
                *parts,
                "### The form of errors",
                *_documents(errors),
                "### Code lists",
                *_code_lists(),
            ]
        )
        + "\n"
    )


def _is_ours(schema: dict[str, Any]) -> bool:
    return any("x-basis" in member for member in schema.get("properties", {}).values())


def _documents(schemas: dict[str, Any]) -> Iterator[str]:
    for name, schema in schemas.items():
        yield f"#### {name}"
        yield _line(schema["description"])
        yield from _table(("member", "value", "what it is", "", "source"), _members(schema))


def _calls(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            queries = [parameter["name"] for parameter in operation.get("parameters", ())]
            call = (
                f"`{method.upper()}"
                f" {path}{'?' if queries else ''}{'&'.join(f'{name}=' for name in queries)}`"
            )
            yield call, _line(operation["description"]), operation["x-basis"], operation["x-source"]


def _members(schema: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, member in schema["properties"].items():
        required = "**required**, " if name in schema.get("required", ()) else ""
        yield (
            f"`{name}`",
            f"{required}{_value(member)}",
            _line(member["description"]),
            member["x-basis"],
            member["x-source"],
        )


def _value(schema: dict[str, Any]) -> str:
    name = schema.get("$ref", "").rpartition("/")[2]
    if name not in ("", "JsonValue"):
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_value(part) for part in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_value(schema['items'])}"
    return _NAMES.get(schema.get("type", ""), "anything")


def _code_lists() -> Iterator[str]:
    phases = (
        (f"`{phase}`", ", ".join(f"`{code}`" for code in codes))
        for phase, codes in code_lists.PHASES.items()
    )
    yield (
        "Phases (`VlaamsFase`) and the codes (`VlaamsCode`) seen in each. Source:"
        f" {code_lists.PHASES_SOURCE}."
    )
    yield from _table(("phase", "codes"), phases)
    for title, entries in (
        ("Who an agent may be", code_lists.AGENTS),
        ("What an agent may do", code_lists.RIGHTS),
    ):
        yield from _table(
            (title, "", "source"), ((name, *entry) for name, entry in entries.items())
        )
    for category, values in code_lists.KEY_VALUE_SETS.items():
        yield (
            f"Keys of `SleutelWaardeParen` in category `{category}`, the only one that is public."
            f" Source: {values.source}."
        )
        kinds = (
            ("required", values.required),
            ("optional", values.optional),
            ("filled in by the platform", values.filled_in),
        )
        yield from _table(
            ("", "keys"), ((kind, ", ".join(f"`{key}`" for key in keys)) for kind, keys in kinds)
        )


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    lines = [heads, tuple("---" for _ in heads), *rows]
    yield "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def _line(text: str) -> str:
    return " ".join(text.split())
