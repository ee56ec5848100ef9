"""A client with other values, for tests that name those alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.keys import PublicKeys
from acmidm_onboarding.values.metadata import Owner, ProductDocument

Configurations = Mapping[str, Mapping[str, Any]]
T = TypeVar("T", bound=Client)


def changed(client: T, **values: Any) -> T:
    """The client with other ``values``; one that is in a group of its fields goes by its own name,
    such as ``mandate`` for that of ``client.form``; ``keys`` may be the declared ones."""
    if "keys" in values and not isinstance(values["keys"], PublicKeys):
        values["declared"] = values.pop("keys")
    for field in fields(client):
        group = getattr(client, field.name)
        if field.name in values or not is_dataclass(group) or isinstance(group, type):
            continue
        names = {of_group.name for of_group in fields(group)} & values.keys()
        names -= {of_client.name for of_client in fields(client)}
        if names:
            values[field.name] = replace(group, **{name: values.pop(name) for name in names})
    return replace(client, **values)


NOBODY = Owner()


def configured(configurations: Configurations, owner: Owner = NOBODY) -> dict[str, ProductDocument]:
    """The products of a client by their configurations."""
    return {name: ProductDocument(fields, owner) for name, fields in configurations.items()}
