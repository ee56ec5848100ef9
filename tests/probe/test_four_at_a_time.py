"""Connections of a supplier are tried four at a time: a token endpoint bounds what one address may
send."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from acmidm.probe.findings import Probe, Wording
from acmidm.probe.many import probe_all
from acmidm_onboarding.texts import Language
from tests.support.busy import Busy


def test_four_connections_are_tried_at_a_time() -> None:
    busy = Busy(4)

    def try_connection(*_: object, **__: object) -> Probe:
        busy()
        return Probe(Wording("endpoint"), ())

    given: Any = SimpleNamespace(
        context=SimpleNamespace(client_id="id"),
        loaded=SimpleNamespace(name="a/b"),
        try_connection=try_connection,
    )
    probe_all([given] * 12, cast("Any", None), None, Language.EN)
    assert busy.most == 4
