"""Store: where entities live.

`mapping` turns a model into tables, columns and relations; `database.connect` gives a `Store`, which runs SQL text in
transactions; its `dialect` says how values and functions are written for that database; `schema` makes and checks the
tables; `streams` keeps the bytes of media and stream properties in chunks. Peewee and the drivers live here and in
`sql`. Raises errors of `app.errors` (a database's own errors are translated) and `Retry`, which asks for the
transaction again.
"""

from app.store.database import Retry, Store, connect
from app.store.mapping import Mapping, map_model

__all__ = ["Mapping", "Retry", "Store", "connect", "map_model"]
