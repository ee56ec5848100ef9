"""The life of one connection on the embedded authority: from its key, over a proof on TNI, to production, and until it leaves."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta

from acmidm.portal import api_client_id
from acmidm_onboarding.model.form import Platform
from acmidm_onboarding.settings import AuthorityKind
from story.forms import GENT, LOKET
from story.scratch import CommandFailed
from story.telling import FORM, Step, Telling

_LOKET = "onboardings/stad-gent/loket.yaml"
_KEYS = "../private"
"""Beside the repository: no private key is ever in one."""
_PASSPHRASE = "--passphrase-fd 3 3< ../passphrase"
_KEY_LINE = "    jwks: [mijn-gent-tni.jwk.json]\n"
_PRODUCTS = ("notificaties", "dosis")


class Lifetime(Telling):
    told_on = frozenset({AuthorityKind.BEHEERPORTAAL})

    def _tell(self) -> None:
        self._prepare()
        self._make_a_key()
        self._probe_by_mistake()
        self._meet_the_gate()
        self._prove()
        self._promote()
        self._rotate()
        self._renew_a_secret()
        self._leave()

    def _prepare(self) -> None:
        for stack in ("tni", "prod"):
            apis = " ".join(f"{product}={api_client_id(stack, Platform.ACMIDM, product)}" for product in _PRODUCTS)
            self.scratch.run("pulumi", "config", "set", "acmidm:apiClientIds", apis, "--stack", stack)
        self.scratch.run("pulumi", "config", "set", "acmidm:promotionGate", "enforce", "--stack", "prod")
        outside = self.scratch.folder.parent
        (outside / "passphrase").write_text(f"{uuid.uuid4()}\n")
        (outside / "private").mkdir(mode=0o700, exist_ok=True)
        self._add_organisation("stad-gent")
        self.scratch.write(FORM, GENT.replace(_KEY_LINE, ""))
        self.scratch.commit("Stad Gent, mijn-gent: first connection")

    def _make_a_key(self) -> None:
        text = "On the machine of whoever keeps it: the private half is encrypted and in no repository, the form names the public half."
        self._shell("A key pair", text, f"acmidm keys new {FORM} --environment tni --private-key {_KEYS}/tni.pem {_PASSPHRASE}")
        self.scratch.commit("Stad Gent, mijn-gent: its key for TNI")
        self._deploy("Carried out on TNI", "", "tni")

    def _probe_by_mistake(self) -> None:
        text = "The application gets no token. It sent the client-ID of the API in the place of its own, which the probe knows."
        self._shell("A mistake, found", text, self._probe(api_client_id("tni", Platform.ACMIDM, "notificaties")), code=1)

    def _meet_the_gate(self) -> None:
        prod = GENT.partition("environments:\n")[2].replace("tni:", "prod:", 1).replace(_KEY_LINE, "")
        form = (self.scratch.folder / FORM).read_text()
        self.scratch.write(FORM, form + prod)
        self.scratch.run(*_words(f"acmidm keys new {FORM} --environment prod --private-key {_KEYS}/prod.pem {_PASSPHRASE}"))
        self.scratch.commit("Stad Gent, mijn-gent: production")
        text = "Its form has production now, and nobody has proven the connection on TNI: the gate holds it back, and others go on."
        self._command("Too early for production", text, "acmidm review --stack prod")

    def _prove(self) -> None:
        text = "A token for each scope, a call of each product's API; the test message reaches nobody. The key signs what was proven."
        self._shell("Proven on TNI", text, f"{self._probe(self._client_id())} --send-test-message --record")
        self.scratch.commit("Stad Gent, mijn-gent: proven on TNI")

    def _promote(self) -> None:
        text = "The gate lets it through. What is shown here is saved."
        self._command("The review for production", text, "acmidm review --stack prod --save ../approved.json")
        text = "Somebody approves that; what runs is that and nothing else, or nothing at all."
        command = "acmidm deploy --stack prod --approved ../approved.json"
        self.say(Step("Production", text, command, self._resources(self.scratch.run(*command.split()))))

    def _rotate(self) -> None:
        text = "Before it ends, the key on TNI gets a second one beside it."
        self._shell("A second key", text, f"acmidm keys rotate {FORM} --environment tni --private-key {_KEYS}/tni-2.pem {_PASSPHRASE}")
        self.scratch.commit("Stad Gent, mijn-gent: a second key")
        self._deploy("Side by side", "Both work.", "tni")
        old, new = self._keys_on_tni()[1].split(", ")
        self._name_keys(new)
        text = "Somebody takes the old one out of the form on the same day. Nobody knows yet whether the application has the new one."
        self._command("Too early", text, "acmidm review --stack tni", code=3)
        self._name_keys(f"{{file: {old}, compromised: true}}, {new}")
        self.scratch.commit("Stad Gent, mijn-gent: a stolen key")
        text = "It was on a laptop that was stolen: then it goes at once, and the review says what is left."
        self._command("A compromised key", text, "acmidm review --stack tni")
        self._deploy("Gone", "", "tni")

    def _renew_a_secret(self) -> None:
        self.scratch.write(_LOKET, LOKET)
        self.scratch.commit("Stad Gent, loket: first connection")
        self.scratch.run("acmidm", "deploy", "--stack", "tni")
        text = "Another application authenticates with a secret, on TNI. Who can decrypt the stack hands it over."
        self._shell("A client secret", text, f"acmidm secret show {_LOKET} --stack tni --file ../loket.secret")
        self.scratch.run("git", "switch", "--quiet", "--create", "another-secret")
        self.scratch.write(_LOKET, LOKET.replace("  tni:\n", "  tni:\n    secret_generation: 2\n"))
        self.scratch.commit("Stad Gent, loket: another secret")
        self._command("Another one", "One line renews it; the one before works beside it.", "acmidm review --base main")
        self.scratch.run("git", "switch", "--quiet", "main")
        self.scratch.run("git", "merge", "--quiet", "another-secret")
        self._deploy("Renewed", "", "tni")

    def _leave(self) -> None:
        day = datetime.now(UTC).date()
        form = (self.scratch.folder / FORM).read_text()
        self.scratch.write(FORM, f"{form}retire: {day + timedelta(days=90)}\n")
        self.scratch.commit("Stad Gent, mijn-gent: leaves in three months")
        text = "The application ends in three months. Reviews and the list say so until then; nothing else changes."
        self._command("Announced", text, "acmidm review --stack prod")
        self.scratch.run("acmidm", "deploy", "--stack", "prod")
        self._command("In the list", "", "acmidm status --stack prod")
        self.scratch.write(FORM, f"{form}retire: {day}\n")
        self.scratch.commit("Stad Gent, mijn-gent: leaves")
        text = "The day has come. One run withdraws the scopes and lifts the protection, the next removes the rest; this command does both."
        self._deploy("Gone from production", text, "prod")
        self._command("Nobody is left there", "", "acmidm status --stack prod")

    def _probe(self, client_id: str) -> str:
        return f"acmidm probe {FORM} --stack tni --private-key {_KEYS}/tni.pem --client-id {client_id} {_PASSPHRASE}"

    def _keys_on_tni(self) -> re.Match[str]:
        """The place in the form that names the keys for TNI."""
        found = re.search(r"    jwks: \[(mijn-gent-tni.*)\]\n", (self.scratch.folder / FORM).read_text())
        if found is None:
            raise CommandFailed(f"{FORM} names no key for TNI on one line")
        return found

    def _name_keys(self, keys: str) -> None:
        """Name other keys for TNI."""
        self.scratch.write(FORM, self._keys_on_tni().string.replace(self._keys_on_tni()[0], f"    jwks: [{keys}]\n"))

    def _shell(self, title: str, text: str, command: str, code: int = 0) -> None:
        self.say(Step(title, text, command, self.scratch.run(*_words(command), code=code).replace(str(self.scratch.folder.parent), "..")))


def _words(command: str) -> tuple[str, ...]:
    """A command with a redirection, for which it takes a shell."""
    return ("bash", "-c", command)
