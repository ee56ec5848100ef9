"""A stack that moves on to another authority: what people confirmed and no run has recorded would
be made anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from acmidm.commands import deploy
from acmidm.engine import recovery
from acmidm_onboarding.settings import full_key
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Platform
from tests.support.by_hand import adopt
from tests.support.by_hand_stack import CONFIRMED, carry_out, opened, recorded, set_by_hand
from tests.support.confirmed import CLIENT_ID
from tests.support.repository import Repository, repository

__all__ = ["repository"]


def last_run(authority: str, result: str = "succeeded") -> Mapping[str, Any]:
    """What the engine keeps of a run on an authority."""
    values = {"environment": "tni", "authority": authority, "confirmedFolder": str(CONFIRMED)}
    values |= {name: f"https://{name}.example" for name in ("issuer", "productsUrl")}
    config = {full_key(name): {"value": value, "secret": False} for name, value in values.items()}
    return {"kind": "update", "result": result, "config": config}


@pytest.fixture
def engine(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A stack by hand with one client that is confirmed, and that has another authority since."""
    set_by_hand(repository)
    repository.form = repository.write("mijn-app", environment="tni")
    carry_out(opened())
    repository.set(
        "hand",
        environment="tni",
        authority="keycloak",
        confirmedFolder=None,
        operatorClientId="operator",
    )
    monkeypatch.setattr(recovery, "stack_tags", lambda _: {})
    monkeypatch.setattr(recovery, "set_tag", lambda *_: None)
    return monkeypatch


def looks_first(run: Mapping[str, Any], state: Mapping[str, Any] | None = None) -> bool:
    """Whether a deployment after this run reads the authorities first."""
    return recovery.recover(opened(state, last_run=run))[1].is_set


@pytest.mark.usefixtures("engine")
def test_what_is_recorded_goes_on(repository: Repository) -> None:
    state = recorded(repository.form.key, CLIENT_ID)
    assert looks_first(last_run("by_hand"), state)


@pytest.mark.parametrize("left_behind", ["nothing", "a run that failed", "a tag"])
def test_what_is_confirmed_alone_is_refused_whatever_the_last_run_left(
    engine: pytest.MonkeyPatch, left_behind: str
) -> None:
    result = "failed" if left_behind == "a run that failed" else "succeeded"
    if left_behind == "a tag":
        engine.setattr(recovery, "stack_tags", lambda _: {recovery.LOOK_TAG: "true"})
    with pytest.raises(Failure, match="is confirmed and not recorded yet"):
        looks_first(last_run("by_hand", result))


@pytest.mark.usefixtures("engine")
def test_a_type_that_is_no_longer_installed_holds_nothing_up() -> None:
    assert looks_first(last_run("a-package-of-old"))


def last_at(authority: str, state: Mapping[str, Any] | None = None) -> Stack:
    """The stack, whose state is from a run on this type of authority."""
    provider = {
        "urn": "urn:pulumi:hand::acmidm::pulumi:providers:pulumi-python::default",
        "type": "pulumi:providers:pulumi-python",
        "inputs": {full_key("authority"): authority},
    }
    resources = (state or {"deployment": {"resources": []}})["deployment"]["resources"]
    return opened({"deployment": {"resources": [provider, *resources]}})


@pytest.mark.usefixtures("engine")
def test_what_somebody_may_have_made_by_hand_is_not_made_a_second_time(
    repository: Repository,
) -> None:
    """Confirmed or not: whoever moves it says first which client is there."""
    sentence = f"no client of {repository.form.key} is recorded, .* may have made one by hand"

    def declare(stack: Stack) -> None:
        forms = [form for form in stack.forms.connections if form.key == repository.form.key]
        stack.require_none_by_hand(forms)

    with pytest.raises(Failure, match=sentence):
        declare(last_at("by_hand"))
    declare(last_at("keycloak"))
    declare(last_at("by_hand", recorded(repository.form.key)))
    adopt(repository.form, CLIENT_ID)
    declare(last_at("by_hand"))


@pytest.mark.usefixtures("engine")
def test_a_client_id_that_was_mistyped_is_not_taken_for_a_client_that_is_lost(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run would make a second client, beside the one whose client-ID nobody confirmed rightly."""
    key = repository.form.key
    with pytest.raises(typer.Exit):
        deploy.report_lost(last_at("by_hand", recorded(key)), [key])
    assert f"the client-ID that was confirmed of {key} is not at its authority" in (
        capsys.readouterr().err
    )
    deploy.report_lost(last_at("keycloak", recorded(key)), [key])
    assert f"1 client of hand is at its authority no more: {key}" in capsys.readouterr().err


WORDS = {"acmidm:apiClientIds": "dosis=ID notificaties=ID"}


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    "former", [{}, {"acmidm:geosecureIssuer": "https://x"}, WORDS, {"acmidm:apiUrls": ""}], ids=str
)
def test_a_run_with_settings_in_former_ways_is_looked_at(
    former: Mapping[str, str],
) -> None:
    """Another version made it: what it left is not known. A default that was empty says nothing."""
    run = dict(last_run(opened().forms.settings.platforms[Platform.ACMIDM].authority))
    run["config"] |= {name: {"value": text, "secret": False} for name, text in former.items()}
    assert looks_first(run) is any(former.values())


@pytest.mark.usefixtures("engine")
def test_former_maps_hold_nothing_up() -> None:
    """What was confirmed is looked for, whatever the history's maps are written in."""
    run = dict(last_run("by_hand"))
    run["config"] |= {name: {"value": text} for name, text in WORDS.items()}
    with pytest.raises(Failure, match="is confirmed and not recorded yet"):
        looks_first(run)


@pytest.mark.usefixtures("engine")
def test_what_is_confirmed_alone_is_refused_where_settings_had_former_names(
    repository: Repository,
) -> None:
    now = opened().forms.settings.platforms[Platform.ACMIDM].authority
    addresses = dict.fromkeys(("issuer", "managementUrl", "productsUrl"), "https://x.example")
    of_geosecure = {"authority": now, "operatorClientId": "operator", **addresses}
    repository.set(
        "hand",
        authority=now,
        **{f"geosecure:{name}": value for name, value in of_geosecure.items()},
    )
    settings = yaml.safe_load(Path("Pulumi.hand.yaml").read_text())["config"]
    former = {"Authority": "by_hand", "ConfirmedFolder": str(CONFIRMED)}
    former |= {"Issuer": "https://x.example", "ProductsUrl": "https://x.example"}
    config = {name: text for name, text in settings.items() if not name.startswith("geosecure:")}
    config |= {f"acmidm:geosecure{name}": text for name, text in former.items()}
    run: dict[str, Any] = {"kind": "update", "result": "succeeded"}
    run["config"] = {name: {"value": text} for name, text in config.items()}
    with pytest.raises(Failure, match="is confirmed and not recorded yet"):
        looks_first(run)
