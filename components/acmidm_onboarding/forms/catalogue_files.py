"""Read the catalogue: one product per file, and what several files must satisfy together."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from acmidm_onboarding.forms.catalogue import Catalogue, Product
from acmidm_onboarding.forms.documents import Unreadable, YamlDocument, read_document, text_of
from acmidm_onboarding.forms.files import Files, shown
from acmidm_onboarding.forms.validation import validated
from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.problems import InvalidForms, Problem, did_you_mean, quoted
from acmidm_onboarding.values.terms import Platform

MOST_PRODUCTS = 500
"""Files of a catalogue: of a revision they are few objects of Git, and each takes as long to check
as a form."""


def load_catalogue(folder: Path, files: Files | None = None) -> Catalogue:
    """Read the catalogue in ``folder``, one product per YAML file. Where this process has read the
    same bytes under the same paths, as messages show these, nothing is checked a second time.

    Raises:
        InvalidForms: with every mistake in it.
    """
    problems: list[Problem] = []
    files = files or Files()
    found = files.yaml_files(folder, problems)
    if len(found) > MOST_PRODUCTS:
        what = tr("this catalogue has more than {most} files", most=MOST_PRODUCTS)
        problems.append(Problem(shown(folder), 1, 1, what, tr("keep one per product")))
    if problems:
        raise InvalidForms(problems)
    return _catalogue_of(tuple((shown(file), _content(file, files)) for file in found))


def _content(file: Path, files: Files) -> bytes | Unreadable:
    try:
        return files.content(file)
    except Unreadable as error:
        return error


@lru_cache(maxsize=4)
def _catalogue_of(product_files: tuple[tuple[Path, bytes | Unreadable], ...]) -> Catalogue:
    """Return the catalogue of product files, each with its content or why that cannot be read.

    Raises:
        InvalidForms: with every mistake in them.
    """
    problems: list[Problem] = []
    products: dict[str, Product] = {}
    first_files: dict[tuple[str, str], Path] = {}
    scopes_by_name: dict[tuple[Platform, str], str] = {}
    for file, content in product_files:
        document = read_document(file, partial(_text, content))
        product, mistakes = validated(Product, document)
        problems += mistakes
        if product is None:
            continue
        problems += document.first_problems(_problems_of_fields(document, product))
        if product.product in products:
            problems.append(
                document.problem(
                    ("product",),
                    tr('product "{product}" is in another file too', product=product.product),
                    tr("keep one of the two"),
                )
            )
        problems += _problems_of_scope_names(document, product, scopes_by_name)
        problems += _problems_of_second_files(document, product, first_files)
        products[product.product] = product
    if problems:
        raise InvalidForms(problems)
    return Catalogue(products)


def _text(content: bytes | Unreadable) -> str:
    if isinstance(content, Unreadable):
        raise content
    return text_of(content)


_IN_TWO_FILES = {
    "scope": N_('scope "{name}" is in {file} too'),
    "attribute": N_('attribute "{name}" is in {file} too'),
}


def _problems_of_scope_names(
    document: YamlDocument, product: Product, scopes_by_name: dict[tuple[Platform, str], str]
) -> Iterator[Problem]:
    """Yield each scope that a platform calls as it calls another: an authority would grant and
    withdraw the two as one. Add the names of this file to ``scopes_by_name``."""
    for scope, described in product.scopes.items():
        for platform, name in described.names_of(scope).items():
            first = scopes_by_name.setdefault((platform, name), scope)
            if first == scope:
                continue
            yield document.problem(
                ("scopes", scope, "names", platform.value),
                tr(
                    'scope "{other}" is called "{name}" on {platform} too',
                    other=first,
                    name=name,
                    platform=platform,
                ),
                tr("give each scope a name of its own"),
            )


def _problems_of_second_files(
    document: YamlDocument, product: Product, first_files: dict[tuple[str, str], Path]
) -> Iterator[Problem]:
    """Yield each scope and attribute that an earlier file has too. Add those of this file to
    ``first_files``."""
    for kind, names in (("scope", product.scopes), ("attribute", product.attributes)):
        for name in names:
            first = first_files.setdefault((kind, name), document.file)
            if first == document.file:
                continue
            yield document.problem(
                (f"{kind}s", name),
                translated(_IN_TWO_FILES[kind], name=name, file=first),
                tr("keep one of the two"),
                at_key=True,
            )


def _problems_of_fields(document: YamlDocument, product: Product) -> Iterator[Problem]:
    """Yield each field of a product's configuration without a source, each source without a field,
    and each field that speaks for somebody and cannot: it is no text."""
    properties = product.properties
    for name in properties:
        if name not in product.fields:
            yield document.problem(
                ("configuration", "properties", name),
                tr("{name} is not under fields", name=quoted(name)),
                tr("add there its source, and its basis: documented, seen or assumed"),
                at_key=True,
            )
    known_by = product.sender_field
    if known_by and known_by not in product.speaks_for:
        yield document.problem(
            ("senders", "known_by"),
            tr("unknown field {name}", name=quoted(known_by)),
            did_you_mean(known_by, product.speaks_for, tr("correct it")),
        )
    for name, field in product.fields.items():
        if name not in properties:
            yield document.problem(
                ("fields", name),
                tr("{name} is no property of configuration", name=quoted(name)),
                did_you_mean(name, properties, tr("add it there, or remove it here")),
                at_key=True,
            )
        elif field.speaks_for and not _is_of_texts(properties[name]):
            yield document.problem(
                ("fields", name, "speaks_for"),
                tr(
                    "{name} speaks for somebody, and is no text or list of texts", name=quoted(name)
                ),
                tr("give it type: string"),
            )


def _is_of_texts(schema: Any) -> bool:
    """Return whether a schema is that of a text, or of a list of texts."""
    match schema:
        case {"type": "string"} | {"type": "array", "items": {"type": "string"}}:
            return True
    return False
