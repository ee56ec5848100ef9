"""An application's first steps: a form, a client, a token, a notification; then DOSIS, refused, asked for, accepted.

Everything is made in a scratch folder, the key pair included; the private key is used and forgotten.
Raises StoryFailed where a step does not end as it should.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml
from jwcrypto.jwk import JWK
from pydantic import SecretStr

from components.authorities.errors import NotAllowed
from components.authorities.http import Api
from components.authorities.retry import Retrying
from components.authorities.tokens import Credentials, OperatorTokens

PROJECT = Path(__file__).parents[1]
STACK = "demo"
NAME = "stad-gent/demo-loket"

_FORM = """\
organisation: {name: Stad Gent, ovo: OVO002067, kbo: "0207.451.227"}
application: demo-loket
contacts: [api-beheer@stad.example]
environments:
  tni:
    jwks: [demo-loket.jwk.json]
    scopes:
      dv_notificaties_schrijven: {}
    products:
      notificaties:
        aanbieder_uri: https://data.vlaanderen.be/id/organisatie/OVO002067
        merk_code: stad-gent
        product_ids: ["10244"]
"""
_SCOPE_EXTENSION = "      dv_dosis_schrijven: {reason: dossiers in Mijn Burgerprofiel, reference: SD-4711}\n"
_DOSIS = """\
      dosis:
        bron_uri: urn://gent/demo-loket
        product_ids: ["10244"]
"""
_NOTIFICATION = {
    "Id": "demo-1",
    "AanbiederUri": "https://data.vlaanderen.be/id/organisatie/OVO002067",
    "Bestemmelingen": [{"Type": "person", "Id": "demo"}],
    "Categorie": "status",
    "Kanalen": ["ebox"],
    "ProductId": "10244",
    "MerkCode": "stad-gent",
}
_DOSSIER = {"Id": "demo-1", "BronUri": "urn://gent/demo-loket", "ProductId": "10244", "Titel": "Aanvraag", "Status": "in behandeling"}


class StoryFailed(Exception):
    """A step that ended otherwise, as a sentence."""


@dataclass
class Story:
    """``origin`` is that of the portal, ``operator_key_file`` its operator's; ``environment`` is that of the Pulumi command line."""

    folder: Path
    origin: str
    operator: str
    operator_key_file: Path
    environment: dict[str, str]
    say: Callable[[str], None] = print

    def tell(self) -> None:
        try:
            self._tell()
        except BaseException:
            # What went wrong first is what is told, whether or not there is something to clean up.
            with suppress(StoryFailed, OSError):
                self._clean_up()
            raise
        self._clean_up()

    def _clean_up(self) -> None:
        self._pulumi("destroy", "--yes", "--skip-preview", "--remove")

    def _tell(self) -> None:
        private_key = JWK.generate(kty="EC", crv="P-256", kid="demo-loket", use="sig", alg="ES256")
        self._lay_out(private_key.export_public())
        self._step("1. The form, with the public half of a fresh key pair", _FORM)
        self._step("2. pulumi up", _resources(self._up()))
        client_id = self._client_id()
        self._step("3. The client-ID that is handed over", client_id)
        application = self._application(client_id, private_key)
        self._step("4. POST /api/v2/notificaties", _accepted(application, "/api/v2/notificaties", _NOTIFICATION))
        self._step("5. POST /api/v2/dosis/dossiers, without the scope", _refused(application, "/api/v2/dosis/dossiers", _DOSSIER))
        self._form.write_text(_FORM.replace("    products:\n", f"{_SCOPE_EXTENSION}    products:\n") + _DOSIS)
        self._step(
            "6. The scope extension in the form, with what DOSIS must know",
            "\n".join(f"+{line}" for line in (_SCOPE_EXTENSION + _DOSIS).splitlines()),
        )
        self._step("7. pulumi preview --diff", _changes(self._pulumi("preview", "--diff", "--suppress-outputs")))
        self._step("8. pulumi up", _resources(self._up()))
        application = self._application(client_id, private_key)
        self._step("9. POST /api/v2/dosis/dossiers", _accepted(application, "/api/v2/dosis/dossiers", _DOSSIER))

    @property
    def _form(self) -> Path:
        return self.folder / "onboardings" / f"{NAME}.yaml"

    def _step(self, title: str, text: str) -> None:
        self.say(f"{title}\n{textwrap.indent(text.rstrip(), '     ')}\n")

    def _lay_out(self, public_key: str) -> None:
        """A project of its own: the same program, other forms, another stack."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._form.parent.mkdir(parents=True)
        self._form.write_text(_FORM)
        (self._form.parent / "demo-loket.jwk.json").write_text(public_key)
        for name in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(PROJECT / name, self.folder)
        (self.folder / ".venv").symlink_to(PROJECT / ".venv")
        settings = {
            "environment": "tni",
            "catalogueFolder": str(PROJECT / "catalogue"),
            "managementUrl": f"{self.origin}/management/v1",
            "issuer": f"{self.origin}/op",
            "productsUrl": f"{self.origin}/products/v1",
            "operatorClientId": self.operator,
            "operatorPrivateKeyFile": str(self.operator_key_file),
        }
        config = {f"acmidm:{key}": value for key, value in settings.items()}
        (self.folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}))
        self._pulumi("stack", "select", "--create", STACK)

    def _up(self) -> str:
        return self._pulumi("up", "--yes", "--skip-preview", "--suppress-outputs")

    def _client_id(self) -> str:
        outputs = json.loads(self._pulumi("stack", "output", "--json"))
        return str(outputs["connections"][NAME]["acmidm"]["client_id"])

    def _application(self, client_id: str, private_key: JWK) -> Api:
        """What the organisation's own software is: it signs an assertion with its private key and gets a token (RFC 7523)."""
        retrying = Retrying(deadline_seconds=10)
        issuer = f"{self.origin}/op"
        credentials = Credentials(client_id=client_id, private_key=SecretStr(private_key.export_private()))
        tokens = OperatorTokens(issuer, credentials, Api(issuer, None, timeout_seconds=10, retrying=retrying))
        return Api(self.origin, tokens, timeout_seconds=10, retrying=retrying)

    def _pulumi(self, *words: str) -> str:
        done = subprocess.run(
            ["pulumi", *words, "--non-interactive"], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise StoryFailed(f"pulumi {words[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout


def _accepted(application: Api, path: str, message: Mapping[str, object]) -> str:
    answer = application.request("POST", path, document=message)
    return f"accepted: {json.dumps(answer.document)}"


def _refused(application: Api, path: str, message: Mapping[str, object]) -> str:
    try:
        application.request("POST", path, document=message)
    except NotAllowed as error:
        return f"refused: {error}"
    raise StoryFailed(f"POST {path} was accepted without its scope")


def _resources(output: str) -> str:
    """The lines of an ``up`` that say what became of which resource."""
    return "\n".join(
        line.strip() for line in output.splitlines() if line.lstrip().startswith(("+ ", "~ ", "- ")) and "ing" not in line.split()[-2]
    )


def _changes(output: str) -> str:
    """The part of a preview with details that is about changes."""
    lines = [line for line in output.splitlines() if line.strip() and not line.startswith(("Previewing", "View", "@"))]
    return "\n".join(lines)
