"""``acmidm promote``: what production lacks of TNI goes into the forms, and what TNI cannot tell is
named.

What production has already stays as it is. Keys, secrets and client-IDs are each environment's own,
and never copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from acmidm.edit.lines import Edit
from acmidm.edit.new.answers import Values, parsed
from acmidm.edit.new.existing import adding, leaving
from acmidm.report.fields import field_changes
from acmidm.words import plain
from acmidm_onboarding.forms.catalogue import Catalogue, Product
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.form import EnvironmentRequest
from acmidm_onboarding.texts import N_, Language, tr
from acmidm_onboarding.texts.page import SENTENCES
from acmidm_onboarding.values.plain import flat
from acmidm_onboarding.values.terms import AuthMethod, Environment

_TNI, _PROD = Environment.TNI, Environment.PROD
_NAMES = {
    "scopes": N_("scope {what}"),
    "products": N_("product {what}"),
    "attributes": N_("attribute {what}"),
}


@dataclass
class Addition:
    """What a form gets for production."""

    loaded: LoadedForm
    language: Language
    """That of its organisation."""
    parts: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    """Scopes, products and attributes of TNI, each with what it has otherwise on production; None
    leaves a field out."""
    unknown: list[str] = field(default_factory=list)
    """Sentences about what TNI cannot tell."""
    wrong: list[str] = field(default_factory=list)
    """Sentences about why it cannot be written."""

    @property
    def edit(self) -> Edit:
        """What puts it into the form: order and comments of what is there stay."""
        return adding(self.loaded, {"environments": {_PROD: self.parts}}, like=_TNI)

    def add(self, part: str, name: str, own: dict[str, Any] | None = None) -> None:
        """Add a scope, a product or an attribute of TNI, with production's own fields."""
        self.parts.setdefault(part, {})[name] = own or {}

    def sentences(self) -> Iterator[str]:
        """Yield what was written, and what TNI cannot tell, a line each."""
        language, form = self.language, self.loaded.file.as_posix()
        if not self.parts:
            yield language.tr(
                "{form} has all of TNI for production already: nothing was written.", form=form
            )
        else:
            names = []
            for part, sentence in _NAMES.items():
                more = self.parts.get(part, ())
                names += [language.translated(sentence, what=name) for name in more]
            yield language.tr(
                "{form} now has for production: {added}. All else is as it was.",
                form=form,
                added=", ".join(names),
            )
        if self.unknown:
            yield language.tr("What TNI cannot tell:")
            yield from (f"  - {sentence}" for sentence in self.unknown)


def addition_to(loaded: LoadedForm, catalogue: Catalogue, values: Values) -> Addition:
    """Return what production lacks of a form. ``values`` are production's own, of fields that
    differ per environment; those of products that the form does not add are for other forms.

    It cannot be written where the form has nothing to promote from, or leaves.
    """
    form = loaded.form
    addition = Addition(loaded, loaded.organisation.language)
    if sentence := _not_promotable(loaded):
        addition.wrong.append(sentence)
        return addition
    tni, prod = form.environments[_TNI], form.environments.get(_PROD, EnvironmentRequest())
    gone = {name for name, day in form.retire.parts.items() if day <= _today()}
    for scope, on_tni in tni.scopes.items():
        has_ended = on_tni.until is not None and on_tni.until < _today()
        if has_ended or scope in prod.scopes or catalogue.product_of[scope].product in gone:
            continue
        if _PROD in catalogue.scopes[scope].environments:
            addition.add("scopes", scope)
        else:
            addition.unknown.append(_not_offered(addition, "scopes", scope))
    granted = {*addition.parts.get("scopes", ()), *prod.scopes}
    for name in tni.products:
        if name in prod.products or name in gone:
            continue
        product = catalogue.products[name]
        if _PROD in product.environments and granted & product.scopes.keys():
            addition.add("products", name, dict(_own_fields(addition, product, values)))
        else:
            addition.unknown.append(_not_offered(addition, "products", name))
    for name in [name for name in tni.attributes if name not in prod.attributes]:
        addition.add("attributes", name)
    addition.unknown += _of_its_own(addition)
    addition.unknown += _set_differently(addition, catalogue)
    return addition


def _not_offered(addition: Addition, part: str, name: str) -> str:
    what = addition.language.translated(_NAMES[part], what=name)
    return addition.language.tr("{what} is not offered on production, and was left out.", what=what)


def _today() -> date:
    """Return the day by which forms leave and scopes end: that of UTC, wherever this runs."""
    return datetime.now(UTC).date()


def _not_promotable(loaded: LoadedForm) -> str | None:
    if _TNI not in loaded.form.environments:
        return tr(
            "{file} has no tni under environments; connect and validate there first",
            file=loaded.file,
        )
    return leaving(loaded, _today())


def _own_fields(addition: Addition, product: Product, values: Values) -> Iterator[tuple[str, Any]]:
    """Yield the fields that differ per environment, each with production's value, or None where it
    has none yet."""
    schema = product.configuration or {}
    own = [name for name, one in product.fields.items() if one.differs_per_environment]
    for of, name in values:
        if of == product.product and name not in own:
            sentence = tr(
                "--set {of}.{name}: only what differs per environment is given here; the rest is"
                " that of TNI",
                of=of,
                name=name,
            )
            addition.wrong.append(f"{addition.loaded.file}: {sentence}")
    for name in own:
        part = schema.get("properties", {}).get(name, {})
        given = values.get((product.product, name))
        value = parsed(part, given) if given else None
        yield name, value
        if given or name in schema.get("required", ()):
            continue
        of_page = SENTENCES.get(f"new.field.{product.product}.{name}")
        described = addition.language.translated(of_page) if of_page else None
        addition.unknown.append(
            addition.language.tr(
                "{field}, which differs per environment: {description}.",
                field=f"{product.product}.{name}",
                description=described or part.get("description", name),
            )
        )


def _of_its_own(addition: Addition) -> Iterator[str]:
    """Yield what production needs of its own and the form lacks."""
    form, language = addition.loaded.form, addition.language
    tni, prod = form.environments[_TNI], form.environments.get(_PROD)
    if form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
        if prod is None:
            yield language.tr(
                "The client secret for production: Digitaal Vlaanderen hands it over, never by"
                " mail."
            )
    elif form.keys_of is None and (prod is None or (prod.jwks is None and prod.jwks_uri is None)):
        if tni.jwks_uri:
            yield language.tr(
                "The address of the public keys for production (jwks_uri). Without that line you"
                " upload them in the Beheerportaal (step 9)."
            )
        else:
            yield language.tr(
                "A key for production: acmidm keys new {form} --environment prod, or upload it in"
                " the Beheerportaal (step 9).",
                form=addition.loaded.file.as_posix(),
            )
    if tni.adopt and not (prod and prod.adopt):
        yield language.tr(
            "The client-ID of an existing client on production (adopt), if one is to be taken over."
        )


def _set_differently(addition: Addition, catalogue: Catalogue) -> Iterator[str]:
    """Yield what production has otherwise than TNI, and keeps."""
    environments, language = addition.loaded.form.environments, addition.language
    if _PROD not in environments:
        return
    tni, prod = environments[_TNI], environments[_PROD]
    nothing = language.tr("nothing")
    changes = field_changes(_shared(tni, prod, catalogue), _shared(prod, tni, catalogue))
    for change in changes:
        on_tni, on_prod = (plain(side or nothing) for side in (change.old, change.new))
        yield language.tr(
            "{what} was set differently on production, and stayed so: {tni} on TNI, {prod} on"
            " production.",
            what=change.field,
            tni=on_tni,
            prod=on_prod,
        )


def _shared(
    request: EnvironmentRequest, other: EnvironmentRequest, catalogue: Catalogue
) -> dict[str, Any]:
    """Return the fields of what both requests have, such as ``dosis.bron_uri``, but for those that
    differ per environment."""
    scopes = request.scopes.items()
    fields: dict[str, Any] = {
        f"{name}, default": scope.default for name, scope in scopes if name in other.scopes
    }
    fields |= {name: text for name, text in request.attributes.items() if name in other.attributes}
    for product, configuration in request.products.items():
        if product not in other.products:
            continue
        described = catalogue.products[product].fields
        for name, value in catalogue.in_order(product, configuration).items():
            if name in described and described[name].differs_per_environment:
                continue
            fields |= {f"{product}.{path}": part for path, part in flat({name: value}).items()}
    return fields
