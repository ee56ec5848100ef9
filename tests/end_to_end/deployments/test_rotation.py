"""A rotation on the real engine: a key leaves beside another that works, or not at all; nobody else
waits for it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from acmidm.report.plan import read_plan
from tests.support.engine import Project
from tests.support.forms import FormFile, write_form
from tests.support.portal import RunningPortal, sign_assertion
from tests.support.registry import Registry, kids

OVERLAP_DAYS = 14


def as_if_days_ago(project: Project, form: FormFile, days: int) -> None:
    """Let the keys of a form have been declared so many days ago."""
    moment = f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"

    def since(deployment: dict[str, Any]) -> None:
        for resource in deployment["resources"]:
            if resource["type"].endswith("ClientJwks") and form.key in resource["urn"]:
                for side in ("inputs", "outputs"):
                    resource[side]["since"] = dict.fromkeys(resource[side]["since"], moment)

    project.change_state(since)


def drop(form: FormFile, kid: str) -> None:
    """Take a key out of the form, and save it."""
    del form.keys[kid]
    form.request()["jwks"] = [
        name for name in form.request()["jwks"] if not name.endswith(f"-{kid}.jwk.json")
    ]
    form.save()


def test_a_key_leaves_beside_one_that_is_in_use(
    project: Project, registry: Registry, portal: RunningPortal
) -> None:
    """Beside a new key it stays, for that client alone; after the overlap, and once the authority
    saw the new one, it goes.

    A compromised key goes at once, also the last one: the deployment says so, and goes through.
    """
    project.configure({"keyOverlapDays": OVERLAP_DAYS})
    form, other = write_form(project.forms), write_form(project.forms, "ander/loket")
    project.apply()
    as_if_days_ago(project, form, 20)
    client_id = registry.client(form.application)["client_id"]
    without_kid = sign_assertion(
        form.keys["key-1"], client_id, portal.audience, header={"kid": None}
    )
    portal.request_token(without_kid).raise_for_status()
    form.add_key("key-2")
    form.save()
    reviewed = json.loads(project.acmidm("review", "--stack", "tni", "--output", "json").stdout)
    kinds = {
        (change["kind"], change["subject"])
        for one in reviewed["connections"]
        for change in one["changes"]
    }
    assert kinds == {("key_added", "key-2"), ("second_key_without_kid", "key-1")}
    (step,) = project.steps()
    added = {re.sub(r"\W", "", name) for name in step["detailedDiff"]}
    assert added == {
        re.sub(r"\W", "", name)
        for name in ("jwks.key-2", f"since.{form.keys['key-2'].thumbprint()}")
    }
    project.apply()
    project.in_sync()

    drop(form, "key-1")
    other.request()["jwks"] = [{"file": other.request()["jwks"][0], "compromised": True}]
    other.save()
    refused = project.pulumi("preview", "--json")
    assert refused.code != 0
    (sentence,) = read_plan(json.loads(refused.stdout)).problems
    assert sentence.startswith(
        'gent/loket: key "key-1" may leave from'
        f" {datetime.now(UTC) + timedelta(days=OVERLAP_DAYS):%Y-%m-%d}"
    )
    state = project.resources()[f"ClientJwks {form.key}"]
    outcome = project.recover()
    assert outcome.code != 0
    assert f"refused: {sentence}" in outcome.stderr
    assert kids(registry.client(form.application)) == {"key-1", "key-2"}
    kept = project.resources()[f"ClientJwks {form.key}"]
    assert {**kept["inputs"], "refused": None} == {**state["inputs"], "refused": None}
    assert f"warning: {other.key} on tni loses compromised key key-1" in outcome.stderr
    assert kids(registry.client(other.application)) == set(), "the others go on"

    as_if_days_ago(project, form, 20)
    portal.request_token(
        sign_assertion(form.keys["key-2"], client_id, portal.audience)
    ).raise_for_status()
    project.apply()
    assert kids(registry.client(form.application)) == {"key-2"}
    project.in_sync()


def test_a_stolen_key_goes_though_another_may_not_leave_yet(
    project: Project, registry: Registry, portal: RunningPortal
) -> None:
    """In one change: the stolen one goes, the new one comes, and the one that leaves too early
    stays, in the state too."""
    project.configure({"keyOverlapDays": OVERLAP_DAYS})
    form, other = (
        write_form(project.forms, keys=("stolen", "early")),
        write_form(project.forms, "ander/loket"),
    )
    project.apply()
    as_if_days_ago(project, form, 20)
    client_id = registry.client(form.application)["client_id"]
    early = form.keys["early"].thumbprint()
    form.add_key("new")
    drop(form, "early")
    files = {
        name.removesuffix(".jwk.json").rpartition("-")[2]: name for name in form.request()["jwks"]
    }
    form.request()["jwks"] = [files["new"], {"file": files["stolen"], "compromised": True}]
    form.save()
    other.remove()

    for _ in range(2):
        assert project.preview().code != 0
        done = project.recover()
        assert (done.code, kids(registry.client(form.application))) == (1, {"early", "new"})
        assert 'refused: gent/loket: key "early" ' in done.stderr
    assert registry.clients(other.application) == [], "nobody's removal is held up by it"
    bare = project.apply()
    assert 'warning: gent/loket: key "early" may leave from ' in bare.output
    inputs = project.resources()[f"ClientJwks {form.key}"]["inputs"]
    assert inputs["jwks"].keys() == {"early", "new"}
    assert inputs["since"].keys() == {form.keys["new"].thumbprint(), early}

    as_if_days_ago(project, form, 20)
    portal.request_token(
        sign_assertion(form.keys["new"], client_id, portal.audience)
    ).raise_for_status()
    assert project.recover().code == 0
    assert kids(registry.client(form.application)) == {"new"}
    project.in_sync()


@pytest.mark.exhaustive
def test_keys_that_another_resource_makes_are_guarded_too(
    project: Project, registry: Registry
) -> None:
    """In the run, as a preview does not know them."""
    project.configure({"keyOverlapDays": OVERLAP_DAYS})
    form = write_form(project.forms, keys=())
    program = (project.folder / "__main__.py").read_text()
    for name in ("one", "two"):
        form.add_key(name)
    first, second = (json.dumps(form.keys[name].as_dict(private=False)) for name in ("one", "two"))
    del form.request()["jwks"]
    form.save()

    def give(key: str) -> None:
        made = (
            'pulumi_random.RandomPassword("made", length=9, keepers={"of":'
            f" {key!r}}}).result.apply(lambda _: [{key!r}])"
        )
        changed = program.replace(
            "OnboardingArgs(connections, ", f"OnboardingArgs(connections, keys={made}, "
        )
        (project.folder / "__main__.py").write_text(
            changed.replace("import pulumi\n", "import pulumi\nimport pulumi_random\n")
        )

    give(first)
    project.apply()
    give(second)
    assert project.preview().code == 0
    outcome = project.up()
    assert 'gent/loket: key "one" cannot leave' in outcome.output
    assert kids(registry.client(form.application)) == {"one", "two"}
