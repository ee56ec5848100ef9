"""What a form must satisfy beyond its shape: the catalogue's scopes, products and schemas, its keys, and the other forms."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from acmidm_onboarding.model.catalogue import Catalogue, Product, Speaks
from acmidm_onboarding.model.configuration import problems_of_configuration
from acmidm_onboarding.model.connection import connection_key, former_keys
from acmidm_onboarding.model.documents import Document
from acmidm_onboarding.model.form import AuthMethod, Environment, EnvironmentRequest, Form, Organisation, Platform
from acmidm_onboarding.model.identifiers import codes_within, look_of
from acmidm_onboarding.model.jwk import PublicJwk
from acmidm_onboarding.model.policies import POLICIES, Planned, Profile, Situation
from acmidm_onboarding.model.problems import DocumentPath, Problem, did_you_mean, listed, nearest, quoted


def problems_of_form(
    document: Document, form: Form, catalogue: Catalogue, owner: Document, organisation: Organisation | None
) -> Iterator[Problem]:
    """Yield the mistakes of a well-formed form by the catalogue and its organisation, which is None where it has mistakes itself."""
    if len(set(form.platforms)) < len(form.platforms):
        yield document.problem(("platforms",), "a platform is there twice", "keep each once")
    if Platform.ACMIDM not in form.platforms:
        yield document.problem(("platforms",), "acmidm is not among the platforms", "add it: a connection is in ACM/IDM, or in both")
    products = {product for request in form.environments.values() for product in request.products}
    for index, name in enumerate(form.ending):
        if name not in form.platforms and name not in products:
            known = listed({*form.platforms, *products} - {Platform.ACMIDM})
            yield document.problem(
                ("ending", index), f"{quoted(name)} is no platform or product of this form", f"remove it here; known here: {known}"
            )
        elif name == Platform.ACMIDM:
            yield document.problem(("ending", index), "acmidm is the platform that stays", "remove it here")
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
        if request.jwks and form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
            yield document.problem(
                (*place, "jwks"),
                f"keys are given while the client authenticates with {form.token_endpoint_auth_method}",
                "choose token_endpoint_auth_method private_key_jwt, or remove the keys",
                at_key=True,
            )
        yield from _problems_of_scopes(document, place, form, environment, request, catalogue)
        yield from _problems_of_products(document, place, environment, request, catalogue, owner, organisation)
        yield from _problems_of_attributes(document, place, form, request, catalogue, owner, organisation)


def _problems_of_scopes(
    document: Document, place: DocumentPath, form: Form, environment: Environment, request: EnvironmentRequest, catalogue: Catalogue
) -> Iterator[Problem]:
    for name in request.scopes:
        path = (*place, "scopes", name)
        scope = catalogue.scopes.get(name)
        if scope is None:
            remedy = did_you_mean(name, catalogue.scopes, "choose one of the catalogue, or add it there")
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
                    path, f'scope "{name}" is not offered on platform {platform}', f"remove the scope, or {platform}", at_key=True
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
            yield document.problem(path, f'product "{name}" is not offered on {environment}', "remove it here", at_key=True)
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
            senders = _problems_of_senders(document, path, product, configuration, owner, organisation)
            yield from (problem for problem in senders if (problem.line, problem.column) not in faulty)


def _known_scopes(request: EnvironmentRequest, catalogue: Catalogue) -> set[str | None]:
    """Return the scopes of a form; one that is misspelt has been reported, and counts as the nearest known one."""
    return {scope if scope in catalogue.scopes else nearest(scope, catalogue.scopes) for scope in request.scopes}


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
            known = f"known here: {listed(catalogue.attributes)}" if catalogue.attributes else "it has none yet, so remove it here"
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
            yield document.problem(path, what, f"add one of {listed(product.scopes)} under scopes, or remove the attribute", at_key=True)
        if organisation is not None:
            yield from _problems_of_value(document, path, name, attribute.speaks_for, value, owner, organisation)


def _problems_of_value(
    document: Document, path: DocumentPath, name: str, how: Speaks | None, value: str, owner: Document, organisation: Organisation
) -> Iterator[Problem]:
    """Yield what an attribute says in the name of another organisation."""
    allowed = organisation.speaks_for.get(name, ())
    if how is not None and not any(how.allows(value, one) for one in allowed):
        what = f"attribute {name} is {quoted(value)}, for which {organisation.name} does not speak"
        remedy = f"{_allowed(how, allowed)}; the onboarding team adds others under speaks_for in {owner.file}"
        yield document.problem(path, what, remedy)
    elif how is None and (others := codes_within(value) - {organisation.ovo, organisation.kbo}):
        what = f"attribute {name} has {listed(others)} in it, which is no code of {organisation.name}"
        yield document.problem(path, what, "write its own, or none: a client says nothing in the name of another")


def _problems_of_senders(
    document: Document, path: DocumentPath, product: Product, configuration: Mapping[str, Any], owner: Document, organisation: Organisation
) -> Iterator[Problem]:
    """Yield each value that speaks for somebody for whom the organisation does not speak."""
    for field, value in _speaking_values(product, configuration):
        how, allowed = product.speaks_for[field[0]], organisation.speaks_for.get(field[0], ())
        if not any(how.allows(value, one) for one in allowed):
            yield document.problem(
                (*path, *field),
                f"{product.product}, {field[0]} is {quoted(value)}, for which {organisation.name} does not speak",
                f"{_allowed(how, allowed)}; the onboarding team adds others under speaks_for in {owner.file}",
            )


def _speaking_values(product: Product, configuration: Mapping[str, Any]) -> Iterator[tuple[tuple[str, *tuple[int, ...]], str]]:
    """Yield each text in a field that speaks for somebody, with its place. What is no text is refused by the product's schema."""
    for field in product.speaks_for:
        match configuration.get(field):
            case str(value):
                yield (field,), value
            case list(values):
                yield from (((field, index), value) for index, value in enumerate(values) if isinstance(value, str))


def _allowed(how: Speaks, allowed: Sequence[str]) -> str:
    if not allowed:
        return "no value of it is allowed yet"
    return ("use what begins with " if how is Speaks.BEGINNING else "use ") + " or ".join(map(quoted, allowed))


def problems_of_keys(document: Document, environment: Environment, keys: Sequence[PublicJwk | None]) -> Iterator[Problem]:
    """Yield each kid or key that one environment has twice; ``keys`` are in the order of ``jwks``."""
    kids: dict[str, int] = {}
    thumbprints: dict[str, int] = {}
    for index, jwk in enumerate(keys):
        if jwk is None:
            continue
        path = ("environments", environment.value, "jwks", index)
        if jwk.kid in kids:
            yield document.problem(path, f'kid "{jwk.kid}" is also that of key {kids[jwk.kid] + 1} here', "give each key a kid of its own")
        elif jwk.thumbprint in thumbprints:
            yield document.problem(path, f"this is the same key as key {thumbprints[jwk.thumbprint] + 1} here", "keep one of the two")
        kids.setdefault(jwk.kid, index)
        thumbprints.setdefault(jwk.thumbprint, index)


def problems_of_policies(
    document: Document, form: Form, environment: Environment, keys: Sequence[PublicJwk | None], profile: Profile
) -> Iterator[Problem]:
    """Yield the policies that a form violates in one environment without exemption; ``keys`` are in the order of ``jwks``."""
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


def problems_of_platforms(document: Document, form: Form, environment: Environment, served: Collection[Platform]) -> Iterator[Problem]:
    """Yield the platforms of a form for which the stack of this environment has no authority."""
    for index, platform in enumerate(form.platforms):
        if environment in form.environments and platform not in served:
            yield document.problem(
                ("platforms", index),
                f"{platform} has no authority in this stack of {environment}",
                f"remove it here, or set acmidm:{platform}ManagementUrl and what goes with it",
            )


@dataclass(frozen=True)
class Declared:
    """One form with its organisation, for the rules about several forms. ``document`` is the form's, ``owner`` its organisation's."""

    document: Document
    form: Form
    owner: Document
    organisation: Organisation

    @property
    def key(self) -> str:
        return connection_key(self.organisation.code, self.form.application)


def problems_of_organisations(organisations: Iterable[tuple[Document, Organisation]]) -> Iterator[Problem]:
    """Yield each second folder of an organisation, and each name that people would take for another organisation's.

    Two may share a KBO number, as the departments of an administration do, where each has an OVO code that tells them apart.
    """
    by_ovo: dict[str, Document] = {}
    by_kbo: dict[str, tuple[Document, Organisation]] = {}
    by_look: dict[str, tuple[Document, Organisation]] = {}
    for document, organisation in organisations:
        if organisation.ovo and (first := by_ovo.setdefault(organisation.ovo, document)) is not document:
            yield _same_code(document, "ovo", organisation.ovo, first, "an organisation has one folder: keep one of the two")
            continue
        if organisation.kbo:
            first, other = by_kbo.setdefault(organisation.kbo, (document, organisation))
            if first is not document and not (organisation.ovo and other.ovo):
                remedy = "an organisation has one folder: keep one of the two, or give each its own OVO code"
                yield _same_code(document, "kbo", organisation.kbo, first, remedy)
                continue
        first, other = by_look.setdefault(look_of(organisation.name), (document, organisation))
        if first is not document:
            yield document.problem(
                ("name",),
                f"{quoted(organisation.name)} looks like {quoted(other.name)} in {first.file}",
                "write what tells the two apart, such as the place",
                also=first.file,
            )


def _same_code(document: Document, field: str, code: str, first: Document, remedy: str) -> Problem:
    return document.problem((field,), f"{code} is the code of {first.file.parent} too", remedy, also=first.file)


def problems_of_speakers(organisations: Iterable[tuple[Document, Organisation]], catalogue: Catalogue) -> Iterator[Problem]:
    """Yield what organisations have under ``speaks_for`` that is no such field of a product."""
    for document, organisation in organisations:
        for name in organisation.speaks_for.keys() - catalogue.speaking_fields.keys():
            remedy = did_you_mean(name, catalogue.speaking_fields, f"known here: {listed(catalogue.speaking_fields)}")
            yield document.problem(("speaks_for", name), f"unknown field {quoted(name)}", remedy, at_key=True)


def problems_of_former_codes(organisations: Sequence[tuple[Document, Organisation]]) -> Iterator[Problem]:
    """Yield each earlier code that is another organisation's: by it one would get the clients of the other."""
    present = {code: document for document, one in organisations for code in (one.ovo, one.kbo) if code}
    claimed: dict[str, Document] = {}
    for document, organisation in organisations:
        for former in organisation.formerly:
            other = claimed.setdefault(former, document)
            if former in present and former not in (organisation.ovo, organisation.kbo):
                other = present[former]
            if other is not document:
                yield document.problem(
                    ("formerly",),
                    f"{former} is a code in {other.file} too",
                    "an organisation keeps the clients of its own earlier codes alone: remove it here or there",
                    also=other.file,
                )


def problems_among(forms: Sequence[Declared]) -> Iterator[Problem]:
    """Yield second forms of an application, and earlier keys that a form still declares or that two forms claim."""
    declared: dict[str, Declared] = {}
    for one in forms:
        first = declared.setdefault(one.key, one)
        if first is not one:
            yield one.document.problem(
                ("application",),
                f"{first.document.file} is already the form of {one.form.application}",
                "keep one of the two, or name the application differently",
                also=first.document.file,
            )
    claimed: dict[str, Declared] = {}
    for one in forms:
        for former in former_keys(one.organisation, one.form):
            document = one.document if one.form.formerly else one.owner
            if former in declared and declared[former] is not one:
                yield document.problem(
                    ("formerly",),
                    f"{former} is still declared by {declared[former].document.file}",
                    "remove that form, or this line: a client has one form",
                    also=declared[former].document.file,
                )
            elif (first := claimed.setdefault(former, one)) is not one:
                yield document.problem(
                    ("formerly",),
                    f"{former} is an earlier key in {first.document.file} too",
                    "keep it in the form that keeps its clients",
                    also=first.document.file,
                )


def problems_of_adoptions(forms: Iterable[tuple[Document, Form]]) -> Iterator[Problem]:
    """Yield each client that two forms take over: a form was copied, with the client-ID in it. The case of letters tells none apart."""
    seen: dict[tuple[Environment, Platform, str], Document] = {}
    for document, form in forms:
        for environment, request in form.environments.items():
            for platform, client_id in request.adopt.items():
                first = seen.setdefault((environment, platform, client_id.casefold()), document)
                if first is not document:
                    yield document.problem(
                        ("environments", environment.value, "adopt", platform.value),
                        f"client {quoted(client_id)} is taken over by {first.file} already",
                        "a client has one form: correct the client-ID here, or remove it",
                        also=first.file,
                    )
