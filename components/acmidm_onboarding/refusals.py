"""Makes a preview fail for what will be refused, and an ``up`` for what nobody could ask about, once all is registered.

An ``up`` fails at the one resource whose client cannot be taken over, or whose key may not leave yet, and goes on with the others.
A preview makes no resource, and would succeed; so the program looks at what the preview found, and ends in failure after all
is registered.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pulumi

from acmidm_onboarding.declared import ALREADY_REPORTED, UNKNOWN
from acmidm_onboarding.onboarding import Onboarding
from acmidm_onboarding.resources.client_jwks import ClientJwks


def fail_where_refused(onboardings: Sequence[Onboarding]) -> None:
    """In a preview, report each refusal once and end the program in failure; where it runs for real, for what is not known."""
    if pulumi.runtime.is_dry_run():
        pulumi.run(lambda: _report(onboardings))
    elif UNKNOWN:
        sys.exit(ALREADY_REPORTED)


async def _report(onboardings: Sequence[Onboarding]) -> None:
    refused = False
    for onboarding in onboardings:
        of_keys = [await part.refused.future() for part in onboarding.parts if isinstance(part, ClientJwks)]
        for sentence in filter(None, of_keys):
            pulumi.log.error(sentence, onboarding)
            refused = True
        adoptions = [await part.adopt.future() for part in onboarding.parts]
        # Per client: of one that cannot be reached, each resource says by itself how often it was tried.
        for sentence in {adopt["client_id"]: adopt["refused"] for adopt in adoptions if adopt and "refused" in adopt}.values():
            pulumi.log.error(sentence, onboarding)
            refused = True
    if refused:
        sys.exit(ALREADY_REPORTED)
