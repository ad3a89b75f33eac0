"""How wrong keys are told: a line for each, all at once."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)

_LONGEST_VALUE = 80
"""Characters of a wrong value that an error shows."""

_OPENINGS = (
    "Input should be ",
    "Input is not ",
    "Value error, ",
    "String should have ",
    "Tuple should have ",
)
_IN_YAML = {"tuple_type": "a list", "model_type": "keys and values (key: value)"}
"""What PyDantic expects, where it would name a type of Python."""


def refusal(path: tuple[str, ...], expected: str, got: object) -> InitErrorDetails:
    """Return an error about the key at ``path``, for ``made`` to tell."""
    return InitErrorDetails(
        type=PydanticCustomError("refused", "{expected}", {"expected": expected}),
        loc=path,
        input=got,
    )


def rounded_down(limit: float) -> str:
    """Return an upper limit in four digits, which whoever obeys them does not pass."""
    return _rounded(limit, ROUND_FLOOR)


def rounded_up(limit: float) -> str:
    """Return a lower limit as ``rounded_down`` does an upper one."""
    return _rounded(limit, ROUND_CEILING)


def made(
    values: Any, make: Callable[[Any], Model], *, beside: Iterable[InitErrorDetails]
) -> Model:
    """Return what ``make`` makes of ``values``, for validators that know the whole.

    Raises
    ------
    ValidationError
        With the errors of ``make``, and those ``beside`` them, all at once.
    """
    wrong = list(beside)
    try:
        model = make(values)
    except ValidationError as error:
        wrong += [_as_before(detail) for detail in error.errors()]
    if wrong:
        raise ValidationError.from_exception_data("refused", wrong)
    return model


def part_of(values: Any, name: str) -> Any:
    """Return a part of what is not checked yet: a mapping, a section, or anything else."""
    return values.get(name) if isinstance(values, dict) else getattr(values, name, None)


def shortened(value: Any) -> str:
    """Return a wrong value as a line can show it."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def refusal_line(
    detail: ErrorDetails, model: type[BaseModel], where: str | Mapping[str, str]
) -> str:
    """Return what is wrong with a key of ``model``; ``where`` names the key's origin."""
    path, problem = detail["loc"], detail["type"]
    key = ".".join(str(part) for part in path)
    origin = where if isinstance(where, str) else _origin(key, where)
    if problem == "extra_forbidden":
        known = ", ".join(_known_keys(model, path[:-1]))
        return f"{origin}: {key}: unknown key; expected one of: {known}"
    if problem == "missing":
        is_named = isinstance(path[-1], str)
        remedy = f"add `{path[-1]}: ...`" if is_named else "its list has too few items"
        return f"{origin}: {key}: missing; {remedy}"
    return (
        f"{origin}: {key}: expected {_expected(detail)}, got {shortened(detail['input'])}"
    )


def _rounded(limit: float, towards: str) -> str:
    return f"{float(Context(prec=4, rounding=towards).plus(Decimal(limit))):g}"


def _as_before(detail: ErrorDetails) -> InitErrorDetails:
    """Return an error that was told, so that it can be told again among others."""
    return InitErrorDetails(
        type=detail["type"],
        loc=detail["loc"],
        input=detail["input"],
        ctx=detail.get("ctx", {}),
    )


def _expected(detail: ErrorDetails) -> str:
    expected = _IN_YAML.get(detail["type"], detail["msg"])
    for opening in _OPENINGS:
        expected = expected.removeprefix(opening)
    return expected.partition(" after validation")[0]


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
