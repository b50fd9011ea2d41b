"""Dimensions that are not known until run time: integer polynomials of named symbols."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mgeconvert.errors import ShapeError

Monomial = tuple[str, ...]


@dataclass(frozen=True)
class Sym:
    """A sum of integer multiples of products of atoms, in canonical order.

    An atom is the name of a symbol, or the text of a floor division that does not come out even.
    Two dimensions are the same when their canonical forms are.
    """

    terms: tuple[tuple[Monomial, int], ...]

    def __str__(self) -> str:
        return " + ".join(_term(monomial, factor) for monomial, factor in self.terms)

    def __add__(self, other: Dim) -> Dim:
        return _collect([*self.terms, *_terms(other)])

    def __mul__(self, other: Dim) -> Dim:
        products = [(tuple(sorted(m + n)), a * b) for m, a in self.terms for n, b in _terms(other)]
        return _collect(products)

    def __neg__(self) -> Dim:
        return self * -1

    def __sub__(self, other: Dim) -> Dim:
        return self + other * -1

    def __rsub__(self, other: int) -> Dim:
        return self * -1 + other

    def __floordiv__(self, other: Dim) -> Dim:
        exact = divide(self, other)
        if exact is not None:
            return exact
        text = f"({self})//({other})" if isinstance(other, Sym) else f"({self})//{other}"
        return Sym((((text,), 1),))

    def __rfloordiv__(self, other: int) -> Dim:
        return 0 if other == 0 else Sym((((f"{other}//({self})",), 1),))

    def __mod__(self, other: Dim) -> Dim:
        return self - (self // other) * other

    __radd__ = __add__
    __rmul__ = __mul__


Dim = int | Sym
Shape = tuple[Dim, ...]


def symbol(name: str) -> Sym:
    """Return the dimension called `name`."""
    if not name.isidentifier():
        raise ShapeError(f"{name!r} is not a name for a dimension", hint="use letters and digits")
    return Sym((((name,), 1),))


def dim(value: int | str) -> Dim:
    """Return an int as it is, and a text such as "N" or "4*N + 1" as a symbolic dimension."""
    return value if isinstance(value, int) else _parse(ast.parse(value, mode="eval").body)


def symbols(value: Dim) -> frozenset[str]:
    """Return the names that `value` depends on."""
    if isinstance(value, int):
        return frozenset()
    texts = (atom for monomial, _ in value.terms for atom in monomial)
    names = (ast.walk(ast.parse(text, mode="eval")) for text in texts)
    return frozenset(n.id for walk in names for n in walk if isinstance(n, ast.Name))


def bind(value: Dim, known: Mapping[str, int]) -> Dim:
    """Return `value` with the symbols in `known` replaced by numbers."""
    if isinstance(value, int):
        return value
    total: Dim = 0
    for monomial, factor in value.terms:
        product: Dim = factor
        for atom in monomial:
            product = product * _parse(ast.parse(atom, mode="eval").body, known)
        total = total + product
    return total


def divide(value: Dim, by: Dim) -> Dim | None:
    """Return value / by where the division comes out even for every value of the symbols."""
    if value == by:
        return 1
    if isinstance(by, Sym):
        return _divide_by_symbols(value, by)
    if by == 0:
        return None
    if any(factor % by for _, factor in _terms(value)):
        return None
    return _collect([(monomial, factor // by) for monomial, factor in _terms(value)])


def product(dims: Iterable[Dim]) -> Dim:
    """Return the product of `dims`; 1 for none."""
    return math.prod(dims)


def missing_dim(total: Sequence[Dim], known: Sequence[Dim]) -> Dim | None:
    """Return d with prod(total) == d * prod(known), or None where there is none."""
    rest, over = list(total), []
    for factor in known:
        if factor in rest:
            rest.remove(factor)
        else:
            over.append(factor)
    value: Dim | None = product(rest)
    for factor in over:
        value = None if value is None else divide(value, factor)
    return value


def _divide_by_symbols(value: Dim, by: Sym) -> Dim | None:
    if value == 0:
        return 0
    if len(by.terms) != 1:
        return None
    ((atoms, factor),) = by.terms
    result: list[tuple[Monomial, int]] = []
    for monomial, count in _terms(value):
        left = list(monomial)
        for atom in atoms:
            if atom not in left:
                return None
            left.remove(atom)
        if count % factor:
            return None
        result.append((tuple(left), count // factor))
    return _collect(result)


def _terms(value: Dim) -> tuple[tuple[Monomial, int], ...]:
    if isinstance(value, Sym):
        return value.terms
    return (((), int(value)),) if value else ()


def _collect(terms: Iterable[tuple[Monomial, int]]) -> Dim:
    sums: dict[Monomial, int] = {}
    for monomial, factor in terms:
        sums[monomial] = sums.get(monomial, 0) + factor
    kept = sorted(((m, f) for m, f in sums.items() if f), key=lambda term: (-len(term[0]), term[0]))
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    return Sym(tuple(kept))


def _term(monomial: Monomial, factor: int) -> str:
    atoms = [f"({a})" if "//" in a else a for a in monomial]
    return "*".join([*([str(factor)] if factor != 1 or not atoms else []), *atoms])


def _parse(node: ast.expr, known: Mapping[str, int] | None = None) -> Dim:
    """Evaluate the syntax tree of a dimension."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.Name):
        value = (known or {}).get(node.id)
        return symbol(node.id) if value is None else value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _parse(node.operand, known) * -1
    if isinstance(node, ast.BinOp):
        a, b = _parse(node.left, known), _parse(node.right, known)
        if isinstance(node.op, ast.Add):
            return a + b
        if isinstance(node.op, ast.Sub):
            return a - b
        if isinstance(node.op, ast.Mult):
            return a * b
        if isinstance(node.op, ast.FloorDiv):
            return a // b
    raise ShapeError(f"{ast.unparse(node)!r} is not a dimension", hint='use e.g. 4, "N", "2*N"')
