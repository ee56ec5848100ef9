"""Where credentials, tokens and mails may go: to this machine, and to the hosts that the environment names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from pydantic import HttpUrl

from acmidm_onboarding.settings.addresses import LOOPBACK, names_of_host
from acmidm_onboarding.settings.platform import NAMESPACE, InvalidSettings, PlatformSettings, config_key
from acmidm_onboarding.settings.stack import Settings

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
    for platform, found in settings.platforms.items():
        for name, field in type(found).model_fields.items() if found.has_credentials else ():
            url = getattr(found, name)
            if (
                isinstance(url, HttpUrl)
                and url.host not in LOOPBACK
                and trusted.isdisjoint(names := names_of_host(url))
            ):
                sentences.append(
                    f"setting {NAMESPACE}:{config_key(platform, field.alias or name)} leads to {names[0]}, which"
                    f" {TRUSTED_HOSTS} does not name, so that no credentials are sent; correct the setting, or have the"
                    " host added to that variable, where the pipeline is set up"
                )
    server = settings.smtp_url
    if server is not None and server.host not in LOOPBACK and trusted.isdisjoint(names := names_of_host(server)):
        sentences.append(
            f"setting {NAMESPACE}:smtpUrl leads to {names[0]}, which {TRUSTED_HOSTS} does not name, so that no mail is"
            " sent; correct the setting, or have the host added to that variable, where the pipeline is set up"
        )
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
        f"the API of {product} is at {names[0]}, which {TRUSTED_HOSTS} does not name, so that no token is sent; correct"
        " apiUrls, or have the host added to that variable"
        for product, url in urls.items()
        if trusted and url.host not in LOOPBACK and trusted.isdisjoint(names := names_of_host(url))
    ]
    if sentences:
        raise InvalidSettings("\n".join(sentences))
