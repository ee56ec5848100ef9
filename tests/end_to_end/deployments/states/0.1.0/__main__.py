"""Declares every onboarding of this stack's environment."""

import pulumi

from acmidm_onboarding import Onboarding, OnboardingArgs, hand_over, load_onboardings, read_settings
from acmidm_onboarding.onboarding import without_unknown
from acmidm_onboarding.refusals import fail_where_refused

settings = read_settings()
onboardings = {}
for connections in load_onboardings():
    key = connections[0].key
    args = OnboardingArgs(connections, protect=settings.protect_clients)
    onboardings[key] = Onboarding(key, args)
hand_over(onboardings.values(), protect=settings.protect_clients)
pulumi.export("environment", settings.environment.value)
declared = {key: made.connections for key, made in onboardings.items() if made.connections}
pulumi.export("connections", without_unknown(declared))
secrets = {key: made.client_secrets for key, made in onboardings.items() if made.client_secrets}
if secrets:
    pulumi.export("client_secrets", pulumi.Output.secret(secrets))
fail_where_refused(list(onboardings.values()))
