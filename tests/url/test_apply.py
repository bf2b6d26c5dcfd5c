"""`$apply`, text to tree. Sections of Data Aggregation 4.0."""

from __future__ import annotations

import pytest

from app import errors, url

SEQUENCES: list[tuple[str, str, str]] = [
    ("A-3.4.1", "identity", "(IdentityT)"),
    ("A-3", "identity/identity", "(IdentityT),(IdentityT)"),
    ("A-3.2.1", "aggregate(a with sum as b)", "(AggregateT [(a with sum as b)])"),
    ("A-3.2.1", "aggregate( a with min as b , c mul d with max as e )",
     "(AggregateT [(a with min as b) ((mul c d) with max as e)])"),
    ("A-3.2.1", "aggregate(a/b with average as c)", "(AggregateT [(a/b with average as c)])"),
    ("A-3.2.1", "aggregate(a with countdistinct as c)", "(AggregateT [(a with countdistinct as c)])"),
    ("A-3.2.1", "aggregate(a with N.method as c)", "(AggregateT [(a with N.method as c)])"),
    ("A-3.2.1.4", "aggregate($count as c)", "(AggregateT [($count as c)])"),
    ("A-3.2.1.4", "aggregate(a/b/$count as c)", "(AggregateT [(a/b/$count as c)])"),
    ("A-3.2.1-CA", "aggregate(Forecast)", "(AggregateT [(Forecast)])"),
    ("A-3.2.1-CA", "aggregate(a/Forecast as f)", "(AggregateT [(a/Forecast as f)])"),
    ("A-3.2.1.5", "aggregate(a with sum from b,c/d with average from e with max as f)",
     "(AggregateT [(a with sum from b,c/d with average from e with max as f)])"),
    ("A-3.2.1.5", "aggregate(Forecast from b with average as f)",
     "(AggregateT [(Forecast from b with average as f)])"),
    ("A-3.2.1.5", "aggregate(Forecast from b as f)", "(AggregateT [(Forecast from b as f)])"),
    ("A-3.2.1.5", "aggregate($count from b with max as f)", "(AggregateT [($count from b with max as f)])"),
    ("A-3.2.3.1", "groupby((a))", "(GroupByT [(GroupingPath a)])"),
    ("A-3.2.3.1", "groupby( ( a/b , c ) , aggregate(d with sum as e) )",
     "(GroupByT [(GroupingPath a/b) (GroupingPath c)] [(AggregateT [(d with sum as e)])])"),
    ("A-3.2.3.1", "groupby((a),filter(b gt 1)/aggregate($count as c))",
     "(GroupByT [(GroupingPath a)] [(FilterT (gt b 1)) (AggregateT [($count as c)])])"),
    ("A-3.2.3.2", "groupby((rollup(a,b/c),d))", "(GroupByT [(Rollup [a b/c]) (GroupingPath d)])"),
    ("A-3.2.3.2", "groupby((rollup(Hierarchy)))", "(GroupByT [(Rollup [Hierarchy])])"),
    ("A-3.2.3.2", "groupby((rollup($all,a,b)))", "(GroupByT [(Rollup [a b] true)])"),
    ("A-3.2.2", "concat(identity,aggregate($count as c))",
     "(ConcatT [[(IdentityT)] [(AggregateT [($count as c)])]])"),
    ("A-3.2.2", "concat( top(1) , skip(1)/top(1) , identity )",
     "(ConcatT [[(TopSkipT top 1)] [(TopSkipT skip 1) (TopSkipT top 1)] [(IdentityT)]])"),
    ("A-3.3.1.1", "topcount(2,a)", "(TopBottomT topcount 2 a)"),
    ("A-3.3.1.1", "bottomcount($these/$count div 10, a/b)", "(TopBottomT bottomcount (div $these/$count 10) a/b)"),
    ("A-3.3.1.2", "toppercent(50,a)", "(TopBottomT toppercent 50 a)"),
    ("A-3.3.1.2", "bottompercent(50.5,a)", "(TopBottomT bottompercent 50.5 a)"),
    ("A-3.3.1.3", "topsum(100,a)", "(TopBottomT topsum 100 a)"),
    ("A-3.3.1.3", "bottomsum(-1,a)", "(TopBottomT bottomsum -1 a)"),
    ("A-3.3.2", "filter(a eq 1 or b)", "(FilterT (or (eq a 1) b))"),
    ("A-3.3.3", "orderby(a desc, b)", "(OrderByT [a desc b])"),
    ("A-3.3.4", 'search(a OR "b c")', '(SearchT (or a "b c"))'),
    ("A-3.3.5", "skip(5)/top(10)", "(TopSkipT skip 5),(TopSkipT top 10)"),
    ("A-3.4.2", "compute(a add 1 as b, year(c) as d)", "(ComputeT [(add a 1) as b (year c) as d])"),
    ("A-3.4.3", "addnested(a/b,filter(c) as d)", "(NestT a/b [[[(FilterT c)] d]])"),
    ("A-3.4.3", "addnested(a,identity as b,top(1) as c)", "(NestT a [[[(IdentityT)] b] [[(TopSkipT top 1)] c]])"),
    ("A-3.5.1", "join(a as b)", "(JoinT false a b)"),
    ("A-3.5.1", "outerjoin(a/N.T as b,filter(c))", "(JoinT true a/N.T b [(FilterT c)])"),
    ("A-3.5.2", "nest(identity as a)", "(NestT None [[[(IdentityT)] a]])"),
    ("A-3.5.2", "nest(filter(a)/top(1) as b, groupby((c)) as d)",
     "(NestT None [[[(FilterT a) (TopSkipT top 1)] b] [[(GroupByT [(GroupingPath c)])] d]])"),
    ("A-6.2.1", "ancestors($root/H,Q,ID,filter(a))", "(HierarchyT ancestors $root/H Q ID [(FilterT a)])"),
    ("A-6.2.1", "descendants($root/H,Q,a/ID,filter(a)/top(1),2,keep start)",
     "(HierarchyT descendants $root/H Q a/ID [(FilterT a) (TopSkipT top 1)] 2 true)"),
    ("A-6.2.1", "ancestors( $root/H(1)/N, Q, ID, identity , keep start )",
     "(HierarchyT ancestors $root/H(1)/N Q ID [(IdentityT)] true)"),
    ("A-6.2.2", "traverse($root/H,Q,ID,preorder)", "(TraverseT $root/H Q ID preorder)"),
    ("A-6.2.2", "traverse($root/H,Q,ID,postorder,filter(a),b desc,c)",
     "(TraverseT $root/H Q ID postorder [(FilterT a)] [b desc c])"),
    ("A-6.2.2", "traverse($root/H,Q,ID,preorder,a asc)", "(TraverseT $root/H Q ID preorder [a])"),
    ("A-6.2.2", "traverse($root/H,Q,ID,preorder,length(a))", "(TraverseT $root/H Q ID preorder [(length a)])"),
    ("A-6.3", "groupby((rolluprecursive($root/H,Q,a/ID)),aggregate(b with sum as c))",
     "(GroupByT [(RollupRecursive $root/H Q a/ID)] [(AggregateT [(b with sum as c)])])"),
    ("A-6.3",
     "groupby((rolluprecursive($root/H,Q,ID,descendants($root/H,Q,ID,filter(a),1),keep start),x))",
     "(GroupByT [(RollupRecursive $root/H Q ID [(HierarchyT descendants $root/H Q ID [(FilterT a)] 1)] tru"
     "e) (GroupingPath x)])"),
    ("A-3-FUNC", "N.F(p=1)/top(1)", "(FunctionT (NameStep N.F [(Argument p 1)])),(TopSkipT top 1)"),
    ("A-3-FUNC", "N.F()", "(FunctionT (NameStep N.F []))"),
]

# Text, and where the fault is.
MALFORMED: list[tuple[str, int | None]] = [
    ("", 0),
    ("aggregate()", 10),
    ("aggregate(a)x", 12),
    ("aggregate(a with sum)", 20),
    ("aggregate(a with Sum as b)", 17),
    ("aggregate(a WITH sum as b)", 11),
    ("aggregate(a with foo as b)", 17),
    ("aggregate($count)", 16),
    ("aggregate(a add b)", 17),
    ("aggregate(a with sum as b,)", 26),
    ("Aggregate(a with sum as b)", 0),
    ("groupby(a)", 8),
    ("groupby(())", 9),
    ("groupby((a),)", 12),
    ("groupby((a/@N.T))", 10),
    ("groupby((rollup(a/b)))", 19),
    ("groupby((a),aggregate(b with sum as c)", 38),
    ("concat(identity)", 15),
    ("topcount(1)", 10),
    ("topcount(1,a,b)", 12),
    ("top(-1)", 4),
    ("top(a)", 4),
    ("skip()", 5),
    ("filter()", 7),
    ("identity()", 0),
    ("orderby()", 8),
    ("compute(a)", 9),
    ("compute(a As b)", 9),
    ("join(a)", 6),
    ("nest(identity)", 13),
    ("addnested(a)", 11),
    ("ancestors(H,Q,ID,filter(a))", 10),
    ("ancestors($root/H,Q,ID)", 22),
    ("descendants($root/H,Q,ID,filter(a),keep  start)", 34),
    ("traverse($root/H,Q,ID,inorder)", 22),
    ("foo(a)", 0),
    ("filtr(a)", 0),
    ("N.F", 3),
    ("filter(a)/", 10),
    ("/filter(a)", 0),
    ("filter(a) / top(1)", 9),
    ("search()", 7),
    ("aggregate(a with sum from b as c)", 27),
    ("aggregate(Forecast from b)", 25),
]


@pytest.mark.parametrize(("section", "text", "tree"), SEQUENCES)
def test_sequence(section: str, text: str, tree: str) -> None:
    assert url.show(url.parse_apply(text)) == tree


@pytest.mark.parametrize(("text", "position"), MALFORMED)
def test_malformed_sequence(text: str, position: int | None) -> None:
    with pytest.raises(errors.UrlError) as caught:
        url.parse_apply(text)
    assert caught.value.position == position


def test_hint() -> None:
    with pytest.raises(errors.UrlError, match="Did you mean 'groupby'"):
        url.parse_apply("groupBy((a))")


def test_transformation_of_earlier_editions() -> None:
    """Data Aggregation 4.0 CS02 §3.1.10: a filter, then further expansions."""
    assert [each[1] for each in url.parse_apply("expand(a,filter(b),expand(c/d))")[0].items] == ["a"]
    for text in ("expand(a,identity)", "expand(a,expand(b),filter(c))", "expand()", "expand(a,)"):
        with pytest.raises(errors.UrlError):
            url.parse_apply(text)
