"""``acmidm new --from``: takes in files that organisations made with the page of the form, or that
``acmidm drift --take-over`` made, as changes of forms.

No existing ``organisation.yaml`` changes. Where one of the files has a mistake, the command writes
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from acmidm.edit.changes import Changes, Content, Read, field_path, problems_about
from acmidm.edit.keys.declaring import free_names
from acmidm.edit.keys.pair import about_ended, key_text
from acmidm.edit.new.draft import Draft, Key, file_of, speaking_names
from acmidm.edit.new.existing import (
    about_form,
    about_key,
    about_production,
    added_to,
    form_of_application,
)
from acmidm.edit.new.organisations import Kind, OwningOrganisation, find
from acmidm.edit.new.sent import Taken, read_sent
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import (
    ORGANISATION_FILE,
    Files,
    absolute,
)
from acmidm_onboarding.forms.loading import load_organisations
from acmidm_onboarding.forms.speaking import notes_about_names
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.jwk import PublicJwk, thumbprints
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import (
    Failure,
    Problem,
    quoted,
)
from acmidm_onboarding.values.terms import Environment

_TO_CHECK = (Kind.SHARED, Kind.CODE, Kind.LACKS, Kind.NAME)
"""What a sender may write otherwise than the files here: whoever takes it in decides."""


class SentFiles:
    """Takes files in. ``changes`` has those of all documents without mistakes, each checked
    together with the ones before it."""

    def __init__(self, forms: Path, read: Read, catalogue: Catalogue) -> None:
        self._forms, self._catalogue = forms, catalogue
        self._organisations_on_disk = load_organisations(forms) if forms.is_dir() else {}
        self._organisations: dict[str, Organisation] = dict(self._organisations_on_disk)
        """Those on disk, and the new ones of documents before."""
        self._reads_all = False
        """Whether a document is checked among all forms, or among those of its folder alone."""
        self.changes = Changes(read)

    def take(self, files: Iterable[Path]) -> list[Taken]:
        """Return each document of the files, with its mistakes. Then ``changes`` has those of all
        documents without mistakes, and is valid among all forms.

        At first each is checked among the forms of its folder, which is quick. Where all together
        are not valid then, each is checked anew among all forms, so that the mistakes of one are
        not noted on another. Documents with mistakes are left out until the rest is valid.
        """
        taken: list[Taken] = []
        for file in files:
            taken += read_sent(file)
        self._place_all(taken)
        while problems := self.changes.problems():
            if self._reads_all:
                for document in filter(Taken.is_right, taken):
                    self._note_problems(document, problems)
            self._reads_all = True
            self.changes = Changes(self.changes.read)
            self._organisations = dict(self._organisations_on_disk)
            self._place_all(taken)
        return taken

    def _place_all(self, taken: Iterable[Taken]) -> None:
        """Place each document that has no mistake so far; a refusal of it is noted for the team."""
        for document in filter(Taken.is_right, taken):
            try:
                self._place(document)
            except Failure as failure:
                document.for_team += str(failure).splitlines()

    def _note_problems(self, source: Taken, problems: Iterable[Problem]) -> None:
        """Note the problems of a document's files on it: for its sender by the page's labels, or
        for the team where ``organisation.yaml`` does not allow what is requested."""
        files = list(map(absolute, source.files))
        for problem in problems_about(files, problems):
            contradicted = problem.also if problem.is_other_right else None
            if contradicted and contradicted.name == ORGANISATION_FILE:
                source.for_team.append(problem.sentence)
            else:
                source.note(problem, field_path(files, problem))

    def _place(self, source: Taken) -> None:
        """Add the changes of a document to ``changes``, and set its ``files`` and ``notes``. Where
        it has mistakes, note these on it, and add nothing. Raises Failure with those that its
        sender cannot correct."""
        sent = source.sent
        owner = self._owner_of(sent, source) if sent else None
        if sent is None or owner is None:
            return
        loaded = self._existing_form(sent, owner, source)
        source.files = self._files(sent, owner, loaded, source)
        changes = self.changes.copy()
        changed = changes.add(source.files)
        among = {} if self._reads_all else {"paths": [self._forms / owner.folder]}
        if not source.is_right() or problems_about(source.files, changes.problems(**among)):
            self._note_problems(source, changes.problems())
        if not source.is_right():
            return
        self.changes = changes
        source.notes += self._notes(sent, owner, loaded, source, changed)
        if owner.is_new:  # for the next documents
            self._organisations[owner.folder] = owner.organisation

    def _owner_of(self, sent: Draft, source: Taken) -> OwningOrganisation | None:
        """Return the organisation that a sender's codes are those of, or a new one, and note on
        ``source`` what to check about it. None where a mistake is noted."""
        found = find(sent.owner.organisation, self._organisations)
        for difference in found.mistakes(_TO_CHECK):
            source.correct(difference.sentence, difference.field)
        owner = found.owner
        if owner is None or not source.is_right():
            return None
        source.notes += found.notes(_TO_CHECK)
        if owner.is_new:
            return owner.speaking(speaking_names(sent.form["environments"], self._catalogue))
        source.notes.append(
            tr(
                "{name} exists already: check that the sender may speak for it",
                name=owner.organisation.name,
            )
        )
        return owner

    def _existing_form(
        self, sent: Draft, owner: OwningOrganisation, source: Taken
    ) -> LoadedForm | None:
        """Return the existing form of an application, None where it gets a new one. An earlier name
        of the application is noted on ``source`` as a mistake. Raises Failure where the form has
        mistakes, or a change by hand has no form."""
        application, files = sent.application, Files(self.changes.texts)
        loaded, refusal = None, None
        if not owner.is_new:
            read = self.changes.read(paths=[self._forms / owner.folder], files=files)
            loaded, refusal = form_of_application(read, owner.folder, application, files)
        if sent.without is not None and loaded is None and refusal is None:
            refusal = tr(
                "{name} has no form of {application}, and a hand changes none that is new;"
                " take it over by acmidm import",
                name=quoted(sent.owner.organisation.name),
                application=application,
            )
        if refusal and loaded is None:
            raise Failure(refusal)
        if refusal:
            source.correct(refusal, "application")
        return loaded

    def _files(
        self, sent: Draft, owner: OwningOrganisation, loaded: LoadedForm | None, source: Taken
    ) -> dict[Path, Content]:
        """Return the files of a new form, or those that add to the form ``loaded``: the form is the
        last. Note on ``source`` what is wrong with its keys, and which to confirm."""
        file = loaded.file if loaded else file_of(self._forms, owner.folder, sent.application)
        key_files = {}
        for environment, keys in sent.keys.items():
            key_files[environment] = self._key_files(file, environment, keys, loaded, source)
        if loaded is None:
            language = sent.owner.organisation.language
            return replace(sent, owner=owner).files(self._forms, key_files, language)
        return added_to(loaded, sent, key_files)

    def _notes(
        self,
        sent: Draft,
        owner: OwningOrganisation,
        loaded: LoadedForm | None,
        source: Taken,
        changed: Collection[Path],
    ) -> Iterator[str]:
        """Yield the notes for whoever takes a file in. ``changed`` are the files that it makes or
        changes, of which ``source.files`` may have more."""
        *_, file = source.files  # the form
        environments = set(sent.keys)
        if sent.without is not None:
            yield tr(
                "{name}: the file says what a hand changed at the authority; check that acmidm"
                " drift --take-over wrote it",
                name=owner.organisation.name,
            )
        if loaded:
            environments |= loaded.form.environments.keys()
            yield from about_form(loaded, sent)
            if absolute(file) not in changed:
                yield tr(
                    "{sent} changes nothing: {file} has all of it already",
                    sent=source.file,
                    file=file,
                )
        if changed and Environment.PROD in sent.keys:
            yield about_production(file, environments)
        if owner.is_new:
            yield from notes_about_names(owner.folder, owner.organisation, self._organisations)

    def _key_files(
        self,
        form: Path,
        environment: Environment,
        keys: Iterable[Key],
        loaded: LoadedForm | None,
        source: Taken,
    ) -> dict[Path, str]:
        """Return the text of each key that an environment of a form lacks, by its new file. Note on
        ``source`` each that has ended as a mistake, and each thumbprint that its sender has to
        confirm.

        A key that another environment of the form has gets a file too: the loader of forms refuses
        it.
        """
        files = Files(self.changes.texts)
        current = thumbprints(loaded.keys.get(environment, ()) if loaded else ())
        new_keys = [key for key in keys if getattr(key, "thumbprint", None) not in current]
        free = free_names(
            f"{form.stem}-{environment}-{datetime.now(UTC).year}",
            len(new_keys),
            lambda name: files.exists(absolute(form.with_name(f"{name}.jwk.json"))),
        )
        text_by_file: dict[Path, str] = {}
        for name, key in zip(free, new_keys, strict=True):
            file = form.with_name(f"{name}.jwk.json")
            if not isinstance(key, PublicJwk):
                text_by_file[file] = json.dumps(key)  # the loader of forms reports what is wrong
                continue
            text_by_file[file] = key_text(key)
            if key.has_ended(datetime.now(UTC)):
                source.correct(about_ended(key, quoted(key.thumbprint)), "keys")
            source.notes.append(about_key(file.name, key))
        return text_by_file
