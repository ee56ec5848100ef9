"""``acmidm promote``: a form gets for production the scopes, products and attributes that it has
for TNI alone. A person reads what production needs besides.

What production has already stays as it is. Keys, secrets and client-IDs differ per environment, and
are never copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from acmidm.edit.changes import Content
from acmidm.edit.new.answers import Values, parsed
from acmidm.edit.new.existing import about_leaving, added_to, draft_adding
from acmidm.report.fields import changes_of_entries
from acmidm.words import plain
from acmidm_onboarding.forms.catalogue import Catalogue, Product
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.form import EnvironmentRequest
from acmidm_onboarding.texts import N_, tr
from acmidm_onboarding.texts.page import SENTENCES
from acmidm_onboarding.values.client import Fields
from acmidm_onboarding.values.plain import filled, flat, only, without
from acmidm_onboarding.values.terms import AuthMethod, Environment

_TNI, _PROD = Environment.TNI, Environment.PROD
_NAMES = {
    "scopes": N_("scope {what}"),
    "products": N_("product {what}"),
    "attributes": N_("attribute {what}"),
}
"""How sentences name a part of a form."""


class Addition:
    """What one form gets for production. It gets nothing where it has no TNI, or its application
    leaves; ``wrong`` says so.

    ``values`` are those that options give for production, of fields that differ per environment:
    {("dosis", "bron_uri"): ["urn://gent/mijn-gent"]}. Fields of products that this form does not
    get are for other forms.
    """

    def __init__(self, loaded: LoadedForm, catalogue: Catalogue, values: Values) -> None:
        self.loaded, self.language = loaded, loaded.organisation.language
        self._catalogue, self._values = catalogue, values
        self.parts: dict[str, dict[str, dict[str, Any]]] = {}
        """What production gets, each copied from TNI but for these fields, where None leaves a
        field out: {"scopes": {"dv_dosis_schrijven": {}}, "products": {"dosis": {"bron_uri":
        None}}}."""
        self.unknown: list[str] = []
        """Sentences about what a person has to add or check, as TNI does not say it."""
        self.wrong: list[str] = []
        """Sentences about why the form gets nothing: ``acmidm promote`` fails with them."""
        environments = loaded.form.environments
        self._prod = environments.get(_PROD, EnvironmentRequest())
        if _TNI not in environments:
            self.wrong.append(
                tr(
                    "{file} has no tni under environments; connect and validate there first",
                    file=loaded.file,
                )
            )
        elif sentence := about_leaving(loaded, _today()):
            self.wrong.append(sentence)
        else:
            self._tni = environments[_TNI]
            self._add_parts()
            self.unknown += self._missing_credentials()
            self.unknown += self._differences()

    @property
    def files(self) -> Mapping[Path, Content]:
        """The edit of the form that adds ``parts``; empty where there are none."""
        if not self.parts:
            return {}
        return added_to(
            self.loaded, replace(draft_adding(self.loaded, _PROD, self.parts), like=_TNI)
        )

    def gives_own_value(self, product: str, field: str) -> bool:
        """Return whether production gets this product, and the field differs per environment: then
        a value for it, given as an option, is used by this form."""
        return field in self.parts.get("products", {}).get(product, {})

    def sentences(self) -> Iterator[str]:
        """Yield the report of ``acmidm promote`` about this form, a line each, in the language of
        its organisation: what was added, then ``unknown``."""
        language, form = self.language, self.loaded.file.as_posix()
        if not self.parts:
            yield language.tr(
                "{form} has all of TNI for production already: nothing was written.", form=form
            )
        else:
            names = []
            for part, added in self.parts.items():
                names += [self._named(part, name) for name in added]
            yield language.tr(
                "{form} now has for production: {added}. All else is as it was.",
                form=form,
                added=", ".join(names),
            )
        if self.unknown:
            yield language.tr("What TNI cannot tell:")
            yield from (f"  - {sentence}" for sentence in self.unknown)

    def _named(self, part: str, name: str) -> str:
        return self.language.translated(_NAMES[part], what=name)

    def _add_parts(self) -> None:
        """Add to ``parts`` the scopes, products and attributes of TNI that production lacks. One
        that ended or is retired is passed over; one that production does not offer is noted."""
        tni, prod, catalogue = self._tni, self._prod, self._catalogue
        retired = {name for name, day in self.loaded.form.retire.parts.items() if day <= _today()}
        scopes: dict[str, dict[str, Any]] = {}
        products: dict[str, dict[str, Any]] = {}
        for name, on_tni in without(tni.scopes, prod.scopes).items():
            has_ended = on_tni.until is not None and on_tni.until < _today()
            if has_ended or catalogue.product_of[name].product in retired:
                continue
            if _PROD in catalogue.scopes[name].environments:
                scopes[name] = {}
            else:
                self._leave_out("scopes", name)
        granted = {*scopes, *prod.scopes}
        for name in without(tni.products, {*prod.products, *retired}):
            product = catalogue.products[name]
            # A form may configure a product only with one of its scopes.
            if _PROD in product.environments and granted & product.scopes.keys():
                products[name] = dict(self._own_values(product))
            else:
                self._leave_out("products", name)
        attributes: dict[str, dict[str, Any]] = {}
        for name in without(tni.attributes, prod.attributes):
            attributes[name] = {}
        self.parts = filled({"scopes": scopes, "products": products, "attributes": attributes})

    def _leave_out(self, part: str, name: str) -> None:
        """Note in ``unknown`` that production does not offer a scope or product."""
        self.unknown.append(
            self.language.tr(
                "{what} is not offered on production, and was left out.",
                what=self._named(part, name),
            )
        )

    def _own_values(self, product: Product) -> Iterator[tuple[str, Any]]:
        """Yield each field of a product that differs per environment, with the value that an option
        gives for production, or None. Note in ``unknown`` each that has none and is not required:
        the check of the form reports a required one."""
        for name in _fields_per_environment(product):
            schema = product.properties.get(name, {})
            if given := self._values.get((product.product, name)):
                yield name, parsed(schema, given)
                continue
            yield name, None
            if name in product.required:
                continue
            of_page = SENTENCES.get(f"new.field.{product.product}.{name}")
            described = self.language.translated(of_page) if of_page else None
            self.unknown.append(
                self.language.tr(
                    "{field}, which differs per environment: {description}.",
                    field=f"{product.product}.{name}",
                    description=described or schema.get("description", name),
                )
            )

    def _missing_credentials(self) -> Iterator[str]:
        """Yield which secret or key, and which client-ID to take over, the form lacks for
        production."""
        form, prod, language = self.loaded.form, self._prod, self.language
        if form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
            if _PROD not in form.environments:
                yield language.tr(
                    "The client secret for production: Digitaal Vlaanderen hands it over, never by"
                    " mail."
                )
        elif form.keys_of is None and prod.jwks is None and prod.jwks_uri is None:
            if self._tni.jwks_uri:
                yield language.tr(
                    "The address of the public keys for production (jwks_uri). Without that line"
                    " you upload them in the Beheerportaal (step 9)."
                )
            else:
                yield language.tr(
                    "A key for production: acmidm keys new {form} --environment prod, or upload it"
                    " in the Beheerportaal (step 9).",
                    form=self.loaded.file.as_posix(),
                )
        if self._tni.adopt and not prod.adopt:  # TNI's client existed before its form
            yield language.tr(
                "The client-ID of an existing client on production (adopt), if one is to be taken"
                " over."
            )

    def _differences(self) -> Iterator[str]:
        """Yield each field that TNI and production both had before, with different values:
        production keeps its value."""
        tni, prod = self._comparable(self._tni), self._comparable(self._prod)
        attributes = only(self._tni.attributes, self._prod.attributes)
        tni["attributes"] = attributes
        prod["attributes"] = only(self._prod.attributes, attributes)
        nothing = self.language.tr("nothing")
        for change in changes_of_entries(only(tni, prod), prod):
            yield self.language.tr(
                "{what} was set differently on production, and stayed so: {tni} on TNI, {prod} on"
                " production.",
                what=change.field,
                tni=plain(change.old or nothing),
                prod=plain(change.new or nothing),
            )

    def _comparable(self, request: EnvironmentRequest) -> dict[str, Fields]:
        """Return the scopes and products of an environment with the fields that should have one
        value on TNI and production: {"dosis": {"bron_uri": "urn://gent/mijn-gent"}}."""
        entries: dict[str, Fields] = {}
        for name, scope in request.scopes.items():
            entries[name] = {"default": scope.default}
        for name, configuration in request.products.items():
            own = _fields_per_environment(self._catalogue.products[name])
            entries[name] = flat(without(self._catalogue.in_order(name, configuration), own))
        return entries


def _fields_per_environment(product: Product) -> list[str]:
    """Return the fields of a product whose values differ per environment."""
    return [name for name, field in product.fields.items() if field.differs_per_environment]


def _today() -> date:
    """Return the day in UTC, by which forms leave and scopes end, wherever this runs."""
    return datetime.now(UTC).date()
