"""The one document between what people bring and the forms: an organisation, its form, and the
public keys that the form names. Options, a file of the page, a row of a spreadsheet, a client that
exists, what a hand changed and what production lacks become it. It becomes the files of a new form,
or is added to one that exists (``existing``), of which it has only what is added.
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
"""Per environment the text of each file of a public key."""


Key = PublicJwk | Mapping[str, Any]
"""A public key; its members where it may not be registered, for the loader to say why."""


class Without(Part):
    """What a hand took away: the form loses it, in the environments that the file names."""

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
    """Without a folder as long as nobody has looked for it."""
    form: Mapping[str, Any]
    """By its names in a file. The names of its keys are not in it: their files get theirs later."""
    keys: Mapping[Environment, Sequence[Key]] = field(default_factory=dict)
    without: Without | None = None
    """None where nothing is taken away, as in a file of the page."""
    like: Environment | None = None
    """The environment of the form that has the rest of what is added, where it is one."""

    @property
    def application(self) -> str:
        """Its name, not checked; empty where nobody gave one."""
        return str(self.form.get("application", ""))

    def keys_by_thumbprint(self, environment: Environment) -> dict[str, PublicJwk]:
        """Return the keys of an environment that may be registered."""
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
        """Return the texts of the form as a new one, of its keys, and of its organisation where
        that is new: the form is the last.

        ``comments`` is the language of what explains the lines; without one, ``origin`` is all that
        the form has.
        """
        files: dict[Path, Content] = {}
        for texts_by_file in key_files.values():
            files |= texts_by_file
        if self.owner.is_new:
            file = forms / self.owner.folder / ORGANISATION_FILE
            files[file] = _organisation_text(self.owner, comments)
        environments = {}
        for environment, request in self.form["environments"].items():
            environments[environment] = _request(request, key_files.get(environment, ()))
        form = dict(self.form)
        del form["environments"]
        form["environments"] = environments  # the last
        files[file_of(forms, self.owner.folder, self.application)] = (
            _explained(form, comments) if comments else file_text("onboarding", form, origin)
        )
        return files


def file_of(forms: Path, folder: str, application: str) -> Path:
    """Return the file of a new form. One whose name is wrong has a place all the same, so that all
    that is wrong with it shows."""
    name = form_file(application) if is_name(application) else "form.yaml"
    return forms / folder / name


def _request(request: Mapping[str, Any], keys: Collection[Path]) -> Mapping[str, Any]:
    """Return what a form has for an environment, with its keys before all that is not another's."""
    if not keys:
        return request
    jwks = [file.name for file in keys]
    if "adopt" in request:
        return {"adopt": request["adopt"], "jwks": jwks, **request}
    return {"jwks": jwks, **request}


def _explained(form: Mapping[str, Any], language: Language) -> str:
    """Return the text of a form, with what its lines are for."""
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
        what_next = language.tr(
            'The test environment (TNI) first. Once it is validated, "acmidm promote FORM'
            ' --write" adds production (prod).'
        )
        lines.append(f"# {what_next}")
    lines.append("environments:")
    for environment, request in form["environments"].items():
        lines.append(f"  {environment}:")
        if "jwks" not in request and not supplier:
            keys = language.tr(
                "Without jwks you upload the public key in the Beheerportaal (step 5), or name it"
                " here with: acmidm keys new"
            )
            lines.append(f"    # {keys}")
        lines += [f"    {line}" for line in lines_of(request)]
    comment = language.tr(
        "One connection of an application. docs/forms.md says what each line means,"
        " docs/catalogue.md which scopes and products there are."
    )
    return file_text("onboarding", filled(fields), comment) + "\n".join([*lines, ""])


def _organisation_text(owner: OwningOrganisation, language: Language | None) -> str:
    """Return the text of a new organisation's file. ``language`` is that of the comments; without
    one it has none."""
    fields = dict(owner.fields)
    if "kbo" in fields:
        fields["kbo"] = Quoted(fields["kbo"])
    chosen = filled({"language": fields.pop("language", None)})
    comment, whose = "", []
    if language is not None:
        comment = language.tr(
            "This file belongs to Digitaal Vlaanderen. Name and codes are those of the organisation"
            " register."
        )
        in_whose_name = language.tr(
            "In whose name the forms beside it may speak. Digitaal Vlaanderen checks that."
        )
        whose = [f"# {in_whose_name}"]
    lines = [file_text("organisation", fields, comment).rstrip("\n")]
    if owner.organisation.speaks_for:
        lines += [*whose, *lines_of({"speaks_for": dict(owner.organisation.speaks_for)})]
    if chosen:
        lines += lines_of(chosen)
    return "\n".join([*lines, ""])


def draft_of(
    owner: OwningOrganisation, answers: Answers, catalogue: Catalogue, mistakes: Mistakes
) -> Draft:
    """Return what answers come to: a form for TNI, with what follows from a product, and what is
    known of its organisation, which may send, where it is new, under the names that the form has.
    What is missing is noted in ``mistakes``."""
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
    if configured := _configured(names, answers, catalogue, owner):
        request["products"] = configured
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
    """Return the one scope that a product has. Of several return none, and note in ``mistakes``
    that those needed have to be given: a client gets no more."""
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


def _configured(
    names: Iterable[str], answers: Answers, catalogue: Catalogue, owner: OwningOrganisation
) -> dict[str, Any]:
    """Return the configuration of each product that needs one, or is given any of it."""
    configured: dict[str, Any] = {}
    fields: dict[str, dict[str, Sequence[str]]] = {}
    for (product, field_name), values in answers.values.items():
        fields.setdefault(product, {})[field_name] = values
    for name in dict.fromkeys([*names, *fields]):
        given = fields.get(name, {})
        wanted = catalogue.products.get(name)
        if wanted is None:
            configured[name] = given
        elif wanted.configuration is not None or given:
            configured[name] = _configuration(wanted, given, owner)
    return configured


def _configuration(
    product: Product, given: Mapping[str, Sequence[str]], owner: OwningOrganisation
) -> dict[str, Any]:
    """Return what a form says for a product: what was given, and what is known."""
    configuration: dict[str, Any] = {}
    for name in dict.fromkeys([*product.required, *given]):
        known = _known_values(product, name, owner)
        if answers := given.get(name) or known:
            configuration[name] = parsed(product.properties.get(name, {}), answers)
    return configuration


def _known_values(product: Product, name: str, owner: OwningOrganisation) -> Sequence[str]:
    """Return the value of a field that nobody has to give: the one name that the organisation may
    send under, else what the catalogue proposes for its OVO code; nothing where there is
    neither."""
    how, whose = product.speaks_for.get(name), owner.organisation
    allowed = whose.speaks_for.get(name, ())
    if how is Speaks.EXACTLY and len(allowed) == 1:
        return allowed
    template = product.fields[name].proposed if name in product.fields else None
    if template and whose.ovo and (owner.is_new or not how):
        return [template.format(ovo=whose.ovo)]
    return ()


def speaking_names(
    environments: Mapping[str, Mapping[str, Any]], catalogue: Catalogue
) -> dict[str, list[str]]:
    """Return the names under which a form sends, by the field of its products that has them:
    {"bron_uri": ["urn://gent/mijn-gent"]}."""
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
