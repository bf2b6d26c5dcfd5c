"""URL: request-target text -> untyped syntax tree.

The text of an OData URL says what it says here, before any model is asked: names are kept as written, literals as
text. The raw URL is split first and each part decoded once. Raises UrlError, UnknownOption, OptionNotAllowed or
LimitExceeded (all 400), with `target` naming the query option and `position` the offset into its decoded value.
"""

from app.url.lexer import DEFAULT_LIMITS, Limits
from app.url.nodes import Target
from app.url.notation import show
from app.url.options import (parse, parse_apply, parse_compute, parse_expand, parse_expression, parse_key_literal,
                             parse_options, parse_orderby, parse_search, parse_select)
from app.url.path import parse_entity_reference, parse_path
from app.url.shape import lift

__all__ = ["DEFAULT_LIMITS", "Limits", "Target", "lift", "parse", "parse_apply", "parse_compute",
           "parse_entity_reference", "parse_expand", "parse_expression", "parse_key_literal", "parse_options",
           "parse_orderby", "parse_path", "parse_search", "parse_select", "show"]
