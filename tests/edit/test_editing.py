"""An edit of a form changes the lines that it is about, and no other character."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ruamel.yaml.comments import CommentedMap

from acmidm.edit.lines import (
    copied,
    edited,
    on_one_line,
    put_last,
    put_request,
    take_out,
)
from acmidm_onboarding.files import write_once, write_whole
from acmidm_onboarding.values.problems import Failure


def add(name: str = "new.jwk.json", environment: str = "tni") -> Any:
    def edit(document: Any) -> None:
        request = document["environments"][environment]
        if request is None:
            document["environments"][environment] = {"jwks": on_one_line([name])}
        elif "jwks" in request:
            put_last(request["jwks"], [name])
        else:
            request.insert(0, "jwks", on_one_line([name]))

    return edit


FORM = """\
# yaml-language-server: $schema=../../schema/onboarding.schema.json
# Ours since 2024.

application:   loket      # spaces and "quotes" stay
contacts: ['api@stad.example']
environments:
  tni:   # the test environment
{jwks}    scopes:
      dv_notificaties_import: { reason: "eerste: aansluiting", reference: SD-1 }

    products: {notificaties: {product_ids: [ "10244" ]}}

  prod:
    # not yet
    scopes: {dv_notificaties_import: {}}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("    jwks: [old.jwk.json]   # ours\n", "    jwks: [old.jwk.json, new.jwk.json] # ours\n"),
        (
            "    jwks:\n      - old.jwk.json   # of Jan\n",
            "    jwks:\n      - old.jwk.json   # of Jan\n      - new.jwk.json\n",
        ),
        ("    jwks:\n    - old.jwk.json\n", "    jwks:\n    - old.jwk.json\n    - new.jwk.json\n"),
        ("", "    jwks: [new.jwk.json]\n"),
        (
            "    jwks:\n      - old.jwk.json   # of Jan\n      # no more\n\n    # who asks\n",
            (
                "    jwks:\n      - old.jwk.json   # of Jan\n      - new.jwk.json\n      # no"
                " more\n\n    # who asks\n"
            ),
        ),
        (
            "    jwks:\n    - old.jwk.json\n\n",
            "    jwks:\n    - old.jwk.json\n    - new.jwk.json\n\n",
        ),
        (
            (
                "    jwks:\n      - {file: old.jwk.json, compromised: true}  # stolen\n\n    # who"
                " asks\n"
            ),
            (
                "    jwks:\n      - {file: old.jwk.json, compromised: true}  # stolen\n      -"
                " new.jwk.json\n\n    # who asks\n"
            ),
        ),
    ],
    ids=[
        "flow",
        "block, indented",
        "block",
        "none",
        "comments below",
        "an empty line below",
        "below one that was stolen",
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_only_the_lines_of_the_edit_change(before: str, after: str, ending: str) -> None:
    text, wanted = (FORM.replace("{jwks}", jwks).replace("\n", ending) for jwks in (before, after))
    assert edited("\ufeff" + text, add()) == "\ufeff" + wanted


@pytest.mark.parametrize("hyphens", ["", "  ", "    "])
def test_a_form_keeps_the_indent_that_it_has(hyphens: str) -> None:
    """Whatever is added to it, at any depth: nothing else changes."""
    text = (
        "exemptions:\n"
        "  signed-commits: {}  # less far in\n"
        "environments:\n"
        "    # the tests\n"
        "    tni:\n"
        "        jwks:\n"
        f"        {hyphens}- old.jwk.json  # of 2026\n"
        "        scopes:\n"
        "            dv_a:\n"
        "                reason: x\n"
        "    # production\n"
        "    prod:\n"
        "        scopes: {}\n"
    )

    def edit(document: Any) -> None:
        add()(document)
        for environment in ("tni", "prod"):
            parts = copied({"scopes": {"dv_b": {"reason": "y"}}})
            put_request(document["environments"], environment, CommentedMap(parts))

    assert edited(text, edit) == (
        text.replace("# of 2026\n", f"# of 2026\n        {hyphens}- new.jwk.json\n")
        .replace("reason: x\n", "reason: x\n            dv_b: {reason: y}\n")
        .replace("scopes: {}\n", "scopes: {dv_b: {reason: y}}\n")
    )


def test_a_form_whose_lines_end_in_two_ways_is_left() -> None:
    """Whichever ending a new line got, it would be a change of the form's own."""
    with pytest.raises(Failure, match="save it with one kind of line ending first"):
        edited(FORM.replace("\n", "\r\n", 3), add())


def test_a_last_line_without_an_end_stays_so() -> None:
    text = FORM.replace("{jwks}", "    jwks: [old.jwk.json]\n").rstrip()
    assert edited(text, add()) == text.replace("[old.jwk.json]", "[old.jwk.json, new.jwk.json]")


def test_an_environment_without_anything_gets_its_first_line() -> None:
    text = "# a comment\napplication: x\nenvironments:\n  tni:\n  prod: {}\n"
    changed = edited(text, add())
    assert changed.startswith("# a comment\napplication: x\nenvironments:\n  tni:")
    assert yaml.safe_load(changed)["environments"] == {
        "tni": {"jwks": ["new.jwk.json"]},
        "prod": {},
    }


def test_a_list_over_several_lines_keeps_its_meaning() -> None:
    """The editor writes such a list on one line: what it says is the same, and so are the
    comments."""
    text = (
        "# a comment\nenvironments:\n  tni:\n    jwks: [a.jwk.json,\n           b.jwk.json]\n   "
        " scopes: {}  # none\n"
    )
    changed = edited(text, add())
    assert yaml.safe_load(changed) == {
        "environments": {
            "tni": {"jwks": ["a.jwk.json", "b.jwk.json", "new.jwk.json"], "scopes": {}}
        }
    }
    assert "# a comment" in changed
    assert "# none" in changed


@pytest.mark.parametrize("indent", ["", "  "])
def test_a_list_of_which_nothing_stays_keeps_its_hyphens_where_they_were(indent: str) -> None:
    """Both ways to write it mean the same then."""

    def edit(document: Any) -> None:
        put_last(document["contacts"], ["new@stad.example"])
        document["contacts"].remove("old@stad.example")

    text = f"application: loket\ncontacts:\n{indent}# of a team\n{indent}- old@stad.example\n"
    assert edited(text, edit) == text.replace("old@", "new@")


@pytest.mark.parametrize("indent", ["", "  "])
def test_a_form_that_is_written_anew_keeps_its_hyphens_where_they_were(indent: str) -> None:
    """As one is with a list over several lines."""
    contacts = f"contacts:\n{indent}- api@stad.example\n"
    tni = "environments:\n  tni:\n    jwks: [a.jwk.json,\n           b.jwk.json]\n"
    assert edited(contacts + tni, add()).startswith(contacts)


CONFIGURED = """\
application: loket
environments:
  tni:
    products:
      dosis: {}
      notificaties:
        kanalen:
          - email
          - passief # of old

        # as in IPDC
        merk_code: stad
        product_ids: ["10244"] # of IPDC

# the day is not known
exemptions: {} # none
"""


SEVERAL_LINES = "\n          - email\n          - passief # of old\n"


@pytest.mark.parametrize(
    ("product", "fields", "before", "after"),
    [
        ("dosis", {"bron_uri": "urn:a"}, "dosis: {}", "dosis: {bron_uri: urn:a}"),
        ("notificaties", {"merk_code": "gent"}, "merk_code: stad", "merk_code: gent"),
        ("notificaties", {"product_ids": ["1"]}, '["10244"] # of', "['1']     # of"),
        ("notificaties", {"kanalen": ["email"]}, SEVERAL_LINES, " [email]\n"),
    ],
)
def test_a_product_gets_the_fields_that_differ(
    product: str, fields: dict[str, Any], before: str, after: str
) -> None:
    """One without a field yet has them on its line. The comments behind a value and below it
    stay, also below a list of several lines."""

    def edit(document: Any) -> None:
        put_request(document["environments"], "tni", copied({"products": {product: fields}}))

    assert edited(CONFIGURED, edit) == CONFIGURED.replace(before, after)


def test_a_comment_stays_where_what_is_below_its_line_is_taken_out() -> None:
    text = CONFIGURED.replace(" # of IPDC\n\n", " # of IPDC\n\n        # more\n")
    text = text.replace("# more\n", "# more\n        uri: urn:a\n\n")

    def edit(document: Any) -> None:
        take_out(document["environments"]["tni"]["products"], "notificaties", "uri")

    assert edited(text, edit) == text.replace("        uri: urn:a\n", "")


SPACED = """\
contacts:
  # of the team
  - a@stad.example  # first
  # the second

  - b@stad.example
# last

scopes:
  # one
  dv_a:
    reason: x
  # two
  dv_b: {}  # b
# below

products:
  dosis: {bron_uri: urn:a}
  # of production

  # the end
"""


@pytest.mark.parametrize(
    ("part", "entry", "line", "left"),
    [
        ("contacts", 0, "  - a@stad.example  # first\n", ""),
        ("contacts", 1, "  - b@stad.example\n", ""),
        ("scopes", "dv_a", "  dv_a:\n    reason: x\n", ""),
        ("scopes", "dv_b", "  dv_b: {}  # b\n", ""),
        ("products", "dosis", "products:\n  dosis: {bron_uri: urn:a}\n", "products: {}\n"),
    ],
)
def test_comments_above_and_below_what_is_taken_out_stay(
    part: str, entry: str | int, line: str, left: str
) -> None:
    """Also where it is the first of a list or mapping, or the only one."""
    assert SPACED.count(line) == 1
    changed = edited(SPACED, lambda document: take_out(document, part, entry))
    assert changed == SPACED.replace(line, left)


def test_comments_below_all_of_a_part_stay() -> None:
    """Behind the {} that is left of it, and where what is below them goes too."""
    lines = [
        "x:\n",
        "  scopes:\n    a: {}\n",
        "    # no more\n\n",
        "  products:\n    b:\n      c: 1\n",
    ]

    def edit(document: Any) -> None:
        take_out(document["x"], "scopes", "a")
        take_out(document["x"], "products", "b")
        take_out(document, "x", "products")

    assert edited("".join(lines), edit) == "x:\n  scopes: {}\n    # no more\n\n"


@pytest.mark.parametrize("value", ["{}", "", "x"])
@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_comments_behind_whatever_value_stay(value: str, name: str) -> None:
    """The editor keeps those behind a value on one line with the name that follows."""
    lines = {entry: f"  {entry}: {value}\n" for entry in "abc"}
    text = "x:\n{a}  # behind a\n\n{b}  # behind b\n{c}\n  # behind c\n".format(**lines)
    changed = edited(text, lambda document: take_out(document, "x", name))
    assert changed == text.replace(lines[name], "")


def test_what_the_editor_cannot_read_is_left() -> None:
    with pytest.raises(Failure, match="write the line yourself"):
        edited("environments: {tni: *nowhere}\n", add())


def test_a_link_is_replaced_and_what_it_leads_to_is_not_written(tmp_path: Path) -> None:
    elsewhere, file = tmp_path / "elsewhere", tmp_path / "file"
    elsewhere.write_text("another's")
    file.symlink_to(elsewhere)
    write_whole(file, "evidence")
    assert (elsewhere.read_text(), file.is_symlink(), file.read_text()) == (
        "another's",
        False,
        "evidence",
    )


def test_a_file_is_written_whole_or_not_at_all_and_never_over_another(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_once(file, "one", 0o600)
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("one", 0o600)
    with pytest.raises(FileExistsError):
        write_once(file, "two")
    with pytest.raises(UnicodeEncodeError):
        write_once(tmp_path / "half", "\ud800")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("file", "one")]
