"""``kill -9`` of the engine or of the provider at a request, and Ctrl-C, while something changes:
the next ``make up`` needs nobody.

The proxy kills once the server has committed the request, and the answer is lost: the worst moment.
First runs and ``destroy`` are cut off in ``tests/conformance/test_killed.py``, at each authority.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from itertools import product

import pytest

from tests.end_to_end.deployments.test_rotation import as_if_days_ago, drop
from tests.support import faults
from tests.support.between import API, ProxiedProject, require_as_declared
from tests.support.by_hand import adopt, made_by_hand
from tests.support.cases import cases
from tests.support.client_secrets import has_access, secret_of
from tests.support.cutting import DEPLOY, UP, Run, Victims, cut_off, start, victims, write_state
from tests.support.engine import COMMAND_SECONDS, Project
from tests.support.evidence import prove
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.handing_over import hand_over, mailing
from tests.support.mail_server import running_mail_server
from tests.support.portal import RunningPortal
from tests.support.registry import Registry
from tests.support.warm_server import warm_environment

DOZEN = range(1, 13)

OF_MAILS = victims(*((victim, 1) for victim in ("engine", "provider", "everything", "Ctrl-C")))
ROTATION = victims(*product(("engine", "provider"), (1, 2, 3)))


@pytest.mark.parametrize("case", cases(ROTATION, "engine-3, state at the end"))
def test_a_rotation_leaves_a_key_that_works_wherever_it_is_cut_off(
    project: ProxiedProject,
    proxy: FaultProxy,
    registry: Registry,
    portal: RunningPortal,
    buried: list[Run],
    case: Victims,
) -> None:
    """One key leaves beside one in use, while a third comes: the one in use gets a token at any
    moment, and the next run ends right."""
    victim, request_number, when = case
    write_state(project, when)
    project.configure({"keyOverlapDays": 14})
    form = write_form(project.forms, scopes=(PLAIN,), keys=("key-1", "key-2"))
    project.apply()
    as_if_days_ago(project, form, 20)
    client_id = registry.client(form.application)["client_id"]
    portal.client_token(form.keys["key-2"], client_id)
    drop(form, "key-1")
    form.add_key("key-3")
    form.save()
    buried.append(cut_off(project, proxy, victim, request_number, *UP))
    portal.client_token(form.keys["key-2"], client_id)
    outcome = project.recover()
    assert outcome.code == 0, outcome.output
    portal.client_token(form.keys["key-2"], client_id)
    require_as_declared(project, registry, [form])
    assert project.resources()[f"ClientJwks {form.key}"]["inputs"]["since"].keys() == {
        key.thumbprint() for key in form.keys.values()
    }


@pytest.mark.usefixtures("random_plugin")
@pytest.mark.parametrize("request_number", cases({str(number): number for number in DOZEN}, "7"))
def test_what_no_state_has_is_found_again(
    project: ProxiedProject,
    proxy: FaultProxy,
    registry: Registry,
    portal: RunningPortal,
    buried: list[Run],
    request_number: int,
) -> None:
    """A client that was taken over, and one whose secret was made, by a run whose state was never
    written."""
    write_state(project, "at the end")
    taken = write_form(project.forms, "gent/over")
    secret = write_form(
        project.forms, "gent/geheim", keys=(), token_endpoint_auth_method="client_secret_basic"
    )
    client_id = made_by_hand(registry, taken)
    adopt(taken, client_id)
    buried.append(cut_off(project, proxy, "engine", request_number, *UP))
    assert "resources" not in project.stored(), "nothing was written"
    outcome = project.recover()
    assert outcome.code == 0, outcome.output
    assert registry.client(taken.application)["client_id"] == client_id
    assert has_access(
        portal, registry.client(secret.application)["client_id"], secret_of(project, secret)
    )
    project.in_sync()


@pytest.mark.exhaustive
def test_a_lock_that_is_cleared_by_hand_hides_no_killed_run(
    project: ProxiedProject, proxy: FaultProxy, registry: Registry, buried: list[Run]
) -> None:
    """As where a runner of a pipeline died, and the form changed since: what the state does not
    know is looked at, and nobody is needed."""
    form = write_form(project.forms)
    project.apply()
    form.document["contacts"] = ["first@stad-gent.example"]
    form.save()
    buried.append(cut_off(project, proxy, "everything", 4, *DEPLOY))
    assert registry.client(form.application)["contacts"] == ["first@stad-gent.example"]
    project.succeed("cancel", "--yes")
    form.document["contacts"] = ["second@stad-gent.example"]
    form.save()
    outcome = project.recover()
    assert outcome.code == 0, outcome.output
    require_as_declared(project, registry, [form])


@pytest.mark.parametrize("stop", cases({"Ctrl-C": os.killpg, "kill": os.kill}, "Ctrl-C"))
def test_ctrl_c_while_it_looks_first_starts_nothing_more(
    project: ProxiedProject, proxy: FaultProxy, registry: Registry, stop: Callable[[int, int], None]
) -> None:
    """A refresh that fails is followed by ``up``, one that was interrupted is not; the next run
    begins with it again."""
    form = write_form(project.forms)
    project.apply()
    registry.set_scopes(registry.client(form.application)["client_id"], [])
    project.configure({"requestTimeoutSeconds": 60})
    project.succeed("stack", "tag", "set", "acmidm:look-first", "true")
    new = write_form(project.forms, "gent/twee")
    waiting, released = threading.Event(), threading.Event()

    def hold() -> None:
        waiting.set()
        released.wait(COMMAND_SECONDS)

    proxy.rule("GET", API, faults.after(hold))
    run = start(project, *DEPLOY)
    assert waiting.wait(COMMAND_SECONDS)
    stop(run.pid, signal.SIGINT)
    released.set()
    code = run.wait(COMMAND_SECONDS)
    assert registry.clients(new.application) == []
    assert code == 130

    assert project.recover().code == 0
    require_as_declared(project, registry, [form, new])


@pytest.mark.exhaustive
def test_a_run_that_is_killed_at_the_gate_leaves_nothing_half_done(
    project: ProxiedProject,
    proxy: FaultProxy,
    portal: RunningPortal,
    registry: Registry,
    buried: list[Run],
) -> None:
    """A client that passed with evidence, in a run whose state was never written; then the evidence
    goes.

    What is at the authority counts as there: the same client is declared, and is in sync without
    evidence.
    """
    write_state(project, "at the end")
    test = Project(project.folder, stack="test")
    test.connect(portal, environment="tni")
    form = write_form(project.forms, scopes=(PLAIN,))
    form.document["environments"]["prod"] = {"scopes": {PLAIN: {}}}
    form.add_key("prod-key", "prod")
    form.save()
    test.apply()
    (on_tni,) = registry.clients(form.application)
    evidence = prove(portal, form, "key-1", on_tni["client_id"], PLAIN)
    test.apply()
    project.configure({"environment": "prod", "promotionGate": "enforce", "promotionStack": "test"})
    buried.append(cut_off(project, proxy, "engine", 3, *UP))
    left = next(
        client["client_id"]
        for client in registry.clients(form.application)
        if client["client_id"] != on_tni["client_id"]
    )

    evidence.unlink()
    outcome = project.recover()
    assert outcome.code == 0, outcome.output
    assert project.client_id(form) == left
    drift = json.loads(project.acmidm("drift", "--stack", project.stack, "--output", "json").stdout)
    assert (drift["by_hand"], drift["not_applied"]) == ([], [])
    assert left not in {client["client_id"] for client in drift["left_behind"]}

    prove(portal, form, "key-1", on_tni["client_id"], PLAIN)
    assert project.recover().code == 0
    assert {client["client_id"] for client in registry.clients(form.application)} == {
        on_tni["client_id"],
        left,
    }
    project.in_sync()


@pytest.mark.parametrize(
    "request_number", cases({str(number): number for number in range(1, 8)}, "5")
)
def test_next_deployment_ends_right(
    project: ProxiedProject,
    proxy: FaultProxy,
    registry: Registry,
    buried: list[Run],
    request_number: int,
) -> None:
    """In either run of a client that leaves: then nothing of it is left, in the state either, and
    what is kept stays, without our marks.

    Of reads and writes together: the scopes are withdrawn, then the products' configurations and
    the client go, or lose their marks.
    """
    project.configure({"protectClients": True})
    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    kept = write_form(project.forms, "gent/bewaard")
    project.apply()
    client_id, before = (
        registry.client(form.application)["client_id"],
        registry.everything(kept.application)[kept.application][0],
    )
    form.document["retire"] = "2020-03-31"
    kept.document["retire"] = {"on": "2020-03-31", "keep": True}
    form.save()
    kept.save()
    buried.append(cut_off(project, proxy, "everything", request_number, *DEPLOY))
    outcome = project.recover()
    assert outcome.code == 0, outcome.output
    assert registry.clients(form.application) == []
    assert [
        registry.configuration(product, client_id) for product in ("notificaties", "dosis")
    ] == [None, None]
    (left,) = registry.everything(kept.application)[kept.application]
    nobodys = dict.fromkeys(("etags", "software_id", "managed_by", "incarnation"))
    assert {**left, "etags": None} == {**before, **nobodys, "keys_declared": False}
    document = registry.product_document("notificaties", left["client_id"])
    assert document is not None
    assert document["managed_by"] is None
    assert project.resources() == {}


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", OF_MAILS.values(), ids=OF_MAILS)
def test_each_organisation_is_told_at_least_once_and_by_one_mail(
    project: ProxiedProject, registry: Registry, buried: list[Run], case: Victims
) -> None:
    """Cut off when a mail server has the first of two mails and has not said so: nobody is needed.

    At most one copy more per run that was cut off, with the same ``Message-ID``; the clients are as
    they are declared.
    """
    victim, _, when = case
    write_state(project, when)
    contacts = {
        "gent/een": ["een@stad-gent.example"],
        "gent/twee": ["een@stad-gent.example", "twee@stad-gent.example"],
    }
    forms = [
        write_form(project.forms, name, scopes=(PLAIN,), contacts=to)
        for name, to in contacts.items()
    ]
    with running_mail_server() as server:
        mailing(project, server)
        run: list[Run] = []

        def cut() -> None:
            server.once_received = None
            run[0].cut(victim)

        server.once_received = cut
        run.append(Run(project, *UP))
        buried += run
        run[0].end()
        project.start_python(warm_environment())
        outcome = project.recover()
        assert outcome.code == 0, outcome.output
        assert project.recover().code == 0
        require_as_declared(project, registry, forms)
        known = {hand_over(project, form).get("message_id") for form in forms}
        ids = [str(mail["Message-ID"]) for mail in server.received]
    assert len(set(ids)) == 2
    assert known <= set(ids)
    assert max(map(ids.count, ids)) <= 2
