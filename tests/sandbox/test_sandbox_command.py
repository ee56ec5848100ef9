"""`acmidm sandbox`: real stacks, real background processes."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

from acmidm.form_page.page import form_page
from acmidm.sandbox.portals import api_client_id
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from tests.support.ports import reserve_port
from tests.support.rsa_keys import rsa_key
from tests.support.sandbox_stack import PROJECT, Stack

pytestmark = pytest.mark.tool


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One that all tests share, in their order: each goes on where the one before left it."""
    made = Stack(tmp_path_factory.mktemp("stack"))
    yield made
    assert made.run("stop").returncode == 0
    made.reserved.close()


def test_start_brings_up_a_portal_whose_files_are_its_owners_alone(stack: Stack) -> None:
    """It knows the catalogue and the operator, whose key works; whatever the umask, and where the
    folder lay open before."""
    stack.data.mkdir(parents=True)
    for folder in (stack.data, *stack.data.parents[:2]):
        folder.chmod(0o777)
    for name in ("portal.log", "portal.pid", "portal.yaml"):
        (stack.data / name).touch(0o666)
    started = stack.run("start", "--stack", "tni", umask=0)
    assert (started.returncode, started.stdout) == (
        0,
        f"portal tni acmidm: started at {stack.origin}\n",
    ), started.stderr
    scopes = httpx.get(f"{stack.origin}/op/.well-known/openid-configuration").json()[
        "scopes_supported"
    ]
    assert {"dv_notificaties_import", "dv_dosis_schrijven"} <= set(scopes)
    with stack.operator() as operator:
        assert operator.get("/management/v1/clients").json() == {"items": [], "next": None}
        assert operator.get("/products/v1/notificaties/configurations").status_code == 200
    page = httpx.get(f"{stack.origin}/portaal/aansluitingsformulier").raise_for_status()
    assert page.text == form_page(load_catalogue(stack.folder / "catalogue"))
    modes = {
        str(path.relative_to(stack.folder)): stat.S_IMODE(path.stat().st_mode)
        for path in (stack.folder / ".local").rglob("*")
    }
    assert {"portal.db", "portal.db-wal", "portal.log", "portal.pid", "operator.jwk.json"} <= {
        Path(name).name for name in modes
    }
    assert {name: oct(mode) for name, mode in modes.items() if mode not in (0o600, 0o700)} == {}
    assert stat.S_IMODE((stack.folder / ".local").stat().st_mode) == 0o700
    assert all((mode == 0o700) == (stack.folder / name).is_dir() for name, mode in modes.items())


def test_a_second_start_leaves_it_alone_and_stop_keeps_what_is_there(stack: Stack) -> None:
    """The same process after a second start; the same key after a stop. What is no database is one
    sentence, and stays as it is; a database or a key that is lost is made good."""
    pid, key = stack.pid, stack.key_file.read_text()
    page = stack.data / "aansluiten.html"
    made = page.stat().st_mtime_ns
    assert stack.run("start").stdout == f"portal tni acmidm: running at {stack.origin}\n"
    assert (stack.pid, page.stat().st_mtime_ns) == (pid, made)
    assert (
        stack.run("status").stdout
        == f"portal tni acmidm: running at {stack.origin} (process {pid})\n"
    )
    assert stack.run("stop").stdout == "portal tni acmidm: stopped\n"
    assert stack.run("stop").stdout == ""
    status = stack.run("status")
    assert (status.returncode, status.stdout) == (1, "portal tni acmidm: stopped\n")

    for file in stack.data.glob("portal.db*"):
        file.unlink()
    database = stack.data / "portal.db"
    database.write_bytes(b"no database" * 100)
    refused = stack.run("start")
    assert refused.returncode == 1
    assert f": {database} can't be used: file is not a database; move it away" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert database.read_bytes() == b"no database" * 100
    database.unlink()
    stack.run("start")
    assert stack.key_file.read_text() == key
    stack.operator().close()
    stack.key_file.unlink()
    stack.run("start")
    stack.operator().close()


def test_a_page_that_would_be_another_is_another_start(stack: Stack) -> None:
    """What the catalogue says on the form alone counts too, also in a folder of it."""
    file = stack.folder / "catalogue" / "of-elys" / "elys.yaml"
    file.parent.mkdir()
    (stack.folder / "catalogue" / "elys.yaml").rename(file)
    assert stack.run("start").returncode == 0
    pid = stack.pid
    file.write_text(file.read_text().replace("\ntitle_nl: ", "\ntitle_nl: Anders ", 1))
    assert "started at" in stack.run("start").stdout
    assert stack.pid != pid
    page = httpx.get(f"{stack.origin}/portaal/aansluitingsformulier").text
    assert page == form_page(load_catalogue(stack.folder / "catalogue"))


def test_other_settings_are_another_start(stack: Stack) -> None:
    """A scope that is new in the catalogue, and what the option says. What a token request names an
    API by is what the sample stacks have."""
    pid = stack.pid
    file = stack.folder / "catalogue" / "dosis.yaml"
    file.write_text(
        file.read_text().replace("acmidm: dv_dosis_schrijven", "acmidm: dv_dosis_renamed")
    )
    assert "started at" in stack.run("start", "--strict").stdout
    assert stack.pid != pid
    assert (
        "dv_dosis_renamed"
        in httpx.get(f"{stack.origin}/op/.well-known/openid-configuration").json()[
            "scopes_supported"
        ]
    )
    settings = yaml.safe_load((stack.data / "portal.yaml").read_text())
    assert settings["strict"] is True
    dosis = settings["products"]["dosis"]
    assert (dosis["scope"], dosis["client_id"], dosis["resources"]) == (
        "dv_dosis_renamed",
        api_client_id("tni", "acmidm", "dosis"),
        [f"{stack.origin}/api/v2/dosis"],
    )
    assert dosis["client_id"] in (PROJECT / "Pulumi.tni.yaml").read_text()


def test_a_stack_that_this_machine_does_not_play_is_told(stack: Stack) -> None:
    """Nothing is started, and its deploy can go on."""
    config = json.loads((stack.folder / "Pulumi.tni.yaml").read_text())["config"]
    elsewhere = "https://acmidm.example"
    real = {name: value.replace(stack.origin, elsewhere) for name, value in config.items()}
    (stack.folder / "Pulumi.real.yaml").write_text(json.dumps({"config": real}))
    people = stack.folder / "people.yaml"
    people.write_text("of another stack")
    started = stack.run("start", "--stack", "real")
    people.unlink()
    said = "stack real has no authority on this machine: there is nothing to start\n"
    assert (started.returncode, started.stdout) == (0, said)
    assert not (stack.folder / ".local" / "real").exists()


def test_an_unknown_stack_is_told(stack: Stack) -> None:
    """One sentence, the exit code of wrong use."""
    unknown = stack.run("start", "--stack", "acceptance")
    assert unknown.returncode == 2
    assert unknown.stderr.startswith('there is no stack "acceptance" here; use ')
    assert "Traceback" not in unknown.stderr


def test_a_port_of_another_program_is_one_clear_sentence(stack: Stack) -> None:
    """Also where that program speaks HTTP: nothing is taken for ours that isn't. The last test:
    nobody else can have the port then."""
    stack.run("stop")
    stack.reserved.listen()
    refused = stack.run("start")
    assert refused.returncode == 1
    assert (
        refused.stderr
        == f"portal tni acmidm: port {stack.port} of 127.0.0.1 is taken by process {os.getpid()}"
        f" ({psutil.Process().name()} in {Path.cwd()}); stop that, or write other ports into the"
        " stack's file (in a clone of acmidm: make ports OFFSET=100)\n"
    )


def test_no_portal_is_started_where_one_has_a_taken_port(tmp_path: Path) -> None:
    """Each is named at once: who has none of a stack's portals has nothing to stop."""
    two = Stack(tmp_path)
    file = tmp_path / "Pulumi.tni.yaml"
    with two.reserved, reserve_port() as taken:
        taken.listen()
        origin = f"http://127.0.0.1:{taken.getsockname()[1]}"
        config = json.loads(file.read_text())["config"]
        for name in set(config) - {"acmidm:environment"}:
            of_geosecure = config[name].replace(two.origin, origin).replace("acmidm/", "geosecure/")
            config[name.replace("acmidm:", "geosecure:")] = of_geosecure
        file.write_text(json.dumps({"config": config}))
        refused = two.run("start")
        assert (refused.returncode, refused.stdout) == (1, ""), refused.stderr
        assert refused.stderr.startswith("portal tni geosecure: port ")
        assert not (two.data / "portal.pid").exists()
        two.reserved.listen()
        assert len(two.run("start").stderr.splitlines()) == 2


@pytest.mark.parametrize("kind", ["of another type", "no key"])
def test_a_key_that_the_sandbox_did_not_make_is_refused(tmp_path: Path, kind: str) -> None:
    """It is an operator's of a real authority, which nobody starts here; it stays as it is."""
    another = Stack(tmp_path)
    another.reserved.close()
    another.data.mkdir(parents=True)
    key = rsa_key("of another authority").as_dict(private=True)
    text = json.dumps(key if kind == "of another type" else [])
    another.key_file.write_text(text)
    refused = another.run("start")
    assert (refused.returncode, refused.stdout) == (2, ""), refused.stderr
    assert "is no key that the sandbox made" in refused.stderr
    assert str(key["d"]) not in refused.stderr
    assert another.key_file.read_text() == text
