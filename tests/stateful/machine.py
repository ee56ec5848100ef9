"""Every rule of the world in any order, and how often two of them met."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations_with_replacement, count
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.stateful.model import Outage
from tests.stateful.seen import remove_everything
from tests.stateful.speeds import Cut, Engine, InProcess
from tests.stateful.world import World
from tests.support.portal import RunningPortal
from tests.support.registry import Registry

RULES = sorted(name for name, one in vars(World).items() if callable(one) and not name.startswith("_"))

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
    st.sampled_from([frozenset({"management"}), frozenset({"products"}), frozenset({"management", "products"})]),
)
cuts = st.builds(Cut, st.sampled_from(["kill", "lost answer"]), st.integers(1, 8), st.booleans())


class Machine(RuleBasedStateMachine):
    """Runs the rules of a world that ``begin`` makes."""

    def __init__(self, begin: Callable[[], World]) -> None:
        super().__init__()
        self.world = begin()
        self.since_a_run: list[str] = []

    def do(self, name: str, *values: object) -> None:
        if not getattr(self.world, name)(*values):
            return
        done[name] += 1
        self.since_a_run.append(name)
        if name in ("up", "up_replacing", "up_cut_off", "heal"):
            met.update(combinations_with_replacement(sorted(set(self.since_a_run)), 2))
            self.since_a_run = [name]

    @initialize(has=st.lists(st.tuples(folders, applications, st.sets(products)), min_size=1, max_size=3, unique_by=lambda one: one[:2]))
    def begin(self, has: list[tuple[str, str, set[str]]]) -> None:
        """Some forms that were applied well."""
        for folder, application, names in has:
            self.world.new_form(folder, application)
            for name in sorted(names):
                self.world.toggle_product(-1, name)
        self.do("up")

    @rule(folder=folders, application=applications)
    def new_form(self, folder: str, application: str) -> None:
        self.do("new_form", folder, application)

    @rule(pick=picks)
    def remove_form(self, pick: int) -> None:
        self.do("remove_form", pick)

    @rule(pick=picks)
    def rename_file(self, pick: int) -> None:
        self.do("rename_file", pick)

    @rule(
        pick=picks, what=st.sampled_from(["change_contact", "toggle_scope", "toggle_key", "leave_keys_to_portal", "toggle_unknown_scope"])
    )
    def edit(self, pick: int, what: str) -> None:
        self.do(what, pick)

    @rule(pick=picks, product=products)
    def toggle_product(self, pick: int, product: str) -> None:
        self.do("toggle_product", pick, product)

    @rule(pick=picks)
    def change_product(self, pick: int) -> None:
        self.do("change_product", pick)

    @rule(pick=picks, application=applications, formerly=st.booleans())
    def another_application(self, pick: int, application: str, formerly: bool) -> None:
        self.do("another_application", pick, application, formerly)

    @rule(folder=folders, formerly=st.booleans())
    def another_code(self, folder: str, formerly: bool) -> None:
        self.do("another_code", folder, formerly)

    @rule()
    def forget_formerly(self) -> None:
        self.do("forget_formerly")

    @rule(folder=folders, application=applications, pick=picks)
    def adopt(self, folder: str, application: str, pick: int) -> None:
        self.do("adopt", folder, application, pick)

    @rule(pick=picks)
    def adopt_mistyped(self, pick: int) -> None:
        self.do("adopt_mistyped", pick)

    @rule()
    def stop_adopting(self) -> None:
        self.do("stop_adopting")

    @rule()
    def toggle_protection(self) -> None:
        self.do("toggle_protection")

    @rule(
        pick=picks, what=st.sampled_from(["grant_by_hand", "withdraw_by_hand", "key_by_hand", "contact_by_hand", "remove_client_by_hand"])
    )
    def by_hand(self, pick: int, what: str) -> None:
        self.do(what, pick)

    @rule(pick=picks, product=products, value=st.sampled_from(["10244", "10245", "10246"]))
    def product_by_hand(self, pick: int, product: str, value: str) -> None:
        self.do("product_by_hand", pick, product, value)

    @rule(pick=picks, other=picks, product=products)
    def product_by_hand_and_in_a_form(self, pick: int, other: int, product: str) -> None:
        """At once, for one is seldom followed by the other before a run."""
        self.do("product_by_hand", pick, product, "10246")
        self.do("toggle_product", other, product)

    @rule(pick=picks, other=picks)
    def heal_what_meets_a_form(self, pick: int, other: int) -> None:
        """For the same reason."""
        self.do("grant_by_hand", pick)
        self.do("toggle_scope", other)
        self.do("heal")

    @rule(pick=picks, product=products, what=st.sampled_from(["product_of_a_stranger", "remove_product_by_hand"]))
    def product_by_others(self, pick: int, product: str, what: str) -> None:
        self.do(what, pick, product)

    @rule(application=applications)
    def make_by_hand(self, application: str) -> None:
        self.do("make_by_hand", application)

    @rule(pick=picks, part=owned)
    def empty_owner(self, pick: int, part: str) -> None:
        self.do("empty_owner", pick, part)

    @rule(what=st.sampled_from(["toggle_below", "toggle_replace_on_changes", "toggle_delete_before_replace"]))
    def edit_program(self, what: str) -> None:
        self.do(what)

    @rule(pick=picks, part=owned, what=st.sampled_from(["taint", "delete_in_state"]))
    def edit_state(self, pick: int, part: str, what: str) -> None:
        self.do(what, pick, part)

    @rule(pick=picks)
    def rename_in_state(self, pick: int) -> None:
        self.do("rename_in_state", pick)

    @rule(what=st.sampled_from(["save_state", "restore_state", "save_authority", "restore_authority"]))
    def backup(self, what: str) -> None:
        self.do(what)

    @rule(pick=picks, part=owned, refresh=st.booleans())
    def up_replacing(self, pick: int, part: str, refresh: bool) -> None:
        self.do("up_replacing", pick, part, refresh)

    @rule(refresh=st.booleans())
    def up(self, refresh: bool) -> None:
        self.do("up", refresh)

    @rule(refresh=st.booleans())
    def up_again(self, refresh: bool) -> None:
        """More than once among the rules, for it is what all others wait for."""
        self.do("up", refresh)

    @rule()
    def up_once_more(self) -> None:
        self.do("up")

    @rule(outage=outages, refresh=st.booleans())
    def up_during_an_outage(self, outage: Outage, refresh: bool) -> None:
        self.do("up", refresh, outage)

    @rule(cut=cuts, refresh=st.booleans())
    def up_cut_off(self, cut: Cut, refresh: bool) -> None:
        self.do("up_cut_off", cut, refresh)

    @rule()
    def refresh(self) -> None:
        self.do("refresh")

    @rule(outage=outages)
    def refresh_during_an_outage(self, outage: Outage) -> None:
        self.do("refresh", outage)

    @rule(refresh=st.booleans())
    def preview(self, refresh: bool) -> None:
        self.do("preview", refresh)

    @rule()
    def drift(self) -> None:
        self.do("drift")

    @rule()
    def heal(self) -> None:
        self.do("heal")

    @rule(outage=outages, what=st.sampled_from(["drift", "heal"]))
    def drift_during_an_outage(self, outage: Outage, what: str) -> None:
        self.do(what, outage)


@contextmanager
def begun(portal: RunningPortal, folder: Path, speed: type[InProcess | Engine]) -> Iterator[Callable[[], World]]:
    """What begins a world: nothing at the authority, and a project of its own."""
    with portal.operator() as http:
        registry, numbers = Registry(http), count()

        def begin() -> World:
            remove_everything(registry)
            project = folder / f"project-{next(numbers)}"
            project.mkdir(parents=True)
            return World(speed(portal, project), registry)

        yield begin


def run(portal: RunningPortal, folder: Path, speed: type[InProcess | Engine], *, examples: int, steps: int) -> None:
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
    never = [f"{one} and {other}" for one, other in combinations_with_replacement(RULES, 2) if (one, other) not in met]
    print(f"{sum(done.values())} steps: {dict(done.most_common())}")  # noqa: T201 - for pytest -s
    print(f"{len(met)} pairs of rules met: {dict(met.most_common())}\n{len(never)} never met: {', '.join(never)}")  # noqa: T201
