"""One connection on the real engine, from the first run to the last: the same script at every
authority.

It shares the stack of whoever tries it: ``tests/end_to_end/keycloak`` has it on a realm, and
``tests/end_to_end/platforms`` at the embedded authority, by the rules of ACM/IDM and of GeoSecure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx
from joserfc.jwk import Key

from acmidm_onboarding.values.declaration import client_name
from tests.conformance.consoles import Console, Seen
from tests.support.forms import DOSIS, DOSSIERS, SEND, FormFile
from tests.support.together import Command, Script

KIDS = ("old", "new")


@dataclass(frozen=True)
class Place:
    """Where the client of a form is, as people and the application see it there."""

    console: Console
    request_token: Callable[[Key, str, str], httpx.Response]
    """By a key, a client-ID and scopes by their names there."""
    names: Mapping[str, str] = field(default_factory=dict)
    """The scopes that have another name than in the catalogue."""
    shows_products: bool = True

    def require(self, form: FormFile) -> None:
        """There is one client, as the form has it; each of its keys gets a token for its scopes,
        and for no others."""
        asked = form.request()
        scopes = {self._name(scope) for scope in asked["scopes"]}
        [seen] = self.console.clients(form.application)
        assert seen == Seen(
            seen.client_id,
            client_name(form.organisation["name"], form.application),
            "private_key_jwt",
            frozenset(scopes),
            frozenset(form.keys),
            tuple(form.document["contacts"]),
            asked["products"] if self.shows_products else {},
        )
        for key in form.keys.values():
            granted = self.request_token(key, seen.client_id, " ".join(scopes))
            assert {*granted.json().get("scope", "").split()} == scopes, granted.text
            for scope in {SEND, DOSSIERS} - {*asked["scopes"]}:
                refused = self.request_token(key, seen.client_id, self._name(scope))
                assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")

    def _name(self, scope: str) -> str:
        return self.names.get(scope, scope)


def from_the_first_run_to_the_last(
    form: FormFile,
    places: Sequence[Place],
    first: Command,
    second: Command,
    look: Command,
    *rest: Command,
) -> Script:
    """A client is made, then its scopes are extended; each time it is what the form says, and then
    nothing is left to do. After ``rest``, of which the last ends all, nothing is there.

    Without ``rest`` the client stays. ``form`` has the scope ``SEND`` and the keys ``KIDS``.
    """
    yield first
    for place in places:
        place.require(form)
    form.request()["scopes"][DOSSIERS] = {}
    form.request()["products"]["dosis"] = DOSIS
    form.save()
    yield second
    for place in places:
        place.require(form)
    shown = yield look
    assert shown.of(form) == {}
    for command in rest:  # noqa: UP028 - a tuple takes no answer, and a generator does
        yield command
    if rest:
        assert not any(place.console.clients(form.application) for place in places)
