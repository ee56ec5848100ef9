"""What several forms and organisations must satisfy together: no two have the same code, name, key
or client."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from acmidm_onboarding.forms.declarations import former_keys
from acmidm_onboarding.forms.documents import YamlDocument
from acmidm_onboarding.forms.files import ORGANISATION_FILE
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.declaration import connection_key
from acmidm_onboarding.values.identifiers import look_of
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import Problem, quoted
from acmidm_onboarding.values.terms import Environment, Platform


@dataclass(frozen=True)
class DeclaredForm:
    """One form with its organisation, for the rules about several forms, and the document that each
    was read from."""

    document: YamlDocument
    form: Form
    organisation_document: YamlDocument
    organisation: Organisation

    @property
    def key(self) -> str:
        return connection_key(self.organisation.code, self.form.application)


def problems_of_organisations(
    organisations: Iterable[tuple[YamlDocument, Organisation]],
) -> Iterator[Problem]:
    """Yield each second folder of an organisation, and each name that people would take for another
    organisation's.

    Two may share a KBO number, as the departments of an administration do, where each has an OVO
    code that tells them apart.
    """
    by_ovo: dict[str, YamlDocument] = {}
    by_kbo: dict[str, tuple[YamlDocument, Organisation]] = {}
    by_look: dict[str, tuple[YamlDocument, Organisation]] = {}
    for document, organisation in organisations:
        if organisation.ovo:
            first = by_ovo.setdefault(organisation.ovo, document)
            if first is not document:
                remedy = tr("an organisation has one folder: keep one of the two")
                yield _problem_of_same_code(document, "ovo", organisation.ovo, first, remedy)
                continue
        if organisation.kbo:
            first, namesake = by_kbo.setdefault(organisation.kbo, (document, organisation))
            if first is not document and not (organisation.ovo and namesake.ovo):
                remedy = tr(
                    "an organisation has one folder: keep one of the two, or give each its own OVO"
                    " code"
                )
                yield _problem_of_same_code(document, "kbo", organisation.kbo, first, remedy)
                continue
        first, namesake = by_look.setdefault(look_of(organisation.name), (document, organisation))
        if first is not document:
            yield document.problem(
                ("name",),
                tr(
                    "{name} looks like {other} in {file}",
                    name=quoted(organisation.name),
                    other=quoted(namesake.name),
                    file=first.file,
                ),
                tr("write what tells the two apart, such as the place"),
                also=first.file,
            )


def _problem_of_same_code(
    document: YamlDocument, field: str, code: str, first: YamlDocument, remedy: str
) -> Problem:
    return document.problem(
        (field,),
        tr("{code} is the code of {folder} too", code=code, folder=first.file.parent),
        remedy,
        also=first.file,
    )


def problems_of_former_codes(
    organisations: Sequence[tuple[YamlDocument, Organisation]],
) -> Iterator[Problem]:
    """Yield each earlier code or key under ``formerly`` of an organisation that another has as a
    code or under ``formerly``: by it either would get the clients of the other."""
    present: dict[str, YamlDocument] = {}  # per present code the file that has it
    for document, organisation in organisations:
        codes = filter(None, (organisation.ovo, organisation.kbo))
        present |= dict.fromkeys(codes, document)
    claimed: dict[str, YamlDocument] = {}  # per earlier code or key the first file that has it
    for document, organisation in organisations:
        for former in organisation.formerly:
            first = claimed.setdefault(former, document)
            code = former.partition("/")[0]
            shared = former
            if code in present and code not in (organisation.ovo, organisation.kbo):
                first = present[code]
                shared = code
            if first is not document:
                if "/" in shared:
                    what = tr(
                        "{code} is an earlier key in {file} too", code=shared, file=first.file
                    )
                else:
                    what = tr("{code} is a code in {file} too", code=shared, file=first.file)
                remedy = tr(
                    "an organisation keeps the clients of its own earlier codes alone: remove it"
                    " here or there"
                )
                yield document.problem(("formerly",), what, remedy, also=first.file)


def problems_of_connection_keys(forms: Sequence[DeclaredForm]) -> Iterator[Problem]:
    """Yield second forms of an application, and earlier keys that a form still declares or that two
    forms claim."""
    declared: dict[str, DeclaredForm] = {}
    for second in forms:
        first = declared.setdefault(second.key, second)
        if first is not second:
            yield second.document.problem(
                ("application",),
                tr(
                    "{file} is already the form of {application}",
                    file=first.document.file,
                    application=second.form.application,
                ),
                tr("keep one of the two, or name the application differently"),
                also=first.document.file,
            )
    claimed: dict[str, DeclaredForm] = {}
    of_organisations = defaultdict[str, list[Form]](list)
    for claiming in forms:
        of_organisations[claiming.organisation.code].append(claiming.form)
    for claiming in forms:
        organisation, form = claiming.organisation, claiming.form
        for former in former_keys(organisation, form, of_organisations[organisation.code]):
            # Where both files have a ``formerly``, its author can correct the form.
            document = claiming.document if form.formerly else claiming.organisation_document
            if former in declared and declared[former] is not claiming:
                yield document.problem(
                    ("formerly",),
                    tr(
                        "{former} is still declared by {file}",
                        former=former,
                        file=declared[former].document.file,
                    ),
                    _remedy_of_declared_key(claiming, declared[former]),
                    also=declared[former].document.file,
                )
            elif (first := claimed.setdefault(former, claiming)) is not claiming:
                yield document.problem(
                    ("formerly",),
                    tr(
                        "{former} is an earlier key in {file} too",
                        former=former,
                        file=first.document.file,
                    ),
                    tr(
                        "keep it in the form that keeps its clients{whole_key}",
                        whole_key=_advice_of_whole_key(claiming, former),
                    ),
                    also=first.document.file,
                )


def _remedy_of_declared_key(claiming: DeclaredForm, declaring: DeclaredForm) -> str:
    """Return what to do where ``declaring`` still declares a key that ``claiming`` names as its
    earlier one. Two forms of one organisation that both have an earlier name may have been renamed
    in one change."""
    if declaring.organisation is claiming.organisation and declaring.form.formerly:
        return tr(
            "two that get another name take two deployments: first give that form an application"
            " that no form has and run acmidm deploy, then give it {application} with that one"
            " under formerly, and remove this line; or remove it, if it is a copy",
            application=declaring.form.application,
        )
    whole_key = _advice_of_whole_key(claiming)
    if declaring.organisation is claiming.organisation:
        return tr(
            "remove that form, which may come back once acmidm deploy has run, or this line: a"
            " client has one form{whole_key}",
            whole_key=whole_key,
        )
    return tr(
        "remove that form, or this line: a client has one form{whole_key}", whole_key=whole_key
    )


def _advice_of_whole_key(claiming: DeclaredForm, former: str = "") -> str:
    """Return the end of a remedy, after a semicolon, for a form and an organisation that both have
    an earlier name: how to tell apart two applications of the same name whose organisations merge.
    Empty for all other forms. ``former`` is the key that two forms claim."""
    if not claiming.form.formerly or not claiming.organisation.formerly:
        return ""
    if former in claiming.organisation.earlier_keys:
        remedy = tr("organisations merge one after the other, with acmidm deploy in between")
        return f"; {remedy}"
    whole = connection_key(
        claiming.organisation.formerly[0].partition("/")[0], claiming.form.formerly[0]
    )
    remedy = tr(
        "after a merger, have the whole key, such as {key}, added under formerly in {file}",
        key=whole,
        file=ORGANISATION_FILE,
    )
    return f"; {remedy}"


def problems_of_adoptions(forms: Iterable[tuple[YamlDocument, Form]]) -> Iterator[Problem]:
    """Yield each client-ID that two forms take over in one environment and platform: a form was
    copied with it. Upper and lower case count as the same."""
    seen: dict[tuple[Environment, Platform, str], YamlDocument] = {}
    for document, form in forms:
        for environment, request in form.environments.items():
            for platform, client_id in request.adopt.items():
                first = seen.setdefault((environment, platform, client_id.casefold()), document)
                if first is not document:
                    yield document.problem(
                        ("environments", environment.value, "adopt", platform.value),
                        tr(
                            "client {client_id} is taken over by {file} already",
                            client_id=quoted(client_id),
                            file=first.file,
                        ),
                        tr("a client has one form: correct the client-ID here, or remove it"),
                        also=first.file,
                    )
