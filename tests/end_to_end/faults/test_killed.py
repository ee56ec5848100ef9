"""``kill -9`` while something changes: the next ``acmidm deploy`` needs nobody.

In one run the requests of several connections are committed, and nobody has the answers when all is
killed: the worst moment of each. The first run of a stack and ``destroy``, by which clients are
removed, are cut off in ``tests/conformance/test_killed.py``. One of those runs with each change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from tests.support.between import ProxiedProject, require_client, require_settled
from tests.support.by_hand import adopt, made_by_hand
from tests.support.client_secrets import has_access, secret_of
from tests.support.cutting import KEPT_BACK_SECONDS, UP, CutStack, Way
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import DOSSIERS, NOTIFICATIES, PLAIN, SEND, FormFile, write_form
from tests.support.portal import RunningPortal, sign_assertion
from tests.support.registry import Registry
from tests.support.retired import KEPT, retire
from tests.support.rotating import as_if_days_ago, drop
from tests.support.together import Command, Script, own, together

pytestmark = [pytest.mark.exhaustive, pytest.mark.usefixtures("random_plugin")]

SECRET = "client_secret_basic"
REQUESTS = {
    "client": ("PUT", "/clients/{}$"),
    "scopes": ("PUT", "/clients/{}/scopes$"),
    "keys": ("PUT", "/clients/{}/jwks$"),
    "product": ("PUT", "/notificaties/configurations/{}$"),
}


@dataclass(frozen=True)
class Round:
    """How the first run of a stack is cut off, and the stack's settings."""

    way: Way = field(default_factory=Way)
    config: Mapping[str, object] = field(default_factory=dict)


OVERLAP: Mapping[str, object] = {"keyOverlapDays": 14}
ROUNDS = {
    "everything": Round(config=OVERLAP),
    "engine, state each step": Round(Way("engine", UP, "each step"), OVERLAP),
    "provider": Round(Way("provider", UP, "at the end"), OVERLAP),
    "twice": Round(),
    # Where a client in use gets another secret, a deployment writes the state at each step.
    "renewed": Round(),
}
EVERYTHING, *_ = ROUNDS
OF_ALL_WAYS = [*ROUNDS][:3]


def of_round(name: str, *request: str) -> Any:
    """A parameter of a case."""
    return pytest.param(name, *request, id="-".join((name, *request)))


def in_rounds(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("at", [of_round(name) for name in names], indirect=True)


def cut_at(*requests: tuple[str, str]) -> pytest.MarkDecorator:
    """The rounds of a case, each with the request whose answer nobody gets."""
    return pytest.mark.parametrize(
        ("at", "request_name"), [of_round(*one) for one in requests], indirect=["at"]
    )


@pytest.fixture(scope="module")
def stacks(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], CutStack]]:
    """The stack of each round, which is made once."""
    with ExitStack() as running:

        @cache
        def made(name: str) -> CutStack:
            proxy = running.enter_context(FaultProxy(portal.origin))
            project = ProxiedProject(tmp_path_factory.mktemp("stack"))
            project.connect(
                portal,
                **proxy.settings,
                protectClients=True,
                requestTimeoutSeconds=KEPT_BACK_SECONDS,
                **ROUNDS[name].config,
            )
            stack = CutStack(project, registry, portal, proxy=proxy, way=ROUNDS[name].way)
            running.callback(stack.bury)
            return stack

        yield made


@pytest.fixture
def at(request: pytest.FixtureRequest, stacks: Callable[[str], CutStack]) -> CutStack:
    return stacks(request.param)


def keep_back(at: CutStack, client_id: str, request_name: str) -> None:
    method, path = REQUESTS[request_name]
    at.keep_back(method, path.format(client_id))


def recovered(
    at: CutStack, holds: Callable[[], bool] = lambda: True
) -> Generator[Command, Any, None]:
    """The deployments after a run that was killed: the first ones are cut off too, where a case
    says so. What ``holds`` does so at any moment."""
    assert holds(), "killed"
    yield at.interrupt
    assert holds(), "interrupted"
    yield at.cut_again
    assert holds(), "killed once more"
    done = yield at.deploy
    assert done.code == 0, done.output
    assert holds(), "recovered"


@cut_at(*((name, "keys") for name in OF_ALL_WAYS))
@together
def test_a_rotation_leaves_a_key_that_works(at: CutStack, request_name: str) -> Script:
    """One key leaves beside one in use, while a third comes: the one in use gets a token at any
    moment."""
    form = write_form(at.forms, "gent/rotated", scopes=(PLAIN,), keys=("key-1", "key-2"))
    yield at.up
    as_if_days_ago(at.project, form, 20)
    client_id = at.registry.client(form.application)["client_id"]

    def works() -> bool:
        return bool(at.portal.client_token(form.keys["key-2"], client_id))

    assert works()
    drop(form, "key-1")
    form.add_key("key-3")
    form.save()
    keep_back(at, client_id, request_name)
    yield at.cut
    yield from recovered(at, works)
    assert require_client(at.registry, form) == client_id
    resources = yield at.resources
    assert resources[f"ClientJwks {form.key}"]["inputs"]["since"].keys() == {
        key.thumbprint() for key in form.keys.values()
    }
    assert own((yield at.settled), form) == {}


@cut_at(
    *((name, "client") for name in OF_ALL_WAYS),
    ("twice", "product"),
    ("renewed", "client"),
)
@together
def test_a_client_that_was_taken_over_is_found_again(at: CutStack, request_name: str) -> Script:
    """The state knows nothing of it."""
    yield at.up
    form = write_form(at.forms, f"gent/over-{request_name}", scopes=(PLAIN, SEND))
    client_id = made_by_hand(at.registry, form, scopes=[DOSSIERS], keys=[])
    adopt(form, client_id)
    keep_back(at, client_id, request_name)
    yield at.cut
    assert own((yield at.resources), form) == {}
    yield from recovered(at)
    assert require_client(at.registry, form) == client_id
    assert own((yield at.settled), form) == {}


@cut_at(("engine, state each step", "product"), ("provider", "scopes"))
@together
def test_a_client_that_was_made_in_part_is_found_again(at: CutStack, request_name: str) -> Script:
    """The run that made it was its first one."""
    yield at.up
    form = write_form(at.forms, f"gent/new-{request_name}", scopes=(PLAIN, SEND))
    keep_back(at, "[^/]+", request_name)
    yield at.cut
    client_id = at.registry.client(form.application)["client_id"]
    yield from recovered(at)
    assert require_client(at.registry, form) == client_id
    assert own((yield at.settled), form) == {}


@in_rounds(*OF_ALL_WAYS, "renewed")
@together
def test_a_secret_that_no_state_has_is_another_one(at: CutStack) -> Script:
    """Of a client that was made with it, which stays the same."""
    yield at.up
    form = write_form(at.forms, "gent/secret", keys=(), token_endpoint_auth_method=SECRET)
    at.keep_back("POST", "/clients$", containing=form.application)
    yield at.cut
    client_id = at.registry.client(form.application)["client_id"]
    yield from recovered(at)
    assert require_client(at.registry, form) == client_id
    assert has_access(at.portal, client_id, secret_of(at.project, form))
    assert own((yield at.settled), form) == {}


@cut_at((EVERYTHING, "client"), ("provider", "keys"))
@together
def test_a_change_to_a_secret_leaves_a_credential_that_works(
    at: CutStack, request_name: str
) -> Script:
    """A deployment writes the state at each step then."""
    form = write_form(at.forms, "gent/to-a-secret")
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    yield at.cut
    yield at.interrupt
    form.document["token_endpoint_auth_method"] = SECRET
    del form.request()["jwks"]
    form.save()
    keep_back(at, client_id, request_name)
    yield at.cut_again
    assert works(at, form, client_id), "killed"
    done = yield at.deploy
    assert done.code == 0, done.output
    assert has_access(at.portal, client_id, secret_of(at.project, form))
    form.keys.clear()
    assert require_client(at.registry, form) == client_id
    assert own((yield at.settled), form) == {}


@in_rounds("twice")
@together
def test_a_change_to_a_key_leaves_a_credential_that_works(at: CutStack) -> Script:
    """Cut off when it has its key, and again when it is to use it."""
    form = write_form(at.forms, "gent/to-a-key", keys=(), token_endpoint_auth_method=SECRET)
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    secret = secret_of(at.project, form)
    form.document["token_endpoint_auth_method"] = "private_key_jwt"
    form.add_key("key-1")
    form.save()
    keep_back(at, client_id, "keys")
    yield at.cut
    assert works(at, form, client_id, secret)
    yield at.interrupt
    keep_back(at, client_id, "client")
    yield at.cut_again
    assert works(at, form, client_id, secret)
    done = yield at.deploy
    assert done.code == 0, done.output
    assert at.portal.client_token(form.keys["key-1"], client_id)
    assert require_client(at.registry, form) == client_id
    assert own((yield at.settled), form) == {}


@cut_at(("renewed", "client"))
@together
def test_another_secret_leaves_one_that_works(at: CutStack, request_name: str) -> Script:
    form = write_form(at.forms, "gent/renewed", keys=(), token_endpoint_auth_method=SECRET)
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    secret = secret_of(at.project, form)
    form.request()["secret_generation"] = 2
    form.save()
    keep_back(at, client_id, request_name)
    yield at.cut
    yield from recovered(at, lambda: works(at, form, client_id, secret))
    assert has_access(at.portal, client_id, secret_of(at.project, form))
    assert require_client(at.registry, form) == client_id
    assert own((yield at.settled), form) == {}


def works(at: CutStack, form: FormFile, client_id: str, *secrets: str) -> bool:
    """Whether a client has a credential that works: what the application has, or what the state has
    for it. Whoever runs the next command can hand that over."""
    key = form.keys.get("key-1")
    if any(has_access(at.portal, client_id, one) for one in (*secrets, *secrets_in_state(at))):
        return True
    if key is None:
        return False
    assertion = sign_assertion(key, client_id, at.portal.audience)
    return at.portal.request_token(assertion).status_code == 200


def secrets_in_state(at: CutStack) -> list[str]:
    """The passwords that whoever can decrypt the stack finds there, once what a kill within a
    checkpoint left is mended (test_locks.py)."""
    for file in (at.project.folder / "state" / ".pulumi" / "stacks").rglob("*.attrs"):
        if file.stat().st_size == 0:
            file.unlink()
    state = json.loads(at.project._run(("stack", "export", "--show-secrets")).stdout)
    resources = state["deployment"].get("resources") or []
    return [
        json.loads(one["outputs"]["result"]["plaintext"])
        for one in resources
        if one["type"].endswith(":RandomPassword")
    ]


@in_rounds("twice")
@together
def test_a_lock_that_is_cleared_by_hand_hides_no_killed_run(at: CutStack) -> Script:
    """As where a runner of a pipeline died, and the form changed since: what the state does not
    know is looked at."""
    form = write_form(at.forms, "gent/changed")
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    form.document["contacts"] = ["first@stad-gent.example"]
    form.save()
    keep_back(at, client_id, "client")
    yield at.cut
    assert at.registry.client(form.application)["contacts"] == ["first@stad-gent.example"]
    at.project.succeed("cancel", "--yes")
    form.document["contacts"] = ["second@stad-gent.example"]
    form.save()
    yield from recovered(at)
    assert require_client(at.registry, form) == client_id
    assert own((yield at.settled), form) == {}


@in_rounds("twice")
@together
def test_what_was_made_and_is_declared_otherwise_since_is_changed(at: CutStack) -> Script:
    """What is there is neither in the state nor declared, and yet nobody's work by hand."""
    form = write_form(at.forms, "gent/asks", scopes=(PLAIN,))
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    form.request()["scopes"][SEND] = {}
    form.request()["products"]["notificaties"] = dict(NOTIFICATIES)
    form.save()
    keep_back(at, client_id, "product")
    yield at.cut
    assert at.registry.configuration("notificaties", client_id) == NOTIFICATIES
    form.request()["products"]["notificaties"]["merk_code"] = "nieuw"
    form.save()
    yield from recovered(at)
    assert require_client(at.registry, form) == client_id
    assert own((yield at.settled), form) == {}


@in_rounds(EVERYTHING)
@together
def test_ctrl_c_while_it_looks_first_starts_nothing_more(at: CutStack) -> Script:
    """A refresh that fails is followed by ``up``, one that was interrupted is not; the next run
    begins with it again."""
    form = write_form(at.forms, "gent/emptied")
    yield at.up
    yield at.cut
    at.registry.set_scopes(at.registry.client(form.application)["client_id"], [])
    new = write_form(at.forms, "gent/new")
    # All clients were listed before it began; it lists them too.
    at.keep_back("GET", r"/clients\?limit=", first=2)
    assert (yield at.interrupt) == 130
    assert at.registry.clients(new.application) == []
    yield at.cut_again
    assert (yield at.deploy).code == 0
    for one in (form, new):
        require_client(at.registry, one)


@in_rounds(EVERYTHING)
@together
def test_a_client_whose_scopes_were_withdrawn_is_gone(at: CutStack) -> Script:
    """In the first run of two in which it leaves."""
    form = write_form(at.forms, "gent/leaves-at-first", scopes=(SEND, DOSSIERS))
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    retire(form)
    keep_back(at, client_id, "scopes")
    yield at.cut
    yield from recovered(at)
    require_gone(at, form, client_id)
    assert own((yield at.resources), form) == {}


def require_gone(at: CutStack, form: FormFile, client_id: str) -> None:
    assert at.registry.clients(form.application) == []
    for product in ("notificaties", "dosis"):
        assert at.registry.configuration(product, client_id) is None


@cut_at(("renewed", "client"), ("engine, state each step", "product"))
@together
def test_a_client_that_is_kept_stays_without_marks(at: CutStack, request_name: str) -> Script:
    """Cut off where one of its marks is taken off."""
    form = write_form(at.forms, f"gent/kept-{request_name}")
    yield at.up
    (before,) = at.registry.everything(form.application)[form.application]
    yield at.cut
    yield at.interrupt
    retire(form, KEPT)
    keep_back(at, before["client_id"], request_name)
    yield at.cut_again
    done = yield at.deploy
    assert done.code == 0, done.output
    (left,) = at.registry.everything(form.application)[form.application]
    nobodys = dict.fromkeys(("etags", "software_id", "managed_by", "incarnation"))
    assert {**left, "etags": None} == {**before, **nobodys, "keys_declared": False}
    document = at.registry.product_document("notificaties", left["client_id"])
    assert document is not None
    assert document["managed_by"] is None
    assert own((yield at.resources), form) == {}


@in_rounds(*ROUNDS)
@together
def test_nothing_is_left_of_it(at: CutStack) -> Script:
    """No lock, nothing pending, nothing that waits to be removed; the state knows each client that
    is there, once."""
    done = yield at.up
    assert done.code == 0, done.output
    yield at.cut
    yield from recovered(at)
    yield at.settled
    resources = yield at.resources
    applications = [
        place.rpartition("/")[2] for place in resources if place.startswith("OAuthClient ")
    ]
    assert isinstance(at.project, ProxiedProject)
    require_settled(at.project, {at.registry.client(name)["client_id"] for name in applications})
