"""Why an authority refused a token request: by what it keeps of the request, and the one table of
mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acmidm_onboarding.authorities.errors import PerhapsGone
from acmidm_onboarding.authorities.port import KeepsRefusals, Refusal
from acmidm_onboarding.mistakes.checks import Context, key_of
from acmidm_onboarding.mistakes.findings import Finding
from acmidm_onboarding.mistakes.table import VAGUE, cause_of
from acmidm_onboarding.values.jwk import readable_jwks
from acmidm_onboarding.values.terms import Environment, Platform

if TYPE_CHECKING:  # httpx is not loaded before something is sent
    from acmidm_onboarding.authorities.connected import ConnectedPlatform


def cause(
    refusal: Refusal, name: Platform, environment: Environment, platform: ConnectedPlatform
) -> tuple[Finding, str | None]:
    """Return why a request was refused, and the thumbprint of the key that it names, where the
    client has that. Raises AuthorityError."""
    try:
        snapshot = platform.clients.get(refusal.client_id) if refusal.client_id else None
    except PerhapsGone:
        snapshot = None
    context = Context(
        platform=name,
        environment=environment,
        issuer=platform.issuer,
        now=refusal.at.timestamp(),
        has_habits=platform.can.has_platform_rules,
        api_of=platform.product_of_api,
        keys=readable_jwks(snapshot.jwks if snapshot else {}),
        granted=frozenset(snapshot.scopes if snapshot else ()),
    )
    key = key_of(refusal.sent, context)
    return cause_of(refusal.sent, context), key.thumbprint if key else None


def cause_recorded(
    client_id: object,
    jti: object,
    name: Platform,
    environment: Environment,
    platform: ConnectedPlatform,
) -> Finding | None:
    """Return why the request with this assertion was refused; None where the authority does not
    know. Raises AuthorityError."""
    if (
        not isinstance(platform.authority, KeepsRefusals)
        or not isinstance(client_id, str)
        or jti is None
    ):
        return None
    refusals = (
        refusal
        for refusal in platform.authority.refusals(client_id)
        if refusal.claims.get("jti") == jti
    )
    newest = next(refusals, None)
    found = cause(newest, name, environment, platform)[0] if newest else None
    return found if found and found.id not in VAGUE else None
