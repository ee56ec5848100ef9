"""The list of connections for a terminal and as Markdown."""

from __future__ import annotations

from rich.text import Text

from acmidm.report.escape import code, markdown
from acmidm.report.fit import LIMIT, ROWS, Part, fitted, row_rank
from acmidm.report.listing import ListedConnection, ListedKey, Status
from acmidm.report.markdown import left_out
from acmidm.report.text import console, print_indented
from acmidm.report.words import day, days, plain
from components.model.form import AuthMethod, Platform


def print_status(status: Status) -> None:
    """Three or four short lines per connection, which fit a terminal of 80 columns."""
    out = console()
    out.print(Text(title(status), style="bold"))
    several = len(status.stacks) > 1
    for one in status.connections:
        where = [one.stack] if several else []
        where += [one.platform] if one.platform is not Platform.ACMIDM else []
        heading = Text(f"{plain(one.organisation)} · {plain(one.application)}", style="bold")
        heading.append(f" ({', '.join(where)})" if where else "", style="")
        out.print(heading + Text("  ") + Text(plain(one.client_id), style="cyan"))
        for word, told in (
            ("scopes", Text(", ".join(plain(scope) for scope in one.scopes))),
            ("keys", _keys(one)),
            ("products", Text(", ".join(plain(product) for product in one.products))),
        ):
            if told.plain:
                print_indented(out, Text(f"  {word:<9}", style="dim"), told)


def title(status: Status) -> str:
    number, stacks = len(status.connections), " and ".join(status.stacks)
    holding = f' that hold{"s" if number == 1 else ""} "{plain(status.search)}"' if status.search else ""
    return f"{'1 connection' if number == 1 else f'{number:,} connections'} on {stacks}{holding}"


def status_as_markdown(status: Status, limit: int = LIMIT) -> str:
    """A table, at most ``limit`` characters; the last rows are left out first."""
    heading = "| where | client | client-ID | scopes | keys | products |\n|---|---|---|---|---|---|\n"
    parts = [Part(f"### {markdown(title(status))}\n"), Part(f"\n{heading}", around=ROWS)]
    parts += [Part(_row(one), row_rank(place), ROWS) for place, one in enumerate(status.connections)]
    return fitted(parts, lambda missing: left_out(missing, "the same command with `--output text`", "the last ones"), limit)


def key_text(key: ListedKey) -> str:
    """A key with its end, which is told in words too where it is near: not everybody sees colours."""
    if key.expires is None or key.days_left is None:
        return plain(key.kid)
    if key.days_left < 0:
        return f"{plain(key.kid)} EXPIRED {day(key.expires)}"
    near = f" ({days(key.days_left)})" if key.ends_soon else ""
    return f"{plain(key.kid)} until {day(key.expires)}{near}"


def without_keys(connection: ListedConnection) -> str:
    if connection.keys_managed_in_portal:
        return "managed in the portal"
    return "none yet" if connection.token_endpoint_auth_method == AuthMethod.PRIVATE_KEY_JWT else "client secret"


def _keys(connection: ListedConnection) -> Text:
    if not connection.keys:
        return Text(without_keys(connection))
    told = Text()
    for place, key in enumerate(connection.keys):
        style = "" if not key.ends_soon else "bold red" if (key.days_left or 0) < 0 else "bold yellow"
        told.append(", " if place else "").append(key_text(key), style=style)
    return told


def _row(one: ListedConnection) -> str:
    where = one.stack if one.platform is Platform.ACMIDM else f"{one.stack} ({one.platform})"
    keys = "<br>".join(f"**{markdown(key_text(key))}**" if key.ends_soon else markdown(key_text(key)) for key in one.keys)
    cells = (
        markdown(where),
        f"**{markdown(one.organisation)}** · {markdown(one.application)}",
        code(one.client_id),
        "<br>".join(code(scope) for scope in one.scopes),
        keys or without_keys(one),
        "<br>".join(markdown(product) for product in one.products),
    )
    return f"| {' | '.join(cells)} |\n"
