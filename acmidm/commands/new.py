"""Write the form of an application, for the test environment, and its organisation's file where
that is new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from acmidm.edit.changes import Changes, Placed, Read, Rows, about_existing, reading
from acmidm.edit.new.answers import Answers, Mistakes, about_choice, field_values
from acmidm.edit.new.draft import PLATFORM, Draft, draft_of, file_of
from acmidm.edit.new.intake import SentFiles
from acmidm.edit.new.organisations import NOBODY, owner_of
from acmidm.edit.new.rows import SCOPES_HEADINGS, Heading, Scopes, Towns, headings
from acmidm.edit.new.sent import Taken
from acmidm.report.codeowners import onboarding_team
from acmidm.sheet import SUFFIXES, SheetRow, Sheets, read_sheets
from acmidm.terminal import Code, fail, speaking, working
from acmidm.words import plain
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.forms.files import FORMS, ORGANISATION_FILE
from acmidm_onboarding.forms.loading import load_organisations
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.forms.speaking import notes_about_names
from acmidm_onboarding.settings import own_catalogue
from acmidm_onboarding.stack_files import stacks_in
from acmidm_onboarding.texts import (
    Language,
    ntr,
    speak,
    spoken,
    tr,
)
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import quoted
from acmidm_onboarding.values.terms import Environment

EPILOG = """
**Examples**

- `acmidm new --organisation stad-gent --application parkeren --contact parkeren@stad-gent.example \
--product
notificaties   --set notificaties.product_ids=10244`
- `acmidm new --organisation "Stad Brugge" --ovo OVO001234 --application e-loket \
--contact loket@stad-brugge.example
--product notificaties   --set notificaties.merk_code=stad-brugge \
--set notificaties.product_ids=10244`
- `acmidm new --from aansluiting-e-loket.yaml`

- `acmidm new --from towns.xlsx --supplier leverancier --application verenigingen \
--scope dv_verenigingsregister_beheer`

**Exit codes**: 0 written; 1 with --skip-wrong: some rows were left out; 2 something is missing or
wrong: then nothing was written.
"""


def new(
    organisation: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Its folder, OVO code, KBO number or name.", show_default=False
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Of a new organisation: its name.", show_default=False),
    ] = None,
    ovo: Annotated[
        str | None,
        typer.Option(
            metavar="CODE", help="Of a new organisation: its OVO code.", show_default=False
        ),
    ] = None,
    kbo: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER", help="Of a new organisation: its KBO number.", show_default=False
        ),
    ] = None,
    owner: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OWNER",
            help="Of a new organisation: who approves its forms, such as @stad-gent/api-beheer.",
        ),
    ] = None,
    application: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The application's short name.", show_default=False),
    ] = None,
    contact: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="The address of a team; may be repeated."),
    ] = None,
    product: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A product of the catalogue; may be repeated."),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A scope, where a product has several or for one more; may be repeated.",
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PRODUCT.FIELD=VALUE",
            help="A field of a product; of a list, with commas or repeated.",
        ),
    ] = None,
    from_: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help=(
                "In the place of answers: a file that an organisation made with the page of acmidm"
                " form, or that acmidm drift --take-over wrote, which may be"
                " repeated; or a spreadsheet, .csv or .xlsx: with --supplier a form for each row,"
                " else a scope for the form that each row names."
            ),
        ),
    ] = None,
    supplier: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="With --from: the supplier whose keys the forms have.",
            show_default=False,
        ),
    ] = None,
    skip_wrong: Annotated[
        bool,
        typer.Option(
            "--skip-wrong", help="With --from: leave out the rows with mistakes, and name them."
        ),
    ] = False,
    language: Annotated[
        str | None,
        typer.Option(
            metavar="nl|en",
            envvar="ACMIDM_LANGUAGE",
            help="Of comments, of what is said, and of a new organisation.",
            show_default="the organisation's, else nl",
        ),
    ] = None,
) -> None:
    """Write the form of an application, for the test environment, and its organisation's file where
    that is new.

    All that is missing or wrong is said at once. No file that exists is changed, but for the form
    that a file of --from adds to. The page of acmidm form asks instead.
    """
    catalogue, read = load_catalogue(own_catalogue()), reading([FORMS], stacks_in(Path()))
    chosen_language = Language(language) if language in list(Language) else None
    speak(chosen_language or Language.EN)
    # One file of --from may be a spreadsheet; several are documents that were sent.
    sheet = from_[0] if from_ and len(from_) == 1 and from_[0].suffix.lower() in SUFFIXES else None
    mistakes = Mistakes()
    if language is not None:
        mistakes.add("--language", *about_choice(language, tuple(Language)))
    answers = Answers(
        organisation,
        name,
        ovo,
        kbo,
        owner or (),
        chosen_language,
        application,
        contact or (),
        product or (),
        scope or (),
        field_values(set_ or (), mistakes),
        supplier,
    )
    no_answers = Answers(language=chosen_language)
    if from_ and sheet is None:
        if answers != no_answers or set_ or skip_wrong:
            fail(tr("--from takes all from the file; leave the other options out"))
        _take_in(from_, catalogue, read)
    elif sheet is not None:
        mistakes.require()
        _write_sheet(sheet, answers, read, skip_wrong=skip_wrong)
    elif supplier or skip_wrong:
        fail(_which_options_go_together())
    else:
        _write_form(answers, catalogue, read, mistakes)


def _which_options_go_together() -> str:
    """Return what is wrong where --supplier or --skip-wrong comes without a spreadsheet, or with
    options that name an organisation."""
    return tr(
        "--from goes with --supplier, and --skip-wrong with --from; who each organisation is, is in"
        " its row"
    )


def _write_form(answers: Answers, catalogue: Catalogue, read: Read, mistakes: Mistakes) -> None:
    """Write the form that the options answer for, and print what was written and what is next.
    Raises Failure with all mistakes, those that were found before too: then nothing is written."""
    organisations = load_organisations(FORMS) if FORMS.is_dir() else {}
    owner = owner_of(answers, organisations, mistakes) or NOBODY
    draft = draft_of(owner, answers, catalogue, mistakes)
    language = answers.language or owner.organisation.language
    file = file_of(FORMS, owner.folder, draft.application)
    if file.exists():
        mistakes.add("--application", about_existing(file))
        # Under another name, so that the rest of the form is checked too.
        draft = replace(draft, form={**draft.form, "application": NOBODY.folder})
    changes = Changes(read)
    changes.add(draft.files(FORMS, {}, language))
    changes.require_valid(mistakes.label, mistakes.sentences)
    written = changes.write()
    speak(language)
    _print_what_is_next(draft, written, catalogue, organisations)


def _take_in(files: Sequence[Path], catalogue: Catalogue, read: Read) -> None:
    """Write the forms that organisations sent as files, all or none, and print what was written.
    Where one is wrong, print a mail to each sender who has to correct something, and end the
    command with all that is wrong."""
    intake = SentFiles(FORMS, read, catalogue)
    taken = intake.take(files)
    wrong: list[str] = []
    for sent in taken:
        wrong += [f"{sent.file}: {sentence}" for sentence in (*sent.unclear, *sent.for_team)]
    if wrong:
        _print_mails_to_senders(taken, files, catalogue, read)
        if any(sent.unclear for sent in taken):
            outcome = tr(
                "nothing was written; what the sender has to correct is in the text for a mail"
            )
        else:
            outcome = tr(
                "nothing was written, and the sender has nothing to correct: do what is said"
                " above, and take the file in again"
            )
        fail("\n".join([*wrong, outcome]))
    written = intake.changes.write()
    sentences: list[str] = []
    if written:
        files_written = ", ".join(map(str, written))
        sentences.append(tr("Written: {files}. All of it is valid.", files=files_written))
    sentences += chain.from_iterable(sent.notes for sent in taken)
    if any(file.name == ORGANISATION_FILE for file in written) and onboarding_team():
        sentences.append(_schema_is_next())
    if written:
        sentences.append(_review_is_next())
    for sentence in sentences:
        typer.echo(plain(sentence, 2000))


def _print_mails_to_senders(
    taken: Sequence[Taken], files: Sequence[Path], catalogue: Catalogue, read: Read
) -> None:
    """Print the text of a mail to each sender who has something to correct, in the sender's
    language.

    The sentences about a file are made while it is taken in, in the language that is spoken then.
    So all files are taken in once more for each language of a mail, and nothing is written.
    """
    by_language: dict[Language, Sequence[Taken]] = {spoken(): taken}
    for number, sent in enumerate(taken):
        if not sent.unclear:
            continue
        with speaking(sent.language):
            if sent.language not in by_language:
                by_language[sent.language] = SentFiles(FORMS, read, catalogue).take(files)
            typer.echo(f"{by_language[sent.language][number].mail()}\n")


def _write_sheet(file: Path, common: Answers, read: Read, *, skip_wrong: bool) -> None:
    """Write what the rows of a spreadsheet come to: with a supplier a form and a mandate for each,
    else scopes for the form that each row names. What the options answer is ``common`` to all rows.
    End the command where an option does not go with that."""
    today = datetime.now(UTC).date()
    if common.supplier is None:
        other_answers = replace(common, application=None, scopes=())
        if other_answers != Answers(language=common.language):
            fail(
                tr(
                    "--from a spreadsheet without --supplier adds scopes to forms that exist: of"
                    " the options only --application, --scope and --skip-wrong go with it"
                )
            )
        sheets = read_sheets(file, SCOPES_HEADINGS)
        if any(Heading.MANDATE_UNTIL in row.letters for row in sheets.rows):
            fail(
                tr(
                    "there is a column {column}: mandates go with --supplier FOLDER, which names"
                    " the supplier that they are for",
                    column=quoted(Heading.MANDATE_UNTIL),
                )
            )
        next_step = tr(
            "Next: commit this change on a branch, and open a pull request: acmidm review shows it"
            " to those who approve it."
        )
        _write_rows(sheets, Scopes(common, read, FORMS, today), next_step, skip_wrong=skip_wrong)
        return
    if common.organisation or common.name or common.ovo or common.kbo:
        fail(_which_options_go_together())
    towns = Towns(common, read, FORMS, today)
    _require_keys(common.supplier, towns.onboardings)
    sheets = read_sheets(file, headings(towns.onboardings.catalogue))
    next_step = tr(
        "Next: commit these files on a branch, and open a pull request: the owners of each"
        " organisation approve its mandate. With new organisations, run acmidm schema before:"
        " CODEOWNERS changes too."
    )
    _write_rows(sheets, towns, next_step, skip_wrong=skip_wrong)


def _require_keys(supplier: str, onboardings: Onboardings) -> None:
    """End the command where a supplier has no folder, or no key for TNI that its forms could
    name."""
    if supplier not in onboardings.organisations:
        fail(
            tr(
                "--supplier: there is no organisation in the folder {supplier}; make {file} first",
                supplier=quoted(supplier),
                file=FORMS / supplier / ORGANISATION_FILE,
            )
        )
    if not onboardings.suppliers.get(supplier, {}).get(Environment.TNI):
        fail(
            tr(
                "--supplier: {supplier} has no key for tni; make one first: acmidm keys new"
                " --supplier {supplier} --environment tni",
                supplier=supplier,
            )
        )


def _write_rows(sheets: Sheets, rows: Rows[SheetRow], next_step: str, *, skip_wrong: bool) -> None:
    """Write the files that rows come to, and print a line for each row. Where a row is wrong, write
    nothing and end the command with 2; with ``skip_wrong`` leave that row out, and end it with
    1."""
    with working(tr("checking each row")):
        rows.sort_out(sheets.rows)
    wrong = [*sheets.unplaced, *rows.wrong()]
    if wrong and not skip_wrong:
        remedy = tr("nothing was written; correct the rows, or leave them out with --skip-wrong")
        fail("\n".join([*wrong, remedy]))
    rows.changes.write()
    for line in _lines_about_rows(sheets, rows.placed, next_step):
        typer.echo(plain(line, 2000))
    if wrong:
        fail("\n".join([tr("these rows were left out:"), *wrong]), Code.FOUND)


def _lines_about_rows(
    sheets: Sheets, rows: Sequence[Placed[SheetRow]], next_step: str
) -> Iterator[str]:
    """Yield which files were written for each row, or that all of it was there already; then what
    was not read of the sheet, how many rows were written, and what their author does next."""
    for row in rows:
        if files := ", ".join(map(str, row.files)):
            yield tr("{row}: {files}", row=row.source, files=files)
        else:
            yield tr("{row}: all of it is there already, and stays as it is", row=row.source)
        yield from (f"{row.source}: {note}" for note in row.notes)
    yield from sheets.remarks
    written = sum(bool(row.files) for row in rows)
    yield ntr(
        "{count} row was written. All of it is valid.",
        "{count} rows were written. All of it is valid.",
        written,
    )
    if written:
        yield next_step


def _schema_is_next() -> str:
    return tr(
        "Also run acmidm schema: who approves the forms (CODEOWNERS) changes with a new"
        " organisation."
    )


def _review_is_next() -> str:
    return tr(
        "Commit these files on a branch, and open a pull request: a colleague and Digitaal"
        " Vlaanderen review the form."
    )


def _print_what_is_next(
    draft: Draft,
    written: Sequence[Path],
    catalogue: Catalogue,
    organisations: Mapping[str, Organisation],
) -> None:
    """Print which files were written for a draft, and the steps that its author takes next, in the
    language that is spoken."""
    owner, form = draft.owner, draft.form
    file = file_of(FORMS, owner.folder, draft.application).as_posix()
    lines = [
        tr(
            "Written: {files}. All of it is valid.",
            files=", ".join(map(str, written)),
        )
    ]
    if owner.is_new:
        lines += notes_about_names(owner.folder, owner.organisation, organisations)
    scopes = form["environments"][Environment.TNI]["scopes"]
    unverified = [name for name in scopes if not catalogue.scopes[name].is_verified(PLATFORM)]
    if unverified:
        lines.append(
            tr(
                "Digitaal Vlaanderen has not confirmed the names of these scopes yet: {scopes}."
                " Your form will not change by that.",
                scopes=", ".join(unverified),
            )
        )
    steps = [
        tr(
            "Make a key pair: acmidm keys new {form} --environment tni. Or upload your public key"
            " in the Beheerportaal later (step 5).",
            form=file,
        )
    ]
    if owner.is_new and owner.organisation.owners and onboarding_team():
        steps.append(_schema_is_next())
    steps += [
        _review_is_next(),
        tr(
            "Once it is approved, Digitaal Vlaanderen makes the OAuth client in the test"
            " environment (TNI), and the client-ID is sent to: {contacts}.",
            contacts=", ".join(form["contacts"]),
        ),
    ]
    for line in (
        *lines,
        tr("What you do next:"),
        *(f"  {number}. {step}" for number, step in enumerate(steps, 1)),
    ):
        typer.echo(plain(line, 2000))
