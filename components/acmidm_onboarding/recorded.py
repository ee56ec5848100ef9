"""What a stack's state has of each connection, read with the engine while a program or a command runs.

The state and not the outputs, which anybody's program may write as it likes. Nothing in it is decrypted, and no lock is needed: the
engine's own stack is read too, as it is before the run that reads it. One read costs about 0.2 s, and there is none where nobody asks.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from acmidm_onboarding.model.jwk import readable_jwk
from acmidm_onboarding.model.problems import Failure, on_one_line, quoted
from acmidm_onboarding.model.record import Record

_SECONDS = 60
"""How long the engine may take to read a state."""
_OURS = "pulumi-python:dynamic/acmidm:"
_KINDS = ("OAuthClient", "ClientScopes", "ClientJwks", "ProductConfiguration", "HandOver")
_CLIENT, _SCOPES, _KEYS, _PRODUCT, _HAND_OVER = (f"{_OURS}{kind}" for kind in _KINDS)


class Unreadable(Failure):
    """A state that could not be read, and why."""

    exit_code = 3


@cache
def recorded(stack: str) -> Mapping[str, Record] | None:
    """Return what a stack's state has, by resource name (``OVO002067/mijn-gent``, ``…/geosecure``); read once per process.

    None where there is no such stack, or where its state cannot be read: ``unreadable`` has the reason.
    """
    found = _read(stack)
    return None if isinstance(found, str) else records_in(found)


def unreadable(stack: str) -> str | None:
    """Return why the state of a stack cannot be read, None where it can."""
    found = _read(stack)
    return found if isinstance(found, str) else None


def is_missing(stack: str) -> bool:
    """Return whether there is no such stack."""
    return _read(stack) == _no_stack(stack)


def handed_over(stack: str, key: str, client_id: str) -> Mapping[str, Any] | None:
    """Return the outputs of the hand-over that a state has of a client under its natural key; None where it has none, or cannot be read."""
    found = _read(stack)
    outputs = [_mapping(one.get("outputs")) for one in _resources({} if isinstance(found, str) else found) if one.get("type") == _HAND_OVER]
    return next((one for one in outputs if (one.get("key"), one.get("client_id")) == (key, client_id)), None)


def own_state(stack: str) -> Mapping[str, Any]:
    """Return the export of the state of the stack that the engine runs the program for.

    Raises:
        Unreadable: where it cannot be read: whoever decides by it must not go on as if it were empty.
    """
    found = _read(stack)
    if isinstance(found, str):
        raise Unreadable(f"the state of this stack cannot be read, so that nobody knows what is in production: {found}; run this again")
    return found


def beside(stack: str) -> str:
    """Return the full name of a stack of the program's own project and organisation, by which the engine finds it from anywhere."""
    import pulumi

    organisation = pulumi.get_organization()
    return stack if "/" in stack or not organisation else f"{organisation}/{pulumi.get_project()}/{stack}"


def records_in(document: Mapping[str, Any]) -> dict[str, Record]:
    """Return the connections in an export of a state; what waits for its removal is in none of them.

    One without a client has no ``client_id``: a rename that failed in part left it under this name.
    """
    # What an organisation was told is at no authority: it outlives a client that somebody removed there.
    ours = [one for one in _resources(document) if str(one.get("type", "")).startswith(_OURS) and one["type"] != _HAND_OVER]
    resources = [one for one in ours if not one.get("delete")]
    parts: dict[tuple[str, str], Mapping[str, Any]] = {}
    products: dict[str, dict[str, Mapping[str, Any]]] = {}
    for resource in resources:
        name, inputs = str(resource.get("urn", "")).rpartition("::")[2], _mapping(resource.get("inputs"))
        if resource["type"] != _PRODUCT:
            parts[name, resource["type"]] = resource
        elif product := str(inputs.get("product") or ""):
            products.setdefault(name.removesuffix(f"/{product}"), {})[product] = resource
    of_clients = {name: parts.get((name, _CLIENT), {}) for name in (*(name for name, _ in parts), *products)}
    return {
        name: Record(
            client_id=str(client.get("id") or ""),
            scopes=frozenset(_mapping(_inputs(parts.get((name, _SCOPES))).get("scopes"))),
            products=frozenset(products.get(name, {})),
            keys=_thumbprints(_inputs(parts.get((name, _KEYS), {"inputs": {"jwks": {}}})).get("jwks")),
            listed=frozenset(_mapping(_mapping(parts.get((name, _KEYS), {}).get("outputs")).get("listed"))),
            protected=any(parts.get((name, part), {}).get("protect") for part in (_CLIENT, _SCOPES, _KEYS)),
            retained=all(one.get("retainOnDelete") for one in (*([client] if client else ()), *products.get(name, {}).values())),
            unprotected_products=frozenset(product for product, one in products.get(name, {}).items() if not one.get("protect")),
        )
        for name, client in of_clients.items()
    }


@cache
def _read(stack: str) -> Mapping[str, Any] | str:
    """The export of a state, or why it cannot be read."""
    try:
        done = subprocess.run(
            ["pulumi", "stack", "export", "--non-interactive", "--stack", stack],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return "pulumi is not on PATH"
    except subprocess.TimeoutExpired:
        return f"the engine took more than {_SECONDS} s"
    if done.returncode != 0:
        return _reason(stack, done.stderr)
    try:
        document = json.loads(done.stdout)
    except ValueError:
        document = None
    return document if isinstance(document, Mapping) else "what the engine exports is no state"


def _reason(stack: str, said: str) -> str:
    last = said.strip().rpartition("\n")[2].removeprefix("error: ")
    return _no_stack(stack) if last.startswith("no stack named") else on_one_line(last or "the engine said nothing")


def _no_stack(stack: str) -> str:
    return f"there is no stack {quoted(stack)}"


def _resources(document: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    found = _mapping(document.get("deployment")).get("resources")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _inputs(resource: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return _mapping((resource or {}).get("inputs"))


def _thumbprints(jwks: object) -> frozenset[str] | None:
    """Those of the keys in a map; a key that nothing can be verified with has none."""
    if jwks is None:
        return None
    return frozenset(key.thumbprint for members in _mapping(jwks).values() if (key := readable_jwk(dict(_mapping(members)))))


def _mapping(value: object) -> Mapping[str, Any]:
    """A mapping as it is; whatever else there is, the engine's marker of what it does not know too, is none."""
    return value if isinstance(value, Mapping) else {}
