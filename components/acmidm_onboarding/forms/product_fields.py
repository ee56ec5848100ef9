"""What must be right about the fields of a product together: each has its source, is there, and can
speak where it has to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from acmidm_onboarding.forms.catalogue import Product
from acmidm_onboarding.forms.documents import Document
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import Problem, did_you_mean, quoted


def problems_of_fields(document: Document, product: Product) -> Iterator[Problem]:
    """Yield each field of a configuration that does not say where it comes from, each that is not
    there, each that cannot speak."""
    properties = (product.configuration or {}).get("properties", {})
    for name in properties:
        if name not in product.fields:
            remedy = say("forms.field_without_source.remedy")
            yield document.problem(
                ("configuration", "properties", name),
                say("forms.field_without_source", name=quoted(name)),
                remedy,
                at_key=True,
            )
    if (
        product.senders
        and product.senders.known_by
        and product.senders.known_by not in product.speaks_for
    ):
        remedy = did_you_mean(product.senders.known_by, product.speaks_for, say("forms.correct"))
        what = say("forms.unknown_field", name=quoted(product.senders.known_by))
        yield document.problem(("senders", "known_by"), what, remedy)
    for name, field in product.fields.items():
        if name not in properties:
            remedy = did_you_mean(name, properties, say("forms.field_of_nothing.remedy"))
            yield document.problem(
                ("fields", name),
                say("forms.field_of_nothing", name=quoted(name)),
                remedy,
                at_key=True,
            )
        elif field.speaks_for and not _is_of_texts(properties[name]):
            what = say("forms.speaks_without_text", name=quoted(name))
            yield document.problem(
                ("fields", name, "speaks_for"), what, say("forms.speaks_without_text.remedy")
            )


def _is_of_texts(schema: Any) -> bool:
    """Return whether a schema is that of a text, or of a list of texts."""
    match schema:
        case {"type": "string"} | {"type": "array", "items": {"type": "string"}}:
            return True
    return False
