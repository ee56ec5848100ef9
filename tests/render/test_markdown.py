"""The comment that a reviewer reads: what it looks like, that it fits, and that no form's author
can make it lie."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from acmidm.render.markdown import code, markdown
from acmidm.report.kinds import Change, Kind, Severity
from acmidm.report.review import review_of
from acmidm.terminal import as_json
from acmidm.words import WHOLE
from acmidm_onboarding.values.keys import Key
from acmidm_onboarding.values.terms import Environment
from tests.support.rendering import as_markdown, print_report
from tests.support.samples import COMPARISON, NOW, by_hand, client, drift_report, plan_of, reviewed

EXPECTED = """\
### 1 client is removed, 1 client gains 1 scope on prod; 1 client loses 1 key on tni


#### Production: 2 clients change, 1 stays as it is

- **Stad Gent** · weg  `OVO002067/weg`, form `gent/weg`
  - **danger** is removed, with its scopes, keys and products
    - scopes: `vo_info`
    - keys: `a, b`
    - products: `notificaties`
- **Stad Gent** · loket  `OVO002067/loket`, form `gent/loket`
  - **warning** gains scope `dv_dosis_schrijven` (owner Digitaal Vlaanderen, name not verified): dossiers (S-1)

#### TNI: 1 client changes

- **Stad Gent** · loket  `OVO002067/loket`, form `gent/loket`
  - **warning** loses key `b` with thumbprint `thumbprint-of-b`
  - **warning** is left with one key: nothing to fall back on
"""  # noqa: E501


def test_a_review_reads_from_the_top() -> None:
    """Headline, production first and most dangerous first, each change beneath its client."""
    tni = client(environment=Environment.TNI)
    review = reviewed(
        (client("blijft"), client("blijft")),
        (tni, client(environment=Environment.TNI, keys={"a": Key("thumbprint-of-a")})),
        (client(), client(scopes={"vo_info": "requested", "dv_dosis_schrijven": "dossiers (S-1)"})),
        (client("weg"), None),
    )
    assert as_markdown(review) == EXPECTED


def test_nothing_changes() -> None:
    """A change of forms that changes nothing says so."""
    assert (
        as_markdown(reviewed((client(), client())))
        == "### Nothing changes\n\n\nProduction: no change, 1 client stays as it is.\n"
    )
    assert as_markdown(reviewed()) == "### Nothing changes\n\n", (
        "an environment without clients is not worth a word"
    )


def test_nothing_that_decides_is_folded() -> None:
    """Every change is there, and first that production gets none of it; beneath a product its
    values."""
    wanted = {"vo_info": "requested", **{f"dv_{letter}": f"why {letter}" for letter in "abcd"}}
    one = client(scopes=wanted)
    held_back = Change(kind=Kind.HELD_BACK, note="no evidence")
    plan = plan_of((None, one), extra_changes=((one, held_back),))
    page = as_markdown(review_of([plan], COMPARISON))
    assert "<details>" not in page
    labels = re.findall(r"^  - (?:\*\*|_)(\w+?)(?:\*\*|_) ", page, re.MULTILINE)
    assert labels == [*["notice"] * 2, *["warning"] * 7, "notice"]
    entry = "OVO002067; private_key_jwt with keys in files; contacts api@&#8203;stad.example"
    for shown in (
        "is held back from production, as far as it is not there already: no evidence\n"
        f"  - _notice_ is a new client: {entry}\n  - **warning** gains scope `dv_a`: why a\n",
        "`dv_d`: why d\n  - **warning** gains scope `vo_info`\n  - **warning** gains key `a` with",
        "  - _notice_ is configured for product `notificaties`\n    - merk_code: `gent`\n",
    ):
        assert shown in page


def test_a_name_that_is_spelled_out_has_no_more_room_than_another() -> None:
    """Each control character is six then: whoever names a client or a field has the room of a
    sentence."""
    before = client(client_id="\u202e" * 200, products={"notificaties": {"\u202e" * 200: "a"}})
    page = as_markdown(reviewed((before, replace(before, products={}))))
    shown = [line for line in page.splitlines() if "u202e" in line]
    assert len(shown) == 2
    assert max(map(len, shown)) < 2 * WHOLE


def test_no_refusal_is_left_out() -> None:
    refused = reviewed((client(), None)).model_copy(
        update={"problems": tuple(f"{number} is refused" for number in range(30))}
    )
    assert as_markdown(refused).count("\n- **refused** ") == 30


def test_who_changed_it_is_told_once_where_it_was_one_and_the_same() -> None:
    """Else each change says so; when the last one was made stands there, so that nothing hangs on a
    minute."""
    review = reviewed((client(), client(scopes={}, keys={})))
    (connection,) = review.connections
    earlier, later = NOW - timedelta(minutes=1), NOW
    times = (earlier, later, *[earlier] * (len(connection.changes) - 2))
    by_one = [
        change.model_copy(update={"changed_by": "helpdesk", "changed_at": at})
        for change, at in zip(connection.changes, times, strict=True)
    ]
    by_two = [by_one[0].model_copy(update={"changed_by": "operator"}), *by_one[1:]]

    def shown(changes: list[Change]) -> str:
        changed = connection.model_copy(update={"changes": tuple(changes)})
        page = as_markdown(review.model_copy(update={"connections": (changed,)}))
        return page.partition("####")[2]

    assert shown(by_one).count("helpdesk") == 1
    assert shown(by_one).rstrip().endswith("\n  - all by `helpdesk`, last at 2026-11-25 12:00 UTC")
    assert shown(by_two).count("(by `helpdesk` at 2026-11-25 1") == len(by_two) - 1
    assert "(by `operator` at 2026-11-25 11:59 UTC)" in shown(by_two)


HOSTILE = (
    "a | b",
    "`code` ``",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "@somebody and @some/team",
    "#1 and org/repo#2 and GH-3",
    "![x](https://evil.example/x.png)",
    "[click](javascript:alert(1))",
    "https://evil.example www.evil.example",
    "</details></summary><h1>",
    "\x1b[31mred\x07",
    "line\nbreak\r\n| x |",
    "\u202egnp.exe",
    "-->",
    ":tada: $x$ ~~no~~ **bold** _it_",
    "\\",
    "&lt;b&gt;",
    "###vso[task.setvariable variable=x]y",
    "x" * 5_000,
)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_forms_say_is_shown_and_does_nothing(text: str) -> None:
    """As a name, a reason, a kid, a field, a value: no item breaks, no tag opens, nobody is
    mentioned, nothing is linked."""
    hostile = client(
        key=f"OVO002067/{text}",
        path=text,
        formerly=("OVO002067/loket",),
        fields={"organisation.name": text, text: text},
        scopes={text: text},
        keys={text: Key(text)},
        products={text: {text: text}},
    )
    review = reviewed((client(), hostile))
    page = as_markdown(review)
    assert all(char.isprintable() or char == "\n" for char in page)
    assert not any("##vso[" in text for text in (page, as_json(review)))
    for line in page.splitlines():
        assert re.match(r"$|#{3,4} | *- (?![#+\-=:/\s]|\d+[.)](?:\s|$))", line), line
    tags = set(re.findall(r"<(/?[a-z]+)", page))
    assert tags <= {"details", "/details", "summary", "/summary", "code", "/code"}, tags
    outside_code = re.sub(r"`[^`\n]*`|<code>.*?</code>", "", page)
    assert not re.search(r"@\w|#\d|GH-\d|https?://|www\.|:tada:", html.unescape(outside_code)), (
        outside_code
    )
    assert not re.search(r"(?<!\\)\]\(|(?<!\\)~~|(?<!\\)`", outside_code), outside_code


@pytest.mark.parametrize("text", [*HOSTILE, "\n::error::x", "::add-mask::x"])
@pytest.mark.parametrize("terminal", [False, True])
def test_what_others_say_does_nothing_to_a_terminal_or_a_log(
    text: str, terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever it stands in a report as text: headline, refusal, note, name, value."""
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    hostile = client(
        key=f"OVO002067/{text}",
        path=text,
        fields={"organisation.name": text},
        scopes={text: text},
        keys={text: Key(text)},
    )
    (connection,) = by_hand((client(), hostile))
    print_report(drift_report(connection, problems=(text, f"a{text}"), notes=(text,)))
    print_report(
        reviewed((client(), hostile)).model_copy(update={"headline": text, "notes": (text,)})
    )
    shown = capsys.readouterr().out
    for line in (re.sub(r"\x1b\[[0-9;]*m", "", shown) if terminal else shown).splitlines():
        assert line.isprintable()
        assert not line.lstrip().startswith("::")
        assert "##vso[" not in line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Stad Gent (mijn_app), 50%", "Stad Gent (mijn_app), 50%"),
        ("a|b @x #1", r"a\|b @&#8203;x #&#8203;1"),
        ("__b__", r"\_\_b\_\_"),
        ("_i_ and a__b and a_b", r"\_i\_ and a\_\_b and a_b"),
        *(
            (text, f"&#8203;{text}")
            for text in ("# title", "- item", "1. item", "/close", "    code", "===")
        ),
        (":::mermaid", "&#8203;: ::mermaid"),
        ("!7 and a/b!7", "!&#8203;7 and a/b!&#8203;7"),
        ("%5 ~label &3 R&D", r"%&#8203;5 \~&#8203;label &amp;&#8203;3 R&amp;D"),
        ("[vulnerability:5]", r"\[&#8203;vulnerability:5\]"),
    ],
)
def test_nothing_that_a_name_begins_with_or_refers_to_is_rendered(text: str, shown: str) -> None:
    """Titles and lists, commands and references of GitLab and Azure DevOps, emphasis in the middle.
    Ordinary names stay readable."""
    assert markdown(text) == shown


def test_escapes_in_code() -> None:
    assert code("urn://gent/mijn_gent") == "`urn://gent/mijn_gent`"
    assert code("a|`b`") == "<code>a&#124;&#96;b&#96;</code>"


def test_every_kind_has_its_row() -> None:
    """A sentence, a place in the headline unless another kind always goes with it, and facts that a
    change can have."""
    for kind in Kind:
        entry = kind.entry
        assert entry.sentence
        in_headline = bool(entry.counted or entry.headline)
        assert in_headline is (
            kind not in {Kind.CLIENT_WITH_ONE_KEY, Kind.KEY_AWAITED, Kind.SECRET_UNTIL_KEY}
        )
        assert bool(entry.parts) <= in_headline
        assert not (entry.by_hand and entry.danger_by_hand)
        assert all(Change(kind=kind, by_hand=by_hand).text for by_hand in (False, True))
    assert [kind.severity for kind in Kind] == sorted(
        (kind.severity for kind in Kind), key=list(Severity).index
    )


def test_what_was_repaired_is_no_danger_any_more() -> None:
    """In the issue and on the terminal; what could not be repaired still is. One
    client is no clients."""
    repaired = reviewed((client(), None)).connections
    (same,) = by_hand((client(), client()))
    for healed, danger in ((True, False), (False, True)):
        drift = drift_report(same, healed=healed, repaired=repaired)
        page = as_markdown(drift)
        assert ("danger" in page) is danger
        assert "1 client, checked at" in page
