"""A connection: what one form has for one platform in one environment, ready to be declared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from types import MappingProxyType
from typing import Any

from acmidm_onboarding.model.catalogue import Catalogue
from acmidm_onboarding.model.evidence import Evidence, EvidenceFile
from acmidm_onboarding.model.form import WHOLE, AuthMethod, Environment, Form, Organisation, Platform
from acmidm_onboarding.model.identifiers import SHARED_KBO_NUMBER
from acmidm_onboarding.model.jwk import PublicJwk


@dataclass(frozen=True)
class Connection:
    """One declared OAuth client with all that it needs. Scopes have the platform's names."""

    platform: Platform
    environment: Environment
    organisation: Organisation
    application: str
    contacts: tuple[str, ...]
    token_endpoint_auth_method: AuthMethod
    scopes: Mapping[str, str]
    """Per scope the reason for it, on one line."""
    keys: Mapping[str, PublicJwk] | None
    """Per ``kid``; None where the organisation uploads its keys in the portal or publishes them, empty for a client with a secret."""
    products: Mapping[str, Mapping[str, Any]]
    jwks_uri: str | None = None
    """Where the organisation publishes its keys; ``keys`` are None then."""
    default_scopes: frozenset[str] = frozenset()
    """Those of the scopes that every token has, whatever its request names."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What its tokens say beside its organisation: per name, the value."""
    adopt: str | None = None
    """The client-ID of a client made by hand that is taken over."""
    codes: tuple[str, ...] = ()
    """What an authority may know its organisation by, and no other: present and earlier codes."""
    exemptions: Mapping[str, str] = field(default_factory=dict)
    """Per policy that the form is exempted from, why, on one line."""
    secret_generation: int = 1
    """Which of its secrets, one after the other, a client with a secret has."""
    retire: Mapping[str, date] = field(default_factory=dict)
    """Per platform and product that its form retires, the day from which on it is taken down (UTC)."""
    preserve: bool = False
    """Whether its client then stays at its authority, without anybody who manages it."""
    product_scopes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Per product that its form retires, those of the scopes that belong to it."""
    leaving: frozenset[str] = frozenset()
    """Its platform and its products that are taken down in this run, so that nothing protects them any more."""
    left: bool = False
    """Whether its client has left and is preserved: then it is a name in the state, and nothing of the client is declared."""
    formerly: tuple[str, ...] = ()
    """The earlier keys of this connection."""
    compromised: frozenset[str] = frozenset()
    """The thumbprints of keys that somebody else may have the private halves of: never sent, and gone at once."""
    form: str = ""
    """Where the form is in the folder of forms, such as ``stad-gent/mijn-gent``: for people alone."""
    evidence: Evidence | None = None
    """What ``acmidm probe`` proved of it, where that holds; its age is for whoever uses it, as are keys that only the portal has."""
    evidence_refused: str | None = None
    """Why a file of evidence that is there counts as none."""
    test_evidence: Evidence | None = None
    """For a connection on production: the evidence of the same on TNI."""
    test_evidence_refused: str | None = None

    catalogue_names: Mapping[str, str] = field(default_factory=dict)
    """Per scope its name in the catalogue, which evidence has."""

    @property
    def key(self) -> str:
        """The connection's name in every environment: ``<organisation code>/<application>``."""
        return connection_key(self.organisation.code, self.application)

    @property
    def resource_name(self) -> str:
        """The key, and behind it the platform where that is not ACM/IDM."""
        return self.key if self.platform is Platform.ACMIDM else f"{self.key}/{self.platform}"

    @property
    def software_id(self) -> str:
        """The natural key, by which an authority recognises the client (RFC 7591 §2 ``software_id``)."""
        return f"{self.platform}/{self.environment}/{self.key}"

    @property
    def client_name(self) -> str:
        return client_name(self.organisation.name, self.application)

    @property
    def is_on_production(self) -> bool:
        return self.environment is Environment.PROD

    @property
    def uses_secret(self) -> bool:
        return self.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT

    @property
    def signs_without_kid(self) -> bool:
        """Return whether it is proven that the application signs without ``kid``: then a second key beside its one breaks it."""
        return self.evidence is not None and not self.evidence.signs_with_kid

    def is_leaving(self, product: str | None = None) -> bool:
        """Return whether the client, or one of its products, is taken down in this run."""
        return self.platform in self.leaving or product in self.leaving


def connection_key(code: str, application: str) -> str:
    """Return the key of an organisation's application."""
    return f"{code}/{application}"


def former_keys(organisation: Organisation, form: Form, forms: Collection[Form] | None) -> tuple[str, ...]:
    """Return the earlier keys of a form's connections: by earlier codes, earlier applications, or both.

    A whole key in ``organisation.yaml``, such as OVO001992/loket, is that of the form that has ``loket`` under ``formerly``; where none
    has, of the one whose application it is. No other form gets it by the code OVO001992. While another form declares ``loket``,
    ``formerly: loket`` means the whole key alone. ``forms`` are all of the organisation; None where they are not known: then a
    form gets what its own ``formerly`` names, and nothing else.
    """
    named = {
        key: application
        for key in organisation.earlier_keys
        if (application := key.partition("/")[2]) in form.formerly
        or (forms is not None and application == form.application and not any(application in other.formerly for other in forms))
    }
    taken = {name for name in named.values() if forms is None or any(name == other.application for other in forms if other is not form)}
    applications = (form.application, *(name for name in form.formerly if name not in taken))
    by_parts = (connection_key(*names) for names in product((organisation.code, *organisation.earlier_codes), applications))
    keys = (*named, *(key for key in by_parts if key not in organisation.earlier_keys))
    return tuple(key for key in keys if key != connection_key(organisation.code, form.application))


def client_name(organisation: str, application: str) -> str:
    """Return the name of a client that a form declares."""
    return f"{organisation} - {application}"


def connections(
    name: str,
    organisation: Organisation,
    form: Form,
    keys: Mapping[Environment, tuple[PublicJwk, ...]],
    environment: Environment,
    catalogue: Catalogue,
    shared_codes: Collection[str] = frozenset({SHARED_KBO_NUMBER}),
    proven: Sequence[EvidenceFile] = (),
    compromised: Mapping[Environment, tuple[PublicJwk, ...]] = MappingProxyType({}),
    forms: Collection[Form] | None = None,
) -> Iterator[Connection]:
    """Yield the connections of a valid form in ``environment``: one per platform, none where the form does not have it.

    ``shared_codes`` are KBO numbers of several organisations, by which a client is nobody's in particular; ``forms`` are those of
    its organisation, None where they are not known.
    """
    request = form.environments.get(environment)
    if request is None:
        return
    files = {(file.environment, file.platform): file for file in proven}
    own_codes = (organisation.ovo, organisation.kbo, *organisation.earlier_codes)
    in_portal = request.jwks is None and form.token_endpoint_auth_method is AuthMethod.PRIVATE_KEY_JWT
    for platform in form.platforms:
        own = files.get((environment, platform))
        test = files.get((Environment.TNI, platform)) if environment is Environment.PROD else None
        named = {known: wanted for scope, wanted in request.scopes.items() if (known := catalogue.name_on(platform, scope))}
        yield Connection(
            platform=platform,
            environment=environment,
            organisation=organisation,
            application=form.application,
            contacts=tuple(sorted(set(form.contacts))),
            token_endpoint_auth_method=form.token_endpoint_auth_method,
            scopes={scope: wanted.note for scope, wanted in named.items()},
            default_scopes=frozenset(scope for scope, wanted in named.items() if wanted.default),
            attributes=dict(request.attributes),
            keys=None if in_portal else {key.kid: key for key in keys.get(environment, ())},
            jwks_uri=request.jwks_uri,
            products={product: catalogue.in_order(product, wanted) for product, wanted in request.products.items()},
            adopt=request.adopt.get(platform),
            codes=tuple(code for code in own_codes if code and code not in shared_codes),
            exemptions={policy.value: exemption.note for policy, exemption in form.exemptions.items()},
            secret_generation=request.secret_generation,
            retire={one.value: form.retire[WHOLE] for one in form.platforms} if WHOLE in form.retire else dict(form.retire),
            preserve=form.preserve,
            product_scopes={
                product: frozenset(scope for name in catalogue.products[product].scopes if (scope := catalogue.name_on(platform, name)))
                for product in form.retire.keys() & request.products.keys()
            },
            formerly=former_keys(organisation, form, forms),
            compromised=frozenset(key.thumbprint for key in compromised.get(environment, ())),
            form=name,
            catalogue_names={known: scope for scope in request.scopes if (known := catalogue.name_on(platform, scope))},
            evidence=own.evidence if own else None,
            evidence_refused=own.refused if own else None,
            test_evidence=test.evidence if test else None,
            test_evidence_refused=test.refused if test else None,
        )
