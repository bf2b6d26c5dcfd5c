"""Lost: dynamic properties that a change took away. Stored, they are simply no more; a client that knows them has to be told,
so the change log names them (`MARK` before the path) and a delta shows them as null (Protocol §11.3, §11.4.3).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.bind import nodes as bound
from app.edm.index import Model
from app.payload.documents import parsed
from app.plan.changes import TYPE
from app.service.changes import Touch
from app.service.layout import Layout

MARK = "-"      # no name of a property begins so

Path = tuple[str, ...]


def marks(layout: Layout, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What the change log says of the dynamic properties that the new values of some columns no longer have."""
    found: list[Path] = []
    for column, (path, type) in layout.loose.items():
        if column in new and old[column] is not None:
            before, after = json.loads(old[column]), json.loads(new[column] or "{}" if not path else new[column] or "null")
            found += (path + each for each in _lost(layout.model, before, after, type))
    return [MARK + "/".join(path) for path in sorted(found)]


def _lost(model: Model, old: Any, new: Any, type: str | None) -> Iterator[Path]:
    """The paths of dynamic members that are in a value and not in another of the same type."""
    if not isinstance(old, dict) or not isinstance(new, dict) or old.get(TYPE) != new.get(TYPE):
        return
    given = old.get(TYPE)
    actual = model.full(given.removeprefix("#")) if isinstance(given, str) else type
    declared = model.properties(actual) if actual is not None and model.structured(actual) is not None else {}
    for name, value in old.items():
        if "@" not in name and name not in declared and name not in new:
            yield (name,)
        elif name in declared and name in new:
            for path in _lost(model, value, new[name], model.underlying(declared[name].type).name):
                yield name, *path


def tell(found: Mapping[int, tuple[dict[str, Any], str]], touched: Mapping[int, Touch], options: bound.Options) -> None:
    """Puts null into objects of a delta (by row) for the dynamic properties that were lost, as far as they are selected."""
    for row in found.keys() & touched.keys():
        touch = touched[row]
        for path in () if touch.fresh else [tuple(name[1:].split("/")) for name in touch.names if name.startswith(MARK)]:
            if _selected(path, options.select):
                *steps, name = path
                place: Any = found[row][0]
                for step in steps:
                    if isinstance(place, dict) and step in place:
                        place[step] = parsed(place[step])
                    place = place.get(step) if isinstance(place, dict) else None
                if isinstance(place, dict):
                    place.setdefault(name, None)


def _selected(path: Path, select: Iterable[bound.SelectItem] | None) -> bool:
    if select is None:
        return True
    for item in select:
        wanted = tuple(step for step in item.path if "." not in step)
        if item.kind == "star" or wanted == ("*",):
            return True
        if wanted and path[:len(wanted)] == wanted and (
                item.options is None or len(path) == len(wanted) or _selected(path[len(wanted):], item.options.select)):
            return True
    return False
