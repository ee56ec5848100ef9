"""From TNI to production: what differs in a form between the two, and what keeps it from being ready."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from acmidm.report.compare import flat
from acmidm.report.words import plain
from components.model.catalogue import Catalogue
from components.model.form import AuthMethod, Environment, EnvironmentRequest
from components.model.loading import LoadedForm
from components.model.policies import POLICIES, Planned, Profile, Situation


class Side(StrEnum):
    """Where something is."""

    TNI_ONLY = "tni_only"
    PROD_ONLY = "prod_only"
    BOTH = "both"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Difference(_Part):
    """What one environment has and the other lacks, or what is set differently in both."""

    what: Annotated[str, Field(description="environment, scope, product, or a field of a product.")]
    name: str
    side: Side
    tni: str | None = None
    prod: str | None = None
    expected: Annotated[bool, Field(description="Whether the catalogue offers it in one environment alone.")] = False


class Check(_Part):
    """One condition of being ready for production."""

    name: str
    passed: bool
    required: Annotated[bool, Field(description="Whether it keeps the form from being ready; else it is to be known.")] = True
    text: str


class Keys(_Part):
    """How many the form names; absent where the organisation manages them in the portal, which alone knows them."""

    tni: int | None = None
    prod: int | None = None


class Promotion(_Part):
    """One form."""

    form: str
    organisation: str
    application: str
    platforms: tuple[str, ...]
    token_endpoint_auth_method: str
    keys: Keys
    differences: tuple[Difference, ...]
    checks: tuple[Check, ...]
    ready: Annotated[bool, Field(description="Whether production, as the form asks it, can be handed over (guide, step 7).")]

    @property
    def unexpected(self) -> tuple[Difference, ...]:
        """The differences that a change of the form can take away."""
        return tuple(one for one in self.differences if not one.expected)


def promotion_of(loaded: LoadedForm, catalogue: Catalogue, profile: Profile, now: datetime) -> Promotion:
    """The comparison. Platforms and the authentication method are those of the whole form: they cannot differ.

    ``profile`` is production's.
    """
    form = loaded.form
    tni, prod = (form.environments.get(environment) for environment in (Environment.TNI, Environment.PROD))
    checks = tuple(_checks(loaded, catalogue, profile, now))
    return Promotion(
        form=loaded.name,
        organisation=form.organisation.name,
        application=form.application,
        platforms=tuple(platform.value for platform in form.platforms),
        token_endpoint_auth_method=form.token_endpoint_auth_method.value,
        keys=Keys(tni=_number_of_keys(tni), prod=_number_of_keys(prod)),
        differences=tuple(_differences(tni, prod, catalogue)),
        checks=checks,
        ready=all(check.passed or not check.required for check in checks),
    )


def _number_of_keys(request: EnvironmentRequest | None) -> int | None:
    if request is None:
        return 0
    return None if request.keys_managed_in_portal else len(request.jwks)


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
                yield Difference(what="field", name=f"{product}.{field}", side=Side.BOTH, tni=old.get(field), prod=new.get(field))


def _other(side: Side) -> Environment:
    return Environment.PROD if side is Side.TNI_ONLY else Environment.TNI


def _checks(loaded: LoadedForm, catalogue: Catalogue, profile: Profile, now: datetime) -> Iterator[Check]:
    form = loaded.form
    prod, tni = form.environments.get(Environment.PROD), form.environments.get(Environment.TNI)
    yield _check(
        "connected_on_tni", tni is not None, "the form has TNI, where it is validated first", "the form has no TNI: validate there first"
    )
    yield _check("asks_production", prod is not None, "the form asks for production", "the form has no prod under environments: add it")
    refused = [
        f"{finding.what}: {finding.remedy}, or agree on an exemption from {policy.id}"
        for policy in POLICIES
        if policy.id not in form.exemptions
        for finding in policy.violations(Planned(form.token_endpoint_auth_method), Situation(Environment.PROD, profile, now))
    ]
    yield _check("policies", not refused, "the policies allow how the client authenticates", "; ".join(refused))
    if prod is None:
        return
    yield from _key_checks(loaded, prod, now)
    unverified = sorted(scope for scope in prod.scopes if not catalogue.scopes[scope].verified)
    yield _check(
        "scopes_verified",
        not unverified,
        "the names of all scopes are verified",
        f"names not verified: {_names(unverified)}; have Digitaal Vlaanderen confirm them, then correct the catalogue",
        required=False,
    )
    yield _check(
        "asks_scopes", bool(prod.scopes), "production asks for a scope", "production asks for no scope: the client could do nothing"
    )


def _key_checks(loaded: LoadedForm, prod: EnvironmentRequest, now: datetime) -> Iterator[Check]:
    """What the form can tell of production's keys. Of those in the portal it cannot even tell whether there is one."""
    if loaded.form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
        return
    if prod.keys_managed_in_portal:
        yield _check(
            "has_key",
            False,
            "",
            "the organisation uploads its key for production in the portal (step 9): only the portal tells whether it is there",
            required=False,
        )
        return
    keys, tni_keys = loaded.keys.get(Environment.PROD, ()), loaded.keys.get(Environment.TNI, ())
    yield _check("has_key", bool(keys), "production has a public key", "production has no public key yet (step 9): add one under jwks")
    if not keys:
        return
    ended = [key.kid for key in keys if key.expires and key.expires <= now]
    yield _check("keys_valid", not ended, "no key of production has expired", f"expired on production: {_names(ended)}; make a new pair")
    shared = [key.kid for key in keys if key.thumbprint in {other.thumbprint for other in tni_keys}]
    yield _check(
        "own_keys",
        not shared,
        "production has keys of its own",
        f"the same key on TNI and production: {_names(shared)}; make a pair for each",
    )


def _check(name: str, passed: bool, well: str, otherwise: str, *, required: bool = True) -> Check:
    return Check(name=name, passed=passed, required=required, text=well if passed else otherwise)


def _names(names: list[str]) -> str:
    return ", ".join(plain(name) for name in names)
