"""What a product has to know of a client: each field that it requires, with what the catalogue says
of it and what is known already."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from acmidm.edit.new.checker import Checker, separate
from acmidm.edit.new.checks import of_field, of_sender
from acmidm.edit.new.organisations import FormOwner
from acmidm_onboarding.forms.catalogue import Product, Speaks
from acmidm_onboarding.forms.files import ORGANISATION_FILE
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import listed, quoted

Values = Mapping[tuple[str, str], Sequence[str]]
"""What options say, by product and field."""


class Fields:
    """Fills in products for one organisation and application. ``forms`` is the folder of forms,
    ``values`` has what options say."""

    def __init__(
        self, owner: FormOwner, application: str, forms: Path, values: Values, checker: Checker
    ) -> None:
        self._owner, self._application, self._values = owner, application, values
        self._checker = checker
        self._file = forms / owner.folder / ORGANISATION_FILE

    def of(self, product: Product) -> dict[str, Any]:
        """Return the configuration of a product, without what is wrong or missing, which is noted.

        What an organisation may not say yet, the team that runs onboarding has to allow first.
        """
        schema = product.configuration or {}
        given = [name for of, name in self._values if of == product.product]
        configuration: dict[str, Any] = {}
        unallowed = [
            name for name in schema.get("required", ()) if self._is_unallowed(product, name)
        ]
        facts = {"file": self._file.as_posix(), "product": product.product}
        self._checker.wrong += [
            say("edit.not_allowed_yet", name=name, **facts) for name in unallowed
        ]
        for name in dict.fromkeys([*schema.get("required", ()), *given]):
            value = None if name in unallowed else self._value(product, name)
            if value is not None:
                configuration[name] = value
        return configuration

    def _is_unallowed(self, product: Product, name: str) -> bool:
        """Return whether a field speaks for somebody, and no value of it can be right yet."""
        is_given = (product.product, name) in self._values
        return (
            not self._owner.is_new
            and not is_given
            and name in product.speaks_for
            and not self._allowed(name)
        )

    def _allowed(self, name: str) -> Sequence[str]:
        return self._owner.organisation.speaks_for.get(name, ())

    def _value(self, product: Product, name: str) -> object:
        """Return what was given, else what is known; None where that is wrong or missing, which is
        noted."""
        part = (product.configuration or {}).get("properties", {}).get(name, {})
        answers = self._values.get((product.product, name))
        if answers is None and (known := self._known(product, name)) is not None:
            answers = [known]
        option = f"--set {product.product}.{name}=VALUE"
        if answers is None:
            described = str(part.get("description", f"{name} of {product.product}"))
            self._checker.miss(option, described)
            return None
        value = parsed(part, answers)
        return None if self._checker.refuse(option, self._wrong(product, name, value)) else value

    def _wrong(self, product: Product, name: str, value: object) -> list[str]:
        wrong = of_field(product, name, value)
        if wrong or self._owner.is_new:
            # Its new organisation.yaml will allow the value, which the team reviews.
            return wrong
        return of_sender(product, name, value, self._owner.organisation, self._file)

    def _known(self, product: Product, name: str) -> str | None:
        """Return the one value that the organisation may say, or what most say of themselves."""
        allowed, how = self._allowed(name), product.speaks_for.get(name)
        if how is Speaks.EXACTLY and len(allowed) == 1:
            return allowed[0]
        template = product.fields[name].proposed if name in product.fields else None
        ovo = self._owner.organisation.ovo
        if template and ovo and (self._owner.is_new or not how):
            return template.format(ovo=ovo)
        return None


def unknown_products(values: Values, chosen: Sequence[str]) -> list[str]:
    """Return a sentence for each value that is for a product which is not chosen."""
    return [
        say(
            "edit.not_chosen",
            product=product,
            name=name,
            quoted=quoted(product),
            chosen=listed(chosen),
        )
        for product, name in values
        if product not in chosen
    ]


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
