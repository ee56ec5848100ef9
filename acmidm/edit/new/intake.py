"""``acmidm new --from``: takes in files that organisations made with the page of the form, or that
``acmidm drift --take-over`` made, as changes of forms.

No existing ``organisation.yaml`` changes. Where one of the files has a mistake, the command writes
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
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
    about_leaving,
    about_production,
    added_to,
    form_of_application,
)
from acmidm.edit.new.organisations import Kind, OwningOrganisation, find
from acmidm.edit.new.sent import Taken, read_sent
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import Files, absolute
from acmidm_onboarding.forms.loading import load_organisations
from acmidm_onboarding.forms.speaking import notes_about_names
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.jwk import PublicJwk, thumbprints
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import (
    Failure,
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
        self._organisations: dict[str, Organisation] = {}
        """Those on disk, and the new ones of documents before."""
        self._reads_all = False
        """Whether a document is checked among all forms, or among those of its folder alone."""
        self.changes = Changes(read)

    def take(self, files: Iterable[Path]) -> list[Taken]:
        """Return each document of the files, with its mistakes. Then ``changes`` has those of all
        documents without mistakes, and is valid among all forms.

        At first each is checked among the forms of its folder, which is quick. Where all together
        are not valid then, each is checked anew among all forms, so that the mistakes of one are
        not noted on another.
        """
        taken: list[Taken] = []
        for file in files:
            taken += read_sent(file)
        self._place_all(taken)
        if self.changes.problems():
            self._reads_all = True
            self._place_all(taken)
        return taken

    def _place_all(self, taken: Iterable[Taken]) -> None:
        """Place each document that has no mistake so far; a refusal of it is noted for the team."""
        self.changes = Changes(self.changes.read)
        self._organisations = dict(self._organisations_on_disk)
        for document in taken:
            if document.sent and document.is_right():
                try:
                    self._place(document.sent, document)
                except Failure as failure:
                    document.for_team += str(failure).splitlines()

    def _place(self, sent: Draft, source: Taken) -> None:
        """Add the changes that a document asks for to ``changes``, and to ``source.notes`` what to
        look at. Where it has mistakes, note these on it, and add nothing. Raises Failure with those
        that its sender cannot correct."""
        owner = self._owner_of(sent, source)
        if owner is None:
            return
        sent = replace(sent, owner=owner)
        loaded = self._existing_form(sent, source)
        files = self._files(sent, loaded, source)
        changes = self.changes.copy()
        changed = changes.add(files)
        if loaded and changed and sent.without is None:
            _require_staying(loaded)
        among = {} if self._reads_all else {"paths": [self._forms / owner.folder]}
        problems = changes.problems(**among)
        if problems or not source.is_right():
            own_files = list(map(absolute, files))
            # All of its mistakes; a problem that is of no file of its own has come with it.
            for problem in problems_about(files, changes.problems()) or problems:
                source.note(problem, field_path(own_files, problem))
            return
        self.changes = changes
        *_, form = files
        source.notes += self._notes(sent, loaded, source, form, changed)
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

    def _existing_form(self, sent: Draft, source: Taken) -> LoadedForm | None:
        """Return the existing form of an application, None where it gets a new one. An earlier name
        of the application is noted on ``source`` as a mistake. Raises Failure where the form has
        mistakes, or a change by hand has no form."""
        owner, application, files = sent.owner, sent.application, Files(self.changes.texts)
        loaded, refusal = None, None
        if not owner.is_new:
            read = self.changes.read(paths=[self._forms / owner.folder], files=files)
            loaded, refusal = form_of_application(read, owner.folder, application, files)
        if loaded is None and refusal is None and sent.without is not None:
            refusal = tr(
                "{name} has no form of {application}, and a hand changes none that is new;"
                " take it over by acmidm import",
                name=quoted(owner.organisation.name),
                application=application,
            )
        if refusal and loaded is None:
            raise Failure(refusal)
        if refusal:
            source.correct(refusal, "application")
        return loaded

    def _files(self, sent: Draft, loaded: LoadedForm | None, source: Taken) -> dict[Path, Content]:
        """Return the files of a new form, or those that add to the form ``loaded``: the form is the
        last. Note on ``source`` what is wrong with its keys, and which to confirm.

        A key that another environment of the form has gets a file too: the loader of forms refuses
        it.
        """
        if loaded:
            file, keys_there = loaded.file, loaded.keys
        else:
            file, keys_there = file_of(self._forms, sent.owner.folder, sent.application), {}
        key_files = {}
        for environment, keys in sent.keys.items():
            current = thumbprints(keys_there.get(environment, ()))
            new_keys = [key for key in keys if getattr(key, "thumbprint", None) not in current]
            key_files[environment] = self._key_files(file, environment, new_keys, source)
        if loaded is None:
            return sent.files(self._forms, key_files, source.language)
        return added_to(loaded, sent, key_files)

    def _key_files(
        self, form: Path, environment: Environment, keys: Sequence[Key], source: Taken
    ) -> dict[Path, str]:
        """Return the text of each new key of an environment of a form, by its new file. Note on
        ``source`` each that has ended as a mistake, and each thumbprint that its sender has to
        confirm."""
        files, now = Files(self.changes.texts), datetime.now(UTC)
        names = free_names(
            f"{form.stem}-{environment}-{now.year}",
            len(keys),
            lambda name: files.exists(absolute(form.with_name(f"{name}.jwk.json"))),
        )
        text_by_file: dict[Path, str] = {}
        for name, key in zip(names, keys, strict=True):
            file = form.with_name(f"{name}.jwk.json")
            if not isinstance(key, PublicJwk):
                text_by_file[file] = json.dumps(key)  # the loader of forms reports what is wrong
                continue
            text_by_file[file] = key_text(key)
            if key.has_ended(now):
                source.correct(about_ended(key, quoted(key.thumbprint)), "keys")
            source.notes.append(about_key(file.name, key))
        return text_by_file

    def _notes(
        self,
        sent: Draft,
        loaded: LoadedForm | None,
        source: Taken,
        form: Path,
        changed: Collection[Path],
    ) -> Iterator[str]:
        """Yield the notes for whoever takes a file in. ``changed`` are the files that it makes or
        changes."""
        owner, environments = sent.owner, set(sent.keys)
        if sent.without is not None:
            yield tr(
                "{name}: the file says what a hand changed at the authority; check that acmidm"
                " drift --take-over wrote it",
                name=owner.organisation.name,
            )
        if loaded:
            environments |= loaded.form.environments.keys()
            yield from about_form(loaded, sent)
        if not changed:
            yield tr(
                "{sent} changes nothing: {file} has all of it already", sent=source.file, file=form
            )
        elif Environment.PROD in sent.keys:
            yield about_production(form, environments)
        if owner.is_new:
            yield from notes_about_names(owner.folder, owner.organisation, self._organisations)


def _require_staying(loaded: LoadedForm) -> None:
    """Raises Failure where the day has come on which a form leaves: nothing that is added to it
    would be made."""
    if leaving := about_leaving(loaded, datetime.now(UTC).date()):
        raise Failure(leaving)
