"""An authority's database is restored from a backup: it is older than the state, and later newer
than that."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import Project
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.handing_over import mailing
from tests.support.made_anew import is_whole, there
from tests.support.mail_server import running_mail_server
from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal
from tests.support.registry import Registry


class Restorable:
    """A portal whose data is copied and put back while it does not run, always under the same
    address."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._how = folder, dict[str, Any]()
        with self.running() as portal:
            self._how = {"port": portal.settings.port, "operator_key": portal.operator_key}

    @contextmanager
    def running(self) -> Iterator[RunningPortal]:
        with running_portal(self._folder, **offered(), **self._how) as portal:
            yield portal
        for reserved in portal.reserved:
            reserved.close()

    @contextmanager
    def registry(self) -> Iterator[Registry]:
        with self.running() as portal, portal.operator() as http:
            yield Registry(http)

    def back_up(self, name: str) -> None:
        shutil.copytree(self._folder, self._folder.with_name(name))

    def restore(self, name: str) -> None:
        shutil.rmtree(self._folder)
        shutil.copytree(self._folder.with_name(name), self._folder)


def test_deploy_makes_anew_what_is_gone_and_puts_the_rest_in_line(tmp_path: Path) -> None:
    """It says first which clients are gone, and what they cost their organisations."""
    authority, project = Restorable(tmp_path / "portal"), Project(tmp_path / "project")
    with authority.running() as portal:
        project.connect(portal)
    with authority.registry():
        kept = write_form(project.forms, "gent/kept")
        project.recover()
    authority.back_up("older")
    with authority.registry() as registry:
        new = write_form(project.forms, "gent/new")
        kept.request()["scopes"][PLAIN] = {}
        kept.save()
        assert "no more" not in project.recover().output
        before = there(registry, [kept, new])
    authority.restore("older")
    with authority.registry() as registry:
        done = project.recover()
        assert done.code == 0, done.output
        assert "1 client of tni is at its authority no more: " in done.stderr
        assert _but_for_ids(there(registry, [kept, new])) == _but_for_ids(before)
        assert (
            registry.client(kept.application)["client_id"]
            == before[kept.application][0]["client_id"]
        )
        assert project.acmidm("drift", "--stack", "tni").code == 0


@pytest.mark.exhaustive
def test_older_and_newer_than_the_state(tmp_path: Path) -> None:
    """What is gone is made anew and mailed, what differs is put back in place, and what was removed
    since is named as a danger.

    Once the newer database is there again, the client that has the key there is taken over, with
    the client-ID that its people have.
    """
    authority, project = Restorable(tmp_path / "portal"), Project(tmp_path / "project")
    with authority.running() as portal:
        project.connect(portal)
    with running_mail_server() as mails:
        mailing(project, mails)
        with authority.registry():
            kept, gone, moved = (
                write_form(project.forms, f"gent/{name}", scopes=(SEND, DOSSIERS))
                for name in ("kept", "gone", "moved")
            )
            project.apply()
        authority.back_up("older")
        with authority.registry() as registry:
            new = write_form(project.forms, "gent/new", scopes=(SEND, DOSSIERS))
            kept.request()["scopes"][PLAIN] = {}
            kept.save()
            gone.remove()
            moved.document |= {
                "application": f"{moved.application}-nieuw",
                "formerly": [moved.application],
            }
            moved.save()
            project.apply()
            forms = [kept, moved, new]
            before = there(registry, forms)
        authority.back_up("newer")

        authority.restore("older")
        mails.received.clear()
        with authority.registry() as registry:
            said = project.acmidm("drift", "--stack", "tni").stdout
            assert said.startswith(
                "By hand on tni: 1 client is removed, 1 client gets another name, 1 client loses 1"
                " scope"
            )
            healed = project.acmidm("drift", "--stack", "tni", "--heal")
            behind = registry.client(gone.application)
            assert healed.code == 1, healed.output
            assert "1 client with the mark of tni that nobody declares" in healed.stdout
            assert behind["client_id"] in healed.stdout
            assert _but_for_ids(there(registry, forms)) == _but_for_ids(before)
            assert there(registry, [kept, moved]) == {
                form.application: before[form.application] for form in (kept, moved)
            }
            project.apply()
            assert len(mails.received) == 1, "the new client has another client-ID"
            registry.remove(behind["client_id"])
            for product in ("notificaties", "dosis"):
                registry.remove_configuration(product, behind["client_id"])

        authority.restore("newer")
        with authority.registry() as registry:
            assert project.acmidm("drift", "--stack", "tni", "--heal").code == 0
            project.apply()
            is_whole(project, registry, forms, before)


def _but_for_ids(found: dict[str, Any]) -> list[Any]:
    return [
        [
            {name: value for name, value in client.items() if name != "client_id"}
            for client in clients
        ]
        for clients in found.values()
    ]
