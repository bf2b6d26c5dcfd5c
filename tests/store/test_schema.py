"""Tables in the database: the DDL of every dialect, making, checking, references that hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import ConfigurationError, Conflict
from app.store import Mapping, Store, connect, numbers, schema
from app.store.tables import Column
from tests.store.test_mapping import entity, mapped, sets

GOLDEN = Path(__file__).parent / "golden"
URLS = {"sqlite": "sqlite:///:memory:", "postgresql": "postgresql://u@h/d", "mariadb": "mysql://u@h/d",
        "cockroachdb": "cockroachdb://u@h/d"}


def ddl(store: Store, mapping: Mapping) -> str:
    parts = [*schema.system_tables(store.dialect.name)]
    for id in mapping.sources():
        parts += [each for each in schema.definitions(mapping, id) if each not in parts]
    lines = [line for each in parts for line in schema.create_table(store, each)]
    return "\n".join(lines + [text for each in parts for _, text in schema.references(store, each)]) + "\n"


@pytest.mark.parametrize("dialect", URLS)
def test_ddl(dialect: str, northwind: Mapping, request: pytest.FixtureRequest) -> None:
    """The DDL of northwind, as reviewed: `--update-golden` rewrites it."""
    file, text = GOLDEN / f"northwind.{dialect}.sql", ddl(connect(URLS[dialect]), northwind)
    if request.config.getoption("--update-golden"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()


def indexes(store: Store) -> list[str]:
    text = {"sqlite": "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
            "postgresql": "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()",
            "mariadb": "SELECT DISTINCT CONCAT(table_name, '.', index_name) FROM information_schema.statistics "
                       "WHERE table_schema = DATABASE()"}
    return sorted(row[0] for row in store.run(text[store.dialect.name]))


def test_indexes_while_a_table_is_filled(empty: Store, northwind: Mapping) -> None:
    """Keys and indexes of references stay, for checks use them; the others come back as they were, however it ends."""
    schema.create(empty, northwind)
    before, tables = indexes(empty), schema.definitions(northwind, "Products")
    with empty.write(), schema.filling(empty, tables):
        gone = {text for text in before if text not in indexes(empty)}
    assert indexes(empty) == before
    assert [any(name in text for text in gone) for name in ("Products_Name__id", "Products_Supplier_id", "Products_ID_key")] == [
        empty.dialect.name != "mariadb", False, False]
    with pytest.raises(ZeroDivisionError), empty.write(), schema.filling(empty, tables):
        raise ZeroDivisionError
    assert indexes(empty) == before


@pytest.mark.parametrize("model", ["northwind", "all_types", "industry"])
def test_create(empty: Store, model: str, request: pytest.FixtureRequest) -> None:
    mapping: Mapping = request.getfixturevalue(model)
    schema.create(empty, mapping)
    assert set(empty.tables or ()) == set(mapping.sources())
    schema.create(empty, mapping)       # does nothing
    secret = schema.setting(empty, "secret")
    assert secret is not None and len(secret) == 64
    with empty.write():
        schema.set_setting(empty, "secret", "other")
    assert schema.setting(empty, "secret") == "other" and schema.setting(empty, "nothing") is None


def test_another_model_in_the_same_database(empty: Store, tmp_path: Path) -> None:
    old = mapped(tmp_path, entity("A"), sets("A"))
    schema.create(empty, old)
    grown = mapped(tmp_path, entity("A") + entity("B"), sets("A", "B"))
    assert not empty.has_table("B")
    schema.create(empty, grown)
    assert empty.has_table("B")
    other = mapped(tmp_path, entity("A", '<Property Name="x" Type="Edm.Int32"/>'), sets("A"))
    with pytest.raises(ConfigurationError, match="another form of 'A'"):
        schema.create(empty, other)


def test_tables_of_a_large_model_come_when_needed(empty: Store, tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "EAGER", 1)
    nav = '<NavigationProperty Name="bs" Type="Collection(m.B)"/><NavigationProperty Name="b" Type="m.B"/>'
    mapping = mapped(tmp_path, entity("A", nav) + entity("B"), sets("A", "B"))
    schema.create(empty, mapping)
    assert empty.has_table("odata_meta") and not empty.has_table("A")
    for id in ("A", "B", "A"):
        schema.ensure(empty, mapping, id)
        assert empty.has_table(id)
    empty.tables = None
    schema.ensure(empty, mapping, "B")
    assert set(empty.tables or ()) >= {"A", "B"}
    other = mapped(tmp_path, entity("A") + entity("B"), sets("A", "B"))
    with pytest.raises(ConfigurationError, match="another form of 'A'"):
        schema.create(empty, other)
    with pytest.raises(Conflict):
        empty.execute(*empty.compile(schema.pw.Table("A").insert(
            [(1, 7, 1, 99)], columns=[schema.pw.Entity(name) for name in ("_id", "_version", "id", "b_id")])))


def test_a_large_model_starts_with_the_tables_of_its_sets(empty: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "EAGER", 2)
    nav = '<NavigationProperty Name="parts" Type="Collection(m.B)" ContainsTarget="true"/>'
    mapping = mapped(tmp_path, entity("A", nav) + entity("B", nav.replace("parts", "more")), sets("A", "B"))
    schema.create(empty, mapping)
    assert empty.has_table("A") and empty.has_table("B") and set(empty.tables or ()) == {"A", "B"}
    schema.ensure(empty, mapping, "m.A/parts")
    schema.create(empty, mapping)
    assert set(empty.tables or ()) == {"A", "B", "m.A/parts"}


def test_erase(empty: Store, database_url: str, northwind: Mapping) -> None:
    """What the service made is gone, what others made stays."""
    schema.erase(database_url)
    schema.create(empty, northwind)
    empty.execute("CREATE TABLE others (a INTEGER)")
    empty.close()
    schema.erase(database_url)
    assert empty.has_table("others") and not empty.has_table("odata_tables") and not empty.has_table("Products")
    empty.tables = None
    schema.create(empty, northwind)
    assert empty.has_table("others") and empty.has_table("Products")


def test_system_tables_have_names_of_their_own() -> None:
    for dialect in URLS:
        assert all(each.name.startswith("odata_") for each in schema.system_tables(dialect))


@pytest.mark.parametrize("name", ["a%b", "a%sb"])
def test_names_that_drivers_would_misread(name: str) -> None:
    with pytest.raises(ConfigurationError):
        schema.quoted(name)


def test_numbers_are_given_once(empty: Store, northwind: Mapping) -> None:
    kind = Column("id", "Edm.Int64", "Edm.Int64", False)
    for text in schema.create_table(empty, schema.Definition("numbers", (kind,), key=("id",))):
        empty.execute(text)
    schema.create(empty, northwind)
    statement = numbers.query(empty, "numbers", "id")

    def following() -> int:
        with empty.write():
            return numbers.following(empty, "numbers", "id", statement)
    for expected in (1, 2):
        assert following() == expected
        empty.execute(f"INSERT INTO numbers (id) VALUES ({expected})")
    empty.execute("INSERT INTO numbers (id) VALUES (41)")
    assert following() == 42
    for gone in (41, 9, 1 << 62):       # the greatest counts, whatever its length and order
        text, places = numbers.memory(empty)
        empty.execute(text, [(numbers.name("numbers", "id"), numbers.digits(gone))[place] for place in places])
    assert following() == (1 << 62) + 1
    empty.execute("DELETE FROM numbers")
    assert following() == (1 << 62) + 1
