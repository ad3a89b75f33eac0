"""The only YAML code: documents in and out, and errors that name file and key."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from ltemlive.errors import ConfigError
from ltemlive.refusals import Model, refusal_line, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Written in C where PyYAML has it, ten times as quick: a series is described anew with each
# frame, before that is acknowledged.
_SafeDumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

# PyYAML lets the last three through: a date that is none, a tag its value does not fit.
_NOT_YAML = (yaml.YAMLError, RecursionError, ValueError, LookupError, AttributeError)


def load(path: Path) -> dict[str, Any]:
    """Return the mapping a YAML file holds; an empty file is an empty mapping.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not YAML or not a mapping, or has a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigError(
            f"{path}: expected a readable YAML file, got: {reason}"
        ) from error
    return parse(text, where=str(path))


def parse(text: str, *, where: str) -> dict[str, Any]:
    """Return the mapping in ``text``; errors begin with ``where``.

    Raises
    ------
    ConfigError
        If the text is not YAML or not a mapping, or a key stands twice in it.
    """
    try:
        document = yaml.load(text, Loader=_Loader)
    except _RepeatedKeyError as error:
        raise ConfigError(f"{where} {error}") from error
    except _NOT_YAML as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise ConfigError(f"{where}{line}: expected YAML, got: {problem}") from error
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        kind = type(document).__name__
        raise ConfigError(f"{where}: expected keys and values (key: value), got {kind}")
    return document


def parse_scalar(text: str, *, where: str) -> Any:
    """Return the YAML value that ``text`` spells (a number, a word, null, a list).

    Raises
    ------
    ConfigError
        If the text is not YAML, or a key stands twice in it.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except _RepeatedKeyError as error:
        raise ConfigError(f"{where} {error}") from error
    except _NOT_YAML as error:
        raise ConfigError(
            f"{where}: expected a YAML value, got {shortened(text)}"
        ) from error


def load_model(path: Path, model: type[Model]) -> Model:
    """Read a YAML file as ``model``.

    Raises
    ------
    ConfigError
        One line per wrong key, each naming file, key, what was expected and what came.
    """
    return validated(load(path), model, where=str(path))


def validated(
    values: Mapping[str, Any], model: type[Model], *, where: str | Mapping[str, str]
) -> Model:
    """Return ``model`` made of ``values``; ``where`` names their origin, or each key's.

    Raises
    ------
    ConfigError
        One line per wrong key, all of them at once.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [refusal_line(detail, model, where) for detail in error.errors()]
        raise ConfigError("\n".join(lines)) from error


def dump(values: Mapping[str, Any]) -> str:
    """Return ``values`` as YAML text, keys in their own order."""
    style: dict[str, Any] = {
        "sort_keys": False,
        "allow_unicode": True,
        "default_flow_style": None,
    }
    try:
        return str(yaml.dump(dict(values), Dumper=_SafeDumper, **style))
    except UnicodeEncodeError:  # a file name that is not UTF-8; C cannot escape it
        return str(yaml.safe_dump(dict(values), **style))


def write_text_aside(path: Path, text: str, *, durable: bool = True) -> None:
    """Write ``path`` whole or not at all: aside, fsync if ``durable``, rename."""
    aside = path.with_name(f".{path.name}.part")
    with aside.open("w", encoding="utf-8") as stream:
        stream.write(text)
        if durable:
            stream.flush()
            os.fsync(stream.fileno())
    aside.replace(path)


class _RepeatedKeyError(yaml.YAMLError):
    """A key stands twice in one mapping; its text begins with the line."""


class _Loader(yaml.SafeLoader):
    """PyYAML's, which lets the last one of repeated keys win; this one refuses them."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Return the keys and values as they stand, before any ``<<`` is merged."""
        node = super().compose_mapping_node(anchor)
        first: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            name, line = (key.tag, key.value), key.start_mark.line + 1
            if name in first:
                raise _RepeatedKeyError(
                    f"line {line}: expected the key {shortened(key.value)} once, got it "
                    f"again (first in line {first[name]}); {_remedy(key)}"
                )
            first[name] = line
        return node


def _remedy(repeated: yaml.ScalarNode) -> str:
    is_merge = repeated.tag == "tag:yaml.org,2002:merge"
    return "merge both by one list, <<: [*a, *b]" if is_merge else "take one of them out"
