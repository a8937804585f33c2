"""Importing ahead: what a module imports at its top, without running the module itself."""

import ast
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path


def imported_ahead(module: str) -> Iterator[str]:
    """Import one after the other what `python -m module` would, and tell the name of each when it is there.

    The module itself is left for its own process, which runs it as `__main__`: Beam would find the options of
    a module that is there twice, twice. What cannot be imported is passed over: the part that needs it says so
    in its own log.
    """
    for name in _imports(module):
        try:
            _import(name)
        except ImportError:
            continue
        yield name


def _imports(module: str) -> list[str]:
    """The dotted names of the import statements at the module's top; a package's are its `__main__`'s."""
    try:
        spec = find_spec(module)
        if spec and spec.submodule_search_locations is not None:
            spec = find_spec(f"{module}.__main__")
    except ImportError:
        return []
    if spec is None or spec.origin is None:
        return []
    names: list[str] = []
    for statement in ast.parse(Path(spec.origin).read_bytes()).body:
        if isinstance(statement, ast.Import):
            names += [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            names += [f"{statement.module}.{alias.name}" for alias in statement.names]
    return names


def _import(name: str) -> None:
    """Import a module, or the module that has an attribute of that name."""
    parent, _, last = name.rpartition(".")
    if not (parent and hasattr(import_module(parent), last)):
        import_module(name)
