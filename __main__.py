"""Declares every onboarding of this stack's environment."""

import sys

import pulumi
from pulumi.runtime.config import get_config_env

from components.model.loading import load_onboardings
from components.model.problems import InvalidForms
from components.onboarding import Onboarding
from components.protection import warn_of_refusals
from components.random_plugin import missing_plugin
from components.refusals import ALREADY_TOLD, fail_where_refused
from components.settings import NAMESPACE, SECRET_KEYS, InvalidSettings, read_settings

config = pulumi.Config(NAMESPACE)
try:
    # The program declares and sends nothing: the operator's secrets are for the provider alone.
    settings = read_settings(lambda key: None if key in SECRET_KEYS else config.get(key), keys=get_config_env())
    environment, folder = settings.environment, settings.forms_folder
    profiles, served = {environment: settings.profile}, {environment: settings.platforms}
    onboardings = load_onboardings([folder], settings.catalogue_folder, profiles, served)
    if not onboardings.forms:  # another folder than was meant, it may be; nothing declared is everything removed
        raise InvalidSettings(
            f"there is no form (*.yaml) in {folder}; correct {NAMESPACE}:formsFolder, or remove all that the stack has with pulumi destroy"
        )
except (InvalidForms, InvalidSettings) as error:
    for line in str(error).splitlines():
        pulumi.log.error(line)
    sys.exit(ALREADY_TOLD)

connections = onboardings.connections(environment)
if sentence := missing_plugin(connections):
    pulumi.log.error(sentence)
    sys.exit(ALREADY_TOLD)
if settings.protect_clients:
    warn_of_refusals(connections)
declared, outputs, secrets = [], {}, {}
for form in onboardings.forms:
    if own := [connection for connection in connections if connection.name == form.name]:
        declared.append(onboarding := Onboarding(form.name, own, protect=settings.protect_clients))
        outputs[form.name] = onboarding.connections
        if any(connection.uses_secret for connection in own):
            secrets[form.name] = onboarding.client_secrets
pulumi.export("environment", environment.value)
pulumi.export("connections", outputs)
if secrets:
    pulumi.export("client_secrets", secrets)
fail_where_refused(declared)
