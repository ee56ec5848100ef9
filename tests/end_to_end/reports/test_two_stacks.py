"""Lists, steps and reminders over a stack of TNI and one of production, which share a project.

The cases share both. Each waits for the same runs: TNI up, production deployed, production up with
a mail server.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from joserfc.jwk import ECKey

from acmidm.engine import pulumi as engine
from tests.support.command_line import CommandLine
from tests.support.counted_engine import exports_in
from tests.support.engine import Outcome, Project
from tests.support.forms import PLAIN, FormFile, write_form
from tests.support.handing_over import text_of
from tests.support.key_ends import DAY, ends
from tests.support.mail_server import MailServer, running_mail_server
from tests.support.portal import RunningPortal, new_key
from tests.support.registry import Registry
from tests.support.together import Script, together
from tests.support.two_stacks import TwoStacks, two_stacks, with_production

NOWHERE = "http://127.0.0.1:9/management/v1"
EXEMPT = {"promotion-gate": {"reason": "a system of before", "reference": "SD-4810"}}
_opened: list[str] = []
_ran: Counter[str] = Counter()
"""The engine's commands since the last command on production began."""


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        _opened.append(str(arguments[0]))


@dataclass(kw_only=True)
class Stacks(TwoStacks):
    """Both, and the mail server of TNI. What commands on production read is counted."""

    mails: MailServer
    read: Counter[str] = field(default_factory=Counter)
    """How often the last command on production opened each form, by its name."""
    runs: Counter[str] = field(default_factory=Counter)
    """How often it ran each command of the engine."""

    writes: ClassVar[Collection[str]] = (
        *TwoStacks.writes,
        "deploy_production",
        "prod_up_with_mails",
    )
    slow_reads: ClassVar[Collection[str]] = (*TwoStacks.slow_reads, "review_production")

    @property
    def acmidm(self) -> CommandLine:
        """The commands on TNI, or on all stacks."""
        return CommandLine(self.project)

    @property
    def mailing(self) -> dict[str, str]:
        """The settings that lead to the mail server."""
        return {
            "smtpUrl": f"smtp://127.0.0.1:{self.mails.port}",
            "mailSender": "noreply@vlaanderen.example",
        }

    @property
    def ledger(self) -> Path:
        """Where it is written who was reminded."""
        return self.project.folder / "state" / "reminded" / "tni.json"

    def deploy_production(self) -> Outcome:
        return self.on_production("deploy")

    def review_production(self) -> Outcome:
        return self.on_production("review")

    def prod_up_with_mails(self) -> Outcome:
        """Production with the mail server, and without a gate."""
        self.prod.configure({**self.mailing, "promotionGate": "off"})
        return self.prod.up()

    def on_production(self, *words: str) -> Outcome:
        """Run a command of ours, and count what it reads."""
        _opened.clear()
        _ran.clear()
        outcome = CommandLine(self.prod).run(*words, "--stack", "prod")
        files = {str(file): file.stem for file in self.forms.glob("*/*.yaml")}
        opened = (str(Path(self.prod.folder, name)) for name in _opened)
        self.read = Counter(files[name] for name in opened if name in files)
        self.runs = Counter(_ran)
        return outcome

    def remind(self, *words: str) -> Outcome:
        return self.acmidm.run("remind", "--stack", "tni", *words)

    def board(self, form: FormFile, *words: str) -> dict[str, dict[str, Any]]:
        """The rows of a form on the board, by stack."""
        outcome = self.acmidm.run("status", "--board", *words, "--output", "json")
        assert outcome.code == 0, outcome.output
        found = json.loads(outcome.stdout)["connections"]
        return {row["stack"]: row for row in found if row["application"] == form.application}

    def rows(self, *words: str, code: int = 0) -> list[dict[str, str]]:
        """The list of connections."""
        outcome = self.acmidm.run("status", "--output", "csv", *words)
        assert outcome.code == code, outcome.output
        return list(csv.DictReader(outcome.stdout.splitlines()))

    @contextmanager
    def unreadable(self, stack: str) -> Iterator[None]:
        """The state of a stack is damaged meanwhile."""
        state = self.project.folder / "state" / ".pulumi" / "stacks" / "acmidm" / f"{stack}.json"
        text = state.read_text()
        state.write_text("{")
        yield
        state.write_text(text)

    @contextmanager
    def never_made(self, stack: str) -> Iterator[None]:
        """There is a file of a stack meanwhile, and no such stack."""
        file = self.project.folder / f"Pulumi.{stack}.yaml"
        shutil.copy(self.project.folder / "Pulumi.tni.yaml", file)
        yield
        file.unlink()

    @contextmanager
    def configured(self, project: Project, **config: object) -> Iterator[None]:
        """A stack has other settings meanwhile."""
        file = project.folder / f"Pulumi.{project.stack}.yaml"
        text = file.read_text()
        project.configure(config)
        yield
        file.write_text(text)


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stacks]:
    sys.addaudithook(_note)  # for as long as the process lives
    run = engine._finished

    def done(*words: str, **how: Any) -> Any:
        _ran[" ".join(words[:2])] += 1
        return run(*words, **how)

    with (
        running_mail_server() as mails,
        two_stacks(tmp_path_factory.mktemp("two"), portal, registry) as both,
        patch.object(engine, "_finished", done),
    ):
        at = Stacks(
            both.project,
            registry,
            portal,
            prod=both.prod,
            in_prod=both.in_prod,
            mails=mails,
        )
        at.project.connect(portal, portalUrl=f"{portal.origin}/portaal", **at.mailing)
        yield at


def of(found: list[dict[str, str]], *forms: FormFile) -> set[tuple[str, str]]:
    """The stacks of these forms in a list, each with its form."""
    names = {form.application: form.name for form in forms}
    return {
        (names[row["application"]], row["stack"]) for row in found if row["application"] in names
    }


def places(found: dict[str, dict[str, Any]]) -> dict[str, tuple[int, str]]:
    return {stack: (row["step"], row["order"]) for stack, row in found.items()}


@together
def test_from_step_2_to_step_10(at: Stacks) -> Script:
    """Declared, made, its key uploaded, proven, made, mailed and done on production; with what is
    unknown where somebody cannot tell."""
    form = with_production(at.project, "stappen", in_portal=True)
    at_first = at.board(form)
    assert places(at_first) == {"tni": (2, "deploy"), "prod": (7, "gate-test")}
    assert at_first["prod"]["waits_for"] == "us"
    for row in at_first.values():
        assert row["codes"] == ["OVO002067", "0207451227"]
        assert row["contacts"] == ["api-beheer@stad-gent.example"]
    yield at.up
    made = at.board(form, "--stack", "tni", "gent")["tni"]
    # Other tests give Gent an API-beheerder, or not.
    assert (made["step"], made["waits_for"]) in ((4, "organisation"), (5, "organisation"))
    assert made["since"] is not None
    assert f"{at.portal.origin}/portaal" in made["to_do"]

    client_id = at.registry.client(form.application)["client_id"]
    form.keys["uploaded"] = new_key("uploaded")
    at.registry.set_keys(client_id, [form.keys["uploaded"]])
    at.portal.client_token(form.keys["uploaded"], client_id)
    tried = at.board(form, "--stack", "tni", "--waiting-for", "organisation")["tni"]
    assert (tried["step"], tried["order"]) == (7, "validate")
    assert tried["last_token_at"] is not None
    assert [key["kid"] for key in tried["keys"]] == ["uploaded"]

    at.prove(form, "uploaded", PLAIN)
    assert places(at.board(form)) == {"tni": (7, "tested"), "prod": (7, "gate-again")}
    form.document["exemptions"] = EXEMPT  # in place of another run of TNI, which records its key
    form.save()
    assert places(at.board(form)) == {"tni": (7, "tested"), "prod": (7, "deploy")}
    yield at.deploy_production
    not_mailed = at.board(form)["prod"]
    assert (not_mailed["step"], not_mailed["order"], not_mailed["waits_for"]) == (
        7,
        "hand-over-no-smtp",
        "us",
    )
    yield at.prod_up_with_mails
    at.in_prod.set_keys(
        at.in_prod.client(form.application)["client_id"], [new_key("for-production")]
    )
    assert places(at.board(form)) == {"tni": (7, "on-production"), "prod": (10, "done")}

    # An authority that is down, and a stack that does not exist, are unknown; neither ends it.
    down = at.configured(at.prod, managementUrl=NOWHERE, retryDeadlineSeconds=0)
    with down, at.never_made("elsewhere"):
        lost = at.board(form, "--stack", "prod", "--stack", "elsewhere")
    assert places(lost) == {"prod": (9, "keys-unknown"), "elsewhere": (2, "state-unknown")}
    assert lost["prod"]["waits_for"] == "authority"
    assert set(lost["prod"]["unknown"]) >= {"keys", "rights"}
    assert lost["elsewhere"]["unknown"] == ["state"]
    nobody = at.acmidm.run("status", "--board", "--waiting-for", "organization")
    assert (nobody.code, "'organization' is not one of" in nobody.stderr) == (2, True)


@together
def test_all_stacks_are_listed_unless_one_is_named(at: Stacks) -> Script:
    """Also who lacks production, on whichever stack; a stack that was never made has nothing. One
    that cannot be read is said, and the others are shown, unless what it has decides."""
    whole = with_production(at.project, "beide", exemptions=EXEMPT)
    alone = write_form(at.forms, "gent/alleen-tni")
    yield at.up
    yield at.deploy_production
    on_test, on_production, lacking = (
        (whole.name, "tni"),
        (whole.name, "prod"),
        (alone.name, "tni"),
    )
    assert of(at.rows(), whole, alone) == {on_test, on_production, lacking}
    assert of(at.rows("--stack", "prod"), whole, alone) == {on_production}
    for more in ((), ("--stack", "tni")):
        assert of(at.rows("--without", "prod", *more), whole, alone) == {lacking}
    for_us = ("--stack", "prod", "--waiting-for", "us")
    assert of(at.rows(*for_us), whole, alone) == {on_production}
    assert of(at.rows("--stack", "prod", "--waiting-for", "organisation"), whole, alone) == set()
    board = at.rows("--board", *for_us)
    assert of(board, whole, alone) == {on_production}
    [waiting] = [row for row in board if row["application"] == whole.application]
    assert (waiting["step"], waiting["waits_for"]) == (
        "7. Validatie en client-ID voor productie",
        "Digitaal Vlaanderen",
    )
    on_tni = ("--stack", "tni", "--waiting-for", "organisation")
    for words in (on_tni, ("--board", *on_tni, "--without", "prod")):
        assert of(at.rows(*words), whole, alone) == {lacking}
    with at.never_made("elsewhere"):
        assert of(at.rows(), whole, alone) == {on_test, on_production, lacking}
        assert at.rows("--stack", "elsewhere", code=2) == []

    with at.unreadable("prod"):
        unread = at.acmidm.run("status", "--output", "csv")
        rows = list(csv.DictReader(unread.stdout.splitlines()))
        assert of(rows, whole, alone) == {on_test, lacking}
        assert (unread.code, unread.stderr.startswith("warning: pulumi stack")) == (3, True)
        assert at.rows("--without", "prod", code=3) == []


@together
def test_who_is_on_production_is_not_reminded_to_go_there(at: Stacks) -> Script:
    """Though only the stack of TNI is looked at. Where the state of production cannot be read
    nobody is reminded of anything."""
    form = with_production(at.project, "herinnerd", in_portal=True)
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    at.registry.set_keys(client_id, [new_key("uploaded")])
    asked = f"{form.application}: step 7 waits for the organisation"
    yield at.deploy_production
    assert asked in at.remind("--dry-run").stdout, "the gate keeps it"
    yield at.prod_up_with_mails
    assert not at.ledger.exists(), "nobody was reminded yet"
    assert form.application not in at.remind("--dry-run").stdout
    for stack in ("prod", "tni"):
        with at.unreadable(stack):
            unknown = at.remind("--dry-run")
        assert (unknown.code, unknown.stdout) == (3, ""), unknown.output


@together
def test_what_ends_is_mailed_once(at: Stacks) -> Script:
    """A key in a form and one in the portal: one mail, in their language. Before that who would get
    it; after that nothing more."""
    english = {"name": "Town of Ends", "ovo": "OVO019990", "language": "en"}
    to = "keys@town.example"
    how: dict[str, Any] = {"organisation": english, "contacts": [to]}
    declared = write_form(at.forms, "ends/a", **how)
    uploads = write_form(at.forms, "ends/b", keys=(), **how)
    ends(declared, "key-1", 20 * DAY + 60)
    yield at.up
    uploaded: Any = {
        **new_key("uploaded").as_dict(private=False),
        "exp": int(time.time()) + 5 * DAY + 60,
    }
    client_id = at.registry.client(uploads.application)["client_id"]
    at.registry.set_keys(client_id, [ECKey.import_key(uploaded)])
    yield at.deploy_production
    yield at.prod_up_with_mails
    at.mails.received.clear()  # the client-IDs

    with at.configured(at.project, smtpUrl=""):
        dry, without = at.remind("--dry-run"), at.remind()
    assert (dry.code, at.ledger.parent.exists()) == (0, False), dry.output
    headline, *_ = dry.stdout.splitlines()
    assert re.fullmatch(r"\d+ mails? for tni", headline)
    about = dry.stdout.partition(f"Town of Ends ({to})\n")[2].splitlines()
    assert [line.partition(" ends ")[0].strip() for line in about[:3]] == [
        f"{uploads.application}: key uploaded",
        f"{declared.application}: key key-1",
        f"{uploads.application}: step 7 waits for the organisation",
    ]
    assert not any(line.startswith(" ") for line in about[3:4])
    assert (without.code, without.stdout) == (2, "")
    assert (
        without.stderr
        == "stack tni has no mail server; set acmidm:smtpUrl, or add --dry-run to see who would get"
        " what\n"
    )
    with at.configured(at.project, smtpUrl="smtps://127.0.0.2:1"):
        untrusted = at.remind()
    assert (untrusted.code, untrusted.stdout, at.ledger.parent.exists()) == (2, "", False)
    assert (
        "setting acmidm:smtpUrl leads to 127.0.0.2:1, which ACMIDM_TRUSTED_HOSTS does not name"
        in untrusted.stderr
    )

    sent, again = at.remind(), at.remind()
    assert (sent.code, sent.stdout) == (0, dry.stdout), sent.output
    nothing = "nothing ends or waits on tni that nobody was reminded of\n"
    assert (again.code, again.stdout) == (0, nothing), again.output
    (mail,) = [one for one in at.mails.received if one["To"] == to]
    assert "within 7 days" in text_of(mail)
    assert "within 30 days" in text_of(mail)

    with at.configured(at.project, managementUrl=NOWHERE):
        unseen = at.remind()
    assert unseen.code == 3
    assert f"Town of Ends · {uploads.application}" in unseen.stderr
    assert "in the portal, which cannot be read" in unseen.stderr
    at.ledger.write_text("{")
    damaged = at.remind("--dry-run")
    assert (damaged.code, damaged.stdout) == (1, "")
    assert f"{at.ledger}: this is no ledger of reminders" in damaged.stderr


@together
def test_forms_are_read_once_and_the_state_is_exported_once(at: Stacks) -> Script:
    """By each command, whether a form passes the gate, is held back or leaves; and the state once
    more after a run that has written it. The program of a preview is given that, and reads TNI's
    alone."""
    how: dict[str, Any] = {"environment": "prod", "scopes": (PLAIN,)}
    write_form(at.forms, "gent/passes", exemptions=EXEMPT, **how)
    write_form(at.forms, "gent/held-back", **how)
    write_form(at.forms, "gent/leaves", exemptions=EXEMPT, retire="2020-01-01", **how)
    yield at.up
    deployed = yield at.deploy_production
    once = {file.stem: 1 for file in at.forms.glob("*/*.yaml") if file.stem != "organisation"}
    assert {"passes", "held-back", "leaves"} <= once.keys()

    def read() -> Counter[str]:
        return Counter({name: often for name, often in at.read.items() if name in once})

    assert deployed.code in (0, 1), deployed.output
    assert read() == once
    assert at.runs["stack export"] == 2, "before the run, and after it"
    exported = exports_in(at.prod.folder)
    yield at.review_production
    assert (read(), at.runs["stack export"]) == (once, 1)
    of_production, of_tni, by_the_program_of_tni = 1, 1, 1
    assert exports_in(at.prod.folder) - exported == of_production + of_tni + by_the_program_of_tni
    for command, of_forms in (
        ("drift", once),
        ("status --board", once),
        ("status", {}),
        ("history", {}),
    ):
        ended = at.on_production(*command.split())
        assert ended.code in (0, 1), ended.output
        assert read() == of_forms, command
        assert at.runs["stack export"] == 1, command


@together
def test_deploy_says_whom_to_ask_for_the_right_to_upload(at: Stacks) -> Script:
    """After each run, until somebody has it."""
    city = {"name": "Stad Roeselare", "ovo": "OVO019996"}
    form = write_form(
        at.forms,
        "roeselare/wacht",
        keys=(),
        scopes=(PLAIN,),
        environment="prod",
        organisation=city,
        exemptions=EXEMPT,
    )
    yield at.up
    deployed = yield at.deploy_production
    assert (
        "warning: Stad Roeselare has nobody with the right API-beheerder on prod (acmidm), who"
        f" could upload the key of {form.application} in the Beheerportaal; ask its Lokale"
        " Beheerder" in deployed.stderr
    )
