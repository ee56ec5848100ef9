"""What a command hands the program besides its settings: which clients are at their authority, though the state may
have lost them.

The engine reads a copy of the stack's file in its place (``--config-file``), which names a file that has the value.
Both are in a folder of their own for as long as the command runs: nothing is saved in the stack's file, and a run that
is killed leaves nothing that the next one would read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from acmidm_onboarding.settings import NAMESPACE
from acmidm_onboarding.stack_files import stack_file
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.client import Client, Grant, Records
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment, Platform

HANDED = "handed"
"""The setting that names the file. No stack's file may have it: to every command it is a setting there that nobody
knows."""


@contextmanager
def handing(stack: str, clients: Records | None) -> Iterator[tuple[str, ...]]:
    """Yield the words that hand ``clients`` to the program; none where the authorities were not read."""
    if clients is None:
        yield ()
        return
    with TemporaryDirectory(prefix="acmidm-") as name:
        file, value = stack_file(stack, Path(name)), Path(name, "there.json")
        own = stack_file(stack, Path())
        # Values stay texts: YAML 1.1 would read some as numbers that the engine reads otherwise.
        document = (yaml.load(own.read_text("utf-8"), yaml.BaseLoader) if own.exists() else None) or {}  # noqa: S506 - the safest there is
        document["config"] = {**(document.get("config") or {}), f"{NAMESPACE}:{HANDED}": str(value)}
        file.write_text(yaml.safe_dump(document), "utf-8")
        parts = {
            resource_name: {
                "scopes": None if client.scopes is None else sorted(client.scopes),
                "products": sorted(client.products),
            }
            for resource_name, client in clients.items()
        }
        value.write_text(json.dumps(parts), "utf-8")
        yield ("--config-file", str(file))


def read_there(file: Path, environment: Environment) -> Records:
    """Return what ``handing`` wrote. Raises Failure."""
    clients = {}
    try:
        for name, parts in json.loads(file.read_text("utf-8")).items():
            scopes = None if parts["scopes"] is None else dict.fromkeys(parts["scopes"], Grant())
            products = {product: dict[str, object]() for product in parts["products"]}
            clients[name] = Client(name, Platform.ACMIDM, environment, scopes=scopes, products=products)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise Failure(say("program.handed_kept", key=f"{NAMESPACE}:{HANDED}")) from None
    return clients
