"""Operations of the calls model: they tell what they were called with, or hand on what they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app import Operations

if TYPE_CHECKING:
    from app import Context, Entity, Selection

NS = "Calls."
ITEM, ITEMS, SIZE = NS + "Item", f"Collection({NS}Item)", NS + "Size"

operations = Operations()


def _text(value: Any) -> str:
    """A value as the results below tell it."""
    if isinstance(value, list):
        return "[" + " ".join(map(_text, value)) + "]"
    if isinstance(value, dict):
        return "{" + " ".join(f"{name}:{_text(each)}" for name, each in value.items()) + "}"
    if hasattr(value, "layout"):
        return f"Item({value['Id']})"
    return value.decode() if isinstance(value, bytes) else str(value)


@operations.action(NS + "Tell")
def tell(*, context: Context, **parameters: Any) -> list[str]:
    return [f"{name}={_text(value)}" for name, value in parameters.items() if value is not None]


@operations.action(NS + "Need")
def need(number: int, words: list[str], level: int, mark: str = "none", *, context: Context) -> str:
    return f"{number} {_text(words)} {level} {mark}"


@operations.action(NS + "MakeItem")
def make_item(id: int, *, context: Context) -> Entity:
    return context.set("Items").insert({"Id": id, "Name": "made"})


@operations.action(NS + "FindItems")
def find_items(name: str | None = None, *, context: Context) -> Selection:
    return context.set("Items").where("Name eq @name", name=name)


@operations.action(NS + "Measure")
def measure(none: bool, *, context: Context) -> dict[str, Any] | None:
    return None if none else {"Width": 4}


@operations.action(NS + "Touch", bound_to=ITEM)
def touch(item: Entity, *, context: Context) -> Entity:
    item.update({"Name": "touched"})
    return item


@operations.action(NS + "Touch", bound_to=ITEMS)
def touch_all(items: Selection, *, context: Context) -> int:
    return len(list(items))


@operations.action(NS + "Touch", bound_to=SIZE)
def touch_size(size: dict[str, Any] | None, *, context: Context) -> int | None:
    return None if size is None else int(size["Width"])


@operations.action(NS + "Touch", bound_to="Collection(Edm.String)")
def touch_marks(marks: list[str], *, context: Context) -> int:
    return len(marks)


@operations.action(NS + "Split", bound_to=ITEM)
def split(item: Entity, *, context: Context) -> list[str]:
    return [str(item["Id"]), str(item["Name"])]


@operations.function(NS + "Sizes")
def sizes(*, context: Context) -> list[dict[str, Any]]:
    return [{"Width": 3, "Unit": "m"}, {"Width": 1}, {"@odata.type": "#Calls.Box", "Width": 2, "Unit": None, "Depth": 8}]


@operations.function(NS + "Words")
def words(prefix: str | None = None, *, context: Context) -> list[str]:
    return [(prefix or "") + word for word in ("pear", "fig", "apple")]


@operations.function(NS + "Biggest", bound_to=ITEM)
def biggest(item: Entity, *, context: Context) -> dict[str, Any] | None:
    return max(item["Sizes"], key=lambda size: size["Width"], default=None)


@operations.function(NS + "Double", bound_to=SIZE)
def double(size: dict[str, Any] | None, *, context: Context) -> dict[str, Any] | None:
    return None if size is None else {**size, "Width": 2 * size["Width"]}


@operations.function(NS + "First", bound_to=ITEMS)
def first(items: Selection, *, context: Context) -> Entity | None:
    return items.orderby("Id").first()


@operations.function(NS + "Named", bound_to=ITEMS)
def named(items: Selection, names: list[str], *, context: Context) -> list[Entity]:
    return [item for item in items if item["Name"] in names]


@operations.function(NS + "Of")
def of(item: Entity | None, size: dict[str, Any] | None, mood: str | None, *, context: Context) -> str:
    return f"{_text(item)} {_text(size)} {mood}"


@operations.function(NS + "Kind", bound_to=ITEM)
def kind(item: Entity, *, context: Context) -> str:
    return "item"


@operations.function(NS + "Kind", bound_to=NS + "Special")
def special_kind(item: Entity, *, context: Context) -> str:
    return "special"


@operations.function(NS + "Follower", bound_to=ITEM)
def follower(item: Entity, *, context: Context) -> Entity | None:
    found: Entity | None = item["Next"]
    return found


@operations.function(NS + "Parts", bound_to=ITEM)
def parts(item: Entity, *, context: Context) -> list[str]:
    return list(item["Marks"])


@operations.function(NS + "Nothing")
def nothing(kind: str, *, context: Context) -> str | None:
    return None
