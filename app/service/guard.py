"""Guard: what one principal may change in one transaction, asked by the write session at every change (DESIGN §9).

What exists is checked before it changes, what is written before the transaction ends: it has to lie inside the rows that the
policy leaves. An entity outside of what may be read answers 404, one that may be read but not changed 403.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from app import sql
from app.errors import Forbidden, NotFound
from app.plan import Query, Source
from app.plan.nodes import Output
from app.service.access import Policy
from app.store.drivers import dangling
from app.store.mapping import Column, Inverse, Reference

if TYPE_CHECKING:
    from app.service.entities import Entity
    from app.service.session import WriteSession

OUTSIDE = "The entity would lie outside of what you may change"


class Guard:
    """The rights of one principal during one transaction. `values`: those that row predicates are bound to."""

    def __init__(self, session: WriteSession, policy: Policy, values: tuple[Any, ...]) -> None:
        self.session, self.policy, self.values = session, policy, values
        self._following = 0
        self._written: dict[tuple[str, str], set[int]] = {}

    # --- what may be seen --------------------------------------------------------------------------------

    def sees(self, entity: Entity) -> bool:
        """Whether an entity is among the rows that the principal may read; new ones are."""
        id, row = entity.layout.id, entity.row_id
        if row is None or (id, row) in self.session.created or id not in self.policy.rows:
            return True
        return row in self._inside("read", id, [row])

    def reaches(self, id: str) -> None:
        """Raises Forbidden where a body may not refer to the entities of a table."""
        self.policy.grants.one(id)

    # --- what may be changed -----------------------------------------------------------------------------

    def change(self, right: str, entity: Entity, names: Iterable[str] = ()) -> None:
        """Before a stored entity is changed or deleted. Raises NotFound, Forbidden."""
        id, row = entity.layout.id, entity.row_id
        assert row is not None
        self._permit(right, entity, names)
        if (id, row) in self.session.created:
            return
        if row not in self._inside(right, id, [row]):
            if self._following:
                raise Forbidden("The change would take along what you may not change")
            if not self.sees(entity):
                raise NotFound(reason="There is no such entity")
            raise Forbidden(f"You may not change this entity of '{id.rpartition('/')[2]}'")
        if right == "update":
            self._written.setdefault((right, id), set()).add(row)

    def insert(self, entity: Entity, names: Iterable[str] = ()) -> None:
        """Before an entity is created. Raises Forbidden."""
        self._permit("insert", entity, names)

    def stored(self, entity: Entity, columns: Mapping[str, Any]) -> None:
        """Before columns are stored: a key that a row has which cannot be seen lies outside, and a reference to such a row is
        one to no row. Raises Forbidden, Conflict."""
        if self._following or not self.policy.rows:
            return
        session, layout, table = self.session, entity.layout, entity.layout.table
        if layout.id in self.policy.rows:
            for key in (table.key, *table.alternate_keys):
                if any(column.name in columns for _, column in key):
                    found = session.by_columns(layout.id, [*session.owned(table, entity.owner), *(
                        (column, self._value(entity, column, columns)) for _, column in key)])
                    if found is not None and found.row_id != entity.row_id and not self.sees(found):
                        raise Forbidden(OUTSIDE)
        for name in layout.navigations:
            relation = layout.relation(name)
            if not (isinstance(relation, Reference) and relation.target in self.policy.rows and entity.linked.get(name) is None):
                continue
            if any(columns.get(own.name) is not None for own in relation.own):
                target = session.by_columns(relation.target, [
                    (other, self._value(entity, own, columns)) for own, other in zip(relation.own, relation.other, strict=True)])
                if target is not None and not self.sees(target):
                    raise dangling()

    @staticmethod
    def _value(entity: Entity, column: Column, columns: Mapping[str, Any]) -> Any:
        return columns[column.name] if column.name in columns else None if entity.row is None else entity.row.get(column.name)

    def inserted(self, entity: Entity) -> None:
        """After it was: where it lies is looked at when the transaction ends."""
        assert entity.row_id is not None
        self._written.setdefault(("insert", entity.layout.id), set()).add(entity.row_id)

    @contextmanager
    def following(self) -> Iterator[None]:
        """What happens inside follows from another change: it needs no right of its own, but has to stay inside the rows."""
        self._following += 1
        try:
            yield
        finally:
            self._following -= 1

    def check(self) -> None:
        """Everything written since the last time lies inside the rows that the policy leaves; Forbidden otherwise."""
        deleted = self.session.deleted
        written, self._written = self._written, {}
        for (right, id), rows in written.items():
            left = [row for row in rows if (id, row) not in deleted]
            if len(self._inside(right, id, left)) < len(left):
                raise Forbidden(OUTSIDE)

    def forget(self) -> None:
        """What was written since the last check was undone."""
        self._written = {}

    def restored(self, type: str, value: dict[str, Any], old: Any) -> dict[str, Any]:
        """A complex value that replaces another keeps the members that the principal cannot see."""
        hidden = self.session.model.properties(type).keys() - self.policy.model.properties(type).keys()
        return value | {name: old[name] for name in hidden if isinstance(old, dict) and name in old}

    # --- how ---------------------------------------------------------------------------------------------

    def _permit(self, right: str, entity: Entity, names: Iterable[str]) -> None:
        if self._following:
            return
        policy, id = self.policy, entity.layout.id
        while "/" in id and id not in policy.own:       # who may update an owner may change what it contains
            right = "update"
            owner = entity.layout.table.owner if id == entity.layout.id else self.session.mapping.table(id).owner
            assert owner is not None
            if entity.owner is not None and id == entity.layout.id:
                id = entity.owner.layout.id
            elif owner.source is not None and entity.row is not None and id == entity.layout.id:
                id = entity.row[owner.source.name]
            else:
                id = next((each for each in owner.tables if (right, each) in policy.refused), owner.tables[0])
        policy.require(right, id)
        allowed = policy.writable.get((right, id)) if id == entity.layout.id else None
        for name in sorted(set(names) - allowed) if allowed is not None else ():
            raise Forbidden(f"You may not write '{name}'", target=name)

    def _inside(self, right: str, id: str, rows: list[int]) -> set[int]:
        """Those of the row ids that the policy's predicate holds of, as they are stored now."""
        policy, session = self.policy, self.session
        predicate = policy.rows.get(id) if right == "read" else policy.limits.get((right, id))
        if predicate is None or not rows:
            return set(rows)
        statement = policy.statements.get((right, id))
        if statement is None:
            table = session.mapping.table(id)
            relation = Inverse(id, (table.row_id,), (table.row_id,), ("", ""))
            source = Source(id, table.type, relation=relation, parents=True, grant=predicate)
            query = Query(source, (Output(column=table.row_id, type="Edm.Int64"),), links=1)
            statement = policy.statements[right, id] = sql.compile_query(query, session.mapping, session.store.dialect)
        values = sql.Values(parents=[(row,) for row in rows], principal=self.values, now=session.now)
        return {row[0] for row in sql.fetch(session.store, statement, values)}
