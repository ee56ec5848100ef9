"""Where the pages are. The path under a language is that of the real portal's menu."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

BASE = "/portaal"
MENU = "/toegangsbeheer/api-en-clientbeheer/mijn-oauth-clients"
LOG_ON = "/aanmelden"
LOG_OFF = "/afmelden"
CLIENT = MENU + "/{client_id}"
HISTORY = CLIENT + "/geschiedenis"
KEYS = CLIENT + "/sleutels"
REMOVE_KEY = KEYS + "/verwijderen"
MAILBOX = "/postvak"
MAIL = MAILBOX + "/{mail}"
ATTACHMENT = MAIL + "/bijlagen/{attachment}"


@dataclass(frozen=True, slots=True)
class Urls:
    """The addresses of one language's pages."""

    language: str

    def __call__(self, place: str, client_id: str = "", **query: str) -> str:
        """The address of a place, such as `CLIENT`."""
        path = place.format(client_id=quote(client_id, safe=""))
        return f"{BASE}/{self.language}{path}{'?' + urlencode(query) if query else ''}"

    @property
    def clients(self) -> str:
        """My OAuth clients, where everybody begins."""
        return self(MENU)

    @property
    def log_on(self) -> str:
        """Where one logs on."""
        return self(LOG_ON)

    @property
    def log_off(self) -> str:
        """Where one logs off."""
        return self(LOG_OFF)

    def client(self, client_id: str, **query: str) -> str:
        """One client."""
        return self(CLIENT, client_id, **query)

    def history(self, client_id: str, **query: str) -> str:
        """All changes of a client."""
        return self(HISTORY, client_id, **query)

    def keys(self, client_id: str) -> str:
        """Where a key is added."""
        return self(KEYS, client_id)

    def remove_key(self, client_id: str, **query: str) -> str:
        """Where a key is removed."""
        return self(REMOVE_KEY, client_id, **query)

    @property
    def mailbox(self) -> str:
        """The mails."""
        return self(MAILBOX)

    def mail(self, number: int) -> str:
        """One mail."""
        return self(MAIL.format(mail=number))

    def attachment(self, number: int, attachment: int) -> str:
        """A file of a mail, the first of which is 1."""
        return self(ATTACHMENT.format(mail=number, attachment=attachment))

    @staticmethod
    def static(file: str) -> str:
        """A file of `static/`."""
        return f"{BASE}/static/{file}"


def in_language(language: str, path: str, query: Mapping[str, str]) -> str:
    """The same page in another language; `path` is that of a page under a language."""
    _, _, rest = path.removeprefix(f"{BASE}/").partition("/")
    return f"{BASE}/{language}/{quote(rest)}{'?' + urlencode(query) if query else ''}"


def is_page(path: str) -> bool:
    """Whether a path leads to one of our pages, and nowhere else: where someone may be sent after logging on."""
    return (
        path.startswith(f"{BASE}/")
        and "//" not in path
        and all(character.isalnum() or character in "/-_." for character in path)
    )
