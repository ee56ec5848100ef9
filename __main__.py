"""Declares every onboarding of this stack's environment."""

import sys

import pulumi

from acmidm_onboarding.declared import known, read_declared
from acmidm_onboarding.model.problems import InvalidForms
from acmidm_onboarding.onboarding import Onboarding
from acmidm_onboarding.refusals import ALREADY_REPORTED, fail_where_refused
from acmidm_onboarding.settings import InvalidSettings

try:
    settings, applications = read_declared()
except (InvalidForms, InvalidSettings) as error:
    for line in str(error).splitlines():
        pulumi.log.error(line)
    sys.exit(ALREADY_REPORTED)

onboardings = {connections[0].key: Onboarding(connections, protect=settings.protect_clients) for connections in applications}
pulumi.export("environment", settings.environment.value)
pulumi.export("connections", known({key: onboarding.connections for key, onboarding in onboardings.items()}))
if secrets := {key: onboarding.client_secrets for key, onboarding in onboardings.items() if onboarding.client_secrets}:
    pulumi.export("client_secrets", pulumi.Output.secret(secrets))
fail_where_refused(list(onboardings.values()))
