"""The fixtures of this room, where there is Django: the tests of ``engine`` also run in a gate, which has none."""

from importlib.util import find_spec

if find_spec("django") is not None:
    from tests.biometrics.fixtures import holder, named, shared_database  # noqa: F401
    from tests.biometrics.softhsm import token  # noqa: F401
    from tests.biometrics.traces import everything  # noqa: F401
