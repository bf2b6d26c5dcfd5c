"""Delta of expanded properties for OData 4.0, which does not nest: entities of other sets, links made and ended, side by
side with the entities that they belong to (JSON Format §15.4, §15.5).

A branch is read for the entities of a page of changes: those new to the client with all that is related, the others with
what changed: related entities that changed, links that came, links that went.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from app import sql
from app.payload import delta as form
from app.plan import Source
from app.service.changes import Branch
from app.service.delta import Changes, Item, Keys, gone
from app.service.rows import Node, Run
from app.store.mapping import Contained, Reference

if TYPE_CHECKING:
    from app.service.call import Call

Paths = Mapping[int, str]


@dataclass(slots=True)
class Told:
    """What one answer has said so far: an entity or its removal is said once."""

    entities: set[tuple[str, int]] = field(default_factory=set)


class Links:
    """The expanded properties of one level."""

    def __init__(self, call: Call, branches: Iterable[Branch]) -> None:
        self.branches = tuple(LinkBranch(call, branch) for branch in branches)

    def of(self, call: Call, changes: Changes, paths: Paths) -> dict[int, list[Item]]:
        """Row → the objects beside its entity. `paths`: the entities of the result, with their URLs below the root."""
        found: dict[int, list[Item]] = {}
        self.add(call, changes, paths, {row for row in paths if changes.new(row)}, changes.base, Told(), found, None)
        return found

    def add(self, call: Call, changes: Changes, paths: Paths, new: set[int], base: str, told: Told,
            found: dict[int, list[Item]], top: Mapping[int, int] | None) -> None:
        """Adds what each branch has to say, under the entity of the page that it belongs to (`top`: of deeper levels)."""
        for branch in self.branches:
            branch.add(call, changes, paths, new, base, told, found, top)


class LinkBranch:
    """One expanded property."""

    def __init__(self, call: Call, branch: Branch) -> None:
        self.branch, self.hop, self.about = branch, branch.hop, branch.interest
        item = branch.item
        planner = call.service.planner(call.policy, call.wishes.page_size)
        self.table = call.mapping.table(self.hop.target)
        type = item.cast or item.type
        source = Source(self.hop.target, type, planner.types(self.hop.target, type),
                        grant=planner.grants.get(self.hop.target), grants=planner.grants, rows=True)
        options = replace(item.options, expand=(), top=None, skip=None, orderby=(), count=False)
        self.node = Node(call.sight, planner.read(source, options, collection=True), call.wishes.format, call.request.root)
        self.row = self.node.read.sort[-1]
        self.keys = Keys(call, source)
        self.references = item.suffix == "$ref"
        self.counted = item.suffix == "$count"
        self.single = isinstance(self.hop.relation, Reference)
        self.inner = Links(call, self.about.branches)

    def add(self, call: Call, changes: Changes, paths: Paths, new: set[int], base: str, told: Told,
            found: dict[int, list[Item]], top: Mapping[int, int] | None) -> None:
        window, trail, hop, format = changes.window, changes.trail, self.hop, call.wishes.format
        touched = window.of(hop.target)
        swayed = trail.swayed(self.about)
        changed = window.told(self.about, self.table) | swayed
        deeper = trail.reached(self.about)
        made = {pair for pair, there in trail.linked(hop) if there}
        parted = {pair for pair in trail.parted(hop) if pair[0] in paths and pair[0] not in new}
        seen = changed | deeper | trail.moved(hop) | {target for _, target in made | parted}
        now = trail.related(hop, new, False) | {pair for pair in trail.related(hop, seen) if pair[0] in paths}
        if self.single:
            now |= trail.related(hop, {row for row in paths if self.repointed(window.of(hop.own).get(row))}, False)
        there = self.read(call, sorted({target for _, target in now}), {target: paths[own] for own, target in now})
        ended = {pair for pair in parted if pair not in now}
        ended |= {pair for pair in now if pair[1] in changed and pair[1] not in there and pair[0] not in new}
        if self.single:     # a link in the place of another tells that that one ended
            replaced = {own for own, target in now if target in there}
            ended = {pair for pair in ended if pair[0] not in replaced}
        stored = self.keys.stored(call, sorted({target for _, target in ended}))
        below: dict[int, int] = {}
        fresh: set[int] = set()
        for own, target in sorted(now):
            if target not in there:
                continue
            item, path = there[target]
            items = found.setdefault(top[own] if top else own, [])
            touch = touched.get(target)
            came = own in new or (own, target) in made | parted or target in swayed or touch is not None and (
                touch.created or any(self.ties(was) for was in touch.was) or bool(touch.names & self.about.decides)
            ) or self.single and self.repointed(window.of(hop.own).get(own))
            if (came or target in changed) and (hop.target, target) not in told.entities and not self.references:
                told.entities.add((hop.target, target))
                items.append(form.member(format, self.set_of(path), item))
            if came:
                items.append(form.link(format, base, paths[own], hop.name, path, True))
                fresh.add(target)
            below.setdefault(target, top[own] if top else own)
        for own, target in sorted(ended):
            items = found.setdefault(top[own] if top else own, [])
            items += self.over(changes, own, target, stored.get(target), paths, base, told)
        if self.inner.branches and below:
            self.inner.add(call, changes, {target: there[target][1] for target in below}, fresh, self.hop.target, told,
                           found, below)

    def repointed(self, touch: Any) -> bool:
        """Whether the entity that has this to-one property points elsewhere than before."""
        return touch is not None and (touch.created or any(
            column.name in was for was in touch.was for column in self.hop.relation.own))    # type: ignore[union-attr]

    def ties(self, was: Mapping[str, Any]) -> bool:
        """Whether old values are those of the columns that tie the related entity."""
        other = getattr(self.hop.relation, "other", ())
        return isinstance(other, tuple) and any(column.name in was for column in other)

    def set_of(self, path: str) -> str:
        """What a context names the related entities by."""
        return path.rpartition("(")[0] or path if self.node.writer.keyed else path

    def read(self, call: Call, rows: list[int], owners: Mapping[int, str]) -> dict[int, tuple[Item, str]]:
        """Row → (object, URL below the root) of the related entities that the options let through."""
        if not rows:
            return {}
        run = Run(replace(call.service.values(call), rows=rows), call.syntax.options)
        found = sql.fetch(call.store, self.node.statement, run.values)
        bases: str | list[str] = ""
        if self.node.writer.needs_base:
            bases = [f"{owners[row[self.row]]}/{self.hop.name}" for row in found]
        made, paths = self.node.objects(found, run, bases), self.node.paths(found, bases)
        return {row[self.row]: (each, path) for row, each, path in zip(found, made, paths, strict=True)}

    def over(self, changes: Changes, own: int, target: int, key: Mapping[str, Any] | None, paths: Paths, base: str,
             told: Told) -> list[Item]:
        """What to say of a link that ended: that the entity is gone, or the link."""
        call = changes.call
        touch = changes.window.of(self.hop.target).get(target)
        bottom = f"{paths[own]}/{self.hop.name}" if isinstance(self.hop.relation, Contained) else self.hop.target
        if touch is not None and touch.deleted:
            if touch.ended is None or (self.hop.target, target) in told.entities:
                return []
            if self.node.read.query.source.grant is not None:
                raise gone(call)
            told.entities.add((self.hop.target, target))
            return [self.keys.removed(call.request.root, bottom, self.keys.logged(touch.ended), "deleted")]
        if key is None or touch is not None and touch.created and own not in changes.window.of(self.hop.own):
            return []
        return [form.link(call.wishes.format, base, paths[own], self.hop.name, self.keys.path(bottom, key), False)]
