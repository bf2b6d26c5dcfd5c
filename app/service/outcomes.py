"""Outcomes: what became of each member in a change of many, as the delta that answers it.

Failures of members stand where the members would, turned round and annotated with Core.DataModificationException: a
failed insert as deleted entity, a failed delete as the entity, a failed link as deleted link. Protocol §11.4.12 to
§11.4.14; JSON Format §15.6; json-shapes §21.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.edm import vocabularies
from app.errors import BadRequest, ODataError, OptionNotAllowed
from app.payload import context
from app.payload.primitives import untyped
from app.payload.values import dumps
from app.plan.changes import Change, LinkChange
from app.service import answers, readback
from app.service.addresses import canonical_base
from app.service.call import Call
from app.service.read import context_member
from app.service.response import Response

CORE = "@Org.OData.Core.V1."
CONTENT_ID = CORE + "ContentID"
EXCEPTION = CORE + "DataModificationException"
NOT_OF_MANY = ("filter", "search", "orderby", "top", "skip", "apply", "count")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One member. `operation`: of DataModificationOperationKind. `row`: (mapping id, row id) of an entity that is there
    now; `path`: the canonical URL of one that is not. `given`: what the body says of it, `change`: what was read of that.
    `error`: why it failed."""

    operation: str
    row: tuple[str, int] | None = None
    path: str = ""
    given: Mapping[str, Any] | None = None
    link: LinkChange | None = None
    error: ODataError | None = None
    change: Change | None = None


def check_options(call: Call) -> None:
    """Refuse options that would seem to choose members: those are chosen in the path (§11.4.12, §11.4.13)."""
    for name in NOT_OF_MANY:
        if getattr(call.syntax.options, name) is not None:
            raise OptionNotAllowed(name=f"${name}", resource="a change of many entities; use /$filter(…) in the path",
                                   target=f"${name}")


def guard(call: Call, count: int) -> None:
    """Refuse to touch more entities than `Prefer: max-affected` allows."""
    most = call.wishes.most
    if most is not None and count > most:
        raise BadRequest(f"The request is about {count} entities, and max-affected allows {most}",
                         code="tooManyAffected", target="Prefer")


def applied(call: Call) -> dict[str, str]:
    """Preference-Applied of a change of many."""
    parts = list(answers.applied(call).values())
    for name in ("continue-on-error", "max-affected"):
        value = call.wishes.preferences.get(name)
        if value is not None:
            spelled = call.wishes.spelled[name]
            parts.append(spelled if value is True else f"{spelled}={value}")
    return {"Preference-Applied": ", ".join(parts)} if parts else {}


def answer(call: Call, outcomes: Sequence[Outcome], delta: bool = True, whole: bool = False) -> Response:
    """204, or 200 with a delta, or else a collection: of all members where a representation is wanted, of those that failed in
    any case; of all that are there after a change of the `whole` that goes on after errors (§11.4.12)."""
    default = vocabularies.update_returns(call.model) == "representation"
    shows = whole and call.wishes.goes_on or answers.wants_representation(call, default)
    outcomes = [each for each in outcomes if each.row is not None] if whole else outcomes
    shown = outcomes if shows else [each for each in outcomes if each.error is not None]
    if not shown and not shows:
        return Response(204, applied(call))
    base, known = canonical_base(call)
    format, type = call.wishes.format, call.resource.type
    fragment = context.entities(base, type, call.resource.declared or type, call.options, call.wishes.version, single=False,
                                cast=False, source=known) + ("/$delta" if delta else "")
    body: dict[str, Any] = context_member(call, fragment)
    body["value"] = _Writer(call, base, shown).items()
    return Response(200, {"Content-Type": format.content_type, **applied(call)}, dumps(body))


def exception(operation: str, error: ODataError) -> dict[str, Any]:
    """Core.DataModificationException of a member that failed."""
    info: dict[str, Any] = {"code": error.code, "message": error.text, "severity": "error"}
    if error.target is not None:
        info["target"] = error.target
    if error.details:
        info["details"] = [{"code": each.code, "message": each.message, "severity": "error",
                            **({"target": each.target} if each.target else {})} for each in error.details]
    return {"failedOperation": operation, "responseCode": error.status, "info": info}


class _Writer:
    """Writes the members of one answer; entities are read with one statement a table."""

    def __init__(self, call: Call, base: str, outcomes: Sequence[Outcome]) -> None:
        self.call, self.base, self.outcomes = call, base, outcomes
        self.format, self.root = call.wishes.format, call.request.root
        alike: dict[tuple[str, str, str], list[int]] = {}
        plain = not call.options.expand and call.options.select is None
        for each in outcomes:
            if each.row is not None:
                nested = answers.nested([each.change], call.model) if plain and each.change is not None else ""
                type = each.change.type if nested and each.change is not None else ""
                alike.setdefault((each.row[0], type, nested), []).append(each.row[1])
        self.shown: dict[tuple[str, int], readback.Shown] = {}
        for (id, type, nested), rows in alike.items():
            table = call.mapping.table(id)
            options = answers.expanded(call, table, type, nested) if nested else readback.shaped(call.options)
            shown = readback.by_row(call, id, rows, base=base if table.owner is not None else "", options=options)
            self.shown |= {(id, row): each for row, each in shown.items()}

    def items(self) -> list[dict[str, Any]]:
        """One object for each outcome, in the order of the request."""
        return [self._item(each) for each in self.outcomes]

    def _item(self, outcome: Outcome) -> dict[str, Any]:
        made: dict[str, Any] = {}
        given = outcome.given or {}
        id = given.get(CONTENT_ID, given.get("@Core.ContentID"))
        if id is not None:
            made[CONTENT_ID] = id
        if outcome.error is not None:
            made[EXCEPTION] = exception(outcome.operation, outcome.error)
        if outcome.link is not None:
            return self._link(outcome.link, outcome.error is None) | made
        shown = None if outcome.row is None else self.shown.get(outcome.row)
        if shown is not None:
            return made | shown.body
        reason = "changed" if outcome.operation == "unlink" else "deleted"
        path = self.root + outcome.path if outcome.path else str(given.get("@odata.id", given.get("@id", "")))
        if self.format.version == "4.0":
            kept = {"@odata.context": f"{self.root}$metadata#{self.base}/$deletedEntity"}
            return kept | made | {"id": path, "reason": reason}
        removed: dict[str, Any] = {self.format.control("removed"): {"reason": reason}} | made
        if path:
            removed[self.format.control("id")] = path
        key = [part.path for part in self.call.model.key(self.call.resource.type)]
        return removed | {name: untyped(given[name]) for name in key if name in given}

    def _link(self, link: LinkChange, done: bool) -> dict[str, Any]:
        kind = "$link" if link.there is done else "$deletedLink"
        return {self.format.control("context"): f"{self.root}$metadata#{self.base}/{kind}", "source": link.source.url,
                "relationship": link.relationship, "target": link.target.url}
