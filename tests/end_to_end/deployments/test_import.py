"""From the spreadsheet of years to forms: imported, brought up, and nothing at the authority is
different but whose it is."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from joserfc.jwk import ECKey
from openpyxl import Workbook

from tests.support.engine import Project
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, PLAIN, SEND
from tests.support.offered import offered
from tests.support.portal import RunningPortal, new_key, register_client, running_portal
from tests.support.registry import Registry
from tests.support.warm_server import warm_environment

HEADINGS = ["KBOnummer", "Klant", "TAN", "URI TEST", "URI PRD", "CliëntID TEST", "CliëntID PRD"]
OWNERSHIP = {"software_id", "managed_by", "incarnation", "keys_declared"}
GENT, WINGENE, AALST = "0207451227", "0207495470", "0207437468"
GENT_NOTED = f"{GENT}/genoteerd"


@dataclass
class World:
    """An authority per environment with clients made by hand, and one folder with a stack for
    each."""

    tni: Project
    prod: Project
    at_tni: Registry
    at_prod: Registry

    def import_(
        self, *rows: Sequence[object], words: tuple[str, ...] = ("--tni", "tni", "--prod", "prod")
    ) -> subprocess.CompletedProcess[str]:
        book = Workbook()
        assert book.active is not None
        for row in (HEADINGS, *rows):
            book.active.append(list(row))
        book.save(self.tni.folder / "klanten.xlsx")
        return self.acmidm("import", "klanten.xlsx", *words)

    def acmidm(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(warm_environment() / "bin/acmidm"), *words]
        return subprocess.run(
            command,
            cwd=self.tni.folder,
            env=self.tni.variables(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def form(self, name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load((self.tni.forms / f"{name}.yaml").read_text())
        return loaded


@pytest.fixture(scope="module")
def portals(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[RunningPortal, RunningPortal]]:
    folder = tmp_path_factory.mktemp("portals")
    with (
        running_portal(folder / "tni", **offered()) as tni,
        running_portal(folder / "prod", environment="prod", **offered()) as prod,
    ):
        yield tni, prod


@pytest.fixture
def world(portals: tuple[RunningPortal, RunningPortal], tmp_path: Path) -> Iterator[World]:
    tni, prod = portals
    with tni.operator() as at_tni, prod.operator() as at_prod:
        made = World(
            _project(tmp_path, "tni", tni),
            _project(tmp_path, "prod", prod),
            Registry(at_tni),
            Registry(at_prod),
        )
        made.at_tni.clear()
        made.at_prod.clear()
        yield made


def _project(folder: Path, stack: str, portal: RunningPortal) -> Project:
    project = Project(folder / "project", stack=stack)
    project.connect(portal)
    return project


def client(
    registry: Registry,
    name: str,
    kbo: str,
    application: str,
    *,
    scopes: tuple[str, ...] = (PLAIN,),
    keys: tuple[ECKey, ...] = (),
    products: dict[str, dict[str, Any]] | None = None,
    **changes: Any,
) -> str:
    """A client as people made them: a name of its own, no natural key, no owner."""
    slug = application.lower().replace(" ", "-")
    document = {
        "client_name": f"{name} - {slug}",
        "organisation": {"name": name, "ovo": None, "kbo": kbo},
        "application": slug,
        "contacts": ["koppelingen@leverancier.example"],
        "software_id": None,
        "managed_by": None,
        **changes,
    }
    client_id = str(
        register_client(registry.http, scopes=scopes, keys=keys, **document)["client_id"]
    )
    for product, configuration in (products or {}).items():
        registry.set_configuration(product, client_id, configuration)
    return client_id


def all_of(registry: Registry) -> dict[str, dict[str, Any]]:
    """Every client with all that it has, but not whose it is."""
    items = registry.http.get("/management/v1/clients").raise_for_status().json()["items"]
    return {
        item["client_id"]: {
            **{name: value for name, value in item.items() if name not in (*OWNERSHIP, "etags")},
            "versions": {name: tag for name, tag in item["etags"].items() if name != "client"},
            "products": {
                product: registry.configuration(product, item["client_id"])
                for product in ("notificaties", "dosis")
            },
        }
        for item in items
    }


def changed(step: dict[str, Any]) -> set[str]:
    """The inputs that taking over changes; of scopes the names count, and of keys the key-IDs."""
    inputs = step["newState"]["inputs"]
    before = inputs["adopt"]["before"]
    if "OAuthClient" in step["urn"]:
        return {
            name
            for name in {*inputs, *before} - {"adopt", "__provider", "platform"}
            if inputs.get(name) != before.get(name)
        }
    if "configuration" in inputs:
        return (
            {"configuration"} if inputs["configuration"] != before.get("configuration") else set()
        )
    return {
        name
        for name in ("scopes", "jwks")
        if name in inputs and set(inputs[name]) != set(before.get(name, ()))
    }


@pytest.mark.exhaustive
def test_import_then_up_changes_nothing_but_the_owner(world: World) -> None:
    """Two organisations, both environments, products, a supplier's key in common, keys of the
    portal; nothing differs afterwards.

    What a takeover does change, the preview shows: a name, and contacts that were not there.
    """
    keys, on_prod = (
        (new_key("leverancier 2023/a"), new_key("leverancier-2024")),
        (new_key("leverancier-prod"),),
    )
    products = {"notificaties": NOTIFICATIES, "dosis": DOSIS}
    gent = client(
        world.at_tni,
        "Stad Gent",
        GENT,
        "mijn-loket",
        scopes=(SEND, DOSSIERS),
        keys=keys,
        products=products,
    )
    gent_prod = client(
        world.at_prod,
        "Stad Gent",
        GENT,
        "mijn-loket",
        scopes=(SEND,),
        keys=on_prod,
        products={"notificaties": NOTIFICATIES},
    )
    wingene = client(world.at_tni, "Gemeente Wingene", WINGENE, "Mijn Loket", keys=keys)
    wingene_prod = client(world.at_prod, "Gemeente Wingene", WINGENE, "Mijn Loket", keys=on_prod)
    aalst = client(world.at_tni, "Stad Aalst", AALST, "loket")
    before = all_of(world.at_tni), all_of(world.at_prod)

    done = world.import_(
        [
            int(GENT),
            "Stad Gent",
            "T-1",
            "https://test.example",
            "https://prod.example",
            gent,
            gent_prod,
        ],
        ["0207.495.470", "Gemeente Wingene", None, None, None, wingene.upper(), wingene_prod],
        [AALST, "Stad Aalst", None, None, None, aalst, None],
        words=(
            "--tni",
            "tni",
            "--prod",
            "prod",
            "--supplier",
            "leverancier",
            "--until",
            "2999-12-31",
        ),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 rows: 3 forms written, 0 declared already, 0 things not placed" in done.stdout
    assert (
        all_of(world.at_tni),
        all_of(world.at_prod),
    ) == before, "importing itself writes nothing at an authority"

    form = world.form("stad-gent/mijn-loket")
    assert form["environments"]["tni"]["adopt"] == {"acmidm": gent}
    assert form["environments"]["prod"]["adopt"] == {"acmidm": gent_prod}
    assert form["contacts"] == ["koppelingen@leverancier.example"]
    assert sorted(
        file.relative_to(world.tni.forms).as_posix() for file in world.tni.forms.rglob("*.jwk.json")
    ) == [
        "leverancier/leverancier-2023-a.jwk.json",
        "leverancier/leverancier-2024.jwk.json",
        "leverancier/leverancier-prod.jwk.json",
    ]
    assert world.form("stad-gent/organisation") == {
        "name": "Stad Gent",
        "kbo": GENT,
        "speaks_for": {
            **{name: [NOTIFICATIES[name]] for name in ("aanbieder_uri", "merk_code")},
            "bron_uri": [DOSIS["bron_uri"]],
        },
    }
    assert form["keys_of"] == "leverancier"
    assert "jwks" not in world.form("stad-aalst/loket")["environments"]["tni"]
    text = (world.tni.forms / "stad-gent/mijn-loket.yaml").read_text()
    assert (
        "# From klanten.xlsx, row 2: Klant Stad Gent; TAN T-1; URI TEST https://test.example; URI"
        " PRD https://prod.example\n" in text
    )

    noted = client(
        world.at_tni, "Stad Gent", GENT, "genoteerd", client_name="Gent (oud)", contacts=[]
    )
    done = world.import_(
        [GENT, "Stad Gent", None, None, None, noted, None],
        words=("--tni", "tni", "--prod", "prod", "--contact", "api@stad-gent.example"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    steps = world.tni.steps()
    (shown,) = [step for step in steps if step["urn"].endswith("OAuthClient::" + GENT_NOTED)]
    steps.remove(shown)
    assert all(changed(step) <= OWNERSHIP for step in steps)
    changes = changed(shown) - OWNERSHIP
    assert changes == {"client_name", "contacts"}

    for project in (world.tni, world.prod):
        project.apply()
        looked = project.acmidm("drift", "--stack", project.stack)
        assert looked.code == 0, looked.output
    after = all_of(world.at_tni), all_of(world.at_prod)
    assert after[0].pop(noted)["contacts"] == ["api@stad-gent.example"]
    assert after == before

    again = world.import_(
        [int(GENT), "Stad Gent", "T-1", None, None, gent, gent_prod],
        [WINGENE, None, None, None, None, wingene, wingene_prod],
        [AALST, None, None, None, None, aalst, None],
    )
    assert (again.returncode, "0 forms written, 3 declared already" in again.stdout) == (0, True), (
        again.stdout + again.stderr
    )


def test_what_cannot_be_placed_is_all_named(world: World) -> None:
    """Rows with row and column, clients without a row; a form that exists is never written over.
    The rest is written; the exit code is 1."""
    good = client(
        world.at_tni, "Stad Gent", GENT, "goed", client_name="Gent goed (oud)", contacts=[]
    )
    browser = client(
        world.at_tni,
        "Stad Gent",
        GENT,
        "browser",
        grant_types=["authorization_code", "client_credentials"],
    )
    forgotten = client(world.at_tni, "Gemeente Wingene", WINGENE, "vergeten")
    misplaced = client(world.at_prod, "Stad Aalst", AALST, "verkeerd")
    taken = client(world.at_tni, "Stad Gent", GENT, "bezet", keys=(new_key("gent-1"),))
    there, text = (
        world.tni.forms / "stad-gent/bezet.yaml",
        "application: iets-anders\ncontacts: [a@b.example]\nenvironments: {tni: {}}\n",
    )
    there.parent.mkdir()
    there.with_name("organisation.yaml").write_text(f'name: Stad Gent\nkbo: "{GENT}"\n')
    there.write_text(text)
    done = world.import_(
        [GENT, "Stad Gent", None, None, None, good, None],
        ["0207451228", "Fout nummer", None, None, None, "x", None],
        [AALST, "Stad Aalst", None, None, None, misplaced, None],
        [GENT, "Stad Gent", None, None, None, browser, None],
        [GENT, "Zonder client", None, None, None, None, None],
        [WINGENE, "Dubbel", None, None, None, "dubbel", None],
        [WINGENE, "Dubbel", None, None, None, "DUBBEL", None],
        [None, "Totaal: 7", None, None, None, None, None],
        [GENT, "Stad Gent", None, None, None, taken, None],
        words=("--tni", "tni", "--prod", "prod", "--contact", "api@stad-gent.example"),
    )
    assert done.returncode == 1, done.stdout
    assert "9 rows: 1 form written" in done.stdout
    sentences = done.stderr.splitlines()
    for start, what in (
        ("not placed: row 3: column A (KBOnummer)", "check digits 28 where 27 is due"),
        ("not placed: row 3: column F (CliëntID TEST)", 'there is no client "x" on stack tni'),
        (
            "not placed: row 4: column F (CliëntID TEST)",
            "but there is on prod: perhaps it is in the wrong column",
        ),
        ("not placed: row 5: ", "has the grant types authorization_code, client_credentials"),
        ("not placed: row 6, row 9: ", "neither CliëntID TEST nor CliëntID PRD is filled in"),
        ("not placed: row 7: column F", "is in row 8 too"),
        ("not placed: row 8: column F", "is in row 7 too"),
        (
            "not placed: row 10: ",
            "onboardings/stad-gent/bezet.yaml exists already, and is left as it is",
        ),
        (f"not placed: client {forgotten} ", "is in no row and in no form"),
        (f"not placed: client {misplaced} ", "is in no row and in no form"),
    ):
        assert any(line.startswith(start) and what in line for line in sentences), (
            start,
            what,
            sentences,
        )
    assert len(sentences) == 10
    assert sorted(file.name for file in world.tni.forms.rglob("*.*")) == [
        "bezet.yaml",
        "goed.yaml",
        "organisation.yaml",
    ]
    assert there.read_text() == text


def test_wrong_use_and_unreachable(world: World) -> None:
    """2 and 3, a sentence each, and no traceback."""
    row = [GENT, "Stad Gent", None, None, None, "x", None]
    for words, sentence in (
        ((), "name the stacks that have the clients: --tni STACK, --prod STACK, or both"),
        (("--tni", "prod"), "stack prod is of prod; name one of tni with --tni"),
        (("--tni", "nergens"), 'there is no stack "nergens" here; use prod or tni'),
    ):
        done = world.import_(row, words=words)
        assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr
    world.tni.configure(
        {"managementUrl": "http://127.0.0.1:9/management/v1", "retryDeadlineSeconds": 0}
    )
    done = world.import_(row)
    assert (done.returncode, "cannot be reached" in done.stderr, "Traceback" in done.stderr) == (
        3,
        True,
        False,
    )
