"""`$apply`: transformations, the rows between them, and the options behind them.

Each row: section of Data Aggregation 4.01, request, what it is bound to (or the error).
"""

from __future__ import annotations

import pytest

from tests.bind.answering import answer

APPLY = [
    ("3",
     'Sales?$apply=groupby((Time,Product/Color),aggregate(Amount with sum as Total))&$filter=Total gt 5 and '
     "Product/Color eq 'red'&$orderby=Total desc,Time&$select=Total,Product/Color&$top=3&$count=true",
     'collection Sales : Collection(R.Sale) in Sales (select=[Total<computed> Product/Color<computed>]; filter=(and '
     "(gt Total:Edm.Decimal 5:Edm.Decimal) (eq Product/Color:Edm.String 'red')); orderby=[Total:Edm.Decimal desc "
     'Time:Edm.Date]; apply=(GroupBy [Time Product/Color] (Aggregate [Total=sum Amount:Edm.Decimal:Edm.Decimal]) → '
     'Total:Edm.Decimal) → Time:Edm.Date Product/Color:Edm.String Total:Edm.Decimal; top=3; count)'),
    ("3", 'Sales?$apply=groupby((Time),aggregate(Amount with sum as Total))&$filter=Amount gt 5',
     'collection Sales : Collection(R.Sale) in Sales (filter=(gt null 5:Edm.Decimal); apply=(GroupBy [Time] '
     '(Aggregate [Total=sum Amount:Edm.Decimal:Edm.Decimal]) → Total:Edm.Decimal) → Time:Edm.Date Total:Edm.Decimal)'),
    ("3", 'Sales?$apply=groupby((Time),aggregate(Amount with sum as Total))&$filter=Nope gt 5',
     "400 unknownProperty @$filter: R.Sale has no property 'Nope'."),
    ("3", 'Sales?$apply=groupby((Time),aggregate(Amount with sum as Total))&$select=Amount,Total',
     'collection Sales : Collection(R.Sale) in Sales (select=[Total<computed>]; apply=(GroupBy [Time] (Aggregate '
     '[Total=sum Amount:Edm.Decimal:Edm.Decimal]) → Total:Edm.Decimal) → Time:Edm.Date Total:Edm.Decimal)'),
    ("3", 'Sales?$apply=groupby((Time),aggregate(Amount with sum as Total))&$select=Nope',
     "400 unknownProperty @$select: R.Sale has no property 'Nope'."),
    ("3", 'Sales?$apply=groupby((Time),aggregate(Amount with sum as Total))&$compute=Total mul 2 as X&$select=X',
     'collection Sales : Collection(R.Sale) in Sales (select=[X<computed>]; compute=[X=(mul Total:Edm.Decimal '
     '2:Edm.Decimal):Edm.Decimal]; apply=(GroupBy [Time] (Aggregate [Total=sum Amount:Edm.Decimal:Edm.Decimal]) → '
     'Total:Edm.Decimal) → Time:Edm.Date Total:Edm.Decimal)'),
    ("3", 'Sales/$count?$apply=groupby((Time))',
     'collection Sales $count : Collection(R.Sale) in Sales (apply=(GroupBy [Time]) → Time:Edm.Date)'),
    ("3", 'Sales(1)?$apply=identity', "400 optionNotAllowed @$apply: '$apply' does not apply to a single entity."),
    ("3.2.1", 'Sales?$apply=aggregate(Amount with sum as Total)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(Aggregate [Total=sum Amount:Edm.Decimal:Edm.Decimal]) → '
     'Total:Edm.Decimal)'),
    ("3.2.1", 'Sales?$apply=aggregate(Amount with max as Max,$count as N)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(Aggregate [Max=max Amount:Edm.Decimal:Edm.Decimal '
     'N=count -:Edm.Decimal]) → Max:Edm.Decimal N:Edm.Decimal)'),
    ("3.2.1", 'Sales?$apply=aggregate(Pieces with average as Avg,Pieces with sum as P)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(Aggregate [Avg=average Pieces:Edm.Int64:Edm.Double '
     'P=sum Pieces:Edm.Int64:Edm.Decimal]) → Avg:Edm.Double P:Edm.Decimal)'),
    ("3.2.1", 'Sales?$apply=aggregate(Product with countdistinct as D)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(Aggregate [D=countdistinct - over '
     'Product:R.Product:Edm.Decimal]) → D:Edm.Decimal)'),
    ("3.2.1", 'Sales?$apply=aggregate(Product with sum as D)',
     "400 typeMismatch @$apply: 'sum' does not take entities."),
    ("3.2.1", 'Sales?$apply=aggregate(Amount mul Product/TaxRate with sum as Tax)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(Aggregate [Tax=sum (mul Amount:Edm.Decimal '
     'Product/TaxRate:Edm.Decimal):Edm.Decimal:Edm.Decimal]) → Tax:Edm.Decimal)'),
    ("3.2.1", 'Sales?$apply=aggregate(Product/TaxRate with max as T)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(Aggregate [T=max TaxRate:Edm.Decimal over '
     'Product:R.Product:Edm.Decimal]) → T:Edm.Decimal)'),
    ("3.2.1", 'Products?$apply=aggregate(Sales/Amount with sum as T)',
     'collection Products : Collection(R.Product) in Products (apply=(Aggregate [T=sum Amount:Edm.Decimal over '
     'Sales:Collection(R.Sale):Edm.Decimal]) → T:Edm.Decimal)'),
    ("3.2.1", 'Products?$apply=aggregate(Sales/$count as N)',
     'collection Products : Collection(R.Product) in Products (apply=(Aggregate [N=count - over '
     'Sales:Collection(R.Sale):Edm.Decimal]) → N:Edm.Decimal)'),
    ("3.2.1", 'Products?$apply=aggregate(Sales/Amount mul 2 with sum as T)',
     "400 bindError @$apply: 'Amount' cannot follow Collection(R.Sale): use any, all, $count or $filter."),
    ("3.2.1", 'Sales?$apply=aggregate(Amount as X)',
     "400 bindError @$apply: 'Amount' needs 'with', an aggregation method, 'as' and an alias."),
    ("3.2.1", 'Sales?$apply=aggregate(Time with sum as X)',
     "400 typeMismatch @$apply: 'sum' does not take Edm.Date."),
    ("3.2.1", 'Sales?$apply=aggregate(Time with min as X)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(Aggregate [X=min Time:Edm.Date:Edm.Date]) → X:Edm.Date)'),
    ("3.2.1", 'Sales?$apply=aggregate(Amount with my.median as X)',
     '501 notImplemented @$apply: The aggregation method my.median is not implemented by this service.'),
    ("3.2.1", 'Sales?$apply=aggregate(Forecast)',
     "400 unknownProperty @$apply: There is no custom aggregate 'Forecast'."),
    ("3.2.1", 'Sales?$apply=aggregate(Amount with sum as X,Amount with min as X)',
     "400 bindError @X: The name 'X' is taken."),
    ("3.2.1", 'Sales?$apply=aggregate(Amount with sum as Amount)&$filter=Amount gt 5&$orderby=Amount desc',
     'collection Sales : Collection(R.Sale) in Sales (filter=(gt Amount:Edm.Decimal 5:Edm.Decimal); '
     'orderby=[Amount:Edm.Decimal desc]; apply=(Aggregate [Amount=sum Amount:Edm.Decimal:Edm.Decimal]) → '
     'Amount:Edm.Decimal)'),
    ("3.2.1.5", 'Sales?$apply=aggregate(Amount with sum from Time with average as DailyAverage)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(Aggregate [DailyAverage=sum Amount:Edm.Decimal from '
     'Time with average:Edm.Decimal]) → DailyAverage:Edm.Decimal)'),
    ("3.2.2", 'Sales?$apply=concat(identity,aggregate(Amount with sum as Total))',
     'collection Sales : Collection(R.Sale) in Sales (apply=(Concat [(Identity) (Aggregate [Total=sum '
     'Amount:Edm.Decimal:Edm.Decimal]) → Total:Edm.Decimal]) → :R.Sale Total:Edm.Decimal)'),
    ("3.2.2", 'Sales?$apply=concat(groupby((Time)),groupby((Product/Name)))&$orderby=Time',
     'collection Sales : Collection(R.Sale) in Sales (orderby=[Time:Edm.Date]; apply=(Concat [(GroupBy [Time]) → '
     'Time:Edm.Date (GroupBy [Product/Name]) → Product/Name:Edm.String]) → Time:Edm.Date Product/Name:Edm.String)'),
    ("3.2.2", 'Sales?$apply=concat(topcount(1,Amount),bottomcount(1,Amount))',
     'collection Sales : Collection(R.Sale) in Sales (apply=(Concat [(TopBottom topcount 1:Edm.Decimal '
     'Amount:Edm.Decimal) (TopBottom bottomcount 1:Edm.Decimal Amount:Edm.Decimal)]))'),
    ("3.2.3.1", 'Sales?$apply=groupby((Time))',
     'collection Sales : Collection(R.Sale) in Sales (apply=(GroupBy [Time]) → Time:Edm.Date)'),
    ("3.2.3.1", "Sales?$apply=groupby((Product))&$expand=Product($select=Name)&$filter=Product/Name eq 'x'",
     'collection Sales : Collection(R.Sale) in Sales (expand=[Product→Products(select=[Name])]; filter=(eq '
     "Product/Name:Edm.String 'x'); apply=(GroupBy [Product]) → Product:R.Product)"),
    ("3.2.3.1", 'Sales?$apply=groupby((Product/Name))&$expand=Product',
     'collection Sales : Collection(R.Sale) in Sales (expand=[Product→Products]; apply=(GroupBy [Product/Name]) → '
     'Product/Name:Edm.String)'),
    ("3.2.3.1", 'Sales?$apply=groupby((Time))&$expand=Product',
     'collection Sales : Collection(R.Sale) in Sales (apply=(GroupBy [Time]) → Time:Edm.Date)'),
    ("3.2.3.1", 'Sales?$apply=groupby((Nope))', "400 unknownProperty @$apply: R.Sale has no property 'Nope'."),
    ("3.2.3.1", 'Sales?$apply=groupby((Product/Sales))',
     "400 typeMismatch @$apply: 'Product/Sales' of type Collection(R.Sale) cannot be grouped by."),
    ("3.2.3.1", 'Products?$apply=groupby((Name),aggregate(Sales/Amount with sum as T))',
     'collection Products : Collection(R.Product) in Products (apply=(GroupBy [Name] (Aggregate [T=sum '
     'Amount:Edm.Decimal over Sales:Collection(R.Sale):Edm.Decimal]) → T:Edm.Decimal) → Name:Edm.String '
     'T:Edm.Decimal)'),
    ("3.2.3.1",
     'Sales?$apply=groupby((Time),aggregate(Amount with sum as Total))/groupby((Total),aggregate($count as N))',
     'collection Sales : Collection(R.Sale) in Sales (apply=(GroupBy [Time] (Aggregate [Total=sum '
     'Amount:Edm.Decimal:Edm.Decimal]) → Total:Edm.Decimal) / (GroupBy [Total] (Aggregate [N=count -:Edm.Decimal]) → '
     'N:Edm.Decimal) → Total:Edm.Decimal N:Edm.Decimal)'),
    ("3.2.3.1", 'Sales?$apply=groupby((Time),aggregate(Amount with sum as Time))',
     "400 bindError @Time: The name 'Time' is taken."),
    ("3.2.3.1", 'Sales?$apply=groupby((Time),topcount(2,Amount))',
     'collection Sales : Collection(R.Sale) in Sales (apply=(GroupBy [Time] (TopBottom topcount 2:Edm.Decimal '
     'Amount:Edm.Decimal)))'),
    ("3.2.3.2", 'Sales?$apply=groupby((rollup(Product/Color,Product/Name),Time),aggregate(Amount with sum as Total))',
     'collection Sales : Collection(R.Sale) in Sales (apply=(GroupBy [(Rollup [Product/Color Product/Name]) Time] '
     '(Aggregate [Total=sum Amount:Edm.Decimal:Edm.Decimal]) → Total:Edm.Decimal) → Product/Color:Edm.String '
     'Product/Name:Edm.String Time:Edm.Date Total:Edm.Decimal)'),
    ("3.2.3.2", 'Products?$apply=groupby((rollup(ByColor)),aggregate($count as N))',
     'collection Products : Collection(R.Product) in Products (apply=(GroupBy [(Rollup [Color Name])] (Aggregate '
     '[N=count -:Edm.Decimal]) → N:Edm.Decimal) → Color:Edm.String Name:Edm.String N:Edm.Decimal)'),
    ("3.2.3.2", 'Products?$apply=groupby((rollup(Nope)),aggregate($count as N))',
     "400 bindError @$apply: There is no leveled hierarchy 'Nope'; rollup of properties takes two or more."),
    ("3.2.3.2", 'Sales?$apply=groupby((rollup($all,Time)),aggregate($count as N))',
     'collection Sales : Collection(R.Sale) in Sales (apply=(GroupBy [(Rollup [Time] all)] (Aggregate [N=count '
     '-:Edm.Decimal]) → N:Edm.Decimal) → Time:Edm.Date N:Edm.Decimal)'),
    ("3.3.1", 'Sales?$apply=topcount(2,Amount)/orderby(Amount desc)/skip(1)/top(2)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(TopBottom topcount 2:Edm.Decimal Amount:Edm.Decimal) / '
     '(OrderBy [Amount:Edm.Decimal desc]) / (TopSkip skip 1) / (TopSkip top 2))'),
    ("3.3.1", 'Sales?$apply=topsum(10,Amount)/bottompercent(50,Amount)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(TopBottom topsum 10:Edm.Decimal Amount:Edm.Decimal) / '
     '(TopBottom bottompercent 50:Edm.Decimal Amount:Edm.Decimal))'),
    ("3.3.1", 'Sales?$apply=topcount($these/$count div 3,Amount)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(TopBottom topcount (div (count $these) '
     '3:Edm.Int64):Edm.Int64 Amount:Edm.Decimal))'),
    ("3.3.1", 'Sales?$apply=topcount(Amount,Amount)',
     "400 bindError @$apply: The property path 'Amount' cannot be used here."),
    ("3.3.1", 'Sales?$apply=topsum(2,Time)',
     '400 typeMismatch @$apply: topsum does not take Edm.Decimal and Edm.Date.'),
    ("3.3.1", 'Sales?$apply=topcount(2,Time)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(TopBottom topcount 2:Edm.Decimal Time:Edm.Date))'),
    ("3.3.2",
     'Sales?$apply=filter(Amount gt 5)/aggregate(Amount with sum as Total)/compute(Total mul 2 as '
     'Twice)/filter(Twice gt 5)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(Filter (gt Amount:Edm.Decimal 5:Edm.Decimal)) / '
     '(Aggregate [Total=sum Amount:Edm.Decimal:Edm.Decimal]) / (Compute [Twice=(mul Total:Edm.Decimal '
     '2:Edm.Decimal):Edm.Decimal]) / (Filter (gt Twice:Edm.Decimal 5:Edm.Decimal)) → Total:Edm.Decimal '
     'Twice:Edm.Decimal)'),
    ("3.3.2", 'Sales?$apply=filter(Amount)',
     '400 typeMismatch @$apply: The expression must be Boolean, not Edm.Decimal.'),
    ("3.3.4", 'Sales?$apply=search(blue)/identity',
     'collection Sales : Collection(R.Sale) in Sales (apply=(Search …) / (Identity))'),
    ("3.4.2", 'Sales?$apply=compute(Amount mul 2 as Twice)&$filter=Twice gt 5&$select=ID,Twice',
     'collection Sales : Collection(R.Sale) in Sales (select=[ID Twice<computed>]; filter=(gt Twice:Edm.Decimal '
     '5:Edm.Decimal); apply=(Compute [Twice=(mul Amount:Edm.Decimal 2:Edm.Decimal):Edm.Decimal]))'),
    ("3.4.2", 'Sales?$apply=compute(Amount mul 2 as Time)', "400 bindError @Time: The name 'Time' is taken."),
    ("3.4.3", 'Products?$apply=addnested(Sales,filter(Amount gt 3) as Big)&$expand=Big',
     'collection Products : Collection(R.Product) in Products (expand=[Big→Sales(apply=(Filter (gt Amount:Edm.Decimal 3:Edm.Decimal)))]; apply=(AddNested '
     'Sales:Collection(R.Sale) [[Big (Filter (gt Amount:Edm.Decimal 3:Edm.Decimal))]]))'),
    ("3.4.3", 'Products?$apply=addnested(Name,identity as X)',
     '400 typeMismatch @$apply: addnested needs a navigation or complex property, not Edm.String.'),
    ("3.5.1", 'Products?$apply=join(Sales as Sale)&$select=ID&$expand=Sale',
     'collection Products : Collection(R.Product) in Products (select=[ID]; expand=[Sale→Sales]; apply=(Join '
     'Sales:Collection(R.Sale) Sale))'),
    ("3.5.1",
     'Products?$apply=outerjoin(Sales as Sale,aggregate(Amount with sum as Total))/groupby((Name,Sale/Total))',
     'collection Products : Collection(R.Product) in Products (apply=(Join outer Sales:Collection(R.Sale) Sale '
     '(Aggregate [Total=sum Amount:Edm.Decimal:Edm.Decimal]) → Total:Edm.Decimal) / (GroupBy [Name Sale/Total]) → '
     'Name:Edm.String Sale/Total:Edm.Decimal)'),
    ("3.5.1", 'Products?$apply=join(Sales as Sale)/groupby((Sale/Time),aggregate(Sale/Amount with sum as T))',
     'collection Products : Collection(R.Product) in Products (apply=(Join Sales:Collection(R.Sale) Sale) / (GroupBy '
     '[Sale/Time] (Aggregate [T=sum Amount:Edm.Decimal over Sale:R.Sale:Edm.Decimal]) → T:Edm.Decimal) → Sale/Time:Edm.Date '
     'T:Edm.Decimal)'),
    ("3.5.1", 'Products?$apply=join(Name as X)',
     '400 typeMismatch @$apply: join needs a collection-valued navigation or complex property, not Edm.String.'),
    ("3.5.1", 'Products?$apply=join(Sales as Name)', "400 bindError @Name: The name 'Name' is taken."),
    ("3.5.2", 'Sales?$apply=nest(groupby((Product/ID)) as Ps)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(Nest [[Ps (GroupBy [Product/ID]) → '
     'Product/ID:Edm.String]]) → Ps:Collection(R.Sale))'),
    ("3.5.2", 'Sales?$apply=nest(identity as A,identity as A)',
     '400 bindError @$apply: The names in nest must differ.'),
    ("3.6", 'Sales?$filter=Amount mul 3 ge $these/aggregate(Amount with sum)',
     'collection Sales : Collection(R.Sale) in Sales (filter=(ge (mul Amount:Edm.Decimal 3:Edm.Decimal):Edm.Decimal '
     '(aggregate $these sum Amount:Edm.Decimal:Edm.Decimal)))'),
    ("3.6", 'Products?$filter=Sales/aggregate(Amount mul $it/TaxRate with sum) gt 1',
     'collection Products : Collection(R.Product) in Products (filter=(gt (aggregate Sales sum (mul '
     'Amount:Edm.Decimal $it/TaxRate:Edm.Decimal):Edm.Decimal:Edm.Decimal) 1:Edm.Decimal))'),
    ("3.7",
     'Sales?$apply=groupby((Time),aggregate(Amount with sum as Total))&$filter=isdefined(Time) and isdefined(Amount)',
     'collection Sales : Collection(R.Sale) in Sales (filter=(and (isdefined Time:Edm.Date):Edm.Boolean false); '
     'apply=(GroupBy [Time] (Aggregate [Total=sum Amount:Edm.Decimal:Edm.Decimal]) → Total:Edm.Decimal) → '
     'Time:Edm.Date Total:Edm.Decimal)'),
    ("3.7", 'Sales?$filter=isdefined(Time)', 'collection Sales : Collection(R.Sale) in Sales (filter=true)'),
    ("3.8", 'Products?$expand=Sales($apply=aggregate(Amount with sum as Total);$filter=Total gt 5)',
     'collection Products : Collection(R.Product) in Products (expand=[Sales→Sales(filter=(gt Total:Edm.Decimal '
     '5:Edm.Decimal); apply=(Aggregate [Total=sum Amount:Edm.Decimal:Edm.Decimal]) → Total:Edm.Decimal)])'),
    ("4", '$crossjoin(Sales,Products)?$apply=groupby((Products/Name),aggregate(Sales/Amount with sum as T))',
     'crossjoin Sales/Products : Collection(Edm.ComplexType) (apply=(GroupBy [Products/Name] (Aggregate [T=sum '
     'Amount:Edm.Decimal over Sales:R.Sale:Edm.Decimal]) → T:Edm.Decimal) → Products/Name:Edm.String T:Edm.Decimal)'),
    ("6.2.1", "Units?$apply=descendants($root/Units,Tree,ID,filter(Name eq 'x'),2,keep start)",
     'collection Units : Collection(R.Unit) in Units (apply=(Relatives descendants (RecursiveHierarchy '
     "$root/Units:Collection(R.Unit) Tree ID:Edm.String Superior:R.Unit) ID (Filter (eq Name:Edm.String 'x')) 2 "
     'keep_start))'),
    ("6.2.1", "Units?$apply=ancestors($root/Units,Tree,ID,filter(Name eq 'x'))",
     'collection Units : Collection(R.Unit) in Units (apply=(Relatives ancestors (RecursiveHierarchy '
     "$root/Units:Collection(R.Unit) Tree ID:Edm.String Superior:R.Unit) ID (Filter (eq Name:Edm.String 'x'))))"),
    ("6.2.1", "Units?$apply=ancestors($root/Units,Nope,ID,filter(Name eq 'x'))",
     "400 bindError @$apply: R.Unit declares no recursive hierarchy 'Nope'."),
    ("6.2.2", 'Units?$apply=traverse($root/Units,Tree,ID,preorder,Name asc)',
     'collection Units : Collection(R.Unit) in Units (apply=(Traverse (RecursiveHierarchy '
     '$root/Units:Collection(R.Unit) Tree ID:Edm.String Superior:R.Unit) ID preorder [Name:Edm.String]))'),
    ("6.3", 'Sales?$apply=groupby((rolluprecursive($root/Units,Tree,Unit/ID)),aggregate(Amount with sum as T))',
     'collection Sales : Collection(R.Sale) in Sales (apply=(GroupBy [(RollupRecursive (RecursiveHierarchy '
     '$root/Units:Collection(R.Unit) Tree ID:Edm.String Superior:R.Unit) Unit/ID Unit)] (Aggregate [T=sum '
     'Amount:Edm.Decimal:Edm.Decimal]) → T:Edm.Decimal) → Unit:R.Unit T:Edm.Decimal)'),
    ("3.FUNC", 'Sales?$apply=R.TopSales(n=3)/aggregate($count as N)',
     'collection Sales : Collection(R.Sale) in Sales (apply=(SetFunction (call R.TopSales(n=3:Edm.Int32) on '
     '$these:Collection(R.Sale)):Collection(R.Sale)) / (Aggregate [N=count -:Edm.Decimal]) → N:Edm.Decimal)'),
]


@pytest.mark.parametrize(("section", "text", "expected"), APPLY, ids=[row[1] for row in APPLY])
def test_apply(section: str, text: str, expected: str) -> None:
    assert answer("routes", text) == expected, section
