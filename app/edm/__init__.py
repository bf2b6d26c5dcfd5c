"""Edm: the Entity Data Model as immutable data.

Elements (`model`), annotation expressions (`expressions`), primitive types and their values (`types`), the
look-up of names (`index.Model`) and the terms the service honours as typed questions (`vocabularies`).
Imports nothing but `errors`; knows no file format, no URL, no store.
"""

from app.edm.index import Model

__all__ = ["Model"]
