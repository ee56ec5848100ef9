"""The authorities of the story, embedded or others, and the person who changes something there by
hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jwcrypto.jwk import JWK
from pydantic import SecretStr

from acmidm_onboarding.authorities.connected import connected
from acmidm_onboarding.authority_types import DEFAULT_AUTHORITY
from acmidm_onboarding.forms.loading import load_catalogue
from acmidm_onboarding.stack_files import stack_settings
from acmidm_onboarding.values.terms import Platform
from acmidm_sandbox.beheerportaal.operators import register_operator
from acmidm_sandbox.beheerportaal.settings import RIGHTS
from acmidm_sandbox.keycloak.admin import Admin
from acmidm_sandbox.keycloak.server import Server
from acmidm_sandbox.oidc_provider.server import REGISTRATION_PATH, REGISTRATION_SCOPE
from acmidm_sandbox.portals import api_client_id
from story.scratch import PROJECT, Scratch, free_ports
from toolchain.install_keycloak import distribution, wanted_version

HELPDESK = "helpdesk"
"""Who changes things by hand, where the authority has operators of its own."""
_KEY_DAYS = 365


@dataclass
class Authorities:
    """One authority for ``tni`` and one for ``prod``, on ports of their own, with their data in the
    scratch repository."""

    scratch: Scratch
    kind: str

    def start(self) -> None:
        ports = iter(free_ports(6))
        for stack in ("tni", "prod"):
            self.scratch.configure(
                stack, self._settings(stack, next(ports), next(ports), next(ports))
            )
            for server in ("oidc-provider", "sandbox"):
                self.scratch.run("acmidm", server, "start", "--stack", stack)

    def stop(self) -> None:
        self.scratch.run("acmidm", "sandbox", "stop")
        self.scratch.run("acmidm", "oidc-provider", "stop")

    def change_by_hand(self, client_id: str, scope: str, key: Mapping[str, object]) -> None:
        """Grants a scope and slips a key in."""
        if self.kind == "keycloak":
            self._change_as_administrator(client_id, scope, key)
        elif self.kind == "rfc7591":
            own = self.scratch.folder / ".local/tni/acmidm/operator.jwk.json"
            self._change_as_operator("onboarding", own.read_text(), client_id, scope, key)
        else:
            self._change_as_helpdesk(client_id, scope, key)

    def _settings(self, stack: str, port: int, products: int, mail: int) -> dict[str, object]:
        origin = f"http://127.0.0.1:{port}"
        own: dict[str, object] = {
            "managementUrl": f"{origin}/management/v1",
            "issuer": f"{origin}/op",
        }
        if self.kind == "keycloak":
            own = {
                "managementUrl": f"{origin}/admin/realms/{stack}",
                "issuer": f"{origin}/realms/{stack}",
            }
        elif self.kind == "rfc7591":
            scope = " ".join((REGISTRATION_SCOPE, *RIGHTS))
            own = {
                "managementUrl": origin + REGISTRATION_PATH,
                "issuer": origin,
                "operatorScope": scope,
            }
        if self.kind != DEFAULT_AUTHORITY:
            origin = f"http://127.0.0.1:{products}"
        return {
            "environment": stack,
            "authority": self.kind,
            **own,
            "productsUrl": f"{origin}/products/v1",
            "portalUrl": f"{origin}/portaal",
            "smtpUrl": f"smtp://127.0.0.1:{mail}",
            "mailSender": "Aansluitingen <aansluitingen@vlaanderen.example>",
            "apiClientIds": " ".join(
                f"{name}={api_client_id(stack, 'acmidm', name)}"
                for name in ("notificaties", "dosis")
            ),
            "operatorClientId": "onboarding",
            "operatorPrivateKeyFile": f".local/{stack}/acmidm/operator.jwk.json",
        }

    def _change_as_administrator(
        self, client_id: str, scope: str, key: Mapping[str, object]
    ) -> None:
        """What somebody does who administers the realm in Keycloak's console."""
        port = (
            stack_settings("tni", self.scratch.folder).platforms[Platform.ACMIDM].address.port or 0
        )
        server = Server(
            self.scratch.folder / ".local/tni/acmidm", distribution(wanted_version()), port
        )
        with Admin(server) as admin:
            client = admin.existing_client("tni", client_id)
            path = f"/tni/clients/{client['id']}"
            keys = json.loads(client["attributes"]["jwks.string"])["keys"]
            admin.put(f"{path}/optional-client-scopes/{admin.scope_ids('tni')[scope]}")
            admin.put(path, {"attributes": {"jwks.string": json.dumps({"keys": [*keys, key]})}})

    def _change_as_helpdesk(self, client_id: str, scope: str, key: Mapping[str, object]) -> None:
        """What another operator of the embedded authority does."""
        folder, own = self.scratch.folder, _new_key(HELPDESK)
        register_operator(
            folder / ".local/tni/acmidm/portal.db",
            HELPDESK,
            public_jwk=json.loads(own.export_public()),
        )
        self._change_as_operator(HELPDESK, own.export_private(), client_id, scope, key)

    def _change_as_operator(
        self, operator: str, private_key: str, client_id: str, scope: str, key: Mapping[str, object]
    ) -> None:
        credentials = {
            "operator_client_id": operator,
            "operator_private_key_file": None,
            "operator_private_key": SecretStr(private_key),
        }
        settings = stack_settings("tni", self.scratch.folder)
        platform = settings.platforms[Platform.ACMIDM].model_copy(update=credentials)
        settings = settings.model_copy(update={"platforms": {Platform.ACMIDM: platform}})
        authority = connected(settings, load_catalogue(PROJECT / "catalogue"))[
            Platform.ACMIDM
        ].authority
        scopes, jwks = authority.read_scopes(client_id) or {}, authority.read_jwks(client_id) or {}
        authority.replace_scopes(client_id, scopes, {**scopes, scope: False})
        authority.replace_jwks(client_id, jwks, {**jwks, str(key["kid"]): key})


def new_public_key(kid: str) -> dict[str, object]:
    """What an organisation hands over of a new pair, with the day on which it ends."""
    end = datetime.now(UTC) + timedelta(days=_KEY_DAYS)
    return {**json.loads(_new_key(kid).export_public()), "exp": int(end.timestamp())}


def _new_key(kid: str) -> JWK:
    return JWK.generate(kty="EC", crv="P-256", kid=kid, use="sig", alg="ES256")
