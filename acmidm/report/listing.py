"""The service desk's list: which organisation has which client, with which scopes, keys and products."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from acmidm.report.kinds import SOON_DAYS
from components.model.form import Environment, Platform


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ListedKey(_Part):
    kid: str
    thumbprint: str | None = None
    expires: datetime | None = None
    days_left: Annotated[int | None, Field(description="Whole days until it ends; below zero for one that has.")] = None

    @property
    def ends_soon(self) -> bool:
        return self.days_left is not None and self.days_left <= SOON_DAYS


class ListedConnection(_Part):
    """One client."""

    stack: str
    environment: Environment
    form: Annotated[str, Field(description="The form's place under the folder of forms, without its suffix.")]
    organisation: str
    organisation_code: str
    application: str
    platform: Platform
    client_id: str
    token_endpoint_auth_method: str
    scopes: tuple[str, ...]
    keys: tuple[ListedKey, ...]
    keys_managed_in_portal: Annotated[bool, Field(description="The organisation uploads them; which they are is not known here.")] = False
    products: tuple[str, ...]

    @property
    def days_left(self) -> int | None:
        """Of the key that ends first."""
        return min((key.days_left for key in self.keys if key.days_left is not None), default=None)

    @property
    def words(self) -> str:
        """All that a search looks in."""
        own = (self.stack, self.form, self.organisation, self.organisation_code, self.application, self.platform, self.client_id)
        keys = (word for key in self.keys for word in (key.kid, key.thumbprint or ""))
        return " ".join((*own, self.token_endpoint_auth_method, *self.scopes, *keys, *self.products)).casefold()


class Status(_Part):
    """The connections of one or more stacks, as the last `up` left them."""

    checked_at: datetime
    stacks: tuple[str, ...]
    search: str = ""
    connections: tuple[ListedConnection, ...]


def listed(stack: str, outputs: Mapping[str, Any], now: datetime) -> list[ListedConnection]:
    """The connections in the outputs of a stack."""
    return [
        ListedConnection(
            stack=stack,
            environment=Environment(outputs["environment"]),
            form=form,
            organisation=known["organisation"],
            organisation_code=known["organisation_code"],
            application=known["application"],
            platform=Platform(platform),
            client_id=known["client_id"],
            token_endpoint_auth_method=known["token_endpoint_auth_method"],
            scopes=tuple(known["scopes"]),
            keys=_keys(known.get("keys"), now),
            keys_managed_in_portal=isinstance(known.get("keys"), str),
            products=tuple(known["products"]),
        )
        for form, platforms in (outputs.get("connections") or {}).items()
        for platform, known in platforms.items()
    ]


def found(
    connections: Iterable[ListedConnection], *, search: str = "", scope: str | None = None, days: int | None = None
) -> tuple[ListedConnection, ...]:
    """Those that hold every word of ``search``, have ``scope``, and have a key that ends within ``days``; in the order of names."""
    words = search.casefold().split()
    kept = [
        one
        for one in connections
        if all(word in one.words for word in words)
        and (scope is None or scope in one.scopes)
        and (days is None or (one.days_left is not None and one.days_left <= days))
    ]
    return tuple(sorted(kept, key=lambda one: (one.organisation.casefold(), one.application, one.environment, one.platform, one.stack)))


def _keys(known: Mapping[str, Any] | str | None, now: datetime) -> tuple[ListedKey, ...]:
    return tuple(_key(kid, key, now) for kid, key in sorted(known.items())) if isinstance(known, Mapping) else ()


def _key(kid: str, known: Mapping[str, Any], now: datetime) -> ListedKey:
    expires = datetime.fromisoformat(known["expires"]) if known.get("expires") else None
    return ListedKey(kid=kid, thumbprint=known.get("thumbprint"), expires=expires, days_left=(expires - now).days if expires else None)
