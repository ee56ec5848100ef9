"""The answers that a form is made of, out of options or out of a row, and the form that they come
to. What is wrong with an answer is for the loader to say; only what is missing is noted here."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from acmidm.form_text import filled
from acmidm_onboarding.forms.catalogue import Catalogue, Product, Scope, Speaks
from acmidm_onboarding.forms.speaking import speaking_values
from acmidm_onboarding.texts import Language, tr
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import (
    DocumentPath,
    Failure,
    did_you_mean,
    listed,
    quoted,
)
from acmidm_onboarding.values.terms import Environment

_METAVAR = re.compile(r"[ =][A-Z]+$")
OPTIONS = {
    "name": "--name",
    "ovo": "--ovo",
    "kbo": "--kbo",
    "owners": "--owner",
    "application": "--application",
    "contacts": "--contact",
    "scopes": "--scope",
    "products": "--product",
}
"""Which option each field of a form or an organisation stands for."""
Values = Mapping[tuple[str, str], Sequence[str]]
"""What options say, by product and field."""


@dataclass(frozen=True)
class Answers:
    """What options, or a row, say of a form and its organisation; what they leave out is
    missing."""

    organisation: str | None = None
    """Its folder, a code or its name."""
    name: str | None = None
    ovo: str | None = None
    kbo: str | None = None
    owners: Sequence[str] = ()
    language: Language | None = None
    application: str | None = None
    contacts: Sequence[str] = ()
    products: Sequence[str] = ()
    scopes: Sequence[str] = ()
    values: Values = field(default_factory=dict)
    supplier: str | None = None
    """The folder of the supplier whose keys the form has."""


class Mistakes:
    """What is missing or wrong in answers, a sentence each, by the option that it is about."""

    def __init__(self, columns: Mapping[str, str] | None = None) -> None:
        """``columns`` are the names of the options whose answers are in a spreadsheet."""
        self._columns = columns or {}
        self.sentences: list[str] = []

    def note(self, *sentences: str) -> None:
        """Note what is wrong with no option by itself."""
        self.sentences += sentences

    def add(self, option: str, *sentences: str) -> None:
        """Note what is wrong with an option."""
        self.sentences += [f"{self._named(option)}: {sentence}" for sentence in sentences]

    def miss(self, option: str, what: str) -> None:
        """Note that an answer is missing. ``what`` says what belongs there."""
        self.add(option, tr("is missing; give {what}", what=what))

    def require(self) -> None:
        """Raises Failure where something was missing or wrong."""
        if self.sentences:
            raise Failure("\n".join(dict.fromkeys(self.sentences)))

    def label(self, path: DocumentPath) -> str:
        """Return what the author of the answers calls a field of a form; empty where it is none of
        theirs."""
        match path:
            case [*_, "products", product, str(name)] | [*_, "products", product, str(name), int()]:
                return self._named(f"--set {product}.{name}")
            case ["mandates", _, "applications", *_]:
                return self._named("--application")
            case [*_, ("products" | "scopes") as name, _] | [str(name), *_] if name in OPTIONS:
                return self._named(OPTIONS[name])
        return ""

    def _named(self, option: str) -> str:
        return self._columns.get(_METAVAR.sub("", option), option)


def separate(answers: Iterable[str]) -> tuple[str, ...]:
    """Return each value of answers that have commas between several, once."""
    parts = [part.strip() for answer in answers for part in answer.split(",")]
    return tuple(dict.fromkeys(filter(None, parts)))


def chosen(among: Sequence[str], answer: str) -> list[str]:
    """Return why an answer is none of those that there are."""
    if answer in among:
        return []
    remedy = did_you_mean(answer, among, tr("choose from {among}", among=listed(among)))
    return [tr("{answer} is none of them; {remedy}", answer=quoted(answer), remedy=remedy)]


def pairs(answers: Sequence[str], mistakes: Mistakes) -> Values:
    """Return the values of ``product.field=value`` by product and field; what is written otherwise
    is noted as wrong."""
    values: dict[tuple[str, str], list[str]] = {}
    for answer in answers:
        name, equals, value = answer.partition("=")
        product, dot, field = name.strip().partition(".")
        if equals and dot and product and field:
            values.setdefault((product, field), []).append(value.strip())
            continue
        sentence = tr(
            "{name} is not PRODUCT.FIELD=VALUE; write one such as notificaties.merk_code=stad-gent",
            name=quoted(name),
        )
        mistakes.add("--set", sentence)
    return values


def form_of(
    answers: Answers, whose: Organisation, catalogue: Catalogue, mistakes: Mistakes, *, is_new: bool
) -> dict[str, Any]:
    """Return the form for TNI that answers come to, with what follows from a product, and what is
    known of its organisation."""
    scopes, products = separate(answers.scopes), separate(answers.products)
    if not scopes and not products:
        mistakes.miss("--product NAME", tr("a product of the catalogue, or a scope with --scope"))
    names, all_scopes = dict.fromkeys(products), dict.fromkeys(scopes)
    for scope in scopes:
        if product := catalogue.product_of.get(scope):
            names[product.product] = None
    for name in names:
        product = catalogue.products.get(name)
        if product and all_scopes.keys().isdisjoint(product.scopes):
            all_scopes |= dict.fromkeys(_scopes_of(product, mistakes))
    request: dict[str, Any] = {"scopes": {scope: {} for scope in all_scopes}}
    configured = {}
    for name in dict.fromkeys([*names, *(product for product, _ in answers.values)]):
        given = {field: texts for (of, field), texts in answers.values.items() if of == name}
        wanted = catalogue.products.get(name)
        if wanted is None:
            configured[name] = dict[str, Any](given)
        elif wanted.configuration is not None or given:
            configured[name] = _configuration(wanted, given, whose, is_new=is_new)
    if configured:
        request["products"] = configured
    form = {
        "application": answers.application,
        "contacts": list(separate(answers.contacts)),
        "keys_of": answers.supplier,
    }
    return {**filled(form), "environments": {Environment.TNI.value: request}}


def _scopes_of(product: Product, mistakes: Mistakes) -> Collection[str]:
    """Return the one scope that a product has; of several, those are named that are needed: a
    client gets no more."""
    offered = [name for name, scope in product.scopes.items() if _is_offered(scope)]
    offered = offered or list(product.scopes)
    if len(offered) == 1:
        return offered
    mistakes.miss(
        "--scope NAME",
        tr(
            "those of {product} that are needed: {offered}",
            product=product.product,
            offered=listed(offered),
        ),
    )
    return ()


def _is_offered(scope: Scope) -> bool:
    return Environment.TNI in scope.environments and not scope.assigned_by_provider


def _configuration(
    product: Product, given: Mapping[str, Sequence[str]], whose: Organisation, *, is_new: bool
) -> dict[str, Any]:
    """Return what a form says for a product: what was given, and what is known."""
    configuration: dict[str, Any] = {}
    for name in dict.fromkeys([*product.required, *given]):
        known = _known(product, name, whose, is_new=is_new)
        if answers := given.get(name) or known:
            configuration[name] = parsed(product.properties.get(name, {}), answers)
    return configuration


def _known(product: Product, name: str, whose: Organisation, *, is_new: bool) -> Sequence[str]:
    """Return the one value that an organisation may say, or what most say of themselves."""
    how = product.speaks_for.get(name)
    allowed = whose.speaks_for.get(name, ())
    if how is Speaks.EXACTLY and len(allowed) == 1:
        return allowed
    template = product.fields[name].proposed if name in product.fields else None
    if template and whose.ovo and (is_new or not how):
        return [template.format(ovo=whose.ovo)]
    return ()


def speaks_for(
    environments: Mapping[str, Mapping[str, Any]], catalogue: Catalogue
) -> dict[str, list[str]]:
    """Return under which names a form sends, by its products."""
    names: dict[str, dict[str, None]] = {}
    for request in environments.values():
        for product, configuration in request.get("products", {}).items():
            if product not in catalogue.products:
                continue
            for (name, *_), text in speaking_values(catalogue.products[product], configuration):
                names.setdefault(name, {})[text] = None
    return {name: list(texts) for name, texts in names.items()}


def parsed(schema: Mapping[str, Any], answers: Sequence[str]) -> object:
    """Return the value of a field as its schema has it, out of what somebody typed: a text, a list
    of texts, else what JSON reads."""
    kinds = schema.get("type")
    if kinds == "array":
        return list(separate(answers))
    answer = answers[-1]
    if kinds == "string":
        return answer
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        return answer
