"""Declares every onboarding of this stack's environment."""

import sys

import pulumi

from components.model.loading import load_onboardings
from components.model.problems import InvalidForms
from components.onboarding import Onboarding
from components.protection import warn_of_refusals
from components.settings import NAMESPACE, SECRET_KEYS, InvalidSettings, read_settings

config = pulumi.Config(NAMESPACE)
try:
    # The program declares and sends nothing: the operator's secrets are for the provider alone.
    settings = read_settings(lambda key: None if key in SECRET_KEYS else config.get(key))
    onboardings = load_onboardings([settings.forms_folder], settings.catalogue_folder, {settings.environment: settings.profile})
except (InvalidForms, InvalidSettings) as error:
    for line in str(error).splitlines():
        pulumi.log.error(line)
    sys.exit(1)

connections = onboardings.connections(settings.environment)
if settings.protect_clients:
    warn_of_refusals(connections)
outputs, secrets = {}, {}
for form in onboardings.forms:
    own = [connection for connection in connections if connection.name == form.name]
    if own:
        onboarding = Onboarding(form.name, own, protect=settings.protect_clients)
        outputs[form.name] = onboarding.connections
        if any(connection.uses_secret for connection in own):
            secrets[form.name] = onboarding.client_secrets
pulumi.export("environment", settings.environment.value)
pulumi.export("connections", outputs)
if secrets:
    pulumi.export("client_secrets", secrets)
