"""The story, step by step. Each step is a command that was really run, with what it said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from jwcrypto.jwk import JWK

from story.authorities import Authorities
from story.forms import AALST, DOSIS, GENT, GENT_PROD, NAME, SCOPE_EXTENSION
from story.scratch import Scratch

FORM = f"onboardings/{NAME}.yaml"
SLIPPED_IN = "tijdelijk"
GRANTED = "dv_organisatieregister_info"
_UP = ("pulumi", "up", "--yes", "--skip-preview", "--continue-on-error", "--suppress-outputs", "--suppress-progress", "--stack")
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
class Telling:
    """Tells the story in ``scratch``; ``say`` hears each step as soon as it is done."""

    scratch: Scratch
    authorities: Authorities
    say: Callable[[Step], None]

    def tell(self) -> None:
        """Raises CommandFailed where a step does not end as it should."""
        self.scratch.lay_out()
        self.authorities.start()
        try:
            self._before()
            self._onboarding()
            self._scope_extension()
            self._drift()
            self._promotion()
        finally:
            self.authorities.stop()

    def _before(self) -> None:
        """One connection is there already."""
        self._write_key("stad-aalst", "e-loket-tni")
        self.scratch.write("onboardings/stad-aalst/e-loket.yaml", AALST)
        self.scratch.commit("Stad Aalst, e-loket: first connection")
        for stack in ("tni", "prod"):
            self.scratch.run(*_UP, stack)

    def _onboarding(self) -> None:
        self.scratch.run("git", "switch", "--quiet", "--create", "stad-gent-mijn-gent")
        self._write_key("stad-gent", "mijn-gent-tni")
        self.scratch.write(FORM, GENT)
        self.scratch.commit("Stad Gent, mijn-gent: first connection")
        self.say(Step("The form", "The organisation fills it in on a branch, with the public key beside it.", FORM, GENT, Shown.YAML))
        self._command("The check", "Mistakes are told before anybody looks.", "acmidm validate")
        self._review("The review", "The pull request gets this comment. It is made from the forms alone.")
        self._merge("stad-gent-mijn-gent")
        self._up("Carried out", "Merged, and the pipeline brings TNI up. What was there already is left alone.", "tni")
        self._command("The client-ID", "The organisation is given its client-ID.", "acmidm status --stack tni mijn-gent")

    def _scope_extension(self) -> None:
        self.scratch.run("git", "switch", "--quiet", "--create", "dosis")
        with_scope = GENT.replace("    products:\n", f"{SCOPE_EXTENSION}    products:\n", 1)
        self.scratch.write(FORM, with_scope + DOSIS)
        self.scratch.commit("Stad Gent, mijn-gent: DOSIS")
        change = self.scratch.run("git", "diff", "--unified=0", "main", "--", FORM)
        lines = [line for line in change.splitlines() if line.startswith("+") and not line.startswith("+++")]
        self.say(Step("A scope extension", "It works; now the application wants DOSIS too.", FORM, "\n".join(lines), Shown.DIFF))
        self._review("Its review", "The client stays, and the comment says so.")
        self._merge("dosis")
        self._up("Carried out", "One scope more, one product more; the client, its key and its other product are left alone.", "tni")

    def _drift(self) -> None:
        self._command("In sync", "Every night, the pipeline looks.", "acmidm drift --stack tni")
        self.authorities.change_by_hand(self._client_id(), GRANTED, new_public_key(SLIPPED_IN))
        self._command(
            "Drift",
            "Somebody grants a scope and slips a key in by hand, past the forms. That night's issue says so, and who it was.",
            "acmidm drift --stack tni --output markdown",
            code=1,
            shown=Shown.MARKDOWN,
        )
        self._command("Healed", "That is undone, and nothing else is.", "acmidm drift --stack tni --heal")
        self._command("In sync again", "The issue closes.", "acmidm drift --stack tni")

    def _promotion(self) -> None:
        self._command("What production lacks", "It is validated on TNI.", f"acmidm promote {FORM}", code=1)
        self.scratch.run("git", "switch", "--quiet", "--create", "promote")
        self._write_key("stad-gent", "mijn-gent-prod")
        text = (self.scratch.folder / FORM).read_text("utf-8")
        self.scratch.write(FORM, text + GENT_PROD)
        self.scratch.commit("Stad Gent, mijn-gent: production")
        self._review("The review for production", "With a key pair of its own. Production is on top, whatever else changes.")
        self._merge("promote")
        self._up("Production", "Merged; somebody approves, and the pipeline brings production up.", "prod")
        self._command("The client-ID for production", "It is another one than on TNI.", "acmidm status --stack prod")

    def _command(self, title: str, text: str, command: str, code: int = 0, shown: Shown = Shown.CONSOLE) -> None:
        self.say(Step(title, text, command, self.scratch.run(*command.split(), code=code), shown))

    def _review(self, title: str, text: str) -> None:
        self._command(title, text, "acmidm review --base main --output markdown", shown=Shown.MARKDOWN)

    def _up(self, title: str, text: str, stack: str) -> None:
        output = self.scratch.run(*_UP, stack)
        self.say(Step(title, text, f"pulumi up --continue-on-error --stack {stack}", _resources(output)))

    def _merge(self, branch: str) -> None:
        self.scratch.run("git", "switch", "--quiet", "main")
        self.scratch.run("git", "merge", "--quiet", "--no-ff", "--message", f"Merge {branch}", branch)

    def _client_id(self) -> str:
        outputs = json.loads(self.scratch.run("pulumi", "stack", "output", "--json", "--stack", "tni"))
        return str(outputs["connections"][NAME]["acmidm"]["client_id"])

    def _write_key(self, organisation: str, name: str) -> None:
        """The public half of a new pair; the story needs no private key."""
        self.scratch.write(f"onboardings/{organisation}/{name}.jwk.json", json.dumps(new_public_key(name), indent=2) + "\n")


def new_public_key(kid: str) -> dict[str, object]:
    end = datetime.now(UTC) + timedelta(days=_KEY_DAYS)
    key = JWK.generate(kty="EC", crv="P-256", kid=kid, use="sig", alg="ES256")
    return {**json.loads(key.export_public()), "exp": int(end.timestamp())}


def _resources(output: str) -> str:
    """The lines of an ``up`` that say what became of which resource, in one order and without how long it took.

    Not its counts: they hold the component too, of which it says no such thing.
    """
    lines = [line.strip() for line in output.splitlines()]
    return "\n".join(sorted(_DURATION.sub("", line) for line in lines if _RESOURCE.match(line)))
