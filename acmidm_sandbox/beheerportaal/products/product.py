"""What the file of a product says, what a call of it needs, and the products' own form of errors:
the ProductError of `errors.yaml`, for whatever is refused below `/api/`, be it a token, a path or a
media type."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from acmidm_sandbox.beheerportaal.context import Portal
from acmidm_sandbox.beheerportaal.limits import MOST_VALUES
from acmidm_sandbox.beheerportaal.problems import RefusedRequest
from acmidm_sandbox.beheerportaal.store import products as configurations

FOLDER = Path(__file__).parent

Mistake = Mapping[str, str]


class _ProductModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Call(_ProductModel):
    """One call: what it takes, and what it answers."""

    about: str
    # Documented by Digitaal Vlaanderen; seen in public client code or a sample, so sent, not surely
    # accepted; or assumed here.
    basis: Literal["documented", "seen", "assumed"] = Field(alias="x-basis")
    source: str = Field(alias="x-source", default="")
    body: str | None = None  # the name of its schema
    longest_body: int | None = None  # bytes
    query: dict[str, Any] = {}  # the JSON Schema of its parameters
    # {"bron_uri": "/Identificatie/Bron"}: which texts of the document must be among the values of
    # a field of the client's configuration. None for a call that needs no configuration. In the
    # JSON Pointers of this and the next, `*` stands for each item of a list.
    configured: dict[str, str] | None = None
    # By JSON Pointer the texts that were seen in public: others are accepted, and logged.
    noted: dict[str, list[str]] = {}
    does: str | None = None  # the function that carries it out, in the module of the product's name
    answer: dict[str, str] = {}  # where no function returns one; {Id} stands for a sent member
    returns: dict[str, Any] = {}  # the JSON Schema of its answer
    status: int = 200


class Refusal(_ProductModel):
    """An error that only this product has."""

    status: int
    detail: str
    code: str | None = None


class ServedProduct(_ProductModel):
    """A product, as its file says."""

    name: str
    parts: Any = None  # YAML to which the rest of the file refers
    names: dict[str, str] = {}  # what the wiki calls the fields of a configuration
    optional: list[str] = []  # fields of a configuration that allow everything where absent
    errors: dict[str, Refusal] = {}
    calls: dict[str, Call] = {}  # by method and path
    schemas: dict[str, Any] = {}  # by name


def read_products() -> list[ServedProduct]:
    """Return what each file in this folder says: a product, or, as `errors.yaml`, schemas alone."""
    products = []
    for file in sorted(FOLDER.glob("*.yaml")):
        content = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)
        products.append(ServedProduct(name=file.stem, **content))
    return products


@dataclass(frozen=True, slots=True)
class ReceivedCall:
    """A call that a client sent, with its document; of a call without one, its parameters."""

    portal: Portal
    product: ServedProduct
    call: Call
    client_id: str
    document: dict[str, Any]

    def find_configuration(self) -> Mapping[str, Any] | None:
        """Return the client's configuration for the product now; None where it has none."""
        with self.portal.database.read() as session:
            stored = configurations.find(session, self.product.name, self.client_id)
        return None if stored is None else stored.document.configuration

    def refusal(self, name: str, **values: str) -> RefusedRequest:
        """Return an error of the product's file, the blanks of its sentence filled in."""
        error = self.product.errors[name]
        members = {} if error.code is None else {"code": error.code}
        return RefusedRequest(error.status, error.detail.format(**values), members=members)


def configured_texts(configuration: Mapping[str, Any], field: str) -> list[str]:
    """Return the texts of a field of a configuration, which has one text, a list, or none; then
    those of the same field of each organisation that the client sends for (`afzenders`)."""
    value = configuration.get(field) or []
    texts = [value] if isinstance(value, str) else list(value)
    for sender in configuration.get("afzenders") or []:
        texts += configured_texts(sender, field)
    return texts


def mistakes_by_configuration(received: ReceivedCall) -> list[Mistake]:
    """Return a mistake for each text of the document that the client's configuration does not
    allow; for a client without a configuration one mistake, which has no pointer."""
    product, configuration = received.product, received.find_configuration()
    if configuration is None:
        detail = f"Client {received.client_id} is not set as Aanbieder of {product.name}"
        return [{"detail": detail}]
    mistakes: list[Mistake] = []
    for field, pattern in (received.call.configured or {}).items():
        allowed = configured_texts(configuration, field)
        if not allowed and field in product.optional:
            continue
        listed = ", ".join(allowed[:MOST_VALUES]) or "none"
        if len(allowed) > MOST_VALUES:
            listed += f" and {len(allowed) - MOST_VALUES:,} more"
        detail = f"is not set for this client (set: {listed})"
        for pointer, text in texts_at(received.document, pattern):
            if text not in allowed:
                name = product.names[field]
                mistakes.append({"pointer": pointer, "detail": f"{name} {text} {detail}"})
    return mistakes


def texts_at(value: Any, pattern: str, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text of a JSON value that a pattern such as `/Agenten/*/Naam` names, with its JSON
    Pointer: ("/Agenten/0/Naam", "Jan"). `pointer` is that of the value itself."""
    if not pattern:
        if isinstance(value, str):
            yield pointer, value
        return
    step, slash, rest = pattern.removeprefix("/").partition("/")
    if step == "*" and isinstance(value, list):
        for number, item in enumerate(value):
            yield from texts_at(item, slash + rest, f"{pointer}/{number}")
    elif isinstance(value, dict):
        yield from texts_at(value.get(step), slash + rest, f"{pointer}/{step}")


PREFIX = "/api/"
_OF_THE_DOCUMENT = (413, 422)
_PART = re.compile(r"/([^/]*)")


def error_response(_: Request, problem: RefusedRequest) -> JSONResponse:
    """Return a refusal as the ProductError of `errors.yaml`; what is wrong with the document (413,
    422) as a 400 with a list of errors, as the real products do."""
    mistakes = problem.errors or [{"detail": problem.detail.rstrip(".")}]
    errors = list(map(_field_error, mistakes))
    headers = dict(problem.headers or {})
    if problem.status_code in _OF_THE_DOCUMENT:
        listed = "; ".join(error["description"] for error in errors)
        content = {
            "code": "2001",
            "message": "Validatiefouten",
            "description": f"The request is refused: {listed}.",
            "errors": errors,
        }
        return JSONResponse(content, 400, headers)
    content = {
        "code": problem.members.get("code", str(problem.status_code)),
        "message": problem.detail,
        "description": problem.detail,
        "errors": [],
    }
    if problem.status_code == 403:
        content["field"] = errors[0]["field"]
    return JSONResponse(content, problem.status_code, headers)


def _field_error(mistake: Mapping[str, str]) -> dict[str, str]:
    """Return a mistake as an item of a ProductError's list of errors."""
    field = dotted(mistake.get("pointer", "")) or mistake.get("parameter", "")
    detail = mistake["detail"]
    description = f"{field or 'the document'}: {detail}"
    return {"code": "1100", "message": detail, "description": description, "field": field}


def dotted(pointer: str) -> str:
    """Return a JSON Pointer as the products write it: `/SleutelWaardeParen/0/Waarde` is
    `SleutelWaardeParen[0].Waarde`."""
    joined = ""
    for escaped in _PART.findall(pointer):
        part = escaped.replace("~1", "/").replace("~0", "~")
        if part.isdecimal():
            joined += f"[{part}]"
        else:
            joined += f".{part}"
    return joined.removeprefix(".")
