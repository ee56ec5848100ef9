"""What was measured, as a table in Markdown, and as a plot of the ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.measured import Figure

_PLOTTED = (
    "first up",
    "deploy, first",
    "preview",
    "preview --refresh",
    "up, a scope more",
    "destroy",
)
_SHADES = ("#1b4965", "#2f7f9f", "#62b6cb", "#a8d5e2")
_PIXELS = 110
"""Of a bar that is 1 long."""
_HEAD = (
    "| step | seconds | ratio | CPU ratio | divided by | CPU s | largest MB | all MB | requests"
    " | state kB |\n"
    "|---|--:|--:|--:|---|--:|--:|--:|--:|--:|\n"
)


@dataclass
class Case:
    """All repetitions of one size at one latency."""

    connections: int
    latency: int
    repetitions: list[Mapping[str, Figure]] = field(default_factory=list)

    @property
    def title(self) -> str:
        return f"{self.connections:,} connections, {self.latency} ms of latency"

    def values(self, step: str, name: str) -> list[float]:
        """Return a figure of a step by its name, such as ``seconds``, in each repetition that has
        the step."""
        return [getattr(figures[step], name) for figures in self.repetitions if step in figures]

    def ratios(self, step: str, name: str = "seconds") -> list[float]:
        """Return a figure of a step divided by the sum of those of its floor, per repetition; an
        empty list where it has no floor."""
        ratios: list[float] = []
        for figures in self.repetitions:
            if step not in figures or not figures[step].floor:
                continue
            floor = sum(getattr(figures[part], name) for part in figures[step].floor)
            ratios.append(getattr(figures[step], name) / floor)
        return ratios


def table(case: Case) -> str:
    """Return a section in Markdown: a line for each step with the median and spread of its figures
    over the repetitions, then how many requests of which kind it sent per connection."""
    lines: list[str] = []
    request_lines: list[str] = []
    for step, first in case.repetitions[0].items():
        cells = (
            step,
            _spread(case.values(step, "seconds")),
            _spread(case.ratios(step)),
            _spread(case.ratios(step, "cpu_seconds")),
            " + ".join(first.floor),
            _short(median(case.values(step, "cpu_seconds"))),
            _short(median(case.values(step, "largest_mb"))),
            _short(median(case.values(step, "all_mb"))),
            _short(sum(first.requests.values()) / case.connections),
            _short(first.state_kb / case.connections),
        )
        lines.append(f"| {' | '.join(cells)} |\n")
        requests: list[str] = []
        for kind, count in sorted(first.requests.items()):
            share = count / case.connections
            requests.append(f"{share:.2f} `{kind}`")
        if requests:
            request_lines.append(f"- {step}: {', '.join(requests)}\n")
    return (
        f"\n## {case.title}\n\n{_HEAD}{''.join(lines)}"
        f"\nRequests per connection:\n{''.join(request_lines)}"
    )


def comparisons(cases: Sequence[Case]) -> Mapping[str, Sequence[Case]]:
    """Return the cases of each plot by its name: ``growth`` has all sizes at the lowest latency,
    ``latency`` the sizes that were measured at several. Without any, there is no second plot."""
    lowest = min(case.latency for case in cases)
    sizes = {case.connections for case in cases if case.latency != lowest}
    plots = {"growth": [case for case in cases if case.latency == lowest]}
    if sizes:
        several_latencies = [case for case in cases if case.connections in sizes]
        plots["latency"] = sorted(several_latencies, key=lambda case: case.connections)
    return plots


def plot(cases: Sequence[Case]) -> str:
    """Return an SVG of the ratios of ``_PLOTTED``: below each step a bar per case, as long as the
    median, with a line from the lowest to the highest; a vertical line where the ratio is 1."""
    bars: list[str] = []
    y = 0
    width = 0.0
    for step in _PLOTTED:
        y += 24
        bars.append(f'<text x="0" y="{y}" font-weight="bold">{step}</text>')
        for number, case in enumerate(cases):
            y += 18
            ratios = case.ratios(step)
            middle = _PIXELS * median(ratios)
            lowest = _PIXELS * min(ratios)
            highest = _PIXELS * max(ratios)
            width = max(width, 300 + highest)
            shade = _SHADES[number % len(_SHADES)]
            bars.append(f'<text x="0" y="{y}">{case.title}</text>')
            bars.append(
                f'<rect x="240" y="{y - 11}" width="{middle:.0f}" height="13" fill="{shade}"/>'
            )
            bars.append(
                f'<path d="M{240 + lowest:.0f} {y - 4}H{240 + highest:.0f}" stroke="#d1495b"'
                ' stroke-width="3"/>'
            )
            bars.append(f'<text x="{250 + highest:.0f}" y="{y}">{median(ratios):.2f}</text>')
    floor = f'<path d="M{240 + _PIXELS} 0V{y + 8}" stroke="#888888"/>'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{y + 10}"'
        ' style="background:#fff"'
    )
    return "\n".join(
        [f'{head} font-family="sans-serif" font-size="12">', *bars, floor, "</svg>", ""]
    )


def _short(value: float) -> str:
    """Return a number with at most one decimal; nothing where that would be 0.0."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 0.05 else ""


def _spread(values: Sequence[float]) -> str:
    """Return ``1.20 (1.10 to 1.40)``, median and range; one value alone, and nothing of none."""
    if len(values) < 2:
        return "".join(f"{value:.2f}" for value in values)
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"
