"""What the engine's refusal to remove a protected client leaves unsaid: what to write in the form.

The engine names a resource and gives advice about programs, among it to lift the protection in the state by hand. In a preview
the program therefore compares what it declares with the stack's outputs, as the last run left them, and says the same for a
form's author. Only in a preview: a run writes the state that would be read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi

from components.model.connection import Connection
from components.model.form import Platform


def warn_of_refusals(declared: Sequence[Connection]) -> None:
    """Warns of each protected client that the engine is going to refuse to remove or replace, where this is a preview."""
    if pulumi.runtime.is_dry_run():
        for sentence in refusals(_connections_of_the_last_run(), declared):
            pulumi.log.warn(sentence)


def refusals(before: Mapping[str, Mapping[str, Any]], declared: Sequence[Connection]) -> Iterator[str]:
    """A sentence for each protected client that the forms no longer declare, or declare as another client."""
    wanted = {(connection.name, connection.platform.value): connection for connection in declared}
    names = {connection.name for connection in declared}
    for name, platforms in sorted(before.items()):
        for platform, had in sorted(platforms.items()):
            if not had.get("protected"):
                continue
            client = f"client {had['client_id']} on {platform}"
            connection = wanted.get((name, platform))
            if connection is None and name in names and platform != Platform.ACMIDM:
                yield (
                    f"{name}: {client} is protected, so that removing the platform is refused; put {platform} back under platforms "
                    f"with ending: [{platform}], run pulumi up, and remove both in a next change"
                )
            elif connection is None:
                yield f"{name}: {client} is protected, so that removing it is refused; put the form back, or see docs/operations.md"
            elif (connection.organisation.code, connection.application) != (had["organisation_code"], had["application"]):
                yield (
                    f"{name}: {client} is protected, and another organisation code or application would replace it, which is refused; "
                    "undo that change, or see docs/operations.md"
                )


def _connections_of_the_last_run() -> dict[str, dict[str, Any]]:
    """The output ``connections`` of this stack, without the resource that a StackReference would leave in the state."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    try:
        answer = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": stack})
    except Exception as error:  # no narrower one is raised; somebody else's run may be writing the state right now
        pulumi.log.debug(f"the outputs of the last run cannot be read: {error}")
        return {}
    found: dict[str, dict[str, Any]] = (answer.value or {}).get("outputs", {}).get("connections", {})
    return found
