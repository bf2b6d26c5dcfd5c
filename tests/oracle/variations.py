"""Variations of the model of `world.xml`: other types and facets of members, null or not, complex values in columns or as
documents, other lines of inheritance, open types, other multiplicities and partners of navigation properties.

The same number gives the same model; number 0 is the model as written. Names stay, so that rows and requests are made the
same way for all; what a service must refuse (a member that is not there any more) is taken out with what names it.
"""

from __future__ import annotations

import random
from pathlib import Path
from xml.etree import ElementTree

MODEL_FILE = Path(__file__).parent / "world.xml"
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
KEPT = frozenset({"ID", "Code", "A", "B", "BossCode", "Int16", "Byte", "Required", "Rank"})     # what keys and sums rely on
INTEGERS = ("Edm.Byte", "Edm.SByte", "Edm.Int16", "Edm.Int32", "Edm.Int64")
DECIMALS = ({"Type": "Edm.Decimal", "Scale": "variable"}, {"Type": "Self.Money"},
            {"Type": "Edm.Decimal", "Precision": "28", "Scale": "10"})
FACETS = {"Edm.String": ("MaxLength", (None, "60", "255", "256", "5000", "max")),
          "Edm.DateTimeOffset": ("Precision", (None, "0", "1", "3", "6", "7", "12")),
          "Edm.TimeOfDay": ("Precision", (None, "0", "3", "6", "7", "9"))}
DERIVED = {"Place": ("Resort", "Edm.Int32"), "Spot": ("Peak", "Edm.Guid"), "Owner": ("Firm", "Edm.String"),
           "Part": ("Bolt", "Edm.Double"), "Tag": ("Label", "Edm.Date"), "Bag": ("Sack", "Edm.Int64")}
DEFAULTS = {"Int32": "7", "String": "given", "Boolean": "true", "Color": "Green", "Size": "3", "X": "1", "Rank": "5",
            "Weight": "1.5", "Date": "2020-02-29", "Required": "9", "Radius": "0.5", "Turns": "2"}
OPEN = ("Place", "Spot", "Form", "Thing", "Owner", "Part")
MULTIPLE = ("Friends", "Mate", "Peers", "Maker", "Lid", "Parts", "Next")
PARTNERS = (("Parent", "Children"), ("Owner", "Things"), ("Tags", "Things"))


def varied(number: int) -> str:
    """The CSDL of a variation."""
    if number == 0:
        return MODEL_FILE.read_text(encoding="utf-8")
    tree = ElementTree.parse(MODEL_FILE).getroot()
    chance = random.Random(number)
    schema = next(tree.iter(f"{EDM}Schema"))
    types = {each.get("Name", ""): each for kind in ("ComplexType", "EntityType") for each in schema.iter(EDM + kind)}
    for each in types.values():
        for member in each.iter(f"{EDM}Property"):
            if member.get("Name") not in KEPT:
                vary(member, chance)
    inherit(schema, types, chance)
    relate(types, chance)
    return ElementTree.tostring(tree, encoding="unicode")


def vary(member: ElementTree.Element, chance: random.Random) -> None:
    """Another type of the same sort, other facets, null or not."""
    kind = member.get("Type", "")
    if kind in INTEGERS:
        member.set("Type", chance.choice(INTEGERS))
    elif kind in ("Edm.Double", "Edm.Single"):
        member.set("Type", chance.choice(("Edm.Double", "Edm.Single")))
    elif kind in ("Edm.Decimal", "Self.Money"):
        for name in ("Precision", "Scale"):
            member.attrib.pop(name, None)
        member.attrib.update(chance.choice(DECIMALS))
    elif kind in FACETS:
        name, choices = FACETS[kind]
        value = chance.choice(choices)
        member.attrib.pop(name, None)
        if value is not None:
            member.set(name, value)
    if chance.random() < 0.25:
        member.set("Nullable", "true" if member.get("Nullable") == "false" else "false")


def inherit(schema: ElementTree.Element, types: dict[str, ElementTree.Element], chance: random.Random) -> None:
    """Derived types come and go, types are opened: what decides how complex values are kept and tables are made."""
    for base, (name, kind) in DERIVED.items():
        if chance.random() < 0.35:
            sort = types[base].tag
            added = ElementTree.Element(sort, Name=name, BaseType=f"Self.{base}")
            if types[base].get("OpenType"):
                added.set("OpenType", "true")
            ElementTree.SubElement(added, f"{EDM}Property", Name=f"Own{name}", Type=kind)
            schema.insert(list(schema).index(types[base]) + 1, added)
    for name in OPEN:
        if chance.random() < 0.2:
            for each in schema:
                if each.get("Name") == name or below(each, name, types):
                    each.set("OpenType", "true")
    if chance.random() < 0.3:
        types["Extra"].set("BaseType", "Self.Thing")
    elif chance.random() < 0.3:
        types["Special"].set("Abstract", "true")
    if chance.random() < 0.3:               # forms without links and derived types are kept in columns
        schema.remove(types["Round"])
        for bound in schema.iter(f"{EDM}EntitySet"):
            for path in [each for each in bound if "World.Round" in each.get("Path", "")]:
                bound.remove(path)


def below(each: ElementTree.Element, name: str, types: dict[str, ElementTree.Element]) -> bool:
    """Whether a type derives from one of this name."""
    base = each.get("BaseType", "").removeprefix("Self.")
    return bool(base) and (base == name or base in types and below(types[base], name, types))


def relate(types: dict[str, ElementTree.Element], chance: random.Random) -> None:
    """Other multiplicities; partners part."""
    members = [each for kind in types.values() for each in kind.iter(f"{EDM}NavigationProperty")]
    for each in members:
        kind = each.get("Type", "")
        if each.get("Name") in MULTIPLE and chance.random() < 0.35:
            many = kind.startswith("Collection(")
            each.set("Type", kind.removeprefix("Collection(").removesuffix(")") if many else f"Collection({kind})")
    for names in PARTNERS:
        if chance.random() < 0.35:
            for each in members:
                if each.get("Name") in names and each.get("Partner") in names:
                    del each.attrib["Partner"]


def ruled_by(number: int) -> str:
    """The CSDL of a variation with what matters to modifications: defaults, required links, OnDelete."""
    tree = ElementTree.fromstring(varied(number))
    chance = random.Random(-number - 1)
    for member in tree.iter(f"{EDM}Property"):
        if member.get("Name") in DEFAULTS and chance.random() < 0.5:
            member.set("DefaultValue", DEFAULTS[member.get("Name", "")])
    for each in tree.iter(f"{EDM}NavigationProperty"):
        if each.get("Name") == "Owner" and chance.random() < 0.3:
            each.set("Nullable", "false")
        if each.get("ContainsTarget") is None and each.get("Name") != "Mark" and chance.random() < 0.2:
            ElementTree.SubElement(each, f"{EDM}OnDelete", Action=chance.choice(("Cascade", "None", "SetNull")))
    return ElementTree.tostring(tree, encoding="unicode")
