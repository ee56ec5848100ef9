"""What a command hands the program besides its settings: the clients that are at their authority,
though the state may have lost them; what the forms declare, where none has a mistake; the state
that the command decided upon, or its version; and the command's own version.

The engine reads a copy of the stack's file (``--config-file``), which names a file with all of
this. Both files are in a folder of their own for as long as the command runs: nothing is saved
in the stack's file, and a run that is killed leaves nothing that the next run would read. A run
after a minute removes what it leaves.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import yaml
from pydantic import TypeAdapter

from acmidm_onboarding import installed
from acmidm_onboarding.settings import NAMESPACE
from acmidm_onboarding.stack_files import stack_file
from acmidm_onboarding.values.client import NOT_CONFIGURED, Client, Grant, Records
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.keys import Key, PublicKeys
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment, Platform

HANDED = "handed"
"""The setting that names the file. It is not declared, so that every command refuses it in a
stack's own file."""
_PREFIX = "acmidm-handed-"
_IN_USE_SECONDS = 60
"""A folder that is younger counts as in use: it is made before it is locked."""


@dataclass(frozen=True)
class Handed:
    """What a program was handed. ``state_version`` is that of the state to which the run is
    limited, as ``version_of`` returns it; None where any state will do. ``state`` is an export,
    from which a preview shows what follows. ``declared`` and ``state`` are None where the program
    has to read them."""

    clients: Records
    declared: Sequence[Declaration] | None
    state_version: str | None
    state: Mapping[str, Any] | None


@contextmanager
def handing(
    stack: str,
    records: Records,
    *,
    declared: Sequence[Declaration] | None = None,
    state_version: str | None = None,
    state: Mapping[str, Any] | None = None,
) -> Iterator[tuple[str, ...]]:
    """Yield the arguments by which a command of the engine hands a program ``records``, clients
    that are at their authority, what the forms declare, and a state or its version. They name
    temporary files, which are removed after the block. ``Handed`` says what each is."""
    with _private_folder() as folder:
        file = stack_file(stack, folder)
        value = folder / "handed.json"
        document = _settings_as_texts(stack_file(stack, Path()))
        document["config"] = {**(document.get("config") or {}), f"{NAMESPACE}:{HANDED}": str(value)}
        file.write_text(yaml.safe_dump(document), "utf-8")
        handed = {
            "installed": {"version": installed.VERSION, "folder": str(installed.FOLDER)},
            "clients": {name: _for_program(client) for name, client in records.items()},
            "declared": declared and _declarations().dump_python([*declared], mode="json"),
            "state_version": state_version,
            "state": state,
        }
        value.write_text(json.dumps(handed), "utf-8")
        yield ("--config-file", str(file))


@contextmanager
def _private_folder() -> Iterator[Path]:
    """Make a folder that this user alone can read, and remove it at the end. Remove those of
    commands that were killed: the system has ended the locks of these."""
    for former in Path(gettempdir()).glob(f"{_PREFIX}*"):
        # One without a lock may be about to get it, and another user's is not ours to remove.
        with suppress(OSError):
            found = former.lstat()
            if found.st_uid == os.getuid() and time.time() - found.st_mtime > _IN_USE_SECONDS:
                with _locked(former):
                    shutil.rmtree(former)
    with TemporaryDirectory(prefix=_PREFIX) as name, ExitStack() as lock:
        with suppress(OSError):  # a file system without locks, where none is ever removed
            lock.enter_context(_locked(Path(name)))
        yield Path(name)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Have a lock on a folder. Raises OSError where another process has it, where there are no
    locks, and for a link."""
    import fcntl  # here, for a program runs on Windows too

    opened = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)


@cache
def _declarations() -> TypeAdapter[list[Declaration]]:
    """Return what writes and reads declarations. To make it takes 25 ms, which other commands do
    without."""
    return TypeAdapter(list[Declaration])


def _for_program(client: Client) -> dict[str, object]:
    """Return what ``read_handed`` needs of a client: {"client_id": …, "scopes": ["dv_kbo"], "keys":
    {"kid": "thumbprint"}, "products": ["dosis"]}; ``scopes`` None where they are not known."""
    scopes = None if client.scopes is None else sorted(client.scopes)
    return {
        "client_id": client.client_id,
        "scopes": scopes,
        "keys": {kid: key.thumbprint for kid, key in (client.keys.declared or {}).items()},
        "products": sorted(client.products),
    }


def _settings_as_texts(file: Path) -> dict[str, Any]:
    """Return the document of a stack's file with each value as the text that is written there, for
    the copy: the engine reads some words as numbers that YAML 1.1 reads otherwise."""
    if not file.exists():
        return {}
    text = file.read_text("utf-8")
    return yaml.load(text, yaml.BaseLoader) or {}  # noqa: S506 - makes texts alone


@cache
def read_handed(file: Path, environment: Environment) -> Handed:
    """Return what ``handing`` wrote; read once per process, for it may have a whole state.

    Raises:
        OtherVersion: where a command of another version wrote it.
        Failure: where the file is gone or was edited.
    """
    records = {}
    try:
        handed = json.loads(file.read_text("utf-8"))
        installed.require_same(handed["installed"]["version"], handed["installed"]["folder"])
        version, state = handed["state_version"], handed["state"]
        declared = handed["declared"] and _declarations().validate_python(handed["declared"])
        for name, parts in handed["clients"].items():
            scopes = None if parts["scopes"] is None else dict.fromkeys(parts["scopes"], Grant())
            keys = {kid: Key(thumbprint) for kid, thumbprint in parts["keys"].items()}
            # Found by its resource name: its key and its platform are not in the file.
            records[name] = Client(
                name,
                Platform.ACMIDM,
                environment,
                client_id=parts["client_id"],
                scopes=scopes,
                keys=PublicKeys(keys),
                products=dict.fromkeys(parts["products"], NOT_CONFIGURED),
            )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        key = f"{NAMESPACE}:{HANDED}"
        raise Failure(
            f"{key} is for commands to set while they run, and not to be kept; take it out: pulumi"
            f" config rm {key}"
        ) from None
    return Handed(records, declared, version, state)
