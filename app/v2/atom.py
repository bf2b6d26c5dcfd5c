"""Atom of OData 2.0 from bodies of 4.0: what the service answers a reader that knows no JSON (OData 2.0, Atom format).

Service document, feeds, entries, links, single values and errors, all read from the same trees as verbose JSON. Bodies that
come in are JSON.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from app.edm.model import TypeRef
from app.payload.syntax import read_json
from app.v2.edmx import METADATA
from app.v2.verbose import Object, Verbose
from app.v2.view import View

ATOM = "http://www.w3.org/2005/Atom"
APP = "http://www.w3.org/2007/app"
DATA = "http://schemas.microsoft.com/ado/2007/08/dataservices"
XML_BASE, XML_LANG, XML_SPACE = (f"{{http://www.w3.org/XML/1998/namespace}}{name}" for name in ("base", "lang", "space"))
NAMES: Any = {None: ATOM, "d": DATA, "m": METADATA}
VALUES: Any = {"d": DATA, "m": METADATA}
SERVICES: Any = {None: APP, "atom": ATOM}
LINKS: Any = {None: DATA}
ERRORS: Any = {None: METADATA}

SERVICE, FEED, ENTRY, XML = ("application/atomsvc+xml;charset=utf-8", "application/atom+xml;type=feed;charset=utf-8",
                             "application/atom+xml;type=entry;charset=utf-8", "application/xml;charset=utf-8")


def service(names: Sequence[str], face: str) -> bytes:
    """The service document: a collection for each entity set."""
    root = etree.Element(f"{{{APP}}}service", {XML_BASE: face}, SERVICES)
    workspace = etree.SubElement(root, f"{{{APP}}}workspace")
    _text(workspace, f"{{{ATOM}}}title", "Default")
    for name in names:
        collection = etree.SubElement(workspace, f"{{{APP}}}collection", {"href": name})
        _text(collection, f"{{{ATOM}}}title", name)
    return _bytes(root)


def error(body: bytes, language: str = "en") -> bytes:
    """The 2.0 error of a 4.0 one."""
    found = read_json(body)["error"]
    root = etree.Element(f"{{{METADATA}}}error", None, ERRORS)
    _text(root, f"{{{METADATA}}}code", found["code"])
    message = _text(root, f"{{{METADATA}}}message", found["message"])
    message.set(XML_LANG, language)
    return _bytes(root)


@dataclass(frozen=True, slots=True)
class Atom:
    """Bodies between a view and its service; `root` and `face`: the addresses of the 4.0 service and of the face."""

    view: View
    root: str
    face: str

    def answer(self, body: bytes, path: str, last: str, next_link: str | None) -> tuple[str, bytes]:
        """Content type and body of the 4.0 answer to a request for `path`, with names as for `Verbose.answer`."""
        data = read_json(body)
        found, ref = Verbose(self.view, self.root, self.face, iso=True).found(data, last)
        if ref is None:
            return XML, _bytes(_links(found, next_link))
        if self.view.model.kind(ref.name) != "entity":
            return XML, _bytes(self._value_document(found, ref, last))
        if isinstance(found, list):
            feed = etree.Element(f"{{{ATOM}}}feed", {XML_BASE: self.face}, NAMES)
            self._feed(feed, path, found, data.get("@odata.count"), next_link)
            return FEED, _bytes(feed)
        entry = etree.Element(f"{{{ATOM}}}entry", {XML_BASE: self.face}, NAMES)
        self._entry(entry, found)
        return ENTRY, _bytes(entry)

    def _feed(self, feed: etree._Element, path: str, items: Sequence[Object], count: Any = None,
              next_link: str | None = None) -> None:
        """The entries of a collection at `path`, an address below the face."""
        if count is not None:
            _text(feed, f"{{{METADATA}}}count", str(count))
        _text(feed, _atom("title"), path.rpartition("/")[2].partition("(")[0])
        _text(feed, _atom("id"), self.face + path)
        _text(feed, _atom("updated"), _now())
        _link(feed, "self", path)
        for each in items:
            self._entry(etree.SubElement(feed, _atom("entry")), each)
        if next_link is not None:
            _link(feed, "next", next_link)

    def _entry(self, entry: etree._Element, tree: Object) -> None:
        head = tree["__metadata"]
        href = head["uri"].removeprefix(self.face)
        if "etag" in head:
            entry.set(f"{{{METADATA}}}etag", head["etag"])
        _text(entry, _atom("id"), head["id"])
        _text(entry, _atom("title"), "")
        _text(entry, _atom("updated"), _now())
        _text(etree.SubElement(entry, _atom("author")), _atom("name"), "")
        _link(entry, "edit", href, title=head["type"].rpartition(".")[2])
        links = self.view.model.navigations(head["type"])
        for name in tree:
            if name in links:
                self._related(entry, f"{href}/{name}", name, links[name].collection, tree[name])
        etree.SubElement(entry, _atom("category"), {"term": head["type"], "scheme": f"{DATA}/scheme"})
        if "media_src" in head:
            _link(entry, "edit-media", f"{href}/$value")
            etree.SubElement(entry, _atom("content"), {"type": head["content_type"], "src": f"{href}/$value"})
            inside = entry
        else:
            inside = etree.SubElement(entry, _atom("content"), {"type": "application/xml"})
        self._properties(etree.SubElement(inside, f"{{{METADATA}}}properties"), tree, head["type"])

    def _related(self, entry: etree._Element, href: str, name: str, many: bool, value: Any) -> None:
        """The link of a navigation property, with what it leads to inside where that was expanded."""
        link = _link(entry, f"{DATA}/related/{name}", href, type=f"application/atom+xml;type={'feed' if many else 'entry'}",
                     title=name)
        if isinstance(value, dict) and "__deferred" in value:
            return
        inline = etree.SubElement(link, f"{{{METADATA}}}inline")
        if many:
            self._feed(etree.SubElement(inline, _atom("feed")), href, value["results"])
        elif value is not None:
            self._entry(etree.SubElement(inline, _atom("entry")), value)

    def _properties(self, parent: etree._Element, tree: Object, type: str) -> None:
        for name, member in self.view.model.properties(type).items():
            if name in tree:
                self._value(etree.SubElement(parent, f"{{{DATA}}}{name}"), tree[name], member.type)

    def _value(self, element: etree._Element, value: Any, ref: TypeRef) -> None:
        name = self.view.named(ref) or "Edm.String"
        if name != "Edm.String":
            element.set(f"{{{METADATA}}}type", name)
        if value is None:
            element.set(f"{{{METADATA}}}null", "true")
        elif isinstance(value, dict):
            self._properties(element, value, ref.name)
        else:
            element.text = text = _spelled(value)
            if text != text.strip():
                element.set(XML_SPACE, "preserve")

    def _value_document(self, found: Any, ref: TypeRef, last: str) -> etree._Element:
        """A property, or the result of a function import: one element, with one more for each item of a collection."""
        root = etree.Element(f"{{{DATA}}}{last}", None, VALUES)
        if not isinstance(found, list):
            self._value(root, found[last], ref)
            return root
        for each in found:
            self._value(etree.SubElement(root, f"{{{DATA}}}element"), each, TypeRef(ref.name))
        return root


def _links(found: Any, next_link: str | None) -> etree._Element:
    """The answer to `$links`."""
    if not isinstance(found, list):
        root = etree.Element(f"{{{DATA}}}uri", None, LINKS)
        root.text = found["uri"]
        return root
    root = etree.Element(f"{{{DATA}}}links", None, LINKS)
    for each in found:
        _text(root, f"{{{DATA}}}uri", each["uri"])
    if next_link is not None:
        _text(root, f"{{{DATA}}}next", next_link)
    return root


def _spelled(value: Any) -> str:
    """The text of a primitive value. What XML cannot hold (control characters) is replaced."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "".join(each if each >= " " or each in "\t\n\r" else "\ufffd" for each in str(value)
                   ).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


def _atom(name: str) -> str:
    return f"{{{ATOM}}}{name}"


def _text(parent: etree._Element, name: str, text: str) -> etree._Element:
    element = etree.SubElement(parent, name)
    element.text = _spelled(text)
    return element


def _link(parent: etree._Element, rel: str, href: str, **more: str) -> etree._Element:
    return etree.SubElement(parent, _atom("link"), {"rel": rel, **more, "href": href})


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")
