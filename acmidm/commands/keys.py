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
    _make(target, days, private_key, key_format, kid, passphrase_fd, is_open=no_passphrase)


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
    if not target.has_list:
        fail(
            tr(
                "{form} names no key for {environment} that a new one could replace; make its"
                " first with acmidm keys new",
                form=target.file,
                environment=environment,
            )
        )
    _make(target, days, private_key, key_format, kid, passphrase_fd, is_open=no_passphrase)


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
    keys, is_half = keys_in(
        file, target.profile, lambda: known_passphrase(passphrase_fd, language), ends, now
    )
    target.require_room(len(keys))
    names = target.new_key_names(len(keys), now)
    target.declare(dict(zip(names, keys, strict=True)))()
    if is_half:
        _say(
            language,
            "private",
            language.tr("{file} stays where it is; only its public half is in the form", file=file),
        )
    for name, key in zip(names, keys, strict=True):
        _say_public(target, name, key)
    names_it = N_("{form} names it for {environment}")
    if len(keys) != 1:
        names_it = N_("{form} names them for {environment}")
    _say_where(target, names_it)
    private = str(file) if is_half else language.tr("FILE")
    _say_next(target, private)


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
                environment=_environment(target),
            )
        )
    )
    _say_reach(target)
    typer.echo(
        on_one_line(
            language.tr(
                "Next: commit this change, and open a pull request. The key leaves each client"
                " once another one is proven there and the overlap is over."
            )
        )
    )


def _list_of_keys(form: Path | None, supplier: str | None, environment: str) -> ListOfKeys:
    """Return the keys of a form or of a supplier, for an environment. End the command where not
    exactly one of the two is named."""
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


def _make(
    target: ListOfKeys,
    days: int,
    private_key: Path | None,
    key_format: KeyFormat,
    kid: str | None,
    passphrase_fd: int | None,
    *,
    is_open: bool,
) -> None:
    """Make the pair. All that can be wrong is looked at before; the private key is written first,
    then its public half, then the form."""
    now, language = datetime.now(UTC), target.organisation.language
    target.require_room()
    folder = default_folder()
    prefix = f"{target.organisation.code}-" if target.is_form else ""

    def private(name: str) -> Path:
        return private_key or folder / f"{prefix}{name}.private{key_format.ending}"

    [name] = target.new_key_names(
        1, now, taken=lambda name: private_key is None and private(name).exists()
    )
    file = private(name)
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
    write_private_key(file, key.content(key_format, passphrase), target.declare({name: key.public}))
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
    _say(language, "private", sentence)
    _say_public(target, name, key.public)
    _say_where(target, N_("{form} names it for {environment}"))
    _say_next(target, str(file))


_LABELS = {
    "private": N_("private key"),
    "public": N_("public key"),
    "form": N_("form"),
    "list": N_("list"),
}


def _say(language: Language, label: str, text: str) -> None:
    width = max(map(len, map(language.translated, _LABELS.values()))) + 1
    typer.echo(f"{language.translated(_LABELS[label]):<{width}} {on_one_line(text)}")


def _say_public(target: ListOfKeys, name: str, key: PublicJwk) -> None:
    """Print the file and ``kid`` of a public key, its thumbprint where that is another, its
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
    _say(
        language,
        "public",
        language.tr("{file}, kid {kid} ({facts})", file=file, kid=key.kid, facts=", ".join(facts)),
    )


def _say_where(target: ListOfKeys, sentence: str) -> None:
    """Say what names a key now, or several; of those of a supplier also whom they reach."""
    language, where = target.organisation.language, _environment(target)
    label = "form" if target.is_form else "list"
    _say(language, label, language.translated(sentence, form=target.file, environment=where))
    _say_reach(target)


def _say_reach(target: ListOfKeys) -> None:
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


def _environment(target: ListOfKeys) -> str:
    return target.organisation.language.translated(_ENVIRONMENT[target.environment])


def _say_next(target: ListOfKeys, private_key: str) -> None:
    """Say what a person does next: with a first key, or in place of the keys that there are."""
    language, environment = target.organisation.language, _environment(target)
    if target.is_form:
        listed, of, client_id = "jwks", str(target.file), " --client-id CLIENT_ID"
        first_step = language.tr(
            "commit the form and its public keys, and open a pull request; they count for"
            " {environment} once it is approved and carried out",
            environment=environment,
        )
    else:
        listed, of, client_id = target.file.name, f"--all --supplier {target.file.parent.name}", ""
        first_step = language.tr(
            "commit {file} and its public keys, and open a pull request; they count for"
            " {environment} once it is approved and carried out",
            environment=environment,
            file=target.file,
        )
    steps = [first_step]
    probe = f"acmidm probe {of} --stack {target.environment}{client_id} --private-key {private_key}"
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
                listed=listed,
            ),
        ]
    typer.echo(language.tr("What you do next:"))
    for number, step in enumerate(steps, 1):
        typer.echo(f"  {number}. {on_one_line(step)}")
