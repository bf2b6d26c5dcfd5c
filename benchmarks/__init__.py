"""Measurements: `bench` in-process against bare statements, `peers` over HTTP against another OData server."""
