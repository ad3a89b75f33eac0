"""A section of a scenario: what it does not know it refuses, and it never changes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Some keys of a scenario, or all of it; numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def is_wanted(cls, key: str, value: object) -> bool:
        """Return whether a key says something else than by default, so that it must act.

        A default may be spelt out anywhere: ``config/demo.yaml`` spells all of them.
        """
        return bool(value != cls.model_fields[key].default)
