"""From settings to authorities: the platforms of a stack, with the operator's credentials."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import httpx

from acmidm_onboarding.authorities.errors import NoList, NotFound
from acmidm_onboarding.authorities.http.api import Api
from acmidm_onboarding.authorities.http.retry import Retrying
from acmidm_onboarding.authorities.http.tokens import Credentials, OperatorTokens
from acmidm_onboarding.authorities.port import (
    Authority,
    Connect,
    Forgets,
    HasProducts,
    ProductApi,
    RegisteredClient,
    Reserved,
    require_not_reserved,
    reserved_for_operator,
)
from acmidm_onboarding.authorities.products import Products
from acmidm_onboarding.authorities.reads import ReadOnce
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.settings import (
    InvalidSettings,
    PlatformSettings,
    Settings,
    config_key,
    full_key,
    require_trusted_hosts,
)
from acmidm_onboarding.values.client import Client, ClientKey
from acmidm_onboarding.values.metadata import ProductDocument
from acmidm_onboarding.values.terms import Platform


class ConnectedPlatform:
    """One platform: its authority, its product APIs, and what was read of both in this run. The
    first call sends the first request. ``retries`` has what this run knows of each host."""

    def __init__(
        self,
        settings: Settings,
        name: Platform,
        catalogue: Catalogue,
        retries: defaultdict[str, Retrying],
    ) -> None:
        platform = settings.platforms[name]
        assigned = catalogue.assigned_by_provider(name)

        def api_at(address: object, tokens: OperatorTokens | None) -> Api:
            url = httpx.URL(str(address))
            return Api(
                str(address),
                tokens,
                timeout_seconds=settings.request_timeout_seconds,
                retrying=retries[f"{url.scheme}://{url.netloc.decode()}"],
            )

        tokens = OperatorTokens(
            str(platform.issuer), _credentials(name, platform), api_at(platform.issuer, None)
        )
        self.assigned = assigned
        self.can = platform.authority_type
        """What its authority can do."""
        self.issuer = platform.issuer_name
        self.product_of_api = platform.product_of_api
        self.products = catalogue.products_on(name, settings.environment)
        connect: Connect[PlatformSettings] = platform.authority_type.connect
        self.authority: Authority = connect(
            platform, lambda address: api_at(address, tokens), assigned
        )
        self.unkept: frozenset[str] = frozenset()
        if isinstance(self.authority, Forgets):
            self.unkept = self.authority.unkept
        self.marks_products = not isinstance(self.authority, HasProducts)
        """Whether a product's configuration says whose it is."""
        self._name = name
        self._product_api: ProductApi | None = None
        if isinstance(self.authority, HasProducts):
            self._product_api = self.authority.product_api
        elif platform.products_url is not None:
            api = api_at(platform.products_url, tokens)
            self._product_api = Products(api, catalogue.in_order)
        elif self.products:
            raise self._no_address_of_products()
        list_all = self.listed_clients if self.can.lists_clients else None
        self.clients = ReadOnce[RegisteredClient](self.authority.read, list_all)
        self.made: dict[str, RegisteredClient] = {}
        """Each client that this run has made, as its authority confirmed it, by client-ID."""
        self.compromised: dict[str, frozenset[str]] = {}
        """Per client-ID the thumbprints of its compromised keys, as the form names them: no state
        has these."""
        self._operator = platform.operator_client_id
        self.reserved: ReadOnce[Reserved] = ReadOnce(
            lambda client_id: (
                self._reserved_for_operator(client_id) or self.authority.reserved(client_id)
            )
        )
        """Why no form may have a client, by client-ID: each of its resources asks before it
        writes."""
        self._configurations: dict[str, ReadOnce[ProductDocument]] = {}
        self._lock = threading.Lock()

    @property
    def product_api(self) -> ProductApi:
        """What reads and writes product configurations. Raises InvalidSettings where the stack has
        no such API, for its catalogue has no product to configure."""
        if self._product_api is None:
            raise self._no_address_of_products()
        return self._product_api

    def client(
        self, client_key: ClientKey, registered: RegisteredClient, products: Iterable[str]
    ) -> Client:
        """Return a ``registered`` client as reports compare it, with its configurations of these
        ``products``, as far as it has one."""
        configured: dict[str, ProductDocument] = {}
        for name in products:
            document = self.configurations(name).get(registered.client_id)
            if document:
                configured[name] = document
        return registered.as_client(client_key, configured, self.assigned)

    def listed_clients(self) -> Iterator[tuple[str, RegisteredClient]]:
        """Yield each client of the authority with its client-ID."""
        for client in self.authority.clients():
            yield client.client_id, client

    def configured(self, client_id: str) -> dict[str, ProductDocument]:
        """Return the configurations that a client has, by product, also those that the state lacks;
        the lists of the product APIs are trusted. A product that answers 404 has none, if any other
        product answers: then the address is right.

        Raises:
            NotFound, NoList: where every product answers 404.
        """
        found: dict[str, ProductDocument] = {}
        has_any_list = False
        first_error: NotFound | NoList | None = None
        for product in self.products:
            try:
                document = self.configurations(product).get(client_id, as_listed=True)
            except (NotFound, NoList) as error:
                first_error = first_error or error
                continue
            has_any_list = True
            if document is not None:
                found[product] = document
        if first_error is not None and not has_any_list:
            raise first_error
        return found

    def require_not_operators_own(self, client_id: str) -> None:
        """Raise Rejected for the client by which this stack itself logs in, whatever the adapter
        does: a write to that client could lock the stack out."""
        require_not_reserved(self._reserved_for_operator(client_id), client_id, self.issuer)

    def configurations(self, product: str) -> ReadOnce[ProductDocument]:
        """Return the reads of a product's configurations, by client-ID, the same in each call."""
        with self._lock:
            return self._configurations.setdefault(
                product,
                ReadOnce(
                    partial(self.product_api.read, product),
                    lambda: self.product_api.configurations(product),
                ),
            )

    def _no_address_of_products(self) -> InvalidSettings:
        key = config_key(self._name, "productsUrl")
        return InvalidSettings(
            f"setting {full_key(key)} is missing, and products are configured there; set it with"
            f" pulumi config set {full_key(key)}"
        )

    def _reserved_for_operator(self, client_id: str) -> Reserved | None:
        return reserved_for_operator() if client_id == self._operator else None


Connected = Mapping[Platform, ConnectedPlatform]


def connected(settings: Settings, catalogue: Catalogue) -> Connected:
    """Return the platforms that the settings name, with their authorities. Nothing is sent yet.
    Only here are the operator's credentials taken from settings.

    Raises:
        InvalidSettings: where credentials would go to a host that the environment does not name.
    """
    require_trusted_hosts(settings)
    retries = defaultdict[str, Retrying](partial(Retrying, settings.retry_deadline_seconds))
    platforms = {}
    for name in settings.platforms:
        platforms[name] = ConnectedPlatform(settings, name, catalogue, retries)
    return platforms


def _credentials(name: Platform, platform: PlatformSettings) -> Credentials:
    return Credentials(
        platform=name,
        client_id=platform.operator_client_id,
        private_key=platform.operator_private_key,
        private_key_file=platform.operator_private_key_file,
        client_secret=platform.operator_client_secret,
        audience=platform.assertion_audience,
    )
