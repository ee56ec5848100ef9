"""One oidc-provider for all files; each test works on clients of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from acmidm_onboarding.authorities.rfc7591.adapter import Registration
from tests.support.oidc_provider import RunningProvider, running_provider


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProvider]:
    with running_provider(tmp_path_factory.mktemp("oidc-provider")) as running:
        yield running


@pytest.fixture(scope="session")
def adapter(provider: RunningProvider) -> Registration:
    return provider.adapter()
