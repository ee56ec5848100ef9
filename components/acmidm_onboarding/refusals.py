"""Makes a preview fail for what will be refused, and an ``up`` for what nobody could ask about,
once all is registered.

An ``up`` fails at the one resource whose client cannot be taken over, and goes on with the others;
of a key that may not leave yet it warns, for that one stays and all else is done. A preview makes
no resource, and would succeed; so the program looks at what the preview found, and ends in failure
after all is registered; not for a command that hands it something, which reads what is reported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pulumi

from acmidm_onboarding.onboarding import Onboarding
from acmidm_onboarding.program import ALREADY_REPORTED, is_handed, unknown_clients
from acmidm_onboarding.resources.client_jwks import ClientJwks


def fail_where_refused(onboardings: Sequence[Onboarding]) -> None:
    """Report what is refused once all is registered. A preview then ends in failure; an ``up`` ends
    in failure only for clients of which something is not known."""
    report = _report_in_preview if pulumi.runtime.is_dry_run() else _report_in_up
    pulumi.run(lambda: report(onboardings))


async def _report_in_up(onboardings: Sequence[Onboarding]) -> None:
    """Warn of the keys that may not leave yet. End the program in failure where it has reported
    clients that the state lacks and their authority may have."""
    for onboarding in onboardings:
        for sentence in await _refusals_of_keys(onboarding):
            pulumi.log.warn(sentence, onboarding)
    if unknown_clients():
        sys.exit(ALREADY_REPORTED)


async def _refusals_of_keys(onboarding: Onboarding) -> list[str]:
    """Return a sentence per platform with keys that may not leave yet, or of which nobody knows
    whether they may."""
    sentences = []
    for part in onboarding.parts:
        refused = await part.refused.future() if isinstance(part, ClientJwks) else None
        if isinstance(refused, str) and refused:
            sentences.append(refused)
    return sentences


async def _report_in_preview(onboardings: Sequence[Onboarding]) -> None:
    """Report as errors the keys that may not leave yet and the clients that cannot be taken over,
    and end the program in failure where there is any; under a command of ours it goes on, for the
    command reads what is reported and fails by itself."""
    refused = False
    for onboarding in onboardings:
        for sentence in await _refusals_of_keys(onboarding):
            pulumi.log.error(sentence, onboarding)
            refused = True
        # {client-ID: sentence}, one per client: where an authority cannot be reached, each resource
        # of the client says in its own words how often it tried.
        adoptions = {}
        for part in onboarding.parts:
            adopt = await part.adopt.future()
            if adopt and "refused" in adopt:
                adoptions[adopt["client_id"]] = adopt["refused"]
        for sentence in adoptions.values():
            pulumi.log.error(sentence, onboarding)
            refused = True
    if refused and not is_handed():
        sys.exit(ALREADY_REPORTED)
