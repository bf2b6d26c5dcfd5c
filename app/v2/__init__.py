"""V2: the service for clients of OData 2.0, a translator around `Service.handle`.

In: a `Request` below the path of the V2 face. Out: a `Response` in verbose JSON or Atom. `view` is the model as OData 2.0
can say it, `edmx` its `$metadata`, `urls` and `literals` turn addresses into those of 4.0 and back, `verbose` and `atom`
bodies, `batch` batches. No SQL, no rules and no rights of its own: what a request may do is decided where 4.0 requests
are carried out.
"""

from app.v2.face import Face, Service

__all__ = ["Face", "Service"]
