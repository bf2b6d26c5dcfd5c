"""Files that open the service in Excel and Power BI, and the page that offers them.

In: the address a client reads the service at and the names of its entity sets, as the asking principal's service document
has them. Out: text. A `.pbids` names a service, an `.odc` one entity set of it (MS-ODCFF, with a query in Power Query's
language); neither holds credentials: the program that opens it asks for them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote

PBIDS_TYPE = "application/json"
ODC_TYPE = "text/x-ms-odc; charset=utf-8"


def pbids(address: str) -> str:
    """The data source file of Power BI for the service at `address`, an absolute URL."""
    return json.dumps({"version": "0.1",
                       "connections": [{"details": {"protocol": "odata", "address": {"url": address}}, "mode": "Import"}]})


def odc(address: str, name: str) -> str:
    """The connection file of Excel for the entity set `name` of the service at `address`."""
    shown, office = escape(name), 'xmlns="http://www.w3.org/TR/REC-html40"'
    connection = f'Provider=Microsoft.Mashup.OleDb.1;Data Source=$Workbook$;Location={shown};Extended Properties=""'
    return f"""<html {office}>
<head>
<meta http-equiv="Content-Type" content="{ODC_TYPE}">
<meta name="ProgId" content="ODC.Database">
<meta name="SourceType" content="OLEDB">
<title>Query - {shown}</title>
<xml id="docprops"><o:DocumentProperties xmlns:o="urn:schemas-microsoft-com:office:office" {office}>
<o:Description>{escape(address)}{shown}</o:Description>
<o:Name>Query - {shown}</o:Name>
</o:DocumentProperties></xml>
<xml id="msodc"><odc:OfficeDataConnection xmlns:odc="urn:schemas-microsoft-com:office:odc" {office}>
<odc:PowerQueryConnection odc:Type="OLEDB">
<odc:ConnectionString>{connection}</odc:ConnectionString>
<odc:CommandType>SQL</odc:CommandType>
<odc:CommandText>SELECT * FROM [{shown}]</odc:CommandText>
</odc:PowerQueryConnection>
<odc:PowerQueryMashupData>{escape(_mashup(address, name))}</odc:PowerQueryMashupData>
</odc:OfficeDataConnection></xml>
</head>
<body></body>
</html>
"""


def _mashup(address: str, name: str) -> str:
    """The query as a document of its own: the legacy implementation refuses much of what OData 4 allows, hence 2.0."""
    query = (f"let\n    Source = OData.Feed({_quoted(address)}, null, [Implementation=\"2.0\"]),\n"
             f"    Rows = Source{{[Name={_quoted(name)},Signature=\"table\"]}}[Data]\nin\n    Rows")
    return ('<Mashup xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            'xmlns="http://schemas.microsoft.com/DataMashup"><Client>EXCEL</Client><Version>2.21.0.0</Version>'
            "<MinVersion>2.21.0.0</MinVersion><Culture>en-US</Culture><SafeCombine>true</SafeCombine>"
            f'<Items><Query Name="{escape(name)}"><Formula><![CDATA[{query}]]></Formula>'
            '<IsParameterQuery xsi:nil="true" /><IsDirectQuery xsi:nil="true" /></Query></Items></Mashup>')


def _quoted(text: str) -> str:
    """A text literal of Power Query's language, in which `#(` begins an escape."""
    return '"' + text.replace("#(", "#(#)(").replace('"', '""') + '"'


def entity_sets(document: Sequence[Mapping[str, str]]) -> list[str]:
    """The names of the entity sets among the items of a service document (JSON Format §5)."""
    return [item["name"] for item in document if item.get("kind", "EntitySet") == "EntitySet"]


def page(namespace: str, root: str, document: Sequence[Mapping[str, str]]) -> str:
    """The page at `/-/`: what the service at `root` offers, and its entity sets with their files."""
    sets = entity_sets(document)
    rows = "\n".join(f'<tr><td><a href="{escape(root + item["url"])}">{escape(item["name"])}</a></td>'
                     + (f'<td><a href="sets/{quote(item["name"])}.odc" download>Excel</a></td>' if item["name"] in sets else "")
                     + "</tr>" for item in document)
    return f"""<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(namespace)}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }}
td {{ padding: .1rem 2rem .1rem 0 }}
</style>
<h1>{escape(namespace)}</h1>
<p>An OData 4.01 service at <a href="{escape(root)}">{escape(root)}</a>, described by its
<a href="{escape(root)}$metadata">$metadata</a>.</p>
<p><a href="service.pbids" download>Open the service in Power BI</a>, or one entity set in Excel:</p>
<table>
{rows}
</table>
</html>
"""
