"""What is wrong with one value that a form may get: by the same rules as the whole form, and in
their sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from acmidm_onboarding.forms.catalogue import Catalogue, Product
from acmidm_onboarding.forms.configuration import problems_of_configuration
from acmidm_onboarding.forms.documents import Document
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.forms.requirements import problems_of_scope
from acmidm_onboarding.forms.schemas import LinearValidator
from acmidm_onboarding.forms.speaking import problems_of_senders, problems_of_value
from acmidm_onboarding.forms.validation import validated
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import Problem, listed, quoted
from acmidm_onboarding.values.terms import Environment, Platform

_ANSWER = Path()
_FORM: Mapping[str, Any] = {
    "application": "x",
    "contacts": ["x@x.example"],
    "environments": {"tni": {}},
}


def of_form(**answer: Any) -> list[str]:
    """Return what is wrong with one field of a form."""
    return _sentences(validated(Form, Document(_ANSWER, {**_FORM, **answer}))[1])


def of_scope(
    name: str, catalogue: Catalogue, environment: Environment, platform: Platform
) -> list[str]:
    """Return why a scope cannot be chosen."""
    return _sentences(
        problems_of_scope(Document(_ANSWER), (), name, environment, [platform], catalogue)
    )


def of_value(
    product: Product, name: str, value: object, organisation: Organisation, file: Path
) -> list[str]:
    """Return what is wrong with the value of one field of a product: by its schema, else for whom
    it speaks; ``file`` is the ``organisation.yaml`` that says so."""
    schema = {**(product.configuration or {}), "required": []}
    document, given = Document(_ANSWER), {name: value}
    return _sentences(
        problems_of_configuration(document, (), product.product, LinearValidator(schema), given)
    ) or _sentences(problems_of_senders(document, (), product, given, Document(file), organisation))


def of_attribute(
    name: str, value: str, catalogue: Catalogue, organisation: Organisation, file: Path
) -> list[str]:
    """Return why a form may not say an attribute with this value of its client."""
    if name not in catalogue.attributes:
        known = tr("known here: {known}", known=listed(catalogue.attributes))
        remedy = known if catalogue.attributes else tr("it has none yet, so remove it here")
        return [f"{tr('attribute {name} is not in the catalogue', name=quoted(name))}; {remedy}"]
    how, owner = catalogue.attributes[name][1].speaks_for, Document(file)
    request = {Environment.TNI.value: {"attributes": {name: value}}}
    return of_form(environments=request) or _sentences(
        problems_of_value(Document(_ANSWER), (), name, how, value, owner, organisation)
    )


def _sentences(problems: Iterable[Problem]) -> list[str]:
    return [f"{problem.what}; {problem.remedy}" for problem in problems]
