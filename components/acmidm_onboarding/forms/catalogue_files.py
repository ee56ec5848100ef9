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
    """Return the catalogue in ``folder``, one product per YAML file; ``files`` None: those on the
    disk. Files that this process has checked before, the same bytes under the same paths, are not
    checked again.

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
    """Return the content of a file, or why it cannot be read: a value, by which ``_catalogue_of``
    is cached."""
    try:
        return files.content(file)
    except Unreadable as error:
        return error


@lru_cache(maxsize=4)
def _catalogue_of(product_files: tuple[tuple[Path, bytes | Unreadable], ...]) -> Catalogue:
    """Return the catalogue of product files, each a path as messages show it, with the file's
    content or why that cannot be read.

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
    """Yield each scope of this product whose name on a platform is that of another scope too: an
    authority would grant and withdraw the two as one. ``scopes_by_name`` has the names of the
    files before, and gets those of this one."""
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
    """Yield each scope and attribute of this product that an earlier file has too. ``first_files``
    has the first file of each, as ("scope", "dv_kbo"), and gets those of this one."""
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
    """Yield what ``fields``, ``senders`` and the schema of a product do not say alike: a field of
    the schema that is not under ``fields``, one there that the schema lacks, one that speaks for
    somebody and is no text, and a ``known_by`` that is no field that speaks for somebody."""
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
