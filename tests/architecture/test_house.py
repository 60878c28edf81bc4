"""What import-linter does not see: laziness at import, relations that point upward, and the empty package root."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ["audit", "proposals", "federation", "accounts", "oidc", "biometrics", "border"]  # lower first
PURE = ["idp.protocol", "idp.wallet", "idp.checkpoint", "idp.biometrics.engine"]
MODULES = {
    package: sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / package.replace(".", "/")).rglob("*.py")
        if path.name != "__main__.py"
    )
    for package in PURE
}


def test_package_root_stays_empty() -> None:
    """Anything imported in idp/__init__.py would be imported by the pure core."""
    assert (ROOT / "idp/__init__.py").read_bytes() == b""


@pytest.mark.parametrize("package", PURE)
def test_pure_package_does_not_load_django(package: str) -> None:
    """A gate or a wallet that pulls Django in by a side door needs a server's environment."""
    code = f"import sys; [__import__(m) for m in {MODULES[package]!r}]; print('django' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout.strip().splitlines()[-1] == "False"


def test_no_relation_points_upward() -> None:
    """A foreign key from a lower room to a higher one would tie their tables the wrong way round."""
    upward = []
    for model in apps.get_models():
        label = model._meta.app_label
        if label not in FLOORS:
            continue
        for field in model._meta.get_fields():
            target = getattr(field, "related_model", None)
            if not field.concrete or target is None or isinstance(target, str):
                continue
            other = target._meta.app_label
            if other in FLOORS and FLOORS.index(other) > FLOORS.index(label):
                upward.append(f"{model._meta.label}.{field.name} -> {target._meta.label}")
    assert upward == []


def test_files_keep_to_their_budget() -> None:
    """A file over 400 lines is two rooms in one; the median keeps the house readable."""
    sizes = {
        path.relative_to(ROOT): len(path.read_text().splitlines())
        for path in (ROOT / "idp").rglob("*.py")
        if "migrations" not in path.parts
    }
    assert {path: size for path, size in sizes.items() if size > 400} == {}
    assert sorted(sizes.values())[len(sizes) // 2] <= 120


def test_functions_keep_to_their_budget() -> None:
    """No function over 60 lines, and 95 of 100 within 40."""
    import ast

    lengths = {}
    for path in (ROOT / "idp").rglob("*.py"):
        if "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lengths[f"{path.relative_to(ROOT)}:{node.name}"] = (node.end_lineno or 0) - node.lineno + 1
    assert {name: size for name, size in lengths.items() if size > 60} == {}
    assert sorted(lengths.values())[int(len(lengths) * 0.95)] <= 40


def test_gate_needs_only_what_the_node_pins() -> None:
    """A gate with another version of a library than the node's would be a second, untested product."""
    node = set((ROOT / "requirements.txt").read_text().splitlines())
    gate = set((ROOT / "requirements-gate.txt").read_text().splitlines())
    assert gate <= node
    assert not any(line.startswith(("django", "celery", "authlib")) for line in gate)
