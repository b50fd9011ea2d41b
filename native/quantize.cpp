#include "quantize.hpp"

#include "bindings.hpp"

namespace py = pybind11;

namespace mgeconvert {
namespace {

template <typename Real>
struct Numbers {
    const Array<float>& scale;
    const Array<Real>& low;
    const Array<Real>& high;
    const Array<Real>& zero;

    Grid<Real> grid() const {
        const std::size_t channels = length(scale);
        require(length(low) == channels && length(high) == channels && length(zero) == channels,
                "as many bounds and zero points as scales");
        return {scale.data(), low.data(), high.data(), zero.data()};
    }
};

template <typename In, typename Out, typename Kernel>
void run(const Array<In>& x, Array<Out>& y, const Kernel& kernel, std::size_t channels,
         std::size_t inner) {
    require(length(x) == length(y), "x and y differ in size");
    const Shape shape = shape_of(x, channels, inner);
    const In* from = x.data();
    Out* to = y.mutable_data();
    py::gil_scoped_release unlocked;
    each(from, to, shape, kernel);
}

template <template <typename, typename, typename> class Kernel, typename Rounding, typename In,
          typename Real, typename Out>
void to_whole(const Array<In>& x, Array<Out> y, std::size_t inner, const Array<float>& scale,
              const Array<Real>& low, const Array<Real>& high, const Array<Real>& zero) {
    const Grid<Real> grid = Numbers<Real>{scale, low, high, zero}.grid();
    run(x, y, Kernel<Rounding, Real, Out>{grid}, length(scale), inner);
}

template <typename Rounding, typename Real>
void fake(const Array<float>& x, Array<float> y, std::size_t inner, const Array<float>& scale,
          const Array<Real>& low, const Array<Real>& high, const Array<Real>& zero) {
    const Grid<Real> grid = Numbers<Real>{scale, low, high, zero}.grid();
    run(x, y, FakeQuantize<Rounding, Real>{grid}, length(scale), inner);
}

template <typename In, typename Real>
void to_real(const Array<In>& x, Array<float> y, std::size_t inner, const Array<float>& scale,
             const Array<Real>& low, const Array<Real>& high, const Array<Real>& zero) {
    const Grid<Real> grid = Numbers<Real>{scale, low, high, zero}.grid();
    run(x, y, Dequantize<Real>{grid}, length(scale), inner);
}

template <typename Function>
void define(py::module_& m, const char* name, Function function) {
    m.def(name, function, py::arg("x").noconvert(), py::arg("y").noconvert(), py::arg("inner"),
          py::arg("scale").noconvert(), py::arg("low").noconvert(), py::arg("high").noconvert(),
          py::arg("zero").noconvert());
}

template <typename Real, typename Out>
void define_out(py::module_& m) {
    define(m, "quantize_even", &to_whole<Quantize, Even, float, Real, Out>);
    define(m, "quantize_away", &to_whole<Quantize, Away, float, Real, Out>);
    define(m, "requantize_even", &to_whole<Requantize, Even, std::int32_t, Real, Out>);
    define(m, "requantize_away", &to_whole<Requantize, Away, std::int32_t, Real, Out>);
    define(m, "dequantize", &to_real<Out, Real>);
}

template <typename Real>
void define_fake(py::module_& m) {
    define(m, "fake_quantize_even", &fake<Even, Real>);
    define(m, "fake_quantize_away", &fake<Away, Real>);
}

}  // namespace

void bind_quantize(py::module_& m) {
    define_fake<float>(m);
    define_fake<double>(m);
    define_out<float, std::int8_t>(m);
    define_out<float, std::uint8_t>(m);
    define_out<float, std::int16_t>(m);
    define_out<float, std::uint16_t>(m);
    define_out<double, std::int32_t>(m);
}

}  // namespace mgeconvert
