"""Sets changed as a whole: PATCH of a collection with a delta, PUT with its full set of members.

Members are carried out in the order of the body, in one transaction: all or nothing, unless `continue-on-error`, where
each stands for itself. Protocol §11.4.12; conformance P-11.4.12.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.bind import nodes as bound
from app.edm import vocabularies
from app.errors import (BindError, BodyError, MethodNotAllowed, ODataError, PreconditionFailed, PreconditionRequired,
                        ServiceUnavailable)
from app.payload.schemas import Reading
from app.plan.changes import Change, LinkChange
from app.service import alterations, bodies, outcomes
from app.service.call import Call
from app.service.entities import Entity
from app.service.gathering import Gathering
from app.service.outcomes import Outcome
from app.service.paths import path_of
from app.service.response import Response
from app.service.session import WriteSession
from app.service.write import allow, check_collection, collection_steps, parent_at, place, prepare, transact
from app.store.mapping import Whole

METHODS = {"insert": "POST", "update": "PATCH", "delete": "DELETE"}       # what each right is to do to one entity


def change(call: Call) -> Response:
    """PATCH: upserts, deletes, added and deleted links."""
    return _Members(call, removals=True).carry_out()


def replace_all(call: Call) -> Response:
    """PUT: the entities of the body and no others."""
    return _Members(call, removals=False).carry_out()


class _Members:
    """One request."""

    def __init__(self, call: Call, removals: bool) -> None:
        steps = call.resource.steps
        if any(isinstance(step, bound.FilterStep | bound.CastStep) for step in steps) and not isinstance(
                steps[-1], bound.SetStep | bound.NavigationStep):
            raise BindError("A collection is changed as a whole: no type and no $filter can follow it in the URL")
        outcomes.check_options(call)
        self.call, self.removals = call, removals
        self.before, self.last = collection_steps(steps)
        self.reader = call.reader
        self.items = self.reader.read_members(bodies.json_body(call), removals=removals)
        outcomes.guard(call, len(self.items))
        self.reading: Reading = replace(bodies.reading(call, "patch" if removals else "put"), etags=True, version="4.01")
        self.goes_on = call.wishes.goes_on
        last = self.last
        self.implied = (self.reader.implied(last.owner, last.navigation) if isinstance(last, bound.NavigationStep)
                        else (frozenset[str](), frozenset[str]()))
        self.table = prepare(call)
        self.kept: set[tuple[str, int]] = set()

    def carry_out(self) -> Response:
        """The answer, from inside the transaction."""
        changes = self._read()

        def work(session: WriteSession) -> Response:
            self.kept = set()
            parent = None
            if isinstance(self.last, bound.NavigationStep):
                parent, self.table, _ = parent_at(self.call, session, self.before, self.last)
            check_collection(self.call, parent)
            found = [self._one(session, parent, *pair) for pair in zip(self.items, changes, strict=True)]
            if not self.removals:
                found += self._rest(session, parent)
            return outcomes.answer(self.call, found, self.removals, not self.removals)
        return transact(self.call, work)

    # --- reading -----------------------------------------------------------------------------------------

    def _read(self) -> list[Change | LinkChange | ODataError]:
        """The members; one that cannot be read is an error of its own where the others go on."""
        found: list[Change | LinkChange | ODataError] = []
        for index, item in enumerate(self.items):
            try:
                each = self.reader.read_member(item, self.call.resource.type, self.reading, f"value/{index}", self.implied)
                if isinstance(each, Change):
                    self.call.service.catalogue.prepare(self.table, each)
                found.append(each)
            except BodyError as error:
                if not self.goes_on:
                    raise
                found.append(error)
        return found

    # --- one member --------------------------------------------------------------------------------------

    def _one(self, session: WriteSession, parent: Entity | None, item: Mapping[str, Any],
             change: Change | LinkChange | ODataError) -> Outcome:
        operation = ["insert"]
        row: list[tuple[str, int] | None] = [None]

        def work() -> Outcome:
            if isinstance(change, ODataError):
                operation[0], row[0] = self._meant(session, parent, item)
                raise change
            if isinstance(change, LinkChange):
                operation[0] = "link" if change.there else "unlink"
                self._link(session, change)
                return Outcome(operation[0], given=item, link=change)
            return self._entity(session, parent, item, change, operation, row)
        if not self.goes_on:
            return work()
        try:
            return session.attempt(work)
        except ServiceUnavailable:
            raise
        except ODataError as error:
            link = change if isinstance(change, LinkChange) else None
            if row[0] is not None:          # it is in the body, so a full set keeps it
                self.kept.add(row[0])
            return Outcome(operation[0], row[0], given=item, link=link, error=error)

    def _entity(self, session: WriteSession, parent: Entity | None, item: Mapping[str, Any], change: Change,
                operation: list[str], row: list[Any]) -> Outcome:
        """Carry out one entity; `operation` and `row` tell what it was about, should it fail."""
        type = self.call.resource.type
        if change.removed is not None:
            operation[0] = "delete" if change.removed == "deleted" or parent is None else "unlink"
        gathering = Gathering(session)
        existing = gathering.stored(change, self.table, type, parent, self._name())
        if existing is not None:
            row[0] = existing.handle
            operation[0] = operation[0] if change.removed is not None else "update"
            self._check(change, existing)
        right = operation[0] if operation[0] in METHODS else "update"
        allow(self.call, self.table, right, METHODS[right], place(self.call))
        if operation[0] in alterations.PREFIXES:
            gathering.asked = alterations.written(self.call.policy, self.call.mapping, self.table, item, operation[0],
                                                  place(self.call), change.at).become
        path = "" if existing is None else path_of(existing)
        operation[0], entity = gathering.member(change, self.table, type, parent, self._name())
        session.carry_out(gathering)
        if entity is None or change.removed is not None:
            return Outcome(operation[0], path=path, given=item)
        assert entity.handle is not None
        self.kept.add(entity.handle)
        return Outcome(operation[0], entity.handle, given=item, change=change)

    def _meant(self, session: WriteSession, parent: Entity | None, item: Mapping[str, Any]
               ) -> tuple[str, tuple[str, int] | None]:
        """What a member that cannot be read was to do, and the stored entity that it names."""
        type = self.call.resource.type
        change = self.reader.member(item, type, self.reading, "value", [], *self.implied, None)
        existing = None if change is None else Gathering(session).stored(change, self.table, type, parent, self._name())
        return ("insert", None) if existing is None else ("update", existing.handle)

    def _name(self) -> str:
        return self.last.navigation.name if isinstance(self.last, bound.NavigationStep) else ""

    def _check(self, change: Change, entity: Entity) -> None:
        """The ETag that a member has to bring along in a set under Core.OptimisticConcurrency."""
        from app.service.conditions import matches
        if change.etag is not None:
            if change.etag != "*" and not matches(change.etag, entity.etag):
                raise PreconditionFailed(target=f"{change.at}/@odata.etag")
        elif vocabularies.optimistic_concurrency(self.call.model, entity.layout.id) and (
                self.call.request.header("if-match") != "*"):
            raise PreconditionRequired("Changing an entity of this set requires its @odata.etag", target=change.at or None)

    def _link(self, session: WriteSession, change: LinkChange) -> None:
        source = session.resolve(change.source, None, "")
        navigation = source.layout.navigations.get(change.relationship)
        if navigation is None:
            raise BodyError(f"{source.type} has no navigation property '{change.relationship}'.", code="unknownProperty")
        relation = source.layout.relation(change.relationship)
        if isinstance(relation, Whole):
            raise MethodNotAllowed(f"'{change.relationship}' leads to every entity of '{relation.target}'")
        allow(self.call, source.layout.id, "update", "PATCH")
        if alterations.tied(self.call.model, (source.layout.id,), change.relationship, change.there):
            raise BodyError(f"The links of '{change.relationship}' cannot be written here.", code="notWritable",
                            target=change.source.at.rpartition("/")[0])
        target = session.resolve(change.target, getattr(relation, "target", None), navigation.type)
        gathering = Gathering(session)
        if change.there:
            gathering.relate(source, change.relationship, target)
        elif navigation.collection:
            gathering.unrelate(source, change.relationship, target)
        elif session.related(source, change.relationship) == target:
            gathering.replace(source, change.relationship, [])
        session.carry_out(gathering)

    # --- what a full set leaves out ----------------------------------------------------------------------

    def _rest(self, session: WriteSession, parent: Entity | None) -> list[Outcome]:
        """Members that the body does not name go: deleted from a set, unlinked from a navigation property that does not
        contain them."""
        found = []
        members = session.all_by_columns(self.table, []) if parent is None else session.members(parent, self._name())
        for entity in members:
            if entity.handle in self.kept or entity.handle in session.deleted or session.visible(entity) is None:
                continue
            gone = Change(entity.type, "patch", key=dict(entity.key), removed="deleted" if parent is None else "changed")
            found.append(self._one(session, parent, {}, gone))
        return found
