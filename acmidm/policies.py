"""``acmidm policies``: the policy pack over all that a stack would have, whoever declares it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acmidm import engine
from acmidm.terminal import Code, fail
from acmidm.words import WHOLE, plain

_PACK = Path("policies", "pack")

EPILOG = """
**Examples**

- `acmidm policies --stack prod`

**Exit codes**: 0 the policies allow it; 1 they do not, or there is no preview; 2 wrong use; 3 the engine cannot be reached.
"""


def policies(
    stack: Annotated[str, typer.Option(metavar="STACK", help="The stack, as in Pulumi.STACK.yaml.")] = "tni",
) -> None:
    """Check all that a stack would have by the policies. What else is refused, and held back, is a review's to say."""
    from acmidm.stacks import ask_what_is_there, stack_of
    from acmidm_onboarding.handed import handing

    opened = stack_of(stack)
    for sentence in ask_what_is_there(opened):
        typer.echo(plain(f"warning: {sentence}", WHOLE), err=True)
    quietly = ("--suppress-outputs", "--suppress-progress")
    with handing(stack, opened.there or {}) as handed:
        if engine.run("preview", "--stack", stack, "--policy-pack", str(_PACK.absolute()), *handed, *quietly):
            fail(f"{stack} is not brought up like this: what a policy forbids, or a mistake, is above", Code.FOUND)
