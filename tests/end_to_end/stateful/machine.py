"""Every rule of the world in any order, and how often two of them met."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations_with_replacement, count
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.end_to_end.stateful.model import Outage
from tests.end_to_end.stateful.speeds import Speed
from tests.end_to_end.stateful.stand_in import Cut
from tests.end_to_end.stateful.world import World
from tests.support.fault_proxy import FaultProxy
from tests.support.portal import RunningPortal
from tests.support.registry import Registry

RULES = sorted(
    name for name, one in vars(World).items() if callable(one) and not name.startswith("_")
)

met: Counter[tuple[str, str]] = Counter()
"""How often two rules were done between two runs."""

done: Counter[str] = Counter()
"""How often each was done."""

picks = st.integers(0, 3)
folders = st.sampled_from(["gent", "aalst"])
applications = st.sampled_from(["loket", "balie"])
products = st.sampled_from(["dosis", "notificaties"])
owned = st.sampled_from(["client", "client", "dosis", "notificaties"])
"""What has an owner; a client is tried as often as all its products."""
outages = st.builds(
    Outage,
    st.sampled_from(["down", "wrong address"]),
    st.sampled_from(
        [frozenset({"management"}), frozenset({"products"}), frozenset({"management", "products"})]
    ),
)
cuts = st.builds(Cut, st.sampled_from(["kill", "lost answer"]), st.integers(1, 8), st.booleans())


class Does:
    """A rule that does one of some actions of a world, with these values."""

    def __init__(self, *actions: str, **values: st.SearchStrategy[Any]) -> None:
        self._actions, self._values = actions, values

    def __set_name__(self, machine: type, name: str) -> None:
        def act(machine: Machine, action: str = self._actions[0], **values: Any) -> None:
            machine.do(action, **values)

        # By which Hypothesis knows a rule.
        act.__name__, act.__qualname__ = (
            name,
            f"{machine.__name__}.{name}",
        )
        values: dict[str, Any] = dict(self._values)
        if len(self._actions) > 1:
            values["action"] = st.sampled_from(self._actions)
        make_rule: Any = rule(**values)
        setattr(machine, name, make_rule(act))


class Machine(RuleBasedStateMachine):
    """Runs the rules of a world that ``begin`` makes."""

    def __init__(self, begin: Callable[[], World]) -> None:
        super().__init__()
        self.world = begin()
        self.since_a_run: list[str] = []

    def do(self, action: str, *values: object, **named: object) -> None:
        if not getattr(self.world, action)(*values, **named):
            return
        done[action] += 1
        self.since_a_run.append(action)
        if action in ("up", "up_replacing", "up_cut_off", "heal"):
            met.update(combinations_with_replacement(sorted(set(self.since_a_run)), 2))
            self.since_a_run = [action]

    @initialize(
        has=st.lists(
            st.tuples(folders, applications, st.sets(products)),
            min_size=1,
            max_size=3,
            unique_by=lambda one: one[:2],
        )
    )
    def begin(self, has: list[tuple[str, str, set[str]]]) -> None:
        """Some forms that were applied well."""
        for folder, application, names in has:
            self.world.new_form(folder, application)
            for name in sorted(names):
                self.world.toggle_product(-1, name)
        self.do("up")

    # Forms
    new_form = Does("new_form", folder=folders, application=applications)
    remove_form = Does("remove_form", pick=picks)
    rename_file = Does("rename_file", pick=picks)
    edit = Does(
        "change_contact",
        "toggle_scope",
        "toggle_key",
        "leave_keys_to_portal",
        "toggle_unknown_scope",
        pick=picks,
    )
    toggle_product = Does("toggle_product", pick=picks, name=products)
    change_product = Does("change_product", pick=picks)
    another_application = Does(
        "another_application", pick=picks, application=applications, formerly=st.booleans()
    )
    another_code = Does("another_code", folder=folders, formerly=st.booleans())
    forget_formerly = Does("forget_formerly")
    adopt = Does("adopt", folder=folders, application=applications, pick=picks)
    adopt_mistyped = Does("adopt_mistyped", pick=picks)
    stop_adopting = Does("stop_adopting")
    toggle_protection = Does("toggle_protection")

    # Hands
    by_hand = Does(
        "grant_by_hand",
        "withdraw_by_hand",
        "key_by_hand",
        "contact_by_hand",
        "remove_client_by_hand",
        pick=picks,
    )
    product_by_hand = Does(
        "product_by_hand",
        pick=picks,
        name=products,
        value=st.sampled_from(["10244", "10245", "10246"]),
    )
    product_by_others = Does(
        "product_of_a_stranger", "remove_product_by_hand", pick=picks, name=products
    )
    make_by_hand = Does("make_by_hand", application=applications)
    empty_owner = Does("empty_owner", pick=picks, part=owned)
    backup = Does("save_state", "restore_state", "save_authority", "restore_authority")

    # What a user writes into the program, and into the state
    edit_program = Does("toggle_below", "toggle_replace_on_changes", "toggle_delete_before_replace")
    edit_state = Does("taint", "delete_in_state", pick=picks, part=owned)
    rename_in_state = Does("rename_in_state", pick=picks)

    # Commands; `up` more than once, for it is what all others wait for
    up = Does("up", refresh=st.booleans())
    up_again = Does("up", refresh=st.booleans())
    up_once_more = Does("up")
    up_replacing = Does("up_replacing", pick=picks, part=owned, refresh=st.booleans())
    up_during_an_outage = Does("up", outage=outages, refresh=st.booleans())
    up_cut_off = Does("up_cut_off", cut=cuts, refresh=st.booleans())
    refresh = Does("refresh")
    refresh_during_an_outage = Does("refresh", outage=outages)
    preview = Does("preview", refresh=st.booleans())
    drift = Does("drift")
    heal = Does("heal")
    drift_during_an_outage = Does("drift", "heal", outage=outages)

    # Two at once, for one is seldom followed by the other before a run

    @rule(pick=picks, other=picks, product=products)
    def product_by_hand_and_in_a_form(self, pick: int, other: int, product: str) -> None:
        self.do("product_by_hand", pick, product, "10246")
        self.do("toggle_product", other, product)

    @rule(pick=picks, other=picks)
    def heal_what_meets_a_form(self, pick: int, other: int) -> None:
        self.do("grant_by_hand", pick)
        self.do("toggle_scope", other)
        self.do("heal")


@contextmanager
def begun(portal: RunningPortal, folder: Path, speed: type[Speed]) -> Iterator[Callable[[], World]]:
    """What begins a world: nothing at the authority, and a project of its own."""
    with portal.operator() as http, FaultProxy(portal.origin) as proxy:
        registry, numbers = Registry(http), count()

        def begin() -> World:
            registry.clear()
            project = folder / f"project-{next(numbers)}"
            project.mkdir(parents=True)
            return World(speed(portal, proxy, project), registry)

        yield begin


def run(
    portal: RunningPortal, folder: Path, speed: type[Speed], *, examples: int, steps: int
) -> None:
    """Run the machine, and print what was done."""
    met.clear()
    done.clear()
    with begun(portal, folder, speed) as begin:
        run_state_machine_as_test(
            lambda: Machine(begin),  # type: ignore[arg-type]  # a factory will do
            settings=settings(
                max_examples=int(os.environ.get("EXAMPLES", examples)),
                stateful_step_count=int(os.environ.get("STEPS", steps)),
                deadline=None,
                suppress_health_check=list(HealthCheck),
                print_blob=False,
                report_multiple_bugs=False,
                database=None,
                derandomize="RANDOM" not in os.environ,
                phases=[Phase.generate, *([Phase.shrink] if os.environ.get("SHRINK") else [])],
            ),
        )
    never = [
        f"{one} and {other}"
        for one, other in combinations_with_replacement(RULES, 2)
        if (one, other) not in met
    ]
    print(f"{sum(done.values())} steps: {dict(done.most_common())}")  # noqa: T201 - for pytest -s
    print(  # noqa: T201
        f"{len(met)} pairs of rules met: {dict(met.most_common())}\n{len(never)} never met:"
        f" {', '.join(never)}"
    )
