"""From TNI to production: what differs in a form between the two, and what keeps it from being
ready."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum

from acmidm.report.compare import field_changes
from acmidm.report.kinds import Part
from acmidm.words import plain, shown
from acmidm_onboarding.forms.catalogue import Catalogue, Product, Scope
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.form import EnvironmentRequest
from acmidm_onboarding.rules.desired import Desired
from acmidm_onboarding.rules.policies import (
    Gate,
    Planned,
    Profile,
    PromotionGate,
    Situation,
    violations,
)
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.plain import flat
from acmidm_onboarding.values.terms import AuthMethod, Environment


class Side(StrEnum):
    """Where something is."""

    TNI_ONLY = "tni_only"
    PROD_ONLY = "prod_only"
    BOTH = "both"


class Difference(Part):
    """What one environment has and the other lacks, or what is set differently in both."""

    what: str
    name: str
    side: Side
    tni: str | None = None
    prod: str | None = None
    expected: bool = False

    @property
    def note(self) -> str:
        """How lists end its line: why it is expected, where it is."""
        if not self.expected:
            return ""
        return f" ({say('promotion.differs' if self.side is Side.BOTH else 'promotion.offered_there_only')})"  # noqa: E501


class Check(Part):
    """One condition of being ready for production."""

    name: str
    passed: bool
    required: bool = True
    text: str

    @property
    def mark(self) -> str:
        """How lists begin its line."""
        mark = "ok" if self.passed else "to_do" if self.required else "note"
        return say(f"promotion.mark.{mark}")


class Keys(Part):
    """How many keys the form names per environment; None where they are in the portal or at an
    address."""

    tni: int | None = None
    prod: int | None = None
    published: tuple[Environment, ...] | None = None
    """Where they are at an address that the form has."""


class Promotion(Part):
    """One form."""

    form: str
    organisation: str
    application: str
    platforms: tuple[str, ...]
    token_endpoint_auth_method: str
    keys: Keys
    differences: tuple[Difference, ...]
    checks: tuple[Check, ...]
    ready: bool

    @property
    def unexpected(self) -> tuple[Difference, ...]:
        """The differences that a change of the form can take away."""
        return tuple(difference for difference in self.differences if not difference.expected)

    @property
    def title(self) -> str:
        """``Stad Gent · loket: production lacks 2 of what TNI has``."""
        return f"{plain(self.organisation)} · {plain(self.application)}: {self._summary}"

    @property
    def grouped(self) -> list[tuple[str, list[Difference]]]:
        """The differences by where they are; an environment that is not there at all is in the
        title."""
        groups = [
            (say(f"promotion.side.{side}"), self._on(side, self.differences)) for side in Side
        ]
        return [(title, differences) for title, differences in groups if differences]

    @property
    def same(self) -> str:
        """What cannot differ, and the keys, which always do."""
        tni, prod = (
            (
                say("promotion.at_address")
                if environment in (self.keys.published or ())
                else say("status.in_portal")
                if keys is None
                else str(keys)
            )
            for environment, keys in (
                (Environment.TNI, self.keys.tni),
                (Environment.PROD, self.keys.prod),
            )
        )
        platforms, method = ", ".join(self.platforms), self.token_endpoint_auth_method
        return say("promotion.same", platforms=platforms, method=method, tni=tni, prod=prod)

    @property
    def _summary(self) -> str:
        if not self.unexpected:
            return say("promotion.alike_but" if self.differences else "promotion.alike")
        tni, prod, both = (len(self._on(side, self.unexpected)) for side in Side)
        absent = next(
            (
                difference.side
                for difference in self.differences
                if difference.what == "environment"
            ),
            None,
        )
        if absent:
            lacks = "_lacks" if tni or prod else ""
            return say(f"promotion.absent.{absent}{lacks}", count=tni or prod)
        lacking = zip(Side, (tni, prod, both), strict=True)
        return ", ".join(
            say(f"promotion.lacks.{side}", count=count) for side, count in lacking if count
        )

    def _on(self, side: Side, differences: Iterable[Difference]) -> list[Difference]:
        on_side = (difference for difference in differences if difference.side is side)
        return [difference for difference in on_side if difference.what != "environment"]


def promotion_of(
    loaded: LoadedForm,
    desired: Desired,
    catalogue: Catalogue,
    profile: Profile,
    gate: Gate,
    now: datetime,
) -> Promotion:
    """Compare. Platforms and the authentication method are those of the whole form: they cannot
    differ.

    ``desired`` (by a gate that is enforced), ``profile`` and ``gate`` are production's.
    """
    form = loaded.form
    tni, prod = (
        form.environments.get(environment) for environment in (Environment.TNI, Environment.PROD)
    )
    checks = (*_checks(loaded, catalogue, profile, now), *_evidence_check(desired, gate))

    def number_of_keys(request: EnvironmentRequest | None) -> int | None:
        if request is None or form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
            return 0
        return None if request.jwks is None else sum(not key.compromised for key in request.jwks)

    published = (
        tuple(environment for environment, request in form.environments.items() if request.jwks_uri)
        or None
    )
    return Promotion(
        form=loaded.name,
        organisation=loaded.organisation.name,
        application=form.application,
        platforms=tuple(platform.value for platform in form.platforms),
        token_endpoint_auth_method=form.token_endpoint_auth_method.value,
        keys=Keys(tni=number_of_keys(tni), prod=number_of_keys(prod), published=published),
        differences=tuple(_differences(tni, prod, catalogue)),
        checks=checks,
        ready=all(check.passed or not check.required for check in checks),
    )


def _differences(
    tni: EnvironmentRequest | None, prod: EnvironmentRequest | None, catalogue: Catalogue
) -> Iterator[Difference]:
    if (tni is None) != (prod is None):
        yield Difference(
            what="environment",
            name="prod" if prod is None else "tni",
            side=Side.TNI_ONLY if prod is None else Side.PROD_ONLY,
        )
    nothing = EnvironmentRequest()
    tni, prod = tni or nothing, prod or nothing
    yield from _on_one_side("scope", tni.scopes, prod.scopes, catalogue.scopes)
    yield from _on_one_side("product", tni.products, prod.products, catalogue.products)
    for scope in sorted(tni.scopes.keys() & prod.scopes.keys()):
        by_default = [shown(request.scopes[scope].default) for request in (tni, prod)]
        if by_default[0] != by_default[1]:
            yield Difference(
                what="scope",
                name=f"{scope}, default",
                side=Side.BOTH,
                tni=by_default[0],
                prod=by_default[1],
            )
    for change in field_changes(tni.attributes, prod.attributes):
        side = (
            Side.TNI_ONLY
            if change.new is None
            else Side.PROD_ONLY
            if change.old is None
            else Side.BOTH
        )
        yield Difference(
            what="attribute", name=change.field, side=side, tni=change.old, prod=change.new
        )
    for product in sorted(tni.products.keys() & prod.products.keys()):
        fields = catalogue.products[product].fields
        old, new = (
            catalogue.in_order(product, request.products[product]) for request in (tni, prod)
        )
        for name in sorted(old.keys() | new.keys()):
            expected = name in fields and fields[name].differs_per_environment
            for change in field_changes(
                *(flat({name: side[name]}) if name in side else {} for side in (old, new))
            ):
                field = f"{product}.{change.field}"
                yield Difference(
                    what="field",
                    name=field,
                    side=Side.BOTH,
                    tni=change.old,
                    prod=change.new,
                    expected=expected,
                )


def _on_one_side(
    what: str, tni: Iterable[str], prod: Iterable[str], offered: Mapping[str, Scope | Product]
) -> Iterator[Difference]:
    """Yield what one environment lacks; that is expected where the catalogue does not offer it
    there."""
    on_tni, on_prod = set(tni), set(prod)
    for name in sorted(on_tni ^ on_prod):
        side, other = (
            (Side.TNI_ONLY, Environment.PROD)
            if name in on_tni
            else (Side.PROD_ONLY, Environment.TNI)
        )
        yield Difference(
            what=what, name=name, side=side, expected=other not in offered[name].environments
        )


def _checks(
    loaded: LoadedForm, catalogue: Catalogue, profile: Profile, now: datetime
) -> Iterator[Check]:
    form = loaded.form
    prod = form.environments.get(Environment.PROD)
    absent = Environment.TNI not in form.environments
    yield _check(
        "connected_on_tni", absent, say("promotion.check.tni"), say("promotion.check.no_tni")
    )
    yield _check(
        "has_production",
        prod is None,
        say("promotion.check.production"),
        say("promotion.check.no_production"),
    )
    planned = Planned(form.token_endpoint_auth_method)
    refused = "; ".join(
        say("promotion.check.exemption", what=finding.what, remedy=finding.remedy, policy=policy.id)
        for policy, finding in violations(
            planned, Situation(Environment.PROD, profile, now), form.exemptions
        )
    )
    yield _check("policies", bool(refused), say("promotion.check.policies"), refused)
    if prod is None:
        return
    if form.token_endpoint_auth_method is AuthMethod.PRIVATE_KEY_JWT:
        yield from _key_checks(loaded, prod, now)
    unverified = _names(
        scope for scope in prod.scopes if not catalogue.scopes[scope].is_verified(*form.platforms)
    )
    remedy = say("promotion.check.not_verified", scopes=unverified)
    yield _check(
        "scopes_verified", bool(unverified), say("promotion.check.verified"), remedy, required=False
    )
    yield _check(
        "has_scopes", not prod.scopes, say("promotion.check.scope"), say("promotion.check.no_scope")
    )


def _evidence_check(desired: Desired, gate: Gate) -> Iterator[Check]:
    """Yield what form and evidence have of the gate; the stack's program also looks at the state of
    TNI."""
    reasons = (
        (withheld.connection.platform, reason)
        for withheld in desired.held_back
        for reason in withheld.missing
    )
    missing = "; ".join(f"{platform}: {reason}" for platform, reason in reasons)
    if desired.asked:
        required = gate.mode is PromotionGate.ENFORCE
        yield _check(
            "proven", bool(missing), say("promotion.check.proven"), missing, required=required
        )


def _key_checks(loaded: LoadedForm, prod: EnvironmentRequest, now: datetime) -> Iterator[Check]:
    """Yield what is wrong with production's keys in the form; the form cannot tell whether the
    portal has one."""
    if prod.jwks_uri is not None:
        at_address = say("promotion.check.at_address", address=prod.jwks_uri)
        yield _check("has_key", True, "", at_address, required=False)
        return
    if prod.jwks is None:
        yield _check("has_key", True, "", say("promotion.check.in_portal"), required=False)
        return
    keys, tni = (
        loaded.keys.get(Environment.PROD, ()),
        {key.thumbprint for key in loaded.keys.get(Environment.TNI, ())},
    )
    ended = _names(key.kid for key in keys if key.expires and key.expires <= now)
    expired = say("promotion.check.expired", keys=ended)
    yield _check("keys_valid", bool(ended), say("promotion.check.not_expired"), expired)
    shared = _names(key.kid for key in keys if key.thumbprint in tni)
    remedy = say("promotion.check.shared", keys=shared)
    yield _check("own_keys", bool(shared), say("promotion.check.own_keys"), remedy)


def _check(name: str, is_wrong: bool, text: str, remedy: str, *, required: bool = True) -> Check:
    return Check(
        name=name, passed=not is_wrong, required=required, text=remedy if is_wrong else text
    )


def _names(names: Iterable[str]) -> str:
    return ", ".join(plain(name) for name in sorted(names))
