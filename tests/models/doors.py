"""Operations of the doors: they do what their names say, whether or not they are said to be available."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import Operations

if TYPE_CHECKING:
    from app import Context, Entity, Selection

operations = Operations()


@operations.action("D.Open", bound_to="D.Door")
def open_(door: Entity, *, context: Context) -> None:
    door.update({"IsOpen": True})


@operations.action("D.Close", bound_to="D.Door")
def close(door: Entity, *, context: Context) -> None:
    door.update({"IsOpen": False})


@operations.action("D.Knock", bound_to="D.Door")
@operations.action("D.Ring", bound_to="D.Door")
@operations.action("D.Slam", bound_to="D.Door")
@operations.action("D.Paint", bound_to="D.Door")
def nothing(door: Entity, *, context: Context) -> None:
    return None


@operations.function("D.Peep", bound_to="D.Door")
@operations.function("D.Tone", bound_to="D.Door")
def floor(door: Entity, *, context: Context) -> int | None:
    found: int | None = door["Floor"]
    return found


@operations.function("D.Clicks", bound_to="D.Lock")
def clicks(lock: dict[str, int | None], *, context: Context) -> int | None:
    return lock["Turns"]


@operations.action("D.CloseAll", bound_to="Collection(D.Door)")
def close_all(them: Selection, *, context: Context) -> None:
    return None


@operations.action("D.Sleep")
def sleep(*, context: Context) -> None:
    return None


@operations.action("D.Wake")
def wake(*, context: Context) -> None:
    return None
