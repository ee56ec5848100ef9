"""The catalogue of Dutch sentences: ``make schema`` gives it every English sentence of the code,
``make venv`` compiles it. Needs Babel, so it runs with the Python of ``.venv``."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from io import BytesIO
from operator import itemgetter
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from toolchain.common import ROOT
from toolchain.install_venv import COMPILED, DUTCH

PACKAGES = ("components/acmidm_onboarding", "acmidm", "acmidm_sandbox")
TEMPLATES = ("acmidm/render/templates/*.j2", "components/acmidm_onboarding/mail/templates/*")
FORMS = {"tr": 1, "N_": 1, "ntr": 2, "NN_": 2}
"""What marks a sentence, and how many forms of it are its first arguments."""
# Its dates never change, so that the same catalogue compiles to the same file.
HEADER = """\
# The Dutch of each English sentence: write it below its msgid. make schema adds what is missing.
msgid ""
msgstr ""
"POT-Creation-Date: 2026-12-01 00:00+0000\\n"
"PO-Revision-Date: 2026-12-01 00:00+0000\\n"
"Language: nl\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""
Sentence = str | tuple[str, ...]


class NotLiteral(Exception):
    """A sentence is no literal text, so that nobody can translate it."""


def forms_of(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the forms of a sentence, as Babel has it: ("{count} key", "{count} keys") of a plural,
    the sentence alone of any other, ("",) of None."""
    if text is None or isinstance(text, str):
        return (text or "",)
    return tuple(text)


def sentences_in(source: str, file: str) -> Iterator[Sentence]:
    """Yield each sentence in the source of a module that a call of `FORMS` marks; of a plural its
    two forms. Raises NotLiteral, which names the `file`."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in FORMS:
                yield _sentence(_literal(argument, file) for argument in node.args[: FORMS[name]])


def _sentence(forms: Iterable[str]) -> Sentence:
    """Return one form as a text, two as a pair."""
    first, *others = forms
    return (first, *others) if others else first


def _literal(node: ast.expr, file: str) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise NotLiteral(f"{file}:{node.lineno}: {ast.unparse(node)} is no literal text")


@cache
def sentences() -> tuple[tuple[str, Sentence], ...]:
    """Return each sentence of the packages and their templates, with its file."""
    return (*_in_modules(), *_in_templates())


def _in_modules() -> Iterator[tuple[str, Sentence]]:
    """Yield the sentences of the packages' modules, each with its file."""
    texts = DUTCH.with_name("__init__.py")
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            file = path.relative_to(ROOT).as_posix()
            source = path.read_text("utf-8")
            if path == texts:
                # The methods below hand sentences on that others have marked.
                source = source.partition("class Language")[0]
            for sentence in sentences_in(source, file):
                yield file, sentence


def _in_templates() -> Iterator[tuple[str, Sentence]]:
    """Yield the sentences of the templates, each with its file. Raises NotLiteral."""
    for pattern in TEMPLATES:
        for path in sorted(ROOT.glob(pattern)):
            file = path.relative_to(ROOT).as_posix()
            calls = babel_extract(BytesIO(path.read_bytes()), [*FORMS], [], {})
            for line, name, texts, _ in calls:
                # Babel gives one argument as a text, several as a tuple, with None for one that is
                # no literal.
                arguments = [texts] if isinstance(texts, str) else (texts or [])
                forms = [text for text in arguments[: FORMS[name]] if text is not None]
                if len(forms) < FORMS[name]:
                    raise NotLiteral(f"{file}:{line}: {name} has no literal text")
                yield file, _sentence(forms)


def read() -> Catalog:
    """Return the catalogue of Dutch."""
    with DUTCH.open("rb") as file:
        return read_po(file, locale="nl")


def updated(catalogue: Catalog) -> Catalog:
    """Return a catalogue of the sentences that the code has now, with the Dutch of the given one.

    A sentence keeps its place when its code moves, so that branches merge without conflicts.
    """
    new = Catalog(locale="nl")
    for file, sentence in _sentences_in_order_of(catalogue):
        first_form = forms_of(sentence)[0]
        old_message = catalogue.get(first_form)
        dutch = None
        if old_message is not None and old_message.id == sentence:
            dutch = old_message.string
        message = new.get(first_form)
        # A sentence that is also the first form of a plural has the plural's entry: in gettext a
        # msgid has one.
        if message is not None and isinstance(message.id, tuple) and isinstance(sentence, str):
            continue
        new.add(sentence, dutch, locations=[(file, 0)])
    return new


def _sentences_in_order_of(catalogue: Catalog) -> list[tuple[str, Sentence]]:
    """Return each sentence of the code, with its file, in the order of a catalogue. One that the
    catalogue lacks comes after the one before it in the code."""
    places = {forms_of(message.id)[0]: place for place, message in enumerate(catalogue)}
    placed: list[tuple[int, str, Sentence]] = []
    place = 0
    for file, sentence in sentences():
        # A new one has no place: it takes that of the one before it.
        place = places.get(forms_of(sentence)[0], place)
        placed.append((place, file, sentence))
    placed.sort(key=itemgetter(0))
    return [(file, sentence) for _, file, sentence in placed]


def write(catalogue: Catalog) -> None:
    """Write nl.po. The same sentences give the same file, byte for byte."""
    buffer = BytesIO()
    write_po(buffer, catalogue, width=100, omit_header=True, include_lineno=False)
    DUTCH.write_text(HEADER + buffer.getvalue().decode().lstrip("\n"), "utf-8")


def compile_dutch(target: Path = COMPILED) -> None:
    """Write nl.mo, which Python's gettext reads. A part of it would count as newer than nl.po, so
    it is written whole, under another name first."""
    half = target.with_suffix(".new.mo")
    with half.open("wb") as file:
        write_mo(file, read())
    half.replace(target)


if __name__ == "__main__":
    if sys.argv[1:] == ["update"]:
        write(updated(read()))
    compile_dutch()
