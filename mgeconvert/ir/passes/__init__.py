"""Graph rewrites that all backends can use; depends on the IR only."""

from mgeconvert.ir.passes.batch_norm import fold_batch_norm
from mgeconvert.ir.passes.cleanup import (
    drop_dead,
    fold_constants,
    merge_constants,
    remove_identities,
)
from mgeconvert.ir.passes.pipeline import Observer, Pass, changed_numbers, graph_pass, run_passes
from mgeconvert.ir.passes.quant import (
    carried,
    propagate_quant,
    quantize_before_relu,
    quantize_biases,
    round_constants,
)
from mgeconvert.ir.passes.words import is_whole, write_out_words

__all__ = [
    "Observer",
    "Pass",
    "carried",
    "changed_numbers",
    "drop_dead",
    "fold_batch_norm",
    "fold_constants",
    "graph_pass",
    "is_whole",
    "merge_constants",
    "propagate_quant",
    "quantize_before_relu",
    "quantize_biases",
    "remove_identities",
    "round_constants",
    "run_passes",
    "write_out_words",
]
