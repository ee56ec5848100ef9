"""Projects and connections that reach the portal through a proxy, and what must be true after every
fault."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from acmidm_onboarding.authorities.beheerportaal.adapter import Beheerportaal
from acmidm_onboarding.authorities.connected import ConnectedPlatform, connected
from acmidm_onboarding.authorities.http.tokens import OperatorTokens
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.settings import read_settings
from acmidm_onboarding.values.terms import Platform
from tests.support.engine import Project
from tests.support.forms import FormFile
from tests.support.offered import catalogue_folder
from tests.support.portal import OPERATOR, RunningPortal
from tests.support.registry import Registry, kids

REQUEST_TIMEOUT_SECONDS = 1
RETRY_DEADLINE_SECONDS = 4
PATIENCE_SECONDS = 30
"""Where nothing is to time out: what a good answer may take on a busy machine."""
ASSIGNED = "vo_info"


class ProxiedProject(Project):
    """A scratch project whose runs may be cut off, and what the engine keeps of it in files."""

    state_at_the_end = False

    def locks(self) -> list[Path]:
        return sorted((self.folder / "state" / ".pulumi" / "locks").rglob("*.json"))


def platform_of(settings: Mapping[str, object]) -> ConnectedPlatform:
    """The provider's connections to a platform, as ``configure`` makes them of a stack's
    settings."""
    values = {"environment": "tni", **settings}
    return connected(read_settings(values.get, {}), load_catalogue(catalogue_folder()))[
        Platform.ACMIDM
    ]


def platform_through(
    origin: str,
    portal: RunningPortal,
    folder: Path,
    *,
    request_timeout_seconds: float = PATIENCE_SECONDS,
    retry_deadline_seconds: float = RETRY_DEADLINE_SECONDS,
) -> ConnectedPlatform:
    """The provider's connections to a platform at ``origin``, as ``configure`` makes them; its
    tokens come that way too."""
    key = folder / "operator.jwk.json"
    key.write_text(json.dumps(portal.operator_key.as_dict(private=True)))
    values = {
        "managementUrl": f"{origin}/management/v1",
        "productsUrl": f"{origin}/products/v1",
        "issuer": portal.issuer,
        "operatorClientId": OPERATOR,
        "operatorPrivateKeyFile": str(key),
        "requestTimeoutSeconds": request_timeout_seconds,
        "retryDeadlineSeconds": retry_deadline_seconds,
    }
    platform = platform_of(values)
    # The issuer keeps its name, which assertions are made out to: only the way to it is another.
    assert isinstance(platform.authority, Beheerportaal)
    tokens = platform.authority._api._tokens
    assert isinstance(tokens, OperatorTokens)
    tokens._api.base_url = f"{origin}/op"
    return platform


def require_as_declared(
    project: ProxiedProject, registry: Registry, forms: Iterable[FormFile]
) -> None:
    """Per form exactly one client, with all that the form asks for and nothing else; the state
    knows it, and holds nothing else."""
    require_settled(project, {require_client(registry, form) for form in forms})


def require_client(registry: Registry, form: FormFile) -> str:
    """Exactly one client, with all that its form asks for and nothing else; its client-ID."""
    client = registry.client(form.application)
    asked = form.request()
    assert set(client["scopes"]) == {*asked["scopes"], ASSIGNED}
    assert kids(client) == set(form.keys)
    assert client["contacts"] == form.document["contacts"]
    assert client["token_endpoint_auth_method"] == form.document.get(
        "token_endpoint_auth_method", "private_key_jwt"
    )
    for product in ("notificaties", "dosis"):
        assert registry.configuration(product, client["client_id"]) == asked["products"].get(
            product
        )
    return str(client["client_id"])


def require_settled(project: ProxiedProject, client_ids: set[str]) -> None:
    """The state knows exactly these clients; nothing is pending or about to be deleted, and no lock
    is left."""
    resources = project.stored().get("resources", [])
    assert {
        found["id"] for found in resources if found["type"].endswith("acmidm:OAuthClient")
    } == client_ids
    assert project.stored().get("pending_operations") in (None, [])
    assert not [found for found in resources if found.get("delete")]
    assert project.locks() == []
