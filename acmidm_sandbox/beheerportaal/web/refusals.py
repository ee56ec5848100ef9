"""Why token requests of a client were refused, by the one table of mistakes: the only thing of ours
that this server knows, and nothing that it decides by."""

from collections.abc import Iterable
from datetime import datetime

from acmidm_onboarding.mistakes.checks import Context
from acmidm_onboarding.mistakes.findings import words_in
from acmidm_onboarding.mistakes.sent import Sent
from acmidm_onboarding.mistakes.table import cause_of
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.jwk import readable_jwks
from acmidm_onboarding.values.terms import Platform
from acmidm_sandbox.beheerportaal.documents import Refusal
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store.clients import StoredClient
from acmidm_sandbox.beheerportaal.web.views import RefusalView


def explain(
    settings: PortalSettings, language: str, client: StoredClient, refusals: Iterable[Refusal]
) -> list[RefusalView]:
    """Return refused requests of a client, each with its cause and its remedy."""
    words = words_in(Language(language))
    keys = readable_jwks({str(key["kid"]): key for key in client.jwks.keys})
    views = []
    for refusal in refusals:
        at = datetime.fromisoformat(refusal.at)
        context = Context(
            Platform(settings.platform),
            settings.environment,
            settings.issuer,
            at.timestamp(),
            settings.token_endpoint,
            api_of={product.client_id: name for name, product in settings.products.items()},
            keys=keys,
            granted=frozenset(client.scopes.scopes),
        )
        sent = Sent(refusal.header, refusal.claims, "", refusal.fields, refusal.rule)
        cause = cause_of(sent, context)
        remedy = cause.remedy.in_words(words)
        capitalised = f"{remedy[:1].upper()}{remedy[1:]}"
        views.append(RefusalView(at, cause.what.in_words(words), capitalised, refusal.proven))
    return views
