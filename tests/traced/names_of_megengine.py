"""Print the names that a TracedModule may refer to, from the MegEngine that is installed.

python -m tests.traced.names_of_megengine > mgeconvert/frontends/traced/names.json
"""

import inspect
import json
from collections import defaultdict

REFUSED_MODULES = ("megengine.distributed", "megengine.functional.debug_param")
REFUSED_CLASSES = "megengine.module.external"
REFUSED_OPDEFS = (
    "Runtime",
    "Remote",
    "CollectiveComm",
    "ExternOpr",
    "OpDef",
    "PyOpBase",
    "Barrier",
)


def functions() -> set[tuple[str, str]]:
    """The functions that tracing records as one call: those the tracer wraps."""
    from megengine.traced_module.module_tracer import Patcher

    found = set()

    def note(function):
        found.add((str(function.__module__), function.__qualname__))
        return function

    Patcher(note).__exit__(None, None, None)
    return {
        (module, name)
        for module, name in found
        if not module.startswith(REFUSED_MODULES)
        and ("." not in name or name == "QATModule._apply_fakequant_with_observer")
    }


def classes() -> set[tuple[str, str]]:
    """The module classes that tracing keeps whole."""
    from megengine.traced_module.module_tracer import module_tracer

    found = {(kind.__module__, kind.__qualname__) for kind in module_tracer._opaque_types}
    return {(module, name) for module, name in found if module != REFUSED_CLASSES}


def methods() -> set[str]:
    """The tensor methods that tracing records, and the call of a module."""
    from megengine.traced_module.module_tracer import BUILTIN_ARRAY_METHOD

    return {*BUILTIN_ARRAY_METHOD, "detach", "__new__", "__call__"}


def opdefs() -> set[str]:
    """The operators that compute on this machine and load nothing."""
    from megengine.core._imperative_rt import OpDef, ops

    found = {
        name
        for name, kind in vars(ops).items()
        if inspect.isclass(kind) and issubclass(kind, OpDef)
    }
    return {name for name in found if not any(part in name for part in REFUSED_OPDEFS)}


def grouped(names: set[tuple[str, str]]) -> dict[str, list[str]]:
    groups = defaultdict(list)
    for module, name in sorted(names):
        groups[module].append(name)
    return dict(groups)


def names() -> dict:
    import megengine
    import megengine.traced_module

    return {
        "megengine": megengine.__version__,
        "functions": grouped(functions()),
        "classes": grouped(classes()),
        "methods": sorted(methods()),
        "opdefs": sorted(opdefs()),
    }


if __name__ == "__main__":
    print(json.dumps(names(), indent=1))
