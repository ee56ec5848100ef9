"""The gate to production, where two stacks of TNI have the connections."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.shards.conftest import Shards
from tests.support.engine import Project
from tests.support.evidence import prove
from tests.support.forms import PLAIN, FormFile, write_form
from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal
from tests.support.registry import Registry


def test_evidence_counts_on_whichever_stack_has_the_connection(
    shards: Shards, portal: RunningPortal, registry: Registry, tmp_path: Path
) -> None:
    """The board names the stack that has to run. One that cannot be read hides nothing of the
    other."""
    prod = Project(shards.a.folder, "prod")
    with running_portal(tmp_path / "production", environment="prod", **offered()) as production:
        prod.connect(
            production, promotionGate="enforce", promotionStack="tni-a tni-b", protectClients=False
        )

        def written(name: str) -> FormFile:
            form = write_form(shards.forms, name, scopes=(PLAIN,), keys=("tni-key",))
            form.document["environments"]["prod"] = {"scopes": {PLAIN: {}}}
            form.add_key("prod-key", "prod")
            form.save()
            return form

        gent, zele = written("gent/loket"), written("zele/loket")
        for project in (shards.a, shards.b):
            project.apply()
        for form in (gent, zele):
            client_id = registry.client(form.application)["client_id"]
            prove(portal, form, "tni-key", client_id, PLAIN, organisation=form.code)
        board = prod.acmidm("status", "--board", "--stack", "prod", "--language", "en")
        for stack in ("tni-a", "tni-b"):
            assert f"acmidm deploy --stack {stack}" in board.stdout, board.output
        for project in (shards.a, shards.b):
            project.apply()

        prod.configure({"promotionStack": "gone tni-b"})
        held_back = prod.recover()
        assert (
            'nothing is proven, for TNI cannot be looked at: there is no stack "gone"'
            in held_back.output
        )
        assert [
            place.partition(" ")[2] for place in prod.resources() if "OAuthClient" in place
        ] == [zele.key]
        prod.configure({"promotionStack": "tni-a tni-b"})
        deployed = prod.recover()
        assert deployed.code == 0, deployed.output
        assert {
            place.partition(" ")[2] for place in prod.resources() if "OAuthClient" in place
        } == {gent.key, zele.key}
