"""``acmidm promote --write``: what production lacks of TNI goes into the form, and what TNI cannot
tell is named.

What production has already stays as it is. Keys, secrets and client-IDs are each environment's own,
and never copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap

from acmidm.edit.lines import copied, put_request
from acmidm.edit.new.checks import of_field, of_sender
from acmidm.edit.new.fields import Values, parsed
from acmidm.edit.new.talk import Talk
from acmidm.edit.promotion import Difference, Side
from acmidm.words import shown
from acmidm_onboarding.forms.catalogue import Catalogue, Product
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import ORGANISATION_FILE
from acmidm_onboarding.forms.form import EnvironmentRequest, Form
from acmidm_onboarding.texts import Texts, say
from acmidm_onboarding.values.problems import Failure, quoted
from acmidm_onboarding.values.terms import AuthMethod, Environment

_TNI, _PROD = Environment.TNI, Environment.PROD


@dataclass
class Addition:
    """What a form gets for production, by the names in its document; ``unknown`` are texts about
    what TNI lacks."""

    scopes: list[str] = field(default_factory=list)
    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Per product the fields that are not those of TNI; None leaves a field out."""
    attributes: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.scopes or self.products or self.attributes)


def addition_to(
    loaded: LoadedForm,
    catalogue: Catalogue,
    values: Values,
    differences: tuple[Difference, ...],
    talk: Talk,
) -> Addition:
    """Return what production lacks. ``values`` are production's own, of fields that differ per
    environment.

    Raises:
        Failure: where the form has nothing to promote from, or leaves.
        Failure: with every such field that is required and missing, and every wrong value.
    """
    form, texts = loaded.form, talk.texts
    tni, prod = _request(loaded), form.environments.get(_PROD, EnvironmentRequest())
    addition = Addition()
    gone = {name for name, day in form.retire.parts.items() if day <= _today()}
    for scope in (
        name
        for name in tni.scopes
        if name not in prod.scopes and catalogue.product_of[name].product not in gone
    ):
        if _PROD in catalogue.scopes[scope].environments:
            addition.scopes.append(scope)
        else:
            addition.unknown.append(
                texts("promote.not_offered", what=texts("promote.scope", what=scope))
            )
    granted = {*addition.scopes, *prod.scopes}
    for name in [
        product for product in tni.products if product not in prod.products and product not in gone
    ]:
        product = catalogue.products[name]
        if _PROD in product.environments and granted & product.scopes.keys():
            addition.products[name] = dict(
                _own(loaded, product, tni.products[name], values, addition, talk)
            )
        else:
            addition.unknown.append(
                texts("promote.not_offered", what=texts("promote.product", what=name))
            )
    addition.attributes += [name for name in tni.attributes if name not in prod.attributes]
    for product_name, name in values:
        if product_name not in addition.products:
            talk.wrong.append(
                say(
                    "edit.product_not_added",
                    product=product_name,
                    name=name,
                    quoted=quoted(product_name),
                )
            )
    talk.require()
    addition.unknown += _unknown(form, loaded.file, differences, talk)
    return addition


def _today() -> date:
    """Return the day by which forms leave: that of UTC, wherever this runs."""
    return datetime.now(UTC).date()


def _request(loaded: LoadedForm) -> EnvironmentRequest:
    form = loaded.form
    if _TNI not in form.environments:
        raise Failure(say("edit.no_test", file=loaded.file))
    if form.retire.on is not None and form.retire.on <= _today():
        raise Failure(say("edit.leaves", file=loaded.file))
    return form.environments[_TNI]


def _own(
    loaded: LoadedForm,
    product: Product,
    on_tni: Mapping[str, Any],
    values: Values,
    addition: Addition,
    talk: Talk,
) -> Iterator[tuple[str, Any]]:
    """Yield the fields that differ per environment, each with production's value, or None where it
    has none yet."""
    schema, texts = product.configuration or {}, talk.texts
    for of, name in values:
        if of == product.product and (
            name not in product.fields or not product.fields[name].differs_per_environment
        ):
            talk.wrong.append(say("edit.same_everywhere", of=of, name=name))
    for name in [name for name in product.fields if product.fields[name].differs_per_environment]:
        part = schema.get("properties", {}).get(name, {})
        check = partial(_wrong, loaded, product, name)
        answers = values.get((product.product, name))
        described, own = str(part.get("description", name)), f"field.{product.product}.{name}"
        text = texts(own) if own in texts else described
        if answers is not None:
            talk.refuse(f"--set {product.product}.{name}", check(parsed(part, answers)))
            yield name, parsed(part, answers)
        elif name in schema.get("required", ()):
            option, question = (
                f"--set {product.product}.{name}=VALUE",
                texts("promote.field_question", question=text),
            )
            typed = partial(_typed, check, part)
            answer = talk.answer(
                option,
                say("edit.what.of_production", described=described),
                None,
                typed,
                question,
                proposed=shown(on_tni[name]),
            )
            yield name, None if answer is None else parsed(part, [answer])
        else:
            yield name, None
            addition.unknown.append(
                texts("promote.field", field=f"{product.product}.{name}", description=text)
            )


def _wrong(loaded: LoadedForm, product: Product, name: str, value: object) -> list[str]:
    file = loaded.file.with_name(ORGANISATION_FILE)
    return of_field(product, name, value) or of_sender(
        product, name, value, loaded.organisation, file
    )


def _typed(check: Callable[[object], list[str]], part: Mapping[str, Any], answer: str) -> list[str]:
    return check(parsed(part, [answer]))


def _unknown(
    form: Form, file: Path, differences: tuple[Difference, ...], talk: Talk
) -> Iterator[str]:
    """Yield what production needs of its own and the form lacks, and what production has
    differently and keeps."""
    tni, prod, texts = form.environments[_TNI], form.environments.get(_PROD), talk.texts
    if form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
        if prod is None:
            yield texts("promote.secret")
    elif form.keys_of is None and (prod is None or (prod.jwks is None and prod.jwks_uri is None)):
        yield (
            texts("promote.keys_address")
            if tni.jwks_uri
            else texts("promote.keys", form=file.as_posix())
        )
    if tni.adopt and not (prod and prod.adopt):
        yield texts("promote.adopt")
    for difference in differences:
        if difference.side is Side.BOTH and not difference.expected:
            yield texts(
                "promote.differs", what=difference.name, tni=difference.tni, prod=difference.prod
            )


def write_into(document: Any, addition: Addition) -> None:
    """Put an addition into the document of its form: order and comments of what is there stay."""
    environments = document["environments"]
    tni, parts = environments[_TNI.value], CommentedMap()
    if addition.scopes:
        parts["scopes"] = CommentedMap(
            {name: copied(tni["scopes"][name]) for name in addition.scopes}
        )
    if addition.products:
        parts["products"] = CommentedMap(
            {
                name: _configuration(tni["products"][name], own)
                for name, own in addition.products.items()
            }
        )
    if addition.attributes:
        parts["attributes"] = CommentedMap(
            {name: copied(tni["attributes"][name]) for name in addition.attributes}
        )
    put_request(environments, _PROD.value, parts)


def _configuration(on_tni: Any, own: Mapping[str, Any]) -> Any:
    configuration = copied(on_tni)
    for name, value in own.items():
        if value is None:
            configuration.pop(name, None)
        else:
            configuration[name] = copied(value)
    return configuration


def said_of(addition: Addition, file: Path, texts: Texts) -> Iterator[str]:
    """Yield what was written, what TNI cannot tell, and what production still needs, a line
    each."""
    form = file.as_posix()
    if addition.is_empty:
        yield texts("promote.nothing", form=form)
    else:
        names = (
            *(texts("promote.scope", what=name) for name in addition.scopes),
            *(texts("promote.product", what=name) for name in addition.products),
            *(texts("promote.attribute", what=name) for name in addition.attributes),
        )
        yield texts("promote.written", form=form, added=", ".join(names))
    if addition.unknown:
        yield texts("promote.unknown")
        yield from (f"  - {sentence}" for sentence in addition.unknown)
    if not addition.is_empty:
        yield texts("promote.gate", form=form)
