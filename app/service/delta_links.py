"""Delta of expanded properties: what happened in them, and its form in OData 4.0, which does not nest: entities of other
sets, links made and ended, side by side with the entities that they belong to (JSON Format §15.4, §15.5).

A branch is read for the entities of a page of changes: those new to the client with all that is related, the others with
what changed: related entities that changed, links that came, links that went.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from app import sql
from app.bind import nodes as bound
from app.payload import delta as form
from app.payload.format import Format
from app.plan import Source
from app.service import lost
from app.service.changes import Branch, Touch
from app.service.delta import Changes, Item, Keys, gone
from app.service.rows import Node, Run
from app.store.mapping import Contained, Reference

if TYPE_CHECKING:
    from app.service.call import Call

Paths = Mapping[int, str]
Pair = tuple[int, int]
There = dict[int, tuple[Item, str]]


@dataclass(slots=True)
class Told:
    """What one answer has said so far: an entity is said once, and so is a link."""

    entities: set[tuple[str, int]] = field(default_factory=set)
    links: set[tuple[str, ...]] = field(default_factory=set)


class Links:
    """The expanded properties of one level."""

    def __init__(self, call: Call, branches: Iterable[Branch]) -> None:
        self.branches = tuple(LinkBranch(call, branch) for branch in branches if branch.item.suffix != "$count")

    def deleted(self, call: Call, changes: Changes) -> list[Item]:
        """The removals of all deleted entities: they come first, since others with the same keys, and links of these, may
        have come after them. Raises Gone where a policy keeps it from being said whether the client could see one."""
        found = [item for row in changes.rows for item in changes.ended(row, None)]
        for branch in self.all():
            found += branch.deleted(call, changes)
        return list({item["id"]: item for item in found}.values())

    def all(self) -> Iterator[LinkBranch]:
        """The branches of this level and of those below."""
        for branch in self.branches:
            yield branch
            yield from branch.inner.all()

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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened in an expanded property of some entities; pairs are rows of both ends.

    `there`: related entities that the options let through; `now`: the pairs of these that something happened to; `came`:
    those that are new to the client; `changed`: entities whose own changes are told; `ended`: pairs that are no more.
    """

    there: There
    now: list[Pair]
    came: set[Pair]
    changed: set[int]
    ended: list[Pair]
    stored: Mapping[int, dict[str, Any]]


class Looked:
    """One expanded property: what happened in it."""

    def __init__(self, call: Call, branch: Branch) -> None:
        self.branch, self.hop, self.about = branch, branch.hop, branch.interest
        item = branch.item
        planner = call.service.planner(call.policy, call.wishes.page_size)
        self.table = call.mapping.table(self.hop.target)
        type = item.cast or item.type
        self.source = Source(self.hop.target, type, planner.types(self.hop.target, type),
                             grant=planner.grants.get(self.hop.target), grants=planner.grants, rows=True)
        self.options = replace(item.options, top=None, skip=None, orderby=(), count=False)
        self.node = self.compiled(call, replace(self.options, expand=()))
        self.row = self.node.read.sort[-1]
        self.keys = Keys(call, self.source)
        self.references = item.suffix == "$ref"
        self.single = isinstance(self.hop.relation, Reference)

    def compiled(self, call: Call, options: bound.Options) -> Node:
        """The read of related entities by their rows."""
        planner = call.service.planner(call.policy, call.wishes.page_size)
        return Node(call.sight, planner.read(self.source, options, collection=True), call.wishes.format, call.request.root)

    def outcome(self, call: Call, changes: Changes, paths: Paths, new: set[int]) -> Outcome:
        """What happened. `paths`: the entities that have the property, with their URLs; `new`: those of them that the
        client may not know yet."""
        window, trail, hop = changes.window, changes.trail, self.hop
        unknown = {row for row in new for touch in [window.of(hop.own).get(row)] if touch is not None and touch.fresh}
        touched, swayed = window.of(hop.target), trail.swayed(self.about)
        changed = window.told(self.about, self.table) | swayed
        deeper = trail.reached(self.about)
        made = {pair for pair, there in trail.linked(hop) if there}
        parted = {pair for pair in trail.parted(hop) if pair[0] in paths and pair[0] not in unknown}
        seen = changed | deeper | trail.moved(hop) | {target for _, target in made | parted}
        now = trail.related(hop, new, False) | {pair for pair in trail.related(hop, seen) if pair[0] in paths}
        if self.single:
            now |= trail.related(hop, {row for row in paths if self.repointed(window.of(hop.own).get(row))}, False)
        owners = {target: paths[own] for own, target in now}
        there = self.read(call, self.node, sorted(owners), owners, touched)
        ended = {pair for pair in parted if pair not in now}
        ended |= {pair for pair in now if pair[1] in changed and pair[1] not in there and pair[0] not in unknown}
        ended |= {pair for pair in parted & now if self.another(touched.get(pair[1]), paths[pair[0]], there.get(pair[1]))}
        if self.single:     # a link in the place of another tells that that one ended
            replaced = {own for own, target in now if target in there}
            ended = {pair for pair in ended if pair[0] not in replaced}
        kept = sorted(pair for pair in now if pair[1] in there)

        def comes(own: int, target: int) -> bool:
            touch = touched.get(target)
            return (own in new or (own, target) in made | parted or target in swayed or touch is not None and (
                touch.created or any(self.ties(was) for was in touch.was) or bool(touch.names & self.about.decides)
            ) or self.single and self.repointed(window.of(hop.own).get(own)))
        return Outcome(there, kept, {pair for pair in kept if comes(*pair)}, changed, sorted(ended),
                       self.keys.stored(call, sorted({target for _, target in ended})))

    def repointed(self, touch: Any) -> bool:
        """Whether the entity that has this to-one property points elsewhere than before."""
        return touch is not None and (touch.created or any(
            column.name in was for was in touch.was for column in self.hop.relation.own))    # type: ignore[union-attr]

    def ties(self, was: Mapping[str, Any]) -> bool:
        """Whether old values are those of the columns that tie the related entity."""
        other = getattr(self.hop.relation, "other", ())
        return isinstance(other, tuple) and any(column.name in was for column in other)

    def read(self, call: Call, node: Node, rows: list[int], owners: Mapping[int, str], touched: Mapping[int, Touch]) -> There:
        """Row → (object, URL below the root) of the related entities that the options let through."""
        if not rows:
            return {}
        run = Run(replace(call.service.values(call), rows=rows), call.syntax.options)
        found, at = sql.fetch(call.store, node.statement, run.values), node.read.sort[-1]
        bases: str | list[str] = ""
        if node.writer.needs_base:
            bases = [f"{owners[row[at]]}/{self.hop.name}" for row in found]
        made, paths = node.objects(found, run, bases), node.paths(found, bases)
        there = {row[at]: (each, path) for row, each, path in zip(found, made, paths, strict=True)}
        lost.tell(there, touched, self.options)
        return there

    def base(self, owner: str) -> str:
        """What the URLs of related entities begin with."""
        return f"{owner}/{self.hop.name}" if isinstance(self.hop.relation, Contained) else self.hop.target

    def another(self, touch: Touch | None, owner: str, now: tuple[Item, str] | None) -> bool:
        """Whether a row held an entity that was deleted, and holds one with another key."""
        if touch is None or touch.ended is None or touch.deleted or now is None:
            return False
        return self.keys.path(self.base(owner), self.keys.logged(touch.ended)) != now[1]

    def gone(self, changes: Changes, own: int, target: int, key: Mapping[str, Any] | None, owner: str
             ) -> tuple[str, str, Mapping[str, Any]] | None:
        """(reason, what its URL begins with, key) of an entity that is no longer related; None where the client cannot
        know it. `owner`: the URL of the entity that has the property. Raises Gone where a policy keeps it from being said
        whether it can."""
        touch = changes.window.of(self.hop.target).get(target)
        bottom = self.base(owner)
        if touch is not None and (touch.deleted or touch.ended is not None):
            if touch.ended is None:
                return None
            if self.source.grant is not None:
                raise gone(changes.call)
            return "deleted", bottom, self.keys.logged(touch.ended)
        if key is None or touch is not None and touch.created and own not in changes.window.of(self.hop.own):
            return None
        return "changed", bottom, key


class LinkBranch(Looked):
    """One expanded property in an answer that does not nest."""

    def __init__(self, call: Call, branch: Branch) -> None:
        super().__init__(call, branch)
        self.inner = Links(call, self.about.branches)

    def add(self, call: Call, changes: Changes, paths: Paths, new: set[int], base: str, told: Told,
            found: dict[int, list[Item]], top: Mapping[int, int] | None) -> None:
        hop, format = self.hop, call.wishes.format
        outcome = self.outcome(call, changes, paths, new)
        below: dict[int, int] = {}
        fresh: set[int] = set()
        for own, target in outcome.ended:
            items = found.setdefault(top[own] if top else own, [])
            items += self.over(changes, own, target, outcome.stored.get(target), paths, base, told)
        for own, target in outcome.now:
            item, path = outcome.there[target]
            items = found.setdefault(top[own] if top else own, [])
            came = (own, target) in outcome.came
            if (came or target in outcome.changed) and (hop.target, target) not in told.entities and not self.references:
                told.entities.add((hop.target, target))
                items.append(form.member(format, self.set_of(path), item))
            if came:
                items += self.link(format, told, base, paths[own], path, True)
                fresh.add(target)
            below.setdefault(target, top[own] if top else own)
        if self.inner.branches and below:
            self.inner.add(call, changes, {target: outcome.there[target][1] for target in below}, fresh, self.hop.target, told,
                           found, below)

    def deleted(self, call: Call, changes: Changes) -> list[Item]:
        """The removals of entities that were deleted, of those that were related to another. Contained ones have no address
        but the one beside their owner, where they are told of."""
        touched = changes.window.of(self.hop.target)
        if isinstance(self.hop.relation, Contained) or not any(touch.ended for touch in touched.values()):
            return []
        keys = [key for row in sorted({target for _, target in changes.trail.parted(self.hop)})
                for touch in [touched.get(row)] if touch is not None and (key := touch.ended)]
        if keys and self.source.grant is not None:
            raise gone(call)
        return [self.keys.removed(call.request.root, self.hop.target, self.keys.logged(key), "deleted") for key in keys]

    def set_of(self, path: str) -> str:
        """What a context names the related entities by."""
        return path.rpartition("(")[0] or path if self.node.writer.keyed else path

    def link(self, format: Format, told: Told, base: str, source: str, target: str, there: bool) -> list[Item]:
        """A link that came or ended, where that was not said yet."""
        if (source, self.hop.name, target) in told.links:
            return []
        told.links.add((source, self.hop.name, target))
        return [form.link(format, base, source, self.hop.name, target, there)]

    def over(self, changes: Changes, own: int, target: int, key: Mapping[str, Any] | None, paths: Paths, base: str,
             told: Told) -> list[Item]:
        """What to say of a link that ended: that the entity is gone, or the link."""
        call = changes.call
        ended = self.gone(changes, own, target, key, paths[own])
        if ended is None:
            return []
        reason, bottom, known = ended
        if reason == "changed":
            return self.link(call.wishes.format, told, base, paths[own], self.keys.path(bottom, known), False)
        if not isinstance(self.hop.relation, Contained):    # told of before all
            return []
        return [self.keys.removed(call.request.root, bottom, known, "deleted")]
