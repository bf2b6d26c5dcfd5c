"""Nothing is leaked: under generated policies a principal is answered as if nothing hidden existed, and changes nothing that
is hidden (docs/security.md).

Reads are given to a service under a policy and to one without, whose model and rows lack what the policy hides. Modifications
are given to two services under the same policy, of which one has no hidden rows and other values in hidden properties.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.service.service import Service
from app.service.settings import Settings
from tests.conftest import NOW
from tests.databases import Databases
from tests.oracle import rulings, world
from tests.oracle.choices import Pick
from tests.oracle.conftest import MANY, Asked, Effort, soak
from tests.oracle.contest import Tally
from tests.oracle.generate import query
from tests.oracle.guarded import MANNER, Guarded, ask_both, send, write
from tests.oracle.history import tell
from tests.oracle.rulings import ADMIN, CLERK, Ruling
from tests.oracle.unseen import Pairs
from tests.oracle.world import SEEDS

READS, LONG_READS, STEPS, LONG_STEPS = 270, 25_000, 60, 8_000       # requests a store, and steps of the clerk
POLICY, LONG_POLICY, HISTORY, LONG_HISTORY = 90, 250, 30, 80        # of one policy, and of one history
FIRST = 1


@contextmanager
def twins(ruling: Ruling, databases: Databases, folder: Path, tally: Tally, told: Counter[str]) -> Iterator[Guarded]:
    """A service under a policy, and one without what that hides."""
    for each in ("all", "left"):
        (folder / each).mkdir(parents=True)
    policy, schema = ruling.write(folder)
    urls = [databases.empty(), databases.empty()]
    services = [Service.open(Settings(model=model, data=world.write_rows(folder / name, rows), database=url, now=NOW, policy=policy if name == "all" else None))
                for name, model, rows, url in (("all", world.model_file(ruling.full.variation), ruling.full, urls[0]), ("left", schema, ruling.left, urls[1]))]
    try:
        yield Guarded(services[0], ruling.full, tally, services[1], ruling, told)
    finally:
        for service, url in zip(services, urls, strict=True):
            service.close()
            databases.drop(url)


@pytest.mark.soak
def test_generated_reads(databases: Databases, effort: Effort, tmp_path: Path, record_property: Callable[[str, Any], None],
                         capsys: pytest.CaptureFixture[str]) -> None:
    def shout(text: str) -> None:
        with capsys.disabled():
            print(text, flush=True)

    left = int(os.environ.get("ODATA_SOAK", LONG_READS)) if effort.soak else READS
    seed, size, told, tally = effort.seed if effort.soak else FIRST, LONG_POLICY if effort.soak else POLICY, Counter[str](), Tally(databases.store)
    while left > 0 and len(tally.differences) < MANY:
        with twins(rulings.made(seed, databases.store == "mariadb"), databases, tmp_path / str(seed), tally, told) as both:
            def asked(pick: Pick, both: Guarded = both) -> Asked:
                return write(pick, both.ruling)
            soak(both, asked, ask_both, f"{seed} policies", min(left, size), shout)       # type: ignore[arg-type]
        left -= size
        seed += SEEDS + 1
    record_property("count", f"oracle, reads under policies: {tally}; {told['else']:,} of which would have been answered otherwise without the policy, {told['closed']} refused by it")
    record_property("oracle", (databases.store, tally.counts))
    assert not tally.differences, "\n\n".join(tally.differences)
    assert told["else"] > tally.answered / 10


@pytest.mark.soak
def test_generated_modifications(databases: Databases, effort: Effort, tmp_path: Path, record_property: Callable[[str, Any], None],
                                 capsys: pytest.CaptureFixture[str]) -> None:
    ground = Pairs(databases, tmp_path)
    left = int(os.environ.get("ODATA_SOAK", LONG_STEPS)) if effort.soak else STEPS
    size, seed, counts, differences = LONG_HISTORY if effort.soak else HISTORY, effort.seed if effort.soak else FIRST, Counter[str](), []
    while left > 0 and len(differences) < MANY:
        found, wrong = ground.run(seed, range(min(left, size)), counts)
        if wrong:
            least, said = ground.least(seed, range(len(found.log)), wrong)
            differences.append(f"{(least or found).ruling}\n{tell(seed, least or found, said)}")       # type: ignore[attr-defined]
            with capsys.disabled():
                print("\n" + differences[-1], flush=True)
        left -= size
        seed += SEEDS + 1
    record_property("count", f"oracle, modifications under policies: {counts['agree'] + counts['failing']:,} agree on {databases.store} ({counts['failing']} failing alike), "
                    f"{counts['refused']} refused, {counts['documented']} tell of a key that is taken or of what goes along, {len(differences)} differ; {counts['deltas']:,} deltas ({counts['410']} gone)")
    record_property("oracle", (databases.store, {"agree": counts["agree"] + counts["failing"], "refused": counts["refused"], "differ": len(differences)}))
    assert not differences, "\n\n".join(differences)


# --- what once told something ----------------------------------------------------------------------------

FOUND: list[tuple[Any, str, dict[str, str]]] = [
    # rows of an outer join with what is hidden: as many as links to it
    (({"Tags": "B eq @principal.tenant"}, {}, set()), "Things", {"$apply": "outerjoin(Tags as J)/aggregate($count as N)"}),
    (({"Things": "Words/$count lt 3"}, {}, set()), "Things", {"$apply": "outerjoin(Friends as J)/groupby((ID),aggregate($count as N))"}),
    # a predicate over other rows, in a join
    (({"Looses": "Next/ID gt @principal.number"}, {}, set()), "Looses", {"$apply": "groupby((Next/ID),aggregate($count as N))"}),
    (({"Owners": "Boss/Name ne null"}, {}, set()), "Things", {"$orderby": "Owner/Name"}),
    # links from complex values to a set that is hidden
    (({}, {}, {"Tags"}), "Things", {MANNER: "full"}),
    # hidden members of values that are compared
    (({}, {"World.Place": {"Size", "Opened", "Spot", "Home", "Price"}}, set()), "Things", {"$filter": "Friends/any(f:f/Place eq $it/Place)", "$select": "ID"}),
    (({}, {"World.Form": {"Sides", "Area", "Label", "Cost", "Made", "Centre", "Solid"}}, set()), "Things", {"$filter": "Friends/any(f:f/Form eq $it/Form)", "$select": "ID"}),
    # bindings of properties that have the name of a hidden one
    (({}, {"World.Tag": {"Things"}}, set()), "$metadata?$format=json", {}),
]


@pytest.mark.parametrize(("ruled", "path", "options"), FOUND, ids=[f"{path} {options}" for _, path, options in FOUND])
def test_found_leaks(ruled: Any, path: str, options: dict[str, str], databases: Databases, tmp_path: Path) -> None:
    ruling = rulings.fixed(databases.store == "mariadb", *ruled)
    with twins(ruling, databases, tmp_path, Tally(databases.store), Counter()) as both:
        ask_both(both, path, {MANNER: "get", **options})
        assert both.told["else"] == 1


KEPT = ["groupby((Form))", "compute(Form as F)/groupby((F),aggregate($count as N))", "aggregate(Form with countdistinct as N)", "aggregate(Forms with countdistinct as N)",
        "aggregate(Friends/Form with countdistinct as N)", "groupby((Boolean),aggregate(Form with countdistinct as N))", "filter(Friends/aggregate(Form with countdistinct) gt 1)"]


@pytest.mark.parametrize("text", KEPT)
def test_values_that_are_told_apart_as_they_are_kept(text: str, databases: Databases, tmp_path: Path) -> None:
    """Values of which members are hidden are not grouped and not counted: what is hidden would tell them apart."""
    ruling = rulings.fixed(databases.store == "mariadb", {}, {"World.Form": {"Label", "Area"}}, set())
    with twins(ruling, databases, tmp_path, Tally(databases.store), Counter()) as both:
        answers = [send(service, who, "GET", "Things", query({"$apply": text})) for service, who in ((both.service, CLERK), (both.service, ADMIN))]
    assert [each.status for each in answers] == [501, 200], answers
    assert "members are hidden" in answers[0].message
