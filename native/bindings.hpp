// What the bindings share: arrays taken as they are, and shapes that are checked.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <stdexcept>

#include "channels.hpp"

namespace mgeconvert {

// Bound with noconvert: a wrong type or layout is an error; the Python side casts.
template <typename T>
using Array = pybind11::array_t<T, pybind11::array::c_style>;

inline std::size_t length(const pybind11::array& x) { return static_cast<std::size_t>(x.size()); }

inline void require(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what);
}

// x as outer x channels x inner, where `inner` elements follow each other in a channel.
inline Shape shape_of(const pybind11::array& x, std::size_t channels, std::size_t inner) {
    const std::size_t group = channels * inner;
    const std::size_t outer = group ? length(x) / group : 0;
    require(outer * group == length(x), "the channels do not fill the array");
    return {outer, channels, inner};
}

void bind_quantize(pybind11::module_& m);
void bind_fixed_point(pybind11::module_& m);
void bind_nibbles(pybind11::module_& m);

}  // namespace mgeconvert
