"""Service: the OData protocol over one model and one store, without a web framework.

In: `request.Request`. Out: `response.Response`, an error answer included; `Service.handle` raises nothing.
"""
