"""The documents that are generated from the schema: a guide's tables and the JSON Schema."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from mgeconvert.manifest.checks import (
    CHECK_DEFAULTS,
    MIXED,
    QUANTIZED,
    CheckDefaults,
    CheckSettings,
)
from mgeconvert.manifest.json_schema import json_schema
from mgeconvert.manifest.keys import Key
from mgeconvert.manifest.options import ENDINGS, FORMATS, OPTIONS, WRITTEN, QuantizationKeys
from mgeconvert.manifest.schema import (
    Document,
    InputSpec,
    Limits,
    Model,
    Target,
)
from mgeconvert.manifest.tables import table_keys

MARK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def render_guide(text: str) -> str:
    """Return the guide with every generated part made anew; KeyError for a part of another name."""
    parts = {name: "".join(f"{line}\n" for line in lines) for name, lines in _parts()}
    return MARK.sub(lambda match: match[1] + parts[match[2]] + match[3], text)


def render_schema() -> str:
    """Return the text of the JSON Schema."""
    return json.dumps(json_schema(), indent=2) + "\n"


def _parts() -> Iterator[tuple[str, Iterator[str]]]:
    tables = {
        "document": Document,
        "model": Model,
        "input": InputSpec,
        "target": Target,
        "check": CheckSettings,
        "limits": Limits,
        "quantization": QuantizationKeys,
        **{format: OPTIONS[format] for format in ENDINGS},
    }
    for name, table in tables.items():
        yield name, _table(table_keys(table))
    yield "tolerances", _tolerances()
    yield "formats", _formats()
    yield "planned", _planned()


def _table(keys: Mapping[str, Key]) -> Iterator[str]:
    yield from ("| key | value | default | meaning |", "|---|---|---|---|")
    for key in keys.values():
        if not key.planned:
            yield f"| `{key.name}` | {key.kind.expected} | {key.default} | {key.doc} |"


def _tolerances() -> Iterator[str]:
    yield "| format | rounded | rtol | atol | rtol_max | lsb_share | min_snr | runs | why |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for format, base in CHECK_DEFAULTS.items():
        yield _defaults(format, "no", base)
    quantized = [name for name, options in WRITTEN.items() if hasattr(options, "quantize")]
    yield _defaults(", ".join(quantized), "`quantize = true`", QUANTIZED)
    yield _defaults("all", "one side only", MIXED)


def _defaults(format: str, rounded: str, base: CheckDefaults) -> str:
    numbers = (base.rtol, base.atol, base.rtol_max, base.lsb_share, base.min_snr)
    cells = ["" if number is None else f"{number:g}" for number in numbers]
    return f"| {' | '.join([format, rounded, *cells, str(base.runs), base.why])} |"


def _formats() -> Iterator[str]:
    yield from ("| format | main file | state |", "|---|---|---|")
    for format in FORMATS:
        ending = ENDINGS.get(format)
        state = "written" if ending else "not yet supported: only with `enabled = false`"
        yield f"| `{format}` | {f'MODEL`{ending}`' if ending else ''} | {state} |"


def _planned() -> Iterator[str]:
    groups = {
        "models": table_keys(Model),
        **{f"targets of format `{format}`": table_keys(table) for format, table in OPTIONS.items()},
        "`quantization`": table_keys(QuantizationKeys),
    }
    for place, keys in groups.items():
        names = [f"`{key.name}`" for key in keys.values() if key.planned]
        if names:
            yield f"* {place}: {', '.join(names)}"


def main(folder: Path) -> None:
    """Bring `manifest.md` and `manifest.schema.json` in the folder up to date."""
    guide = folder / "manifest.md"
    guide.write_text(render_guide(guide.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "manifest.schema.json").write_text(render_schema(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
