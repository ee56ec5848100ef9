"""Read the evidence beside forms, and compare it with the form: whose keys, which connection."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain, product
from pathlib import Path

from acmidm_onboarding.forms.documents import Unreadable
from acmidm_onboarding.forms.files import Files
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.forms.key_files import Keys
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.evidence import EvidenceFile, Expected, read_evidence
from acmidm_onboarding.values.jwk import thumbprints
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import Unusable
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform


def evidence_of(
    files: Files,
    file: Path,
    form: Form,
    organisation: Organisation,
    keys: Keys,
    compromised: Keys,
) -> Mapping[tuple[Environment, Platform], EvidenceFile]:
    """Return what the files of evidence beside a form say, each by the environment and platform in
    its name, such as ``loket.tni.acmidm.evidence.json``. ``file`` is that of the form; ``keys`` and
    ``compromised`` are the form's, per environment.
    """
    stolen = thumbprints(chain(*compromised.values()))
    evidence = {}
    for where in product(Environment, Platform):
        expected = Expected(organisation.code, form.application, *where)
        evidence_file = file.with_name(expected.file_name)
        if files.exists(evidence_file):
            evidence[where] = _read(files, evidence_file, form, expected, keys, stolen)
    return evidence


def _read(
    files: Files,
    file: Path,
    form: Form,
    expected: Expected,
    keys: Keys,
    compromised: Collection[str],
) -> EvidenceFile:
    """Return the evidence in a file, or why it counts as none: that is no mistake of the form, and
    the gate to production says it. ``compromised`` are thumbprints."""
    try:
        if files.is_link(file):
            raise Unusable(tr("it is a link, which is not followed"))
        evidence = read_evidence(files.read_text(file), expected)
        if evidence.thumbprint in compromised:
            raise Unusable(tr("it is signed by a key that the form says is compromised"))
        _require_declared(evidence.thumbprint, form, expected.environment, keys)
    except Unreadable as error:
        return EvidenceFile(refused=tr("it {what}", what=error.what))
    except Unusable as reason:
        return EvidenceFile(refused=str(reason))
    return EvidenceFile(evidence)


def _require_declared(thumbprint: str, form: Form, environment: Environment, keys: Keys) -> None:
    """Refuse evidence that is signed by a key that the form does not have. Where the form leaves
    its keys to the portal (``jwks`` None), the gate compares with those that the authority has.

    Raises:
        Unusable: with the reason.
    """
    if form.token_endpoint_auth_method is not AuthMethod.PRIVATE_KEY_JWT:
        raise Unusable(tr("the client authenticates with a secret, which signs nothing"))
    request = form.environments.get(environment)
    if request is None:
        raise Unusable(tr("the form has no {environment}", environment=environment))
    declared = thumbprints(keys.get(environment, ()))
    if request.jwks is not None and thumbprint not in declared:
        raise Unusable(
            tr(
                "it is signed by a key that the form does not have for {environment}",
                environment=environment,
            )
        )
