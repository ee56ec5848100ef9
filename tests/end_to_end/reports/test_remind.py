"""``acmidm remind`` on a real state, a real authority and a real mail server."""

from __future__ import annotations

import time
from typing import Any

import pytest
from joserfc.jwk import ECKey

from acmidm_onboarding.settings import Settings
from tests.desk.test_mails import text_of
from tests.support.engine import Outcome, Project
from tests.support.forms import GENT, write_form
from tests.support.key_ends import DAY, ends
from tests.support.mail_server import MailServer
from tests.support.portal import RunningPortal, new_key
from tests.support.registry import Registry
from tests.support.two_stacks import Both, with_production

NOTHING = "nothing ends or waits on tni that nobody was reminded of"


@pytest.mark.exhaustive
def test_who_is_on_production_is_not_asked_to_go_there(
    both: Both, portal: RunningPortal, settings: Settings
) -> None:
    """Though only the stack of TNI is looked at. Where the state of production cannot be read
    nobody is reminded of anything."""
    both.tni.connect(
        portal, smtpUrl=str(settings.smtp_url), mailSender="noreply@vlaanderen.example"
    )
    form = with_production(both.tni, "herinnerd", in_portal=True)
    both.tni.apply()
    both.on_tni.set_keys(both.on_tni.client(form.application)["client_id"], [new_key("uploaded")])
    assert "step 7 waits for the organisation" in remind(both.tni, "--dry-run").stdout
    both.prod.configure({"promotionGate": "off"})
    both.prod.apply()
    assert remind(both.tni, "--dry-run").stdout == f"{NOTHING}\n"

    state = both.tni.folder / "state" / ".pulumi" / "stacks" / "acmidm" / "prod.json"
    state.write_text("{")
    unknown = remind(both.tni, "--dry-run")
    assert (unknown.code, unknown.stdout) == (3, ""), unknown.output
    state.with_name("tni.json").write_text("{")
    state.unlink()
    own = remind(both.tni, "--dry-run")
    assert (own.code, own.stdout) == (3, ""), own.output


def remind(project: Project, *words: str) -> Outcome:
    return project.acmidm("remind", "--stack", "tni", *words)


def test_what_ends_is_mailed_once(
    project: Project,
    registry: Registry,
    settings: Settings,
    post_office: MailServer,
) -> None:
    """A key in a form and one in the portal: one mail, in their language. Before that who would get
    it; after that nothing more."""
    english = {**GENT, "language": "en"}
    declared = write_form(project.forms, "gent/a", organisation=english)
    portal = write_form(project.forms, "gent/b", keys=(), organisation=english)
    ends(declared, "key-1", 20 * DAY + 60)
    project.configure(
        {"smtpUrl": str(settings.smtp_url), "mailSender": "noreply@vlaanderen.example"}
    )
    project.apply()
    post_office.received.clear()  # the client-IDs
    project.configure({"smtpUrl": ""})
    uploaded: Any = {
        **new_key("uploaded").as_dict(private=False),
        "exp": int(time.time()) + 5 * DAY + 60,
    }
    registry.set_keys(
        registry.client(portal.application)["client_id"], [ECKey.import_key(uploaded)]
    )
    ledger = project.folder / "state" / "reminded" / "tni.json"

    dry = remind(project, "--dry-run")
    assert (dry.code, ledger.parent.exists()) == (0, False), dry.output
    headline, to, *about = dry.stdout.splitlines()
    assert headline == "1 mail for tni"
    assert to == "Stad Gent (api-beheer@stad-gent.example)"
    assert [line.partition(" ends ")[0].strip() for line in about] == [
        f"{portal.application}: key uploaded",
        f"{declared.application}: key key-1",
        f"{portal.application}: step 7 waits for the organisation",
    ]

    without = remind(project)
    assert (without.code, without.stdout) == (2, "")
    assert (
        without.stderr
        == "stack tni has no mail server; set acmidm:smtpUrl, or add --dry-run to see who would get"
        " what\n"
    )

    project.configure({"smtpUrl": "smtps://127.0.0.2:1"})
    untrusted = remind(project)
    assert (untrusted.code, untrusted.stdout, ledger.parent.exists()) == (2, "", False)
    assert (
        "setting acmidm:smtpUrl leads to 127.0.0.2:1, which ACMIDM_TRUSTED_HOSTS does not name"
        in untrusted.stderr
    )

    project.configure({"smtpUrl": str(settings.smtp_url)})
    sent, again = remind(project), remind(project)
    assert (sent.code, sent.stdout) == (0, dry.stdout), sent.output
    assert (again.code, again.stdout) == (0, f"{NOTHING}\n"), again.output
    (mail,) = post_office.received
    assert mail["To"] == "api-beheer@stad-gent.example"
    assert "within 7 days" in text_of(mail)
    assert "within 30 days" in text_of(mail)

    project.configure({"managementUrl": "http://127.0.0.1:9/management/v1"})
    unseen = remind(project)
    assert unseen.code == 3
    assert (
        f"the keys of Stad Gent · {portal.application} are in the portal, which cannot be read"
        in unseen.stderr
    )
    ledger.write_text("{")
    damaged = remind(project, "--dry-run")
    assert (damaged.code, damaged.stdout) == (1, "")
    assert f"{ledger}: this is no ledger of reminders" in damaged.stderr
