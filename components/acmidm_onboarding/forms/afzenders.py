"""The organisations that a client sends for (``afzenders``): by which mandate, and under which
names.

At some products one client sends for many, at others each organisation needs a client of its own:
the catalogue says which.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from acmidm_onboarding.forms.catalogue import Catalogue, Product
from acmidm_onboarding.forms.documents import YamlDocument
from acmidm_onboarding.forms.folders import Folders
from acmidm_onboarding.forms.form import EnvironmentRequest, Form
from acmidm_onboarding.forms.suppliers import Afzender, Afzenders, problem_of_unknown_supplier
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.declaration import connection_key
from acmidm_onboarding.values.mandate import mandate_for
from acmidm_onboarding.values.metadata import AFZENDERS
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import DocumentPath, Problem, listed
from acmidm_onboarding.values.terms import Environment


class AfzenderReader:
    """Reads the organisations that the clients of a form send for, and the mandates by which they
    may."""

    def __init__(self, folders: Folders, catalogue: Catalogue | None) -> None:
        self._folders = folders
        self._products = catalogue.products if catalogue else {}
        products = self._products.values()
        self._sender_products = [product for product in products if product.sender_field]
        """The products that know organisations that a client sends for."""

    def read(
        self, document: YamlDocument, form: Form, folder: Path
    ) -> tuple[Afzenders, list[Problem]]:
        """Return the organisations that the clients of a form in ``folder`` send for, per
        environment, and what is wrong with them."""
        found: dict[Environment, tuple[Afzender, ...]] = {}
        problems: list[Problem] = []
        for environment, request in form.environments.items():
            above: DocumentPath = ("environments", environment.value, AFZENDERS)
            requested = [
                product for product in self._sender_products if product.product in request.products
            ]
            if request.afzenders:
                problems += self._problems_of_products(document, above, request, requested)
            of_environment = []
            for index, name in enumerate(request.afzenders):
                afzender, wrong = self._afzender(
                    document, (*above, index), name, form, folder, requested
                )
                problems += wrong
                if afzender:
                    of_environment.append(afzender)
            found[environment] = tuple(of_environment)
        return found, problems

    def _problems_of_products(
        self,
        document: YamlDocument,
        above: DocumentPath,
        request: EnvironmentRequest,
        sender_products: list[Product],
    ) -> Iterator[Problem]:
        """Yield why an environment that names afzenders cannot have them: each product that needs a
        client per organisation, and where no product knows afzenders. ``sender_products`` are the
        requested ones that do."""
        with_a_client_each = list(self._products_with_a_client_each(request))
        for name in with_a_client_each:
            what = tr("each organisation needs a client of its own for {product}", product=name)
            yield document.problem(
                above,
                what,
                tr(
                    "give each a form of its own, with keys_of; or leave the scopes of that"
                    " product out"
                ),
                at_key=True,
            )
        if not self._products:  # the catalogue has mistakes: nobody knows what is missing
            return
        if not sender_products and not with_a_client_each:
            known = listed(product.product for product in self._sender_products)
            remedy = tr("add one that does ({known}), or remove this", known=known)
            yield document.problem(
                above,
                tr("no product here knows organisations that a client sends for"),
                remedy,
                at_key=True,
            )

    def _products_with_a_client_each(self, request: EnvironmentRequest) -> Iterator[str]:
        """Yield the name of each product of a requested scope for which each organisation needs a
        client of its own."""
        for name, product in self._products.items():
            if product.senders is None or product.sender_field:
                continue
            if product.scopes.keys() & request.scopes.keys():
                yield name

    def _afzender(
        self,
        document: YamlDocument,
        path: DocumentPath,
        name: str,
        form: Form,
        folder: Path,
        sender_products: list[Product],
    ) -> tuple[Afzender | None, list[Problem]]:
        """Return the organisation that a form sends for, with the last day of its mandate (empty
        without one), and what is wrong with it; None where its name or its files have mistakes."""
        if not self._folders.is_organisation(name, folder):
            return None, [problem_of_unknown_supplier(document, path, name)]
        named_folder = folder.parent / name
        organisation = self._folders.organisation_file_with_code(named_folder).organisation
        mandates = self._folders.mandates(named_folder)
        if organisation is None or mandates is None:  # their mistakes are reported
            return None, []
        problems = list(_problems_of_names(document, path, organisation, sender_products))
        sender = self._folders.organisation_file_with_code(folder).organisation
        code = sender.code if sender else ""
        mandate = mandate_for(mandates, folder.name, connection_key(code, form.application))
        until = mandate.until.isoformat() if mandate else ""
        return Afzender(organisation, until), problems


def _problems_of_names(
    document: YamlDocument,
    path: DocumentPath,
    organisation: Organisation,
    sender_products: list[Product],
) -> Iterator[Problem]:
    """Yield each product to which an organisation is unknown: its ``speaks_for`` has no value for
    the field by which the product knows senders."""
    for product in sender_products:
        if organisation.speaks_for.get(product.sender_field or ""):
            continue
        yield document.problem(
            path,
            tr(
                "{name} has no {field} under speaks_for, by which it is known as Afzender",
                name=organisation.name,
                field=product.sender_field,
            ),
            tr(
                "have it added in its organisation.yaml, or leave {product} out",
                product=product.product,
            ),
        )
