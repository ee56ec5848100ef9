"""An authority's database is restored from a backup: it is older than the state, and later newer
than that."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from acmidm_onboarding.values.terms import Platform
from tests.end_to_end.platforms.conftest import connected_to_both
from tests.support.engine import Outcome
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.handing_over import mailing, text_of
from tests.support.made_anew import recorded, there
from tests.support.mail_server import MailServer, running_mail_server
from tests.support.offered import offered
from tests.support.portal import new_key, register_client, running_portal
from tests.support.registry import Registry
from tests.support.together import OneStack, Script, differing, together

pytestmark = pytest.mark.exhaustive

OLDER, NEWER = "older", "newer"


class Restorable:
    """A portal whose data is copied and put back while it does not run, always under the same
    address."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self._folder, self._settings = folder, settings
        self.start()
        self._reserved = self.portal.reserved
        self._settings |= {
            "port": self.portal.settings.port,
            "operator_key": self.portal.operator_key,
        }

    def start(self) -> None:
        self._running = ExitStack()
        self.portal = self._running.enter_context(running_portal(self._folder, **self._settings))
        self.registry = Registry(self._running.enter_context(self.portal.operator()))

    def stop(self) -> None:
        self._running.close()

    def close(self) -> None:
        self.stop()
        for reserved in self._reserved:
            reserved.close()

    def back_up(self, name: str) -> None:
        self.stop()
        shutil.copytree(self._folder, self._backup(name), dirs_exist_ok=True)
        self.start()

    def restore(self, name: str | None) -> None:
        """Put a backup back; None for that of before anything was there."""
        self.stop()
        shutil.rmtree(self._folder)
        if name is not None:
            shutil.copytree(self._backup(name), self._folder)
        self.start()

    def _backup(self, name: str) -> Path:
        return self._folder.with_name(f"{self._folder.name}-{name}")


@dataclass(kw_only=True)
class Restored(OneStack):
    """A stack on two platforms, which are restored again and again."""

    acmidm: Restorable
    geosecure: Restorable
    mails: MailServer

    phases = (
        "up",
        "up_after_backup",
        "deploy_with_older",
        "heal_with_older",
        "up_after_heal",
        "heal_with_newer",
        "last_up",
    )

    def up(self) -> Outcome:
        return self.project.apply()

    def up_after_backup(self) -> Outcome:
        """The backups are as old as can be and as can be had: before this run, and after it."""
        self.acmidm.back_up(OLDER)
        self.geosecure.back_up(OLDER)
        done = self.project.apply()
        self.acmidm.back_up(NEWER)
        self.geosecure.back_up(NEWER)
        return done

    def deploy_with_older(self) -> tuple[dict[str, Any], Outcome]:
        """GeoSecure's backup is of before anything was there, and somebody else was quick."""
        self.acmidm.restore(OLDER)
        self.geosecure.restore(None)
        register_client(
            self.geosecure.registry.http,
            scopes=["DosisImport"],
            keys=[new_key("hun")],
            organisation={"name": "Politie", "ovo": "OVO009999", "kbo": None},
            application=POLICE,
            software_id="politie/loket",
            managed_by="andere/tool",
        )
        theirs = self.geosecure.registry.client(POLICE)
        return theirs, self.project.recover()

    def heal_with_older(self) -> tuple[dict[str, Any], Outcome]:
        """What there is to repair, and the repair."""
        self.acmidm.restore(OLDER)
        self.geosecure.restore(NEWER)
        self.mails.received.clear()
        return self.drift(), self._heal()

    def up_after_heal(self) -> Outcome:
        return self.project.apply()

    def heal_with_newer(self) -> Outcome:
        self.acmidm.restore(NEWER)
        return self._heal()

    def last_up(self) -> Outcome:
        return self.project.apply()

    def _heal(self) -> Outcome:
        return self.project.acmidm("drift", "--stack", "tni", "--heal")


POLICE = "politie"


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restored]:
    folder = tmp_path_factory.mktemp("restored")
    acmidm = Restorable(folder / "acmidm", **offered())
    platform: dict[str, Any] = {"platform": "geosecure"}
    geosecure = Restorable(folder / "geosecure", **platform, **offered(Platform.GEOSECURE))
    with running_mail_server() as mails:
        project = connected_to_both(acmidm.portal, geosecure.portal, folder / "project")
        mailing(project, mails)
        yield Restored(
            project,
            acmidm.registry,
            acmidm.portal,
            acmidm=acmidm,
            geosecure=geosecure,
            mails=mails,
        )
    acmidm.close()
    geosecure.close()


@together
def test_deploy_makes_anew_what_is_gone_and_puts_the_rest_in_line(at: Restored) -> Script:
    """It says first which clients are gone, and what they cost their organisations."""
    kept = write_form(at.forms, "gent/kept-by-deploy")
    yield at.up
    new = write_form(at.forms, "gent/new-by-deploy")
    kept.request()["scopes"][PLAIN] = {}
    kept.save()
    yield at.up_after_backup
    before = there(at.acmidm.registry, [kept, new])
    _, done = yield at.deploy_with_older
    (lost,) = [line for line in done.stderr.splitlines() if "authority no more: " in line]
    assert new.key in lost
    assert kept.key not in lost
    after = there(at.acmidm.registry, [kept, new])
    assert _but_for_ids(after) == _but_for_ids(before)
    assert after[kept.application] == before[kept.application]
    drift = yield at.drift
    assert differing(drift, kept) == differing(drift, new) == []


@together
def test_a_number_that_was_given_out_again_takes_nobody_elses_client(at: Restored) -> Script:
    """GeoSecure is restored from a backup of before our client was made, and gives its number,
    7001, to another organisation's client.

    Once a refresh has seen that, the run is refused: nothing of that client is changed.
    """
    form = write_form(at.forms, "gent/number", platforms=["acmidm", "geosecure"])
    yield at.up
    ours = at.geosecure.registry.client(form.application)
    theirs, done = yield at.deploy_with_older
    number = theirs["client_id"]
    assert number == ours["client_id"]
    assert done.code != 0
    said = f'client {number} is that of "andere/tool" by now, and nothing was written'
    assert said in done.output
    assert at.geosecure.registry.clients(POLICE) == [theirs]


@together
def test_older_and_newer_than_the_state(at: Restored) -> Script:
    """What is gone is made anew and mailed, what differs is put back in place, and what was removed
    since is named as a danger.

    Once the newer database is there again, the client that has the key there is taken over, with
    the client-ID that its people have.
    """
    names, both = ("kept", "gone", "moved"), (SEND, DOSSIERS)
    kept, gone, moved = (write_form(at.forms, f"gent/{name}", scopes=both) for name in names)
    yield at.up
    new = write_form(at.forms, "gent/new", scopes=both)
    kept.request()["scopes"][PLAIN] = {}
    kept.save()
    gone.path.unlink()
    former = moved.application
    moved.document |= {"application": f"{former}-nieuw", "formerly": [former]}
    moved.save()
    yield at.up_after_backup
    forms = [kept, moved, new]
    before = there(at.acmidm.registry, forms)

    found, healed = yield at.heal_with_older
    kinds = {
        one["application"]: {change["kind"] for change in one["changes"]}
        for one in found["by_hand"]
    }
    assert kinds[new.application] == {"client_removed"}
    assert "client_renamed" in kinds[moved.application]
    assert kinds[kept.application] == {"scope_withdrawn"}
    behind = at.acmidm.registry.client(gone.application)
    assert healed.code == 1, healed.output
    assert "1 client with the mark of tni that nobody declares" in healed.stdout
    assert behind["client_id"] in healed.stdout
    after = there(at.acmidm.registry, forms)
    assert _but_for_ids(after) == _but_for_ids(before)
    for form in (kept, moved):
        assert after[form.application] == before[form.application]
    yield at.up_after_heal
    mailed = [mail for mail in at.mails.received if new.application in text_of(mail)]
    assert len(mailed) == 1, "the new client has another client-ID"
    at.acmidm.registry.remove(behind["client_id"])
    for product in ("notificaties", "dosis"):
        at.acmidm.registry.remove_configuration(product, behind["client_id"])

    healed = yield at.heal_with_newer
    assert healed.code == 0, healed.output
    yield at.last_up
    assert there(at.acmidm.registry, forms) == before
    drift = yield at.drift
    assert [differing(drift, form) for form in forms] == [[], [], []]
    assert recorded(at.project, *forms) == {clients[0]["client_id"] for clients in before.values()}


def _but_for_ids(found: dict[str, Any]) -> list[Any]:
    return [
        [
            {name: value for name, value in client.items() if name != "client_id"}
            for client in clients
        ]
        for clients in found.values()
    ]
