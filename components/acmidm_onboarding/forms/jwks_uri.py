"""The address where an organisation publishes its public keys, in the place of keys in files (RFC
7591 §2 ``jwks_uri``).

Only its shape is checked. No command fetches what is there: ``acmidm probe`` shows whether it
works.
"""

from __future__ import annotations

from collections.abc import Iterator

from acmidm_onboarding.forms.documents import Document
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import Problem
from acmidm_onboarding.values.terms import AuthMethod


def problems_of_jwks_uri(document: Document, form: Form) -> Iterator[Problem]:
    """Yield each environment whose keys are in two places (RFC 7591 §2: never both), or need
    none."""
    for environment, request in form.environments.items():
        path = ("environments", environment.value, "jwks_uri")
        if request.jwks_uri is None:
            continue
        if request.jwks is not None:
            yield document.problem(
                path, say("forms.keys_in_two_places"), say("forms.twice.remedy"), at_key=True
            )
        if form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
            what = say("forms.address_without_keys", method=form.token_endpoint_auth_method)
            yield document.problem(
                path, what, say("forms.address_without_keys.remedy"), at_key=True
            )
