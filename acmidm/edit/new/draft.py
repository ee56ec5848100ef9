"""The draft: an organisation, its form, and the public keys that the form names. Options, a file of
the page, a row of a spreadsheet, an existing client, a change by hand and a promotion each become a
draft.

A draft becomes the files of a new form, or is added to an existing form (``existing.py``). Then it
has only what the form gains.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acmidm.edit.changes import Content
from acmidm.edit.new.answers import Answers, Mistakes, parsed, separate
from acmidm.edit.new.organisations import OwningOrganisation
from acmidm.form_text import Quoted, file_text, lines_of
from acmidm_onboarding.forms.catalogue import Catalogue, Product, Scope, Speaks
from acmidm_onboarding.forms.files import ORGANISATION_FILE, form_file
from acmidm_onboarding.forms.speaking import speaking_values
from acmidm_onboarding.texts import Language, tr
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.names import Part
from acmidm_onboarding.values.plain import filled
from acmidm_onboarding.values.problems import listed
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform, is_name

PLATFORM = Platform.ACMIDM
"""A connection is in ACM/IDM; GeoSecure, and a client secret, are a line that a person changes in
the form."""
KeyFiles = Mapping[Environment, Mapping[Path, str]]
"""Per environment the text of each new file of a public key."""


Key = PublicJwk | Mapping[str, Any]
"""A public key; its members as they were sent where it may not be registered: the loader of forms
says why."""


class Without(Part):
    """What somebody removed by hand at the authority: the form loses it, in the environments of the
    draft."""

    contacts: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    """By their thumbprints."""
    products: tuple[str, ...] = ()
    """A product, or a field of one, such as ``notificaties.link``."""
    attributes: tuple[str, ...] = ()


@dataclass
class Draft:
    """An organisation, a form of it, and the public keys that the form names."""

    owner: OwningOrganisation
    """Its ``folder`` is empty in a file of the page, until ``intake.py`` has found it."""
    form: Mapping[str, Any]
    """As the YAML of a form, without ``jwks``: {"application": "loket", "contacts": [...],
    "environments": {"tni": {"scopes": {"dv_dosis_schrijven": {}}}}}. Nothing in it is checked."""
    keys: Mapping[Environment, Sequence[Key]] = field(default_factory=dict)
    without: Without | None = None
    """None where the draft takes nothing away, as in a file of the page."""
    like: Environment | None = None
    """The environment of the existing form from which all that is added is copied, but for the
    fields in ``form``; None where ``form`` has all that is added."""

    @property
    def application(self) -> str:
        """The application's name, not checked; empty where nobody gave one."""
        return str(self.form.get("application", ""))

    def keys_by_thumbprint(self, environment: Environment) -> dict[str, PublicJwk]:
        """Return the valid keys of an environment; those that may not be registered are left
        out."""
        keys = self.keys.get(environment, ())
        return {key.thumbprint: key for key in keys if isinstance(key, PublicJwk)}

    def files(
        self,
        forms: Path,
        key_files: KeyFiles,
        comments: Language | None = None,
        *,
        origin: str = "",
    ) -> dict[Path, Content]:
        """Return the files of a new form, below the folder ``forms``: those of its keys,
        ``organisation.yaml`` where the organisation is new, and last the form.

        ``comments`` is the language of comments that explain the lines. Without it, the one comment
        is ``origin``, as after an import.
        """
        files: dict[Path, Content] = {}
        for texts_by_file in key_files.values():
            files |= texts_by_file
        if self.owner.is_new:
            file = forms / self.owner.folder / ORGANISATION_FILE
            files[file] = _organisation_text(self.owner, comments)
        environments = {}
        for environment, request in self.form["environments"].items():
            environments[environment] = _with_jwks(request, key_files.get(environment, ()))
        form = dict(self.form)
        del form["environments"]
        form["environments"] = environments  # the last
        file = file_of(forms, self.owner.folder, self.application)
        if comments:
            files[file] = _explained(form, comments)
        else:
            files[file] = file_text("onboarding", form, origin)
        return files


def file_of(forms: Path, folder: str, application: str) -> Path:
    """Return the file of a new form. An application whose name is wrong has a file too, so that the
    loader of forms reports every mistake in it."""
    name = form_file(application) if is_name(application) else "form.yaml"
    return forms / folder / name


def _with_jwks(request: Mapping[str, Any], key_files: Collection[Path]) -> Mapping[str, Any]:
    """Return a form's entry for an environment with ``jwks``, the names of its key files, as its
    first field; ``adopt`` stays before it."""
    if not key_files:
        return request
    jwks = [file.name for file in key_files]
    if "adopt" in request:
        return {"adopt": request["adopt"], "jwks": jwks, **request}
    return {"jwks": jwks, **request}


def _explained(form: Mapping[str, Any], language: Language) -> str:
    """Return the text of a new form, with comments in ``language`` that say what to do next."""
    supplier = form.get("keys_of")
    fields = {
        "application": form.get("application"),
        "contacts": form.get("contacts"),
        "platforms": [PLATFORM.value],
        "token_endpoint_auth_method": AuthMethod.PRIVATE_KEY_JWT.value,
        "keys_of": supplier,
    }
    lines = [""]
    if Environment.PROD.value not in form["environments"]:
        about_production = language.tr(
            'The test environment (TNI) first. Once it is validated, "acmidm promote FORM'
            ' --write" adds production (prod).'
        )
        lines.append(f"# {about_production}")
    lines.append("environments:")
    for environment, request in form["environments"].items():
        lines.append(f"  {environment}:")
        if "jwks" not in request and not supplier:
            about_keys = language.tr(
                "Without jwks you upload the public key in the Beheerportaal (step 5), or name it"
                " here with: acmidm keys new"
            )
            lines.append(f"    # {about_keys}")
        lines += [f"    {line}" for line in lines_of(request)]
    comment = language.tr(
        "One connection of an application. docs/forms.md says what each line means,"
        " docs/catalogue.md which scopes and products there are."
    )
    return file_text("onboarding", filled(fields), comment) + "\n".join([*lines, ""])


def _organisation_text(owner: OwningOrganisation, language: Language | None) -> str:
    """Return the text of ``organisation.yaml`` for a new organisation, with comments in
    ``language``, or none where that is None. ``speaks_for`` and ``language`` are its last lines."""
    fields = dict(owner.fields)
    if "kbo" in fields:
        fields["kbo"] = Quoted(fields["kbo"])
    own_language = filled({"language": fields.pop("language", None)})
    comment, above_names = "", []
    if language is not None:
        comment = language.tr(
            "This file belongs to Digitaal Vlaanderen. Name and codes are those of the organisation"
            " register."
        )
        about_names = language.tr(
            "In whose name the forms beside it may speak. Digitaal Vlaanderen checks that."
        )
        above_names = [f"# {about_names}"]
    lines = [file_text("organisation", fields, comment).rstrip("\n")]
    if owner.organisation.speaks_for:
        lines += [*above_names, *lines_of({"speaks_for": dict(owner.organisation.speaks_for)})]
    if own_language:
        lines += lines_of(own_language)
    return "\n".join([*lines, ""])


def draft_of(
    owner: OwningOrganisation, answers: Answers, catalogue: Catalogue, mistakes: Mistakes
) -> Draft:
    """Return the draft of a form for TNI by somebody's answers. A product adds its scope, a scope
    its product, and the organisation and the catalogue fill in what they know. A new organisation
    may send under the names that the form has.

    What is missing is noted in ``mistakes``; unknown names stay, for the loader of forms to report.
    """
    scopes, products = separate(answers.scopes), separate(answers.products)
    if not scopes and not products:
        mistakes.miss("--product NAME", tr("a product of the catalogue, or a scope with --scope"))
    all_products, all_scopes = dict.fromkeys(products), dict.fromkeys(scopes)
    for scope in scopes:
        if product := catalogue.product_of.get(scope):
            all_products[product.product] = None
    for name in all_products:
        product = catalogue.products.get(name)
        if product and all_scopes.keys().isdisjoint(product.scopes):
            all_scopes |= dict.fromkeys(_scopes_of(product, mistakes))
    request: dict[str, Any] = {"scopes": {scope: {} for scope in all_scopes}}
    if configurations := _configurations(all_products, answers, catalogue, owner):
        request["products"] = configurations
    form = {
        "application": answers.application,
        "contacts": list(separate(answers.contacts)),
        "keys_of": answers.supplier,
    }
    environments = {Environment.TNI.value: request}
    if owner.is_new:
        owner = owner.speaking(speaking_names(environments, catalogue))
    return Draft(owner, {**filled(form), "environments": environments})


def _scopes_of(product: Product, mistakes: Mistakes) -> Collection[str]:
    """Return the only scope of a product that a form may request, in a list. Where there are
    several, return none, and note in ``mistakes`` that the author has to choose: a client gets no
    scope that it does not need."""
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


def _configurations(
    products: Iterable[str], answers: Answers, catalogue: Catalogue, owner: OwningOrganisation
) -> dict[str, Any]:
    """Return a configuration for each product that has one in the catalogue, or that answers give a
    field of: {"dosis": {"bron_uri": "urn://gent/loket"}}."""
    configurations: dict[str, Any] = {}
    fields: dict[str, dict[str, Sequence[str]]] = {}
    for (product_name, field_name), values in answers.values.items():
        fields.setdefault(product_name, {})[field_name] = values
    for name in dict.fromkeys([*products, *fields]):
        given = fields.get(name, {})
        product = catalogue.products.get(name)
        if product is None:
            configurations[name] = given
        elif product.configuration is not None or given:
            configurations[name] = _configuration(product, given, owner)
    return configurations


def _configuration(
    product: Product, given: Mapping[str, Sequence[str]], owner: OwningOrganisation
) -> dict[str, Any]:
    """Return the configuration of a product: the fields that answers give and, of those that are
    required, what ``_known_values`` returns. A required field without either is left out: the
    loader of forms reports it."""
    configuration: dict[str, Any] = {}
    for name in dict.fromkeys([*product.required, *given]):
        if values := given.get(name) or _known_values(product, name, owner):
            configuration[name] = parsed(product.properties.get(name, {}), values)
    return configuration


def _known_values(product: Product, name: str, owner: OwningOrganisation) -> Sequence[str]:
    """Return the value of a field that nobody has to answer, in a list: the only name that the
    organisation may send under, else what the catalogue proposes for its OVO code. Return () where
    there is neither."""
    how_it_speaks, organisation = product.speaks_for.get(name), owner.organisation
    allowed = organisation.speaks_for.get(name, ())
    if how_it_speaks is Speaks.EXACTLY and len(allowed) == 1:
        return allowed
    template = product.fields[name].proposed if name in product.fields else None
    # An existing organisation may send under no name that its organisation.yaml lacks.
    if template and organisation.ovo and (owner.is_new or not how_it_speaks):
        return [template.format(ovo=organisation.ovo)]
    return ()


def speaking_names(
    environments: Mapping[str, Mapping[str, Any]], catalogue: Catalogue
) -> dict[str, list[str]]:
    """Return the names under which a form sends, by the field of its products that has them, as
    ``speaks_for`` of an organisation: {"bron_uri": ["urn://gent/mijn-gent"]}."""
    names: dict[str, dict[str, None]] = {}
    for request in environments.values():
        for product, configuration in request.get("products", {}).items():
            if product not in catalogue.products:
                continue
            for (field_name, *_), name in speaking_values(
                catalogue.products[product], configuration
            ):
                names.setdefault(field_name, {})[name] = None
    return {field_name: list(ordered) for field_name, ordered in names.items()}
