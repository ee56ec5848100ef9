"""Check all that a stack would have by the policies. What else is refused, and held back, is a
review's to say."""

from __future__ import annotations

from pathlib import Path

from acmidm.engine import pulumi as engine
from acmidm.engine.stacks import ask_what_is_there, stack_of
from acmidm.terminal import Code, StackOption, fail
from acmidm_onboarding.texts import say

_PACK = Path("policies", "pack")

EPILOG = """
**Examples**

- `acmidm policies --stack prod`

**Exit codes**: 0 the policies allow it; 1 they do not, or there is no preview; 2 wrong use; 3 the
engine cannot be reached.
"""


def policies(stack: StackOption = "tni") -> None:
    """Check all that a stack would have by the policies. What else is refused, and held back, is a
    review's to say."""
    opened = stack_of(stack)
    ask_what_is_there(opened)
    words = (
        "preview",
        "--policy-pack",
        str(_PACK.absolute()),
        "--suppress-outputs",
        "--suppress-progress",
    )
    if engine.run(stack, *words, there=opened.at_authorities or {}):
        fail(say("deploy.forbidden", stack=stack), Code.FOUND)
