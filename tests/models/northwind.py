"""Operations and one rule of the Northwind model: unbound, bound to an entity and to a collection."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from app import Conflict, Operations

if TYPE_CHECKING:
    from app import Change, Context, Entity, Selection

NS = "Northwind.Model."
CENT = Decimal("0.01")

operations = Operations()


@operations.function(NS + "TopProducts")
def top_products(count: int, category: int | None = None, *, context: Context) -> Selection:
    """The dearest products, of one category or of all."""
    products = context.set("Products").orderby("UnitPrice desc,ID").top(count)
    return products if category is None else products.where("CategoryID eq @category", category=category)


@operations.function(NS + "PriceWithTax")
def price_with_tax(price: Decimal, percent: Decimal = Decimal(19), *, context: Context) -> Decimal:
    return (price * (100 + percent) / 100).quantize(CENT, ROUND_HALF_UP)


@operations.function(NS + "Turnover", bound_to=NS + "Customer")
def turnover(customer: Entity, *, context: Context) -> Decimal:
    """What the customer's orders come to before discounts; drafts and cancelled ones do not count."""
    orders = customer.navigate("Orders").where("Status in ('Placed','Shipped')").expand("Details")
    return sum((line["UnitPrice"] * line["Quantity"] for order in orders for line in order["Details"]), Decimal(0))


@operations.function(NS + "Busiest", bound_to=f"Collection({NS}Employee)")
def busiest(employees: Selection, *, context: Context) -> Entity | None:
    """Of these employees the one with most orders; the first of several by number."""
    return employees.orderby("Orders/$count desc,EmployeeID").first()


@operations.action(NS + "RaisePrices")
def raise_prices(category: int, percent: Decimal, *, context: Context) -> int:
    """Raise the prices of a category and note each change; says how many there were."""
    raised = list(context.set("Products").where("CategoryID eq @category and not Discontinued", category=category))
    for product in raised:
        price = (product["UnitPrice"] * (100 + percent) / 100).quantize(CENT, ROUND_HALF_UP)
        product.update({"UnitPrice": price})
        context.set("PriceChanges").insert({"ProductID": product["ID"], "ValidFrom": context.now, "Price": price})
    return len(raised)


@operations.action(NS + "ForgetTags")
def forget_tags(*, context: Context) -> None:
    """Remove the tags that no product has."""
    for tag in list(context.set("Tags").where("not Products/any()")):
        tag.delete()


@operations.action(NS + "Discontinue", bound_to=NS + "Product")
def discontinue(product: Entity, *, context: Context) -> Entity:
    product.update({"Discontinued": True})
    return product


@operations.action(NS + "Ship", bound_to=NS + "Order")
def ship(order: Entity, to: dict[str, object] | None = None, *, context: Context) -> None:
    """Send a placed order, to another address when one is given."""
    if order["Status"] != "Placed":
        raise Conflict("Only a placed order can be shipped.", code="notPlaced", target="Status")
    order.update({"Status": "Shipped"} | ({"ShipTo": to} if to is not None else {}))


@operations.rule(NS + "OrderDetail", on=("create",))
def price_line(change: Change, *, context: Context) -> None:
    """A line of an order cannot name a discontinued product."""
    product = change.new.navigate("Product")
    if product is not None and product["Discontinued"]:
        raise Conflict(f"'{product['Name']}' is discontinued.", code="discontinued", target="Product")
