"""Declares every onboarding of this stack's environment."""

import sys

import pulumi

from components.asked import read_asked
from components.model.problems import InvalidForms
from components.onboarding import Onboarding
from components.protection import warn_of_refusals
from components.refusals import ALREADY_TOLD, fail_where_refused
from components.settings import InvalidSettings

try:
    settings, onboardings = read_asked()
except (InvalidForms, InvalidSettings) as error:
    for line in str(error).splitlines():
        pulumi.log.error(line)
    sys.exit(ALREADY_TOLD)

connections = onboardings.connections(settings.environment)
if settings.protect_clients:
    warn_of_refusals(connections)
declared, outputs, secrets = [], {}, {}
for form in onboardings.forms:
    if own := [connection for connection in connections if connection.name == form.name]:
        declared.append(onboarding := Onboarding(form.name, own, protect=settings.protect_clients))
        outputs[form.name] = onboarding.connections
        if any(connection.uses_secret for connection in own):
            secrets[form.name] = onboarding.client_secrets
pulumi.export("environment", settings.environment.value)
pulumi.export("connections", outputs)
if secrets:
    pulumi.export("client_secrets", secrets)
fail_where_refused(declared)
