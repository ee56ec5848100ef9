"""What must be right about the fields of a product together: each has its source, is there, and can
speak where it has to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from acmidm_onboarding.forms.catalogue import Product
from acmidm_onboarding.forms.documents import Document
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import Problem, did_you_mean, quoted


def problems_of_fields(document: Document, product: Product) -> Iterator[Problem]:
    """Yield each field of a configuration that does not say where it comes from, each that is not
    there, each that cannot speak."""
    properties = (product.configuration or {}).get("properties", {})
    for name in properties:
        if name not in product.fields:
            remedy = tr("add there its source, and its basis: documented, seen or assumed")
            yield document.problem(
                ("configuration", "properties", name),
                tr("{name} is not under fields", name=quoted(name)),
                remedy,
                at_key=True,
            )
    if (
        product.senders
        and product.senders.known_by
        and product.senders.known_by not in product.speaks_for
    ):
        remedy = did_you_mean(product.senders.known_by, product.speaks_for, tr("correct it"))
        what = tr("unknown field {name}", name=quoted(product.senders.known_by))
        yield document.problem(("senders", "known_by"), what, remedy)
    for name, field in product.fields.items():
        if name not in properties:
            remedy = did_you_mean(name, properties, tr("add it there, or remove it here"))
            yield document.problem(
                ("fields", name),
                tr("{name} is no property of configuration", name=quoted(name)),
                remedy,
                at_key=True,
            )
        elif field.speaks_for and not _is_of_texts(properties[name]):
            what = tr(
                "{name} speaks for somebody, and is no text or list of texts", name=quoted(name)
            )
            yield document.problem(("fields", name, "speaks_for"), what, tr("give it type: string"))


def _is_of_texts(schema: Any) -> bool:
    """Return whether a schema is that of a text, or of a list of texts."""
    match schema:
        case {"type": "string"} | {"type": "array", "items": {"type": "string"}}:
            return True
    return False
