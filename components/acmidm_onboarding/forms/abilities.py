"""What a form wants of the authorities of its platforms: that there is one, and that it can do what
the form declares."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from acmidm_onboarding.authority_types import AuthorityType, installed_authorities
from acmidm_onboarding.forms.documents import YamlDocument
from acmidm_onboarding.forms.form import EnvironmentRequest, Form
from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.problems import DocumentPath, Problem, listed
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform


class _Wish(NamedTuple):
    """Something that a form may want of an authority: where the form says it, whether it says it,
    whether a type of authority can do it, and the two halves of the sentence where it cannot."""

    path: Callable[[Environment], DocumentPath]
    is_made: Callable[[Form, EnvironmentRequest], bool]
    is_met: Callable[[AuthorityType[Any]], bool]
    text: str
    remedy: str


_WISHES = (
    _Wish(
        lambda environment: ("environments", environment.value, "jwks_uri"),
        lambda _, request: request.jwks_uri is not None,
        lambda kind: kind.takes_keys_from_address,
        N_(
            "{kind}, the authority of {platform} in a stack of {environment}, takes no keys from"
            " an address"
        ),
        N_(
            "name the keys under jwks, or leave both out and upload them in the portal; known by"
            " {known_by}"
        ),
    ),
    _Wish(
        lambda _: ("token_endpoint_auth_method",),
        lambda form, _: form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT,
        lambda kind: kind.takes_secrets,
        N_(
            "{kind}, the authority of {platform} in a stack of {environment}, takes no client"
            " secret of ours"
        ),
        N_("use private_key_jwt; taken by {known_by}"),
    ),
    _Wish(
        lambda environment: ("environments", environment.value, "scopes"),
        lambda _, request: any(scope.default for scope in request.scopes.values()),
        lambda kind: kind.takes_default_scopes,
        N_(
            "{kind}, the authority of {platform} in a stack of {environment}, gives no client"
            " default scopes"
        ),
        N_("leave default out, and request the scope with each token; taken by {known_by}"),
    ),
    _Wish(
        lambda environment: ("environments", environment.value, "attributes"),
        lambda _, request: bool(request.attributes),
        lambda kind: kind.takes_attributes,
        N_(
            "{kind}, the authority of {platform} in a stack of {environment}, puts no attributes"
            " into tokens"
        ),
        N_("leave them out; taken by {known_by}"),
    ),
)


def problems_of_authorities(
    document: YamlDocument,
    form: Form,
    environment: Environment,
    served: Mapping[Platform, Collection[str]],
) -> Iterator[Problem]:
    """Yield each wish of a form that an authority cannot meet. ``served`` has per platform the
    types of authority of all stacks of the environment: each of these stacks has the form."""
    request = form.environments.get(environment)
    if request is None:
        return
    installed = installed_authorities().items()
    for wish in _WISHES:
        if not wish.is_made(form, request):
            continue
        known_by = {name for name, kind in installed if wish.is_met(kind)}
        for platform in form.platforms:
            for kind in sorted(set(served.get(platform, ())) - known_by):
                what = translated(wish.text, kind=kind, platform=platform, environment=environment)
                remedy = translated(wish.remedy, known_by=listed(known_by))
                yield document.problem(wish.path(environment), what, remedy, at_key=True)


def problems_of_platforms(
    document: YamlDocument, form: Form, environment: Environment, served: Collection[Platform]
) -> Iterator[Problem]:
    """Yield the platforms of a form for which the stack of this environment has no authority."""
    for index, platform in enumerate(form.platforms):
        if environment in form.environments and platform not in served:
            yield document.problem(
                ("platforms", index),
                tr(
                    "{platform} has no authority in this stack of {environment}",
                    platform=platform,
                    environment=environment,
                ),
                tr(
                    "remove it here, or set {platform}:managementUrl and what goes with it",
                    platform=platform,
                ),
            )
