"""What a form declares: a client on one platform in one environment, with what the form alone knows
of it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.client import Client, ClientKey, Grant, natural_key, with_first_marked
from acmidm_onboarding.values.evidence import EvidenceFile
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.metadata import ClientMetadata, Owner
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.plain import without
from acmidm_onboarding.values.terms import Environment

PROOF_OPTIONS = "--record"
"""The options of ``acmidm probe`` that prove a connection, where no product needs more."""


@dataclass(frozen=True)
class Lenders:
    """The suppliers that may lend a client their keys."""

    mandates: Mapping[str, str] = field(default_factory=dict)
    """Per supplier that may have its keys, until which day (UTC)."""
    listed: Mapping[str, str] = field(default_factory=dict)
    """Per thumbprint of a key that another supplier lists, which supplier."""
    stolen: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Per supplier the thumbprints of its keys that it says are compromised."""


@dataclass(frozen=True, kw_only=True)
class Declaration(Client):
    """One declared client, ready to be made. Scopes have the platform's names."""

    scopes: Mapping[str, Grant]
    metadata: ClientMetadata
    """Its metadata, without the stack that manages it, which no form knows."""
    declared_by: Organisation
    jwks: Mapping[str, PublicJwk] | None = None
    """Its public keys per ``kid``; None where the organisation uploads or publishes them, empty
    with a secret."""
    afzenders: Mapping[str, str] = field(default_factory=dict)
    """Per code of an organisation that it sends for, until which day it may; empty without a
    mandate."""
    lenders: Lenders = field(default_factory=Lenders)
    codes: tuple[str, ...] = ()
    """The present and earlier codes by which an authority may know its organisation, and no other
    one."""
    product_scopes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Per product that its form retires, the scopes that belong to the product."""
    leaves_scopes: bool = False
    """Whether a run writes no scopes, because nobody knows which the client has."""
    is_confirmed: bool = False
    """Whether this is the client as people confirmed it: a run records it, and checks no rule."""
    evidence_file: EvidenceFile = field(default_factory=EvidenceFile)
    """What ``acmidm probe`` proved of it, by a valid signature. Its age, and a key that only the
    portal has, are not checked yet."""
    afterwards: Mapping[Language, str] = field(default_factory=dict)
    """What the owners of its APIs still do once it has its client-ID; empty where nothing is known
    of that."""
    needs_test_message: bool = False
    """Whether one of its products is proven by a test message alone."""
    test_evidence_file: EvidenceFile = field(default_factory=EvidenceFile)
    """On production: the evidence of the same connection on TNI."""

    @property
    def software_id(self) -> str:
        """The natural key, by which an authority recognises the client (RFC 7591 §2
        ``software_id``)."""
        return natural_key(self.platform, self.environment, self.key)

    @property
    def lacks_supplier_keys(self) -> bool:
        """Whether its supplier lists no key for it, not even a compromised one."""
        return bool(self.form.mandate) and not self.jwks and not self.keys.compromised

    @property
    def proof_options(self) -> str:
        """The options of ``acmidm probe`` that prove all of it."""
        return f"--send-test-message {PROOF_OPTIONS}" if self.needs_test_message else PROOF_OPTIONS

    @property
    def is_on_production(self) -> bool:
        return self.environment is Environment.PROD

    def is_leaving(self, product: str | None = None) -> bool:
        """Return whether a run takes the client down, or at least its ``product``."""
        return self.platform in self.leaving.parts or product in self.leaving.parts

    def lets_go(self, product: str | None = None) -> bool | None:
        """Return whether the client, or its ``product``, stays at its authority as a run takes it
        down, where False removes it; None where no run takes it down yet."""
        return self.form.keep and self.is_leaving() if self.is_leaving(product) else None

    def without(self, scopes: Container[str] = (), products: Container[str] = ()) -> Declaration:
        """Return the declaration without some of its scopes and products."""
        granted = without(self.scopes, scopes)
        kept = without(self.products, products)
        return replace(self, scopes=granted, products=kept)

    def in_stack(self, *, protect: bool | None, managed_by: str | None = None) -> Declaration:
        """Return the declaration as the client of a stack: ``protect`` is the setting of the stack,
        ``managed_by`` its name at authorities, each None where it is not known."""
        fields = dict(self.fields)
        if managed_by:
            fields["managed_by"] = managed_by
        owner = Owner(self.software_id, managed_by)
        return replace(
            self,
            fields=fields,
            products={name: replace(each, owner=owner) for name, each in self.products.items()},
            leaving=replace(
                self.leaving,
                is_let_go=bool(self.lets_go()),
                protected=self._protected(protect=protect),
            ),
        )

    def _protected(self, *, protect: bool | None) -> frozenset[str] | None:
        """Return the parts that the engine protects, as {"acmidm", "dosis"}: its platform and its
        products but for those that leave; None where ``protect`` is not known."""
        if protect is None:
            return None
        if not protect:
            return frozenset()
        parts = (self.platform.value, *self.products)
        return frozenset(part for part in parts if not self.is_leaving(part))


def in_stack(
    declarations: Iterable[Declaration], *, protect: bool | None, managed_by: str | None = None
) -> dict[ClientKey, Client]:
    """Return the declarations as the clients of a stack, by their identity: each with the marks and
    the protection that ``Declaration.in_stack`` gives it, and with whether it ``is_first`` of the
    platforms of its key."""
    return with_first_marked(
        declaration.in_stack(protect=protect, managed_by=managed_by) for declaration in declarations
    )


def connection_key(code: str, application: str) -> str:
    """Return the key of an organisation's application."""
    return f"{code}/{application}"


def key_of(software_id: str) -> str:
    """Return the key in a natural key."""
    return "/".join(software_id.split("/")[2:])


def client_name(organisation: str, application: str, expected: Sequence[str] = ()) -> str:
    """Return the name of a client that a form declares: the first that an API's owner expects,
    where one does."""
    return expected[0] if expected else f"{organisation} - {application}"
