"""The real thing's maps, in the model's terms; and what a person does by hand at the portal."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from acmidm_onboarding.values.client import NOT_DECLARED
from tests.end_to_end.stateful.model import (
    AS_FOUND,
    BELOW,
    CLIENT,
    IN_PORTAL,
    KEYS,
    PRODUCTS,
    SCOPES,
    STRANGER,
    ClientKey,
    Model,
    Owned,
    Recorded,
    Value,
)
from tests.support.forms import DOSIS, NOTIFICATIES
from tests.support.offered import ATTRIBUTE
from tests.support.registry import Registry, kids

STACK = "acmidm/tni"
ABOVE = "team:index:Platform"
"""The type of a component of a user's own, below which the program may put its onboardings."""
SECOND_SCOPE = "dv_organisatieregister_cjmbeheerder"
"""Whoever has it has it by default."""
ASSIGNED = "vo_info"
"""What the authority grants each client by itself."""
CONFIGURATIONS: Mapping[str, Mapping[str, Any]] = {"dosis": DOSIS, "notificaties": NOTIFICATIES}
_PARTS = {"OAuthClient": CLIENT, "ClientScopes": SCOPES, "ClientJwks": KEYS}
PAGE = {"limit": 200}


def seen(exported: Mapping[str, Any], registry: Registry) -> Model:
    """What the stack has recorded, and what is real."""
    pending = [
        place_of(one["resource"]["urn"])
        for one in exported["deployment"].get("pending_operations") or []
    ]
    recorded, condemned = recorded_in(exported)
    cut_off = {place for place in pending if place}
    return replace(real_at(registry), recorded=recorded, condemned=condemned, cut_off=cut_off)


def place_of(urn: str) -> ClientKey | None:
    """The connection and the part of a resource; None for one that is neither."""
    kind, name = urn.split("::")[2].rpartition(":")[2], urn.split("::")[3].split("/")
    part = name[-1] if kind == "ProductConfiguration" else _PARTS.get(kind)
    above = BELOW if f"::{ABOVE}$" in urn else ""
    return None if part is None else ("/".join(name[:2]) + above, part)


def recorded_in(
    exported: Mapping[str, Any],
) -> tuple[dict[ClientKey, Recorded], list[tuple[ClientKey, Recorded]]]:
    """The parts in a state, and what replacements have left; what was removed to be made again is
    neither."""
    found, left = {}, []
    for one in exported["deployment"].get("resources") or []:
        place = place_of(one["urn"])
        if place is None or one.get("pendingReplacement"):
            continue
        inputs, other = one["inputs"], one["inputs"].get("other_owner")
        known = Recorded(
            inputs.get("client_id", one["id"]),
            _recorded_value(place[1], inputs),
            bool(one.get("protect")),
            one["outputs"].get("incarnation"),
            None if other is None else (_owner(other), other.get("incarnation")),
            bool(one.get("taint")),
        )
        if one.get("delete"):
            left.append((place, known))
        else:
            found[place] = known
    return found, left


def _recorded_value(part: str, inputs: Mapping[str, Any]) -> Value:
    if part == CLIENT:
        return Owned(_value(inputs), _owner(inputs))
    if part == SCOPES:
        assert set(inputs["default_scopes"]) == {SECOND_SCOPE} & set(inputs["scopes"]), inputs
        return frozenset(
            scope + (AS_FOUND if reason == NOT_DECLARED else "")
            for scope, reason in inputs["scopes"].items()
        )
    if part == KEYS:
        return frozenset(inputs["jwks"]) if inputs.get("jwks") is not None else IN_PORTAL
    return Owned(inputs["configuration"]["product_ids"][0], _owner(inputs))


def real_at(registry: Registry) -> Model:
    """What the authorities have."""
    model = Model()
    found, marks = model.real, model.marks
    for client in (
        registry.http.get("/management/v1/clients", params=PAGE).raise_for_status().json()["items"]
    ):
        client_id = client["client_id"]
        found[client_id, CLIENT] = Owned(_value(client), _owner(client))
        marks[client_id, CLIENT] = client.get("incarnation")
        model.codes[client_id] = client["organisation"]["ovo"]
        assert set(client["default_scopes"]) == {SECOND_SCOPE} & set(client["scopes"]), client
        found[client_id, SCOPES] = frozenset(client["scopes"]) - {ASSIGNED}
        found[client_id, KEYS] = frozenset(kids(client))
    for product in PRODUCTS:
        for one in (
            registry.http.get(f"/products/v1/{product}/configurations", params=PAGE)
            .raise_for_status()
            .json()["items"]
        ):
            found[one["client_id"], product] = Owned(
                one["configuration"]["product_ids"][0], _owner(one)
            )
            marks[one["client_id"], product] = one.get("incarnation")
    return model


def describing(value: str) -> dict[str, Any]:
    """What a client has that is described by a value: one in two fields, so that each is seen to
    change."""
    return {"contacts": [value], "attributes": {ATTRIBUTE: value}}


def _value(document: Mapping[str, Any]) -> str:
    value = str(document["contacts"][0])
    assert document.items() >= describing(value).items(), document
    return value


def _owner(document: Mapping[str, Any]) -> str | None:
    if document.get("managed_by") is None:
        return None
    return (
        str(document["software_id"]).split("/", 2)[2]
        if document["managed_by"] == STACK
        else STRANGER
    )


def copy_database(file: Path, into: Path) -> None:
    """Write an authority's database over another one, also over that of a running authority."""
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(into)) as target:
        source.backup(target)
