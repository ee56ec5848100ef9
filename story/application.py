"""An application's first steps: a client, a token, a notification; then DOSIS, refused, requested in the form, accepted, its result."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from authlib.oauth2.rfc7523.client import ASSERTION_TYPE
from joserfc.jwk import ECKey
from jwcrypto.jwk import JWK

from acmidm.portal import api_client_id
from acmidm_onboarding.model.form import Platform
from acmidm_onboarding.stack_files import stack_settings
from story.forms import DOSSIER, GENT, GENT_WITH_DOSIS, NAME, NOTIFICATION
from story.scratch import CommandFailed
from story.telling import FORM, Shown, Step, Telling

_NOTIFICATIES = "/api/v2/notificaties"
_DOSIS = "/api/v2/dosis/dossiers"
_RESULT = f"/api/v1/dosis/resultaten/perUploadId?uploadId={DOSSIER['UploadId']}"
_FIRST = "The application signs with its key, gets a token and posts. Recipient and channel are stand-ins: theirs are not public."
_RESULT_SECONDS = 30
_ASSERTION_SECONDS = 300


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
        self._post("A notification", _FIRST, key, _NOTIFICATIES, NOTIFICATION)
        self._post("A dossier", "It has no scope for DOSIS.", key, _DOSIS, DOSSIER, refused=True)
        self._change("A scope extension", "The form asks for the scope, and says what DOSIS must know.", GENT_WITH_DOSIS)
        self._command("What that changes", "", "pulumi preview --diff --suppress-outputs --suppress-progress --stack tni")
        self._deploy("Carried out", "", "tni")
        self._post("The dossier again", "It will be processed.", key, _DOSIS, DOSSIER)
        self._read_result(key)

    def _post(self, title: str, text: str, key: JWK, path: str, message: Mapping[str, object], *, refused: bool = False) -> None:
        answer = self._client(key, path).post(path, json=message)
        said = f"accepted: {json.dumps(answer.json())}" if answer.is_success else f"refused: {answer.json()['description']}"
        if answer.is_success == refused:
            raise CommandFailed(f"POST {path} ended otherwise than it should: {said}")
        self.say(Step(title, text, f"POST {path}", said))

    def _read_result(self, key: JWK) -> None:
        until = time.monotonic() + _RESULT_SECONDS
        client = self._client(key, _DOSIS)
        while (answer := client.get(_RESULT)).status_code == httpx.codes.NOT_FOUND and time.monotonic() < until:
            time.sleep(0.2)
        if not answer.is_success:
            raise CommandFailed(f"GET {_RESULT} has no result: {answer.json()['description']}")
        self.say(Step("What became of it", "404 until it was processed.", f"GET {_RESULT}", json.dumps(answer.json(), indent=2)))

    def _client(self, key: JWK, path: str) -> httpx.Client:
        """What the organisation's own software is: it signs an assertion with its private key and gets a token (RFC 7523) for one API.

        ACM/IDM: the assertion is for the issuer and ends within ten minutes; the token is for the API whose client_id is `audience`.
        """
        settings = stack_settings("tni", Path(self.scratch.folder)).platforms[Platform.ACMIDM]
        issuer, origin = str(settings.issuer), str(settings.products_url).removesuffix("/products/v1")
        private_key = ECKey.import_key(key.export_private(as_dict=True))
        ends = {"exp": int(time.time()) + _ASSERTION_SECONDS}
        assertion = private_key_jwt_sign(private_key, self._client_id(), issuer, "ES256", ends, header={"kid": private_key.kid})
        request = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            "audience": api_client_id("tni", Platform.ACMIDM, "dosis" if path == _DOSIS else "notificaties"),
        }
        granted = httpx.post(f"{issuer}/v1/token", data=request, trust_env=False).raise_for_status().json()
        return httpx.Client(base_url=origin, headers={"Authorization": f"Bearer {granted['access_token']}"}, trust_env=False)
