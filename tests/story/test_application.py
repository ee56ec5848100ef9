"""The story of ``make demo``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from acmidm_onboarding.settings import AuthorityKind
from story.application import Application
from story.authorities import Authorities
from story.forms import DOSSIER
from story.scratch import CommandFailed, Scratch
from story.telling import Step


@pytest.mark.exhaustive
def test_an_application_gets_from_its_form_to_a_notification_and_on_to_dosis(tmp_path: Path) -> None:
    """The notification is accepted; DOSIS is refused without its scope, accepted after the scope extension, and its result read."""
    steps: list[Step] = []
    scratch = Scratch(tmp_path / "repository")
    Application(scratch, Authorities(scratch, AuthorityKind.BEHEERPORTAAL), steps.append).tell()
    posted = [step.output for step in steps if step.command.startswith("POST")]
    assert [output.partition(":")[0] for output in posted] == ["accepted", "refused", "accepted"]
    assert "dv_dosis_schrijven" in posted[1]
    (result,) = [json.loads(step.output) for step in steps if step.command.startswith("GET")]
    assert (result["Succes"], result["Identificatie"]) == (True, DOSSIER["Identificatie"])
    (preview,) = [step.output for step in steps if step.command.startswith("pulumi preview")]
    assert '+ dv_dosis_schrijven: "dossiers in Mijn Burgerprofiel (SD-4711)"' in preview
    assert '"d"' not in "".join(step.output for step in steps), "no private key member is shown"
    assert json.loads(scratch.run("pulumi", "stack", "export", "--stack", "tni"))["deployment"]["resources"]
    assert "stopped" in scratch.run("acmidm", "portal", "status", code=1)


def test_what_went_wrong_first_is_what_is_reported(tmp_path: Path) -> None:
    """Stopping the authorities then fails too, and says nothing of use."""
    scratch = Scratch(tmp_path / "repository", more={"PATH": str(tmp_path)})
    (tmp_path / "git").symlink_to(shutil.which("git") or "")
    (tmp_path / "pulumi").symlink_to("/bin/false")
    with pytest.raises(CommandFailed, match=r"^pulumi stack init"):
        Application(scratch, Authorities(scratch, AuthorityKind.BEHEERPORTAAL), print).tell()
