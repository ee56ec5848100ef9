"""What each form declares: a client per platform and environment."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from acmidm_onboarding.forms.catalogue import Catalogue, Product, afterwards
from acmidm_onboarding.forms.files import KEYS_FILE, MANDATES_FILE, ORGANISATION_FILE
from acmidm_onboarding.forms.form import EnvironmentRequest, Form, ScopeRequest
from acmidm_onboarding.forms.key_files import Keys
from acmidm_onboarding.forms.suppliers import Afzender, Afzenders, with_afzenders
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.client import FormTerms, Grant, Secret, natural_key
from acmidm_onboarding.values.declaration import Declaration, Lenders, client_name, connection_key
from acmidm_onboarding.values.evidence import EvidenceFile, summary
from acmidm_onboarding.values.jwk import PublicJwk, thumbprints
from acmidm_onboarding.values.keys import PublicKeys, public_keys
from acmidm_onboarding.values.mandate import Mandate, mandate_fields
from acmidm_onboarding.values.metadata import ClientMetadata, OrganisationMetadata, ProductDocument
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.plain import filled, flat, only
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform


@dataclass(frozen=True)
class LoadedForm:
    """A valid form. ``name`` is where it is in the folder of forms, such as
    ``stad-gent/mijn-gent``. With ``keys_of`` its ``jwks`` are those that its supplier lists."""

    name: str
    file: Path
    form: Form
    organisation: Organisation
    keys: Keys
    evidence: Mapping[tuple[Environment, Platform], EvidenceFile] = field(default_factory=dict)
    """What is proven of it, and what of that does not hold."""
    compromised: Keys = field(default_factory=dict)
    """The keys that are never sent, for somebody else may have their private halves."""
    mandate: Mandate | None = None
    """By which the keys of another organisation, its supplier, count for it."""
    afzenders: Afzenders = field(default_factory=dict)
    """The organisations that its clients send for too."""

    @property
    def files(self) -> Iterator[Path]:
        """The form, and all that it depends on."""
        yield from (self.file, self.file.with_name(ORGANISATION_FILE), *self.key_files)
        for request in self.form.environments.values():
            for name in request.afzenders:
                folder = self.file.parent.parent / name
                yield folder / ORGANISATION_FILE
                yield folder / MANDATES_FILE
        # Also by a form without a supplier: it may have had one, whose keys end with its mandate.
        yield self.file.with_name(MANDATES_FILE)
        if self.form.keys_of:
            yield self.file.parent.parent / self.form.keys_of / KEYS_FILE

    @property
    def parts(self) -> Iterator[object]:
        """The form, its organisation and its public keys: the objects that are the same as long as
        the files that they were read from are."""
        yield from (self.form, self.organisation)
        for keys in self.keys.values():
            yield from keys

    @property
    def is_supplied(self) -> bool:
        """Whether it has the keys of another organisation, so that it needs a mandate."""
        return self.form.keys_of not in (None, self.file.parent.name)

    @property
    def lender(self) -> str | None:
        """The organisation whose keys it has, by a mandate; None where they are its own."""
        return self.form.keys_of if self.is_supplied else None

    @property
    def mandate_terms(self) -> dict[str, str]:
        """What a state has of its mandate: {"supplier": "leverancier", "until": "2027-12-31"}, no
        ``until`` without one; empty where the form needs none."""
        return mandate_fields(self.lender, self.mandate) if self.lender else {}

    @property
    def mandates_used(self) -> Iterator[tuple[str, str, str]]:
        """Each mandate that the form needs: the folder of the organisation that gives it, that of
        the supplier that gets it, and for what. That is the application with the supplier's keys,
        or the key of the connection that sends."""
        folder, application = self.file.parent.name, self.form.application
        if self.form.keys_of:
            yield folder, self.form.keys_of, application
        for request in self.form.environments.values():
            for sends_for in request.afzenders:
                yield sends_for, folder, connection_key(self.organisation.code, application)

    @property
    def key_files(self) -> Iterator[Path]:
        """The files of its public keys, as paths that messages show."""
        for request in self.form.environments.values():
            for key in request.jwks or ():
                yield Path(os.path.normpath(self.file.parent / key.file))


def former_keys(
    organisation: Organisation, form: Form, forms: Collection[Form] | None
) -> tuple[str, ...]:
    """Return the earlier keys of a form's connections: by earlier codes, earlier applications, or
    both.

    A whole key in ``organisation.yaml``, such as OVO001992/loket, belongs to the form with
    ``formerly: loket``, or else to the form of the application ``loket``. No other form gets the
    key by the code OVO001992. While another form declares ``loket``, ``formerly: loket`` means the
    whole key alone. ``forms`` are all forms of the organisation; where they are None, a form gets
    only what its own ``formerly`` names.
    """
    whole = [key for key in organisation.earlier_keys if _is_earlier_of(key, form, forms)]
    applications = [form.application]
    for name in form.formerly:
        by_whole_key = any(key.partition("/")[2] == name for key in whole)
        if not (by_whole_key and _may_be_declared(name, form, forms)):
            applications.append(name)
    present = connection_key(organisation.code, form.application)
    keys = dict.fromkeys(whole)
    for code, application in product(
        (organisation.code, *organisation.earlier_codes), applications
    ):
        key = connection_key(code, application)
        if key not in organisation.earlier_keys:
            keys[key] = None
    return tuple(key for key in keys if key != present)


def _is_earlier_of(key: str, form: Form, forms: Collection[Form] | None) -> bool:
    """Return whether a whole earlier key in ``organisation.yaml`` belongs to this form, as
    ``former_keys`` says."""
    application = key.partition("/")[2]
    if application in form.formerly:
        return True
    if forms is None or application != form.application:
        return False
    return not any(application in neighbour.formerly for neighbour in forms)


def _may_be_declared(application: str, form: Form, forms: Collection[Form] | None) -> bool:
    """Return whether another form of the organisation declares the application; also where its
    forms are not known (None), so that one may."""
    if forms is None:
        return True
    return any(application == same.application for same in forms if same is not form)


def declarations(
    loaded: LoadedForm,
    environment: Environment,
    catalogue: Catalogue,
    shared_codes: Collection[str],
    forms: Collection[Form] | None,
    lenders: Lenders,
) -> list[Declaration]:
    """Return the clients that a valid form declares in ``environment``, one per platform; none
    where the form does not have that environment.

    ``shared_codes`` are KBO numbers that several organisations have, so that they identify none;
    ``forms`` are those of the form's organisation, None where they are not known; ``lenders`` says
    which suppliers may lend keys, and which keys are theirs.
    """
    form, organisation = loaded.form, loaded.organisation
    request = form.environments.get(environment)
    if request is None:
        return []
    declared: list[Declaration] = []
    codes = (organisation.ovo, organisation.kbo, *organisation.earlier_codes)
    codes_alone = tuple(code for code in codes if code and code not in shared_codes)
    key = connection_key(organisation.code, form.application)
    uses_secret = form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT
    has_keys = request.jwks is not None or uses_secret
    keys = loaded.keys.get(environment, ())
    jwks = {jwk.kid: jwk for jwk in keys} if has_keys else None
    generation = request.secret_generation if uses_secret else None
    afzenders = loaded.afzenders.get(environment, ())
    until = {afzender.organisation.code: afzender.until for afzender in afzenders}
    fields = {**dict(form), **dict(request)}
    for platform in form.platforms:
        proven = loaded.evidence.get((environment, platform), EvidenceFile())
        on_test = EvidenceFile()  # none: on TNI the gate asks for no evidence
        if environment is Environment.PROD:
            on_test = loaded.evidence.get((Environment.TNI, platform), on_test)
        named = catalogue.names_on(platform, request.scopes)  # {the platform's name: ours}
        granting = [catalogue.product_of[scope] for scope in sorted(named.values())]
        expected = catalogue.client_names(named.values(), environment, organisation.name)
        metadata = ClientMetadata(
            **only(fields, ClientMetadata.model_fields),
            client_name=client_name(organisation.name, form.application, expected),
            software_id=natural_key(platform, environment, key),
            organisation=OrganisationMetadata(
                name=organisation.name, ovo=organisation.ovo, kbo=organisation.kbo
            ),
            grant_types=("client_credentials",),
        )
        terms = FormTerms(
            path=loaded.name,
            formerly=former_keys(organisation, form, forms),
            adopts=request.adopt.get(platform),
            exemptions=form.exemption_notes,
            mandate=loaded.mandate_terms,
            retire=form.retirement_days,
            keep=form.retire.keep,
            catalogue_names=named,
        )
        declared.append(
            Declaration(
                key=key,
                platform=platform,
                environment=environment,
                fields=flat(metadata.properties),
                form=terms,
                secret=Secret(uses_secret, generation),
                scopes={name: _grant(request.scopes[scope]) for name, scope in named.items()},
                keys=_public_keys(loaded, environment, jwks, proven),
                products=_products(catalogue, request, afzenders),
                afzenders=until,
                lenders=lenders,
                metadata=metadata,
                declared_by=organisation,
                jwks=jwks,
                codes=codes_alone,
                product_scopes=_scopes_of_leaving_products(form, request, platform, catalogue),
                afterwards=_afterwards(granting),
                needs_test_message=any(map(catalogue.needs_test_message, request.products)),
                evidence_file=proven,
                test_evidence_file=on_test,
            )
        )
    return declared


def _products(
    catalogue: Catalogue, request: EnvironmentRequest, afzenders: tuple[Afzender, ...]
) -> dict[str, ProductDocument]:
    """Return the configurations of a client as authorities get them: in one order, with the
    organisations that the client sends for."""
    products = {}
    for name, wanted in request.products.items():
        sent = with_afzenders(catalogue.products[name], wanted, afzenders)
        products[name] = ProductDocument(catalogue.in_order(name, sent))
    return products


def _public_keys(
    loaded: LoadedForm,
    environment: Environment,
    jwks: Mapping[str, PublicJwk] | None,
    proven: EvidenceFile,
) -> PublicKeys:
    """Return what a form, its supplier and its evidence say of a client's public keys; ``jwks``
    None: the form leaves them to the portal, or they are published at an address."""
    compromised = loaded.compromised.get(environment, ())
    lent: dict[str, str] = {}
    if loaded.lender:
        lent = dict.fromkeys(sorted(thumbprints((jwks or {}).values())), loaded.lender)
    evidence = proven.evidence
    return PublicKeys(
        public_keys(jwks),
        compromised=thumbprints(compromised),
        lent=lent,
        # Evidence alone proves that an application signs without kid: then a second key breaks it.
        signs_without_kid=evidence is not None and not evidence.signs_with_kid,
        proven=summary(evidence) if evidence else {},
    )


def _scopes_of_leaving_products(
    form: Form, request: EnvironmentRequest, platform: Platform, catalogue: Catalogue
) -> dict[str, frozenset[str]]:
    """Return per product that the form retires alone, the scopes of that product, by the platform's
    names."""
    leaving: dict[str, frozenset[str]] = {}
    for name in form.retire.parts.keys() & request.products.keys():
        scopes = catalogue.products[name].scopes
        leaving[name] = frozenset(catalogue.names_on(platform, scopes))
    return leaving


def _afterwards(products: Collection[Product]) -> dict[Language, str]:
    """Return per language what the owners of some products still do once a client has its
    client-ID; a language without a sentence is left out."""
    sentences = {language: afterwards(products, language) for language in Language}
    return filled(sentences)


def _grant(scope: ScopeRequest) -> Grant:
    until = scope.until.isoformat() if scope.until else None
    return Grant(scope.note, scope.default, until)
