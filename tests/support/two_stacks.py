"""One project with a stack of TNI and one of production, whose gate wants evidence."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from tests.support.command_line import CommandLine
from tests.support.engine import Outcome, Project
from tests.support.evidence import prove, write_evidence
from tests.support.forms import PLAIN, FormFile, write_form
from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal
from tests.support.registry import Registry
from tests.support.repository import git
from tests.support.together import OneStack, Shown


@dataclass(kw_only=True)
class TwoStacks(OneStack):
    """Cases that share one project with two stacks: production, with the gate and protected
    clients; and TNI, which is made when it is first brought up."""

    prod: Project
    in_prod: Registry

    phases: ClassVar[Sequence[str]] = ("up", "destroy", "prod_up", "prod_heal", "prod_deploy")
    slow_reads: ClassVar[Collection[str]] = (*OneStack.slow_reads, "prod_review")
    last_reads: ClassVar[Collection[str]] = (*OneStack.last_reads, "prod_settled")

    def up(self) -> Outcome:
        if not (self.project.folder / f"Pulumi.{self.project.stack}.yaml").exists():
            self.project.connect(self.portal)
        return super().up()

    def destroy(self) -> Outcome:
        """``pulumi destroy`` of TNI, whose stack stays."""
        return self.project.succeed("destroy", "--yes", "--skip-preview", "--suppress-progress")

    def remove_stack(self) -> None:
        """Remove TNI's stack, which has nothing any more."""
        self.project.succeed("stack", "rm", self.project.stack, "--yes")

    def prod_up(self) -> Outcome:
        return self.prod.up()

    def prod_deploy(self) -> Outcome:
        return self.prod.recover()

    def prod_settled(self) -> Shown:
        """What a run would still change of production once all cases are done."""
        return OneStack(self.prod, self.in_prod, self.portal).looking_preview()

    def prod_review(self) -> dict[str, Any]:
        """The review of production, once all forms are committed."""
        if not (self.prod.folder / ".git").exists():
            git(self.prod.folder, "init", "--quiet")
        git(self.prod.folder, "add", "onboardings")
        git(self.prod.folder, "commit", "--quiet", "--message=x")
        return self._of_prod("review")

    def prod_drift(self) -> dict[str, Any]:
        return self._of_prod("drift")

    def prod_heal(self) -> dict[str, Any]:
        return self._of_prod("drift", "--heal")

    def prod_connections(self) -> Collection[str]:
        """The keys of what the last run declared on production."""
        return set(self.prod.outputs().get("connections", ()))

    def prove(self, form: FormFile, kid: str, *scopes: str, **changes: Any) -> Path:
        """Prove a connection on TNI, as the probe does."""
        client_id = self.registry.client(form.application)["client_id"]
        return prove(self.portal, form, kid, client_id, *scopes, **changes)

    def record_evidence(self, form: FormFile, kid: str, *scopes: str) -> None:
        """Write evidence without getting a token by it."""
        write_evidence(
            form.path.parent,
            form.keys[kid].as_dict(private=True),
            application=form.application,
            client_id=self.registry.client(form.application)["client_id"],
            issuer=self.portal.issuer,
            scopes=list(scopes),
        )

    def _of_prod(self, *words: str) -> dict[str, Any]:
        shown = CommandLine(self.prod).run(*words, "--stack", "prod", "--output", "json")
        found: dict[str, Any] = json.loads(shown.stdout)
        return found


@contextmanager
def two_stacks(folder: Path, portal: RunningPortal, registry: Registry) -> Iterator[TwoStacks]:
    """Yield both stacks; TNI is at ``portal``, and production at one of its own."""
    with (
        running_portal(folder / "prod-portal", environment="prod", **offered()) as of_prod,
        of_prod.operator() as http,
    ):
        prod = Project(folder / "project", stack="prod")
        prod.connect(of_prod, promotionGate="enforce", protectClients=True)
        tni = Project(prod.folder)
        yield TwoStacks(tni, registry, portal, prod=prod, in_prod=Registry(http))


def with_production(
    project: Project,
    name: str,
    *,
    in_portal: bool = False,
    scopes: Sequence[str] = (PLAIN,),
    **changes: Any,
) -> FormFile:
    """A form that has the same for both environments, but keys of its own for each."""
    form = write_form(
        project.forms,
        f"gent/{name}",
        scopes=scopes,
        keys=() if in_portal else ("tni-key",),
        **changes,
    )
    wanted = json.loads(json.dumps(form.request()))
    wanted.pop("jwks", None)
    form.document["environments"]["prod"] = wanted
    if not in_portal:
        form.add_key("prod-key", "prod")
    form.save()
    return form
