"""Plan a write: the steps of one request in the order that keeps every reference whole, and what a delete takes along.

Pure: no SQL, no rows. `order` raises BodyError (400) for entities that need each other to exist first. DESIGN §4
(OnDelete), §6 (order); Protocol §11.4.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.edm.model import NavigationProperty
from app.errors import BodyError
from app.plan.changes import AddLink, Connect, Delete, DropLink, Insert, Step, Update
from app.store.mapping import Column, Contained, DocumentLink, Inverse, Link, Mapping, Reference

# --- order -----------------------------------------------------------------------------------------------


def order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps as they are carried out: (1) links and keys that go, (2) deletes, (3) inserts, referenced before
    referencing, (4) updates, (5) keys and links to what came meanwhile; ties by table and name (DESIGN §6)."""
    given = list(steps)
    if len(given) == 1 and not (isinstance(given[0], Insert) and given[0].needs):
        return tuple(given)
    dropped = [step for step in given if isinstance(
        step, DropLink) or isinstance(step, Connect) and step.target is None]
    deletes = [step for step in given if isinstance(step, Delete)]
    updates = [step for step in given if isinstance(step, Update)]
    added = [step for step in given if isinstance(step, AddLink) or isinstance(
        step, Connect) and step.target is not None]
    inserts, connects = _inserts([step for step in given if isinstance(step, Insert)])
    return (*dropped, *deletes, *inserts, *sorted(updates, key=_rank), *connects, *added)


def _rank(step: Insert | Update | Delete) -> tuple[str, str, int]:
    return step.table, step.name, step.entity


def _inserts(steps: Sequence[Insert]) -> tuple[list[Insert], list[Connect]]:
    """The inserts in order, and the keys that have to wait because two entities point to each other."""
    new = {step.entity: step for step in steps}
    waits = {step.entity: {need.entity for need in step.needs if need.entity in new and need.entity != step.entity}
             for step in steps}
    late = [Connect(step.entity, step.table, need.navigation, need.entity)
            for step in steps for need in step.needs if need.entity == step.entity and not need.required]
    for step in steps:
        if any(need.entity == step.entity and need.required for need in step.needs):
            raise _cycle([step])
    followers: dict[int, list[int]] = {}
    for entity, wanted in waits.items():
        for other in wanted:
            followers.setdefault(other, []).append(entity)
    ready = [(*_rank(step), step.entity) for step in steps if not waits[step.entity]]
    heapq.heapify(ready)
    done: list[Insert] = []
    while len(done) < len(new):
        if not ready:
            freed = _break(new, waits, late)
            heapq.heappush(ready, (*_rank(new[freed]), freed))
        step = new[heapq.heappop(ready)[-1]]
        del waits[step.entity]
        done.append(step)
        for follower in followers.get(step.entity, ()):
            if follower in waits and step.entity in waits[follower]:
                waits[follower].discard(step.entity)
                if not waits[follower]:
                    heapq.heappush(ready, (*_rank(new[follower]), follower))
    return done, late


def _break(new: dict[int, Insert], waits: dict[int, set[int]], late: list[Connect]) -> int:
    """An entity of a cycle that waits for optional references only: they are set later."""
    for entity in sorted(waits, key=lambda each: _rank(new[each])):
        needs = [need for need in new[entity].needs if need.entity in waits[entity]]
        if not any(need.required for need in needs):
            late += [Connect(entity, new[entity].table, need.navigation, need.entity) for need in needs]
            waits[entity] = set()
            return entity
    raise _cycle([new[entity] for entity in waits])


def _cycle(steps: Sequence[Insert]) -> BodyError:
    names = ", ".join(f"{step.table} {step.name}".strip() for step in sorted(steps, key=_rank)[:5])
    return BodyError(f"New entities require each other: {names}.", code="cyclicReference")


# --- what a delete takes along ---------------------------------------------------------------------------

CASCADE, NULL, DEFAULT, REFUSE = "cascade", "null", "default", "refuse"


@dataclass(frozen=True, slots=True)
class Referrer:
    """Rows of `table` whose columns `own` hold the key `other` of a deleted entity; `action` is what happens to them.
    `navigation`: the property that refers, for the refusal."""

    table: str
    own: tuple[Column, ...]
    other: tuple[Column, ...]
    action: str
    navigation: str


@dataclass(frozen=True, slots=True)
class Departure:
    """What goes when an entity of one table is deleted.

    `referrers`: rows that hold its key. `related`: navigation properties (declaring type, itself) whose OnDelete
    reaches entities that it points to: deleted with it, or standing in the way. `children`: containments. `links`:
    (link table, column, mapping id whose navigation property it is) of its rows in link tables. `owned`: document links
    of its own; `documents`: those of others that lead to it.
    """

    referrers: tuple[Referrer, ...]
    related: tuple[tuple[str, NavigationProperty], ...]
    children: tuple[str, ...]
    links: tuple[tuple[str, str, str], ...]
    owned: tuple[DocumentLink, ...]
    documents: tuple[DocumentLink, ...]


def departure(mapping: Mapping, id: str) -> Departure:
    """What goes with entities of table `id` (DESIGN §4): asked once per table."""
    referrers: list[Referrer] = []
    links: dict[tuple[str, str], str] = {}
    documents: list[DocumentLink] = []
    for each in mapping.sources():
        documents += [link for link in mapping.document_links(each) if link.target == id]
        for owner, navigation in mapping.navigations(each):
            if mapping.target(each, owner, navigation.name) != id:
                continue
            relation = mapping.relation(each, owner, navigation.name)
            if navigation.name in mapping.way_back(each) and id in mapping.owners(each):
                continue        # contained in it: one of its children
            if isinstance(relation, Reference):
                referrers.append(_referrer(mapping, id, each, owner, navigation, relation))
            elif isinstance(relation, Link):
                links[relation.table, relation.other.name] = each
    related, children = [], []
    for owner, navigation in mapping.navigations(id):
        relation = mapping.relation(id, owner, navigation.name)
        if isinstance(relation, Link):
            links[relation.table, relation.own.name] = id
        if isinstance(relation, Contained):
            children.append(relation.target)
        elif navigation.on_delete in ("Cascade", "None") and isinstance(relation, Reference | Link):
            related.append((owner, navigation))
    unique = {(each.table, each.own): each for each in reversed(referrers)}
    return Departure(tuple(reversed(unique.values())), tuple(related), tuple(children),
                     tuple((table, column, by) for (table, column), by in links.items()),
                     mapping.document_links(id), tuple(documents))


def _referrer(mapping: Mapping, id: str, other: str, owner: str, navigation: NavigationProperty, relation: Reference
              ) -> Referrer:
    said = None
    for back_owner, back in mapping.navigations(id):
        found = mapping.relation(id, back_owner, back.name) if back.on_delete else None
        if isinstance(found, Inverse) and found.target == other and found.partner == (owner, navigation.name):
            said = back.on_delete
    required = not relation.nullable or not all(column.nullable for column in relation.own)
    if said == "Cascade":
        action = CASCADE
    elif said == "None" or required and said != "SetDefault":
        action = REFUSE
    else:
        action = DEFAULT if said == "SetDefault" else NULL
    return Referrer(other, relation.own, relation.other, action, navigation.name)
