"""A project whose stack has its authority on this machine, by ``acmidm sandbox``."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import httpx
from joserfc.jwk import ECKey

from tests.support.portal import ASSERTION_TYPE, sign_assertion
from tests.support.ports import reserve_port
from tests.support.warm_server import warm_environment

PROJECT = Path(__file__).parents[2]
OPERATOR = "acmidm-operator"


class Stack:
    """A project folder with one stack, `tni`, whose ACM/IDM is on a free port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reserved = reserve_port()  # between a stop and a start too
        self.port = int(self.reserved.getsockname()[1])
        self.origin = f"http://127.0.0.1:{self.port}"
        self.data = folder / ".local" / "tni" / "acmidm"
        self.key_file = self.data / "operator.jwk.json"
        shutil.copy(PROJECT / "Pulumi.yaml", folder)
        shutil.copytree(PROJECT / "catalogue", folder / "catalogue")
        settings = {
            "environment": "tni",
            "managementUrl": f"{self.origin}/management/v1",
            "issuer": f"{self.origin}/op",
            "productsUrl": f"{self.origin}/products/v1",
            "operatorClientId": OPERATOR,
            "operatorPrivateKeyFile": str(self.key_file.relative_to(folder)),
        }
        config = {f"acmidm:{name}": value for name, value in settings.items()}
        (folder / "Pulumi.tni.yaml").write_text(json.dumps({"config": config}))

    def run(self, *arguments: str, umask: int = -1) -> subprocess.CompletedProcess[str]:
        """`acmidm sandbox …` in the folder."""
        return subprocess.run(
            [warm_environment() / "bin" / "acmidm", "sandbox", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            umask=umask,
        )

    @property
    def pid(self) -> int:
        return int(json.loads((self.data / "portal.pid").read_text())["pid"])

    def operator(self) -> httpx.Client:
        """Acts as the operator, with the key in the file."""
        key = ECKey.import_key(json.loads(self.key_file.read_text()))
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": sign_assertion(key, OPERATOR, f"{self.origin}/op"),
        }
        token = (
            httpx.post(f"{self.origin}/op/v1/token", data=form)
            .raise_for_status()
            .json()["access_token"]
        )
        return httpx.Client(base_url=self.origin, headers={"Authorization": f"Bearer {token}"})
