"""CSDL: documents of a model, both ways.

`load` finds a file, reads it as CSDL XML or JSON and follows its references to local files; `read` reads bytes;
`write` gives the document of a model back, in either format and version; `safe` is the view of a model for clients
that know little of OData; `vocabulary_document` is our rendering of a standard vocabulary. `check`, `convert`, `diff`
and `profile` hold what the commands of those names do. Nothing here serves a model. Raises ModelError with file, line
and column.
"""

from app.csdl.cache import load_cached
from app.csdl.json_writer import Notation
from app.csdl.load import load, read, vocabulary_document
from app.csdl.views import safe
from app.csdl.write import write
from app.csdl.xml_writer import write_xml

__all__ = ["Notation", "load", "load_cached", "read", "safe", "vocabulary_document", "write", "write_xml"]
