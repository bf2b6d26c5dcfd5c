"""Enumerations: casts between them, their text and their numbers (URL Conventions §5.1.1.10.1).

The text is that of payloads: a member, members of flags joined by ',', or the number where no members make it up.
"""

from __future__ import annotations

from collections.abc import Sequence

import peewee as pw

from app.edm import types
from app.edm.model import EnumType, Member
from app.sql import terms
from app.sql.scope import Build
from app.store.clauses import text, when


def cast(node: pw.Node, source: str, target: str, build: Build) -> pw.Node | None:
    """The value as text or as a member of an enumeration, null where it is none; None for other casts."""
    found, wanted = build.model.enum_type(source), build.model.enum_type(target)
    if found is not None and target == "Edm.String":
        return shown(node, found, build)
    if wanted is None or source == target:
        return None if wanted is None else node
    if source == "Edm.String":
        return named(node, wanted, build)
    if source not in types.INTEGERS:
        return build.dialect.typed(pw.SQL("NULL"), target)
    return node if wanted.flags else when(among(node, wanted.members), node)


def number(value: int) -> pw.Node:
    return pw.SQL(f"({value})")


def among(node: pw.Node, members: Sequence[Member]) -> pw.Node:
    return terms.any_of([terms.compare(node, "=", number(member.value)) for member in members])


def shown(node: pw.Node, enum: EnumType, build: Build) -> pw.Node:
    """The text of a number."""
    digits = build.dialect.to_text(node, "Edm.Int64")
    exact = [(terms.compare(node, "=", number(member.value)), text(member.name)) for member in enum.members]
    if not enum.flags:
        return pw.Case(None, exact, digits)
    parts = [(member, part(node, member, enum, build)) for member in sorted(enum.members, key=lambda each: each.value)
             if member.value]
    whole = pw.NodeList([when(test, number(member.value), number(0)) for member, test in parts], " + ", True)
    names = build.dialect.join_text(*(when(test, text("," + member.name), text("")) for member, test in parts))
    joined = pw.fn.SUBSTR(names, pw.SQL("2"))
    return pw.Case(None, [*exact, (terms.compare(whole, "=", node), joined)], digits)


def part(node: pw.Node, member: Member, enum: EnumType, build: Build) -> pw.Node:
    """Whether a member is one of those that make up a number: its bits are set and no greater one has taken any."""
    greater = [each for each in enum.members if each.value > member.value > 0 and each.value & member.value]
    return terms.all_of([build.dialect.has(node, number(member.value)),
                         *(terms.no(part(node, each, enum, build)) for each in greater)])


def named(node: pw.Node, enum: EnumType, build: Build) -> pw.Node:
    """The number of a text: a member, or several of flags, or a number, of a member where there are no flags."""
    dialect = build.dialect
    members = {member.name: member.value for member in enum.members}
    digits = dialect.parsed(node, enum.underlying)
    if not enum.flags:
        return pw.fn.COALESCE(dialect.enum_value(node, members, False), when(among(digits, enum.members), digits))
    rest = dialect.join_text(text(","), pw.fn.REPLACE(node, text(","), text(",,")), text(","))
    for name in members:
        rest = pw.fn.REPLACE(rest, text(f",{name},"), text(""))
    known = terms.compare(rest, "=", text(""))
    return pw.Case(None, [(known, dialect.enum_value(node, members, True)), (terms.not_null(digits), digits)])
