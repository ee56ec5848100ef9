"""What of a form its authorities cannot have: an address for its keys (RFC 7591 §2 ``jwks_uri``), a client secret.

Of an address only its shape is checked here. What is there is fetched and checked by the commands that are online.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from acmidm_onboarding.authority_types import installed_authorities
from acmidm_onboarding.forms.documents import Document
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import Problem, listed
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform


def problems_of_jwks_uri(document: Document, form: Form) -> Iterator[Problem]:
    """Yield each environment whose keys are in two places (RFC 7591 §2: never both), or need none."""
    for environment, request in form.environments.items():
        path = ("environments", environment.value, "jwks_uri")
        if request.jwks_uri is None:
            continue
        if request.jwks is not None:
            yield document.problem(
                path,
                say("forms.keys_in_two_places"),
                say("forms.twice.remedy"),
                at_key=True,
            )
        if form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
            what = say("forms.address_without_keys", method=form.token_endpoint_auth_method)
            yield document.problem(path, what, say("forms.address_without_keys.remedy"), at_key=True)


def problems_of_authorities(
    document: Document, form: Form, environment: Environment, served: Mapping[Platform, Collection[str]]
) -> Iterator[Problem]:
    """Yield each platform whose authority takes no keys from an address, and each where none takes a client secret of
    ours; ``served`` has the kinds of authority per platform."""
    request = form.environments.get(environment)
    if request is None:
        return
    if form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
        yield from _problems_of_secret(document, form, environment, served)
    if request.jwks_uri is None:
        return
    known_by = {name for name, found in installed_authorities().items() if found.takes_keys_from_address}
    for platform in form.platforms:
        for kind in sorted(set(served.get(platform, ())) - known_by):
            yield document.problem(
                ("environments", environment.value, "jwks_uri"),
                say("forms.address_not_known", kind=kind, platform=platform, environment=environment),
                say("forms.address_not_known.remedy", known_by=listed(known_by)),
                at_key=True,
            )


def _problems_of_secret(
    document: Document, form: Form, environment: Environment, served: Mapping[Platform, Collection[str]]
) -> Iterator[Problem]:
    """Yield the method of a form where no authority of one of its platforms takes a client secret of our choice."""
    take_none = {name for name, found in installed_authorities().items() if not found.takes_secrets}
    for platform in form.platforms:
        kinds = set(served.get(platform, ()))
        if kinds and kinds <= take_none:
            what = say("forms.secret_not_taken", kind=listed(kinds), platform=platform, environment=environment)
            path = ("token_endpoint_auth_method",)
            yield document.problem(path, what, say("forms.secret_not_taken.remedy", method=AuthMethod.PRIVATE_KEY_JWT))
