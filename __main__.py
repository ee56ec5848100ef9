"""Declares every onboarding of this stack's environment."""

import pulumi

from acmidm_onboarding import Onboarding, OnboardingArgs, hand_over, load_onboardings, read_settings
from acmidm_onboarding.onboarding import without_unknown
from acmidm_onboarding.refusals import fail_where_refused

settings = read_settings()
onboardings = {
    connections[0].key: Onboarding(
        connections[0].key, OnboardingArgs(connections, protect=settings.protect_clients)
    )
    for connections in load_onboardings()
}
hand_over(onboardings.values(), protect=settings.protect_clients)
pulumi.export("environment", settings.environment.value)
pulumi.export(
    "connections",
    without_unknown(
        {
            key: onboarding.connections
            for key, onboarding in onboardings.items()
            if onboarding.connections
        }
    ),
)
if secrets := {
    key: onboarding.client_secrets
    for key, onboarding in onboardings.items()
    if onboarding.client_secrets
}:
    pulumi.export("client_secrets", pulumi.Output.secret(secrets))
fail_where_refused(list(onboardings.values()))
