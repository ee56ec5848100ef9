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
    operators_own,
    require_not_reserved,
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

        def connect(address: object, tokens: OperatorTokens | None) -> Api:
            url = httpx.URL(str(address))
            return Api(
                str(address),
                tokens,
                timeout_seconds=settings.request_timeout_seconds,
                retrying=retries[f"{url.scheme}://{url.netloc.decode()}"],
            )

        tokens = OperatorTokens(
            str(platform.issuer), _credentials(name, platform), connect(platform.issuer, None)
        )
        self.assigned = assigned
        self.can = platform.authority_type
        """What its authority can do."""
        self.issuer = platform.issuer_name
        self.product_of_api = platform.product_of_api
        self.products = catalogue.products_on(name, settings.environment)
        make: Connect[PlatformSettings] = platform.authority_type.connect
        self.authority: Authority = make(
            platform, lambda address: connect(address, tokens), assigned
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
            api = connect(platform.products_url, tokens)
            self._product_api = Products(api, catalogue.in_order)
        elif self.products:
            raise self._no_address_of_products()
        listing = self.listed_clients if self.can.lists_clients else None
        self.clients = ReadOnce[RegisteredClient](self.authority.read, listing)
        self.made: dict[str, RegisteredClient] = {}
        """Each client that this run has made, as its authority confirmed it, by client-ID."""
        self.compromised: dict[str, frozenset[str]] = {}
        """Per client-ID the thumbprints of its compromised keys, as the form names them: no state
        has these."""
        self._operator = platform.operator_client_id
        self.reserved: ReadOnce[Reserved] = ReadOnce(
            lambda client_id: self._operators_own(client_id) or self.authority.reserved(client_id)
        )
        """Why no form may have a client, by client-ID: each of its resources asks before it
        writes."""
        self._configurations: dict[str, ReadOnce[ProductDocument]] = {}
        self._lock = threading.Lock()

    @property
    def product_api(self) -> ProductApi:
        """Raises InvalidSettings where the stack has none: its catalogue has no product to
        configure."""
        if self._product_api is None:
            raise self._no_address_of_products()
        return self._product_api

    def client(
        self, client_key: ClientKey, registered: RegisteredClient, products: Iterable[str]
    ) -> Client:
        """Return a client as its authority has it, with its configurations of some ``products``."""
        configured: dict[str, ProductDocument] = {}
        for name in products:
            document = self.configurations(name).get(registered.client_id)
            if document:
                configured[name] = document
        return registered.as_client(client_key, configured, self.assigned)

    def listed_clients(self) -> Iterator[tuple[str, RegisteredClient]]:
        """Yield each client of the authority, by client-ID."""
        for client in self.authority.clients():
            yield client.client_id, client

    def configured(self, client_id: str) -> dict[str, ProductDocument]:
        """Return what a client has of each product, as lists have it, also of those that the state
        does not have. A product without an API has nothing, where that of another is there: so the
        address is right.

        Raises:
            NotFound, NoList: where no product has an API.
        """
        found: dict[str, ProductDocument] = {}
        is_offered = False
        missing: NotFound | NoList | None = None
        for product in self.products:
            try:
                document = self.configurations(product).get(client_id, as_listed=True)
            except (NotFound, NoList) as error:
                missing = missing or error
                continue
            is_offered = True
            if document is not None:
                found[product] = document
        if missing is not None and not is_offered:
            raise missing
        return found

    def require_not_operators_own(self, client_id: str) -> None:
        """Refuse to write to the client of this stack's own operator, whatever its adapter does:
        whoever has that client locks the stack out. Raises Rejected."""
        require_not_reserved(self._operators_own(client_id), client_id, self.issuer)

    def configurations(self, product: str) -> ReadOnce[ProductDocument]:
        """Return the configurations of a product, by client-ID."""
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

    def _operators_own(self, client_id: str) -> Reserved | None:
        return operators_own() if client_id == self._operator else None


Connected = Mapping[Platform, ConnectedPlatform]


def connected(settings: Settings, catalogue: Catalogue) -> Connected:
    """Connect each platform that the settings name. Only here are the operator's credentials taken
    from settings.

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
