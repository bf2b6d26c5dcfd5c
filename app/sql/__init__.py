"""Sql: a plan's query becomes a statement, a statement with the values of a request becomes rows.

`compile_query`, `compile_count`, `compile_items`, `compile_values` and `compile_gathering` turn `app.plan.nodes` into a
`Statement`: text, marks, columns; `fetch` and `stream` run it, `readers` make its values canonical. Peewee builds and
renders, the driver runs. Raises NotImplementedByService, by name, for what SQL cannot compute, and the errors of `Store` when
a statement fails.
"""

from app.sql.compile import compile_count, compile_query
from app.sql.gatherings import compile_gathering
from app.sql.items import compile_items, compile_values
from app.sql.run import fetch, readers, stream
from app.sql.statement import Bind, Statement, Values

__all__ = ["Bind", "Statement", "Values", "compile_count", "compile_gathering", "compile_items",
           "compile_query", "compile_values", "fetch", "readers", "stream"]
