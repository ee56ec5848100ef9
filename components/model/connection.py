"""A connection: what one form asks for on one platform in one environment, ready to be declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.model.catalogue import Catalogue
from components.model.form import AuthMethod, Environment, Form, Organisation, Platform
from components.model.jwk import PublicJwk


@dataclass(frozen=True)
class Connection:
    """One OAuth client to be, with all it needs. Scopes are named as the platform names them."""

    name: str
    """The form's place under the folder of forms, such as ``gent/mijn-gent``: it names the resources."""
    platform: Platform
    environment: Environment
    organisation: Organisation
    application: str
    contacts: tuple[str, ...]
    token_endpoint_auth_method: AuthMethod
    scopes: Mapping[str, str]
    """Per scope why it was asked, on one line."""
    keys: Mapping[str, PublicJwk]
    """Per ``kid``; none where the organisation manages them in the portal."""
    products: Mapping[str, Mapping[str, Any]]
    adopt: str | None = None
    """The client-ID of an existing client to take over."""
    keys_managed_in_portal: bool = False
    """Whether the organisation uploads its keys in the Beheerportaal, so that they are not declared here."""
    exemptions: Mapping[str, str] = field(default_factory=dict)
    """Per policy that the form is exempted from, why, on one line."""
    ending: bool = False
    """Whether the platform is about to be left, so that nothing protects the client any more."""

    @property
    def client_name(self) -> str:
        return client_name(self.organisation.name, self.application)

    @property
    def software_id(self) -> str:
        """The natural key, by which an authority recognises the client (RFC 7591 §2 ``software_id``)."""
        return f"{self.platform}/{self.environment}/{self.organisation.code}/{self.application}"

    @property
    def uses_secret(self) -> bool:
        return self.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT


def client_name(organisation: str, application: str) -> str:
    """What a client is called that a form declares."""
    return f"{organisation} - {application}"


def connections(
    name: str, form: Form, keys: Mapping[Environment, tuple[PublicJwk, ...]], environment: Environment, catalogue: Catalogue
) -> Iterator[Connection]:
    """The connections of a valid form in ``environment``: one per platform, none where it does not name it."""
    request = form.environments.get(environment)
    if request is None:
        return
    for platform in form.platforms:
        named = {catalogue.name_on(platform, scope): asked.note for scope, asked in request.scopes.items()}
        yield Connection(
            name=name,
            platform=platform,
            environment=environment,
            organisation=form.organisation,
            application=form.application,
            contacts=tuple(sorted(set(form.contacts))),
            token_endpoint_auth_method=form.token_endpoint_auth_method,
            scopes={scope: note for scope, note in named.items() if scope},
            keys={key.kid: key for key in keys.get(environment, ())},
            products={product: catalogue.in_order(product, asked) for product, asked in request.products.items()},
            adopt=request.adopt.get(platform),
            keys_managed_in_portal=request.keys_managed_in_portal,
            exemptions={policy.value: exemption.note for policy, exemption in form.exemptions.items()},
            ending=platform in form.ending,
        )
