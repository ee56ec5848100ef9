"""What leaves, on a stack whose commands are run as nobody would expect them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tests.support.engine import Outcome
from tests.support.forms import DOSSIERS, SEND, FormFile, write_form
from tests.support.portal import sign_assertion
from tests.support.together import OneStack


@dataclass
class Leaving(OneStack):
    """A stack whose commands are run as nobody would expect them."""

    def acmidm(self, *words: str) -> Outcome:
        below = replace(self.project, below="onboardings/gent")
        return below.acmidm(*words, "--stack", f"organization/acmidm/{self.project.stack}")

    def deploy(self) -> Outcome:
        # So many leave here that it would be a mass change.
        return self.acmidm("deploy", "--allow-mass-change")

    def form(self, name: str, **how: Any) -> FormFile:
        return write_form(self.forms, f"gent/{name}", scopes=(SEND, DOSSIERS), **how)

    def there(self, form: FormFile) -> dict[str, Any] | None:
        """A form's client with its products' configurations, but for its ETags and its resource's
        mark; None where it is gone."""
        found = self.registry.everything(form.application)[form.application]
        return {**found[0], "etags": None, "incarnation": None} if found else None

    def client(self, form: FormFile) -> dict[str, Any]:
        found = self.there(form)
        assert found is not None
        return found

    def is_nobodys(self, client_id: str) -> bool:
        """Whether neither a client nor its product's configuration bears a mark."""
        documents = [
            self.registry.http.get(f"/management/v1/clients/{client_id}").json(),
            self.registry.product_document("notificaties", client_id),
        ]
        names = ("software_id", "managed_by")
        return {one[name] for one in documents if one for name in names} == {None}

    def token(self, form: FormFile, client_id: str) -> int:
        """The status of what a client is answered that wants a token."""
        assertion = sign_assertion(form.keys["key-1"], client_id, self.portal.audience)
        return self.portal.request_token(assertion).status_code


def granted(client: dict[str, Any]) -> list[str]:
    """Its scopes, but for the one that its API's provider assigns by itself."""
    return [scope for scope in client["scopes"] if scope != "vo_info"]


def is_protected(at: Leaving, form: FormFile) -> bool:
    return bool(at.resources()[f"OAuthClient {form.key}"]["protect"])
