"""Make a key pair for a form, or name public keys in it that there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from acmidm import completion
from acmidm.edit.keys.declaring import ListOfKeys, keys_of_form, keys_of_supplier
from acmidm.edit.keys.pair import (
    default_folder,
    keys_in,
    make_key,
    require_outside_git,
    write_private_key,
)
from acmidm.edit.keys.passphrase import known_passphrase, new_passphrase
from acmidm.private_key import DAYS, KeyFormat
from acmidm.terminal import PassphraseOption, fail, working
from acmidm_onboarding.forms.files import FORMS
from acmidm_onboarding.texts import N_, Language, tr
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.problems import either, first_listed, on_one_line, quoted
from acmidm_onboarding.values.terms import Environment

_CODES = "**Exit codes**: 0 done; 2 wrong use, or a mistake in the form: then nothing was written."
NEW = f"""
**Examples**

- `acmidm keys new onboardings/stad-aalst/e-loket.yaml --environment tni`
- `acmidm keys new onboardings/stad-aalst/e-loket.yaml --environment prod --days 180 \
--private-key ~/keys/e-loket.pem`
- `acmidm keys new onboardings/stad-aalst/e-loket.yaml --environment tni --passphrase-fd 3 \
3< passphrase.txt`
- `acmidm keys new onboardings/stad-aalst/e-loket.yaml --environment tni --format jwk`
- `acmidm keys new --supplier leverancier --environment tni`

{_CODES}
"""
app = typer.Typer(help=__doc__, epilog=NEW, no_args_is_help=True)
ROTATE = f"""
**Examples**

- `acmidm keys rotate onboardings/stad-aalst/e-loket.yaml --environment prod`
- `acmidm keys rotate --supplier leverancier --environment prod`

{_CODES}
"""
ADD = f"""
**Examples**

- `acmidm keys add onboardings/stad-aalst/e-loket.yaml public.pem --environment tni`
- `acmidm keys add public.pem --supplier leverancier --environment tni`

{_CODES}
"""
REMOVE = f"""
**Examples**

- `acmidm keys remove onboardings/stad-aalst/e-loket.yaml --environment tni --kid e-loket-2026`
- `acmidm keys remove --supplier leverancier --environment tni \
--kid QXXBNb2U0_HWTfu7RDW3e-ntWiLSvnNOJrLO9HwZ_-Y`

{_CODES}
"""
_MOST_DAYS = 36_500

FormArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FORM]", help="The form.", show_default=False, autocompletion=completion.forms
    ),
]
SupplierOption = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER",
        help=(
            "In the place of a form: the supplier whose keys for others these are, in its"
            " keys.yaml."
        ),
        show_default=False,
    ),
]
EnvironmentOption = Annotated[
    str, typer.Option(metavar="tni|prod", help="The environment of the form that the key is for.")
]
DaysOption = Annotated[
    int,
    typer.Option(
        min=1, max=_MOST_DAYS, help="In how many days the key ends; the profile may allow fewer."
    ),
]
PrivateKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--private-key",
        metavar="FILE",
        help="The file for the private key, outside any Git repository.",
        show_default="in ~/.acmidm/keys",
    ),
]
FormatOption = Annotated[
    KeyFormat,
    typer.Option(
        "--format",
        help="What your software reads: PEM (pkcs8), or a JSON Web Key (jwk).",
    ),
]
NoPassphraseOption = Annotated[
    bool,
    typer.Option("--no-passphrase", help="Leave pkcs8 unencrypted, as jwk always is."),
]
KidOption = Annotated[
    str | None,
    typer.Option(
        metavar="KID",
        help="The kid of the key; some software sends its client-ID as such.",
        show_default="its own, else its thumbprint",
    ),
]


@app.command("new", epilog=NEW)
def new(
    *,
    form: FormArgument = None,
    environment: EnvironmentOption,
    supplier: SupplierOption = None,
    days: DaysOption = DAYS,
    private_key: PrivateKeyOption = None,
    key_format: FormatOption = KeyFormat.PKCS8,
    no_passphrase: NoPassphraseOption = False,
    kid: KidOption = None,
    passphrase_fd: PassphraseOption = None,
) -> None:
    """Make a key pair, and name its public half in the form, or in what a supplier has for others.

    RSA of 4096 bits (RS256) in profile acmidm, P-256 (ES256) in fapi2. The private half stays on
    this machine.
    """
    target = _list_of_keys(form, supplier, environment)
    _make_pair(target, days, private_key, key_format, kid, passphrase_fd, is_open=no_passphrase)


@app.command("rotate", epilog=ROTATE)
def rotate(
    *,
    form: FormArgument = None,
    environment: EnvironmentOption,
    supplier: SupplierOption = None,
    days: DaysOption = DAYS,
    private_key: PrivateKeyOption = None,
    key_format: FormatOption = KeyFormat.PKCS8,
    no_passphrase: NoPassphraseOption = False,
    kid: KidOption = None,
    passphrase_fd: PassphraseOption = None,
) -> None:
    """Begin to replace a key: make a new pair beside it, and say what happens next."""
    target = _list_of_keys(form, supplier, environment)
    if not target.has_list:  # its keys are left to the portal
        fail(
            tr(
                "{form} names no key for {environment} that a new one could replace; make its"
                " first with acmidm keys new",
                form=target.file,
                environment=environment,
            )
        )
    _make_pair(target, days, private_key, key_format, kid, passphrase_fd, is_open=no_passphrase)


@app.command("add", epilog=ADD)
def add(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="[FORM] FILE",
            help="The form, and a JWK, a JWK Set or a key in PEM.",
            autocompletion=completion.forms_before_a_file,
        ),
    ],
    environment: EnvironmentOption,
    supplier: SupplierOption = None,
    days: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=_MOST_DAYS,
            help="In how many days a key ends that has no end of its own.",
            show_default="it gets none",
        ),
    ] = None,
    passphrase_fd: PassphraseOption = None,
) -> None:
    """Name public keys that there are, in the form or for others. Of a private key the public half
    is taken."""
    *forms, file = files
    if len(forms) > 1:
        fail(tr("name one form, or a supplier in its place with --supplier FOLDER"))
    form = forms[0] if forms else None
    target = _list_of_keys(form, supplier, environment)
    now, language = datetime.now(UTC), target.organisation.language
    ends = None if days is None else now + timedelta(days=days)
    keys, is_from_private_key = keys_in(
        file, target.profile, lambda: known_passphrase(passphrase_fd, language), ends, now
    )
    target.require_room(len(keys))
    names = target.new_key_names(len(keys), now)
    write_files = target.declare(dict(zip(names, keys, strict=True)))
    write_files()
    if is_from_private_key:
        _print_labelled(
            language,
            "private",
            language.tr("{file} stays where it is; only its public half is in the form", file=file),
        )
    for name, key in zip(names, keys, strict=True):
        _print_public_key(target, name, key)
    sentence = N_("{form} names it for {environment}")
    if len(keys) != 1:
        sentence = N_("{form} names them for {environment}")
    _print_who_names_it(target, sentence)
    private_key = str(file) if is_from_private_key else language.tr("FILE")
    _print_next_steps(target, private_key)


@app.command("remove", epilog=REMOVE)
def remove(
    *,
    form: FormArgument = None,
    environment: EnvironmentOption,
    kid: Annotated[str, typer.Option(metavar="KID", help="The kid of the key.")],
    supplier: SupplierOption = None,
) -> None:
    """Take a public key out of the form, or out of what a supplier has for others, and its file
    away."""
    target = _list_of_keys(form, supplier, environment)
    target.remove(kid)
    language = target.organisation.language
    typer.echo(
        on_one_line(
            language.tr(
                "{file} names key {kid} for {environment} no more.",
                file=target.file,
                kid=kid,
                environment=_environment_name(target),
            )
        )
    )
    _print_reach(target)
    typer.echo(
        on_one_line(
            language.tr(
                "Next: commit this change, and open a pull request. The key leaves each client"
                " once another one is proven there and the overlap is over."
            )
        )
    )


def _list_of_keys(form: Path | None, supplier: str | None, environment: str) -> ListOfKeys:
    """Return the list of public keys that a command changes: that of a form or of a supplier, for
    an environment. End the command where not exactly one of the two is named, or the environment
    is not known."""
    if environment not in list(Environment):
        fail(
            tr(
                "{given} is no environment; it is {known}",
                given=quoted(environment),
                known=either(Environment),
            )
        )
    if form is not None and supplier is None:
        return keys_of_form(form, Environment(environment))
    if form is not None or supplier is None:
        fail(tr("name one form, or a supplier in its place with --supplier FOLDER"))
    return keys_of_supplier(supplier, FORMS, Environment(environment))


def _make_pair(
    target: ListOfKeys,
    days: int,
    private_key: Path | None,
    key_format: KeyFormat,
    kid: str | None,
    passphrase_fd: int | None,
    *,
    is_open: bool,
) -> None:
    """Make a key pair, and print where it is and what is next. All that can be wrong is checked
    before; the private key is written first, then its public half, then the form.

    ``private_key`` is its file where somebody named one; ``is_open`` leaves it unencrypted.
    """
    now, language = datetime.now(UTC), target.organisation.language
    target.require_room()
    folder = default_folder()
    prefix = f"{target.organisation.code}-" if target.is_form else ""

    def private_key_file(name: str) -> Path:
        return private_key or folder / f"{prefix}{name}.private{key_format.ending}"

    [name] = target.new_key_names(
        1, now, taken=lambda name: private_key is None and private_key_file(name).exists()
    )
    file = private_key_file(name)
    require_outside_git(file)
    passphrase = None
    if key_format is KeyFormat.PKCS8 and not is_open:
        passphrase = new_passphrase(passphrase_fd, language)
    elif passphrase_fd is not None:
        fail(
            tr(
                "a file that is not encrypted has no passphrase; leave out --passphrase-fd, or"
                " choose --format pkcs8 without --no-passphrase"
            )
        )
    with working(language.tr("making a key pair")):
        key = make_key(target.profile, now + timedelta(days=days), kid)
    write_public_files = target.declare({name: key.public})
    write_private_key(file, key.content(key_format, passphrase), write_public_files)
    if passphrase:
        sentence = language.tr(
            "{file}, encrypted; keep it and its passphrase where the application's secrets are,"
            " and nowhere else",
            file=file,
        )
    else:
        sentence = language.tr(
            "{file}, not encrypted: whoever reads the file can act as the application; keep it"
            " where the application's secrets are, and nowhere else",
            file=file,
        )
    _print_labelled(language, "private", sentence)
    _print_public_key(target, name, key.public)
    _print_who_names_it(target, N_("{form} names it for {environment}"))
    _print_next_steps(target, str(file))


_LABELS = {
    "private": N_("private key"),
    "public": N_("public key"),
    "form": N_("form"),
    "list": N_("list"),
}


def _print_labelled(language: Language, label: str, text: str) -> None:
    """Print a line that begins with a label of ``_LABELS``, as wide as the widest of them."""
    width = max(map(len, map(language.translated, _LABELS.values()))) + 1
    typer.echo(f"{language.translated(_LABELS[label]):<{width}} {on_one_line(text)}")


def _print_public_key(target: ListOfKeys, name: str, key: PublicJwk) -> None:
    """Print the file and ``kid`` of a public key, its thumbprint where that is not its ``kid``, its
    algorithm, and its end."""
    language = target.organisation.language
    facts = []
    if key.kid != key.thumbprint:
        facts.append(language.tr("thumbprint {thumbprint}", thumbprint=key.thumbprint))
    if "alg" in key.members:
        facts.append(str(key.members["alg"]))
    if key.expires:
        day = language.day(key.expires.astimezone(UTC))
        facts.append(language.tr("valid until {day}", day=day))
    else:
        facts.append(language.tr("without an end"))
    file = f"{target.file.with_name(name)}.jwk.json"
    _print_labelled(
        language,
        "public",
        language.tr("{file}, kid {kid} ({facts})", file=file, kid=key.kid, facts=", ".join(facts)),
    )


def _print_who_names_it(target: ListOfKeys, sentence: str) -> None:
    """Print the ``sentence`` that a form, or a supplier's list, names the new keys; for a list also
    which forms use it."""
    language, environment = target.organisation.language, _environment_name(target)
    label = "form" if target.is_form else "list"
    text = language.translated(sentence, form=target.file, environment=environment)
    _print_labelled(language, label, text)
    _print_reach(target)


def _print_reach(target: ListOfKeys) -> None:
    """Print which forms use the keys of a supplier; nothing for the keys of a form itself."""
    if target.is_form:
        return
    language, names = target.organisation.language, [form.name for form in target.forms]
    sentence = language.ntr(
        "It reaches {count} form: {forms}.",
        "It reaches {count} forms: {forms}.",
        len(names),
        forms=first_listed(names, language),
    )
    typer.echo(on_one_line(sentence))


_ENVIRONMENT = {"tni": N_("the test environment (TNI)"), "prod": N_("production")}


def _environment_name(target: ListOfKeys) -> str:
    return target.organisation.language.translated(_ENVIRONMENT[target.environment])


def _print_next_steps(target: ListOfKeys, private_key: str) -> None:
    """Print the steps that a person takes next: of a first key to see that it works, of a later one
    to change over to it, and to remove those that it replaces. ``target`` still has the keys of
    before; ``private_key`` is the file for the command that proves the new one."""
    language, environment = target.organisation.language, _environment_name(target)
    if target.is_form:
        list_name = "jwks"
        probed, client_id = str(target.file), " --client-id CLIENT_ID"
        first_step = language.tr(
            "commit the form and its public keys, and open a pull request; they count for"
            " {environment} once it is approved and carried out",
            environment=environment,
        )
    else:
        list_name = target.file.name
        probed, client_id = f"--all --supplier {target.file.parent.name}", ""
        first_step = language.tr(
            "commit {file} and its public keys, and open a pull request; they count for"
            " {environment} once it is approved and carried out",
            environment=environment,
            file=target.file,
        )
    steps = [first_step]
    probe = (
        f"acmidm probe {probed} --stack {target.environment}{client_id} --private-key {private_key}"
    )
    if target.is_form and not target.has_list:
        typer.echo(
            on_one_line(
                language.tr(
                    "From then on {form} names every key for {environment}: one that was uploaded"
                    " in the portal and is not here goes.",
                    form=target.file,
                    environment=environment,
                )
            )
        )
    if not target.keys:
        steps.append(language.tr("{probe} shows whether it works", probe=probe))
    else:
        replaced = ", ".join(key.kid for key in target.keys)
        steps += [
            language.tr(
                "have the application sign with the new key, its kid in the header of what it"
                " signs: with two keys that is needed"
            ),
            language.tr(
                "{probe} proves that the new key works", probe=f"{probe} {target.proof_options}"
            ),
            language.tr(
                "once the overlap that the stack has set is over, take out of {listed} what it"
                " replaces, with acmidm keys remove: {kids}",
                kids=replaced,
                listed=list_name,
            ),
        ]
    typer.echo(language.tr("What you do next:"))
    for number, step in enumerate(steps, 1):
        typer.echo(f"  {number}. {on_one_line(step)}")
