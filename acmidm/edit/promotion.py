"""``acmidm promote``: what production lacks of TNI goes into the forms, and what TNI cannot tell is
named.

What production has already stays as it is. Keys, secrets and client-IDs are each environment's own,
and never copied.
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
from acmidm.report.fields import field_changes
from acmidm.words import plain
from acmidm_onboarding.forms.catalogue import Catalogue, Product
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.form import EnvironmentRequest
from acmidm_onboarding.texts import N_, tr
from acmidm_onboarding.texts.page import SENTENCES
from acmidm_onboarding.values.plain import flat, only, without
from acmidm_onboarding.values.terms import AuthMethod, Environment

_TNI, _PROD = Environment.TNI, Environment.PROD
_NAMES = {
    "scopes": N_("scope {what}"),
    "products": N_("product {what}"),
    "attributes": N_("attribute {what}"),
}


class Addition:
    """What a form gets for production: nothing, where it has nothing to promote from, or leaves.

    ``values`` are production's own, of fields that differ per environment; the others are for other
    forms.
    """

    def __init__(self, loaded: LoadedForm, catalogue: Catalogue, values: Values) -> None:
        self.loaded, self.language = loaded, loaded.organisation.language
        self._catalogue, self._values = catalogue, values
        self.parts: dict[str, dict[str, dict[str, Any]]] = {}
        """Scopes, products and attributes of TNI, each with what it has otherwise on production;
        None leaves a field out."""
        self.unknown: list[str] = []
        """Sentences about what TNI cannot tell."""
        self.wrong: list[str] = []
        """Sentences about why it cannot be written."""
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
            self.unknown += self._of_its_own()
            self.unknown += self._set_differently()

    @property
    def files(self) -> Mapping[Path, Content]:
        """What puts it into the form, where anything is lacking: order and comments of what is
        there stay."""
        if not self.parts:
            return {}
        return added_to(
            self.loaded, replace(draft_adding(self.loaded, _PROD, self.parts), like=_TNI)
        )

    def gives_own_value(self, product: str, field: str) -> bool:
        """Return whether production gets a product with this field, which differs per
        environment."""
        return field in self.parts.get("products", {}).get(product, {})

    def sentences(self) -> Iterator[str]:
        """Yield what was written, and what TNI cannot tell, a line each."""
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
        """Add the scopes, products and attributes of TNI that production lacks and may have."""
        tni, prod, catalogue = self._tni, self._prod, self._catalogue
        gone = {name for name, day in self.loaded.form.retire.parts.items() if day <= _today()}
        for name, on_tni in tni.scopes.items():
            has_ended = on_tni.until is not None and on_tni.until < _today()
            if has_ended or name in prod.scopes or catalogue.product_of[name].product in gone:
                continue
            if _PROD in catalogue.scopes[name].environments:
                self.parts.setdefault("scopes", {})[name] = {}
            else:
                self._leave_out("scopes", name)
        granted = {*self.parts.get("scopes", ()), *prod.scopes}
        for name in tni.products:
            if name in prod.products or name in gone:
                continue
            product = catalogue.products[name]
            if _PROD in product.environments and granted & product.scopes.keys():
                self.parts.setdefault("products", {})[name] = dict(self._own_fields(product))
            else:
                self._leave_out("products", name)
        for name in tni.attributes:
            if name not in prod.attributes:
                self.parts.setdefault("attributes", {})[name] = {}

    def _leave_out(self, part: str, name: str) -> None:
        """Note among what is unknown that production does not offer a scope or product."""
        self.unknown.append(
            self.language.tr(
                "{what} is not offered on production, and was left out.",
                what=self._named(part, name),
            )
        )

    def _own_fields(self, product: Product) -> Iterator[tuple[str, Any]]:
        """Yield the fields that differ per environment, each with production's value, or None where
        it has none yet."""
        for name in _names_per_environment(product):
            part = product.properties.get(name, {})
            if given := self._values.get((product.product, name)):
                yield name, parsed(part, given)
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
                    description=described or part.get("description", name),
                )
            )

    def _of_its_own(self) -> Iterator[str]:
        """Yield what production needs of its own and the form lacks."""
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
        if self._tni.adopt and not prod.adopt:
            yield language.tr(
                "The client-ID of an existing client on production (adopt), if one is to be taken"
                " over."
            )

    def _set_differently(self) -> Iterator[str]:
        """Yield what production has otherwise than TNI, and keeps."""
        tni, prod = self._shared(self._tni, self._prod), self._shared(self._prod, self._tni)
        nothing = self.language.tr("nothing")
        for change in field_changes(tni, prod):
            yield self.language.tr(
                "{what} was set differently on production, and stayed so: {tni} on TNI, {prod} on"
                " production.",
                what=change.field,
                tni=plain(change.old or nothing),
                prod=plain(change.new or nothing),
            )

    def _shared(self, request: EnvironmentRequest, other: EnvironmentRequest) -> dict[str, Any]:
        """Return the fields, such as ``dosis.bron_uri``, of what another environment has too, but
        for those that differ per environment."""
        fields: dict[str, Any] = dict(only(request.attributes, other.attributes))
        for name, scope in only(request.scopes, other.scopes).items():
            fields[f"{name}, default"] = scope.default
        for name, configuration in only(request.products, other.products).items():
            ordered = self._catalogue.in_order(name, configuration)
            differing = _names_per_environment(self._catalogue.products[name])
            fields |= flat(without(ordered, differing), f"{name}.")
        return fields


def _names_per_environment(product: Product) -> list[str]:
    """Return the fields of a product that differ per environment."""
    return [name for name, field in product.fields.items() if field.differs_per_environment]


def _today() -> date:
    """Return the day by which forms leave and scopes end: that of UTC, wherever this runs."""
    return datetime.now(UTC).date()
