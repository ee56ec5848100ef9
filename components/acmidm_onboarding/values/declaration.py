"""What a form declares: a client on one platform in one environment, with what the form alone knows of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from acmidm_onboarding.values.client import Client, ClientKey, Grant, with_one_first
from acmidm_onboarding.values.evidence import Evidence
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.metadata import ClientMetadata, Owner
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.terms import Environment, Platform


@dataclass(frozen=True, kw_only=True)
class Declaration(Client):
    """One declared client, ready to be made. Scopes have the platform's names."""

    scopes: Mapping[str, Grant]
    metadata: ClientMetadata
    """What is registered of it, without the stack that manages it, which no form knows."""
    declared_by: Organisation
    jwks: Mapping[str, PublicJwk] | None = None
    """Its keys per ``kid``; None where the organisation uploads them in the portal or publishes them, empty for a
    client with a secret."""
    codes: tuple[str, ...] = ()
    """What an authority may know its organisation by, and no other: present and earlier codes."""
    product_scopes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Per product that its form retires, those of the scopes that belong to it."""
    leaving: frozenset[str] = frozenset()
    """Its platform and its products that are taken down in this run, so that nothing protects them any more."""
    left: bool = False
    """Whether it has left and is preserved: then it is a name in the state, and nothing of it is declared."""
    leaves_scopes: bool = False
    """Whether a run leaves its scopes as they are, for nobody knows which it has."""
    is_confirmed: bool = False
    """Whether it is what people confirmed: a run records that, and nothing of it is decided any more."""
    evidence: Evidence | None = None
    """What ``acmidm probe`` proved of it, where that holds; its age is for whoever uses it, as are keys that only the
    portal has."""
    evidence_refused: str | None = None
    """Why a file of evidence that is there counts as none."""
    test_evidence: Evidence | None = None
    """On production: the evidence of the same client on TNI."""
    test_evidence_refused: str | None = None

    @property
    def software_id(self) -> str:
        """The natural key, by which an authority recognises the client (RFC 7591 §2 ``software_id``)."""
        return natural_key(self.platform, self.environment, self.key)

    @property
    def is_on_production(self) -> bool:
        return self.environment is Environment.PROD

    def is_leaving(self, product: str | None = None) -> bool:
        """Return whether the client, or one of its products, is taken down in this run."""
        return self.platform in self.leaving or product in self.leaving

    def in_stack(self, *, protect: bool | None, managed_by: str | None = None) -> Declaration:
        """Return it as a stack has it; ``protect`` is its setting, ``managed_by`` its name at authorities, each where
        it is known."""
        goes = self.is_leaving()
        return replace(
            self,
            fields={**self.fields, **({"managed_by": managed_by} if managed_by else {})},
            protected=None if protect is None else protect and not goes,
            protected_products=frozenset(
                product for product in self.products if protect and not self.is_leaving(product)
            ),
            owners=dict.fromkeys(self.products, Owner(self.software_id, managed_by)),
            retained=self.preserve and goes,
        )


def in_stack(
    declarations: Iterable[Declaration], *, protect: bool | None, managed_by: str | None = None
) -> dict[ClientKey, Client]:
    """Return the clients that are declared, by place, as a stack has them; see there."""
    return with_one_first(declaration.in_stack(protect=protect, managed_by=managed_by) for declaration in declarations)


def connection_key(code: str, application: str) -> str:
    """Return the key of an organisation's application."""
    return f"{code}/{application}"


def natural_key(platform: Platform, environment: Environment, key: str) -> str:
    return f"{platform}/{environment}/{key}"


def key_of(software_id: str) -> str:
    """Return the key in a natural key."""
    return "/".join(software_id.split("/")[2:])


def client_name(organisation: str, application: str) -> str:
    """Return the name of a client that a form declares."""
    return f"{organisation} - {application}"
