"""However large a change and however long its names: a report fits, says what it left out, and two
values never look alike."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from acmidm.render.markdown import LIMIT
from acmidm.report.drift import PastEnd, UndeclaredClient, expiring_keys
from acmidm.words import side_by_side
from acmidm_onboarding.values.end import EndOf
from acmidm_onboarding.values.keys import Key
from acmidm_onboarding.values.terms import Platform
from tests.support.rendering import as_markdown
from tests.support.samples import NOW, by_hand, client, drift_report, reviewed


@pytest.mark.parametrize("number", [1, 3, 50, 300])
def test_whatever_the_size_it_fits_and_counts_what_is_left_out(number: int) -> None:
    """Every client is there with all that changes, or is counted; no fold is empty."""
    new = [
        (
            None,
            client(
                f"{place:04}", scopes={"vo_info": "requested", "dv_x": "why", "dv_y": f"{place}"}
            ),
        )
        for place in range(number)
    ]
    described = [
        (client(f"v-{place:04}"), client(f"v-{place:04}", scopes={"vo_info": f"why {place}"}))
        for place in range(number)
    ]
    page = as_markdown(reviewed(*new, *described))
    assert len(page) <= LIMIT
    shown = len(re.findall(r"^- \*\*Stad Gent\*\* · ", page, re.MULTILINE))
    missing = re.findall(r"^- \*\*and (\d+) more\*\*", page, re.MULTILINE)
    assert shown + sum(map(int, missing)) == 2 * number
    assert page.count("    - merk_code: `gent`\n") == min(number, shown)
    assert page.count("<details>") == page.count("</details>")
    assert not re.search(r"</summary>\s*</details>", page)


def test_a_thousand_connections_fit() -> None:
    """What matters least is left out first, nothing in between, and the comment says how much."""
    removed = [(client(f"removed-{number:04}"), None) for number in range(20)]
    granted = [
        (
            client(f"a{number:04}"),
            client(f"a{number:04}", scopes={"vo_info": "requested", "dv_x": f"why {number}"}),
        )
        for number in range(980)
    ]
    review = reviewed(*granted, *removed)
    text = as_markdown(review)
    assert LIMIT * 0.7 < len(text) <= LIMIT
    assert text.startswith("### 20 clients are removed, 980 clients gain 980 scopes on prod\n")
    assert all(
        f"· removed-{number:04}  `OVO002067/removed-{number:04}`" in text for number in range(20)
    )
    numbers = [int(found) for found in re.findall(r"^- .*· a(\d{4})  `", text, re.MULTILINE)]
    assert numbers == list(range(len(numbers))), "clients are left out from the end"
    assert f"\n- **and {1_000 - 20 - len(numbers)} more**: the same command with " in text


def test_however_many_are_past_their_end_a_drift_fits() -> None:
    """A form has as many scopes until a day as its author likes."""
    past = [
        PastEnd(
            platform=Platform("acmidm"),
            key=f"OVO002067/{number}",
            organisation="Stad Gent",
            application="a" * 80,
            of=EndOf.SCOPE,
            what="dv_x",
            last_day=NOW.date() - timedelta(days=1),
        )
        for number in range(1_000)
    ]
    text = as_markdown(drift_report(past=tuple(past)))
    assert len(text) <= LIMIT
    left = re.search(r"^- \*\*and (\d+) more\*\*: `acmidm drift --stack tni`$", text, re.MULTILINE)
    assert left is not None
    assert text.count("dv_x") == 1_000 - int(left[1])


def test_one_client_of_a_hundred_thousand_characters_fits() -> None:
    """And leaves room for five ordinary ones; of its own changes as many as a glance takes."""
    scopes = {f"dv_scope_{number}": "why " * 60 for number in range(500)}
    huge = (client(), client(scopes={"vo_info": "requested", **scopes}))
    ordinary = [
        (None, client(f"ordinary-{number}", scopes={"vo_info": f"{number}"})) for number in range(5)
    ]
    text = as_markdown(reviewed(huge, *ordinary))
    assert len(text) <= LIMIT
    _, huge_one, *ordinary_ones = re.split(r"^- \*\*Stad Gent\*\* · ", text, flags=re.MULTILINE)
    assert re.fullmatch(
        r"loket .*\n(  - \*\*warning\*\* gains scope .*\n){10,}"
        r"  - \*\*and 4\d\d more\*\*: the same command with `--output text`\n",
        huge_one,
    )
    assert len(ordinary_ones) == 5
    assert all("    - merk_code: `gent`\n" in one for one in ordinary_ones)
    alone = as_markdown(
        reviewed(
            (client(), client(scopes={"vo_info": "requested", **dict(list(scopes.items())[:40])}))
        )
    )
    assert "dv_scope_39" in alone, "what fits is not cut"


LONG = ", ".join(f"{number}" for number in range(10_000, 10_060))
WORDS = "berichten over aanvragen van burgers " * 12


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        (LONG, f"{LONG[:-5]}99999", ("60 of them, with 10059", "60 of them, with 99999")),
        (LONG, f"{LONG}, 99999", ("60 of them", "61 of them, with 99999")),
        (LONG, LONG[:-7], ("60 of them, with 10059", "59 of them")),
        (
            "10244",
            LONG,
            (
                "1 of them, with 10244",
                (
                    "60 of them, with 10000, 10001, 10002, 10003, 10004, 10005, 10006, 10007 and 52"
                    " more"
                ),
            ),
        ),
        (f"a{WORDS}", f"b{WORDS}", (f"a{WORDS}"[:59] + "…", f"b{WORDS}"[:59] + "…")),
        (
            f"{WORDS}(SD-1)",
            f"{WORDS}(SD-2)",
            ("…gen van burgers (SD-1)", "…gen van burgers (SD-2)"),
        ),
        (
            f"{WORDS}oud {WORDS}(SD-1)",
            f"{WORDS}nieuw",
            (f"…nvragen van burgers oud {WORDS}"[:59] + "… (SD-1)", "…nvragen van burgers nieuw"),
        ),
        ("x" * 400 + "a", "x" * 400 + "b", ("…" + "x" * 20 + "a", "…" + "x" * 20 + "b")),
        (
            f"{LONG}, {'x' * 300}1",
            f"{LONG}, {'x' * 300}2",
            ("…" + "x" * 20 + "1", "…" + "x" * 20 + "2"),
        ),
        (WORDS, None, (WORDS[:59] + "…", None)),
        (None, LONG, (None, "10000, 10001, 10002, 10003, 10004, 10005, 10006, 10007 and 52 more")),
    ],
)
def test_two_values_never_look_alike(
    old: str | None, new: str | None, shown: tuple[str | None, str | None]
) -> None:
    """Of lists what only one of them has, of texts from where they differ; where a value is cut,
    that shows."""
    assert side_by_side(old, new, 60) == shown


def test_a_change_far_into_a_list_shows_in_every_report() -> None:
    """In a comment and as JSON has it."""
    products = [
        {"notificaties": {"product_ids": [*LONG.split(", "), last]}}
        for last in ("eerste", "tweede")
    ]
    review = reviewed((client(products=products[0]), client(products=products[1])))
    wanted = "product_ids `61 of them, with eerste` → `61 of them, with tweede`"
    assert wanted in as_markdown(review)
    assert "with tweede" in review.connections[0].changes[0].text


def test_a_long_value_that_comes_and_one_that_goes_do_not_look_alike() -> None:
    """On a line by itself it has the other side too; not where the sentence says which it is."""
    name = {"client_uri": f"https://{'x' * 100}.example"}
    page = as_markdown(
        reviewed((client("a", fields=name), client("a")), (client("b"), client("b", fields=name)))
    )
    assert re.search("    - client_uri: none → `https://x*.example`", page)
    assert re.search("    - client_uri: `https://x*.example` → none", page)
    removed = as_markdown(reviewed((client(), None)))
    assert "    - scopes: `vo_info`\n" in removed


def test_keys_that_go_and_those_in_their_place_do_not_look_alike() -> None:
    """Whoever has the new ones is the client."""
    before, after = ({name: Key(f"t-{name}")} for name in "ab")
    page = as_markdown(reviewed((client(keys=before), client(keys=after))))
    assert "new ones is the client\n    - a: `t-a` → none\n    - b: none → `t-b`\n" in page


def test_the_reference_of_a_long_reason_stays() -> None:
    """It is what a reviewer looks up. A scope without a reason has none in the sentence about its
    first one either."""
    reason = "w" * 250
    review = reviewed(
        (
            client(),
            client(
                scopes={"vo_info": "requested", "dv_a": f"{reason} (SD-4711)"},
                exemptions={"key-lifetime": f"{reason} (SD-4712)"},
            ),
        ),
        (client("x"), client("x", scopes={"vo_info": "omdat (SD-4713)"})),
    )
    for page in (
        as_markdown(review),
        str([one.changes for one in review.connections]),
    ):
        assert all(str(number) in page for number in (4711, 4712, 4713))
    assert (
        "gives another reason for scope `vo_info`: reason none → `omdat (SD-4713)`"
        in as_markdown(review)
    )


def test_the_remedy_of_a_long_problem_stays() -> None:
    """It stands at the end of what the engine refused, of a note, and of what keeps a form from
    production."""
    problem = f"{'names ' * 60}; then do this"
    review = reviewed((client(), None)).model_copy(update={"problems": (problem,)})
    assert "then do this" in as_markdown(review)
    drift = drift_report(notes=(problem,), problems=(problem,))
    assert as_markdown(drift).count("then do this") == 2


def called(text: str) -> UndeclaredClient:
    """A client that nobody declares, all of whose names are one text."""
    return UndeclaredClient(
        platform=Platform.ACMIDM,
        client_id=text,
        client_name=text,
        organisation=text,
        application=text,
        made_by=text,
    )


@pytest.mark.parametrize("text", ["x", "@" * 200, "|" * 200])
def test_whatever_names_others_choose_an_issue_and_a_list_fit(text: str) -> None:
    """Who names clients, keys or settings cannot make an issue too long to be opened, nor push out
    what was changed by hand."""
    changed = by_hand(*((client(f"{number}"), None) for number in range(30)))
    ending = by_hand(
        *[
            (client(f"e{number}", fields={"organisation.name": text}, keys={text: Key(text, NOW)}),)
            * 2
            for number in range(100)
        ]
    )
    undeclared = called(text)
    drift = drift_report(
        *changed,
        expiring=expiring_keys(ending, NOW, 30),
        undeclared=(undeclared,) * 300,
        notes=(text * 100,),
        problems=(text * 600,) * 40,
    )
    page = as_markdown(drift)
    assert len(page) <= LIMIT
    assert len(re.findall(r"^  - \*\*danger\*\* was removed by hand", page, re.MULTILINE)) == 30
    assert ("- **and " in page) is (len(text) > 1)


def test_a_key_that_somebody_slipped_in_is_there_however_long_its_names_are() -> None:
    """It is the most dangerous change, and who adds it names the key, and the client too: the names
    take more room than a list of changes has among so many others."""
    text = "|" + "\U0001f4a5" * 199
    slipped_in = by_hand((client(), client(keys={text: Key(text, NOW)})))[0]
    assert slipped_in.by_hand
    by_somebody = [
        change.model_copy(update={"changed_by": text, "changed_at": NOW})
        for change in slipped_in.by_hand.changes
    ]
    undeclared = called(text)
    keys = {text: Key(text, NOW)}
    ending = by_hand(*[(client(f"{number}", keys=keys),) * 2 for number in range(4)])
    drift = drift_report(
        replace(slipped_in, by_hand=slipped_in.by_hand.with_changes(by_somebody)),
        expiring=expiring_keys(ending * 30, NOW, 30),
        undeclared=(undeclared,) * 300,
        left_behind=(undeclared,) * 300,
        notes=(text * 3,) * 40,
        problems=tuple(f"{text * 3} {number}" for number in range(40)),
    )
    page = as_markdown(drift)
    assert len(page) <= LIMIT
    assert "  - **danger** was given undeclared key" in page
