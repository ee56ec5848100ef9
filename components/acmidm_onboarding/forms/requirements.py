"""What a form must satisfy beyond its shape: the catalogue's scopes, attributes, products and schemas, and its keys."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.configuration import problems_of_configuration
from acmidm_onboarding.forms.documents import Document
from acmidm_onboarding.forms.form import WHOLE, EnvironmentRequest, Form
from acmidm_onboarding.forms.speaking import problems_of_senders, problems_of_value
from acmidm_onboarding.rules.policies import POLICIES, Planned, Profile, Situation
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import DocumentPath, Problem, did_you_mean, listed, quoted
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform


def problems_of_form(
    document: Document, form: Form, catalogue: Catalogue, owner: Document, organisation: Organisation | None
) -> Iterator[Problem]:
    """Yield the mistakes of a well-formed form by the catalogue and its organisation, which is None where it has
    mistakes itself."""
    if len(set(form.platforms)) < len(form.platforms):
        yield document.problem(("platforms",), "a platform is there twice", "keep each once")
    if Platform.ACMIDM not in form.platforms:
        yield document.problem(
            ("platforms",), "acmidm is not among the platforms", "add it: a connection is in ACM/IDM, or in both"
        )
    products = {product for request in form.environments.values() for product in request.products}
    yield from _problems_of_retirement(document, form, products)
    for environment, request in form.environments.items():
        place: DocumentPath = ("environments", environment.value)
        for platform in request.adopt:
            if platform not in form.platforms:
                yield document.problem(
                    (*place, "adopt", platform.value),
                    f"{platform} is not among the platforms",
                    "add it there, or remove it here",
                    at_key=True,
                )
        yield from _problems_of_credentials(document, place, form, request)
        yield from _problems_of_scopes(document, place, form, environment, request, catalogue)
        yield from _problems_of_products(document, place, environment, request, catalogue, owner, organisation)
        yield from _problems_of_attributes(document, place, form, request, catalogue, owner, organisation)


def _problems_of_credentials(
    document: Document, place: DocumentPath, form: Form, request: EnvironmentRequest
) -> Iterator[Problem]:
    """Yield what is of the other way to authenticate."""
    uses_keys = form.token_endpoint_auth_method is AuthMethod.PRIVATE_KEY_JWT
    if request.jwks and not uses_keys:
        yield document.problem(
            (*place, "jwks"),
            f"keys are given while the client authenticates with {form.token_endpoint_auth_method}",
            "choose token_endpoint_auth_method private_key_jwt, or remove the keys",
            at_key=True,
        )
    if uses_keys and "secret_generation" in request.model_fields_set:
        yield document.problem(
            (*place, "secret_generation"),
            "a client that authenticates with private_key_jwt has no secret",
            "remove it here, or choose another token_endpoint_auth_method",
            at_key=True,
        )


def _problems_of_retirement(document: Document, form: Form, products: Collection[str]) -> Iterator[Problem]:
    """Yield what a form cannot leave: what it does not have, ACM/IDM alone, or a part of a client that is to stay as it
    is."""
    parts = [name for name in form.retire if name != WHOLE]
    for name in parts:
        if name == Platform.ACMIDM:
            remedy = "give one day for the whole connection, as in retire: 2027-03-31"
            yield document.problem(("retire", name), "acmidm is the platform that stays", remedy, at_key=True)
        elif name not in form.platforms and name not in products:
            known = listed({*form.platforms, *products} - {Platform.ACMIDM})
            what = f"{quoted(name)} is no platform or product of this form"
            yield document.problem(("retire", name), what, f"remove it here; known here: {known}", at_key=True)
    if form.preserve and not form.retire:
        yield from _problems_of_what_stays(document, form)
    if form.preserve and parts:
        what = "preserve leaves the clients as they are, and retire names parts of them"
        yield document.problem(
            ("preserve",), what, "remove preserve, or give retire one day for the whole connection", at_key=True
        )


def _problems_of_what_stays(document: Document, form: Form) -> Iterator[Problem]:
    """Yield each compromised key of a client that leaves at once and is preserved: once it has left, nothing takes the
    key away."""
    for environment, request in form.environments.items():
        for index, entry in enumerate(request.jwks or ()):
            if entry.compromised:
                yield document.problem(
                    ("environments", environment.value, "jwks", index),
                    "preserve leaves the client as it is, with this key, which is compromised",
                    "take preserve away, bring the stack up so that the key goes, then preserve it again without this"
                    " entry",
                )


def _problems_of_scopes(
    document: Document,
    place: DocumentPath,
    form: Form,
    environment: Environment,
    request: EnvironmentRequest,
    catalogue: Catalogue,
) -> Iterator[Problem]:
    for name in request.scopes:
        path = (*place, "scopes", name)
        scope = catalogue.scopes.get(name)
        if scope is None:
            meant = catalogue.meant_scope(name)
            remedy = f'did you mean "{meant}"?' if meant else "choose one of the catalogue, or add it there"
            yield document.problem(path, f"scope {quoted(name)} is not in the catalogue", remedy, at_key=True)
            continue
        if environment not in scope.environments:
            yield document.problem(
                path,
                f'scope "{name}" is not offered on {environment}',
                f"it is on {listed(scope.environments)}; remove it here",
                at_key=True,
            )
        for platform in form.platforms:
            if catalogue.name_on(platform, name) is None:
                yield document.problem(
                    path,
                    f'scope "{name}" is not offered on platform {platform}',
                    f"remove the scope, or {platform}",
                    at_key=True,
                )
        product = catalogue.product_of[name]
        if product.configuration is not None and product.product not in request.products:
            yield document.problem(
                path,
                f'scope "{name}" belongs to product "{product.product}", which has no configuration here',
                f'add "{product.product}" under products',
                at_key=True,
            )


def _problems_of_products(
    document: Document,
    place: DocumentPath,
    environment: Environment,
    request: EnvironmentRequest,
    catalogue: Catalogue,
    owner: Document,
    organisation: Organisation | None,
) -> Iterator[Problem]:
    wanted = _known_scopes(request, catalogue)
    for name, configuration in request.products.items():
        path = (*place, "products", name)
        product = catalogue.products.get(name)
        if product is None:
            remedy = did_you_mean(name, catalogue.products, f"known products: {listed(catalogue.products)}")
            yield document.problem(path, f"product {quoted(name)} is not in the catalogue", remedy, at_key=True)
            continue
        if environment not in product.environments:
            yield document.problem(
                path, f'product "{name}" is not offered on {environment}', "remove it here", at_key=True
            )
        if not product.scopes.keys() & wanted:
            yield document.problem(
                path,
                f'product "{name}" is configured, but none of its scopes is here',
                f"add one of {listed(product.scopes)} under scopes, or remove the product",
                at_key=True,
            )
        if product.configuration is None:
            yield document.problem(path, f'product "{name}" needs no configuration', "remove it here", at_key=True)
            continue
        found = list(problems_of_configuration(document, path, name, catalogue.validators[name], configuration))
        yield from found
        if organisation is not None:
            faulty = {(problem.line, problem.column) for problem in found}
            senders = problems_of_senders(document, path, product, configuration, owner, organisation)
            yield from (problem for problem in senders if (problem.line, problem.column) not in faulty)


def _known_scopes(request: EnvironmentRequest, catalogue: Catalogue) -> set[str | None]:
    """Return the scopes of a form; one that is misspelt has been reported, and counts as the one that was meant."""
    return {scope if scope in catalogue.scopes else catalogue.meant_scope(scope) for scope in request.scopes}


def _problems_of_attributes(
    document: Document,
    place: DocumentPath,
    form: Form,
    request: EnvironmentRequest,
    catalogue: Catalogue,
    owner: Document,
    organisation: Organisation | None,
) -> Iterator[Problem]:
    """Yield what a client may not say of itself: only what the catalogue lists, and in nobody else's name."""
    wanted = _known_scopes(request, catalogue)
    for name, value in request.attributes.items():
        path = (*place, "attributes", name)
        if name not in catalogue.attributes:
            known = (
                f"known here: {listed(catalogue.attributes)}"
                if catalogue.attributes
                else "it has none yet, so remove it here"
            )
            remedy = did_you_mean(name, catalogue.attributes, known)
            yield document.problem(path, f"attribute {quoted(name)} is not in the catalogue", remedy, at_key=True)
            continue
        product, attribute = catalogue.attributes[name]
        for platform in form.platforms:
            if platform not in attribute.platforms:
                what = f'attribute "{name}" is not known on platform {platform}'
                yield document.problem(path, what, f"remove the attribute, or {platform}", at_key=True)
        if not product.scopes.keys() & wanted:
            what = f'attribute "{name}" is for product "{product.product}", none of whose scopes is here'
            yield document.problem(
                path, what, f"add one of {listed(product.scopes)} under scopes, or remove the attribute", at_key=True
            )
        if organisation is not None:
            yield from problems_of_value(document, path, name, attribute.speaks_for, value, owner, organisation)


def problems_of_keys(
    document: Document, environment: Environment, keys: Sequence[PublicJwk | None]
) -> Iterator[Problem]:
    """Yield each kid or key that one environment has twice; ``keys`` are in the order of ``jwks``."""
    kids: dict[str, int] = {}
    thumbprints: dict[str, int] = {}
    for index, jwk in enumerate(keys):
        if jwk is None:
            continue
        path = ("environments", environment.value, "jwks", index)
        if jwk.thumbprint in thumbprints:
            yield document.problem(
                path, f"this is the same key as key {thumbprints[jwk.thumbprint] + 1} here", "keep one of the two"
            )
        elif jwk.kid in kids:
            what = f"kid {quoted(jwk.kid)} is also that of key {kids[jwk.kid] + 1} here"
            yield document.problem(path, what, "give each key a kid of its own")
        kids.setdefault(jwk.kid, index)
        thumbprints.setdefault(jwk.thumbprint, index)


def problems_of_policies(
    document: Document, form: Form, environment: Environment, keys: Sequence[PublicJwk | None], profile: Profile
) -> Iterator[Problem]:
    """Yield the policies that a form violates in one environment without exemption; ``keys`` are in the order of
    ``jwks``."""
    situation = Situation(environment, profile, datetime.now(UTC))
    places = {key.kid: index for index, key in enumerate(keys) if key}
    planned = Planned(form.token_endpoint_auth_method, keys={key.kid: key.members for key in keys if key})
    for policy in POLICIES:
        if policy.refused_in_forms or policy.id in form.exemptions:
            continue
        for finding in policy.violations(planned, situation):
            place: DocumentPath = ("token_endpoint_auth_method",)
            if finding.subject is not None:
                place = ("environments", environment.value, "jwks", places[finding.subject])
            exemption = f"add under exemptions {policy.id}: {{reason: …, reference: …}} (docs/policies.md#{policy.id})"
            yield document.problem(place, finding.what, f"{finding.remedy}, or {exemption}")


def problems_of_platforms(
    document: Document, form: Form, environment: Environment, served: Collection[Platform]
) -> Iterator[Problem]:
    """Yield the platforms of a form for which the stack of this environment has no authority."""
    for index, platform in enumerate(form.platforms):
        if environment in form.environments and platform not in served:
            yield document.problem(
                ("platforms", index),
                f"{platform} has no authority in this stack of {environment}",
                f"remove it here, or set acmidm:{platform}ManagementUrl and what goes with it",
            )
