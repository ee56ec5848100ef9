"""Check forms, their organisations and public keys, and the catalogue; with the policies of each
stack's profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from acmidm import completion
from acmidm.git import is_dirty, merged
from acmidm.report.revisions.files import strays
from acmidm.report.revisions.forms import Revision
from acmidm.report.revisions.stacks import stacks_of
from acmidm.terminal import Code, fail
from acmidm_onboarding.forms.confirmation_files import (
    problems_of_confirmations,
    problems_of_renamed,
)
from acmidm_onboarding.forms.files import FORMS, Files, absolute
from acmidm_onboarding.forms.loading import problems_of_codes, read_onboardings
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.forms.other_files import problems_of_other_files
from acmidm_onboarding.rules.gate import by_reason
from acmidm_onboarding.settings import own_catalogue
from acmidm_onboarding.stack_files import Stacks, stacks_in
from acmidm_onboarding.texts import N_, ntr, tr, translated
from acmidm_onboarding.values.problems import (
    InvalidForms,
    Problem,
    on_one_line,
    quoted,
)
from acmidm_onboarding.values.terms import Environment

EPILOG = """
**Examples**

- `acmidm validate`
- `acmidm validate onboardings/stad-gent`
- `acmidm validate --base main --head refs/pull/7/head --annotations`

**Exit codes**: 0 all valid; 1 a mistake; 2 wrong use.
"""


def validate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Forms, or folders of them.",
            show_default=str(FORMS),
            autocompletion=completion.forms,
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="Check what is committed alone, as merged into REF; see acmidm review.",
            show_default=False,
        ),
    ] = None,
    head: Annotated[
        str,
        typer.Option(
            metavar="REF", help="With --base: the revision that is checked; nothing of it runs."
        ),
    ] = "HEAD",
    annotations: Annotated[
        bool, typer.Option("--annotations", help="Also print each mistake for GitHub, at its line.")
    ] = False,
) -> None:
    """Check forms, their organisations and public keys, and the catalogue; with the policies of
    each stack's profile.

    Every mistake is reported at once, as file:line:column: what; what to do. Every file below the
    forms is read: what is neither public key nor evidence of a form is a mistake.
    """
    if base is None:
        checked = paths or [FORMS]
        _print_validity(checked, own_catalogue(), Files(), annotations=annotations)
        if Path(".git").exists() and is_dirty(*checked):
            typer.echo(tr("to see what this changes: acmidm review"))
        return

    if paths:
        fail(tr("with --base all forms are checked, in the folders of its stacks; leave out PATH"))
    before, after = merged(base, head)
    stacks = stacks_of(before)
    problems = strays(before, after, stacks.forms)
    files = after.files(stacks.is_read)
    catalogue = stacks.catalogue_in(files)
    _print_validity(stacks.forms, catalogue, files, problems, annotations=annotations)


def _print_validity(
    paths: Sequence[Path],
    catalogue: Path,
    files: Files,
    problems: Sequence[Problem] = (),
    *,
    annotations: bool,
) -> None:
    """Print that all forms in the ``paths`` are valid, with notes. End the command with 1 and every
    mistake, those of ``problems`` too, where one is not; with 2 where there is no form."""
    for path in paths:
        if not files.exists(absolute(path)):
            fail(
                tr(
                    "{path}: there is no file or folder of this name; name a form, or the folder"
                    " of forms",
                    path=path,
                )
            )
        if files.exists(absolute(path / "Pulumi.yaml")):
            fail(
                tr(
                    "{path}: this is the folder of the project; name the folder of forms in it",
                    path=path,
                )
            )
    stacks = stacks_in(Path(), files)
    try:
        onboardings = _read_valid(paths, catalogue, stacks, files, problems)
    except InvalidForms as error:
        if annotations:
            for problem in error.problems:
                typer.echo(_annotation(problem))
        fail(str(error), Code.FOUND)
    if not onboardings.forms:
        fail(tr("there is no form (*.yaml) here; name a form, or the folder of forms"))
    checked = Revision(onboardings, datetime.now(UTC), stacks.gate)
    connections = sum(map(len, checked.written.values()))
    forms = ntr("{count} form", "{count} forms", len(onboardings.forms))
    typer.echo(
        tr(
            "{forms}, {connections}: all valid",
            forms=forms,
            connections=ntr("{count} connection", "{count} connections", connections),
        )
    )
    for sentence in _notes(checked):
        typer.echo(sentence)


def _read_valid(
    paths: Sequence[Path],
    catalogue: Path,
    stacks: Stacks,
    files: Files,
    problems: Sequence[Problem],
) -> Onboardings:
    """Read the forms, and all that is beside them. Raises InvalidForms with every mistake, and with
    the ``problems`` that were found before."""
    problems_of_files = [
        *problems,
        *problems_of_other_files(paths, files),
        *problems_of_codes(paths, files),
        *problems_of_confirmations(stacks.confirmed, files),
    ]
    onboardings = read_onboardings(
        paths, catalogue, stacks.profiles, stacks.served, problems_of_files, files
    )
    present_keys: dict[str, str] = {}
    for connection in chain.from_iterable(map(onboardings.connections, Environment)):
        present_keys |= dict.fromkeys(connection.form.formerly, connection.key)
    # The confirmations of a renamed connection have to move with it.
    unmoved = [*problems_of_renamed(present_keys, stacks.confirmed, files)]
    if unmoved:
        raise InvalidForms((*onboardings.problems, *unmoved))
    return onboardings.valid()


_UNPROVEN = {
    "warn": N_(
        "not proven on TNI, which the gate only warns of, so that production gets all of it:"
    ),
    "enforce": N_(
        "not proven on TNI, so that production gets nothing of it that it does not have already:"
    ),
}


def _notes(checked: Revision) -> Iterator[str]:
    """Yield what is no mistake of a form, a sentence each: scopes and mandates that have ended, a
    client that two APIs call differently, and, where a stack here has the gate, what forms and
    evidence lack for production."""
    for environment in Environment:
        for (_, scope), (client, last_day) in checked.ended(environment).items():
            yield on_one_line(
                tr(
                    "{client} on {environment}: the last day of scope {scope} was {day}, so that"
                    " no run grants it; put a later day under until, or take the scope out",
                    client=client.form.path,
                    environment=client.environment,
                    scope=scope,
                    day=last_day,
                )
            )
    desired_per_environment = list(map(checked.desired_of, checked.written.values()))
    for client in chain.from_iterable(checked.written.values()):
        scopes = client.form.catalogue_names.values()
        # The names by which the APIs recognise the client, each once.
        name, *further_names = checked.onboardings.catalogue.client_names(
            scopes, client.environment, client.organisation
        ) or [""]
        for further_name in further_names:
            yield on_one_line(
                tr(
                    "{client}: its client is called {name}, and another API expects {other};"
                    " connect that API by a form of its own, or agree on one name with both owners",
                    client=client.form.path,
                    name=quoted(name),
                    other=quoted(further_name),
                )
            )
    held_back = chain.from_iterable(desired.held_back for desired in desired_per_environment)
    yield from by_reason(withheld for withheld in held_back if withheld.lacks_mandate)
    unproven: list[str] = []
    for desired in desired_per_environment:
        unproven += chain.from_iterable(withheld.sentences for withheld in desired.unproven)
    if unproven:
        yield translated(_UNPROVEN[checked.gate.mode])
    yield from (f"  {sentence}" for sentence in unproven)


def _annotation(problem: Problem) -> str:
    """Return the line of a log that GitHub shows at the place of a mistake, such as "::error
    file=onboardings/stad-gent/loket.yaml,line=3,col=1::…". No text of a form can end it."""
    file = _escaped(on_one_line(problem.shown_file), "%\r\n,:")
    sentence = _escaped(on_one_line(problem.sentence), "%\r\n")
    return f"::error file={file},line={problem.line},col={problem.column}::{sentence}"


def _escaped(text: str, characters: str) -> str:
    return text.translate({ord(character): f"%{ord(character):02X}" for character in characters})
