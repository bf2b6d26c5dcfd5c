"""Operations of the workshop model: functions whose results are values, a composable one, actions that are only told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app import Operations

if TYPE_CHECKING:
    from app import Context, Entity, Selection

NS = "Workshop."

operations = Operations()


@operations.function(NS + "Words")
def words(*, context: Context) -> list[str]:
    return ["one", "two", "three"]


@operations.function(NS + "Places")
def places(*, context: Context) -> list[dict[str, Any]]:
    return [{"Town": "Ulm", "Storey": 1}, {"Town": "Basel", "Storey": None}]


@operations.function(NS + "Heaviest", bound_to=NS + "Tool")
def heaviest(tool: Entity, *, context: Context) -> dict[str, Any] | None:
    """The part that weighs most, without its type."""
    parts = [part for part in tool["Parts"] if part["Weight"] is not None]
    return max(parts, key=lambda part: part["Weight"], default=None)


@operations.function(NS + "Lightest", bound_to=f"Collection({NS}Tool)")
def lightest(tools: Selection, *, context: Context) -> Entity | None:
    return tools.orderby("Code").first()


@operations.action(NS + "Sharpen", bound_to=NS + "Tool")
def sharpen(tool: Entity, *, context: Context) -> None:
    """Nothing to do."""


@operations.action(NS + "CleanAll", bound_to=f"Collection({NS}Tool)")
def clean_all(tools: Selection, *, context: Context) -> None:
    """Nothing to do."""
