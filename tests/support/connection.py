"""A connection that works, which a test breaks in one way: a form, a client with its key at a real
portal, and the command."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm_onboarding.settings import full_key
from acmidm_onboarding.values.terms import Platform
from tests.support.engine import settings_of
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, SEND, FormFile, write_form
from tests.support.offered import catalogue_folder
from tests.support.portal import RunningPortal, put_current, register_client
from tests.support.yaml_files import read_yaml, write_yaml

APIS = {"apiClientIds": {"notificaties": "api-of-notificaties", "dosis": "api-of-dosis"}}
SCOPES_OF = {
    "acmidm": {SEND: SEND, DOSSIERS: DOSSIERS},
    "geosecure": {SEND: "NotificatiesImport", DOSSIERS: "DosisImport"},
}
_ASSERTION = re.compile(r"(?<![\w-])eyJ")
"""The beginning of a JSON Web Token. Within a word it may be a thumbprint's by chance."""


@dataclass
class Result:
    """What the command said. ``found`` are the ids of what is wrong, ``steps`` how each ended."""

    code: int
    output: str
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def found(self) -> list[str]:
        return [finding["id"] for step in self.report["steps"] for finding in step["findings"]]

    @property
    def steps(self) -> dict[str, str]:
        return {
            " ".join(filter(None, (step["step"], step.get("of")))): step["outcome"]
            for step in self.report["steps"]
        }

    @property
    def said(self) -> dict[str, str]:
        """What each step said, in the language of the report."""
        return {step["step"]: step.get("said", "") for step in self.report["steps"]}


@dataclass
class Connection:
    """The working directory has the stack's file and the form; ``client_id`` is that of
    ``platform``."""

    portal: RunningPortal
    form: FormFile
    platform: str
    client_id: str
    key_file: Path

    @property
    def key(self) -> ECKey:
        return next(iter(self.form.keys.values()))

    def run(
        self, *words: str, client_id: str | None = None, key: bool = True, typed: str | None = None
    ) -> Result:
        """Run the command, with what is ``typed`` on standard input; nothing of a key may be in
        what it says."""
        given = ("--private-key", str(self.key_file)) if key else ()
        identity = ("--client-id", client_id or self.client_id) if client_id != "" else ()
        command = [
            "probe",
            str(self.form.path),
            "--stack",
            "tni",
            "--platform",
            self.platform,
            *given,
            *identity,
            *words,
        ]
        done = CliRunner().invoke(app, command, input=typed)
        said = done.output + (done.stderr or "")
        private = {str(one.as_dict(private=True)["d"]) for one in self.form.keys.values()}
        assert not any(secret in said for secret in private), "a private key is shown"
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        assert not _ASSERTION.search(said), "an assertion is shown"
        return Result(done.exit_code, said)

    def probe(self, *words: str, client_id: str | None = None, key: bool = True) -> Result:
        """The same with its report."""
        done = self.run(*words, "--output", "json", client_id=client_id, key=key)
        assert done.output.startswith("{"), done.output
        return Result(done.code, done.output, json.loads(done.output))

    def set_keys(self, *keys: ECKey | dict[str, Any]) -> None:
        """What the authority has, whatever the form says."""
        found = [
            dict(key.as_dict(private=False)) if isinstance(key, ECKey) else key for key in keys
        ]
        self._put("jwks", {"keys": found})

    def grant(self, *scopes: str) -> None:
        self._put(
            "scopes", {"scopes": [SCOPES_OF[self.platform].get(scope, scope) for scope in scopes]}
        )

    def configure(self, product: str, configuration: dict[str, Any]) -> None:
        with self.portal.operator() as operator:
            path = f"/products/v1/{product}/configurations/{self.client_id}"
            operator.put(
                path, json={"configuration": configuration}, headers={"If-None-Match": "*"}
            ).raise_for_status()

    def set_stack(self, **settings: object) -> None:
        """Settings of the stack, over those that lead to the portals."""
        file = Path("Pulumi.tni.yaml")
        document = read_yaml(file)
        document["config"].update({full_key(name): value for name, value in settings.items()})
        write_yaml(file, document)

    def leave_keys_to_the_portal(self) -> None:
        del self.form.request()["jwks"]
        self.form.save()

    def _put(self, part: str, document: dict[str, Any]) -> None:
        with self.portal.operator() as operator:
            put_current(
                operator, f"/management/v1/clients/{self.client_id}/{part}", document
            ).raise_for_status()


def make_connection(
    folder: Path, portal: RunningPortal, other: RunningPortal, platform: str, **form: Any
) -> Connection:
    """A connection with both scopes and products, on either platform; ``portal`` is that of
    ``platform``."""
    acmidm, geosecure = (portal, other) if platform == "acmidm" else (other, portal)
    config = {
        "environment": "tni",
        "catalogueFolder": str(catalogue_folder()),
        **settings_of(acmidm),
        **settings_of(geosecure, Platform.GEOSECURE),
        **APIS,
    }
    values = {full_key(name): value for name, value in config.items()}
    write_yaml(folder / "Pulumi.tni.yaml", {"config": values})
    written = write_form(
        folder / "onboardings", scopes=(SEND, DOSSIERS), platforms=["acmidm", "geosecure"], **form
    )
    key_file = folder / "private.jwk.json"
    key_file.write_text(json.dumps(next(iter(written.keys.values())).as_dict(private=True)))
    with portal.operator() as operator:
        scopes = list(SCOPES_OF[platform].values())
        client_id = str(
            register_client(operator, keys=list(written.keys.values()), scopes=scopes)["client_id"]
        )
    made = Connection(portal, written, platform, client_id, key_file)
    made.configure("notificaties", dict(NOTIFICATIES))
    made.configure("dosis", dict(DOSIS))
    return made
