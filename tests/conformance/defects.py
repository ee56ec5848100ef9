"""Which defects of an adapter the suite finds. Each breaks one promise of the port, is put in
alone, and must make a test fail.

``make defects`` counts them, ``python -m tests.conformance.defects keycloak`` those of one adapter.

A defect is a text of a file, and what stands in its place. No file changes: the changed text runs
as the module of that file, in this process alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, ModuleType

import pytest
import yaml

from acmidm_onboarding.authority_types import installed_authorities
from acmidm_onboarding.settings import full_key
from tests.support.third_party import SETTINGS, dictionary_site

SUITE = Path(__file__).parent
FILES = ("test_port.py", "test_faults.py")
"""Without the kills of the engine: each of these takes many seconds, and none looks closer."""
SHARED = "acmidm_onboarding.authorities"
BEHEERPORTAAL = f"{SHARED}.beheerportaal.adapter"
PORTAL_WIRE = f"{SHARED}.beheerportaal.wire"
KEYCLOAK = f"{SHARED}.keycloak.adapter"
KEYCLOAK_WIRE = f"{SHARED}.keycloak.wire"
RESERVED = f"{SHARED}.keycloak.reserved"
BY_HAND = f"{SHARED}.by_hand.adapter"
PRODUCTS = f"{SHARED}.products"
DICTIONARY = "their_dictionary"
DICTIONARY_TYPE = "dictionary"


@dataclass(frozen=True)
class Defect:
    """What is wrong, in the file of which module; ``text`` becomes ``instead`` there, once."""

    what: str
    module: str
    text: str
    instead: str = ""

    def __str__(self) -> str:
        return self.what


SOUND = Defect("no defect", SHARED, "")


def _known_as_anything(name: str) -> tuple[str, str]:
    """Return the text of a write of the document with a ``name``, and the same that expects
    anything."""
    text = f"known=known,\n            wanted=wanted,\n            name={name}"
    return text, text.replace("known=known", "known=None")


_NOW = "return int(__import__('time').time()) if secret is not None else None"
"""What an update returns that says when it wrote, and not when the secret changed."""
_RESERVED = "        self._require_not_reserved(client_id)\n"
DEFECTS: Mapping[str, Sequence[Defect]] = {
    "dictionary": [
        Defect("reserves nobody", DICTIONARY, "return reserved_for_operator()", "return None"),
        Defect(
            "updates a reserved client",
            DICTIONARY,
            f"{_RESERVED}\n        def write",
            "        def write",
        ),
        Defect(
            "replaces the scopes of the operator",
            DICTIONARY,
            "        require_grantable(wanted)\n        self._require_not_operators(client_id)",
            "        require_grantable(wanted)",
        ),
        Defect("grants rights of operators", DICTIONARY, "        require_grantable(wanted)\n"),
        Defect(
            "two clients have one key",
            DICTIONARY,
            "self.find(metadata.software_id) if metadata.software_id else None",
            "None",
        ),
        Defect(
            "does not say which client has a key",
            DICTIONARY,
            'has this natural key", known.client_id',
            'has this natural key"',
        ),
        Defect(
            "a secret is not set by register",
            DICTIONARY,
            ", metadata), client_secret",
            ", metadata), None",
        ),
        Defect(
            "a secret is not set by update", DICTIONARY, "secret.value if secret else None", "None"
        ),
        Defect("the same secret is a rotation", DICTIONARY, " or SECRETS.get(place) == secret"),
        Defect(
            "each update changes the secret's moment",
            DICTIONARY,
            "return self._existing(client_id).client_secret_updated_at if secret is not None"
            " else None",
            _NOW,
        ),
        Defect(
            "attributes are dropped",
            DICTIONARY,
            "replace(before, metadata=wanted)",
            'replace(before, metadata=wanted.model_copy(update={"attributes": {}}))',
        ),
        Defect(
            "overwrites what somebody else changed",
            DICTIONARY,
            *_known_as_anything('f"client {client_id}"'),
        ),
        Defect(
            "another incarnation is another writer",
            DICTIONARY,
            "known is not None and now == known.as_written_by(now.owner)",
            "False",
        ),
        Defect(
            "an update takes the scopes away",
            DICTIONARY,
            "client = replace(before, metadata=wanted)",
            "client = replace(before, metadata=wanted, scopes={})",
        ),
        Defect(
            "finds no client", DICTIONARY, "client.metadata.software_id == software_id", "False"
        ),
        Defect(
            "finds by the beginning of a key",
            DICTIONARY,
            "client.metadata.software_id == software_id",
            "str(client.metadata.software_id).startswith(software_id)",
        ),
        Defect(
            "removes what is another's",
            DICTIONARY,
            "if found and found.metadata.owner.is_resource_of(owner)",
            "if found",
        ),
        Defect(
            "removes by the connection alone",
            DICTIONARY,
            "owner.is_resource_of(owner)",
            "owner.is_connection_of(owner)",
        ),
        Defect(
            "what is gone is not removed",
            DICTIONARY,
            "return client_id not in self._clients",
            "return found is not None and client_id not in self._clients",
        ),
        Defect("removes nothing", DICTIONARY, "            del self._clients[client_id]\n"),
        Defect(
            "grants the scopes beside the others",
            DICTIONARY,
            "scopes=dict(wanted)",
            "scopes={**before.scopes, **wanted}",
        ),
        Defect(
            "no scope is default",
            DICTIONARY,
            "scopes=dict(wanted)",
            "scopes=dict.fromkeys(wanted, False)",
        ),
        Defect(
            "scopes are overwritten",
            DICTIONARY,
            *_known_as_anything('f"the scopes of client {client_id}"'),
        ),
        Defect(
            "adds the keys to the others",
            DICTIONARY,
            "jwks=dict(wanted)",
            "jwks={**before.jwks, **wanted}",
        ),
        Defect(
            "keys are overwritten",
            DICTIONARY,
            *_known_as_anything('f"the keys of client {client_id}"'),
        ),
        Defect(
            "lists one client only",
            DICTIONARY,
            "iter(list(self._clients.values()))",
            "iter(list(self._clients.values())[:1])",
        ),
        Defect(
            "writes into what is gone",
            DICTIONARY,
            'raise NotFound(f"client {client_id} is not in the register")',
            "return next(iter(self._clients.values()))",
        ),
    ],
    "by_hand": [
        Defect(
            "makes what nobody confirmed",
            BY_HAND,
            '        if client is None:\n            raise Rejected(tr("nobody',
            '        if client is None:\n            return RegisteredClient("made", metadata)\n'
            '            raise Rejected(tr("nobody',
        ),
        Defect(
            "writes as if it could", BY_HAND, "    if confirmed != wanted:\n", "    if False:\n"
        ),
        Defect(
            "what has no file is gone",
            BY_HAND,
            "        if not of_client:\n",
            "        if not of_client:\n            return None\n        if not of_client:\n",
        ),
        Defect(
            "removes as if it could",
            BY_HAND,
            "if self.confirmation(client_id) is not None:",
            "if False:",
        ),
        Defect(
            "removes a product as if it could",
            BY_HAND,
            "if self.read(product, client_id) is not None:",
            "if False:",
        ),
        Defect(
            "finds no client",
            BY_HAND,
            "if confirmation is None or not confirmation.is_there:",
            "if True:",
        ),
        Defect(
            "lists nothing",
            BY_HAND,
            "            if confirmation.is_there:\n                yield",
            "            if False:\n                yield",
        ),
        Defect(
            "no scope is there",
            BY_HAND,
            "scopes=confirmation.scopes",
            "scopes={}",
        ),
        Defect("no key is there", BY_HAND, "members_of(confirmation.jwks or {})", "{}"),
        Defect(
            "no product is there",
            BY_HAND,
            "confirmation.products.get(product) if confirmation else None",
            "None",
        ),
        Defect(
            "lists no product",
            BY_HAND,
            "if confirmation.is_there and configuration is not None:",
            "if False:",
        ),
        Defect(
            "does not say what it forgets",
            BY_HAND,
            '"software_id", "managed_by", "incarnation", "keys_declared"',
            '"managed_by", "incarnation"',
        ),
    ],
    "beheerportaal": [
        Defect(
            "reserves nobody",
            BEHEERPORTAAL,
            "            return reserved_for_operator()\n",
            "            return None\n",
        ),
        Defect(
            "reserves no rights",
            BEHEERPORTAAL,
            "        if not rights:\n",
            "        if True:\n",
        ),
        Defect(
            "is not sure of the operator",
            BEHEERPORTAAL,
            "            return reserved_for_operator()\n",
            '            return Reserved("may be the operator", is_certain=False)\n',
        ),
        Defect(
            "updates a reserved client",
            BEHEERPORTAAL,
            f"{_RESERVED}\n        def write",
            "\n        def write",
        ),
        Defect(
            "removes a reserved client",
            BEHEERPORTAAL,
            f"{_RESERVED}        return self._clients.remove",
            "        return self._clients.remove",
        ),
        Defect(
            "replaces the scopes of the operator",
            BEHEERPORTAAL,
            "        self._require_not_operators(client_id)\n"
            '        path = f"{_client(client_id)}/scopes"',
            '        path = f"{_client(client_id)}/scopes"',
        ),
        Defect(
            "replaces the keys of the operator",
            BEHEERPORTAAL,
            "        self._require_not_operators(client_id)\n"
            '        path = f"{_client(client_id)}/jwks"',
            '        path = f"{_client(client_id)}/jwks"',
        ),
        Defect(
            "any 404 is a client that is gone",
            BEHEERPORTAAL,
            "answer = self._clients.find(_client(client_id))\n",
            "answer = _found(self._api, _client(client_id))\n",
        ),
        Defect(
            "any 404 is a client without scopes",
            BEHEERPORTAAL,
            'answer = self._clients.find(f"{_client(client_id)}/scopes")',
            'answer = _found(self._api, f"{_client(client_id)}/scopes")',
        ),
        Defect(
            "any 404 is a client without keys",
            BEHEERPORTAAL,
            'answer = self._clients.find(f"{_client(client_id)}/jwks")',
            'answer = _found(self._api, f"{_client(client_id)}/jwks")',
        ),
        Defect(
            "attributes are dropped",
            BEHEERPORTAAL,
            'exclude={"jwks_uri"}',
            'exclude={"jwks_uri", "attributes"}',
        ),
        Defect(
            "contacts are dropped",
            BEHEERPORTAAL,
            'exclude={"jwks_uri"})',
            'exclude={"jwks_uri"}) | {"contacts": []}',
        ),
        Defect(
            "incarnations are dropped",
            BEHEERPORTAAL,
            'exclude={"jwks_uri"}',
            'exclude={"jwks_uri", "incarnation"}',
        ),
        Defect(
            "keys_declared is dropped",
            BEHEERPORTAAL,
            'exclude={"jwks_uri"}',
            'exclude={"jwks_uri", "keys_declared"}',
        ),
        Defect(
            "an address of keys is dropped in silence",
            BEHEERPORTAAL,
            "if metadata.jwks_uri is not None:",
            "if False:",
        ),
        Defect(
            "a secret is not set by register",
            BEHEERPORTAAL,
            "document = _document(metadata, client_secret)",
            "document = _document(metadata, None)",
        ),
        Defect(
            "a secret is not set by update",
            BEHEERPORTAAL,
            "_document(wanted, value)",
            "_document(wanted, None)",
        ),
        Defect(
            "a secret alone is no change",
            BEHEERPORTAAL,
            "always=secret is not None",
            "always=False",
        ),
        Defect(
            "other flows stay after a take-over",
            BEHEERPORTAAL,
            "            document = _document(wanted, value",
            "            flows = answer.as_(WireRegisteredClient).metadata.grant_types\n"
            '            kept = wanted.model_copy(update={"grant_types": flows})\n'
            "            document = _document(kept, value",
        ),
        Defect(
            "overwrites what somebody else changed",
            BEHEERPORTAAL,
            *_known_as_anything('tr("client {client}"'),
        ),
        Defect(
            "an update writes each time",
            BEHEERPORTAAL,
            "always=secret is not None",
            "always=True",
        ),
        Defect(
            "another incarnation is another writer",
            BEHEERPORTAAL,
            "known is not None and now == known.as_written_by(now.owner)",
            "False",
        ),
        Defect(
            "an update writes without its ETag",
            BEHEERPORTAAL,
            "self._put(_client(client_id), document, answer)",
            'self._api.request("PUT", _client(client_id), document=document)',
        ),
        Defect(
            "an update is not tried again",
            BEHEERPORTAAL,
            "always=secret is not None",
            "always=secret is not None, conflicts=()",
        ),
        Defect(
            "finds no client",
            BEHEERPORTAAL,
            "return client if client.metadata.software_id == software_id else None",
            "return None",
        ),
        Defect(
            "takes any client for the one with a key",
            BEHEERPORTAAL,
            "pages(most=1, software_id=software_id)",
            "pages(most=1)",
        ),
        Defect(
            "removes what is another's",
            BEHEERPORTAAL,
            "lambda answer: answer.as_(WireRegisteredClient).owner.is_resource_of(owner)",
            "lambda answer: True",
        ),
        Defect(
            "removes by the connection alone",
            BEHEERPORTAAL,
            "owner.is_resource_of(owner)",
            "owner.is_connection_of(owner)",
        ),
        Defect("grants rights of operators", BEHEERPORTAAL, "        require_grantable(wanted)\n"),
        Defect(
            "grants the scopes beside the others",
            BEHEERPORTAAL,
            'document = {"scopes": sorted(wanted)',
            'document = {"scopes": sorted({*wanted, *(self.read_scopes(client_id) or ())})',
        ),
        Defect("no scope is default", BEHEERPORTAAL, '"default": default}', '"default": []}'),
        Defect(
            "scopes are overwritten",
            BEHEERPORTAAL,
            *_known_as_anything('tr("the scopes of client {client}"'),
        ),
        Defect(
            "what a provider assigned is drift",
            BEHEERPORTAAL,
            "granted, self._assigned, wanted",
            "granted, frozenset(), wanted",
        ),
        Defect(
            "keys are overwritten",
            BEHEERPORTAAL,
            *_known_as_anything('tr("the JWK Set of client {client}"'),
        ),
        Defect(
            "one key is written",
            BEHEERPORTAAL,
            "for kid in sorted(wanted)]",
            "for kid in sorted(wanted)[:1]]",
        ),
        Defect(
            "keys are written without their ETag",
            BEHEERPORTAAL,
            "keys),\n            write=lambda answer: self._put(path, document, answer)",
            "keys),\n"
            '            write=lambda answer: self._api.request("PUT", path, document=document)',
        ),
        Defect(
            "lists the first page only",
            BEHEERPORTAAL,
            "                yield item.registered\n",
            "                yield item.registered\n            return\n",
        ),
        Defect(
            "the list has no default scopes",
            PORTAL_WIRE,
            "self.with_parts(self.granted,",
            "self.with_parts(dict.fromkeys(self.granted, False),",
        ),
        Defect(
            "the list has no keys",
            PORTAL_WIRE,
            "self.granted, keys_by_name(self.jwks.keys)",
            "self.granted, {}",
        ),
        Defect(
            "each update changes the secret's moment",
            BEHEERPORTAAL,
            "return client.secret_updated_at if client else None\n\n    def remove",
            f"{_NOW}\n\n    def remove",
        ),
        Defect(
            "never says when a secret was set",
            PORTAL_WIRE,
            "self.client_secret_updated_at or 0",
            "0",
        ),
        Defect(
            "an address within an address is a client-ID",
            BEHEERPORTAAL,
            'f"/clients/{segment(client_id)}"',
            'f"/clients/{client_id}"',
        ),
        Defect(
            "the changes of all clients are recorded",
            BEHEERPORTAAL,
            "most=_AUDIT_PAGE, client_id=client_id",
            "most=_AUDIT_PAGE",
        ),
        Defect(
            "a product of another is overwritten",
            PRODUCTS,
            "            if before is None and answer:",
            "            if False:",
        ),
        Defect(
            "a product is overwritten",
            PRODUCTS,
            "known=before",
            "known=None",
        ),
        Defect(
            "a product of another is removed",
            PRODUCTS,
            "owner.is_resource_of(owner)",
            "owner is not None",
        ),
        Defect("a product bears no owner", PRODUCTS, ", **asdict(after.owner)}", "}"),
        Defect(
            "the products of one page are listed",
            PRODUCTS,
            "for item in page.items:\n",
            "for item in page.items[:0]:\n",
        ),
    ],
    "keycloak": [
        Defect("reserves nobody", RESERVED, "return reserved_for_operator()", "return None"),
        Defect(
            "reserves no rights",
            RESERVED,
            "if rights := sorted(OPERATOR_RIGHTS & client.granted):",
            "if rights := []:",
        ),
        Defect(
            "updates a reserved client",
            KEYCLOAK,
            "        self._require_not_reserved(before, self._reserved.why(before))\n",
        ),
        Defect(
            "removes a reserved client",
            KEYCLOAK,
            "                self._require_not_reserved(client, self._reserved.why(client))\n",
        ),
        Defect(
            "writes into a client that is reserved by name",
            KEYCLOAK,
            "        self._require_not_reserved(client, self._reserved.by_name(client))\n",
        ),
        Defect(
            "a registration grants rights of operators",
            KEYCLOAK,
            "        require_grantable(scopes)\n",
        ),
        Defect("grants rights of operators", KEYCLOAK, "        require_grantable(wanted)\n"),
        Defect(
            "any empty list is a client that is gone",
            KEYCLOAK,
            "            self._address_check.require()\n",
            "            pass\n",
        ),
        Defect(
            "what a wrong address does not have is gone",
            KEYCLOAK,
            "        client = self._listed_client(client_id)\n"
            "        if client is None:\n            self.",
            "        try:\n            client = self._listed_client(client_id)\n"
            "        except Rejected:\n            return None\n"
            "        if client is None:\n            self.",
        ),
        Defect(
            "attributes are dropped",
            KEYCLOAK_WIRE,
            '"protocolMappers": mappers_of(metadata.attributes)',
            '"protocolMappers": []',
        ),
        Defect(
            "attributes are not updated",
            KEYCLOAK,
            "            document |= attributes_document(client.protocol_mappers, "
            "wanted.attributes)\n",
        ),
        Defect(
            "contacts are dropped", KEYCLOAK_WIRE, '"\\n".join(metadata.contacts) or None', "None"
        ),
        Defect(
            "incarnations are dropped",
            KEYCLOAK_WIRE,
            "getattr(metadata, name) for name in names}",
            'getattr(metadata, name) for name in names if name != "incarnation"}',
        ),
        Defect(
            "an address of keys is not written",
            KEYCLOAK_WIRE,
            "if metadata.jwks_uri is not None:",
            "if False:",
        ),
        Defect(
            "no scope is default",
            KEYCLOAK_WIRE,
            '"defaultClientScopes": default',
            '"defaultClientScopes": []',
        ),
        Defect(
            "a secret is not set",
            KEYCLOAK_WIRE,
            'document["secret"] = client_secret',
            "pass",
        ),
        Defect(
            "a secret is not set by update",
            KEYCLOAK,
            "metadata_document(wanted, value)",
            "metadata_document(wanted, None)",
        ),
        Defect(
            "each update changes the secret's moment",
            KEYCLOAK,
            "return client.client_secret_updated_at if client else None",
            _NOW,
        ),
        Defect(
            "a secret alone is no change", KEYCLOAK, "always=secret is not None", "always=False"
        ),
        Defect(
            "other flows stay after a take-over",
            KEYCLOAK_WIRE,
            "**{to_camel(flag): grant in metadata.grant_types for grant, flag in _FLOWS.items()}",
            '"serviceAccountsEnabled": True',
        ),
        Defect(
            "a client taken over keeps what it had",
            KEYCLOAK,
            "if client.metadata.owner.is_nobody:\n                client",
            "if False:\n                client",
        ),
        Defect(
            "a client taken over gets other scopes",
            KEYCLOAK,
            "            self._withdraw_all_but(client_id, before.scopes)\n",
            "            pass\n",
        ),
        Defect(
            "a new client has scopes of Keycloak's",
            KEYCLOAK,
            "client = self._withdraw_all_but(client_id, granted)",
            "client = self._existing(client_id)",
        ),
        Defect(
            "overwrites what somebody else changed",
            f"{SHARED}.writes",
            "if known is None or current in (known, wanted) or is_expected(current):",
            "if True:",
        ),
        Defect(
            "another incarnation is another writer",
            KEYCLOAK,
            " or _is_of_same_connection(current, known)",
        ),
        Defect(
            "two clients have one key",
            KEYCLOAK,
            "existing = self._with_natural_key(metadata.software_id)",
            "existing = None",
        ),
        Defect(
            "finds no client",
            KEYCLOAK,
            "key(software_id)\n        return client.registered if client else None",
            "key(software_id)\n        return None",
        ),
        Defect(
            "removes what is another's",
            KEYCLOAK,
            "if client is None or not client.metadata.owner.is_resource_of(owner):",
            "if client is None:",
        ),
        Defect(
            "removes by the connection alone",
            KEYCLOAK,
            "owner.is_resource_of(owner)",
            "owner.is_connection_of(owner)",
        ),
        Defect(
            "withdraws no scope",
            KEYCLOAK,
            "withdrawn = client.granted - wanted.keys() - self._assigned",
            "withdrawn = frozenset[str]()",
        ),
        Defect(
            "a scope stays default",
            KEYCLOAK,
            "if wanted[name] is not client.scopes[name]}",
            "if False}",
        ),
        Defect(
            "withdraws what a provider assigned",
            KEYCLOAK,
            "client.granted - wanted.keys() - self._assigned",
            "client.granted - wanted.keys()",
        ),
        Defect(
            "a new client gets nothing that a provider assigns",
            KEYCLOAK,
            "granted = {**dict.fromkeys(assigned, True), **scopes}",
            "granted = dict(scopes)",
        ),
        Defect(
            "what a provider assigned is another's change",
            KEYCLOAK,
            "lambda client: without_assigned(client.scopes, self._assigned, wanted)",
            "lambda client: client.scopes",
        ),
        Defect(
            "scopes that a run left half replaced are another's",
            KEYCLOAK,
            "            if known is None:\n                return False",
            "            if True:\n                return False",
        ),
        Defect(
            "scopes are overwritten",
            KEYCLOAK,
            "            if known is None:\n                return False",
            "            if True:\n                return True",
        ),
        Defect(
            "a client that a run took over by half is another's",
            KEYCLOAK,
            "_is_half_taken_over(current, wanted) or ",
        ),
        Defect(
            "a key that moved is found by the next run only",
            KEYCLOAK,
            "        self._note_written(client_id, wanted)\n",
        ),
        Defect(
            "a client is found by the next run only",
            KEYCLOAK,
            "        self._note_written(client_id, metadata)\n",
        ),
        Defect(
            "a removal whose answer was lost fails",
            KEYCLOAK,
            "                if self._find(client_id) is not None:\n                    raise\n",
            "                raise\n",
        ),
        Defect(
            "does not look at what came of a write",
            f"{SHARED}.writes",
            "if reads_back and (after := part_of(read())) != wanted:",
            "if reads_back and (after := part_of(read())) is None:",
        ),
        Defect(
            "an address of keys stays beside the keys",
            KEYCLOAK_WIRE,
            '            "use.jwks.url": "false",\n            "jwks.url": None,\n',
        ),
        Defect(
            "a key without a use gets no token",
            KEYCLOAK_WIRE,
            "_with_use(jwks[kid])",
            "jwks[kid]",
        ),
        Defect(
            "keys are not replaced",
            KEYCLOAK,
            "lambda client: self._put(client, jwks_document(wanted)),",
            "lambda client: None,",
        ),
        Defect(
            "one key is written",
            KEYCLOAK_WIRE,
            "for kid in sorted(jwks)]}, sort_keys",
            "for kid in sorted(jwks)[:1]]}, sort_keys",
        ),
        Defect(
            "lists the first page only",
            KEYCLOAK,
            "            bounded.require_end(page)\n",
            "            return\n",
        ),
        Defect(
            "lists the operator among the clients",
            KEYCLOAK,
            "if client.is_connection and not self._reserved.by_name(client)",
            "if True",
        ),
        Defect(
            "does not say what a registration wrote",
            KEYCLOAK,
            "replace(client.registered, scopes=made)",
            "replace(client.registered, scopes={}, jwks={})",
        ),
    ],
}
_FOUND = """

def _found(api, path):
    from acmidm_onboarding.authorities.errors import NotFound

    try:
        return api.request("GET", path)
    except NotFound:
        return None
"""
"""A read of an adapter that believes each 404, for the defects that call it."""


class Count:
    """A plugin of pytest, which runs the suite once per defect and notes what found it.

    What has found a defect ends the tests of it.
    """

    def __init__(self, defects: Sequence[Defect]) -> None:
        self.found_by: dict[Defect, str | None] = dict.fromkeys((SOUND, *defects))
        self.present = SOUND

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        metafunc.parametrize("defect", [*self.found_by], ids=str, indirect=True, scope="session")

    @pytest.fixture(scope="session", autouse=True)
    def defect(self, request: pytest.FixtureRequest) -> Iterator[None]:
        self.present = request.param
        with put_in(self.present):
            yield
        self.say()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and report.when != "teardown":
            self.found_by[self.present] = self.found_by[self.present] or report.nodeid

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        wanted = item.callspec.params["defect"]  # type: ignore[attr-defined]
        if self.found_by[wanted]:
            pytest.skip("found")

    def say(self) -> None:
        """Print what found the present defect, as soon as that is known."""
        test = self.found_by[self.present] or "nothing"
        sys.stdout.write(f"{self.present}: {test.partition('::')[2].partition('[')[0] or test}\n")
        sys.stdout.flush()

    def pytest_report_teststatus(self) -> tuple[str, str, str]:
        return "", "", ""


@contextmanager
def put_in(defect: Defect) -> Iterator[None]:
    """Let the changed text of a module stand for the module, in whatever has imported of it."""
    if defect is SOUND:
        yield
        return
    sound = import_module(defect.module)
    changed = ModuleType(sound.__name__)
    vars(changed).update(__file__=sound.__file__, __package__=sound.__package__)
    sys.modules[sound.__name__] = changed
    exec(changed_code(defect), vars(changed))  # noqa: S102 - our own file
    own = {
        name: value
        for name, value in vars(sound).items()
        if getattr(value, "__module__", None) == sound.__name__
    }
    importers = [
        (module, name)
        for module in [*sys.modules.values()]
        if module is not sound and module.__name__.startswith(SHARED)
        for name, value in vars(module).items()
        if any(value is one for one in own.values())
    ]
    for module, name in importers:
        setattr(module, name, vars(changed)[name])
    installed_authorities.cache_clear()  # a type may be in that file
    try:
        yield
    finally:
        sys.modules[sound.__name__] = sound
        installed_authorities.cache_clear()
        for module, name in importers:
            setattr(module, name, own[name])


def changed_code(defect: Defect) -> CodeType:
    """Compile the file of a defect's module with the defect in it. Raises ValueError where the file
    does not have the text once."""
    file = str(import_module(defect.module).__file__)
    source = Path(file).read_text()
    if source.count(defect.text) != 1:
        raise ValueError(f"{file} has {source.count(defect.text)} times {defect.text!r}")
    return compile(source.replace(defect.text, defect.instead) + _FOUND, file, "exec")


def count(authority: str, defects: Sequence[Defect]) -> int:
    """Put each defect into the adapter of an authority, and print what found it. Return how many
    nothing found.

    Raises:
        SystemExit: where the suite does not pass without a defect.
    """
    counted = Count(defects)
    with TemporaryDirectory() as folder:
        words = ["--authority", authority]
        if authority == DICTIONARY_TYPE:
            sys.path.insert(0, str(dictionary_site()))
            installed_authorities.cache_clear()
            file = Path(folder) / "Pulumi.theirs.yaml"
            settings = {
                full_key(key): value for key, value in {**SETTINGS, "environment": "tni"}.items()
            }
            file.write_text(yaml.safe_dump({"config": settings}))
            words += ["--stack-file", str(file)]
        files = [str(SUITE / name) for name in FILES]
        quiet = ("-qq", "-s", "--tb=no", "--no-summary", "-p", "no:cacheprovider")
        code = pytest.main([*quiet, *words, *files], [counted])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise SystemExit(f"the suite did not run on {authority}: pytest ended with {code}")
    if counted.found_by.pop(SOUND):
        raise SystemExit(f"the suite fails on {authority} without a defect: correct that first")
    return sum(test is None for test in counted.found_by.values())


def main(names: Sequence[str]) -> int:
    """Count for some adapters, or for all of them."""
    wanted = names or [*DEFECTS]
    missed = sum(count(name, DEFECTS[name]) for name in wanted)
    total = sum(len(DEFECTS[name]) for name in wanted)
    sys.stdout.write(f"{total - missed} of {total} defects were found\n")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
