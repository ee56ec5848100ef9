"""For which APIs an access token is: `audience` and `resource` of a token request."""

from collections.abc import Mapping

from beheerportaal.oauth.judge import Judge
from beheerportaal.oauth.principals import Principal
from beheerportaal.settings import PortalSettings


def requested(settings: PortalSettings, client: Principal, form: Mapping[str, str], scope: str) -> list[str]:
    """What a token has as `aud`: client-IDs of APIs, the client's own on ACM/IDM where it names none, the portal's origin for operators."""
    if client.is_operator:
        return [settings.origin]
    apis = settings.products.values()
    named = [api.client_id for api in apis if api.client_id == form.get("audience")] or [
        api.client_id for api in apis if form.get("resource") in api.resources
    ]
    if named:
        return named
    if "audience" in form or "resource" in form:
        Judge(settings, client).note("unknown audience", "neither audience nor resource is of an API here")
    if settings.platform == "acmidm":
        return [client.client_id]
    return [api.client_id for api in apis if api.scope in scope.split()]
