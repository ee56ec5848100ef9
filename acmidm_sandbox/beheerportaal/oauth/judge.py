"""Applies the rules of a platform to one request: what breaks a rule is refused, or accepted with a
line in the log."""

import logging
from collections.abc import Callable
from typing import Any

from acmidm_sandbox.beheerportaal.oauth.errors import invalid_client
from acmidm_sandbox.beheerportaal.oauth.principals import Principal
from acmidm_sandbox.beheerportaal.oauth.rules import RULINGS, Demand
from acmidm_sandbox.beheerportaal.settings import PortalSettings

log = logging.getLogger("acmidm_sandbox.beheerportaal.rules")


class Judge:
    """For the request of `client`, who is None as long as nobody is authenticated."""

    def __init__(self, settings: PortalSettings, client: Principal | None = None) -> None:
        self._client = client
        self._is_operator = client is not None and client.is_operator
        self._platform = "acmidm" if self._is_operator else settings.platform
        self._noted: set[str] = set()
        self._is_strict = settings.strict or self._is_operator
        self.is_proven = False
        """Whether the request surely is the client's."""

    def broken(
        self, name: str, sentence: str, refuse: Callable[[str], Any] = invalid_client
    ) -> None:
        """What a request that breaks the rule deserves: what is optional nothing, what is tolerated
        a line in the log.

        Raises:
            OAuth2Error: made by `refuse`, where it is neither.
        """
        ruling = RULINGS[name, self._platform]
        if ruling.demand is Demand.OPTIONAL:
            return
        if self._client is None or self._is_strict or not ruling.tolerated:
            raise self.refusal(name, sentence, refuse)
        self.note(name, f"tolerated, {ruling.tolerated}; --strict refuses it")

    def refusal(
        self, name: str, sentence: str, refuse: Callable[[str], Any] = invalid_client
    ) -> Any:
        """Return the error for a request that leaves nothing to go on with."""
        error = refuse(f"{sentence} (rule: {name})")
        error.rule = name
        return error

    def note(self, name: str, what: str) -> None:
        """A line in the log: who, which rule, and nothing of the request."""
        if self._client is not None and name not in self._noted:
            self._noted.add(name)
            log.info("client %s, rule %s: %s", self._client.client_id, name, what)
