"""From a document to a model value, with pydantic's errors in plain sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from acmidm_onboarding.forms.documents import Document
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import (
    DocumentPath,
    Problem,
    did_you_mean,
    listed,
    nearest,
    quoted,
)

M = TypeVar("M", bound=BaseModel)

_MOST_GUESSED = 100
"""Misspelt names that are read as the nearest known one; each is renamed in all places of the
file."""


def validated(model: type[M], document: Document) -> tuple[M | None, list[Problem]]:
    """Return the document as ``model``, None where it has mistakes of shape, and every mistake in
    it.

    A misspelt name is reported, then read as the nearest known one: what is below it is checked at
    once, and nothing counts as missing. It is a guess, so that a wrong kind of value there is not
    reported.
    """
    if not document.whole:
        return None, document.problems
    if not isinstance(document.data, dict):
        return None, [
            *document.problems,
            document.problem((), say("forms.no_mapping"), say("forms.no_mapping.remedy")),
        ]
    problems, guessed = list(document.problems), set[DocumentPath]()
    while True:
        try:
            return model.model_validate(document.data), problems
        except ValidationError as error:
            # Collected before anything is renamed: positions belong to the names as written.
            wrong = [details for details in _errors(error) if details["loc"] not in guessed]
        mistakes = list(document.first(_problem(model, document, details) for details in wrong))
        renamed = {
            path: problem
            for details, problem in zip(wrong, mistakes, strict=False)
            if (path := _rename(model, document, details))
        }
        if not renamed or len(guessed) > _MOST_GUESSED:
            return None, [*problems, *mistakes]
        problems += renamed.values()
        guessed |= renamed.keys()


def _rename(
    model: type[BaseModel], document: Document, details: ErrorDetails
) -> DocumentPath | None:
    """Rename a misspelt name to the nearest known one and return its path; None where no name is
    near, or the form has it too."""
    path = tuple(part for part in details["loc"] if part != "[key]")
    names: Iterable[str] = ()
    if path == ("organisation",) or not document.has(path):
        # A parent was renamed: the next round finds the field.
        return None
    if details["type"] == "extra_forbidden":
        names = _known_names(model, path[:-1])
    elif (
        details["type"] == "enum"
        and details["loc"][-1] == "[key]"
        and isinstance(document.at(path), dict)
    ):
        names = _expected(details)
    meant = nearest(str(path[-1]), names) if names else None
    return (*path[:-1], meant) if meant is not None and document.rename(path, meant) else None


def _errors(error: ValidationError) -> list[ErrorDetails]:
    """Return the errors, without "is empty" for a list whose items were all refused."""
    errors = error.errors(include_url=False)
    owners = {
        details["loc"][:length] for details in errors for length in range(len(details["loc"]))
    }
    return [
        details
        for details in errors
        if details["type"] != "too_short" or details["loc"] not in owners
    ]


def _is_of_the_top(model: type[BaseModel], path: DocumentPath) -> bool:
    """Return whether an environment of a form has a field that the form has for all of them."""
    return len(path) == 3 and path[0] == "environments" and path[2] in model.model_fields


def _problem(model: type[BaseModel], document: Document, details: ErrorDetails) -> Problem:
    is_key = details["loc"][-1:] == ("[key]",)
    path = tuple(part for part in details["loc"] if part != "[key]")
    name, kind = _name(path), details["type"]
    match kind:
        case "extra_forbidden" if path == ("organisation",):
            return document.problem(
                path,
                say("forms.organisation_in_form"),
                say("forms.organisation_in_form.remedy"),
                at_key=True,
            )
        case "extra_forbidden" if path == ("preserve",):
            what, remedy = say("forms.unknown_field", name=name), say("forms.preserve_ended")
            return document.problem(path, what, remedy, at_key=True)
        case "extra_forbidden" if _is_of_the_top(model, path):
            what, remedy = say("forms.unknown_field", name=name), say("forms.at_the_top")
            return document.problem(path, what, remedy, at_key=True)
        case "extra_forbidden":
            names = _known_names(model, path[:-1])
            remedy = did_you_mean(str(path[-1]), names, say("forms.known", known=listed(names)))
            return document.problem(
                path, say("forms.unknown_field", name=name), remedy, at_key=True
            )
        case "value_error":
            what, remedy = split_sentence(str(details["ctx"]["error"]))
        case "enum":
            what, remedy = _unknown_value(name, details, is_key)
        case "too_short" if path[-1:] == ("jwks",):
            what, remedy = say("forms.no_keys", name=name), say("forms.no_keys.remedy")
        case "no_file_name":
            what, remedy = say("forms.no_file_name", name=name), say("forms.no_file_name.remedy")
        case _:
            ending = ending_of(details)
            what = (
                f"{name} {ending}"
                if ending
                else f"{name}: {details['msg'][:1].lower()}{details['msg'][1:]}"
            )
            remedy = say(_ROWS[kind].remedy if ending else "forms.correct")
    return document.problem(path, what, remedy, at_key=is_key)


def _unknown_value(name: str, details: ErrorDetails, is_key: bool) -> tuple[str, str]:
    value, names = details["input"], _expected(details)
    what = unknown_value(value)
    return what if is_key else f"{name}: {what}", did_you_mean(
        str(value), names, say("forms.use", known=listed(names))
    )


def unknown_value(value: object) -> str:
    """Return the sentence about a value that is none of an enumeration."""
    return (
        say("forms.unknown_value", value=quoted(value))
        if isinstance(value, str)
        else say("forms.unknown_other_value")
    )


class _Row(NamedTuple):
    """The end of the sentence about a name, and what to do."""

    ending: str
    remedy: str


_ROWS = {
    "missing": _Row("shape.missing", "shape.missing.remedy"),
    "too_short": _Row("shape.too_short", "shape.too_short.remedy"),
    "too_long": _Row("shape.too_long", "shape.too_long.remedy"),
    "string_too_short": _Row("shape.string_too_short", "shape.string_too_short.remedy"),
    "string_too_long": _Row("shape.string_too_long", "shape.string_too_long.remedy"),
    "not_one_line": _Row("shape.not_one_line", "shape.not_one_line.remedy"),
    "string_pattern_mismatch": _Row(
        "shape.string_pattern_mismatch", "shape.string_pattern_mismatch.remedy"
    ),
    "string_type": _Row("shape.string_type", "shape.string_type.remedy"),
    "tuple_type": _Row("shape.tuple_type", "shape.tuple_type.remedy"),
    "dict_type": _Row("shape.dict_type", "shape.dict_type.remedy"),
    "model_type": _Row("shape.model_type", "shape.model_type.remedy"),
    "bool_type": _Row("shape.bool_type", "shape.bool_type.remedy"),
    "bool_parsing": _Row("shape.bool_parsing", "shape.bool_parsing.remedy"),
    "path_type": _Row("shape.path_type", "shape.path_type.remedy"),
    "int_type": _Row("shape.int_type", "shape.int_type.remedy"),
    "int_parsing": _Row("shape.int_parsing", "shape.int_parsing.remedy"),
    "int_from_float": _Row("shape.int_from_float", "shape.int_from_float.remedy"),
    "greater_than": _Row("shape.greater_than", "shape.greater_than.remedy"),
    "greater_than_equal": _Row("shape.greater_than_equal", "shape.greater_than_equal.remedy"),
    "less_than_equal": _Row("shape.less_than_equal", "shape.less_than_equal.remedy"),
    "url_type": _Row("shape.url_type", "shape.url_type.remedy"),
    "url_parsing": _Row("shape.url_parsing", "shape.url_parsing.remedy"),
    "url_scheme": _Row("shape.url_scheme", "shape.url_scheme.remedy"),
    "timezone_aware": _Row("shape.timezone_aware", "shape.timezone_aware.remedy"),
    "datetime_type": _Row("shape.datetime_type", "shape.datetime_type.remedy"),
    "datetime_parsing": _Row("shape.datetime_parsing", "shape.datetime_parsing.remedy"),
    "datetime_from_date_parsing": _Row(
        "shape.datetime_from_date_parsing", "shape.datetime_from_date_parsing.remedy"
    ),
}
"""By the kinds of pydantic's errors."""


def ending_of(details: ErrorDetails) -> str | None:
    """Return the end of the sentence about a name, by the kind of its error; None for a kind that
    has none."""
    row = _ROWS.get(details["type"])
    return say(row.ending, **details.get("ctx", {})) if row else None


def _expected(details: ErrorDetails) -> list[str]:
    """Return the values of an enumeration."""
    return [part.strip("' ") for part in details["ctx"]["expected"].replace(" or ", ",").split(",")]


def _name(path: DocumentPath) -> str:
    """Name the value at ``path`` as a person would: ``"contacts"``, or ``item 2 of "contacts"``."""
    match path:
        case ():
            return say("forms.the_file")
        case (*_, str(owner), int(index)):
            return say("forms.item_of", number=index + 1, owner=quoted(owner))
    return quoted(str(path[-1]))


def split_sentence(sentence: str) -> tuple[str, str]:
    """Split ``what; what to do``. Only the first half may repeat an author's text, with semicolons
    of its own."""
    what, _, remedy = sentence.rpartition("; ")
    return (what, remedy) if what else (sentence, say("forms.correct"))


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
