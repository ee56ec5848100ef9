"""What several clients do, of each kind in the table: grammar, in the words of the headline."""

from __future__ import annotations

import re

from acmidm.report.kinds import Kind

KINDS = [kind for kind in Kind if kind.entry.counted]
IRREGULAR = {"is": "are", "has": "have", "goes": "go", "passes": "pass"}
OF_ONE = re.compile(r"\b(is|has|does|was|it|its|itself|[a-z]+goes|passe|goe)\b")


def test_several_clients_are_many() -> None:
    """Its first verb, each that follows, and what stands for the client."""
    wrong = {}
    for kind in KINDS:
        one, many = kind.headlined(1), kind.headlined(5)
        verb = re.match(r"(?:no longer )?(\w+)", one)
        assert verb is not None
        plural = IRREGULAR.get(verb[1], verb[1].removesuffix("s"))
        if many.removeprefix("no longer ").split()[0] != plural or OF_ONE.search(many):
            wrong[kind.value] = many
    assert wrong == {}


def test_what_stands_for_a_client_stands_for_several() -> None:
    said = {kind: kind.headlined(5) for kind in KINDS}
    assert said[Kind.CLIENT_LET_GO] == "are let go"
    assert said[Kind.UNPROVEN] == "go to production unproven"
    assert said[Kind.GATE_PASSED] == "pass the gate"
    assert said[Kind.KEYS_OFF_ADDRESS] == "no longer take their keys from an address"
    assert said[Kind.SECOND_KEY_WITHOUT_KID] == "get a second key while they sign without kid"
    assert said[Kind.KEYS_HANDED_OVER] == "leave their keys to the portal"
    assert said[Kind.CLIENT_REMOVED] == "are removed"
