"""`Format`: everything about an answer that the client can choose, as one value; part of the key of every cached plan."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """The form of a JSON answer (JSON Format §3, §4; DESIGN §7).

    `version` '4.0' or '4.01'; `metadata` 'none', 'minimal' or 'full'; `ieee754`: Int64 and Decimal as strings;
    `prefixed`: control information carries 'odata.'; `streaming`: the client asked for ordered members; `omit`: members
    that it does without, 'nulls', 'defaults' or 'unset' (nulls that are defaults).
    """

    version: str = "4.0"
    metadata: str = "minimal"
    ieee754: bool = False
    prefixed: bool = True
    streaming: bool = False
    charset: bool = False
    omit: str = ""

    @property
    def content_type(self) -> str:
        """The media type of an answer in this form (JSON Format §4.1)."""
        prefix = "odata." if self.version == "4.0" else ""
        text = f"application/json;{prefix}metadata={self.metadata}"
        if self.streaming:
            text += f";{prefix}streaming=true"
        if self.ieee754:
            text += ";IEEE754Compatible=true"
        return text + (";charset=utf-8" if self.charset else "")

    def control(self, name: str, owner: str = "") -> str:
        """The member name of a control information, e.g. ('context') → '@odata.context', ('count', 'runs')."""
        return f"{owner}@odata.{name}" if self.prefixed else f"{owner}@{name}"

    def type_name(self, name: str, collection: bool = False) -> str:
        """The value of type control information: '#Int64', '#Collection(ns.T)' (JSON Format §4.5.3)."""
        short = name.removeprefix("Edm.")
        inner = f"Collection({short})" if collection else short
        primitive = name.startswith("Edm.")
        return inner if self.version != "4.0" and primitive else "#" + inner
