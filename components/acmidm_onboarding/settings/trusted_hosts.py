"""Where credentials, tokens and mails may go: to this machine, and to the hosts that the environment names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from pydantic import HttpUrl

from acmidm_onboarding.settings.addresses import LOOPBACK, names_of_host
from acmidm_onboarding.settings.platform import InvalidSettings, PlatformSettings, config_key
from acmidm_onboarding.settings.stack import Settings
from acmidm_onboarding.texts import say

TRUSTED_HOSTS = "ACMIDM_TRUSTED_HOSTS"
"""The environment variable with the hosts that get the operator's credentials: the pipeline's, for settings come out of
a pull request."""


def require_trusted_hosts(settings: Settings, environ: Mapping[str, str] = os.environ) -> None:
    """Refuse credentials for a host that the environment does not name: whoever changes a setting would have them sent
    to themselves.

    ``ACMIDM_TRUSTED_HOSTS`` has hosts, each with its port where that is not 443, separated by commas or spaces.
    Loopback needs none. Raises InvalidSettings, which names every setting that leads elsewhere.
    """
    trusted = set(environ.get(TRUSTED_HOSTS, "").lower().replace(",", " ").split())
    sentences = []
    for platform, platform_settings in settings.platforms.items():
        for name, field in type(platform_settings).model_fields.items() if platform_settings.has_credentials else ():
            url = getattr(platform_settings, name)
            if (
                isinstance(url, HttpUrl)
                and url.host not in LOOPBACK
                and trusted.isdisjoint(names := names_of_host(url))
            ):
                sentences.append(
                    say(
                        "settings.untrusted_host",
                        key=config_key(platform, field.alias or name),
                        host=names[0],
                        variable=TRUSTED_HOSTS,
                    )
                )
    server = settings.smtp_url
    if server is not None and server.host not in LOOPBACK and trusted.isdisjoint(names := names_of_host(server)):
        sentences.append(say("settings.untrusted_mail_server", host=names[0], variable=TRUSTED_HOSTS))
    if sentences:
        raise InvalidSettings("\n".join(sentences))


def require_trusted_apis(
    settings: PlatformSettings, products: Iterable[str], environ: Mapping[str, str] = os.environ
) -> None:
    """Refuse to send a token to an API whose host the environment does not name, where it names any: a setting may lead
    anywhere.

    Raises InvalidSettings, which names each.
    """
    trusted = set(environ.get(TRUSTED_HOSTS, "").lower().replace(",", " ").split())
    urls = {product: HttpUrl(settings.api_url(product)) for product in products}
    sentences = [
        say("settings.untrusted_api", product=product, host=names[0], variable=TRUSTED_HOSTS)
        for product, url in urls.items()
        if trusted and url.host not in LOOPBACK and trusted.isdisjoint(names := names_of_host(url))
    ]
    if sentences:
        raise InvalidSettings("\n".join(sentences))
