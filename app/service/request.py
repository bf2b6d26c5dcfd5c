"""Requests as values: method, raw target, headers, body; and what their headers ask for.

`Request` knows no web framework. `Wishes` is what content negotiation, versions and preferences come to
(Protocol 4.01 §8; DESIGN §7).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from app.service.access import Principal


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in.

    `path`: raw (still percent-encoded) path below the service root, without leading slash. `query`: raw query.
    `headers`: names in lower case; several headers of one name joined by ', '. `root`: the service root as the client
    sees it, absolute, ending in '/'. `body`: a binary stream (may be empty), read at most once.
    `references`: inside a batch the path below the root that an id of an earlier request stands for. `plain`: whether
    it came by the BI view, whose `$metadata` is simpler (`csdl.safe`). `principal`: who sent it, where that was found out
    already (`Service.identified`). `snapshot`: the boundary of the change log that the next links of its answer stay at;
    None where they show the present.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: BinaryIO | None = None
    root: str = "http://localhost/"
    references: Callable[[str], str | None] | None = None
    plain: bool = False
    principal: Principal | None = None
    snapshot: str | None = None

    def header(self, name: str) -> str | None:
        """The header's value, by lower-case name."""
        return self.headers.get(name)
