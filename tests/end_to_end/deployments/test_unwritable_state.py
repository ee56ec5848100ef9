"""A state that nobody can write to, such as on a file system that was mounted read-only: nothing is
done, and one sentence says why."""

from __future__ import annotations

import shutil

from tests.support.engine import Project
from tests.support.forms import DOSSIERS, SEND, write_form
from tests.support.made_anew import there
from tests.support.registry import Registry


def test_a_state_that_cannot_be_written_changes_nothing(
    project: Project, registry: Registry
) -> None:
    """A repair said "2 errors occurred:" and no more. Root may write to any folder, so what has the
    locks is a file here."""
    form, leaves = (
        write_form(project.forms, f"gent/{name}", scopes=(SEND, DOSSIERS))
        for name in ("stays", "leaves")
    )
    project.apply()
    registry.set_scopes(registry.client(form.application)["client_id"], [SEND])
    before = there(registry, [form, leaves])
    locks = project.folder / "state" / ".pulumi" / "locks"
    shutil.rmtree(locks)
    locks.touch()
    leaves.remove()

    healed = project.acmidm("drift", "--stack", "tni", "--heal")
    (reason,) = [line for line in healed.stdout.splitlines() if line.startswith("refused  ")]
    assert reason == f"refused  mkdir {locks}: not a directory"
    deployed = project.recover()
    assert (healed.code, deployed.code, there(registry, [form, leaves])) == (1, 1, before), (
        deployed.output
    )

    locks.unlink()
    assert project.recover().code == 0
    assert registry.clients(leaves.application) == []
    assert project.acmidm("drift", "--stack", "tni", "--heal").code == 0
    assert DOSSIERS in registry.client(form.application)["scopes"]
