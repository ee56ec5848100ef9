"""A connection: what one form has for one platform in one environment, ready to be declared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import product
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
    """Per ``kid``; None where the organisation uploads its keys in the portal, empty for a client with a secret."""
    products: Mapping[str, Mapping[str, Any]]
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
    retire: Mapping[str, date] = field(default_factory=dict)
    """Per platform and product that its form retires, the day from which on it is taken down (UTC)."""
    preserve: bool = False
    """Whether its client then stays at its authority, without anybody who manages it."""
    product_scopes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Per product that its form retires, those of the scopes that belong to it."""
    leaving: frozenset[str] = frozenset()
    """Its platform and its products that are taken down in this run, so that nothing protects them any more."""
    formerly: tuple[str, ...] = ()
    """The earlier keys of this connection."""
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
    def uses_secret(self) -> bool:
        return self.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT

    def is_leaving(self, product: str | None = None) -> bool:
        """Return whether the client, or one of its products, is taken down in this run."""
        return self.platform in self.leaving or product in self.leaving


def connection_key(code: str, application: str) -> str:
    """Return the key of an organisation's application."""
    return f"{code}/{application}"


def former_keys(organisation: Organisation, form: Form) -> tuple[str, ...]:
    """Return the earlier keys of a form's connections: by earlier codes, earlier applications, or both."""
    names = product((organisation.code, *organisation.formerly), (form.application, *form.formerly))
    current = connection_key(organisation.code, form.application)
    return tuple(former for code, application in names if (former := connection_key(code, application)) != current)


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
) -> Iterator[Connection]:
    """Yield the connections of a valid form in ``environment``: one per platform, none where the form does not have it.

    ``shared_codes`` are KBO numbers of several organisations, by which a client is nobody's in particular.
    """
    request = form.environments.get(environment)
    if request is None:
        return
    files = {(file.environment, file.platform): file for file in proven}
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
            products={product: catalogue.in_order(product, wanted) for product, wanted in request.products.items()},
            adopt=request.adopt.get(platform),
            codes=tuple(code for code in (organisation.ovo, organisation.kbo, *organisation.formerly) if code and code not in shared_codes),
            exemptions={policy.value: exemption.note for policy, exemption in form.exemptions.items()},
            retire={one.value: form.retire[WHOLE] for one in form.platforms} if WHOLE in form.retire else dict(form.retire),
            preserve=form.preserve,
            product_scopes={
                product: frozenset(scope for name in catalogue.products[product].scopes if (scope := catalogue.name_on(platform, name)))
                for product in form.retire.keys() & request.products.keys()
            },
            formerly=former_keys(organisation, form),
            form=name,
            catalogue_names={known: scope for scope in request.scopes if (known := catalogue.name_on(platform, scope))},
            evidence=own.evidence if own else None,
            evidence_refused=own.refused if own else None,
            test_evidence=test.evidence if test else None,
            test_evidence_refused=test.refused if test else None,
        )
