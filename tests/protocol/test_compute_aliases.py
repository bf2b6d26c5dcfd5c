"""`$compute` at every place, `$it`, `$this` and `$root` in nested options, parameter aliases wherever a value can stand.

Protocol §11.2.5.3, §11.2.6.1.3; URL Conventions §5.1.1.14, §5.1.10.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from tests.protocol.conftest import Clients
from tests.protocol.exchange import ABSENT, ROOT, Exchange, Only, rows

META = ROOT + "$metadata#"
CONTEXT, ID, ETAG = "@odata.context", "@odata.id", "@odata.etag"
NS = "Northwind.Model."
MODERN = {"OData-MaxVersion": "4.01"}


def ids(*values: Any) -> dict[str, Any]:
    return {"value": [{"ID": value} for value in values]}


COMPUTE = [
    Exchange("P 11.2.5.3", "Products?$compute=UnitPrice mul 2 as double&$select=ID,double&$orderby=double desc&$filter=double gt 10&$top=2", 200,
             {CONTEXT: META + "Products(ID,double)", "value": [Only({ETAG: str, "ID": 15, "double@odata.type": "#Decimal", "double": 92}), {"ID": 6, "double": 76}]}),
    Exchange("U 5.1.1.4", "Products?$compute=ID sub null as n,null as m&$filter=round(n) eq null and length(m) eq null&$orderby=totalseconds(m)&$top=1&$select=ID", 200, ids(1)),
    Exchange("U 5.1.1.2.7", "Products?$compute=-(-(duration'PT0.0000001S')) as a,-(-(ID)) as b,-(-9) as c&$select=a,b,c&$top=1", 200, {"value": [{"a": "PT0.0000001S", "b": 1, "c": 9}]}),
    Exchange("U 5.1.1.2.7", "Products?$compute=-(-9223372036854775808) as a&$top=1", 400), Exchange("U 5.1.1.2.7", "Products?$compute=-(-9223372036854775808) add 0 as a&$top=1", 400),
    Exchange("P 11.2.5.3", "Products?$compute=UnitPrice mul 2 as a,a add 1 as b&$select=b&$top=1", 200, {"value": [{"a": ABSENT, "b": 37}]}),
    Exchange("P 11.2.5.3", "Products?$compute=UnitPrice mul 2 as double&$top=1", 200, {"value": [{"ID": 1, "Name": "Chai", "double": 36}]}),
    Exchange("P 11.2.5.3", "Products?$compute=UnitPrice mul 2 as double&$top=1&$select=*", 200, {"value": [{"ID": 1, "double": 36}]}),
    Exchange("P 11.2.5.3", "Products?$compute=UnitPrice mul 2 as double&$top=1&$select=ID", 200, {"value": [{"ID": 1, "double": ABSENT}]}),
    Exchange("P 11.2.5.3", "Products(1)?$compute=length(Name) as n,contains(Name,'a') as has&$select=n,has", 200, {"n@odata.type": "#Int32", "n": 4, "has@odata.type": ABSENT, "has": True}),
    Exchange("P 11.2.5.3", "Products(16)?$compute=length(Name) as n&$select=n", 200, {"n@odata.type": ABSENT, "n": None}),
    Exchange("P 11.2.5.3", "Products?$compute=Category/Name as category,Tags/$count as tags&$select=category,tags&$top=1", 200, {"value": [{"category": "Beverages", "tags": 2}]}),
    Exchange("P 11.2.5.3", "Products?$compute=year(ReleaseDate) as year&$filter=year eq 2019&$count=true&$top=0", 200, {"@odata.count": int}),
    Exchange("P 11.2.5.3", "Products/$count?$compute=UnitPrice mul 2 as double&$filter=double gt 60", 200, re.compile("^[1-9]$")),
    Exchange("P 11.2.5.3", "Company?$compute=length(Name) as n&$select=n", 200, {CONTEXT: META + "Company(n)", "n": int}),
    Exchange("U 5.1.3", "Categories(1)?$expand=Products($compute=UnitPrice mul 2 as double;$select=ID,double;$orderby=double desc;$filter=double gt 30)&$select=Name", 200,
             {CONTEXT: META + "Categories(Name,Products(ID,double))/$entity", "Products": [{"ID": 15, "double": 92}, {"ID": 2, "double": 38}, {"ID": 1, "double": 36}]}),
    Exchange("U 5.1.3", "Categories?$compute=length(Name) as n&$expand=Products($compute=UnitPrice mul 2 as double;$select=double;$top=1)&$select=n&$top=1", 200,
             {"value": [{"n": 9, "Products": [{"double": 36, "n": ABSENT}]}]}),
    Exchange("U 5.1.3", "Products(1)?$expand=Category($compute=length(Name) as n;$select=n)&$select=ID", 200, {"Category": {"n": 9, "Name": ABSENT}}),
    Exchange("P 11.2.6.7", "Products?$compute=UnitPrice mul 2 as double&$orderby=double&$select=double", 200, {"@odata.nextLink": re.compile("compute"), "value": [{}]}, sent={"Prefer": "maxpagesize=1"}),
    Exchange("U 5.1.10", "Customers('ALFKI')?$compute=loyaltyPoints as p,since as s,nothing as n,Contacts as c&$select=p,s,n,c", 200,
             {"p@odata.type": "#Int32", "p": 1200, "s@odata.type": "#Date", "s": "1996-08-25", "n@odata.type": ABSENT, "n": None,
              "c@odata.type": f"#Collection({NS}ContactPerson)", "c": [{"Name": "Maria Anders"}]}),
    Exchange("U 5.1.10", "Suppliers?$compute=Phones as p,LeadTimes as l,Address as a&$select=p,l,a&$top=1&$filter=startswith(CompanyName,'Exotic')", 200,
             {"value": [{"p@odata.type": "#Collection(String)", "p": ["(171) 555-2222"], "l@odata.type": "#Collection(Duration)", "l": ["P3D", "P10D"],
                         "a": Only({"@odata.type": f"#{NS}Address", "Street": "49 Gilbert St.", "City": "London", "PostalCode": "EC1 4SD"})}]}),
    Exchange("U 5.1.10", "Anythings(2)?$compute=Untyped as u,Primitive as p&$select=u,p", 200,
             {"u": {"a": [1, "two", None, {"b": True}]}, "p@odata.type": "#Int64", "p": 9007199254740993}, model="types"),
    Exchange("U 5.1.10", "Shapes(2)?$compute=GeographyPoint as p&$select=p", 200,
             {"p@odata.type": "#GeographyPoint", "p": {"type": "Point", "coordinates": [142.1, 64.1]}}, model="types"),
    Exchange("U 5.1.1.11", "Shapes(2)?$compute=geo.distance(GeographyPoint,geography'SRID=4326;Point(142.1 64.1)') as d&$select=d", 200,
             {"d": 0.0}, model="types"),
    Exchange("U 5.1.10", "Products?$compute=Category as c&$select=ID&$filter=c/Name eq 'Beverages' and ID lt 3", 200, ids(1, 2)),
    Exchange("U 5.1.10", "Tools?$select=Parts/Origin($compute=length(Town) as n;$select=n)&$top=1", 200,
             {"value": [{"Parts": [{"Origin": Only({"n@odata.type": "#Int32", "n": 8})}, {"Origin": None}, {"Origin": {"n": 3}}]}]}, model="workshop"),
    Exchange("U 5.1.10", "Tools?$select=Parts($filter=Name gt 'c';$orderby=Name desc;$select=Name,Origin($compute=length(Town) as n,n add 1 as m;$select=Town,m))&$top=1", 200,
             {"value": [{"Parts": [{"Name": "screw", "Origin": {"Town": "Ulm", "n": ABSENT, "m": 4}}, {"Name": "grip", "Origin": None}]}]}, model="workshop"),
    Exchange("U 5.1.10", "Tools('saw')/Parts?$select=Origin($compute=toupper(Town) as t;$select=t)", 200, {"value": [{"Origin": {"t": "SOLINGEN"}}, {"Origin": None}, {"Origin": {"t": "ULM"}}]}, model="workshop"),
    Exchange("U 5.1.10", "Makers?$expand=Tools($select=Parts/Origin($compute=concat(Town,$it/Name/Short) as x;$select=x);$top=1)&$top=1", 200,
             {"value": [{"Tools": [{"Parts": [{"Origin": {"x": re.compile("^Solingen.")}}, {"Origin": None}, {}]}]}]}, model="workshop"),
    Exchange("U 5.1.10", "Products?$compute=Category as c", 501, {"error": {"target": "$compute", "message": re.compile("'c'")}}),
    Exchange("U 5.1.10", "Employees(1)?$compute=2 mul ShiftLength as a,ShiftLength divby 4 as b,ShiftLength div 2.5 as c&$select=a,b,c", 200, {"a": "PT16H", "b": "PT2H", "c": "PT3H12M"}),
    Exchange("U 5.1.1.18", "Products(1)?$compute=ID add 2147483646 as a,ID add 2147483647 as b,-2147483647 sub ID as c,-2147483648 sub ID as d&$select=a,b,c,d", 200,
             {"a@odata.type": "#Int32", "a": 2147483647, "b@odata.type": "#Int64", "b": 2147483648, "c@odata.type": "#Int32", "c": -2147483648, "d@odata.type": "#Int64"}),
    Exchange("J 7.1", "Products(1)?$compute=5 divby 0 as d,0 divby 0 as e,5 divby 2 as f&$select=d,e,f", (200, 400),
             lambda body: "error" in body or body.items() >= {"d@odata.type": "#Double", "d": "INF", "e@odata.type": "#Double", "e": "NaN", "f@odata.type": "#Decimal", "f": Decimal("2.5")}.items()),
    Exchange("J 7.1", "Products(1)?$compute=5 divby 0 as d&$select=d", (200, 400), lambda body: "error" in body or body.items() >= {"d@odata.type": "Decimal", "d": "INF"}.items(), sent=MODERN),
    Exchange("J 4.5.3", "Products(1)?$compute=1e0 div 0 as d,1e0 div 2 as e&$select=d,e", (200, 400), lambda body: "error" in body or body.items() >= {"d@odata.type": "#Double", "d": "INF", "e": Decimal("0.5")}.items() and "e@odata.type" not in body),
    Exchange("J 3.2", "Products(1)?$compute=ID add 2147483647 as b,ID as c&$select=b,c", 200, {"b": "2147483648", "c": 1}, sent={"Accept": "application/json;IEEE754Compatible=true"}),
    Exchange("U 5.1.1.8.12", "Products(1)?$compute=totaloffsetminutes(2020-01-01T00:00:00%2B02:00) as a,totaloffsetminutes(@b) as b,totaloffsetminutes(ReleaseDate) as c&$select=a,b,c&@b=2020-01-01T00:00:00-05:30",
             200, {"a": 120, "b": -330, "c": 0}),
    Exchange("U 5.1.10", "Products?$compute=UnitPrice mul 2 as Name", 400, {"error": {"message": re.compile("Name")}}),
    Exchange("U 5.1.10", "Products?$compute=UnitPrice mul 2", 400),
    Exchange("U 5.1.10", "Products?$compute=Nothing mul 2 as x", 400),
    Exchange("U 5.1.10", "Products?$compute=UnitPrice as a,UnitPrice as a", 400),
    Exchange("U 5.1.10", "Products(1)/Name?$compute=1 as one", 400),
]

PLACES = [
    Exchange("U 5.1.1.14.4", "Categories?$expand=Products($filter=UnitPrice gt $it/ID mul 10;$select=ID)&$select=ID&$filter=ID lt 3", 200,
             {"value": [{"Products": [{"ID": 1}, {"ID": 2}, {"ID": 15}]}, {"Products": [{"ID": 4}]}]}),
    Exchange("U 5.1.1.14.4", "Categories?$select=ID&$expand=Products($select=ID;$expand=Tags($filter=length(Name) gt $it/ID add 3;$select=Name))&$filter=ID lt 3", 200,
             {"value": [{"Products": [{"ID": 1, "Tags": [{"Name": "vegan"}]}, {"ID": 2, "Tags": []}, {"ID": 14, "Tags": [{"Name": "vegan"}]}, {"ID": 15, "Tags": []}]},
                        {"Products": [{"Tags": []}, {"Tags": []}, {"ID": 10, "Tags": [{"Name": "long-lasting"}]}]}]}),
    Exchange("U 5.1.1.14.4", "Tags?$select=Name&$expand=Products($select=ID;$filter=ID eq 1;$expand=Tags($filter=Name ne $it/Name;$select=Name))&$filter=Name eq 'new' or Name eq 'vegan'", 200,
             {"value": [{"Name": "new", "Products": [{"ID": 1, "Tags": [{"Name": "vegan"}]}]}, {"Name": "vegan", "Products": [{"ID": 1, "Tags": [{"Name": "new"}]}]}]}),
    Exchange("U 5.1.1.14.4", "Categories?$select=ID&$expand=Products($select=ID;$top=1;$expand=Category($select=ID;$expand=Products($filter=ID gt $it/ID mul 10;$select=ID)))&$filter=ID lt 3", 200,
             {"value": [{"Products": [{"Category": {"Products": [{"ID": 14}, {"ID": 15}]}}]}, {"Products": [{"ID": 3, "Category": {"Products": []}}]}]}),
    Exchange("U 5.1.1.14.4", "Employees(2)?$select=EmployeeID&$expand=Reports($select=EmployeeID;$top=2;$expand=Orders/$count($filter=EmployeeID gt $it/EmployeeID))", 200,
             {"Reports": [{"EmployeeID": 1, "Orders@odata.count": 0}, {"EmployeeID": 3, "Orders@odata.count": 2}]}),
    Exchange("U 5.1.1.14.4", "Orders?$select=OrderID&$top=1&$filter=OrderID eq 10253&$expand=Details($select=ProductID;$expand=Product($compute=concat(Name,cast($it/OrderID,Edm.String)) as c;$select=c))", 200,
             {"value": [{"Details": [{"ProductID": 1, "Product": {"c": "Chai10253"}}]}]}),
    Exchange("U 5.1.1.14.4", "Makers?$expand=Tools($select=Sizes($filter=$this gt $it/Founded))&$top=1", 200, {"value": [{"Tools": [{"Sizes": []}, {"Sizes": []}]}]}, model="workshop"),
    Exchange("U 5.1.1.14.4", "Products?$expand=Supplier($select=Phones($filter=$it/ID eq 1;$count=true))&$select=ID&$top=2", 200,
             {"value": [{"Supplier": {"Phones@odata.count": 1, "Phones": ["(171) 555-2222"]}}, {"Supplier": {"Phones@odata.count": 0, "Phones": []}}]}),
    Exchange("U 5.1.1.14.4", "Products?$expand=Supplier($select=Address($compute=concat(City,$it/Name) as x;$select=x))&$select=ID&$top=2", 200,
             {"value": [{"Supplier": {"Address": {"x": "LondonChai"}}}, {"Supplier": {"Address": {"x": "LondonChang"}}}]}),
    Exchange("U 5.1.1.14.4", "Categories?$expand=Products($select=ID;$top=1;$expand=Supplier($select=Phones($filter=$it/ID eq 1),Address($compute=concat(City,$it/Name) as x;$select=x)))&$select=ID&$top=2", 200,
             {"value": [{"Products": [{"Supplier": {"Phones": ["(171) 555-2222"], "Address": {"x": "LondonBeverages"}}}]}, {"Products": [{"Supplier": {"Phones": [], "Address": {"x": "LondonCondiments"}}}]}]}),
    Exchange("U 5.1.1.14.4", "Employees?$expand=Reports($levels=2;$filter=EmployeeID gt $it/EmployeeID;$select=EmployeeID)&$select=EmployeeID&$filter=EmployeeID eq 2 or EmployeeID eq 5", 200,
             {"value": [{"Reports": [{"EmployeeID": 3}, {"EmployeeID": 4}, {"EmployeeID": 5, "Reports": [{"EmployeeID": 6}, {"EmployeeID": 7}, {"EmployeeID": 9}]}, {"EmployeeID": 8}]},
                        {"Reports": [{"EmployeeID": 6, "Reports": []}, {"EmployeeID": 7}, {"EmployeeID": 9}]}]}),
    Exchange("U 5.1.1.14.4", "Employees?$expand=Manager($levels=max;$compute=$it/EmployeeID as r;$select=r)&$select=EmployeeID&$filter=EmployeeID in (4,6)", 200,
             {"value": [{"Manager": {"r": 4, "Manager": None}}, {"Manager": {"r": 6, "Manager": {"r": 6, "Manager": None}}}]}),
    Exchange("U 5.1.1.14.4", "Territories?$expand=Employees($select=EmployeeID;$expand=Manager($levels=max;$compute=$it/TerritoryID as r;$select=r))&$select=TerritoryID&$top=2", 200,
             {"value": [{"Employees": [{"Manager": {"r": "01581", "Manager": None}}]}, {"Employees": [{"Manager": {"r": "01730", "Manager": None}}]}]}),
    Exchange("U 5.1.1.14.4", "Products?$filter=$it/ID eq 1 or $this/ID eq 2&$select=ID", 200, ids(1, 2)),
    Exchange("U 5.1.1.14.4", "Customers?$filter=Orders/any(o:o/CustomerID eq $it/CustomerID and o/OrderID eq 10248)&$select=CustomerID", 200, {"value": [{"CustomerID": "ALFKI"}]}),
    Exchange("U 5.1.1.14.4", "Categories(1)?$expand=Products($filter=$this/ID lt 3;$select=ID)", 200, {"Products": [{"ID": 1}, {"ID": 2}]}),
    Exchange("U 5.1.1.14.4", "Tools?$select=Sizes($filter=$this gt length($it/Code) mul 5)&$filter=Code eq 'saw'", 200, {"value": [{"Sizes": [30, 20]}]}, model="workshop"),
    Exchange("U 5.1.1.14.3", "Products?$filter=UnitPrice gt $root/Products(14)/UnitPrice mul 4&$select=ID&$orderby=ID", 200, {"value": list}),
    Exchange("U 5.1.1.14.3", "Products?$filter=CategoryID eq $root/Products(1)/Category/ID and ID lt 3&$select=ID", 200, ids(1, 2)),
    Exchange("U 5.1.1.14.3", "Employees?$filter=EmployeeID eq $root/Company/Director/EmployeeID&$select=LastName", 200, {"value": [{"LastName": "Fuller"}]}),
    Exchange("U 5.1.1.14.3", "Categories?$expand=Products($filter=UnitPrice eq $root/Products(1)/UnitPrice;$select=ID)&$select=ID&$top=1", 200, {"value": [{"Products": [{"ID": 1}]}]}),
    Exchange("U 5.1.1.14.3", "Products?$filter=ID eq $root/Nothing(1)/ID", 400),
]

ALIASES = [
    Exchange("P 11.2.6.1.3", "Products(@k)?@k=1&$select=ID", 200, {"ID": 1}),
    Exchange("P 11.2.6.1.3", "OrderDetails(OrderID=@o,ProductID=@p)?@p=4&@o=10249", 200, {"Quantity": 8}),
    Exchange("P 11.2.6.1.3", "Products?$filter=@f&@f=ID eq 1&$select=ID", 200, ids(1)),
    Exchange("P 11.2.6.1.3", "Products?$filter=contains(Name,@part)&@part='Cha'&$select=ID", 200, ids(1, 2)),
    Exchange("P 11.2.6.1.3", "Products?$filter=ID in @ids&@ids=[1,2]&$select=ID", 200, ids(1, 2)),
    Exchange("P 11.2.6.1.3", "Products?$filter=ID eq @a&@a=@b&@b=2&$select=ID", 200, ids(2)),
    Exchange("P 11.2.6.1.3", "Products?$filter=Name eq @unset&$select=ID", 200, ids(16)),
    Exchange("P 11.2.6.1.3", "Products?$orderby=@o desc&@o=UnitPrice&$select=ID&$top=1", 200, ids(15)),
    Exchange("P 11.2.6.1.3", "Products?$compute=@c as next&@c=ID add 1&$select=next&$top=1", 200, {"value": [{"next": 2}]}),
    Exchange("P 11.2.6.1.3", "Products?$filter=UnitPrice gt @p&@p=$root/Products(15)/UnitPrice sub 10&$select=ID&$orderby=ID", 200, ids(6, 15)),
    Exchange("P 11.2.6.1.3", "Products/$filter(@f)?@f=UnitPrice gt 37&$select=ID", 200, ids(6, 15)),
    Exchange("P 11.2.6.1.3", "Categories?$expand=Products($filter=UnitPrice gt @p;$select=ID)&@p=37&$top=1", 200, {"value": [{"Products": [{"ID": 15}]}]}),
    Exchange("P 13.2.3(9)", "Categories?$expand=Products(@p=37;$filter=UnitPrice gt @p;$select=ID)&$top=1", 200, {"value": [{"Products": [{"ID": 15}]}]}),
    Exchange("P 13.2.3(9)", "Tools?$select=Sizes(@p=15;$filter=$this gt @p)&$top=1", 200, {"value": [{"Sizes": [30, 20]}]}, model="workshop"),
    Exchange("P 11.2.6.1.3", "Tools('saw')/Names/$filter(@f)/0?@f=startswith($it,'s')", 200, {"value": "scie"}, model="workshop"),
    Exchange("P 11.2.6.1.3", "Tools(@c)/Sizes?@c='saw'&$filter=$it lt @n&@n=20", 200, {"value": [10, 10]}, model="workshop"),
    Exchange("P 11.2.6.1.3", "$crossjoin(Tools,Makers)/$count?$filter=Tools/Code eq @c&@c='saw'", 200, "2", model="workshop"),
    Exchange("P 11.2.6.1.3", "$all/$count?$filter=W.Tool/Code eq @c&@c='saw'", 200, "1", model="workshop"),
    Exchange("P 11.2.6.1.3", "TopProducts(count=@c)?@c=2&$select=ID", 200, ids(15, 6)),
    # declared as Edm.PrimitiveType: what is kept with its type
    Exchange("U 5.1.1.1", "Anythings?$filter=Primitive eq 9007199254740993&$select=ID", 200, ids(2), model="types"),
    Exchange("U 5.1.1.1", "Anythings?$filter=Primitive gt 5 or Primitive eq 'text'&$select=ID", 200, ids(2, 3), model="types"),
    Exchange("U 5.1.1.10.1", "Anythings?$filter=cast(Primitive,Edm.Int64) sub 3 gt 5&$select=ID", 200, ids(2), model="types"),
    Exchange("U 5.1.1.10.2", "Anythings?$filter=isof(Primitive,Edm.Int64) or isof(Primitive,Edm.Boolean)&$select=ID", 200, ids(2, 4), model="types"),
    Exchange("U 5.1.2", "Anythings?$orderby=Primitive desc&$select=ID&$filter=ID lt 5", 200, {"value": list}, model="types"),
    # structured operands of `in`
    Exchange("U 5.1.1.1.12", 'Customers?$filter=Address in [{"Street":"Obere Str. 57","City":"Berlin","PostalCode":"12209"},{"City":"x"}]&$select=CustomerID', 200, {"value": [{"CustomerID": "ALFKI"}]}),
    Exchange("U 5.1.1.1.12", 'Customers?$filter=Address in @a&@a=[{"Street":"Obere Str. 57","City":"Berlin","PostalCode":"12209"}]&$select=CustomerID', 200, {"value": [{"CustomerID": "ALFKI"}]}),
    Exchange("U 5.1.1.1.12", "Products?$filter=Category in [$root/Categories(1),$root/Categories(4)] and ID lt 6&$select=ID", 200, ids(1, 2, 5)),
    Exchange("P 11.5.4.1", "PriceWithTax(price=@p)?@p=10", 200, {"value": 11.9}),
    Exchange("P 11.5.4.1", "PriceWithTax(price=@p)?@p=$root/Products(1)/UnitPrice", 200, {"value": 21.42}),
    Exchange("P 11.5.4.1", "PriceWithTax(price=@p,percent=@q)?@p=10 add 5 mul 2&@q=$root/Products(1)/Category/Products/$count", 200, {"value": 20.8}),
    Exchange("P 11.5.4.1", "PriceWithTax(price=@p)?@p=$root/Products(99)/UnitPrice", 400, {"error": {"message": re.compile("must not be null")}}),
    Exchange("P 11.5.4.1", "PriceWithTax(price=@p)?@p=$root/Products(1)/Name", 400, {"error": {"code": "typeMismatch"}}),
    Exchange("P 11.5.4.1", "PriceWithTax(price=@p)?@p=UnitPrice", 400),
    Exchange("P 11.5.4.1", "TopProducts(count=@c)?@c=$root/Products(2)/ID&$select=ID", 200, ids(15, 6)),
    Exchange("P 11.2.6.1.3", "Products?$filter=ID eq @a&@a=1&@a=2", 400),
    Exchange("P 11.2.6.1.3", "Products?$filter=ID eq @a&@a='x'", 400),
    Exchange("P 11.2.6.1.3", "Products?$filter=ID eq @a&@a=@a", 400),
    Exchange("P 11.2.6.1.3", "Products?$top=@t&@t=1", 400),
    Exchange("P 11.2.6.1.3", "Categories(1)?$expand=Products($orderby=@o)&@o=UnitPrice", 400),
    Exchange("U 4.3.5", "Employees(badge=@b)?@b='E/009'&$select=EmployeeID", 200, {"EmployeeID": 9}),
    Exchange("X 6.5", "Makers(short='acme')", 200, {"Founded": 1902}, model="workshop"),
    Exchange("X 6.5", "Makers('acme')/Tools/$count", 200, "2", model="workshop"),
    Exchange("X 6.5", "Makers(short=@s)?@s='bolt'", 200, {"Founded": None}, model="workshop"),
    Exchange("X 6.5", "Makers(Name='acme')", 400, model="workshop"),
    Exchange("X 6.5", "Makers(@s)/$ref?@s='acme'", 200, {ID: f"{ROOT}Makers('acme')"}, model="workshop"),
]


@rows(COMPUTE)
def test_compute(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(PLACES)
def test_it_this_root(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])


@rows(ALIASES)
def test_aliases(exchange: Exchange, clients: Clients) -> None:
    exchange.check(clients[exchange.model])
