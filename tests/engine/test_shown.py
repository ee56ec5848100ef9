"""What is shown of what the engine writes: each error once."""

from __future__ import annotations

from collections.abc import Iterator

from acmidm.engine.shown import once

REFUSED = "TokenRefused: POST https://idp.example/op/v1/token: 401 Unauthorized; check the operator"
CLIENT = "pulumi-python:dynamic/acmidm:OAuthClient"


def written(*sentences: str) -> Iterator[str]:
    """What the engine writes where each sentence is the error of a resource."""
    yield "Updating (tni):\n"
    yield "\n"
    for number, sentence in enumerate(sentences, start=1):
        at = f" ~  {CLIENT} OVO00000{number}/loket"
        yield f"{at} updating (0s) [diff: ~contacts]\n"
        yield f"{at} updating (0s) [diff: ~contacts]; error: {sentence}\n"
        yield f"{at} **updating failed** [diff: ~contacts]; error: {sentence}\n"
    yield "    pulumi:pulumi:Stack acmidm-tni running error: update failed\n"
    yield "    pulumi:pulumi:Stack acmidm-tni **failed** 1 error; 1 message\n"
    yield "Diagnostics:\n"
    for number, sentence in enumerate(sentences, start=1):
        yield f"  {CLIENT} (OVO00000{number}/loket):\n"
        yield f"    error: {sentence}\n"
        yield "\n"
    yield "  pulumi:pulumi:Stack (acmidm-tni):\n"
    yield "    info: the mail is not sent\n"
    yield "\n"
    yield "    error: update failed\n"
    yield "\n"
    yield "Resources:\n"
    yield f"    {len(sentences)} errored\n"


def test_an_error_of_many_resources_is_shown_once() -> None:
    """With how many those are, and the first of their names; each line on the way says that its
    resource failed."""
    shown = list(once(written(*[REFUSED] * 5)))
    assert "\n".join(shown).count(REFUSED) == 1
    names = "OVO000001/loket, OVO000002/loket, OVO000003/loket and 2 more"
    assert shown[shown.index("Diagnostics:") :] == [
        "Diagnostics:",
        f"  5 resources ({names}):",
        f"    error: {REFUSED}",
        "",
        "  pulumi:pulumi:Stack (acmidm-tni):",
        "    info: the mail is not sent",
        "",
        "    error: update failed",
        "",
        "Resources:",
        "    5 errored",
    ]
    for number in range(1, 6):
        at = f" ~  {CLIENT} OVO00000{number}/loket"
        assert f"{at} **updating failed** [diff: ~contacts]" in shown
        assert shown.count(f"{at} updating (0s) [diff: ~contacts]") == 1


def test_addresses_and_attempts_are_no_difference_and_sentences_are() -> None:
    """The first is shown as it is."""
    first = "Unreachable: PUT https://a.example/clients/1: no answer (tried 3 times in 9 s); wait"
    alike = "Unreachable: PUT https://a.example/clients/22: no answer (tried once in 1 s); wait"
    other = "Unreachable: PUT https://b.example/clients/1: no answer (tried once in 1 s); wait"
    shown = list(once(written(first, other, alike)))
    said = [line.removeprefix("    error: ") for line in shown if "Unreachable" in line]
    assert said == [first, other]
    assert "  2 resources (OVO000001/loket, OVO000003/loket):" in shown
    assert f"  {CLIENT} (OVO000002/loket):" in shown


def test_what_has_no_diagnostics_loses_no_error() -> None:
    """An engine that ends in the middle of a run."""
    until = list(written(REFUSED))[:4]
    assert list(once(until))[-1] == f"error: {REFUSED}"


def test_what_is_no_error_is_shown_as_it_is_written() -> None:
    """In colour too, and an error of several lines whole."""
    lines = [
        "\x1b[1mUpdating\x1b[0m (tni):",
        "    pulumi:pulumi:Stack acmidm-tni running info: a mail with error in its name",
        "Diagnostics:",
        f"  {CLIENT} (OVO000001/loket):",
        "    error: the first line",
        "      and the second",
        "",
    ]
    assert list(once(f"{line}\n" for line in lines)) == lines
