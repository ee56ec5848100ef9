"""From TNI to production: what differs in a form between the two, and what keeps it from being ready."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from acmidm.report.client import flat, shown
from acmidm.report.model import Part
from acmidm.report.words import plain
from components.model.catalogue import Catalogue
from components.model.form import AuthMethod, Environment, EnvironmentRequest, Form
from components.model.loading import LoadedForm
from components.model.policies import POLICIES, Planned, Profile, Situation


class Side(StrEnum):
    """Where something is."""

    TNI_ONLY = "tni_only"
    PROD_ONLY = "prod_only"
    BOTH = "both"


_SIDES = {
    Side.TNI_ONLY: "on TNI, not on production",
    Side.PROD_ONLY: "on production, not on TNI",
    Side.BOTH: "set differently, TNI → production",
}


class Difference(Part):
    """What one environment has and the other lacks, or what is set differently in both."""

    what: str
    name: str
    side: Side
    tni: str | None = None
    prod: str | None = None
    expected: bool = False


class Check(Part):
    """One condition of being ready for production."""

    name: str
    passed: bool
    required: bool = True
    text: str

    @property
    def mark(self) -> str:
        """How lists begin its line."""
        return "ok" if self.passed else "TO DO" if self.required else "note"


class Keys(Part):
    """How many the form names; absent where the organisation uploads them in the portal, which alone knows them."""

    tni: int | None = None
    prod: int | None = None


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
        return tuple(one for one in self.differences if not one.expected)

    @property
    def title(self) -> str:
        """``Stad Gent · loket: production lacks 2 of what TNI has``."""
        return f"{plain(self.organisation)} · {plain(self.application)}: {self._summary}"

    @property
    def grouped(self) -> list[tuple[str, list[Difference]]]:
        """The differences by where they are; an environment that is not there at all is in the title."""
        found = [
            (title, [one for one in self.differences if one.side is side and one.what != "environment"]) for side, title in _SIDES.items()
        ]
        return [(title, differences) for title, differences in found if differences]

    @property
    def same(self) -> str:
        """What cannot differ, and the keys, which always do."""
        tni, prod = ("in the portal" if keys is None else str(keys) for keys in (self.keys.tni, self.keys.prod))
        platforms = ", ".join(self.platforms)
        return f"On both: platforms {platforms}; {self.token_endpoint_auth_method}. Keys: {tni} on TNI, {prod} on production."

    @property
    def _summary(self) -> str:
        if not self.unexpected:
            return "production is as TNI" + (", but for what is offered there only" if self.differences else "")
        count = {side: sum(one.side is side and one.what != "environment" for one in self.unexpected) for side in Side}
        absent = next((one for one in self.differences if one.what == "environment"), None)
        if absent:
            here, there = ("production", "TNI") if absent.side is Side.TNI_ONLY else ("TNI", "production")
            lacks = f", and lacks {count[absent.side]} of what {there} has" if count[absent.side] else ""
            return f"{here} is not in the form yet{lacks}"
        said = [f"production lacks {count[Side.TNI_ONLY]} of what TNI has"] if count[Side.TNI_ONLY] else []
        said += [f"TNI lacks {count[Side.PROD_ONLY]} of what production has"] if count[Side.PROD_ONLY] else []
        said += [f"{count[Side.BOTH]} set differently"] if count[Side.BOTH] else []
        return ", ".join(said)


def promotion_of(loaded: LoadedForm, catalogue: Catalogue, profile: Profile, now: datetime) -> Promotion:
    """Compare. Platforms and the authentication method are those of the whole form: they cannot differ. ``profile`` is production's."""
    form = loaded.form
    tni, prod = (form.environments.get(environment) for environment in (Environment.TNI, Environment.PROD))
    checks = tuple(_checks(loaded, catalogue, profile, now))
    return Promotion(
        form=loaded.name,
        organisation=loaded.organisation.name,
        application=form.application,
        platforms=tuple(platform.value for platform in form.platforms),
        token_endpoint_auth_method=form.token_endpoint_auth_method.value,
        keys=Keys(tni=_number_of_keys(tni, form), prod=_number_of_keys(prod, form)),
        differences=tuple(_differences(tni, prod, catalogue)),
        checks=checks,
        ready=all(check.passed or not check.required for check in checks),
    )


def _number_of_keys(request: EnvironmentRequest | None, form: Form) -> int | None:
    if request is None or form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
        return 0
    return None if request.jwks is None else len(request.jwks)


def _differences(tni: EnvironmentRequest | None, prod: EnvironmentRequest | None, catalogue: Catalogue) -> Iterator[Difference]:
    if (tni is None) != (prod is None):
        yield Difference(what="environment", name="prod" if prod is None else "tni", side=Side.TNI_ONLY if prod is None else Side.PROD_ONLY)
    nothing = EnvironmentRequest()
    tni, prod = tni or nothing, prod or nothing
    for scope in sorted(tni.scopes.keys() ^ prod.scopes.keys()):
        side = Side.TNI_ONLY if scope in tni.scopes else Side.PROD_ONLY
        yield Difference(what="scope", name=scope, side=side, expected=_other(side) not in catalogue.scopes[scope].environments)
    for product in sorted(tni.products.keys() | prod.products.keys()):
        if product not in prod.products or product not in tni.products:
            side = Side.TNI_ONLY if product in tni.products else Side.PROD_ONLY
            expected = _other(side) not in catalogue.products[product].environments
            yield Difference(what="product", name=product, side=side, expected=expected)
            continue
        old, new = (flat(catalogue.in_order(product, request.products[product])) for request in (tni, prod))
        for field in sorted(old.keys() | new.keys()):
            if old.get(field) != new.get(field):
                values = {name: shown(side[field]) for name, side in (("tni", old), ("prod", new)) if field in side}
                yield Difference(what="field", name=f"{product}.{field}", side=Side.BOTH, **values)


def _other(side: Side) -> Environment:
    return Environment.PROD if side is Side.TNI_ONLY else Environment.TNI


def _checks(loaded: LoadedForm, catalogue: Catalogue, profile: Profile, now: datetime) -> Iterator[Check]:
    form = loaded.form
    prod, tni = form.environments.get(Environment.PROD), form.environments.get(Environment.TNI)
    yield _check(
        "connected_on_tni", tni is not None, "the form has TNI, where it is validated first|the form has no TNI: validate there first"
    )
    yield _check("has_production", prod is not None, "the form has production|the form has no prod under environments: add it")
    refused = [
        f"{finding.what}: {finding.remedy}, or agree on an exemption from {policy.id}"
        for policy in POLICIES
        if policy.id not in form.exemptions
        for finding in policy.violations(Planned(form.token_endpoint_auth_method), Situation(Environment.PROD, profile, now))
    ]
    yield _check("policies", not refused, f"the policies allow how the client authenticates|{'; '.join(refused)}")
    if prod is None:
        return
    yield from _key_checks(loaded, prod, now)
    unverified = sorted(scope for scope in prod.scopes if not catalogue.scopes[scope].verified)
    named = f"names not verified: {_names(unverified)}; have Digitaal Vlaanderen confirm them, then correct the catalogue"
    yield _check("scopes_verified", not unverified, f"the names of all scopes are verified|{named}", required=False)
    yield _check("has_scopes", bool(prod.scopes), "production has a scope|production has no scope: the client could do nothing")


def _key_checks(loaded: LoadedForm, prod: EnvironmentRequest, now: datetime) -> Iterator[Check]:
    """What the form has of production's keys. Of those in the portal it does not even have whether there is one."""
    if loaded.form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
        return
    if prod.jwks is None:
        text = "the organisation uploads its key for production in the portal (step 9): only the portal knows whether it is there"
        yield _check("has_key", False, f"|{text}", required=False)
        return
    keys, tni_keys = loaded.keys.get(Environment.PROD, ()), loaded.keys.get(Environment.TNI, ())
    ended = [key.kid for key in keys if key.expires and key.expires <= now]
    yield _check("keys_valid", not ended, f"no key of production has expired|expired on production: {_names(ended)}; make a new pair")
    shared = [key.kid for key in keys if key.thumbprint in {other.thumbprint for other in tni_keys}]
    named = f"the same key on TNI and production: {_names(shared)}; make a pair for each"
    yield _check("own_keys", not shared, f"production has keys of its own|{named}")


def _check(name: str, passed: bool, texts: str, *, required: bool = True) -> Check:
    """``texts``: what it says where it passed, and where not."""
    well, _, otherwise = texts.partition("|")
    return Check(name=name, passed=passed, required=required, text=well if passed else otherwise)


def _names(names: list[str]) -> str:
    return ", ".join(plain(name) for name in names)
