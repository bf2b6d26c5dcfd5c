"""Plan: a typed request and a mapping -> what to do, in tables.

Reads become one `Query` a path with the `Shape` of its objects; writes become ordered steps. No SQL text, no values of the
request, no HTTP. Raises NotImplementedByService for what a mapping has no place for.
"""

from app.plan.nodes import NO_GRANTS, CountQuery, Grants, Query, Read, Rows, Slot, Source
from app.plan.read import Planner

__all__ = ["NO_GRANTS", "CountQuery", "Grants", "Planner", "Query", "Read", "Rows", "Slot", "Source"]
