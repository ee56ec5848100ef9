"""A project whose clients people make by hand, at a real portal that the project does not reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.by_hand import adopt, made_by_hand
from tests.support.command_line import CommandLine
from tests.support.engine import Project, settings_of
from tests.support.fixtures import portal, registry
from tests.support.forms import PLAIN, SEND, FormFile, write_form
from tests.support.mail_server import MailServer, running_mail_server
from tests.support.portal import RunningPortal
from tests.support.registry import Registry

__all__ = ["portal", "registry"]

CONFIRMED = Path("confirmed/tni/acmidm")
BY = "iemand@vlaanderen.example"


@dataclass
class ByHand:
    """A project with its forms, and the person who carries its orders out at the portal."""

    project: Project
    registry: Registry
    mails: MailServer
    forms: dict[str, FormFile]
    client_ids: dict[str, str]
    """Those of the clients as somebody made them, per form."""

    def orders(self, *words: str) -> list[dict[str, Any]]:
        listed = CommandLine(self.project).json("orders", "list", "--stack", "tni", *words)
        return list(listed["orders"])

    def open_parts(self) -> set[tuple[str, str]]:
        """The form and the part of each order that is open."""
        names = {form.key: name for name, form in self.forms.items()}
        return {(names[one["key"]], one["part"]) for one in self.orders() if "refused" not in one}

    def done(self, order: str, *words: str) -> None:
        said = self.project.acmidm("orders", "done", order, "--stack", "tni", "--by", BY, *words)
        assert said.code == 0, said.output

    def carry_out(self) -> None:
        """Confirm every order, until there is none."""
        names = {form.key: name for name, form in self.forms.items()}
        for _ in range(3):
            for one in self.orders():
                given = {
                    "create": ("--client-id", self.client_ids[names[one["key"]]]),
                    "look": ("--no-keys",),
                }
                self.done(one["order"], *given.get(one["act"], ()))
        assert not self.orders()

    def confirmation(self, name: str) -> Path:
        form = self.forms[name]
        return self.project.folder / CONFIRMED / form.code / f"{form.application}.yaml"

    def confirmed(self, name: str) -> dict[str, Any]:
        return dict(yaml.safe_load(self.confirmation(name).read_text()))

    def recorded(self) -> set[str]:
        """The forms whose clients the state has."""
        resources = self.project.resources()
        return {name for name, form in self.forms.items() if f"OAuthClient {form.key}" in resources}

    def deploy(self) -> str:
        ended = self.project.recover()
        assert ended.code == 0, ended.output
        return ended.output


@pytest.fixture(scope="module")
def by_hand(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ByHand]:
    """Forms of several clients; nothing is brought up yet."""
    project = Project(tmp_path_factory.mktemp("by-hand"))
    with running_mail_server() as mails:
        reached = settings_of(portal)
        del reached["managementUrl"], reached["operatorClientId"]
        mailing = {
            "smtpUrl": f"smtp://127.0.0.1:{mails.port}",
            "mailSender": "DV <noreply@dv.example>",
        }
        project.prepare(
            {**reached, **mailing, "authority": "by_hand", "confirmedFolder": str(CONFIRMED)}
        )
        forms = {
            name: write_form(project.forms, f"gent/{name}", scopes=(PLAIN,))
            for name in ("hand", "lost", "goes")
        }
        forms["more"] = write_form(project.forms, "gent/more", scopes=(SEND,))
        forms["portal"] = write_form(project.forms, "gent/portal", scopes=(PLAIN,), keys=())
        forms["adopted"] = write_form(project.forms, "gent/adopted", scopes=(PLAIN,))
        made = {name: made_by_hand(registry, form) for name, form in forms.items()}
        adopt(forms["adopted"], made["adopted"])
        yield ByHand(project, registry, mails, forms, made)
