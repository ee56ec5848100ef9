"""What a form wants of the authorities of its platforms, and what a kind of authority cannot do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from acmidm_onboarding.authority_types import AuthorityType, installed_authorities
from acmidm_onboarding.forms.documents import Document
from acmidm_onboarding.forms.form import EnvironmentRequest, Form
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import DocumentPath, Problem, listed
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform


class _Wish(NamedTuple):
    """What a form may want: where it says so, what an authority has to be able to do, and the text
    where it cannot."""

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
        "forms.address_not_known",
        "forms.address_not_known.remedy",
    ),
    _Wish(
        lambda _: ("token_endpoint_auth_method",),
        lambda form, _: form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT,
        lambda kind: kind.takes_secrets,
        "forms.secret_not_taken",
        "forms.secret_not_taken.remedy",
    ),
    _Wish(
        lambda environment: ("environments", environment.value, "scopes"),
        lambda _, request: any(scope.default for scope in request.scopes.values()),
        lambda kind: kind.takes_default_scopes,
        "forms.default_scopes_not_taken",
        "forms.default_scopes_not_taken.remedy",
    ),
    _Wish(
        lambda environment: ("environments", environment.value, "attributes"),
        lambda _, request: bool(request.attributes),
        lambda kind: kind.takes_attributes,
        "forms.attributes_not_taken",
        "forms.attributes_not_taken.remedy",
    ),
)


def problems_of_authorities(
    document: Document,
    form: Form,
    environment: Environment,
    served: Mapping[Platform, Collection[str]],
) -> Iterator[Problem]:
    """Yield each wish of a form that an authority cannot meet; ``served`` has the kinds of
    authority per platform, of every stack of the environment: each of them brings the form up."""
    request, installed = form.environments.get(environment), installed_authorities()
    for wish in _WISHES if request else ():
        if request is None or not wish.is_made(form, request):
            continue
        known_by = {name for name, kind in installed.items() if wish.is_met(kind)}
        for platform in form.platforms:
            for kind in sorted(set(served.get(platform, ())) - known_by):
                what = say(wish.text, kind=kind, platform=platform, environment=environment)
                remedy = say(wish.remedy, known_by=listed(known_by))
                yield document.problem(wish.path(environment), what, remedy, at_key=True)
