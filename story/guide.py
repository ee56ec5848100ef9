"""The guide's ten steps, one by one: the board, the mails and a reminder at each. What an organisation reads is Dutch."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import httpx
from joserfc.jwk import ECKey

from acmidm.reminding.ledger import ledger_file
from acmidm_onboarding.model.form import Platform
from acmidm_onboarding.settings import AuthorityKind
from acmidm_onboarding.stack_files import stack_settings
from story.person import Person, client_path
from story.scratch import CommandFailed
from story.telling import FORM, Shown, Step, Telling

_CODE = "OVO002067"
_USER = "api-beheer"
_KEYS = "private"
"""A folder beside the repository: no private key is ever in one."""
_LONG_DAYS, _SHORT_DAYS = 365, 25
_A_WEEK = timedelta(days=8)
_TIMES = frozenset({"created", "modified", "sent_at"})
_NEXT = re.compile(r"\n(?=\d{4}-\d\d-\d\d )")
"""Where another mail begins in a list of them."""
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_NEW = (
    f'acmidm new --organisation "Stad Gent" --ovo {_CODE} --owner @stad-gent/api-beheer --application mijn-gent '
    "--contact api-beheer@stad-gent.example --product notificaties --set notificaties.merk_code=stad-gent "
    "--set notificaties.product_ids=10244"
)


@dataclass
class Guide(Telling):
    """Told where people upload keys in a portal, and have their rights there."""

    told_on = frozenset({AuthorityKind.BEHEERPORTAAL})
    _passwords: dict[str, str] = field(default_factory=dict)

    def _tell(self) -> None:
        self._prepare()
        self._ask("tni")
        self._get_into_the_portal("tni", 4)
        self._upload_a_key("tni", 5, _LONG_DAYS)
        self._validate()
        self._go_to_production()
        self._get_into_the_portal("prod", 8)
        self._upload_a_key("prod", 9, _SHORT_DAYS)
        self._finish()

    def _prepare(self) -> None:
        self.scratch.run("pulumi", "config", "set", "acmidm:promotionGate", "enforce", "--stack", "prod")
        (self.scratch.folder.parent / _KEYS).mkdir(mode=0o700, exist_ok=True)

    def _ask(self, stack: str) -> None:
        text = "The API-beheerder of a city that was never here answers what the form asks; on a terminal, the command puts the questions."
        self.say(Step("Step 1, the form", text, _NEW, self.scratch.run(*shlex.split(_NEW))))
        self.say(Step("What was written", "", FORM, (self.scratch.folder / FORM).read_text(), Shown.YAML))
        self.scratch.commit("Stad Gent, mijn-gent: first connection")
        self._board("The board", "Nobody ticks anything: form, state, authority and evidence say where each connection stands.")
        self._deploy("Step 2, the client", "Reviewed and merged; the pipeline brings TNI up.", stack)
        self._mail("Step 3, the client-ID", "It goes to the contacts of the form, by mail, with what they do next.", stack)

    def _get_into_the_portal(self, stack: str, number: int) -> None:
        self._board(f"Step {number}, access to the portal", "The board says what it waits for, and who can help.", stack)
        self._a_week_passes(stack)
        self._remind("A reminder", "Whoever is waited for gets one a week.", stack)
        user = ("--organisation", _CODE, "--name", _USER, "--stack", stack)
        self._passwords[stack] = self.scratch.run("acmidm", "portal", "user", "add", *user).strip()
        command = f"acmidm portal user grant --name {_USER} --stack {stack}"
        self._command("The right API-beheerder", "The Lokale Beheerder gives it; in the sandbox, this command does.", command)

    def _upload_a_key(self, stack: str, number: int, days: int) -> None:
        self._board(f"Step {number}, the public key", "", stack)
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
        file = self.scratch.folder.parent / _KEYS / f"{stack}.jwk.json"
        file.write_text(json.dumps(key.as_dict(private=True)))
        file.chmod(0o600)
        end = datetime.now(UTC) + timedelta(days=days)
        public, client_id = {**key.as_dict(private=False), "exp": int(end.timestamp())}, self._client_id(stack)
        if self._person(stack).upload(client_id, json.dumps(public)).is_error:
            raise CommandFailed(f"the portal of {stack} takes no key")
        text = "Uploaded in the portal, as a JSON Web Key. The private half stays where it was made."
        self.say(Step("Uploaded", text, f"POST {client_path(client_id)}/sleutels", f"{key.kid}, until {end:%Y-%m-%d}"))

    def _validate(self) -> None:
        self._board("Validation on TNI", "There is a key, and nobody knows yet whether it works.", "tni")
        self._a_week_passes("tni")
        self._remind("A reminder", "", "tni")
        command = (
            f"acmidm probe {FORM} --stack tni --client-id {self._client_id('tni')} --private-key ../{_KEYS}/tni.jwk.json "
            "--send-test-message --record"
        )
        self._command("Proven", "The API-beheerder runs the probe with the private key; the key signs what was proven.", command)
        self.scratch.commit("Stad Gent, mijn-gent: proven on TNI")
        self._board("The board again", "", "tni")

    def _go_to_production(self) -> None:
        command = f"acmidm promote {FORM} --write"
        self._command("Production is asked", "What TNI has is what production gets, but for what only the organisation knows.", command)
        self.scratch.commit("Stad Gent, mijn-gent: production")
        self._board("Step 7 on the board", "The organisation has done its part.", "prod")
        self._deploy("On TNI once more", "Merged; the pipeline brings TNI up first, whose state then has the key that was proven.", "tni")
        self._deploy("Step 7, production", "Somebody approves, and production follows.", "prod")
        self._mail("The client-ID for production", "Another one than on TNI.", "prod")

    def _finish(self) -> None:
        self._remind("A key that ends", "The key for production lasts less than a month: 60, 30 and 7 days before, a mail says so.", "prod")
        self._remind("Not twice", "", "prod", mails=0)
        self._board("Step 10, done", "")

    def _board(self, title: str, text: str, *stacks: str) -> None:
        self._command(title, text, " ".join(("acmidm steps", *(f"--stack {stack}" for stack in stacks or ("tni", "prod")))))

    def _mail(self, title: str, text: str, stack: str) -> None:
        """Show the newest of the mails that the sandbox received."""
        command = f"acmidm portal mail --stack {stack}"
        newest = _NEXT.split(self.scratch.run(*command.split()))[0]
        self.say(Step(title, text, command, newest))

    def _remind(self, title: str, text: str, stack: str, *, mails: int = 1) -> None:
        command = f"acmidm remind --stack {stack}"
        said = self.scratch.run(*command.split())
        if said.startswith("1 mail for ") != bool(mails):
            raise CommandFailed(f"{command} was to send {mails}: {said}")
        self.say(Step(title, text, command, said))
        if mails:
            self._mail("Its mail", "", stack)

    def _a_week_passes(self, stack: str) -> None:
        """Set back the times that the state has, and the days on which somebody was reminded."""
        exported = json.loads(self.scratch.run("pulumi", "stack", "export", "--stack", stack))
        for resource in exported["deployment"]["resources"]:
            for part in (resource, resource.get("outputs", {})):
                part |= {name: _a_week_before(part[name]) for name in _TIMES if part.get(name)}
        file = self.scratch.folder.parent / "state.json"
        file.write_text(json.dumps(exported))
        self.scratch.run("pulumi", "stack", "import", "--stack", stack, "--file", str(file))
        ledger = ledger_file(stack, self.scratch.variables)
        if ledger.exists():
            ledger.write_text(_DAY.sub(lambda found: str(date.fromisoformat(found[0]) - _A_WEEK), ledger.read_text()))

    def _person(self, stack: str) -> Person:
        origin = str(stack_settings(stack, self.scratch.folder).platforms[Platform.ACMIDM].issuer).removesuffix("/op")
        person = Person(httpx.Client(base_url=origin, trust_env=False), _USER, self._passwords[stack])
        if person.log_on().is_error:
            raise CommandFailed(f"{stack}: {_USER} cannot log on")
        return person


def _a_week_before(moment: str) -> str:
    return f"{datetime.fromisoformat(moment) - _A_WEEK:%Y-%m-%dT%H:%M:%S.%fZ}"
