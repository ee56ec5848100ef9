"""What a product has to know of a client: each field that it requires, with what the catalogue says
of it and what is known already."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from acmidm.edit.new.checks import of_field, of_sender
from acmidm.edit.new.organisations import FormOwner
from acmidm.edit.new.talk import Talk, separate
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
        self, owner: FormOwner, application: str, forms: Path, values: Values, talk: Talk
    ) -> None:
        self._owner, self._application, self._values, self._talk = owner, application, values, talk
        self._file = forms / owner.folder / ORGANISATION_FILE

    def of(self, product: Product) -> dict[str, Any]:
        """Return the configuration of a product, without what is wrong or missing, which is noted.

        What an organisation may not say yet is never asked: the team that runs onboarding has to
        allow it first.
        """
        schema = product.configuration or {}
        given = [name for of, name in self._values if of == product.product]
        configuration: dict[str, Any] = {}
        unallowed = [
            name for name in schema.get("required", ()) if self._is_unallowed(product, name)
        ]
        facts = {"file": self._file.as_posix(), "product": product.product}
        self._talk.wrong += [say("edit.not_allowed_yet", name=name, **facts) for name in unallowed]
        if self._talk.on_terminal:
            self._talk.require()
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
        part = (product.configuration or {}).get("properties", {}).get(name, {})
        answers, talk = self._values.get((product.product, name)), self._talk
        option = f"--set {product.product}.{name}=VALUE"

        def check(answer: str) -> list[str]:
            return self._wrong(product, name, parsed(part, [answer]))

        if answers is not None:
            value = parsed(part, answers)
            wrong = self._wrong(product, name, value)
            return None if talk.refuse(option, wrong) else value
        proposed = self._proposed(product, name)
        described = str(part.get("description", f"{name} of {product.product}"))
        own = f"field.{product.product}.{name}"
        if talk.on_terminal:
            talk.tell(f"field.{product.fields[name].basis}", field=f"{product.product}.{name}")
            if allowed := [] if self._owner.is_new else self._allowed(name):
                talk.tell(
                    "field.beginnings"
                    if product.speaks_for.get(name) is Speaks.BEGINNING
                    else "field.allowed",
                    values=listed(allowed),
                )
        question = talk.texts(own) if own in talk.texts else described
        # An allowed beginning is no proposal: a person decides how it goes on.
        otherwise = None if product.speaks_for.get(name) is Speaks.BEGINNING else proposed
        answer = talk.answer(
            option, described, None, check, question, proposed=proposed, otherwise=otherwise
        )
        return None if answer is None else parsed(part, [answer])

    def _wrong(self, product: Product, name: str, value: object) -> list[str]:
        wrong = of_field(product, name, value)
        if (
            wrong or self._owner.is_new
        ):  # its new organisation.yaml will allow the value, which the team reviews
            return wrong
        return of_sender(product, name, value, self._owner.organisation, self._file)

    def _proposed(self, product: Product, name: str) -> str | None:
        """Return what is known: the one value that the organisation may say, or what most say of
        themselves."""
        allowed, how = self._allowed(name), product.speaks_for.get(name)
        if how is Speaks.EXACTLY and len(allowed) == 1:
            return allowed[0]
        if how is Speaks.BEGINNING and allowed:
            return f"{allowed[0].rstrip('/')}/{self._application}"
        template = product.fields[name].proposed if name in product.fields else None
        ovo = self._owner.organisation.ovo
        return (
            template.format(ovo=ovo)
            if template and ovo and (self._owner.is_new or not how)
            else None
        )


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
