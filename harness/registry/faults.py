"""Faults of TOML files, gathered so that one look mends a whole file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from harness.core.errors import HarnessError, nearest


class Table(BaseModel):
    """A TOML table: unknown keys, wrong types and non-finite numbers are faults."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True)
class Fault:
    file: str  # as shown: relative to its shelf
    text: str
    hint: str = ""


def raise_faults(faults: Iterable[Fault]) -> None:
    """Raise all of them as one HarnessError; return when there are none."""
    found = list(dict.fromkeys(faults))
    if not found:
        return
    if len(found) == 1:
        raise HarnessError(f"{found[0].file}: {found[0].text}", hint=found[0].hint)
    raise HarnessError(*(_with_hint(fault) for fault in found))


def _with_hint(fault: Fault) -> str:
    return f"{fault.file}: {fault.text}" + (f" ({fault.hint})" if fault.hint else "")


def read_toml(content: bytes, shown: str) -> tuple[dict[str, Any], list[Fault]]:
    """The tables of a file; content that is not TOML is one fault with its line and column."""
    try:
        text = content.decode()
        return tomllib.loads(text), []
    except UnicodeDecodeError as error:
        return {}, [Fault(file=shown, text=f"byte {error.start} is not UTF-8", hint="save the file as UTF-8")]
    except tomllib.TOMLDecodeError as error:
        return {}, [_syntax_fault(str(error), text, shown)]


def _syntax_fault(message: str, text: str, shown: str) -> Fault:
    place = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if place is None:  # "(at end of document)"
        lines = text.split("\n")
        return Fault(file=f"{shown}:{len(lines)}:{len(lines[-1]) + 1}", text=message, hint=_SYNTAX_HINT)
    return Fault(file=f"{shown}:{place[1]}:{place[2]}", text=message[: place.start()], hint=_SYNTAX_HINT)


_SYNTAX_HINT = "mend the TOML there: https://toml.io/en/v1.0.0"


def schema_faults(error: ValidationError, schema: type[BaseModel], shown: str) -> list[Fault]:
    """pydantic's findings in our words."""
    return [_schema_fault(details, schema, shown) for details in error.errors(include_url=False)]


def _schema_fault(details: ErrorDetails, schema: type[BaseModel], shown: str) -> Fault:
    where = place(details["loc"])
    match details["type"]:
        case "missing":
            return Fault(file=shown, text=f"{where}: missing", hint=_missing_hint(details["loc"]))
        case "extra_forbidden":
            key = str(details["loc"][-1])
            return Fault(file=shown, text=f"{where}: unknown key", hint=nearest(key, _keys(schema, details["loc"])))
    text = details["msg"].replace("Input should", "should").removeprefix("Value error, ")
    given = details["input"]
    said = "" if isinstance(given, dict | list) else f", is {given!r}"
    return Fault(file=shown, text=f"{where}: {text}{said}")


def _missing_hint(loc: tuple[int | str, ...]) -> str:
    return "every number needs its source: say where it was read" if loc[-1] == "source" else ""


def place(loc: Iterable[int | str]) -> str:
    """``recipes.digits.metrics[0].unit``; references are counted as people do: ``reference 2.n``."""
    words = ""
    for part in loc:
        words += f"[{part}]" if isinstance(part, int) else f".{part}" if words else part
    return re.sub(r"^reference\[(\d+)\]", lambda match: f"reference {int(match[1]) + 1}", words)


def _keys(schema: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that the table around ``loc`` may have."""
    for part in loc[:-1]:
        field = schema.model_fields.get(str(part))
        schema = _table_in(field.annotation) or schema if field else schema
    return list(schema.model_fields)


def _table_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _table_in(part))), None)


def tables(raw: Mapping[str, Any], key: str) -> dict[str, Mapping[str, Any]]:
    """The sub-tables under ``key`` of a file that may be wrong in any way."""
    found = raw.get(key)
    return {name: table for name, table in found.items() if isinstance(table, dict)} if isinstance(found, dict) else {}


def table_list(raw: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The list of tables under ``key``; what is no table becomes an empty one, so that counting holds."""
    found = raw.get(key)
    return [table if isinstance(table, dict) else {} for table in found] if isinstance(found, list) else []
