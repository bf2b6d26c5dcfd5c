"""Lifted targets: literals are parameters, typed by kind and range alone.

Each row: section of URL Conventions 4.01, request, what it is bound to (or the error).
"""

from __future__ import annotations

import pytest

from tests.bind.answering import answer, answer_shared

LIFTED = [
    ("shape", 'People(1)', 'entity People(Number=?0:Edm.Int64) : R.Person in People'),
    ("shape", 'People/1', 'entity People(Number=?0:Edm.Int64) : R.Person in People'),
    ("shape", 'Cabins/x/1/2', "entity Cabins(ShipName='x',Deck=?0:Edm.Int32,Door=?1:Edm.Int32) : R.Cabin in Cabins"),
    ("shape", 'People/x-1', "404 unknownResource @: There is no resource '': The key is not of type Edm.Int64."),
    ("shape", 'People(1)/Places/0', 'complex People(Number=?0:Edm.Int64)/Places#?1:Edm.Int64 : R.Place in People'),
    ("shape", "People(name='a',home='b')",
     'entity People(name=?0:Edm.String,home=?1:Edm.String)* : R.Person in People'),
    ("shape", 'Ships/foo(1)', "400 bindError @foo: 'foo(…)' as a key needs the text of the path."),
    ("shape", 'Ships/$filter(Length%20gt%205)/$count',
     'collection Ships/$filter(gt Length:Edm.Int32 ?0:Edm.Int32) $count : Collection(R.Ship) in Ships'),
    ("shape", 'Longer(than=5)', 'collection Longer(than=?0:Edm.Int32) : Collection(R.Ship) in Ships'),
    ("shape", 'Longer(than=@a)?@a=5', 'collection Longer(than=?0:Edm.Int32) : Collection(R.Ship) in Ships'),
    ("shape", 'Longer(than=5.5)', '400 typeMismatch @Longer: A number literal is not of type Edm.Int32.'),
    ("shape", "Paint(shade='lite')", 'primitive Paint(shade=?0:R.Shade) : Edm.String nullable'),
    ("shape", 'People(99999999999999999999)', '400 typeMismatch @People: A number literal is not of type Edm.Int64.'),
    ("shape", 'People?$filter=Number eq 5&$top=5&$skip=3&$skiptoken=abc',
     'collection People : Collection(R.Person) in People (filter=(eq Number:Edm.Int64 ?0:Edm.Int64); '
     'top=?1:Edm.Int64; skip=?2:Edm.Int64; skiptoken=?3:Edm.String)'),
    ("shape", 'People?$filter=Number eq 5.5',
     'collection People : Collection(R.Person) in People (filter=(eq Number:Edm.Int64 ?0:Edm.Decimal as Edm.Decimal))'),
    ("shape", 'People?$filter=Number eq 1e5',
     'collection People : Collection(R.Person) in People (filter=(eq Number:Edm.Int64 ?0:Edm.Double as Edm.Double))'),
    ("shape", 'People?$filter=Number eq 99999999999999999999',
     'collection People : Collection(R.Person) in People (filter=(eq Number:Edm.Int64 ?0:Edm.Decimal as Edm.Decimal))'),
    ("shape", 'People?$filter=5 eq Number',
     'collection People : Collection(R.Person) in People (filter=(eq ?0:Edm.Int64 Number:Edm.Int64))'),
    ("shape", 'People?$filter=5 eq 6',
     'collection People : Collection(R.Person) in People (filter=(eq ?0:Edm.Int32 ?1:Edm.Int32))'),
    ("shape", 'People?$filter=Number add 5 gt 3.5',
     'collection People : Collection(R.Person) in People (filter=(gt (add Number:Edm.Int64 ?0:Edm.Int64):Edm.Int64 '
     '?1:Edm.Decimal as Edm.Decimal))'),
    ("shape", 'People?$filter=Number eq null',
     'collection People : Collection(R.Person) in People (filter=(eq Number:Edm.Int64 null as Edm.Int64))'),
    ("shape", 'People?$filter=Number in (1,2,3)',
     'collection People : Collection(R.Person) in People (filter=(in Number:Edm.Int64 ?0:Collection(Edm.Int64) as '
     'Edm.Int64))'),
    ("shape", 'People?$filter=Number in (1,2.5,3)',
     'collection People : Collection(R.Person) in People (filter=(in Number:Edm.Int64 ?0:Collection(Edm.Decimal) as '
     'Edm.Decimal))'),
    ("shape", 'People?$filter=Number in (null)',
     'collection People : Collection(R.Person) in People (filter=(in Number:Edm.Int64 ?0:Collection(Edm.Int64)+null '
     'as Edm.Int64))'),
    ("shape", 'People?$filter=Number in ()',
     'collection People : Collection(R.Person) in People (filter=(in Number:Edm.Int64 [] as Edm.Int64))'),
    ("shape", "People?$filter=Name in ('a',null)",
     'collection People : Collection(R.Person) in People (filter=(in Name:Edm.String ?0:Collection(Edm.String)+null '
     'as Edm.String))'),
    ("shape", "People?$filter=Name in ('a',5)",
     "400 typeMismatch @$filter: 'in' does not take Edm.String and Edm.Int32."),
    ("shape", "People?$filter=Shade in ('light','dark')",
     'collection People : Collection(R.Person) in People (filter=(in Shade:R.Shade ?0:Collection(R.Shade) as '
     'R.Shade))'),
    ("shape", "People?$filter=Shade in (R.Shade'light','dark')",
     'collection People : Collection(R.Person) in People (filter=(in Shade:R.Shade ?0:Collection(R.Shade) as '
     'R.Shade))'),
    ("shape", "People?$filter=Shade eq R.Shade'light'",
     'collection People : Collection(R.Person) in People (filter=(eq Shade:R.Shade ?0:R.Shade))'),
    ("shape", "People?$filter=Shade eq 'nope'",
     'collection People : Collection(R.Person) in People (filter=(eq Shade:R.Shade ?0:R.Shade))'),
    ("shape", 'People?$filter=Shade eq light',
     'collection People : Collection(R.Person) in People (filter=(eq Shade:R.Shade light:Edm.Untyped as R.Shade))'),
    ("shape", 'People?$filter=Shade eq 5', "400 typeMismatch @$filter: 'eq' does not take R.Shade and Edm.Int32."),
    ("shape", "People?$filter=Home/Name eq @x and Name eq @x&@x='a'",
     'collection People : Collection(R.Person) in People (filter=(and (eq Home/Name:Edm.String ?0:Edm.String) (eq '
     'Name:Edm.String ?0:Edm.String)))'),
    ("shape", "People?$filter=length(Name) eq 5 and substring(Name,1) eq 'x'",
     'collection People : Collection(R.Person) in People (filter=(and (eq (length Name:Edm.String):Edm.Int32 '
     '?0:Edm.Int32) (eq (substring Name:Edm.String 1:Edm.Int32):Edm.String ?1:Edm.String)))'),
    ("shape", "People?$filter=Dyn eq 5 or Dyn eq 'x'",
     'collection People : Collection(R.Person) in People (filter=(or (eq Dyn:Edm.Untyped ?0:Edm.Int32 as Edm.Int32) '
     '(eq Dyn:Edm.Untyped ?1:Edm.String as Edm.String)))'),
    ("shape", 'People?$filter=year(2020-01-01T00:00:00%2B01:00) eq 5',
     '400 bindError @$filter: year of a literal in another offset than Z cannot be evaluated: this service keeps '
     'values in UTC.'),
    ("shape", "People?$filter=contains(Name,'x') eq true",
     'collection People : Collection(R.Person) in People (filter=(eq (contains Name:Edm.String '
     '?0:Edm.String):Edm.Boolean true))'),
    ("shape", 'People?$expand=Friends($filter=Number gt 5;$top=2)',
     'collection People : Collection(R.Person) in People (expand=[Friends→People(filter=(gt Number:Edm.Int64 '
     '?0:Edm.Int64); top=?1:Edm.Int64)])'),
    ("shape", "People?$select=Places($filter=Name eq 'x')",
     'collection People : Collection(R.Person) in People (select=[Places(filter=(eq Name:Edm.String ?0:Edm.String))])'),
    ("shape", 'Sales?$apply=filter(Amount gt 5)/topcount(2,Amount)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(Filter (gt Amount:Edm.Decimal ?0:Edm.Decimal)) / '
     '(TopBottom topcount 2:Edm.Decimal Amount:Edm.Decimal))'),
    ("shape", 'Sales?$apply=topcount(2,Amount)&$top=5',
     'collection Sales : Collection(R.Sale) in Sales (apply=(TopBottom topcount 2:Edm.Decimal Amount:Edm.Decimal); '
     'top=?0:Edm.Int64)'),
]

# The target itself is bound where the lifted one does not say enough; the result is then of no use to others.
FALLBACKS = [
    ("People(1)", "entity People(Number=?0:Edm.Int64) : R.Person in People", True),
    ("Ships/foo(1)", "entity Ships(Name='foo(1)') : R.Ship in Ships", False),
    ("Longer?than=7", "collection Longer(than=7:Edm.Int32)~ : Collection(R.Ship) in Ships", False),
    ("People?trace=x", "collection People : Collection(R.Person) in People", False),
    ("Longer(than=5.5)", "400 typeMismatch @Longer(than=5.5): 5.5 is not of type Edm.Int32.", False),
]


@pytest.mark.parametrize(("section", "text", "expected"), LIFTED, ids=[row[1] for row in LIFTED])
def test_lifted(section: str, text: str, expected: str) -> None:
    assert answer("routes", text, lifted=True) == expected, section


@pytest.mark.parametrize(("text", "expected", "shared"), FALLBACKS, ids=[row[0] for row in FALLBACKS])
def test_fallback(text: str, expected: str, shared: bool) -> None:
    assert answer_shared(text) == (expected, shared)
