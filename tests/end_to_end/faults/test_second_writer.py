"""Someone else writes the same client between the provider's GET and its PUT: no update is lost,
and the error names both sets."""

from __future__ import annotations

from collections.abc import Callable

from tests.support import faults
from tests.support.between import ProxiedProject, require_as_declared
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import DOSSIERS, NOTIFICATIES, PLAIN, SEND, write_form
from tests.support.portal import RunningPortal, new_key
from tests.support.registry import Registry, kids


def test_no_update_is_lost(project: ProxiedProject, proxy: FaultProxy, registry: Registry) -> None:
    """Three documents at once, then the client: each is left as the other wrote it, each error says
    what is declared and what was found."""
    form = write_form(project.forms, scopes=(SEND,))
    project.apply()
    client_id = registry.client(form.application)["client_id"]
    others_key = new_key("key-of-another")
    others: dict[str, Callable[[], None]] = {
        "/scopes$": lambda: registry.set_scopes(client_id, [DOSSIERS]),
        "/jwks$": lambda: registry.set_keys(client_id, [form.keys["key-1"], others_key]),
        "/configurations/": lambda: registry.set_configuration(
            "notificaties", client_id, {**NOTIFICATIES, "merk_code": "van-een-ander"}
        ),
    }
    for path, act in others.items():
        proxy.rule("PUT", path, faults.after(act))
    form.request()["scopes"][PLAIN] = {}
    form.request()["products"]["notificaties"]["merk_code"] = "nieuw"
    form.add_key("key-2")
    form.save()

    refused = project.up()
    assert refused.code != 0
    said = "\n".join(refused.errors)
    assert (
        f"someone else changed the scopes of client {client_id} since the last refresh: added"
        f" {DOSSIERS}; removed {SEND} (declared: {SEND}, {PLAIN}; found: {DOSSIERS}), and nothing"
        " was written; run pulumi refresh" in said
    )
    assert (
        f"the JWK Set of client {client_id} since the last refresh: added key-of-another "
        "(declared: key-1, key-2; found: key-1, key-of-another), and nothing was written" in said
    )
    assert (
        f"the notificaties configuration of client {client_id} since the last refresh: changed"
        " merk_code" in said
    )
    assert len(refused.errors) == 3
    found = registry.client(form.application)
    assert set(found["scopes"]) == {DOSSIERS, "vo_info"}
    assert kids(found) == {"key-1", "key-of-another"}
    assert (registry.configuration("notificaties", client_id) or {})["merk_code"] == "van-een-ander"

    # What is inside a client waits for the client, so that this is a run of its own.
    proxy.heal()
    proxy.rule(
        "PUT",
        "/clients/[^/]+$",
        faults.after(lambda: registry.change(client_id, contacts=["van-een-ander@stad.example"])),
    )
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.save()
    refused = project.up()
    assert refused.code != 0
    said = "\n".join(refused.errors)
    assert (
        "changed contacts (declared: contacts nieuw@stad-gent.example; found: contacts"
        " van-een-ander@stad.example)" in said
    )
    assert registry.client(form.application)["contacts"] == ["van-een-ander@stad.example"]

    proxy.heal()
    project.apply("--refresh")
    require_as_declared(project, registry, [form])
    project.in_sync()


def test_failed_key_replacement_leaves_the_client_as_it_was(
    project: ProxiedProject, proxy: FaultProxy, registry: Registry, portal: RunningPortal
) -> None:
    """The old key still gets a token, the authentication method is what it was, and the rerun
    replaces the key."""
    project.configure({"retryDeadlineSeconds": 1})
    form = write_form(project.forms, scopes=(SEND,))
    project.apply()
    before = registry.client(form.application)
    old = form.keys.pop("key-1")
    form.request()["jwks"] = []
    form.add_key("key-2")
    form.save()
    proxy.rule(
        "PUT", "/jwks$", faults.answer(422, b'{"detail": "this key is too weak"}'), times=None
    )

    assert project.up().code != 0
    assert registry.client(form.application) == before
    assert before["token_endpoint_auth_method"] == "private_key_jwt"
    assert portal.client_token(old, before["client_id"], scope=SEND)

    proxy.heal()
    project.apply()
    require_as_declared(project, registry, [form])
    assert portal.client_token(form.keys["key-2"], before["client_id"], scope=SEND)
