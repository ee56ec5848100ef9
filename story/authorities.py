"""The embedded authorities of a story, and the person who changes something there by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jwcrypto.jwk import JWK
from pydantic import SecretStr

from acmidm.sandbox.portals import api_client_id
from acmidm_onboarding.authorities.connected import connected
from acmidm_onboarding.authorities.port import Authority
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.stack_files import stack_settings
from acmidm_onboarding.values.terms import Platform
from story.scratch import PROJECT, Scratch
from tests.support.people import add_operator
from tests.support.ports import free_ports

HELPDESK = "helpdesk"
"""Who changes things by hand, where the authority has operators of its own."""
_KEY_DAYS = 365


@dataclass
class StoryAuthorities:
    """One authority for ``tni`` and one for ``prod``, on free ports, with their data in the scratch
    repository."""

    scratch: Scratch

    def start(self) -> None:
        """Write both stacks' files, and start their portals. Raises CommandFailed."""
        ports = iter(free_ports(4))
        for stack in ("tni", "prod"):
            self.scratch.configure(stack, _settings(stack, next(ports), next(ports)))
            self.scratch.run("acmidm", "sandbox", "start", "--stack", stack)

    def stop(self) -> None:
        self.scratch.run("acmidm", "sandbox", "stop")

    def change_by_hand(self, client_id: str, scope: str, key: Mapping[str, object]) -> None:
        """Give a client of ``tni`` a scope and a key, as an operator does whom the stack does not
        know."""
        authority = as_helpdesk(self.scratch.folder)
        jwks = authority.read_jwks(client_id) or {}
        grant(authority, client_id, scope)
        authority.replace_jwks(client_id, jwks, {**jwks, str(key["kid"]): key})


def grant(authority: Authority, client_id: str, scope: str) -> None:
    """Add a scope to those of a client, not as a default scope."""
    scopes = authority.read_scopes(client_id) or {}
    authority.replace_scopes(client_id, scopes, {**scopes, scope: False})


def as_helpdesk(folder: Path) -> Authority:
    """Return the authority of ``tni`` in a repository, as the operator *helpdesk* calls it: one
    that is registered here, with a new key, and that no stack knows."""
    key = _new_key(HELPDESK)
    add_operator(
        folder / ".local/tni/acmidm/portal.db",
        HELPDESK,
        public_jwk=json.loads(key.export_public()),
    )
    credentials = {
        "operator_client_id": HELPDESK,
        "operator_private_key_file": None,
        "operator_private_key": SecretStr(key.export_private()),
    }
    settings = stack_settings("tni", folder)
    platform = settings.platforms[Platform.ACMIDM].model_copy(update=credentials)
    settings = settings.model_copy(update={"platforms": {Platform.ACMIDM: platform}})
    catalogue = load_catalogue(PROJECT / "catalogue")
    return connected(settings, catalogue)[Platform.ACMIDM].authority


def _settings(stack: str, port: int, smtp_port: int) -> dict[str, object]:
    """Return what the stack's file has, without the prefix ``acmidm:`` of each name."""
    origin = f"http://127.0.0.1:{port}"
    apis = {name: api_client_id(stack, "acmidm", name) for name in ("notificaties", "dosis")}
    return {
        "environment": stack,
        "managementUrl": f"{origin}/management/v1",
        "issuer": f"{origin}/op",
        "productsUrl": f"{origin}/products/v1",
        "portalUrl": f"{origin}/portaal",
        "smtpUrl": f"smtp://127.0.0.1:{smtp_port}",
        "mailSender": "Aansluitingen <aansluitingen@vlaanderen.example>",
        "apiClientIds": apis,
        "operatorClientId": "onboarding",
        "operatorPrivateKeyFile": f".local/{stack}/acmidm/operator.jwk.json",
    }


def new_public_key(kid: str) -> dict[str, object]:
    """Return the public half of a new key pair as a JWK, which ends (``exp``) a year from now."""
    end = datetime.now(UTC) + timedelta(days=_KEY_DAYS)
    return {**json.loads(_new_key(kid).export_public()), "exp": int(end.timestamp())}


def _new_key(kid: str) -> JWK:
    return JWK.generate(kty="EC", crv="P-256", kid=kid, use="sig", alg="ES256")
