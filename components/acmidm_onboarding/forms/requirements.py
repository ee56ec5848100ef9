"""What a form must satisfy beyond its shape: the catalogue's scopes, attributes, products and
schemas, and its keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain

from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.configuration import problems_of_configuration
from acmidm_onboarding.forms.documents import YamlDocument
from acmidm_onboarding.forms.form import EnvironmentRequest, Form
from acmidm_onboarding.forms.speaking import (
    problems_of_attribute_value,
    problems_of_speaking_values,
)
from acmidm_onboarding.forms.suppliers import KeyList, problem_of_unused_keys
from acmidm_onboarding.rules.policies import (
    Policy,
    Profile,
    Situation,
    Violation,
    violations,
)
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import DocumentPath, Problem, did_you_mean, listed, quoted
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform


def problems_of_form(
    document: YamlDocument,
    form: Form,
    catalogue: Catalogue,
    organisation: Organisation | None,
) -> Iterator[Problem]:
    """Yield the mistakes of a well-formed form by the catalogue and its organisation. That is None
    where its file has mistakes: values that speak for it are then not checked."""
    if len(set(form.platforms)) < len(form.platforms):
        yield document.problem(
            ("platforms",), tr("a platform is there twice"), tr("keep each once")
        )
    if Platform.ACMIDM not in form.platforms:
        yield document.problem(
            ("platforms",),
            tr("acmidm is not among the platforms"),
            tr("add it: a connection is in ACM/IDM, or in both"),
        )
    products = set(chain(*(request.products for request in form.environments.values())))
    yield from _problems_of_retirement(document, form, products)
    for environment, request in form.environments.items():
        above: DocumentPath = ("environments", environment.value)
        for platform in request.adopt:
            if platform not in form.platforms:
                yield document.problem(
                    (*above, "adopt", platform.value),
                    tr("{platform} is not among the platforms", platform=platform),
                    tr("add it there, or remove it here"),
                    at_key=True,
                )
        yield from _problems_of_credentials(document, above, form, request)
        yield from _problems_of_scopes(document, above, form, environment, request, catalogue)
        yield from _problems_of_products(
            document, above, environment, request, catalogue, organisation
        )
        yield from _problems_of_attributes(document, above, form, request, catalogue, organisation)


def problems_of_jwks_uri(document: YamlDocument, form: Form) -> Iterator[Problem]:
    """Yield each environment whose keys are both in files and at an address, or need no address.

    RFC 7591 §2 allows one of the two. No command fetches what is at the address: ``acmidm probe``
    shows whether it works.
    """
    for environment, request in form.environments.items():
        path = ("environments", environment.value, "jwks_uri")
        if request.jwks_uri is None:
            continue
        if request.jwks is not None:
            yield document.problem(
                path,
                tr("the keys are both in files (jwks) and at an address (jwks_uri)"),
                tr("keep one of the two"),
                at_key=True,
            )
        if form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
            what = tr(
                "an address of keys is given while the client authenticates with {method}",
                method=form.token_endpoint_auth_method,
            )
            yield document.problem(
                path,
                what,
                tr("choose token_endpoint_auth_method private_key_jwt, or remove the address"),
                at_key=True,
            )


def _problems_of_credentials(
    document: YamlDocument, above: DocumentPath, form: Form, request: EnvironmentRequest
) -> Iterator[Problem]:
    """Yield the keys of a form whose clients authenticate with a secret, and the
    ``secret_generation`` of one whose clients authenticate with keys."""
    uses_keys = form.token_endpoint_auth_method is AuthMethod.PRIVATE_KEY_JWT
    if request.jwks and not uses_keys:
        yield problem_of_unused_keys(document, (*above, "jwks"), form)
    if uses_keys and "secret_generation" in request.model_fields_set:
        yield document.problem(
            (*above, "secret_generation"),
            tr("a client that authenticates with private_key_jwt has no secret"),
            tr("remove it here, or choose another token_endpoint_auth_method"),
            at_key=True,
        )


def _problems_of_retirement(
    document: YamlDocument, form: Form, products: Collection[str]
) -> Iterator[Problem]:
    """Yield what is wrong with ``retire``: days of parts together with one for the whole
    connection, a day for ACM/IDM alone, a part that the form does not have, ``keep`` without a day,
    and ``keep`` for a client that acts by a mandate."""
    if form.retire.on and form.retire.parts:
        what = tr("retire names the whole connection with on, and parts of it")
        remedy = tr("give the whole its day, as in {{on: 2027-03-31}}, or each part its own")
        yield document.problem(("retire", "on"), what, remedy, at_key=True)
    elif form.retire.keep and not form.retire.on:
        what = tr("keep says that the client stays, and no day from which on")
        remedy = tr("give the day, as in retire: {{on: 2027-03-31, keep: true}}")
        yield document.problem(("retire", "keep"), what, remedy, at_key=True)
    # What a mandate gives ends with it, and nobody would end it for a client that is let go.
    sends_for = any(request.afzenders for request in form.environments.values())
    if form.retire.keep and (form.keys_of is not None or sends_for):
        what = tr(
            "keep lets a client go by which somebody acts by a mandate, which nobody would end"
        )
        remedy = tr(
            "take keys_of and afzenders out first, with keys of its own for the client; or leave"
            " keep out"
        )
        yield document.problem(("retire", "keep"), what, remedy, at_key=True)
    for name in form.retire.parts:
        if name == Platform.ACMIDM:
            remedy = tr("give one day for the whole connection, as in retire: 2027-03-31")
            yield document.problem(
                ("retire", name), tr("acmidm is the platform that stays"), remedy, at_key=True
            )
        elif name not in form.platforms and name not in products:
            leaving = listed({*form.platforms, *products} - {Platform.ACMIDM})
            what = tr("{name} is no platform or product of this form", name=quoted(name))
            yield document.problem(
                ("retire", name),
                what,
                tr("remove it here; known here: {known}", known=leaving),
                at_key=True,
            )


def _problems_of_scopes(
    document: YamlDocument,
    above: DocumentPath,
    form: Form,
    environment: Environment,
    request: EnvironmentRequest,
    catalogue: Catalogue,
) -> Iterator[Problem]:
    """Yield each scope that a client cannot have in an environment, or whose product needs a
    configuration that is not there."""
    for name in request.scopes:
        path = (*above, "scopes", name)
        yield from problems_of_scope(document, path, name, environment, form.platforms, catalogue)
        if name not in catalogue.scopes:
            continue
        product = catalogue.product_of[name]
        if product.configuration is not None and product.product not in request.products:
            yield document.problem(
                path,
                tr(
                    'scope "{name}" belongs to product "{product}", which has no configuration'
                    " here",
                    name=name,
                    product=product.product,
                ),
                tr('add "{product}" under products', product=product.product),
                at_key=True,
            )


def problems_of_scope(
    document: YamlDocument,
    path: DocumentPath,
    name: str,
    environment: Environment,
    platforms: Iterable[Platform],
    catalogue: Catalogue,
) -> Iterator[Problem]:
    """Yield why no client can have the scope that a document names at ``path``: the catalogue lacks
    it, or does not offer it in this environment or on one of these platforms."""
    scope = catalogue.scopes.get(name)
    if scope is None:
        meant = catalogue.meant_scope(name)
        remedy = tr("choose one of the catalogue, or add it there")
        if meant:
            remedy = tr('did you mean "{meant}"?', meant=meant)
        what = tr("scope {name} is not in the catalogue", name=quoted(name))
        yield document.problem(path, what, remedy, at_key=True)
        return
    if environment not in scope.environments:
        what = tr(
            'scope "{name}" is not offered on {environment}', name=name, environment=environment
        )
        offered = listed(scope.environments)
        remedy = tr("it is on {environments}; remove it here", environments=offered)
        yield document.problem(path, what, remedy, at_key=True)
    for platform in platforms:
        if catalogue.name_on(platform, name) is None:
            what = tr(
                'scope "{name}" is not offered on platform {platform}', name=name, platform=platform
            )
            remedy = tr("remove the scope, or {platform}", platform=platform)
            yield document.problem(path, what, remedy, at_key=True)


def problems_of_product(
    document: YamlDocument,
    path: DocumentPath,
    name: str,
    environment: Environment,
    catalogue: Catalogue,
) -> Iterator[Problem]:
    """Yield why no form can have the product that a document names at ``path``: the catalogue lacks
    it, or does not offer it in this environment."""
    product = catalogue.products.get(name)
    if product is None:
        known = tr("known products: {products}", products=listed(catalogue.products))
        remedy = did_you_mean(name, catalogue.products, known)
        what = tr("product {name} is not in the catalogue", name=quoted(name))
        yield document.problem(path, what, remedy, at_key=True)
    elif environment not in product.environments:
        what = tr(
            'product "{name}" is not offered on {environment}', name=name, environment=environment
        )
        yield document.problem(path, what, tr("remove it here"), at_key=True)


def _problems_of_products(
    document: YamlDocument,
    above: DocumentPath,
    environment: Environment,
    request: EnvironmentRequest,
    catalogue: Catalogue,
    organisation: Organisation | None,
) -> Iterator[Problem]:
    """Yield what is wrong with each configured product: the form cannot have it, or none of its
    scopes is here; it needs no configuration, or the configuration has mistakes. ``organisation``
    says for whom values may speak."""
    requested = _known_scopes(request, catalogue)
    for name, configuration in request.products.items():
        path = (*above, "products", name)
        yield from problems_of_product(document, path, name, environment, catalogue)
        product = catalogue.products.get(name)
        if product is None:
            continue
        if not product.scopes.keys() & requested:
            yield document.problem(
                path,
                tr('product "{name}" is configured, but none of its scopes is here', name=name),
                tr(
                    "add one of {scopes} under scopes, or remove the product",
                    scopes=listed(product.scopes),
                ),
                at_key=True,
            )
        if product.configuration is None:
            yield document.problem(
                path,
                tr('product "{name}" needs no configuration', name=name),
                tr("remove it here"),
                at_key=True,
            )
            continue
        mistakes = list(
            problems_of_configuration(
                document, path, name, catalogue.validators[name], configuration
            )
        )
        yield from mistakes
        if organisation is not None:
            faulty = {(problem.line, problem.column) for problem in mistakes}
            speaking = problems_of_speaking_values(
                document, path, product, configuration, organisation
            )
            for problem in speaking:
                # What the schema refuses already is reported once.
                if (problem.line, problem.column) not in faulty:
                    yield problem


def _known_scopes(request: EnvironmentRequest, catalogue: Catalogue) -> set[str | None]:
    """Return the scopes of an environment, by the catalogue's names. A misspelt one, which is
    reported elsewhere, counts as the scope that was meant; None among them: no such scope."""
    known = request.scopes.keys() & catalogue.scopes.keys()
    return {*known, *map(catalogue.meant_scope, request.scopes.keys() - known)}


def _problems_of_attributes(
    document: YamlDocument,
    above: DocumentPath,
    form: Form,
    request: EnvironmentRequest,
    catalogue: Catalogue,
    organisation: Organisation | None,
) -> Iterator[Problem]:
    """Yield each attribute that a client may not have: one that the catalogue lacks, or does not
    have on a platform of the form; one of a product without a scope here; one with a value in the
    name of another organisation than ``organisation``."""
    requested = _known_scopes(request, catalogue)
    for name, value in request.attributes.items():
        path = (*above, "attributes", name)
        if name not in catalogue.attributes:
            otherwise = tr("it has none yet, so remove it here")
            if catalogue.attributes:
                otherwise = tr("known here: {known}", known=listed(catalogue.attributes))
            remedy = did_you_mean(name, catalogue.attributes, otherwise)
            yield document.problem(
                path,
                tr("attribute {name} is not in the catalogue", name=quoted(name)),
                remedy,
                at_key=True,
            )
            continue
        product, attribute = catalogue.attributes[name]
        for platform in form.platforms:
            if platform not in attribute.platforms:
                what = tr(
                    'attribute "{name}" is not known on platform {platform}',
                    name=name,
                    platform=platform,
                )
                yield document.problem(
                    path,
                    what,
                    tr("remove the attribute, or {platform}", platform=platform),
                    at_key=True,
                )
        if not product.scopes.keys() & requested:
            what = tr(
                'attribute "{name}" is for product "{product}", none of whose scopes is here',
                name=name,
                product=product.product,
            )
            yield document.problem(
                path,
                what,
                tr(
                    "add one of {scopes} under scopes, or remove the attribute",
                    scopes=listed(product.scopes),
                ),
                at_key=True,
            )
        if organisation is not None:
            yield from problems_of_attribute_value(
                document, path, name, attribute.speaks_for, value, organisation
            )


def problems_of_keys(
    listed: KeyList, environment: Environment, keys: Sequence[PublicJwk | None]
) -> Iterator[Problem]:
    """Yield each kid or key that one environment has twice. ``keys`` are those of the list in its
    order, None for one with mistakes."""
    document = listed.document
    kids: dict[str, int] = {}
    thumbprints: dict[str, int] = {}
    for index, jwk in enumerate(keys):
        if jwk is None:
            continue
        path = listed.path(environment, index)
        if jwk.thumbprint in thumbprints:
            yield document.problem(
                path,
                tr(
                    "this is the same key as key {number} here",
                    number=thumbprints[jwk.thumbprint] + 1,
                ),
                tr("keep one of the two"),
            )
        elif jwk.kid in kids:
            what = tr(
                "kid {kid} is also that of key {number} here",
                kid=quoted(jwk.kid),
                number=kids[jwk.kid] + 1,
            )
            yield document.problem(path, what, tr("give each key a kid of its own"))
        kids.setdefault(jwk.kid, index)
        thumbprints.setdefault(jwk.thumbprint, index)


def problems_of_policies(
    document: YamlDocument,
    form: Form,
    environment: Environment,
    listed: KeyList,
    keys: Sequence[PublicJwk | None],
    profile: Profile,
) -> Iterator[Problem]:
    """Yield the policies that a form violates in one environment without an exemption. ``keys`` are
    those of the list in its order, None for one with mistakes or compromised."""
    places: dict[str, int] = {}
    members: dict[str, Mapping[str, object]] = {}
    for index, key in enumerate(keys):
        if key:
            places[key.kid], members[key.kid] = index, key.members
    method = form.token_endpoint_auth_method
    situation = Situation(environment, profile, datetime.now(UTC), members, method)
    for policy, finding in violations(situation, form.exemptions):
        remedy = remedy_of(policy, finding)
        if finding.subject is None:  # no key, but the method by which the client authenticates
            yield document.problem(("token_endpoint_auth_method",), finding.what, remedy)
        else:
            path = listed.path(environment, places[finding.subject])
            yield listed.document.problem(path, finding.what, remedy)


def remedy_of(policy: Policy, finding: Violation) -> str:
    """Return what to do about a violation: what the policy wants, or an exemption from it."""
    return tr(
        "{remedy}, or {exemption}",
        remedy=finding.remedy,
        exemption=tr(
            "add under exemptions {id}: {{reason: …, reference: …}} (docs/policies.md#{id})",
            id=policy.id,
        ),
    )
