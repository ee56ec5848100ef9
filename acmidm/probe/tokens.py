"""Tokens of a client for programs: requested as a probe does, and kept in files of this user until
shortly before they end."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from acmidm.files import write_private
from acmidm.probe.network import NoAnswer
from acmidm.probe.refusals import not_granted
from acmidm.probe.steps import DISCOVERY, Outcome
from acmidm.probe.trying import Probing
from acmidm_onboarding.authorities.http.tokens import IssuedToken
from acmidm_onboarding.mistakes.findings import Finding, finding
from acmidm_onboarding.texts import say, spoken, texts
from acmidm_onboarding.values.problems import Failure, listed, quoted

_REFUSED, _UNREACHED = 1, 3
"""Exit codes."""


@dataclass(frozen=True)
class TokenRequest:
    """What a token is for: scopes by the platform's names, and the client-ID of an API where the
    platform wants one."""

    scopes: tuple[str, ...]
    audience: str | None


class KeptToken(BaseModel, frozen=True):
    """A token as its file has it; the moments are seconds since 1970."""

    access_token: str = Field(repr=False)
    renew_at: float
    ends_at: float


def chosen(trial: Probing, scopes: Sequence[str], audience: str | None) -> TokenRequest:
    """Return what to request: some scopes of the form, by any of their names, for one API, by its
    product or its client-ID. Without scopes these are all that the form has for that API.

    Raises:
        Failure: where the form lacks a scope, or has scopes of several APIs.
    """
    if unknown := set(scopes) - {name for one in trial.wanted for name in (one.scope, one.named)}:
        known = listed(one.named for one in trial.wanted)
        raise Failure(say("token.unknown_scope", scope=quoted(min(unknown)), known=known))
    api = trial.audience_of(audience) if audience and audience in trial.products else audience
    pairs = [(one, trial.audience_of(one.product.product)) for one in trial.wanted]
    if scopes:
        pairs = [(one, its) for one, its in pairs if one.scope in scopes or one.named in scopes]
    elif audience:
        pairs = [
            (one, its)
            for one, its in pairs
            if one.product.product == audience or (api and its in (api, None))
        ]
        if not pairs:
            raise Failure(say("token.no_scope", api=quoted(audience)))
    products = {its: one.product.product for one, its in pairs if its}
    if audience is None and len(products) > 1:
        raise Failure(say("token.several_apis", products=listed(products.values())))
    return TokenRequest(
        tuple(sorted(one.named for one, _ in pairs)), api or next(iter(products), None)
    )


@dataclass
class Tokens:
    """The tokens of one client. Threads that want the same at once share one request to the issuer,
    and its failure."""

    trial: Probing
    folder: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: dict[TokenRequest, Future[KeptToken]] = field(default_factory=dict)

    def current(self, request: TokenRequest) -> KeptToken:
        """Return the token that is kept, or a new one. Raises Failure."""
        with self._lock:
            running = self._running.get(request)
            mine = self._running[request] = running or Future()
        if running is None:
            try:
                mine.set_result(self._kept(request) or self._new(request))
            except BaseException as error:
                mine.set_exception(error)
            finally:
                with self._lock:
                    del self._running[request]
        return mine.result()

    def _file(self, request: TokenRequest) -> Path:
        trial = self.trial
        client = (trial.context.issuer.rstrip("/"), trial.client_id, trial.key.public.thumbprint)
        name = hashlib.sha256(
            json.dumps([*client, *request.scopes, request.audience]).encode()
        ).hexdigest()
        return self.folder / f"{name}.json"

    def _kept(self, request: TokenRequest) -> KeptToken | None:
        try:
            token = KeptToken.model_validate_json(self._file(request).read_bytes())
        except (OSError, ValidationError):
            return None
        return token if time.time() < token.renew_at else None

    def _new(self, request: TokenRequest) -> KeptToken:
        started = time.time()
        issued = self._issued(request)
        token = KeptToken(
            access_token=issued.access_token,
            renew_at=started + issued.used_seconds,
            ends_at=started + issued.expires_in,
        )
        with suppress(OSError):  # a token that cannot be kept works all the same
            write_private(self._file(request), token.model_dump_json())
        return token

    def _issued(self, request: TokenRequest) -> IssuedToken:
        try:
            discovery = next(step for step in self.trial.discovery() if step.step == DISCOVERY)
            if discovery.findings:
                raise _failure(
                    discovery.findings[0], is_reached=discovery.outcome is not Outcome.UNREACHED
                )
            answer = self.trial.request(request.scopes, request.audience)
        except NoAnswer as error:
            raise _failure(error.finding, is_reached=error.is_reached) from None
        if answer.in_between:
            raise _failure(answer.in_between)
        if not answer.is_ok:
            said = answer.said or str(answer.status)
            raise Failure(
                say("token.refused", scopes=" ".join(request.scopes), said=said), exit_code=_REFUSED
            )
        granted = answer.members.get("scope")
        if isinstance(granted, str) and (lacking := set(request.scopes) - set(granted.split())):
            raise _failure(not_granted(min(lacking)))
        try:
            return IssuedToken.model_validate(answer.members)
        except ValidationError:
            raise _failure(finding("proxy", "proxy:no token")) from None


def _failure(finding: Finding, *, is_reached: bool = True) -> Failure:
    words = texts("probe", spoken())
    sentence = f"{finding.what.in_words(words)}; {finding.remedy.in_words(words)}"
    return Failure(sentence, exit_code=_REFUSED if is_reached else _UNREACHED)
