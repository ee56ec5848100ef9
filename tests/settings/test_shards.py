"""Stacks that share the forms of an environment: no form is taken twice, and none by nobody."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from acmidm_onboarding.settings import InvalidSettings
from acmidm_onboarding.stack_files import stacks_in
from acmidm_onboarding.values.terms import Environment

ISSUER = "https://idp.example/op"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("aalst", "gent", "zele"):
        (tmp_path / "onboardings" / name).mkdir(parents=True)
        for file in ("organisation.yaml", "loket.yaml"):
            (tmp_path / "onboardings" / name / file).touch()
    return tmp_path


def write(folder: Path, stack: str, organisations: str | None, **changes: str) -> None:
    values = {"environment": "tni", "issuer": ISSUER, "organisations": organisations, **changes}
    config = {f"acmidm:{key}": value for key, value in values.items() if value is not None}
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))


@pytest.mark.parametrize("others", [None, "g*", "aalst gent"])
def test_a_form_that_two_stacks_take(folder: Path, others: str | None) -> None:
    write(folder, "a", "aalst gent")
    write(folder, "b", "zele")
    write(folder, "of-production", None, environment="prod")
    write(folder, "elsewhere", None, issuer="https://other.example/op")
    write(folder, "other-forms", None, formsFolder="others")
    stacks_in(folder)
    write(folder, "c", others)
    with pytest.raises(InvalidSettings) as caught:
        stacks_in(folder)
    form = "gent/loket" if others == "g*" else "aalst/loket"
    name = form.partition("/")[0]
    assert (
        str(caught.value)
        == f"stacks a and c both take {form}; have acmidm:organisations of one of them leave"
        f" {name} out"
    )


def test_stacks_that_take_all_are_as_before(folder: Path) -> None:
    write(folder, "a", None)
    write(folder, "b", None)
    assert stacks_in(folder).untaken(Environment.TNI, ["gent/loket"]) == []


def test_what_nobody_takes(folder: Path) -> None:
    """An environment without a stack is none of this project's."""
    write(folder, "a", "aalst")
    write(folder, "b", "g*")
    stacks, forms = stacks_in(folder), ["aalst/loket", "gent/loket", "zele/loket"]
    assert stacks.untaken(Environment.TNI, forms) == ["zele/loket"]
    assert stacks.untaken(Environment.PROD, forms) == []
    write(folder, "c", None, issuer="https://other.example/op")
    assert stacks_in(folder).untaken(Environment.TNI, forms) == []
