"""Writes what this version leaves in a state: every kind of resource, with the forms and settings
that it belongs to, for later versions to start from.

``python -m tests.support.written_state`` in the shell of ``make shell``, before the release of a
version that changes what a state has. The state is the real engine's. It names no machine:
addresses are ``HOST``'s, and secrets are encrypted with the passphrase of the tests.

What does not stay is left out: a connection whose day has come is gone after the next run, and
evidence counts for some days.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from acmidm_onboarding.installed import VERSION
from tests.support import by_hand_stack
from tests.support.by_hand import adopt, made_by_hand
from tests.support.engine import ROOT, Project
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.mail_server import running_mail_server
from tests.support.offered import SHIPPED, offered
from tests.support.portal import RunningPortal, running_portal
from tests.support.registry import Registry

FOLDER = ROOT / "tests" / "end_to_end" / "deployments" / "states"
"""A folder per version."""
STATE, STACK_FILE = "state.json", "Pulumi.tni.yaml"
_AS_THEY_ARE = ("Pulumi.yaml", "__main__.py")
_FOLDERS = ("onboardings", "confirmed")
HOST, MAILS = "https://beheer.example", "smtp://mail.example"
"""Where the portal and the mail server are, in what is written."""
_NO_MAILS = "smtp://127.0.0.1:9"
_CONFIRMED = "confirmed/tni/geosecure"
_OF_MACHINE = ("sourcePosition", "stackTrace")
_AT_GEOSECURE = "40001"


class WrittenProject(Project):
    """A repository of forms without a catalogue, whose secrets have the key of a passphrase."""

    def prepare(self, config: Mapping[str, object]) -> None:
        self.forms.mkdir(parents=True)
        (self.folder / "state").mkdir()
        for file in _AS_THEY_ARE:
            shutil.copy(ROOT / file, self.folder)
        self.start_python()
        self.succeed("stack", "init", self.stack)
        self.configure({"environment": self.stack, **config})


def write(folder: Path) -> None:
    """Write the state and what belongs to it to a folder, which is replaced."""
    with _brought_up() as (project, origin, mails):
        state = json.loads(project.succeed("stack", "export").stdout)
        for resource in state["deployment"]["resources"]:
            for name in _OF_MACHINE:
                resource.pop(name, None)
        texts = {
            STATE: json.dumps(state, indent=1) + "\n",
            STACK_FILE: (project.folder / STACK_FILE).read_text(),
        }
        shutil.rmtree(folder, ignore_errors=True)
        for name in _FOLDERS:
            shutil.copytree(project.folder / name, folder / name)
        for name in _AS_THEY_ARE:
            shutil.copy(project.folder / name, folder)
        for name, text in texts.items():
            portable = text.replace(origin, HOST).replace(mails, MAILS)
            found = [one for one in ("127.0.0.1", str(project.folder)) if one in portable]
            assert not found, f"{name} names {found}"
            (folder / name).write_text(portable)


def put_back(written: Path, project: Project, portal: RunningPortal) -> None:
    """Have a project be what was written, its authority at a portal of the tests."""
    for name in _FOLDERS:
        shutil.copytree(written / name, project.folder / name, dirs_exist_ok=True)
    for name in _AS_THEY_ARE:
        shutil.copy(written / name, project.folder)
    for name in (STATE, STACK_FILE):
        text = (written / name).read_text().replace(HOST, portal.origin)
        (project.folder / name).write_text(text.replace(MAILS, _NO_MAILS))
    project.succeed("stack", "import", "--file", STATE)


@contextmanager
def _brought_up() -> Iterator[tuple[Project, str, str]]:
    """Yield a project with a connection of every kind, and the addresses of portal and mails."""
    with (
        TemporaryDirectory() as temporary,
        running_portal(
            Path(temporary, "portal"), receives_mail=True, **offered(folder=SHIPPED)
        ) as portal,
        portal.operator() as http,
        running_mail_server() as mails,
    ):
        address = f"smtp://127.0.0.1:{mails.port}"
        project = WrittenProject(Path(temporary, "project"))
        project.connect(portal, **_settings(portal, address))
        project.configure({"operatorPrivateKeyFile": f"operator-{project.stack}.jwk.json"})
        _write_forms(project.forms, Registry(http))
        project.apply()
        with chdir(project.folder):
            stack = by_hand_stack.opened(json.loads(project.exported()), name=project.stack)
            by_hand_stack.carry_out(stack, _AT_GEOSECURE)
        project.apply()
        project.apply()  # what a run learned from the one before is in the state too
        yield project, portal.origin, address


def _settings(portal: RunningPortal, mails: str) -> dict[str, object]:
    """The settings of ACM/IDM come with the portal; GeoSecure is a portal that people use."""
    return {
        "geosecure:authority": "by_hand",
        "geosecure:confirmedFolder": _CONFIRMED,
        "geosecure:issuer": f"{portal.origin}/geosecure",
        "geosecure:productsUrl": f"{portal.origin}/geosecure-products",
        "protectClients": "true",
        "smtpUrl": mails,
        "mailSender": "DV <noreply@dv.example>",
    }


def _write_forms(folder: Path, registry: Registry) -> None:
    """Write a form for each kind of connection."""

    def form(name: str, **how: Any) -> Any:
        application = name.rpartition("/")[2]
        how = {"scopes": (PLAIN,), **how}
        return write_form(folder, name, **{"application": application, **how})

    both = {"scopes": (SEND, DOSSIERS), "platforms": ["acmidm", "geosecure"]}
    form("gent/meldingen", keys=("first", "second"), **both, formerly=["oud-loket"])
    form("gent/in-het-portaal", keys=())
    form("gent/vertrekt", retire={"on": "2999-12-31", "keep": True})
    secret = form(
        "gent/geheim",
        keys=(),
        token_endpoint_auth_method="client_secret_basic",
        exemptions={"client-secret": {"reason": "knows no keys", "reference": "SD-4810"}},
    )
    secret.request()["secret_generation"] = 2
    secret.request()["scopes"][PLAIN] = {"reason": "opening hours", "default": True}
    secret.save()
    form("aalst/van-leverancier", keys=()).use_supplier("of-supplier")
    taken_over = form("aalst/overgenomen")
    adopt(taken_over, made_by_hand(registry, taken_over))


if __name__ == "__main__":
    write(FOLDER / VERSION)
    sys.stdout.write(f"{(FOLDER / VERSION).relative_to(ROOT)}: written\n")
