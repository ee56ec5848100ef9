"""What people say that an authority without an API has of a client: a file in Git,
``<code>/<application>.yaml``.

Names are those of RFC 7591 §2 where it has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, Field, StrictBool, model_validator

from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.client import Client, ClientKey, grants
from acmidm_onboarding.values.harmless import Text
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.keys import PublicKeys, public_keys
from acmidm_onboarding.values.metadata import ClientMetadata, PortalMetadata, ProductDocument
from acmidm_onboarding.values.names import ClientId, Part, one_line
from acmidm_onboarding.values.plain import flat
from acmidm_onboarding.values.problems import quoted
from acmidm_onboarding.values.terms import is_name

CLIENT, SCOPES, KEYS, PRODUCT = "client", "scopes", "keys", "product"
"""The parts of a client that people confirm separately; each product is a part:
``product/dosis``."""


def _part(text: str) -> str:
    """Return the text where it names a part of a client that people confirm, or its create or
    removal: ``scopes``, ``product/dosis``. Raises ValueError with a sentence."""
    kind, slash, name = text.partition("/")
    kinds = (SCOPES, PRODUCT) if slash else ("create", "remove", CLIENT, SCOPES, KEYS)
    if kind not in kinds or (slash and not is_name(name)):
        raise ValueError(
            tr(
                "{text} is no part of a client; use create, client, scopes, keys, remove,"
                " scopes/PRODUCT or product/PRODUCT",
                text=quoted(text),
            )
        )
    return text


def _product(text: str) -> str:
    if not is_name(text):
        raise ValueError(
            tr("{text} is no name of a product; use one of the catalogue", text=quoted(text))
        )
    return text


ProductName = Annotated[str, AfterValidator(_product)]
"""People copy it into a shell, as a part of an order's name."""
PartName = Annotated[str, AfterValidator(_part)]
Line = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(one_line)]


class Attestation(Part):
    """Who confirms something, and when that person saw it."""

    by: Line
    at: AwareDatetime


class OrderRefusal(Attestation):
    """Why an order is not carried out. It counts as long as the order has this ``digest``."""

    digest: Line
    why: Line


class ConfirmedScope(Part):
    """One scope of a client."""

    default: Annotated[
        StrictBool, Field(description="Whether every token has it, whatever its request names.")
    ] = False


class ConfirmationFile(Part):
    """One file."""

    client_id: ClientId | None = None
    metadata: PortalMetadata | None = None
    scopes: dict[Text, ConfirmedScope] = Field(default_factory=dict)
    keys: Annotated[
        dict[str, AwareDatetime] | None,
        Field(
            description="Per file beside this one, a public JWK each, since when the key is there."
        ),
    ] = None
    products: dict[ProductName, dict[str, Any]] = Field(default_factory=dict)
    confirmed: Annotated[
        dict[PartName, Attestation], Field(description="Per part who confirmed it last.")
    ] = Field(default_factory=dict)
    refused: Annotated[
        dict[PartName, OrderRefusal],
        Field(description="Per part the order that is not carried out."),
    ] = Field(default_factory=dict)
    removed: Annotated[
        Attestation | None,
        Field(
            description="Who saw that the client is gone, or that it stays and is nobody's here."
        ),
    ] = None

    @model_validator(mode="after")
    def _require_client_or_refused(self) -> Self:
        if (self.client_id is None) != (self.metadata is None) or (
            self.client_id is None and not self.refused
        ):
            raise ValueError(
                tr(
                    "a confirmation has a client_id with its metadata, or refused orders alone;"
                    " confirm the client with acmidm orders done"
                )
            )
        return self


@dataclass(frozen=True)
class Confirmation:
    """What is confirmed of one client."""

    key: str
    file: Path
    content: ConfirmationFile
    jwks: Mapping[str, PublicJwk] | None = None
    """Its public keys per ``kid``; None where nobody confirmed them."""
    since: Mapping[str, datetime] = field(default_factory=dict)
    """Per thumbprint since when the authority has the key."""

    @property
    def is_there(self) -> bool:
        """Whether the authority has the client."""
        return self.content.client_id is not None and self.content.removed is None

    @property
    def registered(self) -> ClientMetadata:
        """The metadata of a client that the authority has."""
        properties = self.content.metadata.properties if self.content.metadata else {}
        return ClientMetadata.model_validate(
            {**properties, "application": self.key.rpartition("/")[2]}
        )

    @property
    def scopes(self) -> dict[str, bool]:
        return {name: scope.default for name, scope in self.content.scopes.items()}

    @property
    def products(self) -> dict[str, ProductDocument]:
        return {name: ProductDocument(fields) for name, fields in self.content.products.items()}

    def client(self, client_key: ClientKey) -> Client | None:
        """Return the client as people confirmed it, under the identity ``client_key``; None where
        they did not create it yet, or removed it."""
        if not self.is_there:
            return None
        return Client(
            *client_key,
            fields=flat(self.registered.properties),
            client_id=self.content.client_id,
            scopes=grants(self.scopes),
            keys=PublicKeys(public_keys(self.jwks)),
            products=self.products,
        )


Confirmations = Mapping[ClientKey, Confirmation]


def confirmation_of(client: Client, confirmations: Confirmations) -> Confirmation | None:
    """Return what is confirmed of a client, under its key or an earlier one."""
    return next((confirmations[key] for key in client.client_keys if key in confirmations), None)
