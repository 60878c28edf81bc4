"""The vectors keep to their schema, and the schema refuses what a runner could not read."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE / "gate.schema.json").read_text())
VECTORS = json.loads((HERE / "gate.json").read_text(encoding="utf-8"))


def test_vectors_keep_to_their_schema() -> None:
    """A case with a member misspelt would silently test something else."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(VECTORS)


def test_schema_refuses_a_negative_case_without_its_one_cause() -> None:
    """Who reads a failing vector must be told the one thing that is wrong with it."""
    broken = copy.deepcopy(VECTORS)
    case = next(case for case in broken["cases"] if case["step"] is not None)
    case["why"] = "it is wrong"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(broken)
