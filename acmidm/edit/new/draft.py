"""From answers to files: the form of an application on TNI, and the organisation's file where that
is new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from acmidm.edit.changes import Content
from acmidm.edit.new.answers import Answers, Checker, Values, parsed, separate
from acmidm.edit.new.checks import chosen, of_field, of_form, of_product, of_scope, of_value
from acmidm.edit.new.organisations import FormOwner, owner_of
from acmidm.form_text import Quoted, file_text, lines_of
from acmidm_onboarding.forms.catalogue import Catalogue, Product, Speaks
from acmidm_onboarding.forms.files import ORGANISATION_FILE, form_file
from acmidm_onboarding.forms.speaking import speaking_values
from acmidm_onboarding.texts import Language, tr
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import listed, quoted
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform

_FIRST = Environment.TNI
"""Production comes by ``acmidm promote --write``, once TNI was validated."""
PLATFORM = Platform.ACMIDM
"""A connection is in ACM/IDM; GeoSecure, and a client secret, are a line that a person changes in
the form."""
_NOBODY = FormOwner("x", Organisation(name="X", ovo="OVO000000"), {"name": "X"})
"""Stands for an organisation that is not known, so that the rest is still looked at."""


@dataclass(frozen=True)
class Draft:
    """A form that has all it needs, not checked as a whole yet."""

    owner: FormOwner
    application: str
    contacts: Sequence[str]
    requests: Mapping[Environment, Mapping[str, Any]]
    """Per environment what the form has for it: keys, scopes and products, by their names in a
    form."""
    speaks_for: Mapping[str, Sequence[str]]
    """Under which names a new organisation sends; empty for one that is there."""
    supplier: str | None = None

    @property
    def scopes(self) -> Sequence[str]:
        return list(
            dict.fromkeys(
                scope for request in self.requests.values() for scope in request["scopes"]
            )
        )

    @property
    def new_organisation(self) -> Organisation:
        """A new organisation, as its ``organisation.yaml`` will have it."""
        return self.owner.organisation.model_copy(update={"speaks_for": self.speaks_for})

    @property
    def file(self) -> Path:
        """Where the form goes in the folder of forms."""
        return Path(self.owner.folder, form_file(self.application))

    def files(self, forms: Path, language: Language) -> dict[Path, Content]:
        """Return the texts of its files, by where they go: ``organisation.yaml`` where that is new,
        then the form."""
        files: dict[Path, Content] = {}
        if self.owner.is_new:
            files[forms / self.owner.folder / ORGANISATION_FILE] = self.organisation(language)
        files[forms / self.file] = self.form(language)
        return files

    def form(self, language: Language) -> str:
        """Return the text of the form, its comments in the language of its organisation."""
        fields = {
            "application": self.application,
            "contacts": list(self.contacts),
            "platforms": [PLATFORM.value],
            "token_endpoint_auth_method": AuthMethod.PRIVATE_KEY_JWT.value,
        }
        if self.supplier:
            fields["keys_of"] = self.supplier
        lines = [""]
        if Environment.PROD not in self.requests:
            what_next = language.tr(
                'The test environment (TNI) first. Once it is validated, "acmidm promote FORM'
                ' --write" adds production (prod).'
            )
            lines.append(f"# {what_next}")
        lines.append("environments:")
        for environment, request in self.requests.items():
            lines.append(f"  {environment.value}:")
            if "jwks" not in request and not self.supplier:
                keys = language.tr(
                    "Without jwks you upload the public key in the Beheerportaal (step 5), or name"
                    " it here with: acmidm keys new"
                )
                lines.append(f"    # {keys}")
            lines += [f"    {line}" for line in lines_of(request)]
        beginning = file_text(
            "onboarding",
            fields,
            language.tr(
                "One connection of an application. docs/forms.md says what each line means,"
                " docs/catalogue.md which scopes and products there are."
            ),
        )
        return beginning + "\n".join([*lines, ""])

    def organisation(self, language: Language) -> str:
        """Return the text of ``organisation.yaml`` of a new organisation."""
        fields = dict(self.owner.fields)
        if "kbo" in fields:
            fields["kbo"] = Quoted(fields["kbo"])
        chosen = {"language": fields.pop("language")} if "language" in fields else {}
        comment = language.tr(
            "This file belongs to Digitaal Vlaanderen. Name and codes are those of the organisation"
            " register."
        )
        lines = [file_text("organisation", fields, comment).rstrip("\n")]
        if self.speaks_for:
            whose = language.tr(
                "In whose name the forms beside it may speak. Digitaal Vlaanderen checks that."
            )
            lines.append(f"# {whose}")
            lines += lines_of({"speaks_for": dict(self.speaks_for)})
        if chosen:
            lines += lines_of(chosen)
        return "\n".join([*lines, ""])


def draft_of(
    answers: Answers,
    catalogue: Catalogue,
    organisations: Mapping[str, Organisation],
    forms: Path,
    checker: Checker,
) -> Draft:
    """Return what the answers come to. Raises Failure with every answer that is missing or
    wrong."""
    owner = owner_of(answers, organisations, forms, checker)
    owner = owner or _NOBODY
    application = _application(answers, owner, forms, checker)
    contacts = checker.answers(
        "--contact ADDRESS",
        tr("the e-mail address of a team, never of a person"),
        answers.contacts,
        lambda address: of_form(contacts=[address]),
    )
    products, scopes = _products_and_scopes(answers, catalogue, checker)
    if products:
        checker.wrong += _unchosen(answers.values, [product.product for product in products])
    fields = _Fields(owner, application, forms, answers.values, checker)
    configured = {
        product.product: fields.of(product)
        for product in products
        if product.configuration is not None
    }
    checker.require()
    request: dict[str, Any] = {"scopes": {scope: {} for scope in scopes}}
    if configured:
        request["products"] = configured
    names = (
        speaks_for((product, configured.get(product.product, {})) for product in products)
        if owner.is_new
        else {}
    )
    return Draft(owner, application, contacts, {_FIRST: request}, names, answers.supplier)


def _application(answers: Answers, owner: FormOwner, forms: Path, checker: Checker) -> str:
    def check(name: str) -> list[str]:
        if wrong := of_form(application=name):
            return wrong
        file = forms / owner.folder / f"{name}.yaml"
        if not file.exists():
            return []
        return [
            tr(
                "{file} exists already, and is left as it is; edit it, or name another application",
                file=file.as_posix(),
            )
        ]

    what = tr("a short name of the application, in lower case letters, digits and hyphens")
    return checker.answer("--application NAME", what, answers.application, check) or _NOBODY.folder


def _products_and_scopes(
    answers: Answers, catalogue: Catalogue, checker: Checker
) -> tuple[list[Product], list[str]]:
    """Return the products, those of further scopes among them, and the scopes: what follows from a
    product, and what was chosen."""
    extra = [
        scope
        for scope in separate(answers.scopes)
        if not checker.refuse("--scope", of_scope(scope, catalogue, _FIRST, PLATFORM))
    ]
    names: Sequence[str] = answers.products
    if names or not answers.scopes:
        what = tr("a product of the catalogue, or a scope with --scope")
        names = checker.answers(
            "--product NAME",
            what,
            names,
            lambda name: of_product(name, catalogue, _FIRST),
        )
    chosen_products = dict.fromkeys(
        [*names, *(catalogue.product_of[scope].product for scope in extra)]
    )
    scopes = dict.fromkeys(extra)
    for name in chosen_products:
        if not scopes.keys() & catalogue.products[name].scopes.keys():
            scopes |= dict.fromkeys(_scopes_of(catalogue.products[name], catalogue, checker))
    return [catalogue.products[name] for name in chosen_products], list(scopes)


def _scopes_of(product: Product, catalogue: Catalogue, checker: Checker) -> Sequence[str]:
    """Return the one scope that a product has, else those that are chosen: a client gets no more
    than it needs."""
    offered = {
        name: scope
        for name, scope in product.scopes.items()
        if not of_scope(name, catalogue, _FIRST, PLATFORM) and not scope.assigned_by_provider
    } or product.scopes
    if len(offered) == 1:
        return tuple(offered)
    what = tr(
        "those of {product} that are needed: {offered}",
        product=product.product,
        offered=listed(offered),
    )
    return checker.answers(
        "--scope NAME",
        what,
        (),
        partial(chosen, tuple(offered)),
    )


def speaks_for(
    products: Iterable[tuple[Product, Mapping[str, Any]]],
) -> Mapping[str, Sequence[str]]:
    """Return under which names a form sends, by its products, each with its configuration."""
    names: dict[str, list[str]] = {}
    for product, configuration in products:
        for (name, *_), text in speaking_values(product, configuration):
            names.setdefault(name, []).append(text)
    return {name: list(dict.fromkeys(texts)) for name, texts in names.items()}


class _Fields:
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
        self._checker.wrong += [
            tr(
                "{file}: {product} needs {name}, for which speaks_for has no value; have the team"
                " that runs onboarding add it, then run this again",
                file=self._file.as_posix(),
                product=product.product,
                name=name,
            )
            for name in unallowed
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
        if self._owner.is_new:
            # Its new organisation.yaml will allow the value, which the team reviews.
            return of_field(product, name, value)
        return of_value(product, name, value, self._owner.organisation, self._file)

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


def _unchosen(values: Values, chosen: Sequence[str]) -> list[str]:
    """Return a sentence for each value that is for a product which is not chosen."""
    return [
        tr(
            "--set {product}.{name}: {quoted} is not among the products ({chosen}); name it with"
            " --product too",
            product=product,
            name=name,
            quoted=quoted(product),
            chosen=listed(chosen),
        )
        for product, name in values
        if product not in chosen
    ]
