"""Mutated documents: whatever comes in, only errors of ours come out, and what is read can be judged and written."""

from __future__ import annotations

import contextlib
import copy
import json
import random
import re
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from app.csdl import read
from app.csdl.json_writer import write_json
from app.csdl.load import read_document, vocabulary
from app.csdl.profile import PROFILES, check
from app.csdl.source import Broken, Source
from app.csdl.views import safe
from app.csdl.xml_writer import write_xml
from app.edm import rules
from app.errors import ModelError

PAIRS = Path(__file__).parent / "pairs"
SEEDS = [(PAIRS / name).read_bytes() for name in ("everything.xml", "everything.json")]
TOKENS = [re.findall(rb"<[^>]*>|[\"'][^\"']*[\"']|[\w.]+|\s+|.", seed, re.DOTALL) for seed in SEEDS]
NASTY = [b"", b"<", b">", b"&", b"&amp;", b"\x00", b"\xff", b"\xed\xa0\x80", b"]]>", b"<!DOCTYPE a>", b"<![CDATA[x]]>", b"<!--x-->",
         b"<?x?>", b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"-1", b"1e999", b"9" * 400, b"'", b'"', b"\\ud800", b"../..",
         b"Collection(", b")", b"/", b"@", b"#", b"$Type", b"$Collection", b"@type", b"ns.", b".", b"..", b"Edm.String", b"self.Thing",
         b"x" * 3000, b"\xe2\x80\xae", b"\r", b"<Collection>" * 60, b"[" * 60]


TREE = etree.fromstring(SEEDS[0])
NODES = [node for node in TREE.iter() if isinstance(node.tag, str)]
TAGS = sorted({str(node.tag) for node in NODES})
ATTRIBUTES = sorted({str(name) for node in NODES for name in node.attrib})
WORDS = [*sorted({str(value) for node in NODES for value in node.attrib.values()}), *(
    each.decode("utf-8", "replace") for each in NASTY if each.decode("utf-8", "replace").isprintable())]
JSON = json.loads(SEEDS[1])
PARTS: list[Any] = []
NAMES: list[str] = []


def gather(value: Any) -> None:
    PARTS.append(value)
    if isinstance(value, dict):
        NAMES.extend(value)
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        gather(each)


gather(JSON)


def mutated(chance: random.Random) -> bytes:
    """A broken document: as text, or as a tree, which leaves it well-formed."""
    return chance.choice([torn, rearranged, reworded])(chance)


def rearranged(chance: random.Random) -> bytes:
    """An XML document with elements dropped, doubled, moved, renamed, and attributes changed."""
    tree = copy.deepcopy(TREE)
    for _ in range(chance.choice([1, 1, 2, 3, 8])):
        nodes = [node for node in tree.iter() if isinstance(node.tag, str)]
        node, other = chance.choice(nodes), chance.choice(nodes)
        parent = node.getparent()
        match chance.randrange(7):
            case 0 if parent is not None:
                parent.remove(node)
            case 1:
                other.append(copy.deepcopy(chance.choice(NODES)))
            case 2 if parent is not None:
                parent.insert(chance.randrange(len(parent) + 1), copy.deepcopy(node))
            case 3:
                node.tag = chance.choice(TAGS)
            case 4:
                node.text = chance.choice(WORDS)
            case 5 if node.attrib:
                del node.attrib[chance.choice(list(node.attrib))]
            case _:
                node.set(chance.choice([*node.attrib, chance.choice(ATTRIBUTES)]), chance.choice(WORDS))
    return etree.tostring(tree)


def reworded(chance: random.Random) -> bytes:
    """A JSON document with members dropped, renamed, moved and changed."""
    document = copy.deepcopy(JSON)
    for _ in range(chance.choice([1, 1, 2, 3, 8])):
        value = document
        while isinstance(value, dict | list) and value:
            at: Any = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
            if isinstance(value[at], dict | list) and chance.random() < 0.8:
                value = value[at]
                continue
            other = copy.deepcopy(chance.choice([*WORDS, *PARTS, None, True, 0, -1, 1e99, 10**30, [], {}]))
            match chance.randrange(4):
                case 0:
                    del value[at]
                case 1 if isinstance(value, dict):
                    value[chance.choice([*NAMES, *WORDS])] = value.pop(at)
                case 2 if isinstance(value, dict):
                    value[chance.choice([*NAMES, *WORDS])] = other
                case _:
                    value[at] = other
            break
    return json.dumps(document, ensure_ascii=chance.random() < 0.5).encode("utf-8", "replace")


def torn(chance: random.Random) -> bytes:
    """A document with some tokens dropped, doubled, moved, swapped for others or for nasty ones."""
    tokens = list(chance.choice(TOKENS))
    for _ in range(chance.choice([1, 1, 2, 3, 8])):
        at, other = chance.randrange(len(tokens)), chance.randrange(len(tokens))
        match chance.randrange(6):
            case 0:
                tokens[at] = chance.choice(NASTY)
            case 1:
                tokens[at] = tokens[other]
            case 2:
                del tokens[at:at + chance.choice([1, 2, 20])]
            case 3:
                tokens[at:at] = tokens[other:other + chance.choice([1, 5, 50])]
            case 4:
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case _:
                raw = bytearray(tokens[at])
                if raw:
                    raw[chance.randrange(len(raw))] = chance.randrange(256)
                tokens[at] = bytes(raw)
        if not tokens:
            break
    data = b"".join(tokens)
    return data[:chance.randrange(len(data))] if data and chance.random() < 0.05 else data


def survives(data: bytes) -> str:
    """What became of a document. Raises whatever is no error of ours."""
    try:
        document = read_document(Source("fuzz", data), trace=True)
    except Broken as broken:
        with pytest.raises(ModelError):
            read(data)
        return str(broken.found.rule)
    model = document.model
    rules.check(model, document.places, vocabulary)
    check(model, sorted(PROFILES)[len(data) % len(PROFILES)], document.places)
    for form in (model, safe(model)):
        write_json(form, "4.01")
        try:
            write_xml(form, "4.01")
        except ModelError as error:
            assert "cannot be written as XML" in str(error)
    return "with findings" if document.findings else "clean"


@contextlib.contextmanager
def bounded(seconds: int) -> Iterator[None]:
    """No more processor time than this for what is inside."""
    def give_up(*_: object) -> None:
        raise TimeoutError(f"not done after {seconds} s")
    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
def test_mutated_documents(seed: int, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str],
                           record_property: Callable[[str, Any], None]) -> None:
    count = 25_000 if pytestconfig.getoption("--soak") else 100
    chance, became, longest = random.Random(seed), Counter[str](), 0.0
    survives(SEEDS[0]), survives(SEEDS[1])
    start, memory = time.process_time(), resident()
    for number in range(1, count + 1):
        data, begun = mutated(chance), time.process_time()
        try:
            with bounded(30):
                became[survives(data)] += 1
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error} in {data!r}") from error
        longest = max(longest, time.process_time() - begun)
        if not number % 2500:
            with capsys.disabled():
                print(f"\nreaders, seed {seed}: {number:,} of {count:,} documents", end="", flush=True)
    grown = resident() - memory
    assert grown < 200, f"{grown} MB more after {count} documents"
    told = ", ".join(f"{each:,} {what}" for what, each in became.most_common(4))
    record_property("count", f"readers, seed {seed}: {count:,} mutated documents ({told} …) in {time.process_time() - start:.0f} s, "
                             f"the longest {longest * 1000:.0f} ms, {grown} MB more, only errors of ours")


def resident() -> int:
    """The largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
