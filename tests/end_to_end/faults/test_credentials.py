"""A client whose credentials change, by a run that is killed: its application is never left without
one that works.

One that works is what the application has, or what the state has for it: whoever runs the next
command can hand that over.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import Key

from tests.support.between import ProxiedProject
from tests.support.cases import cases
from tests.support.client_secrets import has_access, secret_of
from tests.support.cutting import DEPLOY, Run, cut_off
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import FormFile, write_form
from tests.support.portal import RunningPortal, sign_assertion
from tests.support.registry import Registry

SECRET = "client_secret_basic"
Change = Callable[[FormFile], None]


def to_a_key(form: FormFile) -> None:
    form.document["token_endpoint_auth_method"] = "private_key_jwt"
    form.add_key("key-1")


def to_a_secret(form: FormFile) -> None:
    form.document["token_endpoint_auth_method"] = SECRET
    del form.request()["jwks"]


def to_another_secret(form: FormFile) -> None:
    form.request()["secret_generation"] = 2


def over_to_the_key(form: FormFile) -> None:
    """Its key is there since the run before, and its secret works still."""


CHANGES: dict[str, tuple[Change, int]] = {
    "to a key": (to_a_key, 6),
    "over to the key": (over_to_the_key, 5),
    "to a secret": (to_a_secret, 7),
    "to another secret": (to_another_secret, 5),
}
"""What changes, and how many requests that takes at least."""
ALL = {
    f"{name}, {number}": (change, number)
    for name, (change, most) in CHANGES.items()
    for number in range(1, most + 1)
}


@pytest.mark.usefixtures("random_plugin")
@pytest.mark.parametrize("case", cases(ALL, "to a secret, 6"))
def test_a_run_that_is_killed_leaves_a_credential_that_works(
    project: ProxiedProject,
    proxy: FaultProxy,
    registry: Registry,
    portal: RunningPortal,
    buried: list[Run],
    case: tuple[Change, int],
) -> None:
    """All of it, at each request; and the next run needs nobody."""
    change, request_number = case
    how: dict[str, Any] = (
        {} if change is to_a_secret else {"keys": (), "token_endpoint_auth_method": SECRET}
    )
    form = write_form(project.forms, **how)
    project.apply()
    client_id = registry.client(form.application)["client_id"]
    had = [] if change is to_a_secret else [secret_of(project, form)]
    if change is over_to_the_key:
        to_a_key(form)
        form.save()
        project.apply()
    change(form)
    form.save()

    def works() -> bool:
        key = form.keys.get("key-1")
        secrets = {*had, *secrets_in_state(project)}
        return any(has_access(portal, client_id, secret) for secret in secrets) or (
            key is not None and signs(portal, key, client_id)
        )

    buried.append(cut_off(project, proxy, "everything", request_number, *DEPLOY))
    assert works(), "killed"
    for _ in range(2):
        outcome = project.recover()
        assert outcome.code == 0, outcome.output
        assert works(), "recovered"
    assert registry.client(form.application)["client_id"] == client_id
    project.in_sync()
    if change in (to_a_key, over_to_the_key):
        assert portal.client_token(form.keys["key-1"], client_id)
    else:
        assert has_access(portal, client_id, secret_of(project, form))


def secrets_in_state(project: ProxiedProject) -> list[str]:
    """The passwords that whoever can decrypt the stack finds there, once what a kill within a
    checkpoint left is mended (test_locks.py)."""
    for file in (project.folder / "state" / ".pulumi" / "stacks").rglob("*.attrs"):
        if file.stat().st_size == 0:
            file.unlink()
    state = json.loads(project._run(("stack", "export", "--show-secrets")).stdout)
    resources = state["deployment"].get("resources") or []
    return [
        json.loads(one["outputs"]["result"]["plaintext"])
        for one in resources
        if one["type"].endswith(":RandomPassword")
    ]


def signs(portal: RunningPortal, key: Key, client_id: str) -> bool:
    return portal.request_token(sign_assertion(key, client_id, portal.audience)).status_code == 200
