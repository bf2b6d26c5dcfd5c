"""Search: `$search` over the one index table of all stores.

AND, OR, NOT are set operations on the rows, a phrase is consecutive positions. URL Conventions §5.1.8; DESIGN §5.
"""

from __future__ import annotations

import peewee as pw

from app import errors
from app.sql.scope import Build, Place
from app.url import nodes as url


def matches(search: url.Search, place: Place, build: Build) -> pw.Node:
    """Whether the entity at a place matches a search expression."""
    raise errors.NotImplementedByService(feature="$search")
