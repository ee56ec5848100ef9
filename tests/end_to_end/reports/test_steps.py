"""Where each connection stands, with the real engine and two authorities: a row goes from step 2 to
step 10, fact by fact."""

from __future__ import annotations

import json
import shutil
from typing import Any

from tests.support.engine import Project
from tests.support.forms import PLAIN
from tests.support.mail_server import running_mail_server
from tests.support.portal import RunningPortal, new_key
from tests.support.two_stacks import Both, with_production


def rows(project: Project, *words: str) -> dict[str, dict[str, Any]]:
    """The rows by stack; each has the code and the contacts."""
    outcome = project.acmidm("status", "--board", *words, "--output", "json")
    assert outcome.code == 0, outcome.output
    found = json.loads(outcome.stdout)["connections"]
    for row in found:
        assert row["connection"]["codes"] == ["OVO002067", "0207451227"]
        assert row["connection"]["contacts"] == ["api-beheer@stad-gent.example"]
    return {row["connection"]["stack"]: row for row in found}


def places(found: dict[str, dict[str, Any]]) -> dict[str, tuple[int, str]]:
    return {stack: (row["step"], row["order"]) for stack, row in found.items()}


def test_from_step_2_to_step_10(both: Both, portal: RunningPortal) -> None:
    """Declared, made, its key uploaded, proven, made, mailed and done on production; with what is
    unknown where somebody cannot tell."""
    with running_mail_server() as mail_server:
        walk(
            both,
            portal,
            {
                "smtpUrl": f"smtp://127.0.0.1:{mail_server.port}",
                "mailSender": "dv@vlaanderen.example",
            },
        )


def walk(both: Both, portal: RunningPortal, mails: dict[str, str]) -> None:
    """Each assertion is a fact that came."""
    both.tni.connect(portal, portalUrl=f"{portal.origin}/portaal", **mails)
    form = with_production(both.tni, "stappen", in_portal=True)
    at_first = rows(both.tni)
    assert places(at_first) == {"tni": (2, "deploy"), "prod": (7, "gate-test")}
    assert at_first["prod"]["waits_for"] == "us"

    both.tni.apply()
    made = rows(both.tni, "--stack", "tni", "gent")["tni"]
    # Other tests give Gent an API-beheerder, or not.
    assert (made["step"], made["waits_for"]) in (
        (4, "organisation"),
        (5, "organisation"),
    )
    assert made["since"] is not None
    assert f"{portal.origin}/portaal" in made["text"]

    client_id = both.on_tni.client(form.application)["client_id"]
    form.keys["uploaded"] = new_key("uploaded")
    both.on_tni.set_keys(client_id, [form.keys["uploaded"]])
    portal.client_token(form.keys["uploaded"], client_id)
    tried = rows(both.tni, "--stack", "tni", "--waiting-for", "organisation")["tni"]
    assert (tried["step"], tried["order"]) == (7, "validate")
    assert tried["last_token_at"] is not None
    assert [key["kid"] for key in tried["connection"]["keys"]] == ["uploaded"]

    both.prove(form, "uploaded", PLAIN)
    both.prod.configure({"promotionGate": "off"})
    assert places(rows(both.tni)) == {"tni": (7, "tested"), "prod": (7, "deploy")}
    both.prod.apply()
    not_mailed = rows(both.tni)["prod"]
    assert (not_mailed["step"], not_mailed["order"], not_mailed["waits_for"]) == (
        7,
        "hand-over-no-smtp",
        "us",
    )
    both.prod.configure(mails)
    both.prod.apply()
    both.in_prod.set_keys(
        both.in_prod.client(form.application)["client_id"], [new_key("for-production")]
    )
    assert places(rows(both.tni)) == {"tni": (7, "on-production"), "prod": (10, "done")}

    # An authority that is down, and a stack that does not exist, are unknown; neither ends it.
    both.prod.configure(
        {"managementUrl": "http://127.0.0.1:1/management/v1", "retryDeadlineSeconds": 0}
    )
    shutil.copy(both.tni.folder / "Pulumi.tni.yaml", both.tni.folder / "Pulumi.elsewhere.yaml")
    lost = rows(both.tni, "--stack", "prod", "--stack", "elsewhere")
    assert places(lost) == {"prod": (9, "keys-unknown"), "elsewhere": (2, "state-unknown")}
    assert lost["prod"]["waits_for"] == "authority"
    assert set(lost["prod"]["unknown"]) >= {"keys", "rights"}
    assert lost["elsewhere"]["unknown"] == ["state"]
    nobody = both.tni.acmidm("status", "--board", "--waiting-for", "organization")
    assert (nobody.code, "'organization' is not one of" in nobody.stderr) == (2, True)
