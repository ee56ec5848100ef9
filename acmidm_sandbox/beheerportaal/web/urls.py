"""Where the pages are. The path under a language is that of the real portal's menu."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from urllib.parse import quote, urlencode

BASE = "/portaal"
FORM_PAGE = "/aansluitingsformulier"
_MENU = "/toegangsbeheer/api-en-clientbeheer"
_CLIENT = _MENU + "/mijn-oauth-clients/{client_id}"
_APIS = _MENU + "/mijn-apis"
_KEYS = _CLIENT + "/sleutels"
PAGES = {
    "log_on": "/aanmelden",
    "log_off": "/afmelden",
    "clients": _MENU + "/mijn-oauth-clients",
    "new_client": _MENU + "/mijn-oauth-clients/nieuw",
    "client": _CLIENT,
    "remove_client": _CLIENT + "/verwijderen",
    "change_client": _CLIENT + "/aanpassen",
    "couple": _CLIENT + "/koppelen",
    "configuration": _CLIENT + "/producten/{product}",
    "apis": _APIS,
    "coupling": _APIS + "/{api}/{client_id}",
    "keys": _KEYS,
    "remove_key": _KEYS + "/verwijderen",
    "mailbox": "/postvak",
    "mail": "/postvak/{mail}",
}


@dataclass(frozen=True, slots=True)
class Urls:
    """The addresses of one language's pages."""

    language: str

    def __call__(self, page: str, **values: str | int) -> str:
        """Return the address of one of `PAGES`. Values that its path does not name are the
        query."""
        path = PAGES[page]
        named = {name for _, name, _, _ in Formatter().parse(path) if name}
        path = path.format(**{name: quote(str(values[name]), safe="") for name in named})
        query = urlencode({name: value for name, value in values.items() if name not in named})
        return f"{BASE}/{self.language}{path}{'?' + query if query else ''}"

    @staticmethod
    def form_page() -> str:
        """Return the page of the form, which is the same for every language."""
        return BASE + FORM_PAGE

    @staticmethod
    def static(file: str) -> str:
        """Return a file of `static/`."""
        return f"{BASE}/static/{file}"


def in_language(language: str, path: str, query: Mapping[str, str]) -> str:
    """Return the same page in another language; `path` is that of a page under a language."""
    _, _, rest = path.removeprefix(f"{BASE}/").partition("/")
    return f"{BASE}/{language}/{quote(rest)}{'?' + urlencode(query) if query else ''}"


def is_page(path: str) -> bool:
    """Return whether a path leads to one of our pages, and nowhere else: where someone may be sent
    after logging on."""
    return (
        path.startswith(f"{BASE}/")
        and "//" not in path
        and all(character.isalnum() or character in "/-_." for character in path)
    )
