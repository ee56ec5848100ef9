"""Every setting of a stack, typed. Stack configuration is read here only.

``stack`` has all settings, ``platform`` those of one platform, ``addresses`` checks texts, and
``trusted_hosts`` says where credentials may go. It imports forms' sentences, rules, values, and the
installed types of authority, each of which adds the keys that it alone reads. A new setting is a
field here, and its key in ``Pulumi.yaml``.
"""

from acmidm_onboarding.settings.addresses import LOOPBACK, SMTP_PORTS, Address, mailbox
from acmidm_onboarding.settings.platform import (
    NAMESPACE,
    OLD_WAY,
    SECRET_KEYS,
    AssertionAudience,
    InvalidSettings,
    PlatformSettings,
    SettingsModel,
    config_key,
    environment_variable,
    full_key,
    is_own,
    plain_key,
    settings_by_type,
    values_of_platform,
)
from acmidm_onboarding.settings.stack import (
    Settings,
    catalogue_of_module,
    declared_keys,
    is_map_in_words,
    own_catalogue,
    present_key,
    read_settings,
    sentences_about_unknown_keys,
    yaml_off,
)
from acmidm_onboarding.settings.trusted_hosts import (
    TRUSTED_HOSTS,
    require_trusted_apis,
    require_trusted_hosts,
)

__all__ = [
    "LOOPBACK",
    "NAMESPACE",
    "OLD_WAY",
    "SECRET_KEYS",
    "SMTP_PORTS",
    "TRUSTED_HOSTS",
    "Address",
    "AssertionAudience",
    "InvalidSettings",
    "PlatformSettings",
    "Settings",
    "SettingsModel",
    "catalogue_of_module",
    "config_key",
    "declared_keys",
    "environment_variable",
    "full_key",
    "is_map_in_words",
    "is_own",
    "mailbox",
    "own_catalogue",
    "plain_key",
    "present_key",
    "read_settings",
    "require_trusted_apis",
    "require_trusted_hosts",
    "sentences_about_unknown_keys",
    "settings_by_type",
    "values_of_platform",
    "yaml_off",
]
