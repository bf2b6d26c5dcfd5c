"""Functions of the sales model: what a transformation of `$apply` can be beside those of the standard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import Operations

if TYPE_CHECKING:
    from app import Context, Entity, Selection

NS = "SalesModel."
SALES, CUSTOMERS = f"Collection({NS}Sale)", f"Collection({NS}Customer)"

operations = Operations()


@operations.function(NS + "Largest", bound_to=SALES)
def largest(sales: Selection, count: int = 1, *, context: Context) -> list[Entity]:
    """The largest of the sales, the largest first."""
    return sorted(sales, key=lambda sale: (-(sale["Amount"] or 0), sale["ID"]))[:count]


@operations.function(NS + "Above", bound_to=SALES)
def above(sales: Selection, amount: float, *, context: Context) -> Selection:
    return sales.where("Amount gt @amount", amount=amount).orderby("Amount desc,ID desc")


@operations.function(NS + "Buyers", bound_to=SALES)
def buyers(sales: Selection, *, context: Context) -> list[Entity]:
    """Who bought something in these sales, each once."""
    return list({sale["Customer"]["ID"]: sale["Customer"] for sale in sales.orderby("ID")}.values())


@operations.function(NS + "All", bound_to=SALES)
def everything(sales: Selection, *, context: Context) -> Selection:
    """Every sale, whatever was selected."""
    return context.set("Sales")


@operations.function(NS + "Taxed", bound_to=f"{NS}Sale")
def taxed(sale: Entity, *, context: Context) -> float:
    return float(sale["Amount"]) * 2
