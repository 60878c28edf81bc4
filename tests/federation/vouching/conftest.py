"""The officers of the recognition pages."""

from tests.federation.recognition.conftest import officer, officers, second

__all__ = ["officer", "officers", "second"]
