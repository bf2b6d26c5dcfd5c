"""Keys: predicates, segments, alternate keys, parts fixed by a constraint.

Each row: section of URL Conventions 4.01, request, what it is bound to (or the error).
"""

from __future__ import annotations

import pytest

from tests.bind.answering import answer

KEYS = [
    ("4.3.1", 'People(1)', 'entity People(Number=1:Edm.Int64) : R.Person in People'),
    ("4.3.1", 'People(Number=1)', 'entity People(Number=1:Edm.Int64) : R.Person in People'),
    ("4.3.1", 'People(@k)?@k=1', 'entity People(Number=1:Edm.Int64) : R.Person in People'),
    ("4.3.1", 'People(@k)', "400 typeMismatch @People(@k): The key part 'Number' must not be null."),
    ("4.3.1", 'People(1,2)',
     "400 syntaxError @People(1,2): The URL is malformed: expected ')', or name=value for every key property or "
     "parameter at position 9, found '2)'."),
    ("4.3.1", 'People(ID=1)', "400 bindError @People(ID=1): The key of R.Person has no part 'ID'."),
    ("4.3.1", "People('x')", "400 typeMismatch @People('x'): 'x' is not of type Edm.Int64."),
    ("4.3.1", 'People(1.5)', '400 typeMismatch @People(1.5): 1.5 is not of type Edm.Int64.'),
    ("4.3.1", 'People(99999999999999999999)',
     '400 typeMismatch @People(99999999999999999999): 99999999999999999999 is not of type Edm.Int64.'),
    ("4.3.1", 'People(null)',
     '400 syntaxError @People(null): The URL is malformed: expected a literal that can be a key at position 7, found '
     "'null)'."),
    ("4.3.1", 'People()', "400 bindError @People(): 'People()' is no key predicate."),
    ("4.3.1", 'People(abc)',
     "400 bindError @People(abc): The key part 'Number' must be a literal or a parameter alias."),
    ("4.3.1", 'Me(1)', "400 bindError @Me(1): 'Me' is not a collection and takes no key."),
    ("4.3.1", "Ships('O''Neil')", "entity Ships(Name='O''Neil') : R.Ship in Ships"),
    ("4.3.1", "Ships('a%2Fb')", "entity Ships(Name='a/b') : R.Ship in Ships"),
    ("4.3.1", 'Ships(1)', '400 typeMismatch @Ships(1): 1 is not of type Edm.String.'),
    ("4.3.1", "Cabins(ShipName='x',Deck=1,Door=2)",
     "entity Cabins(ShipName='x',Deck=1:Edm.Int32,Door=2:Edm.Int32) : R.Cabin in Cabins"),
    ("4.3.1", "Cabins(Door=2,Deck=1,ShipName='x')",
     "entity Cabins(ShipName='x',Deck=1:Edm.Int32,Door=2:Edm.Int32) : R.Cabin in Cabins"),
    ("4.3.1", 'Cabins(Deck=1,Door=2)', '400 bindError @Cabins(Deck=1,Door=2): The key of R.Cabin lacks ShipName.'),
    ("4.3.1", "Cabins('x')",
     "400 bindError @Cabins('x'): The key of R.Cabin has the parts ShipName, Deck, Door: name them."),
    ("4.3.1", "Cabins(ShipName='x',Deck=1,Door=2,Floor=3)",
     "400 bindError @Cabins(ShipName='x',Deck=1,Door=2,Floor=3): The key of R.Cabin has no part 'Floor'. Did you "
     "mean 'Door'?"),
    ("4.3.2", 'People(1)/Letters(Date=2020-01-01,Serial=2)',
     'entity People(Number=1:Edm.Int64)/Letters(Date=2020-01-01:Edm.Date,Serial=2:Edm.Int32) : R.Letter contained'),
    ("4.3.2", "People(1)/Letters(Date='2020-01-01',Serial=2)",
     "400 typeMismatch @Letters(Date='2020-01-01',Serial=2): '2020-01-01' is not of type Edm.Date."),
    ("4.3.2", 'People(1)/Letters(Serial=2)', '400 bindError @Letters(Serial=2): The key of R.Letter lacks Date.'),
    ("4.3.2", 'People(1)/Diary(Year=5)',
     "400 bindError @Diary(Year=5): 'Diary' is not a collection and takes no key."),
    ("4.3.3", "Ships('x')/Cabins(Deck=1,Door=2)",
     "entity Ships(Name='x')/Cabins(ShipName='x',Deck=1:Edm.Int32,Door=2:Edm.Int32) : R.Cabin in Cabins"),
    ("4.3.3", "Ships('x')/Cabins(ShipName='x',Deck=1,Door=2)",
     "entity Ships(Name='x')/Cabins(ShipName='x',Deck=1:Edm.Int32,Door=2:Edm.Int32) : R.Cabin in Cabins"),
    ("4.3.3", "Ships('x')/Cabins(1)",
     '400 bindError @Cabins(1): The key of R.Cabin has the parts ShipName, Deck, Door: name them.'),
    ("4.3.3", 'R.Nope/Cabins(Deck=1,Door=2)', "404 unknownResource @R.Nope: There is no resource 'R.Nope'."),
    ("4.3.3", 'Nearest(to=null)/Cabins(Deck=1,Door=2)',
     "400 typeMismatch @Nearest(to=null): The parameter 'to' must not be null."),
    ("4.3.3", 'Me/Ship/Cabins(Deck=1,Door=2)',
     'entity Me/Ship/Cabins(Deck=1:Edm.Int32,Door=2:Edm.Int32) : R.Cabin in Cabins'),
    ("4.3.5", "People(name='a',home='b')", "entity People(name='a',home='b')* : R.Person in People"),
    ("4.3.5", "People(name='a')",
     "400 bindError @People(name='a'): name is neither the key nor an alternate key of R.Person."),
    ("4.3.5", "People(name='a',house='b')",
     "400 bindError @People(name='a',house='b'): The key of R.Person has no part 'house'. Did you mean 'home'?"),
    ("4.3.5", "People(Number=1,name='a')",
     "400 bindError @People(Number=1,name='a'): Number, name is neither the key nor an alternate key of R.Person."),
    ("4.3.6", 'People/1', 'entity People(Number=1:Edm.Int64) : R.Person in People'),
    ("4.3.6", 'People/-1', 'entity People(Number=-1:Edm.Int64) : R.Person in People'),
    ("4.3.6", 'People/x', "404 unknownResource @x: There is no resource 'x': 'x' is not an integer."),
    ("4.3.6", 'Ships/a%2Fb', "entity Ships(Name='a/b') : R.Ship in Ships"),
    ("4.3.6", 'Ships/foo(1)', "entity Ships(Name='foo(1)') : R.Ship in Ships"),
    ("4.3.6", "Ships/O'Neil", "entity Ships(Name='O''Neil') : R.Ship in Ships"),
    ("4.3.6", 'Ships/R.Nope', "entity Ships(Name='R.Nope') : R.Ship in Ships"),
    ("4.3.6", 'Products/Name', "entity Products(ID='Name') : R.Product in Products"),
    ("4.3.6", 'People/Name', "404 unknownResource @Name: 'Name' cannot follow a collection: give a key first."),
    ("4.3.6", 'Cabins/x/1/2/Ship',
     "entity Cabins(ShipName='x',Deck=1:Edm.Int32,Door=2:Edm.Int32)/Ship : R.Ship in Ships"),
    ("4.3.6", 'Cabins/x/1', '400 bindError @x: The key of R.Cabin has 3 parts.'),
    ("4.3.6", 'Cabins/x/1/$count', '400 bindError @x: The key of R.Cabin has 3 parts.'),
    ("4.3.6", 'Ships/x/Cabins/1/2',
     "entity Ships(Name='x')/Cabins(ShipName='x',Deck=1:Edm.Int32,Door=2:Edm.Int32) : R.Cabin in Cabins"),
    ("4.3.6", 'People/1/Letters/2020-01-01/2/Text',
     'primitive People(Number=1:Edm.Int64)/Letters(Date=2020-01-01:Edm.Date,Serial=2:Edm.Int32)/Text : Edm.String '
     'contained nullable'),
    ("4.3.6", 'People(1)/Friends/2/Boss',
     'entity People(Number=1:Edm.Int64)/Friends(Number=2:Edm.Int64)/Boss : R.Person in Chiefs'),
    ("4.3.6", 'People/R.Sailor/1/Rank',
     'primitive People/R.Sailor(Number=1:Edm.Int64)/Rank : Edm.Byte in People nullable'),
    ("4.3.6", 'People/Sailor/1/Rank',
     'primitive People/R.Sailor(Number=1:Edm.Int64)/Rank : Edm.Byte in People nullable'),
    ("4.3.6", 'People/Oldest/1', 'entity People/R.Oldest()(Number=1:Edm.Int64) : R.Person in People'),
    ("4.3.6", 'Ships/$nope', "404 unknownResource @$nope: There is no resource '$nope'."),
]


@pytest.mark.parametrize(("section", "text", "expected"), KEYS, ids=[row[1] for row in KEYS])
def test_keys(section: str, text: str, expected: str) -> None:
    assert answer("routes", text) == expected, section
