"""From a document to a model value, with pydantic's errors in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from acmidm_onboarding.forms.documents import YamlDocument
from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.problems import (
    DocumentPath,
    Problem,
    Refusal,
    did_you_mean,
    listed,
    nearest,
    quoted,
)

M = TypeVar("M", bound=BaseModel)

_MOST_GUESSED = 100
"""Misspelt names that are read as the nearest known one; each is renamed in all places of the
file."""


def validated(model: type[M], document: YamlDocument) -> tuple[M | None, list[Problem]]:
    """Return the document as ``model``, None where a field is missing or has a wrong value, and
    every mistake in it.

    A misspelt name is reported, then read as the nearest known one: what is below it is checked at
    once, and nothing counts as missing. It is a guess, so that a wrong kind of value there is not
    reported.
    """
    if not document.whole:
        return None, document.problems
    if not isinstance(document.data, dict):
        return None, [
            *document.problems,
            document.problem(
                (),
                tr("the file is not a mapping of names to values"),
                tr("copy an existing file and change it"),
            ),
        ]
    problems = list(document.problems)
    guessed: set[DocumentPath] = set()
    while True:
        try:
            return model.model_validate(document.data), problems
        except ValidationError as error:
            # Collected before anything is renamed: positions belong to the names as written.
            wrong = [details for details in _errors(error) if details["loc"] not in guessed]
        mistakes = list(
            document.first_problems(_problem(model, document, details) for details in wrong)
        )
        renamed: dict[DocumentPath, Problem] = {}
        for details, problem in zip(wrong, mistakes, strict=False):
            path = _rename(model, document, details)
            if path:
                renamed[path] = problem
        if not renamed or len(guessed) > _MOST_GUESSED:
            return None, [*problems, *mistakes]
        problems += renamed.values()
        guessed |= renamed.keys()


def _rename(
    model: type[BaseModel], document: YamlDocument, details: ErrorDetails
) -> DocumentPath | None:
    """Rename a misspelt name in the document to the nearest known one, and return its new path;
    None, and nothing is renamed, for a mistake of another kind, where no name is near, or where the
    document has that name too."""
    path = path_of(details)
    if path == ("organisation",) or not document.contains(path):
        # A mapping above it was renamed: the next round of ``validated`` finds the field.
        return None
    if details["type"] == "extra_forbidden":
        names = _known_names(model, path[:-1])
    elif details["type"] == "enum" and _is_key(details) and isinstance(document.at(path), dict):
        names = _expected(details)
    else:
        return None
    meant = nearest(str(path[-1]), names)
    if meant is None or not document.rename(path, meant):
        return None
    return (*path[:-1], meant)


def path_of(details: ErrorDetails) -> DocumentPath:
    """Return the place of a mistake, without pydantic's word for the key of a mapping."""
    return details["loc"][:-1] if _is_key(details) else details["loc"]


def _is_key(details: ErrorDetails) -> bool:
    """Return whether a mistake is in the key of a mapping: pydantic's word for that stands behind
    the key. A field that nothing can have may be called so itself."""
    return details["loc"][-1:] == ("[key]",) and details["type"] != "extra_forbidden"


def _errors(error: ValidationError) -> Iterator[ErrorDetails]:
    """Yield the errors, without "is empty" for a list whose items were all refused."""
    errors = error.errors(include_url=False)
    above_errors: set[tuple[int | str, ...]] = set()
    for details in errors:
        above_errors |= {details["loc"][:length] for length in range(len(details["loc"]))}
    for details in errors:
        if details["type"] != "too_short" or details["loc"] not in above_errors:
            yield details


def _belongs_at_the_top(model: type[BaseModel], path: DocumentPath) -> bool:
    """Return whether an environment of a form has a field that the form has for all of them."""
    return len(path) == 3 and path[0] == "environments" and path[2] in model.model_fields


def _problem(model: type[BaseModel], document: YamlDocument, details: ErrorDetails) -> Problem:
    """Return the mistake in a document that pydantic reports in ``details``, at its place and in a
    sentence for whoever wrote the file."""
    path = path_of(details)
    name, kind, is_key = _name(path), details["type"], _is_key(details)
    match kind:
        case "extra_forbidden" if path == ("organisation",):
            return document.problem(
                path,
                tr("a form has no organisation block"),
                tr("move it to organisation.yaml in this folder"),
                at_key=True,
            )
        case "extra_forbidden" if path == ("preserve",):
            remedy = tr(
                "write retire: {{on: 2027-03-31, keep: true}}, by which the client stays from that"
                " day on and nobody manages it"
            )
            return unknown_field(document, path, remedy)
        case "extra_forbidden" if _belongs_at_the_top(model, path):
            remedy = tr(
                "write it at the top of the form, beside environments: it is for all of them"
            )
            return unknown_field(document, path, remedy)
        case "extra_forbidden":
            names = _known_names(model, path[:-1])
            known = tr("known here: {known}", known=listed(names))
            return unknown_field(document, path, did_you_mean(str(path[-1]), names, known))
        case "value_error":
            what, remedy = split_sentence(str(details["ctx"]["error"]))
        case "enum":
            what, remedy = _unknown_value(name, details, is_key)
        case "too_short" if path[-1:] == ("jwks",):
            what = tr("{name} is empty", name=name)
            remedy = tr(
                "name a key file; without this line, the organisation uploads its keys in the"
                " portal"
            )
        case "no_file_name":
            what = tr("{name} is not the name of a file", name=name)
            remedy = tr("put the public key in a file beside the form, and name that file here")
        case _ if ending := ending_of(details):
            what, remedy = f"{name} {ending}", translated(_ROWS[kind].remedy)
        case _:
            message = details["msg"]
            what = f"{name}: {message[:1].lower()}{message[1:]}"
            remedy = tr("correct it")
    return document.problem(path, what, remedy, at_key=is_key)


def unknown_field(document: YamlDocument, path: DocumentPath, remedy: str) -> Problem:
    """Return the mistake of a name that nothing at its place can have."""
    what = tr("unknown field {name}", name=_name(path))
    return document.problem(path, what, remedy, at_key=True)


def _unknown_value(name: str, details: ErrorDetails, is_key: bool) -> Refusal:
    """Return what is wrong with a value, or with ``is_key`` a key, that is none of an
    enumeration."""
    value, names = details["input"], _expected(details)
    what = unknown_value(value)
    if not is_key:
        what = f"{name}: {what}"
    return what, did_you_mean(str(value), names, tr("use {known}", known=listed(names)))


def unknown_value(value: object) -> str:
    """Return the sentence about a value that is none of an enumeration."""
    if isinstance(value, str):
        return tr("{value} is not known", value=quoted(value))
    return tr("this value is not known")


class _Row(NamedTuple):
    """The end of the sentence about a name, and what to do."""

    ending: str
    remedy: str


_MAPPING = _Row(N_("is not a mapping of names to values"), N_("write name: value, a line for each"))
_BOOL = _Row(N_("is not true or false"), N_("write true or false"))
_INTEGER = _Row(N_("is not a whole number"), N_("write a whole number"))
_ADDRESS = _Row(N_("is no address such as https://idp.example/op"), N_("correct it"))
_MOMENT = _Row(N_("is no moment"), N_("write one, as 2026-11-28T12:00:00Z"))
_ROWS = {
    "missing": _Row(N_("is missing"), N_("add it")),
    "too_short": _Row(N_("is empty"), N_("give at least one")),
    "too_long": _Row(N_("has more than {max_length} items"), N_("remove some")),
    "string_too_short": _Row(N_("is empty"), N_("fill it in")),
    "string_too_long": _Row(N_("is longer than {max_length} characters"), N_("shorten it")),
    "not_one_line": _Row(
        N_("contains a line break, a control or invisible character, or a space at an end"),
        N_("write it on one line"),
    ),
    "string_pattern_mismatch": _Row(N_("does not have the form {pattern}"), N_("correct it")),
    "string_type": _Row(
        N_("is not a text"), N_("write one value, in quotes where it could be read otherwise")
    ),
    "tuple_type": _Row(
        N_("is not a list"), N_("write [one, another], or a line with a hyphen for each")
    ),
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "bool_type": _BOOL,
    "bool_parsing": _BOOL,
    "path_type": _Row(
        N_("is not the name of a file or folder"),
        N_("write one value, in quotes where it could be read otherwise"),
    ),
    "int_type": _INTEGER,
    "int_parsing": _INTEGER,
    "int_from_float": _INTEGER,
    "greater_than": _Row(N_("is not more than {gt}"), N_("write a larger number")),
    "greater_than_equal": _Row(N_("is less than {ge}"), N_("write a larger number")),
    "less_than_equal": _Row(N_("is more than {le}"), N_("write a smaller number")),
    "url_type": _ADDRESS,
    "url_parsing": _ADDRESS,
    "url_scheme": _ADDRESS,
    "timezone_aware": _Row(
        N_("has no time zone"), N_("write it with one, as 2026-11-28T12:00:00Z")
    ),
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
}
"""By the kinds of pydantic's errors."""


def ending_of(details: ErrorDetails) -> str | None:
    """Return the end of the sentence about a name, such as ``is missing``; None for a kind of error
    that is not in ``_ROWS``."""
    row = _ROWS.get(details["type"])
    return translated(row.ending, **details.get("ctx", {})) if row else None


def _expected(details: ErrorDetails) -> list[str]:
    """Return the values of an enumeration, of which pydantic's error has ``'tni' or 'prod'``."""
    return [part.strip("' ") for part in details["ctx"]["expected"].replace(" or ", ",").split(",")]


def _name(path: DocumentPath) -> str:
    """Name the value at ``path`` as a person would: ``"contacts"``, or ``item 2 of "contacts"``."""
    match path:
        case ():
            return tr("the file")
        case (*_, str(owner), int(index)):
            return tr("item {number} of {owner}", number=index + 1, owner=quoted(owner))
    return quoted(str(path[-1]))


def split_sentence(sentence: str) -> Refusal:
    """Split ``what; what to do`` at its last semicolon: only the first half may repeat an author's
    text, which may have semicolons."""
    what, _, remedy = sentence.rpartition("; ")
    return (what, remedy) if what else (sentence, tr("correct it"))


def _known_names(model: type[BaseModel], path: DocumentPath) -> list[str]:
    """Return the names of the fields that a file of ``model`` may have at ``path``; of the nearest
    model above, where that is none."""
    kind: Any = model
    for part in path:
        fields = getattr(kind, "model_fields", {})
        annotation = fields[part].annotation if part in fields else kind
        kind = next(_parts(annotation), kind)
    return list(getattr(kind, "model_fields", {}))


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield the models in the annotation of a field, also those in its lists and mappings."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _parts(arguments[0])
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield from _parts(arguments[1])
    elif isinstance(origin, type) and issubclass(origin, Sequence):
        yield from _parts(arguments[0])
    elif origin is not None:
        for argument in arguments:
            yield from _parts(argument)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
