"""What an operator may do at an authority, tried act by act."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from acmidm_onboarding.authorities.errors import NotAllowed
from acmidm_onboarding.authorities.port import Authority
from acmidm_onboarding.values.metadata import ClientMetadata
from tests.support.forms import SEND
from tests.support.portal import metadata, new_key, public_jwk

READS = {"list", "read", "who is reserved"}
WRITES = {"register", "update", "scopes", "keys", "take over", "remove"}


def allowed(
    authority: Authority, client_id: str, declared: ClientMetadata, by_hand: str
) -> set[str]:
    """Try all acts, on a client that is ``declared``, and on one that was made ``by_hand``; name
    those that are not refused."""
    acts: dict[str, Callable[[], object]] = {
        "list": lambda: list(authority.clients()),
        "read": lambda: authority.read(client_id),
        "who is reserved": lambda: authority.reserved(by_hand),
        "register": lambda: authority.register(metadata(), None, {}, {}),
        "scopes": lambda: authority.replace_scopes(client_id, None, {SEND: False}),
        "keys": lambda: authority.replace_jwks(client_id, None, {"a": public_jwk(new_key("a"))}),
        "take over": lambda: authority.update(by_hand, None, metadata(), None),
        "update": lambda: authority.update(
            client_id, declared, declared.model_copy(update={"contacts": ("a@b.example",)}), None
        ),
        "remove": lambda: authority.remove(client_id, declared.owner),
    }
    done = set()
    for name, act in acts.items():
        with suppress(NotAllowed):
            act()
            done.add(name)
    return done
