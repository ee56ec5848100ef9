"""The form that an application has already: under the name that it has now or an earlier one, in
whatever file."""

from __future__ import annotations

from pathlib import Path

from acmidm_onboarding.forms.declarations import LoadedForm, former_keys
from acmidm_onboarding.forms.documents import read_document
from acmidm_onboarding.forms.files import Files, absolute, form_file
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.forms.sound_parts import sound_parts
from acmidm_onboarding.values.declaration import connection_key


def existing_form(read: Onboardings, folder: str, application: str) -> LoadedForm | None:
    """Return the valid form of an application, which may have another name by now.

    A form has had a name that is under ``formerly``, or that its file has still.
    """
    own = [loaded for loaded in read.forms if loaded.file.parent.name == folder]
    for loaded in own:
        if loaded.form.application == application:
            return loaded
    for loaded in own:
        code = loaded.organisation.code
        # Without the other forms: a name that came with an organisation that merged is free.
        earlier = former_keys(loaded.organisation, loaded.form, None)
        if connection_key(code, application) in earlier:
            return loaded
    file = form_file(application)
    return next((loaded for loaded in own if loaded.file.name == file), None)


def faulty_form(read: Onboardings, folder: str, application: str, files: Files) -> Path | None:
    """Return the form with mistakes that is that of an application, as far as it can be read."""
    for file in read.left_out:
        if file.parent.name != folder:
            continue
        if file.name == form_file(application):
            return file
        form, is_identified = sound_parts(read_document(absolute(file), file, files.read_text))
        if form and is_identified and application in (form.application, *form.formerly):
            return file
    return None
