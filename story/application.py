"""An application's first steps: a client, a token, a notification; then DOSIS, refused, requested in the form, accepted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from jwcrypto.jwk import JWK
from pydantic import SecretStr

from acmidm_onboarding.authorities.errors import NotAllowed
from acmidm_onboarding.authorities.http import Api
from acmidm_onboarding.authorities.retry import Retrying
from acmidm_onboarding.authorities.tokens import Credentials, OperatorTokens
from acmidm_onboarding.model.form import Platform
from acmidm_onboarding.settings import stack_settings
from story.forms import DOSSIER, GENT, GENT_WITH_DOSIS, NAME, NOTIFICATION
from story.scratch import CommandFailed
from story.telling import FORM, Shown, Step, Telling

_NOTIFICATIES = "/api/v2/notificaties"
_DOSIS = "/api/v2/dosis/dossiers"


class _ApplicationTokens(OperatorTokens):
    """An application's tokens: as an operator's, but for one API."""

    def __init__(self, issuer: str, credentials: Credentials, api: Api, audience: str) -> None:
        super().__init__(issuer, credentials, api)
        self._audience = audience

    def _form_with_assertion(self, key: JWK, audience: str) -> dict[str, str]:
        return {**super()._form_with_assertion(key, audience), "audience": self._audience}


class Application(Telling):
    def _tell(self) -> None:
        key = self._write_key(f"{NAME}-tni")
        self._add_organisation("stad-gent")
        self.scratch.write(FORM, GENT)
        self.scratch.commit("Stad Gent, mijn-gent: first connection")
        self.say(Step("The form", "With the public half of a fresh key pair beside it.", FORM, GENT, Shown.YAML))
        self._deploy("Carried out", "", "tni")
        self._command("The client-ID", "The organisation is given its client-ID.", "acmidm status --stack tni mijn-gent")
        self._command("The APIs", "A token is for one API, which its request names.", "acmidm portal apis --stack tni")
        self._post("A notification", "The application signs with its key, gets a token and posts.", key, _NOTIFICATIES, NOTIFICATION)
        self._post("A dossier", "It has no scope for DOSIS.", key, _DOSIS, DOSSIER, refused=True)
        self._change("A scope extension", "The form asks for the scope, and says what DOSIS must know.", GENT_WITH_DOSIS)
        self._command("What that changes", "", "pulumi preview --diff --suppress-outputs --suppress-progress --stack tni")
        self._deploy("Carried out", "", "tni")
        self._post("The dossier again", "", key, _DOSIS, DOSSIER)

    def _post(self, title: str, text: str, key: JWK, path: str, message: Mapping[str, object], *, refused: bool = False) -> None:
        try:
            answer = self._api(key, path.split("/")[3]).request("POST", path, document=message)
            said = f"accepted: {json.dumps(answer.document)}"
        except NotAllowed as error:
            said = f"refused: {error}"
        if said.startswith("refused") != refused:
            raise CommandFailed(f"POST {path} ended otherwise than it should: {said}")
        self.say(Step(title, text, f"POST {path}", said))

    def _api(self, key: JWK, product: str) -> Api:
        """What the organisation's own software is: it signs an assertion with its private key and gets a token for an API (RFC 7523)."""
        settings = stack_settings("tni", Path(self.scratch.folder)).platforms[Platform.ACMIDM]
        issuer, retrying = str(settings.issuer), Retrying(deadline_seconds=10)
        credentials = Credentials(client_id=self._client_id(), private_key=SecretStr(key.export_private()))
        portal = json.loads((self.scratch.folder / ".local/tni/acmidm/portal.settings.json").read_text())
        audience = portal["products"][product]["client_id"]
        tokens = _ApplicationTokens(issuer, credentials, Api(issuer, None, timeout_seconds=10, retrying=retrying), audience)
        origin = str(settings.products_url).removesuffix("/products/v1")
        return Api(origin, tokens, timeout_seconds=10, retrying=retrying)
