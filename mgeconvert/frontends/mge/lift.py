"""From the records of a dump to the IR."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mgeconvert.errors import (
    ConversionFailed,
    ConvertError,
    Location,
    UnreadableSource,
    UnsupportedCase,
    UnsupportedOp,
)
from mgeconvert.frontends import Watch, unwatched
from mgeconvert.frontends.mge.call import Call
from mgeconvert.frontends.mge.dtypes import element_type, meaning, quantization
from mgeconvert.frontends.mge.grid import find_grids
from mgeconvert.frontends.mge.layout import Packings
from mgeconvert.frontends.mge.quant import expected, held
from mgeconvert.frontends.mge.records import (
    CONSTANTS,
    INPUT,
    MgeModel,
    MgeOperator,
    MgeOutput,
    MgeTensor,
)
from mgeconvert.frontends.mge.rules import REFUSED, RULES
from mgeconvert.frontends.mge.tidy import fuse_affine
from mgeconvert.frontends.names import candidates, distinct
from mgeconvert.ir import Graph, Quant, TensorType, Value
from mgeconvert.ir.dims import Shape, dim
from mgeconvert.ir.passes import drop_dead

STAGE = "mge"
DAMAGED = "the file is damaged: dump the model again"
HINT = "see docs/operators.md for what is handled, or write the model without it"

Shapes = Mapping[str, Sequence[int | str]]


class Lifter:
    """Adds the operators of a dump to an IR graph."""

    def __init__(self, model: MgeModel, watch: Watch = unwatched) -> None:
        self._watch = watch
        self.graph = Graph()
        self.problems: list[ConvertError] = []
        self.env: dict[int, Value] = {}
        self._names = {var.id: var.name for var in model.vars}
        self._packings = Packings()
        self._stored: dict[Value, Quant] = {}
        self._readers = _readers(model)

    def run(self, operators: Sequence[MgeOperator]) -> None:
        """Lift the operators in order; those behind a failed one at least need a rule."""
        for operator in operators:
            if operator.type == INPUT:
                continue
            known = all(i in self.env for i in operator.inputs)
            self._guarded(operator, self._lift if known else _rule)

    def inputs(self, operators: Sequence[MgeOperator], shapes: Shapes) -> None:
        """Add the input ports."""
        for index, operator in enumerate(operators):
            (tensor,), (made,) = operator.tensors[:1], operator.outputs[:1]
            name = tensor.name or f"input_{index}"

            def add(_: MgeOperator, name: str = name, made: int = made) -> None:
                type_ = _input_type(tensor, name, shapes.get(name))  # noqa: B023
                value = self.env[made] = self.graph.input(name, type_)
                self._hold(value, quantization(tensor.dtype))  # noqa: B023

            self._guarded(operator, add)

    def _guarded(self, operator: MgeOperator, work: Callable[[MgeOperator], object]) -> None:
        try:
            work(operator)
        except ConvertError as error:
            error.at = error.at or self._location(operator)
            self.problems.append(error)

    def _location(self, operator: MgeOperator) -> Location:
        names = ", ".join(filter(None, (self._names.get(i) for i in operator.outputs)))
        return Location(STAGE, operator.registered, names or self._name(operator))

    def _name(self, operator: MgeOperator) -> str:
        made = operator.outputs[0] if operator.outputs else operator.index
        return self._names.get(made) or operator.name or f"{operator.type}_{made}"

    def _lift(self, operator: MgeOperator) -> None:
        if operator.type in CONSTANTS:
            for made, tensor in zip(operator.outputs, operator.tensors):
                name = self._names.get(made) or tensor.name or f"{operator.type}_{made}"
                self.env[made] = self._constant(name, tensor)
            return
        call = Call(
            self.graph,
            self._location(operator),
            self._name(operator),
            operator=operator,
            packings=self._packings,
            stored=self._stored,
            readers=self._readers,
        )
        results = self._apply(call, [self.env[i] for i in operator.inputs])
        if call.result is not None:
            results = tuple(v and held(call, v, call.result) for v in results)
        if len(results) < len(operator.outputs):
            results = (*results, *[None] * (len(operator.outputs) - len(results)))
        for made, value in zip(operator.outputs, results):
            if value is not None:
                self.env[made] = value
                self._rename(call, value, self._names.get(made) or call.name)
                if value not in self._packings.known:
                    self._watch(str(made), value)

    def _constant(self, name: str, tensor: MgeTensor) -> Value:
        array, quant = meaning(tensor)
        value = self.graph.constant(name, array)
        self._hold(value, quant)
        return value

    def _hold(self, value: Value, quant: Quant | None) -> None:
        """Note the quantized type of an input or constant."""
        value.quant = quant
        if quant is not None:
            self._stored[value] = quant

    def _apply(self, call: Call, inputs: Sequence[Value]) -> tuple[Value | None, ...]:
        rule = _rule(call.operator)
        _need_operands(rule, inputs)
        self._packings.need_put_back(call.operator, inputs)
        call.result = expected(call, inputs)
        result: Any = rule(call, *inputs)
        return result if isinstance(result, tuple) else (result,)

    def _rename(self, call: Call, value: Value, name: str) -> None:
        """Give a result the name of its variable, which a value on the way to it may have."""
        if value.name == name or value not in call.made:
            return
        for other in call.made:
            if other.name == name:
                other.name, value.name = value.name, other.name
                return
        value.name = self.graph.unique(name)


def _rule(operator: MgeOperator) -> Callable[..., Any]:
    """Return the rule of an operator; raise UnsupportedOp where there is none."""
    rule = RULES.find(operator.type)
    if rule is None:
        reason = REFUSED.get(operator.type, f"no rule for the operator {operator.type}")
        raise UnsupportedOp(reason, hint=HINT)
    return rule


def _need_operands(rule: Callable[..., Any], inputs: Sequence[Value]) -> None:
    """Raise UnreadableSource for a number of operands that no sound file gives the operator."""
    try:
        inspect.signature(rule).bind(None, *inputs)
    except TypeError as error:
        raise UnreadableSource(f"with {len(inputs)} operands: {error}", hint=DAMAGED) from None


def lift(
    model: MgeModel, *, shapes: Shapes, outputs: Sequence[str], watch: Watch = unwatched
) -> Graph:
    """Return the IR of `model`; raise ConversionFailed with all the problems found.

    `shapes` overrides the shapes of inputs by name. `outputs` names variables as end points;
    without them the model's own outputs are taken. `watch` is shown what each variable stands for,
    but for those in a blocked layout.
    """
    wanted = _end_points(model, outputs) if outputs else model.outputs
    needed = _needed(model, [o.id for o in wanted])
    inputs = [o for o in model.inputs() if o.index in needed or not outputs]
    _need_names(shapes, [o.tensors[0].name for o in model.inputs()])
    lifter = Lifter(model, watch)
    lifter.inputs(inputs, shapes)
    lifter.run([o for o in model.operators if o.index in needed])
    missing = [o for o in wanted if o.id not in lifter.env]
    if lifter.problems:
        raise ConversionFailed(lifter.problems)
    if missing:
        names = ", ".join(o.name or f"variable {o.id}" for o in missing)
        raise UnsupportedCase(f"{names} exists in training only", at=Location(STAGE))
    _publish(lifter, wanted)
    fuse_affine(lifter.graph)
    find_grids(lifter.graph)
    drop_dead.run(lifter.graph)
    return lifter.graph


def _publish(lifter: Lifter, wanted: Sequence[MgeOutput]) -> None:
    names = distinct([output.name or f"output_{i}" for i, output in enumerate(wanted)])
    for name, output in zip(names, wanted):
        lifter.graph.output(name, lifter.env[output.id])


def _end_points(model: MgeModel, names: Sequence[str]) -> tuple[MgeOutput, ...]:
    """Return the variables of these names; raise UnsupportedCase for names that there are not."""
    known = {var.name: var.id for var in model.vars if var.name}
    known |= {output.name: output.id for output in model.outputs if output.name}
    unknown = [name for name in names if name not in known]
    if unknown:
        hint = "names of variables are kept with keep_var_name=1 or 2" if len(known) < 2 else ""
        raise UnsupportedCase(
            f"the graph has no variable {', '.join(map(repr, unknown))}",
            at=Location(STAGE),
            hint=hint or candidates(unknown[0], known),
        )
    return tuple(MgeOutput(known[name], name) for name in names)


def _needed(model: MgeModel, ids: Sequence[int]) -> set[int]:
    """Return the indices of the operators behind variables."""
    producers = model.producers()
    found: set[int] = set()
    waiting = list(ids)
    while waiting:
        wanted = waiting.pop()
        if wanted not in producers:
            problem = f"no operator computes the variable {wanted}"
            raise UnreadableSource(problem, at=Location(STAGE), hint=DAMAGED)
        operator = producers[wanted]
        if operator.index not in found:
            found.add(operator.index)
            waiting += operator.inputs
    return found


def _readers(model: MgeModel) -> Mapping[int, Sequence[MgeOperator]]:
    """Return the operators that read each variable; none for what the graph gives away."""
    readers: dict[int, list[MgeOperator]] = {}
    for operator in model.operators:
        for used in dict.fromkeys(operator.inputs):
            readers.setdefault(used, []).append(operator)
    readers.update({output.id: [] for output in model.outputs})
    return readers


def _input_type(tensor: MgeTensor, name: str, override: Sequence[int | str] | None) -> TensorType:
    shape: Shape = tensor.shape if override is None else tuple(dim(d) for d in override)
    if len(shape) != len(tensor.shape):
        raise UnsupportedCase(
            f"input {name!r} has {len(tensor.shape)} axes, the manifest gives {len(shape)}"
        )
    return TensorType(element_type(tensor.dtype), shape)


def _need_names(shapes: Mapping[str, Any], names: Sequence[str]) -> None:
    unknown = sorted(set(shapes) - set(names))
    if unknown:
        raise UnsupportedCase(
            f"the model has no input {', '.join(map(repr, unknown))}",
            at=Location(STAGE),
            hint=f"its inputs are {', '.join(map(repr, names))}",
        )
