"""The address where an organisation publishes its public keys, in the place of keys in files (RFC
7591 §2 ``jwks_uri``).

Only its shape is checked. No command fetches what is there: ``acmidm probe`` shows whether it
works.
"""

from __future__ import annotations

from collections.abc import Iterator

from acmidm_onboarding.forms.documents import Document
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.texts import tr
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
                path,
                tr("the keys are both in files (jwks) and at an address (jwks_uri)"),
                tr("keep one of the two"),
                at_key=True,
            )
        if form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
            what = tr(
                "an address of keys is given while the client authenticates with {method}",
                method=form.token_endpoint_auth_method,
            )
            yield document.problem(
                path,
                what,
                tr("choose token_endpoint_auth_method private_key_jwt, or remove the address"),
                at_key=True,
            )
