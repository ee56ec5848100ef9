"""Adding and removing a public key: steps 5 and 9 of the guide."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.api.clients import store_jwks
from acmidm_sandbox.beheerportaal.conditions import etag
from acmidm_sandbox.beheerportaal.store.clients import Client
from acmidm_sandbox.beheerportaal.web import clients, views
from acmidm_sandbox.beheerportaal.web.clients import FormState
from acmidm_sandbox.beheerportaal.web.jwk_input import KeyInput, read_keys
from acmidm_sandbox.beheerportaal.web.visit import Mistakes, Visit

TEXT = "jwk"  # the id of the field


def add(visit: Visit) -> Response:
    """Add one key, or those of a set; none where a form names the keys. A chosen file counts before
    the text."""
    given = visit.form.get("file", "") or visit.form.get(TEXT, "")
    with visit.portal.database.write() as session:
        client = clients.find(visit, session)
        read = read_keys(given, client.jwks.keys)
        stale = (
            visit.texts("keys.declared")
            if client.document.keys_declared
            else _stale(visit, session, client)
        )
        if not read.mistakes and not stale:
            store_jwks(session, visit.somebody.actor, client, [*client.jwks.keys, *read.keys])
    # Others may write while a page is made.
    if read.mistakes:
        return clients.render(
            visit, client, 422, FormState(read.repeatable, mistakes=_sentences(visit, read))
        )
    if stale:
        return clients.render(
            visit, client, 412, FormState(read.repeatable, mistakes=[("sleutels", stale)])
        )
    return visit.see(visit.urls("client", client_id=client.client_id, gedaan="key_added"))


def ask_to_remove(visit: Visit) -> Response:
    """Return the page on which a removal is confirmed."""
    with visit.portal.database.read() as session:
        client = clients.find(visit, session)
    return _removal(visit, client, visit.request.query_params.get("kid", ""))


def remove(visit: Visit) -> Response:
    """Remove a key; the last one only where that was said in so many words."""
    kid = visit.form.get("kid", "")
    with visit.portal.database.write() as session:
        client = clients.find(visit, session)
        stale = _stale(visit, session, client)
        left = [key for key in client.jwks.keys if key["kid"] != kid]
        is_unconfirmed = not left and visit.form.get("laatste") != "ja"
        if not stale and not is_unconfirmed:
            store_jwks(session, visit.somebody.actor, client, left)
    if stale:
        return clients.render(visit, client, 412, FormState(mistakes=[("sleutels", stale)]))
    if is_unconfirmed:
        return _removal(visit, client, kid, [("laatste", visit.texts("remove.confirm_missing"))])
    return visit.see(visit.urls("client", client_id=client.client_id, gedaan="key_removed"))


def _removal(visit: Visit, client: Client, kid: str, mistakes: Mistakes = ()) -> Response:
    key = next((key for key in views.keys_of(client, []) if key.kid == kid), None)
    if key is None:  # it is gone already
        return visit.see(visit.urls("client", client_id=client.client_id))
    return visit.page(
        "remove_key.html",
        client=client.document,
        key=key,
        is_last=len(client.jwks.keys) == 1,
        etag=etag(client.jwks_version),
        mistakes=mistakes,
    )


def _stale(visit: Visit, session: Session, client: Client) -> str:
    """Return what to say where the keys have changed since the form was shown; empty where they
    have not."""
    if visit.form.get("etag") == etag(client.jwks_version):
        return ""
    trail = clients.trail_of(session, client.client_id)
    last = next((entry for entry in trail if entry.action == "jwks.replaced"), None)
    if last is None:
        return visit.texts("stale.unknown")
    made = views.made(last.at, last.actor)
    return visit.texts("stale", who=made.who, at=visit.texts.moment(made.at))


def _sentences(visit: Visit, read: KeyInput) -> list[tuple[str, str]]:
    return [
        (TEXT, visit.texts(f"jwk.{mistake.code}", **mistake.values)) for mistake in read.mistakes
    ]
