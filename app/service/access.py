"""Who asks, and what that one may see: principals, policies, and the model view of a policy (DESIGN §9).

A policy is part of every plan's key. Its `model` is an ordinary `Model` without what it hides, so that binding cannot
reach it; its `grants` are row predicates that the planner puts wherever a set is reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.bind import nodes as bound
from app.edm import Model


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. `id` '' is nobody in particular; `scopes` and `roles` decide the policy."""

    id: str = ""
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    tenant: str | None = None


ANONYMOUS = Principal()


@dataclass(frozen=True, slots=True)
class Policy:
    """What a class of principals may do. `id` is in the key of every cached plan. `open`: every right."""

    id: str
    model: Model
    grants: Mapping[str, bound.Expression] = field(default_factory=dict)
    open: bool = True


def policy_for(principal: Principal, model: Model) -> Policy:
    """The policy of a principal. Without authentication everyone has every right."""
    return Policy("", model)
