"""Where credentials, tokens and mails may go: to this machine, and to the hosts that the
environment lists."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from pydantic import AnyUrl, HttpUrl

from acmidm_onboarding.settings.addresses import LOOPBACK, names_of_host
from acmidm_onboarding.settings.platform import (
    InvalidSettings,
    PlatformSettings,
    config_key,
    full_key,
)
from acmidm_onboarding.settings.stack import Settings

TRUSTED_HOSTS = "ACMIDM_TRUSTED_HOSTS"
"""The environment variable with the hosts that get the operator's credentials. The pipeline sets
it, for a pull request may change settings."""


def require_trusted_hosts(settings: Settings, environ: Mapping[str, str] = os.environ) -> None:
    """Refuse credentials for a host that the environment does not list: a changed setting could
    send them anywhere.

    ``ACMIDM_TRUSTED_HOSTS`` has hosts, each with its port where that is not 443, separated by
    commas or spaces. Loopback needs no entry.

    Raises:
        InvalidSettings: with a sentence for each setting that leads to another host.
    """
    trusted = _trusted_hosts(environ)
    sentences = []
    for platform, of_platform in settings.platforms.items():
        if not of_platform.has_credentials:
            continue
        for name, field in type(of_platform).model_fields.items():
            url = getattr(of_platform, name)
            if isinstance(url, HttpUrl) and (host := _untrusted_host(url, trusted)):
                key = full_key(config_key(platform, field.alias or name))
                sentences.append(
                    f"setting {key} leads to {host}, which {TRUSTED_HOSTS} does not name, so that"
                    " no credentials are sent; correct the setting, or have the host added to that"
                    " variable, where the pipeline is set up"
                )
    if settings.smtp_url is not None and (host := _untrusted_host(settings.smtp_url, trusted)):
        sentences.append(
            f"setting acmidm:smtpUrl leads to {host}, which {TRUSTED_HOSTS} does not name, so that"
            " no mail is sent; correct the setting, or have the host added to that variable, where"
            " the pipeline is set up"
        )
    if sentences:
        raise InvalidSettings("\n".join(sentences))


def require_trusted_apis(
    settings: PlatformSettings, products: Iterable[str], environ: Mapping[str, str] = os.environ
) -> None:
    """Refuse to send a token to an API whose host the environment does not list, where it lists
    any.

    Raises:
        InvalidSettings: with a sentence for each such API.
    """
    trusted = _trusted_hosts(environ)
    if not trusted:
        return
    sentences = []
    for product in products:
        url = settings.api_url(product)
        host = _untrusted_host(HttpUrl(url), trusted) if url else None
        if host:
            sentences.append(
                f"the API of {product} is at {host}, which {TRUSTED_HOSTS} does not name, so that"
                " no token is sent; correct apiUrls, or have the host added to that variable"
            )
    if sentences:
        raise InvalidSettings("\n".join(sentences))


def _trusted_hosts(environ: Mapping[str, str]) -> set[str]:
    return set(environ.get(TRUSTED_HOSTS, "").lower().replace(",", " ").split())


def _untrusted_host(url: HttpUrl | AnyUrl, trusted: set[str]) -> str | None:
    """Return the host of a URL where nothing may be sent to it; None for a trusted one, and for
    this machine."""
    names = names_of_host(url)
    return names[0] if url.host not in LOOPBACK and trusted.isdisjoint(names) else None
