"""The rules of a token request, as `rules.yaml` has them, and the judge that applies them: what
breaks a rule is refused (RFC 6749 §5.2), or accepted with a line in the log."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, InvalidScopeError

from acmidm_sandbox.beheerportaal.limits import LONGEST_JTI
from acmidm_sandbox.beheerportaal.oauth.principals import Principal
from acmidm_sandbox.beheerportaal.settings import PortalSettings

LONGEST_LIFETIME_SECONDS = 600
LONGEST_TOLERATED_SECONDS = 960 * 60
CLOCK_SKEW_SECONDS = 30

_NOT_ALLOWED = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
_LONGEST_SENTENCE = 400

log = logging.getLogger("acmidm_sandbox.beheerportaal.rules")


class RequestPart(StrEnum):
    """Where a rule looks: in the request, or in the header or the claims of its assertion."""

    REQUEST = "request"
    HEADER = "header"
    CLAIM = "claim"


class Demand(StrEnum):
    """What a platform wants."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    REFUSED = "refused"


class Basis(StrEnum):
    """How that is known: read in its documentation, seen in a public client, or neither."""

    DOCUMENTED = "documented"
    SEEN = "seen"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Ruling:
    """One platform's rule. `tolerated` is empty where the sandbox holds to it."""

    demand: Demand
    basis: Basis
    source: str
    tolerated: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A row; `rulings` has the platforms that know it."""

    part: RequestPart
    text: str
    rulings: Mapping[str, Ruling]


def _read_rules() -> Iterator[tuple[str, Rule]]:
    limits = {
        "clock_skew": CLOCK_SKEW_SECONDS,
        "longest_lifetime": LONGEST_LIFETIME_SECONDS,
        "tolerated_minutes": LONGEST_TOLERATED_SECONDS // 60,
        "longest_jti": LONGEST_JTI,
    }
    parts = yaml.safe_load(Path(__file__).with_name("rules.yaml").read_text("utf-8"))
    for part, rows in parts.items():
        for name, row in rows.items():
            text = row.pop("text").format(**limits)
            rulings = {}
            for platform, (demand, basis, *source) in row.items():
                ruling = Ruling(Demand(demand), Basis(basis), *source)
                for each in ("acmidm", "geosecure") if platform == "both" else (platform,):
                    rulings[each] = ruling
            yield name, Rule(RequestPart(part), text, rulings)


RULES = dict(_read_rules())


def invalid_client(sentence: str) -> Any:
    """Return the error of a client that fails to authenticate: 401, for RFC 6749 §5.2 requires it
    after an Authorization header."""
    return InvalidClientError(description=_fit_for_a_line(sentence), status_code=401)


def invalid_request(sentence: str) -> Any:
    """Return the error of a malformed request."""
    return InvalidRequestError(description=_fit_for_a_line(sentence))


def invalid_scope(sentence: str) -> Any:
    """Return the error of a request for more than the client was granted."""
    return InvalidScopeError(description=_fit_for_a_line(sentence))


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
        ruling = RULES[name].rulings[self._platform]
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


def _fit_for_a_line(sentence: str) -> str:
    """Return a sentence with parts of a request in the characters of RFC 6749 §5.2: ASCII without
    quotes and backslashes."""
    return _NOT_ALLOWED.sub("?", sentence)[:_LONGEST_SENTENCE]
