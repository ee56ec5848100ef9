"""The way of one organisation, from form to production, as its reviewers and the onboarding team see it."""

from __future__ import annotations

import re

from story.forms import AALST, GENT, GENT_AS_AALST, GENT_IN_PRODUCTION, GENT_WITH_DOSIS, NAME, ORGANISATIONS
from story.telling import FORM, Shown, Step, Telling, new_public_key

SLIPPED_IN = "tijdelijk"
GRANTED = "dv_organisatieregister_info"


class Onboarding(Telling):
    def _tell(self) -> None:
        self._before()
        self._onboard()
        self._extend()
        self._hostile()
        self._drift()
        self._promote()

    def _before(self) -> None:
        """One connection is there already."""
        self._add_organisation("stad-aalst")
        self._write_key("stad-aalst/e-loket-tni")
        self.scratch.write("onboardings/stad-aalst/e-loket.yaml", AALST)
        self.scratch.commit("Stad Aalst, e-loket: first connection")
        for stack in ("tni", "prod"):
            self.scratch.run("acmidm", "deploy", "--stack", stack)

    def _onboard(self) -> None:
        self._add_organisation("stad-gent")
        self.scratch.commit("Stad Gent")
        file = "onboardings/stad-gent/organisation.yaml"
        text = "The onboarding team makes its folder, and says once who it is and who owns it."
        self.say(Step("The organisation", text, file, ORGANISATIONS["stad-gent"], Shown.YAML))
        self._branch("stad-gent-mijn-gent")
        self._write_key(f"{NAME}-tni")
        self.scratch.write(FORM, GENT)
        self.scratch.commit("Stad Gent, mijn-gent: first connection")
        self.say(Step("The form", "The organisation fills it in on a branch, with the public key beside it.", FORM, GENT, Shown.YAML))
        self._command("The check", "Mistakes are shown before anybody looks.", "acmidm validate")
        self._review("The review", "The pull request gets this comment. It is made from the forms alone.")
        self._merge("stad-gent-mijn-gent")
        self._deploy("Carried out", "Merged, and the pipeline brings TNI up. What was there already is left alone.", "tni")
        self._command("The client-ID", "The organisation is given its client-ID.", "acmidm status --stack tni mijn-gent")

    def _extend(self) -> None:
        self._branch("dosis")
        self._change("A scope extension", "It works; now the application wants DOSIS too.", GENT_WITH_DOSIS)
        self.scratch.commit("Stad Gent, mijn-gent: DOSIS")
        self._review("Its review", "The client stays, and the comment says so.")
        self._merge("dosis")
        self._deploy("Carried out", "One scope more, one product more; the client, its key and its other product are left alone.", "tni")

    def _hostile(self) -> None:
        """Two pull requests that reach further than their author may."""
        self._branch("in-another-name")
        self._change("A hostile form", "Somebody who may change Gent's form lets it speak for Aalst, with Aalst's key.", GENT_AS_AALST)
        self.scratch.commit("Stad Gent, mijn-gent: another brand")
        text = "The pipeline says so at the lines. Nobody has to notice it."
        self._command("Refused", text, "acmidm validate --annotations", code=1)
        self.scratch.run("git", "switch", "--quiet", "main")
        self._branch("a-typo")
        stack = (self.scratch.folder / "Pulumi.prod.yaml").read_text()
        self.scratch.write("Pulumi.prod.yaml", re.sub("productsUrl: .*", "productsUrl: https://products.example/v1", stack))
        self.scratch.write("acmidm/review.py", 'print("Nothing changes")\n')
        self.scratch.write(FORM, GENT_WITH_DOSIS.replace("dossiers in Mijn", "dossiers in het Mijn"))
        self.scratch.commit("Correct a typo")
        self._review(
            "A hostile pull request",
            "It says that it corrects a typo. The review is made by what is on main: it shows the rest, and "
            "nothing of the pull request runs.",
        )
        self.scratch.run("git", "switch", "--quiet", "main")

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

    def _promote(self) -> None:
        self._command("What production lacks", "It is validated on TNI.", f"acmidm promote {FORM}", code=1)
        self._branch("promote")
        self._write_key(f"{NAME}-prod")
        self.scratch.write(FORM, GENT_IN_PRODUCTION)
        self.scratch.commit("Stad Gent, mijn-gent: production")
        self._review("The review for production", "With a key pair of its own. Production is on top, whatever else changes.")
        self._merge("promote")
        self._deploy("Production", "Merged; somebody approves, and the pipeline brings production up.", "prod")
        self._command("The client-ID for production", "It is another one than on TNI.", "acmidm status --stack prod")

    def _review(self, title: str, text: str) -> None:
        self._command(title, text, "acmidm review --base main --output markdown", shown=Shown.MARKDOWN)

    def _branch(self, name: str) -> None:
        self.scratch.run("git", "switch", "--quiet", "--create", name)

    def _merge(self, branch: str) -> None:
        self.scratch.run("git", "switch", "--quiet", "main")
        self.scratch.run("git", "merge", "--quiet", "--no-ff", "--message", f"Merge {branch}", branch)
