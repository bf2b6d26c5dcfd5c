"""The V2 face answers over the services of the protocol suite."""

from tests.protocol.conftest import clients, private

__all__ = ["clients", "private"]
