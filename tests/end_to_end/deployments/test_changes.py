"""What a form changes, or a person at the authority, shows as what it is: one resource, one line.

``up`` makes it so, and then nothing shows any more.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.engine import ROOT, Outcome, detail_lines, kind_of, settings_of
from tests.support.forms import DOSSIERS, NOTIFICATIES, PLAIN, SEND, FormFile, write_form
from tests.support.portal import RunningPortal, new_key
from tests.support.previews import NO_ACCESS, Preview, contents, preview_of
from tests.support.registry import Registry, kids
from tests.support.together import OneStack, Script, together

SLIPPED_IN = "slipped-in"
GRANTED = "dv_ar_adres_beheer"
MOST_CHARACTERS = 150
READ = "    def read(self, id_: str, props: Properties) -> ReadResult:\n"
EDIT = """\
        # A comment that was not there before.
        __import__("pathlib").Path(__import__("os").environ["PROOF_OF_THE_EDIT"]).touch()
"""
Act = Callable[[Registry, FormFile, str], None]
"""What someone does by hand to a form's client."""


class Changes(OneStack):
    """A stack that is seen without access, after a look at the authority, and by other providers.

    The second ``up`` looks first: what changed at the authority is a difference to no other.
    """

    writes = (*OneStack.writes, "looking_up", "destroy")
    slow_reads = ("looked", "looking_diff", "looked_by_edited_providers")

    def up(self) -> Outcome:
        return self.project.apply()

    @property
    def _proof(self) -> Path:
        return self.project.folder / "proof"

    def without_access(self) -> Preview:
        """What a machine without access shows: it compares forms and state, and writes nothing."""
        self.project.configure(NO_ACCESS)
        kept = contents(self.project.folder)
        seen = preview_of(self.project)
        assert contents(self.project.folder) == kept
        right = settings_of(self.portal)
        self.project.configure({**right, "operatorPrivateKeyFile": "operator-tni.jwk.json"})
        return seen

    def looked(self) -> Preview:
        return preview_of(self.project, "--refresh")

    def looking_diff(self) -> Outcome:
        """The same as people read it."""
        return self.project.preview("--refresh", "--diff")

    def looking_up(self) -> Outcome:
        return self.project.apply("--refresh")

    def looked_by_edited_providers(self) -> Preview:
        """What a pipeline sees that expects no changes, by providers whose source was edited."""
        copy = self.project.folder / "edited"
        shutil.copytree(ROOT / "components", copy, ignore=shutil.ignore_patterns("__pycache__"))
        for source in (copy / "acmidm_onboarding" / "resources").glob("*.py"):
            source.write_text(source.read_text().replace(READ, READ + EDIT))
        self.project.environment = {"PYTHONPATH": str(copy), "PROOF_OF_THE_EDIT": str(self._proof)}
        seen = preview_of(self.project, "--refresh", "--expect-no-changes")
        self.project.environment = {}
        assert self._proof.exists(), "the edited source was not the one that ran"
        return seen

    def destroy(self) -> Outcome:
        return self.project.succeed("destroy", "--yes", "--suppress-progress")


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Changes:
    return Changes.connected(tmp_path_factory, portal, registry)


@together
def test_a_first_look_needs_no_access(at: Changes) -> Script:
    """What a contributor sees is complete, each resource with its own type.

    A form of another environment shows nothing.
    """
    yield at.up
    form = write_form(at.forms, "nieuw/loket", scopes=(SEND, DOSSIERS))
    platforms = ["acmidm", "geosecure"]
    later = write_form(at.forms, "later/loket", environment="prod", platforms=platforms)
    seen = yield at.without_access
    steps = seen.steps(form)
    shown = {(kind_of(step["urn"]), step["newState"]["type"], step["op"]) for step in steps}
    kinds = ("OAuthClient", "ClientScopes", "ClientJwks", "ProductConfiguration")
    assert shown == {(kind, f"pulumi-python:dynamic/acmidm:{kind}", "create") for kind in kinds}
    names = {step["urn"].rpartition("::")[2] for step in steps}
    assert names == {form.key, f"{form.key}/notificaties", f"{form.key}/dosis"}
    assert seen.of(later) == {}
    yield at.looking_up
    assert at.registry.clients(later.application) == []


@together
def test_a_scope_extension_is_one_resource_and_one_line(at: Changes) -> Script:
    """Step 3 of the guide: a working client is granted one scope more. With a product of its own:
    see the two platforms."""
    form = write_form(at.forms, "gent/scope")
    yield at.up
    before = at.registry.client(form.application)
    why = {"reason": "codes of organisations", "reference": "SD-4711"}
    form.request()["scopes"][PLAIN] = why
    form.save()
    seen = yield at.without_access
    assert seen.of(form) == {f"ClientScopes {form.key}": ("update", [f"scopes.{PLAIN}"])}
    (step,) = seen.steps(form)
    assert step["detailedDiff"][f"scopes.{PLAIN}"]["kind"] == "add"
    yield at.looked
    text = yield at.looking_diff
    assert f'+ {PLAIN}: "codes of organisations (SD-4711)"' in detail_lines(text, "+")
    yield at.looking_up
    after = at.registry.client(form.application)
    assert after["client_id"] == before["client_id"]
    assert set(after["scopes"]) == {SEND, PLAIN, "vo_info"}


def ends_on(form: FormFile, day: str) -> None:
    form.request()["scopes"][PLAIN] = {"until": day}
    form.save()


@together
def test_a_scope_ends_after_its_last_day(at: Changes) -> Script:
    """A later end changes the resource of the scopes alone. The run after the last day withdraws
    the scope, the only one, whatever the state has; the client and its key stay."""
    form, later = forms = [
        write_form(at.forms, f"gent/{name}", scopes=(PLAIN,)) for name in ("until", "until-later")
    ]
    for one in forms:
        ends_on(one, "2998-12-31")
    yield at.up
    before = at.registry.client(form.application)
    assert PLAIN in before["scopes"]
    ends_on(later, "2999-12-31")
    ends_on(form, "2020-12-31")
    seen = yield at.without_access
    assert seen.of(later) == {f"ClientScopes {later.key}": ("update", [f"until.{PLAIN}"])}
    expected = {f"ClientScopes {form.key}": ("update", [f"scopes.{PLAIN}", "until"])}
    assert seen.of(form) == expected
    yield at.looking_up
    after = at.registry.client(form.application)
    assert after["client_id"] == before["client_id"]
    assert set(after["scopes"]) == set(before["scopes"]) - {PLAIN}


@together
def test_a_changed_contact_updates_the_client_alone(at: Changes) -> Script:
    """Nothing that lives inside the client is touched, not even in the preview."""
    form = write_form(at.forms, "gent/contact")
    yield at.up
    before = at.registry.client(form.application)
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.save()
    seen = yield at.without_access
    assert seen.of(form) == {f"OAuthClient {form.key}": ("update", ["contacts[0]"])}
    yield at.looking_up
    after = at.registry.client(form.application)
    assert after["contacts"] == ["nieuw@stad-gent.example"]
    assert {name for name in before if before[name] != after[name]} == {"contacts", "etags"}
    assert after["etags"]["scopes"] == before["etags"]["scopes"]


@together
def test_a_changed_value_is_one_line(at: Changes) -> Script:
    form = write_form(at.forms, "gent/value")
    yield at.up
    configuration = form.request()["products"]["notificaties"]
    configuration["merk_code"] = "stad-gent-loket"
    form.save()
    seen = yield at.without_access
    place = f"ProductConfiguration {form.key}/notificaties"
    assert seen.of(form) == {place: ("update", ["configuration.merk_code"])}
    yield at.looked
    text = yield at.looking_diff
    assert '~ merk_code: "stad-gent" => "stad-gent-loket"' in detail_lines(text, "~")
    yield at.looking_up
    client_id = at.registry.client(form.application)["client_id"]
    assert at.registry.configuration("notificaties", client_id) == configuration


@together
def test_another_code_is_another_client(at: Changes) -> Script:
    """Without ``formerly``: the preview creates one and deletes one, and the old client goes with
    all it had."""
    form = write_form(at.forms, "ander/code")
    yield at.up
    before, former = at.registry.client(form.application), form.key
    form.organisation = {"name": "Stad Aalst", "ovo": "OVO002002"}
    form.save()
    seen = yield at.without_access
    done = {
        (step["urn"].rpartition("::")[2].removesuffix("/notificaties"), step["op"])
        for step in seen.document["steps"]
        if form.application in step["urn"]
    }
    assert done == {(form.key, "create"), (former, "delete")}
    yield at.looking_up
    client = at.registry.client(form.application)
    assert client["client_id"] != before["client_id"]
    assert client["software_id"] == f"acmidm/tni/OVO002002/{form.application}"
    assert set(client["scopes"]) == {SEND, "vo_info"}
    assert at.registry.configuration("notificaties", client["client_id"]) is not None
    assert at.registry.configuration("notificaties", before["client_id"]) is None


def exchange_keys(registry: Registry, form: FormFile, client_id: str) -> None:
    """One stays, one is removed, one is another by the same name, and one is slipped in."""
    registry.set_keys(client_id, [form.keys["key-1"], new_key("key-2"), new_key(SLIPPED_IN)])


def let_in_by_a_secret(registry: Registry, _: FormFile, client_id: str) -> None:
    secret = {"client_secret": "made-by-hand-0123456789"}
    registry.change(client_id, token_endpoint_auth_method="client_secret_basic", **secret)


def grant(registry: Registry, _: FormFile, client_id: str) -> None:
    """One scope is granted, one withdrawn."""
    registry.set_scopes(client_id, [SEND, GRANTED])


def change_product(registry: Registry, _: FormFile, client_id: str) -> None:
    registry.set_configuration("notificaties", client_id, {**NOTIFICATIES, "merk_code": "ander"})


DRIFTS: dict[str, tuple[Act, dict[str, tuple[str, list[str]]]]] = {
    "client": (
        lambda registry, _, client_id: registry.change(
            client_id, enabled=False, contacts=["ander@stad.example"]
        ),
        {"OAuthClient": ("update", ["contacts[0]", "enabled"])},
    ),
    "method": (
        let_in_by_a_secret,
        {"OAuthClient": ("update", ["awaited_keys", "token_endpoint_auth_method"])},
    ),
    "scopes": (
        grant,
        {"ClientScopes": ("update", [f"scopes.{GRANTED}", f"scopes.{PLAIN}"])},
    ),
    "public keys": (
        exchange_keys,
        {
            "ClientJwks": (
                "update",
                ['jwks["key-2"].x', 'jwks["key-2"].y', 'jwks["key-3"]', f'jwks["{SLIPPED_IN}"]'],
            )
        },
    ),
    "product": (
        change_product,
        {"ProductConfiguration": ("update", ["configuration.merk_code"])},
    ),
    "product removed": (
        lambda registry, _, client_id: registry.remove_configuration("notificaties", client_id),
        {"ProductConfiguration": ("create", [])},
    ),
    "client removed": (
        lambda registry, _, client_id: registry.remove(client_id),
        {
            "OAuthClient": ("create", []),
            "ClientScopes": ("create", []),
            "ClientJwks": ("create", []),
        },
    ),
    "nothing": (lambda *_: None, {}),
}


@pytest.mark.parametrize("name", DRIFTS)
@together
def test_a_change_by_hand_is_the_very_line_and_is_repaired(at: Changes, name: str) -> Script:
    """After ``up`` the client is what it was, everything but its ETags; one that was removed is
    made anew with all it had."""
    keys, (act, expected) = ("key-1", "key-2", "key-3"), DRIFTS[name]
    form = write_form(at.forms, f"gent/{name.replace(' ', '-')}", scopes=(SEND, PLAIN), keys=keys)
    yield at.up
    before = at.registry.client(form.application)
    act(at.registry, form, before["client_id"])
    seen = yield at.looked
    shown = {place.partition(" ")[0]: step for place, step in seen.of(form).items()}
    yield at.looking_up
    after = at.registry.client(form.application)
    anew: dict[str, Any] = {}
    if name == "client removed":
        # The product's configuration outlives its client at the authority, and goes to the new one.
        replaced = ("replace", "create-replacement", "delete-replaced")
        assert shown.pop("ProductConfiguration")[0] in replaced
        assert after["client_id"] != before["client_id"]
        new = ("client_id", "client_id_issued_at", "incarnation")
        anew = {member: after[member] for member in new}
    assert shown == expected
    assert {**after, "etags": None} == {**before, "etags": None, **anew}
    assert kids(after) == set(keys)
    assert at.registry.configuration("notificaties", after["client_id"]) == NOTIFICATIES


@together
def test_lines_of_text_name_what_a_person_must_see(at: Changes) -> Script:
    """A scope granted by hand is removed by name, what was withdrawn comes back by name; what the
    authority itself assigns is no drift."""
    form = write_form(at.forms, "gent/lines", scopes=(SEND, PLAIN))
    form.request()["scopes"][PLAIN] = {"reason": "withdrawn by hand"}
    form.save()
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    grant(at.registry, form, client_id)
    seen = yield at.looked
    paths = [path for step in seen.document["steps"] for path in step.get("detailedDiff") or ()]
    assert f"scopes.{GRANTED}" in paths
    assert not any("vo_info" in path for path in paths)
    text = yield at.looking_diff
    removed = detail_lines(text, "-")
    assert any(line.startswith(f'- {GRANTED}: "granted outside') for line in removed)
    assert f'+ {PLAIN}: "withdrawn by hand"' in detail_lines(text, "+")
    yield at.looking_up
    assert "vo_info" in at.registry.client(form.application)["scopes"]


def _write_otherwise(form: FormFile) -> None:
    """Reorder lists and maps; write comments, quotes, a key's file name and its members anew."""
    request = form.request()
    request["jwks"].reverse()
    for table in ("scopes", "products"):
        request[table] = dict(reversed(request[table].items()))
    request["products"] = {
        product: dict(reversed(settings.items()))
        for product, settings in request["products"].items()
    }
    document = dict(reversed(form.document.items()))
    document["contacts"] = list(reversed(document["contacts"]))
    old = form.path.with_name(request["jwks"][0])
    new = old.with_name("another-name.jwk.json")
    request["jwks"][0] = new.name
    new.write_text(json.dumps(dict(reversed(json.loads(old.read_text()).items())), indent=8))
    old.unlink()
    text = yaml.safe_dump(document, sort_keys=False, default_flow_style=True, width=60)
    form.path.write_text(f"# a comment\n\n{text}")


@pytest.mark.parametrize("written", ["the-same", "otherwise"])
@together
def test_what_is_no_change_is_shown_as_none(at: Changes, written: str) -> Script:
    """Neither the engine nor the authority sees a change."""
    form = write_form(
        at.forms,
        f"gent/{written}",
        scopes=(SEND, DOSSIERS, PLAIN),
        keys=("b", "a"),
        contacts=["a@stad-gent.example", "b@stad-gent.example"],
    )
    yield at.up
    before = at.registry.everything(form.application)
    (client,) = before[form.application]
    assert set(client["scopes"]) == {SEND, DOSSIERS, PLAIN, "vo_info"}
    assert kids(client) == {"a", "b"}
    if written == "otherwise":
        _write_otherwise(form)
    assert (yield at.looked).of(form) == {}
    done = yield at.looking_up
    said = [line for line in done.output.splitlines() if form.key in line]
    assert not any(done in line for line in said for done in ("creat", "updat", "replac", "delet"))
    assert at.registry.everything(form.application) == before, "its ETags too"


@pytest.mark.exhaustive
@together
def test_what_is_applied_is_no_change_to_providers_of_another_source(at: Changes) -> Script:
    """What is stored of a provider is its name: an edited method runs on old state, and nothing
    shows as changed. ``--expect-no-changes`` says so to a pipeline."""
    form = write_form(at.forms, "gent/stored")
    yield at.up
    resources = yield at.resources
    stored = [one["inputs"]["__provider"] for one in resources.values()]
    assert sum(place.partition(" ")[2].startswith(form.key) for place in resources) == 4
    assert all(len(text) < MOST_CHARACTERS for text in stored), stored
    assert str(ROOT) not in json.dumps(stored)
    yield at.looking_up
    seen = yield at.looked_by_edited_providers
    assert (seen.code, seen.changed) == (0, []), seen.problems


@together
def test_destroy_leaves_nothing(at: Changes) -> Script:
    """Neither a client nor a product's configuration stays at the authority, and the state is
    empty."""
    form = write_form(at.forms, "gent/destroyed", scopes=(SEND, DOSSIERS))
    yield at.up
    assert at.registry.clients(form.application) != []
    yield at.looking_up
    yield at.destroy
    assert at.registry.listed("/management/v1/clients") == []
    for product in ("notificaties", "dosis"):
        assert at.registry.listed(f"/products/v1/{product}/configurations") == []
    assert at.project.resources() == {}
    assert not list((at.project.folder / "state").rglob("*.lock"))
