"""Entities in bodies: text in, the change or the faults out (Protocol §11.4; JSON Format §4.5, §7, §8.5)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.errors import BodyError
from app.payload.bodies import BodyReader
from app.payload.schemas import Reading
from app.payload.syntax import read_json
from app.plan.changes import Change, Links, Reference
from tests.payload.model import shop

NS = "Shop.Model."


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> BodyReader:
    return BodyReader(shop(tmp_path_factory.mktemp("model")))


def read(reader: BodyReader, text: str, operation: str = "patch", type: str = "Thing", **reading: Any) -> Change:
    return reader.read_entity(read_json(text.encode()), NS + type, Reading(operation, **reading))


def shown(value: Any) -> Any:
    """Links and references as text, so that a case fits one line."""
    match value:
        case Reference(url=url):
            return f"->{url}"
        case Links(targets, mode):
            return [f"{mode}:", *map(shown, targets)]
        case Change():
            return {**shown(dict(value.values)), **({"removed": value.removed} if value.removed else {}),
                    **{name: shown(links) for name, links in value.links.items()}}
        case dict():
            return {name: shown(item) for name, item in value.items()}
        case list():
            return [shown(item) for item in value]
    return value


# --- values ----------------------------------------------------------------------------------------------

VALUES = [
    # member of a PATCH body                                canonical value
    ('"Name":"abc"', "abc"),
    ('"Name":null', None),
    ('"Name":"\\ud83d\\ude00\\ud83d\\ude00\\ud83d\\ude00"', "\U0001f600" * 3),      # MaxLength counts characters
    ('"Count":-5', -5),
    ('"Big":9223372036854775807', 2**63 - 1),
    ('"Price":123456.70', Decimal("123456.70")),
    ('"Price":1e3', Decimal(1000)),
    ('"Ratio":1', 1.0),
    ('"Ratio":"-INF"', float("-inf")),
    ('"Flag":true', True),
    ('"Color":"green"', 2),
    ('"Color":"2"', 2),
    ('"Days":"mo,we"', 5),
    ('"Days":"mo, we"', 5),
    ('"Days":"3"', 3),
    ('"When":"2020-01-02T03:04:05.1230+02:00"', "2020-01-02T01:04:05.123Z"),
    ('"When":"2020-01-02T03:04:05-00:30"', "2020-01-02T03:34:05Z"),
    ('"When":"2020-01-02T03:04Z"', "2020-01-02T03:04:00Z"),
    ('"When":"2020-02-28T23:59:59Z"', "2020-02-28T23:59:59Z"),
    ('"When":"2020-02-29T03:04:05.120Z"', "2020-02-29T03:04:05.12Z"),
    ('"When":"2020-01-31t03:04:05.12z"', "2020-01-31T03:04:05.12Z"),
    ('"When":"0001-01-01T00:00:00Z"', "0001-01-01T00:00:00Z"),
    ('"Day":"2024-02-29"', "2024-02-29"),
    ('"Took":"PT1M0.5S"', 605_000_000),
    ('"Data":"_-8"', b"\xff\xef"),
    ('"Guid":"AAAAAAAA-0000-0000-0000-000000000000"', "aaaaaaaa-0000-0000-0000-000000000000"),
    ('"Place":{"coordinates":[1,2.5],"type":"Point"}', {"type": "Point", "coordinates": [1, 2.5]}),
    ('"Tags":["a","b"]', ["a", "b"]),
    ('"Tags":[]', []),
    ('"Home":{"Street":"x"}', {"Street": "x"}),
    ('"Home":{"@odata.type":"#Shop.Model.Abroad","Country":"NL"}', {"@odata.type": "#Shop.Model.Abroad", "Country": "NL"}),
    ('"Home":{"@type":"Self.Abroad","Country":"NL"}', {"@odata.type": "#Shop.Model.Abroad", "Country": "NL"}),
    ('"Home":{"Stamp":"ignored","City":"c"}', {"City": "c"}),
    ('"Home":{"Branch@odata.bind":"Things(\'1\')"}', {"Branch@odata.bind": ["set:", "->Things('1')"]}),
    ('"Homes":[{"City":"c","Branch":{"@id":"Things(\'1\')"}}]',
     [{"Street": None, "City": "c", "Branch@odata.bind": ["set:", "->Things('1')"]}]),
    ('"Bag":{"a":1,"b":1.5,"c":"x","d":true,"e":null,"f":[1,{"g":2}]}',
     {"a": 1, "b": 1.5, "c": "x", "d": True, "e": None, "f": [1, {"g": 2}]}),
    ('"Bag":{"a@odata.type":"#Int64","a":5}', {"a@odata.type": "#Int64", "a": 5}),
    ('"Bag":{"a":5,"a@type":"Int64"}', {"a@odata.type": "#Int64", "a": 5}),
    ('"Bag":{"a@odata.type":"#Decimal","a":1.50}', {"a@odata.type": "#Decimal", "a": Decimal("1.50")}),
    ('"Bag":{"a@odata.type":"#Date","a":"2020-01-01"}', {"a@odata.type": "#Date", "a": "2020-01-01"}),
    ('"Bag":{"a@odata.type":"#Double","a":"INF"}', {"a@odata.type": "#Double", "a": float("inf")}),
    ('"Bag":{"a@odata.type":"#String","a":"x"}', {"a": "x"}),
    ('"Bag":{"a@odata.type":"#Collection(Guid)","a":[]}', {"a@odata.type": "#Collection(Guid)", "a": []}),
    ('"Bag":{"a@odata.type":"#Old.Shop.Color","a":"red"}', {"a@odata.type": "#Shop.Model.Color", "a": "red"}),
    ('"Bag":{"a":{"@odata.type":"#Shop.Model.Address","City":"c"}}',
     {"a": {"@odata.type": "#Shop.Model.Address", "Street": None, "City": "c"}}),
    ('"Bag":{"a":{"b@odata.type":"#Int32","b":1}}', {"a": {"b@odata.type": "#Int32", "b": 1}}),
    ('"Bag":{"a":9223372036854775808}', {"a": 9223372036854775808.0}),
]


@pytest.mark.parametrize(("member", "value"), VALUES, ids=[case[0][:50] for case in VALUES])
def test_values_become_canonical(reader: BodyReader, member: str, value: Any) -> None:
    found = list(read(reader, "{" + member + "}").values.values())
    assert shown(found) == [value]
    assert found[0].__class__ is value.__class__


IGNORED = [
    "{}",
    '{"@odata.context":"x","@odata.etag":"y","@odata.editLink":"z","@odata.unknown":1}',
    '{"@context":"x","@editLink":"z"}',
    '{"@My.Term":1,"Name@My.Term":{"a":1},"Nope@My.Term":1}',
    '{"Made":"not even a date","ID":"other","Code":5}',
    '{"#Shop.Model.Paint":{},"Parts@odata.count":3,"Parts@odata.navigationLink":"x","Owner@odata.associationLink":"x"}',
    '{"Picture@odata.mediaReadLink":"x","Tags@odata.type":"#Collection(String)"}',
]


@pytest.mark.parametrize("text", IGNORED)
def test_what_a_client_may_send_and_does_not_count(reader: BodyReader, text: str) -> None:
    change = read(reader, text)
    assert (change.values, change.links, change.dynamic) == ({}, {}, {})


# --- faults ----------------------------------------------------------------------------------------------

FAULTS = [
    # PATCH body                                            target, code
    ('{"Name":5}', [("Name", "invalidValue")]),
    ('{"Name":"abcdef"}', [("Name", "valueTooLong")]),
    ('{"Name":"a\\u0000"}', [("Name", "invalidValue")]),
    ('{"Name":"\\ud800"}', [("Name", "invalidValue")]),
    ('{"Count":"5"}', [("Count", "invalidValue")]),
    ('{"Count":5.0}', [("Count", "invalidValue")]),
    ('{"Count":2147483648}', [("Count", "invalidValue")]),
    ('{"Big":"5"}', [("Big", "invalidValue")]),
    ('{"Price":1.234}', [("Price", "valueOutOfRange")]),
    ('{"Price":1234567.8}', [("Price", "valueOutOfRange")]),
    ('{"Price":"NaN"}', [("Price", "valueOutOfRange")]),
    ('{"Ratio":"Infinity"}', [("Ratio", "invalidValue")]),
    ('{"Ratio":1e400}', [("Ratio", "invalidValue")]),
    ('{"Flag":1}', [("Flag", "invalidValue")]),
    ('{"Color":"blue"}', [("Color", "invalidEnumValue")]),
    ('{"Color":2}', [("Color", "invalidEnumValue")]),
    ('{"Color":"3"}', [("Color", "invalidEnumValue")]),
    ('{"Color":"future"}', [("Color", "invalidEnumValue")]),
    ('{"Color":"9"}', [("Color", "invalidEnumValue")]),
    ('{"Days":"mo,xx"}', [("Days", "invalidEnumValue")]),
    ('{"When":"2020-01-02T03:04:05.1234Z"}', [("When", "valueOutOfRange")]),
    ('{"When":"2020-01-02"}', [("When", "invalidValue")]),
    ('{"When":"2020-01-02T03:04:05"}', [("When", "invalidValue")]),
    ('{"When":"2023-02-29T03:04:05Z"}', [("When", "invalidValue")]),
    ('{"When":"0000-01-02T03:04:05Z"}', [("When", "invalidValue")]),
    ('{"When":"2020-01-02T03:04:05Z\\n"}', [("When", "invalidValue")]),
    ('{"When":"202\\u0660-01-02T03:04:05Z"}', [("When", "invalidValue")]),       # Arabic digits are no DIGIT
    ('{"Day":"2023-02-29"}', [("Day", "invalidValue")]),
    ('{"Day":"202\\u0663-02-28"}', [("Day", "invalidValue")]),
    ('{"Took":"PT\\u0661M"}', [("Took", "invalidValue")]),
    ('{"Color":"\\u0662"}', [("Color", "invalidEnumValue")]),
    ('{"Data":"AAAAAA"}', [("Data", "valueTooLong")]),
    ('{"Data":"+/8"}', [("Data", "invalidValue")]),
    ('{"Place":{"type":"LineString","coordinates":[]}}', [("Place", "invalidValue")]),
    ('{"Tags":null}', [("Tags", "nullNotAllowed")]),
    ('{"Tags":"a"}', [("Tags", "invalidValue")]),
    ('{"Tags":["a",null,5]}', [("Tags/1", "nullNotAllowed"), ("Tags/2", "invalidValue")]),
    ('{"Stars":6}', [("Stars", "valueOutOfRange")]),
    ('{"Home":{"City":null,"Street":"12345678901"}}', [("Home/Street", "valueTooLong"), ("Home/City", "nullNotAllowed")]),
    ('{"Home":{"Zip":1}}', [("Home/Zip", "unknownProperty")]),
    ('{"Home":{"@odata.type":"#Shop.Model.Bag"}}', [("Home/@odata.type", "typeMismatch")]),
    ('{"Homes":[{"City":"c"},{"Street":"s"}]}', [("Homes/1/City", "missingValue")]),
    ('{"Bag":{"a b":1}}', [("Bag/a b", "invalidName")]),
    ('{"Bag":{"a@odata.type":"#Nope","a":1}}', [("Bag/a", "unknownType")]),
    ('{"Bag":{"a@odata.type":"#Int32","a":"x"}}', [("Bag/a", "invalidValue")]),
    ('{"Naem":1}', [("Naem", "unknownProperty")]),
    ('{"naem":null}', [("naem", "unknownProperty")]),
    ('{"@odata.type":"#Shop.Model.Nope"}', [("@odata.type", "unknownType")]),
    ('{"@odata.type":"#Shop.Model.Owner"}', [("@odata.type", "typeMismatch")]),
    ('{"Owner@odata.bind":["Owners(1)"]}', [("Owner@odata.bind", "invalidValue")]),
    ('{"Owner@odata.bind":5}', [("Owner@odata.bind", "invalidValue")]),
    ('{"Owner@odata.bind":"Owners(1)","Owner":{"@id":"Owners(1)"}}', [("Owner", "conflictingLinks")]),
    ('{"Nope@odata.bind":"x"}', [("Nope@odata.bind", "unknownProperty")]),
    ('{"Parts":null}', [("Parts", "nullNotAllowed")]),
    ('{"Parts":{"No":1}}', [("Parts", "invalidValue")]),
    ('{"Owner":{}}', [("Owner/@odata.type", "abstractType")]),
    ('{"Owner@delta":[]}', [("Owner", "invalidValue")]),
    ('{"Name":5,"Count":"x","Nope":1,"Home":{"City":5}}',
     [("Nope", "unknownProperty"), ("Name", "invalidValue"), ("Count", "invalidValue"), ("Home/City", "invalidValue")]),
    ("[]", [(None, "invalidBody")]),
    ('"x"', [(None, "invalidBody")]),
]


def faults(error: BodyError) -> list[tuple[str | None, str]]:
    return [(each.target, each.code) for each in error.details] or [(error.target, error.code)]


@pytest.mark.parametrize(("text", "expected"), FAULTS, ids=[case[0][:50] for case in FAULTS])
def test_all_faults_of_a_body_are_told(reader: BodyReader, text: str, expected: list[tuple[str | None, str]]) -> None:
    with pytest.raises(BodyError) as caught:
        read(reader, text)
    assert caught.value.status == 400
    assert faults(caught.value) == expected
    assert (len(caught.value.details) > 1) == (len(expected) > 1)


def test_a_sentinel_is_refused_in_these_words(reader: BodyReader) -> None:
    with pytest.raises(BodyError) as caught:
        read(reader, '{"Color":"future"}')
    assert (caught.value.code, caught.value.text, caught.value.target) == (
        "invalidEnumValue", "future cannot be stored.", "Color")


# --- create and put --------------------------------------------------------------------------------------

def test_a_creation_fills_in_defaults_and_leaves_the_service_its_part(reader: BodyReader) -> None:
    values = read(reader, '{"ID":"1","Made":"2020-01-01T00:00:00Z","Code":"AB"}', "create").values
    assert values["Count"] == 7
    assert values["Name"] is None
    assert values["Tags"] == []
    assert values["Code"] == "AB"
    assert "Made" not in values


CREATE_FAULTS = [
    ("Thing", "{}", [("ID", "missingValue")]),
    ("Thing", '{"ID":""}', [("ID", "missingValue")]),
    ("Thing", '{"ID":null}', [("ID", "nullNotAllowed")]),
    ("Thing", '{"ID":"' + "x" * 256 + '"}', [("ID", "valueTooLong")]),
    ("Thing", '{"ID":"1","Code":"ab"}', [("Code", "patternMismatch")]),
    ("Thing", '{"ID":"1","Home":{}}', [("Home/City", "missingValue")]),
    ("Owner", '{"Name":"x"}', [("@odata.type", "abstractType")]),
    ("Owner", '{"@odata.type":"#Shop.Model.Person"}', [("Name", "missingValue")]),
    ("Line", '{"No":1}', [("ThingID", "missingValue"), ("Thing", "missingValue")]),
    ("Line", '{"No":1,"Thing@odata.bind":null}', [("Thing@odata.bind", "nullNotAllowed"), ("Thing", "missingValue")]),
    ("Thing", '{"ID":"1","Parts":[{"No":1},{"Name":"x"}]}', [("Parts/1/No", "missingValue")]),
    ("Thing", '{"ID":"1","Owner":{"@id":"Owners(1)","Name":"x"}}', [("Owner", "invalidValue")]),
    ("Thing", '{"ID":"1","Parts@delta":[]}', [("Parts", "invalidValue")]),
]


@pytest.mark.parametrize(("type", "text", "expected"), CREATE_FAULTS, ids=[case[1][:50] for case in CREATE_FAULTS])
def test_what_a_creation_lacks(reader: BodyReader, type: str, text: str, expected: list[Any]) -> None:
    with pytest.raises(BodyError) as caught:
        read(reader, text, "create", type)
    assert faults(caught.value) == expected


ENOUGH = [
    ("Line", '{"No":1,"Thing@odata.bind":"Things(\'1\')"}'),
    ("Line", '{"No":1,"ThingID":"1"}'),
    ("Thing", '{"ID":"1","Parts":[{"No":1,"Name":"n"}]}'),
    ("Owner", '{"@odata.type":"#Person","Name":"x"}'.replace("#", "#Shop.Model.")),
    ("Owner", '{"@odata.type":"Old.Shop.Person","Name":"x"}'),
    ("Owner", '{"@odata.type":"Self.Person","Name":"x","ID":77}'),
    ("Owner", '{"@odata.type":"http://host/$metadata#Shop.Model.Person","Name":"x"}'),
]


@pytest.mark.parametrize(("type", "text"), ENOUGH, ids=[case[1][:50] for case in ENOUGH])
def test_what_is_enough_for_a_creation(reader: BodyReader, type: str, text: str) -> None:
    read(reader, text, "create", type)


def test_a_put_resets_what_it_leaves_out_and_keeps_its_hands_off_the_rest(reader: BodyReader) -> None:
    values = read(reader, '{"Name":"x","Code":"AB"}', "put").values
    assert values["Count"] == 7
    assert values["Ratio"] is None
    assert not {"ID", "Made", "Code"} & set(values)
    assert "ThingID" not in read(reader, "{}", "put", "Line").values


def test_trusted_bodies_set_what_clients_cannot(reader: BodyReader) -> None:
    change = read(reader, '{"ID":"1","Made":"2020-01-01T00:00:00Z","Big":"5","Price":"1.5","Color":"red"}', "create",
                  trusted=True, quoted=True)
    assert change.values["Made"] == "2020-01-01T00:00:00Z"
    assert (change.values["Big"], change.values["Price"]) == (5, Decimal("1.5"))


LENIENT = [
    ('{"Big":"5","Price":"1.50"}', {"quoted": True}, {"Big": 5, "Price": Decimal("1.50")}),
    ('{"Color":2}', {"enum_numbers": True}, {"Color": 2}),
    ('{"Nope":null}', {"unknown_nulls": True}, {}),
]


@pytest.mark.parametrize(("text", "reading", "values"), LENIENT, ids=[case[0] for case in LENIENT])
def test_what_only_some_readings_take(reader: BodyReader, text: str, reading: dict[str, Any], values: Any) -> None:
    assert read(reader, text, **reading).values == values
    with pytest.raises(BodyError):
        read(reader, text)


def test_an_open_type_takes_members_it_does_not_declare(reader: BodyReader) -> None:
    change = read(reader, '{"Name":"x","extra":1,"more@odata.type":"#Duration","more":"PT1S"}', type="OpenThing")
    assert change.dynamic == {"extra": 1, "more@odata.type": "#Duration", "more": 10_000_000}


# --- links -----------------------------------------------------------------------------------------------

LINKS = [
    # operation, version, body                                         links
    ("create", "4.0", '{"ID":"1","Owner@odata.bind":"Owners(1)"}', {"Owner": ["set:", "->Owners(1)"]}),
    ("create", "4.01", '{"ID":"1","Owner":{"@id":"Owners(1)"}}', {"Owner": ["set:", "->Owners(1)"]}),
    ("create", "4.0", '{"ID":"1","Owner":{"@odata.id":"Owners(1)","@odata.type":"#x"}}', {"Owner": ["set:", "->Owners(1)"]}),
    ("create", "4.01", '{"ID":"1","Owner":null}', {}),
    ("create", "4.01", '{"ID":"1","Owner":{"@type":"Self.Person","Name":"n"}}', {"Owner": ["set:", {"Name": "n"}]}),
    ("create", "4.0", '{"ID":"1","Parts":[{"No":1,"Name":"p"}]}', {"Parts": ["set:", {"No": 1, "Name": "p"}]}),
    ("patch", "4.0", '{"Owner@odata.bind":null}', {"Owner": ["set:"]}),
    ("patch", "4.0", '{"Parts@odata.bind":["x","y"]}', {"Parts": ["add:", "->x", "->y"]}),
    ("patch", "4.01", '{"Owner":null}', {"Owner": ["set:"]}),
    ("patch", "4.01", '{"Parts":[{"@id":"x"},{"No":2,"Name":"p"}]}', {"Parts": ["set:", "->x", {"Name": "p"}]}),
    ("patch", "4.01", '{"Parts@delta":[{"@removed":{"reason":"deleted"},"No":1},{"@removed":{},"No":2},{"@id":"x"}]}',
     {"Parts": ["delta:", {"removed": "deleted"}, {"removed": "changed"}, "->x"]}),
    ("patch", "4.01", '{"Parts@odata.delta":[{"No":3,"Name":"n"}]}', {"Parts": ["delta:", {"Name": "n"}]}),
]


@pytest.mark.parametrize(("operation", "version", "text", "links"), LINKS, ids=[case[2][:60] for case in LINKS])
def test_links(reader: BodyReader, operation: str, version: str, text: str, links: Any) -> None:
    change = read(reader, text, operation, version=version)
    assert {name: shown(each) for name, each in change.links.items()} == links


def test_an_update_in_4_0_holds_no_entities(reader: BodyReader) -> None:
    with pytest.raises(BodyError) as caught:
        read(reader, '{"Parts":[{"No":2,"Name":"p"}]}', version="4.0")
    assert faults(caught.value) == [("Parts", "nestedEntity")]


def test_a_nested_entity_that_is_nothing_but_a_key_says_so(reader: BodyReader) -> None:
    change = read(reader, '{"ID":"1","Owner":{"@odata.type":"#Shop.Model.Person","ID":5}}', "create")
    (target,) = change.links["Owner"].targets
    assert isinstance(target, Change)
    assert (target.only_key, dict(target.key), target.at) == (True, {"ID": 5}, "Owner")


def test_relative_ids_count_from_the_context_of_the_body(reader: BodyReader) -> None:
    change = read(reader, '{"@context":"http://h/a/$metadata#Things","Owner":{"@id":"Owners(1)"}}')
    (target,) = change.links["Owner"].targets
    assert target == Reference("Owners(1)", "Owner", "http://h/a/$metadata#Things")


def test_etags_in_the_body_count_where_the_reading_says_so(reader: BodyReader) -> None:
    text = '{"@odata.etag":"W/\\"1\\""}'
    assert read(reader, text).etag is None
    assert read(reader, text, etags=True).etag == 'W/"1"'


def test_streams_come_inline(reader: BodyReader) -> None:
    change = read(reader, '{"Picture":"AAE","Picture@odata.mediaContentType":"image/png"}')
    assert (change.streams["Picture"].content, change.streams["Picture"].media_type) == (b"\x00\x01", "image/png")


# --- other bodies ----------------------------------------------------------------------------------------

PARAMETERS = [
    ('{"color":"red","where":[]}', {"color": 1, "coats": None, "where": []}),
    ('{"color":"red","coats":null,"where":[{"City":"c"}],"@odata.context":"x"}',
     {"color": 1, "coats": None, "where": [{"Street": None, "City": "c"}]}),
    ('{"color":"red","where":[],"thing":{"@id":"Things(\'1\')"}}',
     {"color": 1, "coats": None, "where": [], "thing": "->Things('1')"}),
    ('{}', [("color", "missingValue")]),
    ('{"color":null,"where":{}}', [("color", "nullNotAllowed"), ("where", "invalidValue")]),
    ('{"color":"red","where":[],"colour":1}', [("colour", "unknownParameter")]),
]


@pytest.mark.parametrize(("text", "expected"), PARAMETERS, ids=[case[0][:50] for case in PARAMETERS])
def test_parameters_of_an_action(reader: BodyReader, text: str, expected: Any) -> None:
    action = reader.model.overloads(NS + "Paint")[0]
    if isinstance(expected, list):
        with pytest.raises(BodyError) as caught:
            reader.read_parameters(read_json(text.encode()), action, Reading("create"))
        assert faults(caught.value) == expected
    else:
        assert shown(reader.read_parameters(read_json(text.encode()), action, Reading("create"))) == expected


SINGLE = [
    ("Count", '{"value":5}', 5),
    ("Count", '{"value":null}', None),
    ("Tags", '{"value":["a"]}', ["a"]),
    ("Home", '{"City":"x"}', {"Street": None, "City": "x"}),
    ("Count", "{}", (None, "invalidBody")),
    ("Count", "5", (None, "invalidBody")),
    ("Count", '{"value":"x"}', ("Count", "invalidValue")),
    ("Tags", '{"value":null}', ("Tags", "nullNotAllowed")),
]


@pytest.mark.parametrize(("name", "text", "expected"), SINGLE, ids=[f"{case[0]} {case[1]}" for case in SINGLE])
def test_single_properties(reader: BodyReader, name: str, text: str, expected: Any) -> None:
    member = reader.model.properties(NS + "Thing")[name]
    if isinstance(expected, tuple):
        with pytest.raises(BodyError) as caught:
            reader.read_value(read_json(text.encode()), NS + "Thing", member, Reading("put"))
        assert (caught.value.target, caught.value.code) == expected
    else:
        assert reader.read_value(read_json(text.encode()), NS + "Thing", member, Reading("put")) == expected


def test_references(reader: BodyReader) -> None:
    assert reader.read_references({"@odata.id": "a"}, NS + "Thing") == (Reference("a", "@odata.id"),)
    assert [each.url for each in reader.read_references({"value": [{"@id": "a"}, {"@odata.id": "b"}]}, NS + "Thing")] == ["a", "b"]
    for wrong in ({}, {"@id": ""}, {"@id": 5}, [], None, {"value": [{}]}):
        with pytest.raises(BodyError):
            reader.read_references(wrong, NS + "Thing")


def test_a_stream_that_clients_cannot_write_is_ignored(reader: BodyReader) -> None:
    assert read(reader, '{"Report":"AAE"}').streams == {}
    assert read(reader, '{"Report":"AAE"}', trusted=True).streams["Report"].content == b"\x00\x01"
    with pytest.raises(BodyError):
        read(reader, '{"$value":"AAE"}')


ABSTRACT = [
    ('{"Any":5}', 5),
    ('{"Any":{"a@odata.type":"#Int64","a":5,"@odata.unknown":1}}', {"a@odata.type": "#Int64", "a": 5}),
    ('{"Any":5,"Any@odata.type":"#Int64"}', {"@odata.type": "#Int64", "@value": 5}),
    ('{"Any@type":"String","Any":"x"}', "x"),
    ('{"Simple@odata.type":"#Duration","Simple":"PT1S"}', {"@odata.type": "#Duration", "@value": 10_000_000}),
    ('{"Simple":{"a":1}}', ("Simple", "invalidValue")),
    ('{"Simple@odata.type":"#Int32","Simple":"x"}', ("Simple", "invalidValue")),
    ('{"Any":{"@odata.type":"#Int64","@value":5}}', {}),
]


@pytest.mark.parametrize(("text", "expected"), ABSTRACT, ids=[case[0][:50] for case in ABSTRACT])
def test_values_of_abstract_types_keep_the_type_beside_them(reader: BodyReader, text: str, expected: Any) -> None:
    if isinstance(expected, tuple):
        with pytest.raises(BodyError) as caught:
            read(reader, text)
        assert (caught.value.target, caught.value.code) == expected
    else:
        assert list(read(reader, text).values.values()) == [expected]
