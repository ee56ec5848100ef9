"""What all stories share: a scratch repository with authorities of its own, and the steps that are shown of it."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from jwcrypto.jwk import JWK

from acmidm_onboarding.settings import AuthorityKind
from story.authorities import Authorities
from story.forms import KEY, NAME, ORGANISATIONS
from story.scratch import CommandFailed, Scratch

FORM = f"onboardings/{NAME}.yaml"
_KEY_DAYS = 365
_RESOURCE = re.compile(r"[-+~]+ .*:.* (created|updated|deleted|replaced) ")
_DURATION = re.compile(r" \([0-9.]+s\)")


class Shown(StrEnum):
    """How a step's output is shown: as a terminal has it, as a page of GitHub does, or as a file or a change of one."""

    CONSOLE = "console"
    MARKDOWN = "markdown"
    YAML = "yaml"
    DIFF = "diff"


@dataclass(frozen=True)
class Step:
    title: str
    text: str
    command: str
    output: str
    shown: Shown = Shown.CONSOLE


@dataclass
class Telling(ABC):
    """Tells a story in ``scratch``; ``say`` hears each step as soon as it is done."""

    told_on: ClassVar[frozenset[AuthorityKind]] = frozenset(AuthorityKind)

    scratch: Scratch
    authorities: Authorities
    say: Callable[[Step], None]

    def tell(self) -> None:
        """Raises CommandFailed where a step does not end as it should."""
        self.scratch.lay_out()
        try:
            self.authorities.start()
            self._tell()
        except BaseException:
            # What went wrong first is what is reported, whatever becomes of the end.
            with suppress(CommandFailed, OSError):
                self.authorities.stop()
            raise
        self.authorities.stop()

    @abstractmethod
    def _tell(self) -> None: ...

    def _add_organisation(self, folder: str) -> None:
        self.scratch.write(f"onboardings/{folder}/organisation.yaml", ORGANISATIONS[folder])

    def _change(self, title: str, text: str, form: str) -> None:
        """Write the form again, and show the lines that are new."""
        self.scratch.write(FORM, form)
        change = self.scratch.run("git", "diff", "--unified=0", "--", FORM)
        lines = [line for line in change.splitlines() if line.startswith("+") and not line.startswith("+++")]
        self.say(Step(title, text, FORM, "\n".join(lines), Shown.DIFF))

    def _command(self, title: str, text: str, command: str, code: int = 0, shown: Shown = Shown.CONSOLE) -> None:
        self.say(Step(title, text, command, self.scratch.run(*command.split(), code=code), shown))

    def _deploy(self, title: str, text: str, stack: str) -> None:
        command = f"acmidm deploy --stack {stack}"
        self.say(Step(title, text, command, self._resources(self.scratch.run(*command.split()))))

    @staticmethod
    def _resources(output: str) -> str:
        """The lines of an ``up`` that say what became of which resource, in one order and without how long it took.

        Not its counts: they have the component too, of which it says no such thing.
        """
        lines = [line.strip() for line in output.splitlines()]
        return "\n".join(sorted(_DURATION.sub("", line) for line in lines if _RESOURCE.match(line)))

    def _client_id(self, stack: str = "tni") -> str:
        outputs = json.loads(self.scratch.run("pulumi", "stack", "output", "--json", "--stack", stack))
        return str(outputs["connections"][KEY]["acmidm"]["client_id"])

    def _write_key(self, name: str) -> JWK:
        """A new pair, whose public half is beside its form."""
        key = JWK.generate(kty="EC", crv="P-256", kid=name.rpartition("/")[2], use="sig", alg="ES256")
        self.scratch.write(f"onboardings/{name}.jwk.json", json.dumps(_public(key), indent=2) + "\n")
        return key


def new_public_key(kid: str) -> dict[str, object]:
    return _public(JWK.generate(kty="EC", crv="P-256", kid=kid, use="sig", alg="ES256"))


def _public(key: JWK) -> dict[str, object]:
    end = datetime.now(UTC) + timedelta(days=_KEY_DAYS)
    return {**json.loads(key.export_public()), "exp": int(end.timestamp())}
