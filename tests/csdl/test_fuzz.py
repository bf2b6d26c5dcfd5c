"""Mutated documents: whatever comes in, only errors of ours come out, and what is read can be judged and written."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from app.csdl import read
from app.csdl.json_writer import write_json
from app.csdl.load import read_document, vocabulary
from app.csdl.profile import PROFILES, check, safe
from app.csdl.source import Broken, Source
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


def mutated(chance: random.Random) -> bytes:
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


def survives(data: bytes) -> None:
    try:
        document = read_document(Source("fuzz", data), trace=True)
    except Broken:
        with pytest.raises(ModelError):
            read(data)
        return
    model = document.model
    rules.check(model, document.places, vocabulary)
    for profile in PROFILES:
        check(model, profile, document.places)
    for form in (model, safe(model)):
        write_json(form, "4.01")
        try:
            write_xml(form, "4.01")
        except ModelError as error:
            assert "cannot be written as XML" in str(error)


@pytest.mark.parametrize("seed", range(4))
def test_mutated_documents(seed: int, pytestconfig: pytest.Config) -> None:
    chance = random.Random(seed)
    for _ in range(25_000 if pytestconfig.getoption("--soak") else 100):
        data = mutated(chance)
        try:
            survives(data)
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error} in {data!r}") from error
