"""What a whole run cannot do changes nothing: an authority that is down or elsewhere, credentials
that are wrong, a state that nobody can write to, a folder that lost its forms.

One stack on two platforms goes through all of it; then all that waits is carried out.
"""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from acmidm_onboarding.values.terms import Platform
from tests.end_to_end.platforms.conftest import connected_to_both
from tests.support.by_hand import adopt, made_by_hand
from tests.support.engine import Outcome, settings_of
from tests.support.forms import DOSSIERS, SEND, write_form
from tests.support.made_anew import there
from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal
from tests.support.progressing import OFTEN, deploy_here
from tests.support.registry import Registry
from tests.support.together import OneStack, Script, about, own, together

MANY = 10


@dataclass(kw_only=True)
class WholeRuns(OneStack):
    """A stack that is run with one trouble after another. ``registry`` is that of ACM/IDM."""

    geosecure: RunningPortal
    at_geosecure: Registry

    phases = (
        "up",
        "up_without_access",
        "up_at_wrong_addresses",
        "tried_without_writing",
        "up_without_forms",
        "deploy_in_spite_of_all",
    )

    @property
    def locks(self) -> Path:
        """The folder of the state's locks."""
        return self.project.folder / "state" / ".pulumi" / "locks"

    def _up_with(self, settings: Mapping[str, object]) -> Outcome:
        self.project.configure(settings)
        done = self.project.up()
        right = settings_of(self.portal) | settings_of(self.geosecure, Platform.GEOSECURE)
        self.project.configure({**right, "retryDeadlineSeconds": 30})
        return done

    def up_without_access(self) -> Outcome:
        """With credentials of nobody at ACM/IDM, and GeoSecure down."""
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            down = f"http://127.0.0.1:{unused.getsockname()[1]}"
            names = {"managementUrl": "m", "issuer": "op", "productsUrl": "p"}
            addresses = {f"geosecure:{name}": f"{down}/{path}" for name, path in names.items()}
            nobody = {"operatorClientId": "nobody", "retryDeadlineSeconds": 1}
            return self._up_with({**addresses, **nobody})

    def up_at_wrong_addresses(self) -> Outcome:
        """Of the products, which answers 404 to all."""
        return self._up_with({"productsUrl": f"{self.portal.origin}/products/v9"})

    def tried_without_writing(self) -> tuple[Outcome, Outcome]:
        """A repair and a deployment while the state cannot be written.

        Root may write to any folder, so what has the locks is a file here.
        """
        shutil.rmtree(self.locks)
        self.locks.touch()
        healed = self.project.acmidm("drift", "--stack", "tni", "--heal")
        deployed = self.project.recover()
        self.locks.unlink()
        return healed, deployed

    def up_without_forms(self) -> Outcome:
        return self.project.up()

    def deploy_in_spite_of_all(self) -> Outcome:
        return deploy_here(self.project, OFTEN, "--allow-mass-change")


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeRuns]:
    folder = tmp_path_factory.mktemp("whole")
    geosecure = {"platform": "geosecure", **offered(Platform.GEOSECURE)}
    with (
        running_portal(folder / "acmidm", **offered()) as first,
        running_portal(folder / "geosecure", **geosecure) as second,
        first.operator() as at_first,
        second.operator() as at_second,
    ):
        project = connected_to_both(first, second, folder / "project")
        registry, at_geosecure = Registry(at_first), Registry(at_second)
        yield WholeRuns(project, registry, first, geosecure=second, at_geosecure=at_geosecure)


@together
def test_wrong_credentials_of_the_operator_make_nothing(at: WholeRuns) -> Script:
    """One sentence that says whose credentials they are; nothing is retried."""
    yield at.up
    form = write_form(at.forms, "gent/credentials")
    done: Outcome = yield at.up_without_access
    assert done.code != 0
    (sentence,) = [said for said in done.errors if ": 401 " in said]  # a port may be 24011
    assert all(words in sentence for words in ("POST ", "/v1/token: 401 ")), sentence
    assert "check the operator's credentials" in sentence
    assert "tried" not in sentence
    assert at.registry.clients(form.application) == []
    form.path.unlink()


@together
def test_an_unreachable_server_costs_the_deadline_once(at: WholeRuns) -> Script:
    """Ten forms, and one of their operations alone goes on retrying: the others learn from it."""
    forms = [write_form(at.forms, f"gent/down-{number}") for number in range(MANY)]
    yield at.up
    for form in forms:
        form.document["platforms"] = ["acmidm", "geosecure"]
        form.save()
    done: Outcome = yield at.up_without_access
    assert "stamina" not in done.output
    lines = [line.strip() for line in done.output.splitlines()]
    said = [line for line in lines if line.startswith("error: Unreachable")]
    assert len(said) == MANY
    for line in said:
        assert "/op/.well-known/openid-configuration: the server cannot be reached" in line
        assert "check the address and the server, then run the same command again" in line
    assert len([line for line in said if "tried 1 time in" not in line]) == 1
    for form in forms:
        form.document["platforms"] = ["acmidm"]
        form.save()


@together
def test_a_wrong_address_removes_nothing(at: WholeRuns) -> Script:
    """It answers 404 to everything, which is what a removed product answers too."""
    registry = at.registry
    form, product = (
        write_form(at.forms, f"gent/{name}", scopes=(SEND, DOSSIERS)) for name in ("weg", "minder")
    )
    yield at.up
    yield at.up_without_access
    before, known = registry.everything(form.application, product.application), at.resources()
    (client,) = before[product.application]
    form.path.unlink()
    del product.request()["scopes"][DOSSIERS]
    del product.request()["products"]["dosis"]
    product.save()
    done: Outcome = yield at.up_at_wrong_addresses
    assert done.code != 0, done.output
    assert any("404" in sentence for sentence in done.errors), done.errors
    forms = (form, product)
    known, kept = own(known, *forms), own(at.resources(), *forms)
    kinds = ("OAuthClient", "ClientScopes", "ClientJwks", "ProductConfiguration")
    assert {place for place in known if place.split()[0] in kinds} <= kept.keys()
    assert registry.everything(form.application) == {form.application: before[form.application]}
    configured = registry.configuration("dosis", client["client_id"])
    assert configured == client["products"]["dosis"]

    yield at.deploy_in_spite_of_all
    assert registry.clients(form.application) == []
    assert registry.configuration("dosis", client["client_id"]) is None


@pytest.mark.exhaustive
@together
def test_a_state_that_cannot_be_written_changes_nothing(at: WholeRuns) -> Script:
    """Such as on a file system that was mounted read-only. A repair said "2 errors occurred:" and
    no more."""
    form, leaves = (
        write_form(at.forms, f"gent/{name}", scopes=(SEND, DOSSIERS))
        for name in ("stays", "leaves")
    )
    yield at.up_at_wrong_addresses
    at.registry.set_scopes(at.registry.client(form.application)["client_id"], [SEND])
    leaves.path.unlink()
    before = there(at.registry, [form, leaves])
    healed, deployed = yield at.tried_without_writing
    refused = [line for line in healed.stdout.splitlines() if line.startswith("refused  mkdir")]
    assert refused == [f"refused  mkdir {at.locks}: not a directory"]
    assert (healed.code, deployed.code) == (1, 1), deployed.output
    assert there(at.registry, [form, leaves]) == before

    yield at.deploy_in_spite_of_all
    assert at.registry.clients(leaves.application) == []
    assert DOSSIERS in at.registry.client(form.application)["scopes"]


@together
def test_many_clients_go_by_a_word_alone(at: WholeRuns) -> Script:
    """Also with the engine's own command: a folder that lost its forms, or a filter that takes
    none, removes nobody."""
    forms = [write_form(at.forms, f"gent/app-{number}") for number in range(MANY)]
    yield at.up_at_wrong_addresses
    clients = sum(place.startswith("OAuthClient ") for place in at.resources())
    for form in forms[:8]:
        form.path.unlink()
    done: Outcome = yield at.up_without_forms
    assert done.code != 0
    (sentence,) = done.errors
    said = re.match(r"(\d+) clients of (\d+) that tni has are declared no more, more", sentence)
    assert said is not None, sentence
    assert 8 <= int(said[1]) < int(said[2]) == clients
    assert "more than 30%: OVO002067/loket-" in sentence
    allowed = "if all of them are meant, run acmidm deploy --stack tni --allow-mass-change"
    assert sentence.endswith(allowed)
    assert all(at.registry.clients(form.application) for form in forms)
    yield at.deploy_in_spite_of_all
    there = [bool(at.registry.clients(form.application)) for form in forms]
    assert there == [False] * 8 + [True] * 2


@together
def test_after_a_failed_run_the_next_one_looks_first(at: WholeRuns) -> Script:
    """In a run of its own, for in the same one the engine would wait for ever where something is
    refused. All others are brought up."""
    has_one = write_form(at.forms, "gent/has-one")
    yield at.up_at_wrong_addresses
    elsewhere = write_form(at.project.folder / "elsewhere", "gent/other")
    other = made_by_hand(at.registry, elsewhere)
    adopt(has_one, other)
    last = write_form(at.forms, "gent/last")
    yield at.up_without_forms
    done: Outcome = yield at.deploy_in_spite_of_all
    assert done.code != 0
    (refused,) = about(has_one, re.findall(r"^refused: (.*)$", done.stderr, re.MULTILINE))
    assert f'client "{other}" cannot be taken over, for this connection has a client' in refused
    assert "authority no more" not in done.stderr
    assert at.registry.client(last.application)["jwks"]["keys"]


@together
def test_a_deployment_says_how_far_it_is(at: WholeRuns) -> Script:
    """From the real engine's events. A run that is short says nothing: see tests/engine."""
    done: Outcome = yield at.deploy_in_spite_of_all
    line = r"^tni: (\d+) of (\d+) connections(?:, \d+ failed so far \(.*\))?, about a minute more$"
    shown = re.findall(line, done.stderr, re.MULTILINE)
    assert shown, done.stderr
    assert all(int(done) <= int(of_all) for done, of_all in shown)
    steps = pairwise(shown)
    # The run that looks at the authorities begins anew once: as the run that brings the stack up.
    assert sum(int(later) < int(earlier) for (earlier, _), (later, _) in steps) <= 1
