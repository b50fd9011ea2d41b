#include "fixed_point.hpp"

#include "bindings.hpp"

namespace py = pybind11;

namespace mgeconvert {
namespace {

template <typename Form, typename Out>
void requantize(const Array<typename Form::Sum>& x, Array<Out> y, std::size_t inner,
                const Array<std::int32_t>& multiplier, const Array<std::int32_t>& shift,
                const Array<std::int32_t>& zero, std::int32_t low, std::int32_t high) {
    const std::size_t channels = length(multiplier);
    require(length(shift) == channels && length(zero) == channels,
            "as many shifts and zero points as multipliers");
    require(length(x) == length(y), "x and y differ in size");
    const Shape shape = shape_of(x, channels, inner);
    const FixedPoint numbers{multiplier.data(), shift.data(), zero.data(), low, high};
    const auto* from = x.data();
    auto* to = y.mutable_data();
    py::gil_scoped_release unlocked;
    each(from, to, shape, RequantizeFixed<Form, Out>{numbers});
}

template <typename Form, typename Out>
void define(py::module_& m, const char* name) {
    m.def(name, &requantize<Form, Out>, py::arg("x").noconvert(), py::arg("y").noconvert(),
          py::arg("inner"), py::arg("multiplier").noconvert(), py::arg("shift").noconvert(),
          py::arg("zero").noconvert(), py::arg("low"), py::arg("high"));
}

template <typename Out>
void define_out(py::module_& m) {
    define<RoundOnce, Out>(m, "requantize_once");
    define<RoundTwice, Out>(m, "requantize_twice");
    define<RoundWide, Out>(m, "requantize_wide");
}

}  // namespace

void bind_fixed_point(py::module_& m) {
    define_out<std::int8_t>(m);
    define_out<std::uint8_t>(m);
    define_out<std::int16_t>(m);
    define_out<std::int32_t>(m);
}

}  // namespace mgeconvert
