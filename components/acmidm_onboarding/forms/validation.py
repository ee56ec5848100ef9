"""From a document to a model value, with pydantic's errors in plain sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from acmidm_onboarding.forms.documents import Document
from acmidm_onboarding.values.problems import DocumentPath, Problem, did_you_mean, listed, nearest, quoted

M = TypeVar("M", bound=BaseModel)

_MOST_GUESSED = 100
"""Misspelt names that are read as the nearest known one; each is renamed in all places of the file."""

SENTENCES = {
    "missing": ("is missing", "add it"),
    "too_short": ("is empty", "give at least one"),
    "too_long": ("has more than {max_length} items", "remove some"),
    "string_too_short": ("is empty", "fill it in"),
    "string_too_long": ("is longer than {max_length} characters", "shorten it"),
    "not_one_line": (
        "contains a line break, a control or invisible character, or a space at an end",
        "write it on one line",
    ),
    "string_pattern_mismatch": ("does not have the form {pattern}", "correct it"),
    "string_type": ("is not a text", "write one value, in quotes where it could be read otherwise"),
    "tuple_type": ("is not a list", "write [one, another], or a line with a hyphen for each"),
    "dict_type": ("is not a mapping of names to values", "write name: value, a line for each"),
    "model_type": ("is not a mapping of names to values", "write name: value, a line for each"),
    "bool_type": ("is not true or false", "write true or false"),
    "bool_parsing": ("is not true or false", "write true or false"),
    "path_type": ("is not the name of a file or folder", "write one value, in quotes where it could be read otherwise"),
    "int_type": ("is not a whole number", "write a whole number"),
    "int_parsing": ("is not a whole number", "write a whole number"),
    "int_from_float": ("is not a whole number", "write a whole number"),
    "greater_than": ("is not more than {gt}", "write a larger number"),
    "greater_than_equal": ("is less than {ge}", "write a larger number"),
    "less_than_equal": ("is more than {le}", "write a smaller number"),
    "url_type": ("is no address such as https://idp.example/op", "correct it"),
    "url_parsing": ("is no address such as https://idp.example/op", "correct it"),
    "url_scheme": ("is no address such as https://idp.example/op", "correct it"),
}
"""Per kind of pydantic error the end of the sentence about a name, and what to do."""


def validated(model: type[M], document: Document) -> tuple[M | None, list[Problem]]:
    """Return the document as ``model``, None where it has mistakes of shape, and every mistake in it.

    A misspelt name is reported, then read as the nearest known one: what is below it is checked at once, and nothing
    counts as missing. It is a guess, so that a wrong kind of value there is not reported.
    """
    if not document.whole:
        return None, document.problems
    if not isinstance(document.data, dict):
        return None, [
            *document.problems,
            document.problem((), "the file is not a mapping of names to values", "copy an existing file and change it"),
        ]
    problems, guessed = list(document.problems), set[DocumentPath]()
    while True:
        try:
            return model.model_validate(document.data), problems
        except ValidationError as error:
            # Before anything is renamed, while places are those of the names as they were written.
            wrong = [details for details in _errors(error) if details["loc"] not in guessed]
        found = list(document.first(_problem(model, document, details) for details in wrong))
        renamed = {
            path: problem
            for details, problem in zip(wrong, found, strict=False)
            if (path := _rename(model, document, details))
        }
        if not renamed or len(guessed) > _MOST_GUESSED:
            return None, [*problems, *found]
        problems += renamed.values()
        guessed |= renamed.keys()


def _rename(model: type[BaseModel], document: Document, details: ErrorDetails) -> DocumentPath | None:
    """Rename a misspelt name to the nearest known one and return its path; None where there is none, or it is there
    too."""
    path = tuple(part for part in details["loc"] if part != "[key]")
    known: Iterable[str] = ()
    if path == ("organisation",) or not document.has(
        path
    ):  # what is above it has been renamed: the next round finds it there
        return None
    if details["type"] == "extra_forbidden":
        known = _known_names(model, path[:-1])
    elif details["type"] == "enum" and details["loc"][-1] == "[key]" and isinstance(document.at(path), dict):
        known = _expected(details)
    meant = nearest(str(path[-1]), known) if known else None
    return (*path[:-1], meant) if meant is not None and document.rename(path, meant) else None


def _errors(error: ValidationError) -> list[ErrorDetails]:
    """Return the errors, without "is empty" for a list whose items were all refused."""
    errors = error.errors(include_url=False)
    owners = {details["loc"][:length] for details in errors for length in range(len(details["loc"]))}
    return [details for details in errors if details["type"] != "too_short" or details["loc"] not in owners]


def _problem(model: type[BaseModel], document: Document, details: ErrorDetails) -> Problem:
    is_key = details["loc"][-1:] == ("[key]",)
    path = tuple(part for part in details["loc"] if part != "[key]")
    name, kind = _name(path), details["type"]
    match kind:
        case "extra_forbidden" if path == ("organisation",):
            return document.problem(
                path, "a form has no organisation block", "move it to organisation.yaml in this folder", at_key=True
            )
        case "extra_forbidden":
            known = _known_names(model, path[:-1])
            remedy = did_you_mean(str(path[-1]), known, f"known here: {listed(known)}")
            return document.problem(path, f"unknown field {name}", remedy, at_key=True)
        case "value_error":
            what, remedy = split_sentence(str(details["ctx"]["error"]))
        case "enum":
            what, remedy = _unknown_value(name, details, is_key)
        case "too_short" if path[-1:] == ("jwks",):
            what, remedy = (
                f"{name} is empty",
                "name a key file; without this line, the organisation uploads its keys in the portal",
            )
        case "string_type" if "jwks" in path:
            what, remedy = (
                f"{name} is not the name of a file",
                "put the public key in a file beside the form, and name that file here",
            )
        case _ if kind in SENTENCES:
            ending, remedy = SENTENCES[kind]
            what = f"{name} {ending.format(**details.get('ctx', {}))}"
        case _:
            what, remedy = f"{name}: {details['msg'][:1].lower()}{details['msg'][1:]}", "correct it"
    return document.problem(path, what, remedy, at_key=is_key)


def _unknown_value(name: str, details: ErrorDetails, is_key: bool) -> tuple[str, str]:
    value, known = details["input"], _expected(details)
    shown = quoted(value) if isinstance(value, str) else "this value"
    return f"{shown} is not known" if is_key else f"{name}: {shown} is not known", did_you_mean(
        str(value), known, f"use {listed(known)}"
    )


def _expected(details: ErrorDetails) -> list[str]:
    """Return the values of an enumeration."""
    return [part.strip("' ") for part in details["ctx"]["expected"].replace(" or ", ",").split(",")]


def _name(path: DocumentPath) -> str:
    """Name the value at ``path`` as a person would: ``"contacts"``, or ``item 2 of "contacts"``."""
    match path:
        case ():
            return "the file"
        case (*_, str(owner), int(index)):
            return f"item {index + 1} of {quoted(owner)}"
    return quoted(str(path[-1]))


def split_sentence(sentence: str) -> tuple[str, str]:
    """Split ``what; what to do``. Only the first half may repeat an author's text, with semicolons of its own."""
    what, _, remedy = sentence.rpartition("; ")
    return (what, remedy) if what else (sentence, "correct it")


def _known_names(model: type[BaseModel], path: DocumentPath) -> list[str]:
    """Return the fields of the model at ``path`` within ``model``."""
    kind: Any = model
    for part in path:
        fields = getattr(kind, "model_fields", {})
        kind = next(_parts(fields[part].annotation if part in fields else kind), kind)
    return list(getattr(kind, "model_fields", {}))


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield the models, or containers of models, in an annotation."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _parts(arguments[0])
    elif isinstance(origin, type) and issubclass(origin, Mapping | Sequence):
        yield from _parts(arguments[1 if issubclass(origin, Mapping) else 0])
    elif origin is not None:
        for argument in arguments:
            yield from _parts(argument)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
