"""One project with a stack of TNI and one of production, whose gate wants evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import Project
from tests.support.evidence import prove
from tests.support.forms import PLAIN, FormFile, write_form
from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal
from tests.support.registry import Registry


@dataclass
class Both:
    """One project with two stacks; production has the gate."""

    tni: Project
    prod: Project
    on_tni: Registry
    in_prod: Registry
    test_portal: RunningPortal

    def prove(self, form: FormFile, kid: str, *scopes: str) -> Path:
        """Prove a connection on TNI, as the probe does."""
        return prove(
            self.test_portal, form, kid, self.on_tni.client(form.application)["client_id"], *scopes
        )


@pytest.fixture
def both(tmp_path: Path, portal: RunningPortal, registry: Registry) -> Iterator[Both]:
    with (
        running_portal(tmp_path / "prod-portal", environment="prod", **offered()) as other,
        other.operator() as http,
    ):
        tni, prod = Project(tmp_path / "project"), Project(tmp_path / "project", stack="prod")
        prod.connect(other, promotionGate="enforce")
        yield Both(tni, prod, registry, Registry(http), portal)
        # The first of the two may not be there at all until a test connects it.
        assert portal.origin != other.origin


def with_production(
    project: Project, name: str, *, in_portal: bool = False, **changes: Any
) -> FormFile:
    form = write_form(
        project.forms,
        f"gent/{name}",
        scopes=(PLAIN,),
        keys=() if in_portal else ("tni-key",),
        **changes,
    )
    form.document["environments"]["prod"] = {"scopes": {PLAIN: {}}}
    if not in_portal:
        form.add_key("prod-key", "prod")
    form.save()
    return form
