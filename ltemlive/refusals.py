"""How wrong keys are told: a line for each, all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

_LONGEST_VALUE = 80
"""Characters of a wrong value that an error shows."""


def shortened(value: Any) -> str:
    """Return a wrong value as a line can show it."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def refusal_line(
    detail: ErrorDetails, model: type[BaseModel], where: str | Mapping[str, str]
) -> str:
    """Return what is wrong with a key of ``model``; ``where`` names the key's origin."""
    key = ".".join(str(part) for part in detail["loc"])
    origin = where if isinstance(where, str) else _origin(key, where)
    if detail["type"] == "extra_forbidden":
        known = ", ".join(_known_keys(model, detail["loc"][:-1]))
        return f"{origin}: {key}: unknown key; expected one of: {known}"
    if detail["type"] == "missing":
        return f"{origin}: {key}: missing; add `{detail['loc'][-1]}: ...`"
    expected = detail["msg"]
    for prefix in ("Input should be ", "Input is not ", "Value error, "):
        expected = expected.removeprefix(prefix)
    return f"{origin}: {key}: expected {expected}, got {shortened(detail['input'])}"


def _origin(key: str, where: Mapping[str, str]) -> str:
    """Return who set ``key``, or something below it, else the origin of all the rest."""
    below = (name for name in where if name == key or name.startswith(f"{key}."))
    return where.get(next(below, ""), "settings")


def _known_keys(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    for part in path:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        if field is None:
            continue
        inner = [field.annotation, *getattr(field.annotation, "__args__", ())]
        models = [kind for kind in inner if isinstance(kind, type)]
        model = next((kind for kind in models if issubclass(kind, BaseModel)), model)
    return list(model.model_fields)
