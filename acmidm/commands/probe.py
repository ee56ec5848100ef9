"""Find out whether a connection works, and if not, why: with the form, the private key and the
network, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from acmidm import completion
from acmidm.edit.keys.passphrase import known_passphrase
from acmidm.engine.stacks import stack_of
from acmidm.private_key import PrivateKey, read_private_key
from acmidm.probe.findings import Probe, passed, untried, wording, wrong
from acmidm.probe.inputs import ProbeInputs, inputs_of_form, inputs_of_supplier
from acmidm.probe.many import Probes, probe_all, table
from acmidm.probe.mistakes import ended_seconds_ago, mistakes_in
from acmidm.probe.sent import parse_request
from acmidm.probe.telling import lines, report_in
from acmidm.terminal import Code, PassphraseOption, as_json, fail, working
from acmidm.words import first_of
from acmidm_onboarding.forms.documents import Unreadable, read_text
from acmidm_onboarding.texts import N_, Language
from acmidm_onboarding.values.problems import Failure

EPILOG = """
**Examples**

- `acmidm probe onboardings/stad-gent/mijn-gent.yaml --stack tni --private-key mijn-gent.pem \
--client-id 8abae908-…`
- `acmidm probe … --private-key mijn-gent.pem --send-test-message --record`
- `acmidm probe onboardings/stad-gent/mijn-gent.yaml --stack tni --assertion request.txt`
- `acmidm probe --all --supplier leverancier --stack tni --private-key leverancier.pem --record`

**Exit codes**: 0 nothing wrong; 1 something is wrong; 2 wrong use; 3 nobody answers.
"""


StackOption = Annotated[
    str,
    typer.Option(
        metavar="STACK",
        help="The stack, as in Pulumi.STACK.yaml: the addresses are in there.",
        autocompletion=completion.stacks,
    ),
]
PlatformOption = Annotated[
    str, typer.Option(metavar="PLATFORM", help="The platform: acmidm or geosecure.")
]
KidOption = Annotated[
    str | None,
    typer.Option(
        metavar="KID",
        help='The kid that your software sends; "" if it sends none.',
        show_default="that of the key in the form",
    ),
]


def probe(
    stack: StackOption,
    form: Annotated[
        Path | None,
        typer.Argument(
            metavar="FORM",
            help="The form, such as onboardings/stad-gent/mijn-gent.yaml.",
            show_default=False,
            autocompletion=completion.forms,
        ),
    ] = None,
    all_: Annotated[
        bool,
        typer.Option(
            "--all", help="In the place of FORM: every connection that has the keys of --supplier."
        ),
    ] = False,
    supplier: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER", help="With --all: the supplier's folder.", show_default=False
        ),
    ] = None,
    private_key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The private key: PEM or a JSON Web Key. It is neither shown nor sent.",
            show_default=False,
        ),
    ] = None,
    passphrase_fd: PassphraseOption = None,
    platform: PlatformOption = "acmidm",
    client_id: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="The client-ID that was handed over.",
            show_default="from earlier evidence, or adopt in the form",
        ),
    ] = None,
    kid: KidOption = None,
    assertion: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=(
                "Check an assertion, or the body of a token request, that is not sent; - reads it."
            ),
            show_default=False,
        ),
    ] = None,
    send_test_message: Annotated[
        bool,
        typer.Option(
            "--send-test-message",
            help="Also post the product's test message, which reaches nobody.",
        ),
    ] = False,
    record: Annotated[
        bool,
        typer.Option("--record", help="Write what was proven beside the form, signed by the key."),
    ] = False,
    language: Annotated[
        str | None,
        typer.Option(
            metavar="[nl|en]",
            envvar="ACMIDM_LANGUAGE",
            help="The language of the report.",
            show_default="language in organisation.yaml",
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="[text|json]", help="text for people, json for programs."
        ),
    ] = "text",
) -> None:
    """Find out whether a connection works, and if not, why: with the form, the private key and the
    network, and nothing else.

    It fetches a token for each scope and reads each product's API. Nothing is written there. Each
    step has passed, or says what is wrong and what to do. With --all, the client-IDs are those of
    the stack's state.
    """
    if output not in ("text", "json"):
        fail(f'--output: "{output}" is not known; use text or json')
    if language is not None and language not in list(Language):
        fail(f'--language: "{language}" is not known; use nl or en')
    if (private_key is None) == (assertion is None):
        fail(
            "give either --private-key, to try the connection, or --assertion, to check what your"
            " software made"
        )
    if assertion is not None and (record or send_test_message):
        fail("--record and --send-test-message need --private-key: of an assertion nothing is sent")
    if (form is None) != all_ or all_ != (supplier is not None):
        fail("give either FORM, or --all with --supplier FOLDER")
    if supplier is not None:
        if client_id is not None or private_key is None:
            fail(
                "--all goes with --private-key and without --client-id: each connection has its own"
                " client-ID"
            )
        opened = stack_of(stack)
        connections = inputs_of_supplier(opened, platform, supplier)
        forms = opened.forms.onboardings
        spoken = Language(language) if language else forms.organisations[supplier].language
        key = _read_key(private_key, passphrase_fd, spoken)
        with working(spoken.tr("trying the connection")):
            probes = probe_all(
                connections, key, kid, spoken, sends_test_message=send_test_message, records=record
            )
        if with_mistakes := forms.left_out:
            files = [file.as_posix() for file in with_mistakes]
            names = first_of(files, language=spoken)
            typer.echo(
                spoken.tr(
                    "not tried, for their mistakes: {forms}; acmidm validate names them",
                    forms=names,
                ),
                err=True,
            )
        _print_and_exit(probes, probes, table(probes, spoken), output)
        return
    assert form is not None  # noqa: S101 - one of the two is given
    inputs = inputs_of_form(form, stack, platform, client_id)
    spoken = Language(language) if language else inputs.connection.declared_by.language
    if assertion is not None:
        probed = _check_unsent(inputs, assertion)
    else:
        assert private_key is not None  # noqa: S101 - one of the two is given
        key = _read_key(private_key, passphrase_fd, spoken)
        with working(spoken.tr("trying the connection")):
            probed = inputs.try_connection(
                key, kid, sends_test_message=send_test_message, records=record
            )
    report = report_in(probed, spoken)
    _print_and_exit(probed, report, lines(report), output)


def _print_and_exit(
    probed: Probe | Probes, report: BaseModel, text: Iterable[str], output: str
) -> None:
    """Print the report of a probe as the lines of ``text``, or as JSON. Where something is wrong,
    end the command with 1, or with 3 where the issuer did not answer."""
    if output == "json":
        text = [as_json(report)]
    for line in text:
        typer.echo(line)
    if probed.wrong:
        code = Code.UNREACHABLE if probed.is_unreached else Code.FOUND
        raise typer.Exit(code)


def _check_unsent(inputs: ProbeInputs, file: Path) -> Probe:
    """Return what is wrong with the assertion or token request in a file, without sending it. The
    file "-" is standard input. Raises Failure where the file has neither."""
    written = sys.stdin.read() if str(file) == "-" else _text(file)
    request = parse_request(written)
    mistakes = mistakes_in(request, inputs.context)
    step = "given assertion" if request.fields is None else "given request"
    if mistakes:
        steps = [wrong(step, *mistakes)]
    else:
        nothing = N_("nothing is wrong with it, as far as that can be told without sending it")
        steps = [passed(step, wording(nothing))]
    if (ended := ended_seconds_ago(request, inputs.context)) is not None:
        sentence = N_(
            "it ended {seconds} seconds ago: no mistake, if it was written down then; each request"
            " needs a new one"
        )
        steps.append(untried("time", wording(sentence, seconds=ended)))
    return Probe(title=inputs.title, steps=tuple(steps))


def _text(file: Path) -> str:
    try:
        return read_text(file)
    except Unreadable as error:
        raise Failure(f"{file} {error}") from None


def _read_key(file: Path, passphrase_fd: int | None, language: Language) -> PrivateKey:
    return read_private_key(file, lambda: known_passphrase(passphrase_fd, language))
