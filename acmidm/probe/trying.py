"""The steps of a probe, one after the other, on the real servers. What is certain without a request is not requested."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from acmidm.probe.checks import Known
from acmidm.probe.mistakes import ASSERTION_TYPE, GRANT_TYPE, SKEW_SECONDS, mistaken_id, mistakes_in
from acmidm.probe.network import Answer, Network, NoAnswer, proxy_note
from acmidm.probe.private_key import PrivateKey, usual_algorithm
from acmidm.probe.refusals import Attempt, why_refused
from acmidm.probe.sent import taken_apart
from acmidm.probe.steps import Finding, Outcome, Step, named, passed, untried, wrong
from acmidm_onboarding.model.catalogue import Product, TestMessage
from acmidm_onboarding.model.form import Platform
from acmidm_onboarding.model.jwk import PublicJwk
from acmidm_onboarding.model.problems import listed, quoted
from acmidm_onboarding.settings import PlatformSettings

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _BUSY = 401, 403, 404, 429
_SERVER_ERRORS = range(500, 600)


@dataclass(frozen=True)
class Wanted:
    """One scope of the form: its name in the catalogue, that on the platform, and its product."""

    scope: str
    named: str
    product: Product


@dataclass
class Trial:
    """What is tried, and what that proved."""

    known: Known
    settings: PlatformSettings
    network: Network
    client_id: str
    key: PrivateKey
    kid: str | None
    alg: str
    declared: PublicJwk | None
    """The key of the form that this is."""
    wanted: tuple[Wanted, ...]
    configured: Mapping[str, Mapping[str, Any]]
    """Per product of the form, its configuration."""
    products: Mapping[str, Product]
    sends_test_message: bool = False
    proven_scopes: list[str] = field(default_factory=list)
    proven_products: list[str] = field(default_factory=list)
    skew: float = 0.0
    """How many seconds the server's clock is ahead of ours."""
    _tokens: dict[str, str] = field(default_factory=dict, repr=False)
    """Per product."""

    def steps(self) -> Iterator[Step]:
        """Yield each step when it is done. A step without which no other can pass ends them."""
        found = mistaken_id(self.client_id, self.known)
        if found:
            yield wrong("client-ID", found)
            return
        yield passed("client-ID", quoted(self.client_id))
        key = self._key()
        yield key
        discovered = self._discovery()
        yield from discovered
        if any(step.outcome is not Outcome.PASSED and step.step == "discovery" for step in discovered):
            return
        mistakes = mistakes_in(taken_apart(self._assertion()), self.known)
        if mistakes:
            yield wrong("assertion", *mistakes)
        else:
            with_kid = f"kid {named(self.kid)}" if self.kid else "no kid"
            yield passed("assertion", f"{self.alg}, {with_kid}, aud {self.known.audience}, 300 seconds")
        yield from self._all_tokens()
        for name in self.configured:
            yield from self._product(name)

    def _key(self) -> Step:
        thumbprint, keys = self.key.public.thumbprint, self.known.keys
        if keys is None:
            return passed(
                "key", f"thumbprint {thumbprint}; the form leaves keys to the portal, so that only a token shows whether it is there"
            )
        if self.declared is not None:
            if self.declared.expires and self.declared.expires <= datetime.now(UTC):
                what = f"key {named(self.declared.kid)} ended on {self.declared.expires:%Y-%m-%d}"
                return wrong("key", Finding(id="key:ended", what=what, remedy="make a new pair, and add its public half to the form"))
            return passed("key", f"{named(self.declared.kid)} of the form, thumbprint {thumbprint}")
        if elsewhere := self.known.other_keys.get(thumbprint):
            what, remedy = (
                f"the form has this key for {elsewhere}, not for {self.known.environment}",
                "sign with the key of this environment",
            )
            return wrong("key", Finding(id="key:elsewhere", what=what, remedy=remedy))
        what = f"thumbprint {thumbprint} is no key of the form, which has {listed(keys)}: it is an old key, or one that was not added"
        return wrong("key", Finding(id="key:unknown", what=what, remedy="sign with a key of the form, or add its public half there"))

    def _discovery(self) -> list[Step]:
        """Where tokens are requested, and what time it is there."""
        url = f"{self.known.issuer}/.well-known/openid-configuration"
        try:
            answer = self.network.get(url)
        except NoAnswer as error:
            outcome = Outcome.WRONG if error.is_reached else Outcome.UNREACHED
            return [Step(step="discovery", outcome=outcome, findings=(error.finding,))]
        issuer, endpoint = answer.members.get("issuer"), answer.members.get("token_endpoint")
        if answer.in_between:
            return [wrong("discovery", answer.in_between)]
        if not answer.is_ok or not isinstance(issuer, str) or not isinstance(endpoint, str):
            remedy = "correct acmidm:issuer in the stack's file"
            return [
                wrong(
                    "discovery",
                    Finding(id="discovery:none", what=f"{url} is no discovery document (status {answer.status})", remedy=remedy),
                )
            ]
        if issuer.rstrip("/") != self.known.issuer:
            what = f"another issuer answers, {quoted(issuer)}, so that nothing is sent"
            remedy = "see which proxy is in between, or correct acmidm:issuer in the stack's file"
            return [wrong("discovery", Finding(id="discovery:issuer", what=what, remedy=remedy))]
        if not endpoint.startswith(f"{self.known.issuer.split('/', 3)[0]}//{self.known.issuer.split('/', 3)[2]}/"):
            what = f"the token endpoint, {quoted(endpoint)}, is elsewhere than the issuer, so that nothing is sent"
            return [wrong("discovery", Finding(id="discovery:endpoint", what=what, remedy="ask who runs the issuer"))]
        self.known = replace(self.known, issuer=issuer, token_endpoint=endpoint)
        return [passed("discovery", f"{issuer}{proxy_note(url)}"), self._clock(answer)]

    def _clock(self, answer: Answer) -> Step:
        self.skew = answer.skew_seconds or 0.0
        if answer.skew_seconds is None:
            return untried("clock", "the server does not say what time it is")
        if abs(self.skew) <= SKEW_SECONDS:
            return passed("clock")
        what = f"this machine's clock is {abs(round(self.skew)):,} seconds {'behind' if self.skew > 0 else 'ahead of'} the server's"
        return wrong("clock", Finding(id="clock:skew", what=what, remedy="set it by NTP, here and where your software runs"))

    def _assertion(self, **changes: Any) -> str:
        how: dict[str, Any] = {"client_id": self.client_id, "aud": self.known.audience, "alg": self.alg, "kid": self.kid, **changes}
        return self.key.assertion(how.pop("client_id"), how.pop("aud"), **how)

    def request_token(self, scope: str | None, audience: str | None = None, **changes: Any) -> Answer:
        """The answer to a token request; ``changes`` of its assertion. Raises NoAnswer."""
        form = {
            "grant_type": GRANT_TYPE,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(**changes),
            **({"scope": scope} if scope else {}),
            **({"audience": audience} if audience else {}),
        }
        return self.network.post_form(self.known.token_endpoint or "", form)

    def _audience_of(self, product: str) -> str | None:
        return self.settings.api_client_id(product) if self.known.platform is Platform.ACMIDM else None

    def _all_tokens(self) -> Iterator[Step]:
        ended = ""
        for wanted in self.wanted:
            step = f"token for {wanted.named}"
            if ended:
                yield untried(step, ended)
                continue
            try:
                answer = self.request_token(wanted.named, self._audience_of(wanted.product.product))
                found = self._judged(wanted, answer)
            except NoAnswer as error:
                yield Step(step=step, outcome=Outcome.WRONG if error.is_reached else Outcome.UNREACHED, findings=(error.finding,))
                ended = "the token endpoint does not answer"
                continue
            if found is None:
                self.proven_scopes.append(wanted.scope)
                yield passed(step)
                continue
            yield wrong(step, found, server=None if answer.is_ok else answer.said)
            if not found.id.startswith("scope:"):
                ended = "it would end like the one before"

    def _judged(self, wanted: Wanted, answer: Answer) -> Finding | None:
        """What is wrong with the answer to a token request; None where it has a token with the scope."""
        if answer.in_between:
            return answer.in_between
        if answer.is_ok:
            token, scopes = answer.members.get("access_token"), answer.members.get("scope")
            if not isinstance(token, str) or not token.isascii() or not token.isprintable():
                return Finding(id="proxy", what="the answer to a token request has no token", remedy="see which proxy is in between")
            if isinstance(scopes, str) and wanted.named not in scopes.split():
                return _not_granted(wanted.named)
            self._tokens.setdefault(wanted.product.product, token)
            return None
        if answer.status == _BUSY:
            wait = answer.headers.get("retry-after", "")
            remedy = f"try again in {wait} seconds" if wait.isdecimal() else "try again in some minutes"
            return Finding(id="server:busy", what="too many attempts failed", remedy=remedy)
        if answer.status in _SERVER_ERRORS:
            return Finding(
                id="server:failed",
                what=f"the token endpoint fails itself (status {answer.status})",
                remedy="try again later, or ask who runs it",
            )
        return why_refused(self._attempt(wanted), answer)

    def _attempt(self, wanted: Wanted) -> Attempt:
        fitting = usual_algorithm(replace(self.key.public, members={**self.key.public.members, "alg": None}))
        return Attempt(
            request=self.request_token,
            known=self.known,
            scope=wanted.named,
            product=wanted.product.product,
            audience=self._audience_of(wanted.product.product),
            client_id=self.client_id,
            key=self.key,
            alg=self.alg,
            usual=fitting,
            kid=self.kid,
            kid_of_key=self.kid or (self.declared or self.key.public).kid,
            declared=self.declared is not None,
            skew=self.skew,
        )

    def _product(self, name: str) -> Iterator[Step]:
        step, product = f"product {name}", self.products[name]
        token = self._tokens.get(name)
        if token is None:
            yield untried(step, "there is no token for it")
            return
        if product.api is None:
            self.proven_products.append(name)  # a token is all that can be proven of it
            yield passed(step, "no call of its API is known: its token is all that is proven")
            return
        calls: list[tuple[str, TestMessage | None]] = [(path, None) for path in product.api.reads]
        if self.sends_test_message and product.api.test_message:
            calls.append((product.api.test_message.path, product.api.test_message))
        if not calls:
            why = "add --send-test-message, whose message reaches nobody" if product.api.test_message else "none can be tried"
            yield untried(step, f"no call of its API that reads is known; {why}")
            return
        for path, message in calls:
            if found := self._call(name, path, message, token):
                yield found
                return
        self.proven_products.append(name)
        yield passed(step, ", ".join(f"{'GET' if message is None else 'POST'} {path}" for path, message in calls))

    def _call(self, product: str, path: str, message: TestMessage | None, token: str) -> Step | None:
        """What is wrong with one call of an API; None where it passed."""
        url, step = self.settings.api_url(product) + path, f"product {product}"
        try:
            answer = (
                self.network.get(url, token)
                if message is None
                else self.network.post_json(url, message.filled(self._values(product)), token)
            )
        except NoAnswer as error:
            return Step(step=step, outcome=Outcome.WRONG if error.is_reached else Outcome.UNREACHED, findings=(error.finding,))
        if answer.in_between:
            return wrong(step, answer.in_between)
        if answer.is_ok:
            return None
        return wrong(step, self._refused_call(product, url, answer), server=answer.said)

    def _values(self, product: str) -> dict[str, Any]:
        now = datetime.now()  # noqa: DTZ005 - local time, as DOSIS wants it
        made = {"id": str(uuid.uuid4()), "now": now.isoformat("T", "seconds"), "yesterday": f"{now - timedelta(days=1):%Y-%m-%d}"}
        return {**self.configured[product], **made}

    def _refused_call(self, product: str, url: str, answer: Answer) -> Finding:
        if answer.status == _UNAUTHORIZED:
            audience = self._audience_of(product)
            if audience is None and self.known.has_habits and self.known.platform is Platform.ACMIDM:
                what = f"the API of {product} refuses the token, whose request had no audience"
                return Finding(
                    id="product:audience",
                    what=what,
                    remedy=f"set acmidm:apiClientIds to {product}=, with the client-ID of the API behind it",
                )
            what = f"the API of {product} refuses the token"
            remedy = "check its client-ID in acmidm:apiClientIds" if audience else "see whether its address is of the same environment"
            return Finding(id="product:token", what=what, remedy=remedy)
        if answer.status == _FORBIDDEN:
            what = f"product {product} is not configured for client {quoted(self.client_id)}, though its token has the scope"
            return Finding(id="product:unconfigured", what=what, remedy="have the form's products brought up, or ask who runs the API")
        if answer.status == _NOT_FOUND:
            what, remedy = f"{url} is not there (404)", f"set acmidm:apiUrls to {product}=, with the address of its API behind it"
            return Finding(id="product:address", what=what, remedy=remedy)
        what = f"{url} fails (status {answer.status})"
        return Finding(id="product:failed", what=what, remedy="read what the server says, or try again later")


def _not_granted(scope: str) -> Finding:
    return Finding(
        id="scope:not granted", what=f"scope {quoted(scope)} is not granted", remedy="have the form brought up, or ask who decides about it"
    )
