"""The settings of a platform that adapters over HTTP read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, HttpUrl

from acmidm_onboarding.settings import Address, PlatformSettings, SettingsModel


class _ManagementUrl(SettingsModel):
    management_url: Annotated[Address, Field(description="The management API's address.")]


# The fields of the last base come first, in errors too.
class HttpSettings(PlatformSettings, _ManagementUrl):
    """The settings of a platform whose clients are managed over HTTP, and its products beside
    them."""

    products_url: Annotated[
        Address, Field(description=PlatformSettings.model_fields["products_url"].description)
    ]

    @property
    def address(self) -> HttpUrl:
        return self.management_url
