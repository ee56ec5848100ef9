"""In whose name a form speaks: by fields such as ``aanbieder_uri``, of which each organisation may
have only the values that its ``organisation.yaml`` has under ``speaks_for``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from acmidm_onboarding.forms.catalogue import Catalogue, Product, Speaks
from acmidm_onboarding.forms.documents import YamlDocument
from acmidm_onboarding.forms.files import ORGANISATION_FILE
from acmidm_onboarding.forms.validation import unknown_field
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.identifiers import codes_within
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.plain import without
from acmidm_onboarding.values.problems import (
    DocumentPath,
    Problem,
    did_you_mean,
    either,
    listed,
    quoted,
)


def problems_of_speakers(
    organisations: Iterable[tuple[YamlDocument, Organisation]], catalogue: Catalogue
) -> Iterator[Problem]:
    """Yield each name under ``speaks_for`` of an organisation that is no field or attribute of the
    catalogue by which a client speaks for somebody."""
    for document, organisation in organisations:
        for name in organisation.speaks_for.keys() - catalogue.speaking_fields.keys():
            remedy = did_you_mean(
                name,
                catalogue.speaking_fields,
                tr("known here: {known}", known=listed(catalogue.speaking_fields)),
            )
            yield unknown_field(document, ("speaks_for", name), remedy)


def problems_of_attribute_value(
    document: YamlDocument,
    path: DocumentPath,
    name: str,
    how: Speaks | None,
    value: str,
    organisation: Organisation,
) -> Iterator[Problem]:
    """Yield a mistake where the ``value`` of an attribute speaks for somebody for whom its
    organisation may not speak. An attribute that speaks for nobody (``how`` None) may not have the
    code of another organisation in it."""
    organisation_file = document.file.with_name(ORGANISATION_FILE)
    allowed = organisation.speaks_for.get(name, ())
    if how is not None and not how.allows(value, allowed):
        what = tr(
            "attribute {name} is {value}, for which {organisation} does not speak",
            name=name,
            value=quoted(value),
            organisation=organisation.name,
        )
        yield document.problem(path, what, _remedy(how, allowed, organisation_file))
    elif how is None and (others := codes_within(value) - {organisation.ovo, organisation.kbo}):
        what = tr(
            "attribute {name} has {others} in it, which is no code of {organisation}",
            name=name,
            others=listed(others),
            organisation=organisation.name,
        )
        yield document.problem(
            path, what, tr("write its own, or none: a client says nothing in the name of another")
        )


def problems_of_speaking_values(
    document: YamlDocument,
    path: DocumentPath,
    product: Product,
    configuration: Mapping[str, Any],
    organisation: Organisation,
) -> Iterator[Problem]:
    """Yield each value of a configuration that speaks for somebody for whom its organisation may
    not speak. The ``organisation.yaml``, which the onboarding team writes, is right: only the form
    is left out."""
    organisation_file = document.file.with_name(ORGANISATION_FILE)
    for field, value in speaking_values(product, configuration):
        how, allowed = product.speaks_for[field[0]], organisation.speaks_for.get(field[0], ())
        if not how.allows(value, allowed):
            what = tr(
                "{product}, {field} is {value}, for which {organisation} does not speak",
                product=product.product,
                field=field[0],
                value=quoted(value),
                organisation=organisation.name,
            )
            remedy = _remedy(how, allowed, organisation_file)
            problem = document.problem((*path, *field), what, remedy, also=organisation_file)
            yield replace(problem, is_other_right=True)


def speaking_values(
    product: Product, configuration: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, *tuple[int, ...]], str]]:
    """Yield each text by which a configuration speaks for somebody, with its place in it:
    ("aanbieder_uri",), or ("bronnen", 0) in a list. What is no text is refused by the product's
    schema."""
    for field in product.speaks_for:
        match configuration.get(field):
            case str(value):
                yield (field,), value
            case list(values):
                for index, value in enumerate(values):
                    if isinstance(value, str):
                        yield (field, index), value


def notes_about_names(
    folder: str,
    organisation: Organisation,
    organisations: Mapping[str, Organisation],
) -> Iterator[str]:
    """Yield a sentence with all names under which a new organisation will speak, and one with those
    that are another's; none where it speaks for nobody. ``organisations`` are all others, by
    folder."""
    if not organisation.speaks_for:
        return
    names = listed_names(organisation)
    yield tr(
        "{folder} is new, and its {file} lets it speak as {names}: check that it may",
        folder=folder,
        file=ORGANISATION_FILE,
        names=names,
    )
    yield from notes_about_names_of_others(folder, organisation, organisations)


def listed_names(organisation: Organisation) -> str:
    """Return the names under which an organisation may speak, in a sentence: ``aanbieder_uri
    https://…, https://…; merk_code gent``."""
    names = organisation.speaks_for.items()
    return "; ".join(f"{name} {', '.join(values)}" for name, values in names)


def notes_about_names_of_others(
    folder: str,
    organisation: Organisation,
    organisations: Mapping[str, Organisation],
) -> Iterator[str]:
    """Yield a sentence with the names of an organisation that are another's, by what that one may
    say or by a code in the value; none without such. ``organisations`` has all, by folder."""
    neighbours = without(organisations, (folder,))
    claims: list[str] = []
    for name, values in organisation.speaks_for.items():
        for value in values:
            owners = _folders_named_in(name, value, organisation, neighbours)
            if owners:
                claim = tr("{name} {value}, of {owners}", name=name, value=value, owners=owners)
                claims.append(claim)
    if claims:
        yield tr(
            "{folder} would speak in the name of another: {claims}; ask that one before this"
            " counts",
            folder=folder,
            claims="; ".join(claims),
        )


def _folders_named_in(
    name: str, value: str, organisation: Organisation, organisations: Mapping[str, Organisation]
) -> str:
    """Return the folders of the other organisations in whose name a value speaks, such as ``aalst,
    gent``: a name of theirs, or their code in it. A code of no folder stands for itself; empty
    where there is none."""
    codes = codes_within(value) - {organisation.ovo, organisation.kbo}
    owners: set[str] = set()
    unknown = set(codes)
    for folder, neighbour in organisations.items():
        of_neighbour = codes & {neighbour.ovo, neighbour.kbo}
        unknown -= of_neighbour
        if of_neighbour or _overlaps(value, neighbour.speaks_for.get(name, ())):
            owners.add(folder)
    return ", ".join(sorted(owners | unknown))


def _overlaps(value: str, names: Iterable[str]) -> bool:
    """Return whether a person would take a value for one of the names: they are equal but for case
    and a slash at the end, or one is below the other."""
    value = _as_read(value)
    for name in map(_as_read, names):
        if Speaks.BEGINNING.allows(value, [name]) or Speaks.BEGINNING.allows(name, [value]):
            return True
    return False


def _as_read(name: str) -> str:
    return name.casefold().rstrip("/")


def _remedy(how: Speaks, allowed: Sequence[str], organisation_file: Path) -> str:
    return tr(
        "{allowed}; the onboarding team adds others under speaks_for in {file}",
        allowed=_allowed(how, allowed),
        file=organisation_file,
    )


def _allowed(how: Speaks, allowed: Sequence[str]) -> str:
    """Return the part of a remedy that says which values a field may have."""
    if not allowed:
        return tr("no value of it is allowed yet")
    values = either(map(quoted, allowed))
    if how is Speaks.BEGINNING:
        return tr("use what begins with {allowed}", allowed=values)
    return tr("use {allowed}", allowed=values)
