"""Plays the people at a portal without an API: carries out each order at its pages, in a real
Chromium, and confirms it.

``make operator STACK=by-hand``. What there is to do it reads from ``acmidm orders``, as they do;
nothing else tells it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from acmidm.sandbox.portals import portals
from acmidm_sandbox.file import read_sandbox
from tests.support.browser import chromium
from tests.support.portal_operator import PortalOperator

Run = Callable[..., str]
"""Run ``acmidm`` with these words; what it says."""
_ROUNDS = 4
"""What is confirmed brings the orders that stand on it; after the last there is none."""


def carry_out(people: Mapping[str, PortalOperator], stack: str, run: Run) -> list[str]:
    """Carry out all orders of a stack, round by round; their names. ``people`` are those at each
    platform's portal."""
    done = list[str]()
    for _ in range(_ROUNDS):
        found = json.loads(run("orders", "list", "--stack", stack, "--output", "json"))["orders"]
        orders = [one for one in found if "refused" not in one]
        if not orders:
            return done
        for order in orders:
            more = _do(people[order["platform"]], order)
            run(
                "orders",
                "done",
                *order["order"].split(),
                *more,
                "--stack",
                stack,
                "--by",
                "operator@portaal.example",
            )
            done.append(order["order"])
    raise AssertionError(f"there are orders after {_ROUNDS} rounds: {', '.join(done)}")


def _do(people: PortalOperator, order: Mapping[str, Any]) -> Sequence[str]:
    """Do what an order says; the options that say what is brought back."""
    says, client_id, part = (
        order["says"],
        order.get("client_id", ""),
        order["part"].rpartition("/")[2],
    )
    match order["act"]:
        case "create":
            client = says["client"]
            made = people.create_client(
                order["key"].partition("/")[0],
                client["client_name"],
                client["contacts"],
                order["organisation"],
            )
            _grant(people, made, says["scopes"])
            return ["--client-id", made]
        case "change":
            people.change_client(client_id, says["client_name"], says["contacts"])
        case "grant" | "approve":
            _grant(people, client_id, says)
        case "upload" | "remove_key" | "remove_stolen_key" | "remove_suppliers_key":
            _change_keys(people, client_id, order)
        case "look":
            return ["--no-keys"]
        case "configure" if says:
            people.register_product(client_id, part, says[part])
        case "configure":
            people.remove_product(client_id, part)
        case "remove":
            people.remove_client(client_id)
    return []


def _change_keys(people: PortalOperator, client_id: str, order: Mapping[str, Any]) -> None:
    """Upload each key that an order's instructions have and that it says, and remove the others."""
    for instruction in order["instructions"]:
        kid = next((one["value"] for one in instruction["values"] if one["label"] == "kid"), None)
        if kid in order["says"]:
            with TemporaryDirectory() as folder:
                file = Path(folder, "new.jwk.json")
                file.write_text(json.dumps(order["says"][kid]))
                people.upload_key(client_id, file)
        elif kid is not None:
            people.remove_key(client_id, kid)


def _grant(
    people: PortalOperator, client_id: str, scopes: Mapping[str, Mapping[str, bool]]
) -> None:
    """Have each API's owner grant the client what it is to have of that API."""
    by_api = defaultdict[str, list[str]](list)
    for scope in scopes:
        by_api[people.referentie(scope)].append(scope)
    for referentie, names in by_api.items():
        people.request_coupling(client_id, referentie)
        people.approve(
            client_id, referentie, names, [scope for scope in names if scopes[scope]["default"]]
        )


def _acmidm(*words: str) -> str:
    return subprocess.run(["acmidm", *words], stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    with chromium() as browser:
        own = {
            one.served.platform.value: PortalOperator(
                browser, read_sandbox(one.daemon.settings_file)
            )
            for one in portals(sys.argv[1])
        }
        for name in carry_out(own, sys.argv[1], _acmidm):
            sys.stdout.write(f"{name}: done\n")
