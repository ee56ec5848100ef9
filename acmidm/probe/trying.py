"""The steps of a probe, one after the other, on the real servers. What is certain without a request
is not requested."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from acmidm.probe.findings import (
    DISCOVERY,
    Finding,
    ProbeOutcome,
    ProbeStep,
    Wording,
    environment,
    finding,
    passed,
    quoted_kid,
    untried,
    wording,
    wrong,
)
from acmidm.probe.mistakes import SKEW_SECONDS, mistaken_id, mistakes_in
from acmidm.probe.network import NoAnswer, Reply, proxy_variable_for
from acmidm.probe.refusals import not_granted, why_refused
from acmidm.probe.sent import parse_request
from acmidm.probe.trial import Trial, WantedScope
from acmidm_onboarding.forms.probed_api import TestMessage
from acmidm_onboarding.texts import N_
from acmidm_onboarding.values.problems import quoted
from acmidm_onboarding.values.terms import Platform

_REFUSED, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _BUSY = 400, 401, 403, 404, 429
_EXISTS = "1071"  # the code for an Id that exists (public wiki, page 6759612467)
_SERVER_ERRORS, _MOST_FIELDS = range(500, 600), 10


@dataclass
class Probing(Trial):
    """The steps of a probe of one connection."""

    def steps(self) -> Iterator[ProbeStep]:
        """Take the steps in their order, and yield what became of each. A wrong client-ID, or a
        discovery that does not pass, ends them."""
        if mistake := mistaken_id(self.client_id, self.context):
            yield wrong("client-id", mistake)
            return
        yield passed("client-id", quoted(self.client_id))
        yield self._check_key()
        discovered = self._discover()
        yield from discovered
        if discovered[0].outcome is not ProbeOutcome.PASSED:
            return
        mistakes = mistakes_in(parse_request(self.assertion()), self.context)
        if mistakes:
            yield wrong("assertion", *mistakes)
        else:
            aud = self.context.audience
            if self.kid:
                detail = wording(
                    N_("{alg}, kid {kid}, aud {aud}, 300 seconds"),
                    alg=self.alg,
                    kid=quoted_kid(self.kid),
                    aud=aud,
                )
            else:
                detail = wording(N_("{alg}, no kid, aud {aud}, 300 seconds"), alg=self.alg, aud=aud)
            yield passed("assertion", detail)
        yield from self._request_tokens()
        for name in self.configured:
            yield from self._check_product(name)

    def _check_key(self) -> ProbeStep:
        """Return the step that says whether the form has the key for this environment, and it has
        not ended. A form that leaves its keys to the portal passes."""
        thumbprint = self.key.public.thumbprint
        keys = self.context.keys
        if keys is None:
            return passed(
                "key",
                wording(
                    N_(
                        "thumbprint {thumbprint}; the form leaves keys to the portal, so that only"
                        " a token shows whether it is there"
                    ),
                    thumbprint=thumbprint,
                ),
            )
        if self.declared is not None:
            if self.declared.expires and self.declared.has_ended(datetime.now(UTC)):
                return wrong(
                    "key",
                    finding(
                        "key:ended",
                        N_("key {kid} ended on {day}"),
                        N_("make a new pair, and add its public half to the form"),
                        kid=quoted_kid(self.declared.kid),
                        day=f"{self.declared.expires:%Y-%m-%d}",
                    ),
                )
            return passed(
                "key",
                wording(
                    N_("{kid} of the form, thumbprint {thumbprint}"),
                    kid=quoted_kid(self.declared.kid),
                    thumbprint=thumbprint,
                ),
            )
        if elsewhere := self.context.other_keys.get(thumbprint):
            return wrong(
                "key",
                finding(
                    "key:elsewhere",
                    N_("the form has this key for {elsewhere}, not for {here}"),
                    N_("sign with the key of this environment"),
                    elsewhere=environment(elsewhere),
                    here=environment(self.context.environment),
                ),
            )
        return wrong(
            "key",
            finding(
                "key:unknown",
                N_(
                    "thumbprint {thumbprint} is no key of the form, which has {kids}: it is an old"
                    " key, or one that was not added"
                ),
                N_("sign with a key of the form, or add its public half there"),
                thumbprint=thumbprint,
                kids=", ".join(keys),
            ),
        )

    def _discover(self) -> list[ProbeStep]:
        """Read from the issuer where tokens are requested (OpenID Connect Discovery 1.0 §4), and
        its clock. Return the step of each; that of the discovery alone where it is wrong."""
        url = f"{self.context.issuer}/.well-known/openid-configuration"
        try:
            answer = self.network.get(url)
        except NoAnswer as error:
            return [_unanswered(DISCOVERY, error)]
        issuer, endpoint = answer.members.get("issuer"), answer.members.get("token_endpoint")
        if answer.finding_in_between:
            return [wrong(DISCOVERY, answer.finding_in_between)]
        if not answer.is_ok or not isinstance(issuer, str) or not isinstance(endpoint, str):
            return [
                wrong(
                    DISCOVERY,
                    finding(
                        "discovery:none",
                        N_("{url} is no discovery document (status {status})"),
                        N_("correct {namespace}:issuer in the stack's file"),
                        url=url,
                        status=answer.status,
                        namespace=self.context.platform,
                    ),
                )
            ]
        if issuer.rstrip("/") != self.context.issuer:
            return [
                wrong(
                    DISCOVERY,
                    finding(
                        "discovery:issuer",
                        N_("another issuer answers, {issuer}, so that nothing is sent"),
                        N_(
                            "see which proxy is in between, or correct {namespace}:issuer in the"
                            " stack's file"
                        ),
                        issuer=quoted(issuer),
                        namespace=self.context.platform,
                    ),
                )
            ]
        scheme, _, host, *_ = self.context.issuer.split("/", 3)
        if not endpoint.startswith(f"{scheme}//{host}/"):
            return [
                wrong(
                    DISCOVERY,
                    finding(
                        "discovery:endpoint",
                        N_(
                            "the token endpoint, {endpoint}, is elsewhere than the issuer, so that"
                            " nothing is sent"
                        ),
                        N_("ask who runs the issuer"),
                        endpoint=quoted(endpoint),
                    ),
                )
            ]
        self.context = replace(self.context, issuer=issuer, token_endpoint=endpoint)
        detail: Wording | str = issuer
        proxy = proxy_variable_for(url)
        if proxy:
            detail = wording(
                N_("{issuer}, through the proxy that {proxy} names"), issuer=issuer, proxy=proxy
            )
        return [passed(DISCOVERY, detail), self._check_clock(answer)]

    def _check_clock(self, answer: Reply) -> ProbeStep:
        """Note by how many seconds the server's clock is ahead of ours, and return the step, which
        is wrong where these are more than 30."""
        self.skew = answer.skew_seconds or 0.0
        if answer.skew_seconds is None:
            return untried("clock", wording(N_("the server does not say what time it is")))
        if abs(self.skew) <= SKEW_SECONDS:
            return passed("clock")
        seconds = abs(round(self.skew))
        what = N_("this machine's clock is {seconds} seconds ahead of the server's")
        if self.skew > 0:
            what = N_("this machine's clock is {seconds} seconds behind the server's")
        return wrong(
            "clock",
            finding(
                "clock:skew",
                what,
                N_("set it by NTP, here and where your software runs"),
                seconds=seconds,
            ),
        )

    def _request_tokens(self) -> Iterator[ProbeStep]:
        """Request a token for each scope, and yield the step of each. Once the endpoint did not
        answer, or a mistake is about no scope, further scopes are not tried."""
        why_untried: Wording | None = None
        for wanted in self.wanted:
            step = "token"
            of = wanted.platform_name
            if why_untried:
                yield untried(step, why_untried, of)
                continue
            try:
                answer = self.request_token(wanted)
                mistake = self._check_token(wanted, answer)
            except NoAnswer as error:
                yield _unanswered(step, error, of)
                why_untried = wording(N_("the token endpoint does not answer"))
                continue
            if mistake is None:
                self.proven_scopes.append(wanted.scope)
                yield passed(step, self._remark_on_audience(wanted), of)
                continue
            server = None if answer.is_ok else answer.explanation
            yield wrong(step, mistake, of=of, server=server)
            if not mistake.id.startswith("scope:"):
                why_untried = wording(N_("it would end like the one before"))

    def _remark_on_audience(self, wanted: WantedScope) -> Wording | str:
        """Return that a token is for no API, since the stack's file has no client-ID of the API of
        its scope; empty where it has one, or the API is not known or needs none."""
        product = wanted.product
        if product.api is None or not self._needs_audience or self.audience_of(product.product):
            return ""
        return wording(
            N_(
                "without audience, for acmidm:apiClientIds.{product} is not set: the token is for"
                " no API"
            ),
            product=product.product,
        )

    @property
    def _needs_audience(self) -> bool:
        """Whether a token request has to name the API that its token is for."""
        return self.context.has_platform_rules and self.context.platform is Platform.ACMIDM

    def _check_token(self, wanted: WantedScope, answer: Reply) -> Finding | None:
        """Return what is wrong with the answer to a token request. None where it has a token, and
        names the scope or no scopes at all (RFC 6749 §5.1): the first such token of a product is
        kept, for its API."""
        if answer.finding_in_between:
            return answer.finding_in_between
        if answer.is_ok:
            token, scopes = answer.members.get("access_token"), answer.members.get("scope")
            if not isinstance(token, str) or not token.isascii() or not token.isprintable():
                return finding(
                    "proxy",
                    N_("the answer to a token request has no token"),
                    N_("see which proxy is in between"),
                )
            if isinstance(scopes, str) and wanted.platform_name not in scopes.split():
                return not_granted(wanted.platform_name)
            self.tokens.setdefault(wanted.product.product, token)
            return None
        if answer.status == _BUSY:
            wait = answer.headers.get("retry-after", "")
            remedy = N_("try again in some minutes")
            if wait.isdecimal():
                remedy = N_("try again in {seconds} seconds")
            return finding("server:busy", N_("too many attempts failed"), remedy, seconds=wait)
        if answer.status in _SERVER_ERRORS:
            return finding(
                "server:failed",
                N_("the token endpoint fails itself (status {status})"),
                N_("try again later, or ask who runs it"),
                status=answer.status,
            )
        return why_refused(self, wanted, answer)

    def _check_product(self, name: str) -> Iterator[ProbeStep]:
        """Call the API of a product with its token, and yield one step: which calls passed, the
        first that is wrong, or why there is no call. Note as proven a product with a configuration
        whose calls all passed, and each of whose API no call is known."""
        step = "product"
        product = self.products[name]
        token = self.tokens.get(name)
        if token is None:
            yield untried(step, wording(N_("there is no token for it")), name)
            return
        if product.api is None or not (product.api.reads or product.api.test_message):
            self.proven_products.append(name)  # a token is all that can be proven of the product
            yield passed(
                step,
                wording(N_("no call of its API is known: its token is all that is proven")),
                name,
            )
            return
        address = self.settings.api_url(name)
        if address is None:
            yield untried(
                step,
                wording(
                    N_(
                        "the stack does not say where its API is; set {namespace}:apiUrls.{product}"
                    ),
                    namespace=self.context.platform,
                    product=name,
                ),
                name,
            )
            return
        calls: list[tuple[str, TestMessage | None]] = [(path, None) for path in product.api.reads]
        if self.sends_test_message and product.api.test_message:
            calls.append((product.api.test_message.path, product.api.test_message))
        if not calls:
            yield untried(
                step,
                wording(
                    N_(
                        "no call of its API that reads is known; add --send-test-message, whose"
                        " message reaches nobody"
                    )
                ),
                name,
            )
            return
        for path, message in calls:
            if wrong_step := self._call(name, address + path, message, token):
                yield wrong_step
                return
        if product.configuration is not None:
            self.proven_products.append(name)
        yield passed(step, self._passed_calls(name, calls), name)

    def _passed_calls(
        self, product: str, calls: Sequence[tuple[str, TestMessage | None]]
    ) -> Wording | str:
        """Return which calls of an API passed, such as "GET /api/v2/dossiers", and what the test
        message had in place of fields that the form lacks."""
        called_paths: list[str] = []
        for path, message in calls:
            method = "GET" if message is None else "POST"
            called_paths.append(f"{method} {path}")
        called = ", ".join(called_paths)
        stand_ins = self._stand_ins(product) if self.sends_test_message else {}
        if not stand_ins:
            return called
        return wording(
            N_("{called}, with {values}: the form has no {fields}"),
            called=called,
            fields=", ".join(stand_ins),
            values=", ".join(stand_ins.values()),
        )

    def _call(
        self, product: str, url: str, message: TestMessage | None, token: str
    ) -> ProbeStep | None:
        """Read from the API of a product, or post a test message to it. Return the step that says
        what is wrong; None where the call passed."""
        step = "product"
        try:
            if message is None:
                answer = self.network.get(url, token)
            else:
                document = message.filled(self._message_values(product))
                answer = self.network.post_json(url, document, token)
        except NoAnswer as error:
            return _unanswered(step, error, product)
        if answer.finding_in_between:
            return wrong(step, answer.finding_in_between, of=product)
        if answer.is_ok:
            return None
        refused = self._why_call_refused(product, url, message, answer)
        return wrong(step, refused, of=product, server=answer.explanation)

    def _stand_ins(self, product: str) -> Mapping[str, str]:
        """Return the values that a product's test message has in place of fields that the form
        lacks, by the names of the fields; none without a test message."""
        api = self.products[product].api
        message = api.test_message if api else None
        return message.left_out(self.configured[product]) if message else {}

    def _message_values(self, product: str) -> dict[str, Any]:
        """Return what fills in a product's test message: its configuration, a new ID, and the time
        on this machine."""
        now = datetime.now()  # noqa: DTZ005 - local time, as DOSIS wants it
        of_this_message = {
            "id": str(uuid.uuid4()),
            "now": now.isoformat("T", "seconds"),
            "yesterday": f"{now - timedelta(days=1):%Y-%m-%d}",
        }
        return {**self.configured[product], **of_this_message}

    def _why_token_refused(self, product: str) -> Finding:
        """Return why the API of a product refuses its token: for another audience than the API's,
        or for none."""
        values = {"product": product, "namespace": self.context.platform}
        if audience := self.audience_of(product):
            return finding(
                "product:token",
                N_(
                    "the API of {product} refuses the token (401), which was requested for"
                    " audience {audience}: that is another API, or the token has ended"
                ),
                N_(
                    "set {namespace}:apiClientIds.{product} to the client-ID of this API, in"
                    " the same environment as its address"
                ),
                audience=quoted(audience),
                **values,
            )
        if self._needs_audience:
            return finding(
                "product:audience",
                N_(
                    "the API of {product} refuses a token without the right audience (401),"
                    " and its request had none"
                ),
                N_("set acmidm:apiClientIds.{product} to the client-ID of the API"),
                **values,
            )
        return finding(
            "product:token",
            N_(
                "the API of {product} refuses the token (401): its audience is another, or it"
                " has ended"
            ),
            N_(
                "check {namespace}:apiClientIds.{product}, and whether its address is of the"
                " same environment"
            ),
            **values,
        )

    def _why_call_refused(
        self, product: str, url: str, message: TestMessage | None, answer: Reply
    ) -> Finding:
        """Return why the API of a product refused a call, by the status of its answer: 401 is about
        the token, 403 about the product's configuration, 400 about the message, 404 about the
        address."""
        if answer.status == _UNAUTHORIZED:
            return self._why_token_refused(product)
        if answer.status == _FORBIDDEN:
            missing: Wording | str = wording(N_("Aanbieder, Afzender, product, channel or bron"))
            field = answer.members.get("field")
            if isinstance(field, str) and field:
                missing = quoted(field)
            remedy = N_(
                "have the form's products brought up, or the Aansluitingenteam set it; the same"
                " message can be offered again unchanged"
            )
            lacking_fields = ", ".join(self._stand_ins(product)) if message else ""
            if lacking_fields:
                remedy = N_("put {fields} into the form, at {product}, and have that brought up")
            return finding(
                "product:unconfigured",
                N_(
                    "product {product} is not set up for client {id} (403), though its token has"
                    " the scope; what is missing: {missing}"
                ),
                remedy,
                product=product,
                id=quoted(self.client_id),
                missing=missing,
                fields=lacking_fields,
            )
        if answer.status == _REFUSED and answer.members.get("code") == _EXISTS:
            return finding(
                "product:exists",
                N_(
                    "the API of {product} has a notification with this Id (400): an earlier call,"
                    " whose answer was lost, worked"
                ),
                N_("do not send it again; give another notification its own Id"),
                product=product,
            )
        errors = answer.members.get("errors")
        first_errors = errors[:_MOST_FIELDS] if isinstance(errors, list) else []
        members = [error for error in first_errors if isinstance(error, dict)]
        fields = [quoted(str(member.get("field"))) for member in members]
        if answer.status == _REFUSED and fields:
            return finding(
                "product:message",
                N_("the API of {product} refuses these members (400): {fields}"),
                N_("correct them in the form, or in the test message of the catalogue"),
                product=product,
                fields=", ".join(fields),
            )
        if answer.status == _NOT_FOUND:
            return finding(
                "product:address",
                N_("{url} is not there (404)"),
                N_("set {namespace}:apiUrls.{product} to the address of its API"),
                url=url,
                product=product,
                namespace=self.context.platform,
            )
        return finding(
            "product:failed",
            N_("{url} fails (status {status})"),
            N_("read what the server says, or try again later"),
            url=url,
            status=answer.status,
        )


def _unanswered(step: str, error: NoAnswer, of: str = "") -> ProbeStep:
    """Return the step whose request no API answered: wrong where something else did."""
    outcome = ProbeOutcome.WRONG if error.is_reached else ProbeOutcome.UNREACHED
    return ProbeStep(step, outcome, of=of, findings=(error.finding,))
