"""Measure the project on a real Keycloak: print the figures of each case, and write them all, with
a plot."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.authority import MeasuredAuthority, measured, started
from bench.repetition import repeat
from bench.report import Case, comparisons, plot, table
from tests.support.engine import ROOT
from tests.support.keycloak_server.distribution import CannotGet

_REPETITIONS = 3
_ONCE_FROM = 1000
"""The size of which one repetition has to do."""


def main() -> None:
    """Measure what the command line names, and write the results."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", required=True, metavar="CONNECTIONS")
    parser.add_argument("--latency", type=int, nargs="+", required=True, metavar="MILLISECONDS")
    wanted = parser.parse_args()
    try:
        with (
            TemporaryDirectory() as name,
            started(Path(name) / "keycloak") as keycloak,
            measured(keycloak, Path(name)) as authority,
        ):
            scratch = Path(name)
            # Not counted: a Keycloak's first requests take longer, and so does the first start of
            # each program.
            repeat(authority, scratch / "first", 2)
            bench(authority, wanted.sizes, wanted.latency, ROOT / "bench" / "results", scratch)
    except CannotGet as error:
        sys.exit(f"error: {error}")


def bench(
    authority: MeasuredAuthority,
    sizes: Sequence[int],
    latencies: Sequence[int],
    results: Path,
    scratch: Path,
    repetitions: int = _REPETITIONS,
) -> None:
    """Measure each size (a number of connections) at each latency (milliseconds before each of the
    authority's answers). After each repetition write all figures and plots into `results`; print a
    table of each case."""
    cases: list[Case] = []
    results.mkdir(parents=True, exist_ok=True)
    for latency in latencies:
        authority.delay_answers(latency)
        for size in sizes:
            cases.append(case := Case(size, latency))
            times = repetitions if size < _ONCE_FROM else 1
            for number in range(times):
                folder = scratch / f"{latency}-{size}-{number}"
                # One process for each request takes long: once, at the smallest size.
                with_tools = size == min(sizes) and number == 0
                case.repetitions.append(repeat(authority, folder, size, with_tools=with_tools))
                figures = json.dumps(list(map(asdict, cases)), indent=1)
                (results / "figures.json").write_text(figures)
                for name, compared in comparisons(cases).items():
                    (results / f"{name}.svg").write_text(plot(compared))
            sys.stdout.write(table(case))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
