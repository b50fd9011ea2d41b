// The pybind11 module mgeconvert._native: checks shapes, releases the GIL, and calls the kernels.
#include "bindings.hpp"
#include "difference.hpp"

namespace py = pybind11;

namespace {

using mgeconvert::Array;

template <typename T>
py::tuple difference(const Array<T>& got, const Array<T>& want, double rtol, double atol) {
    if (got.size() != want.size()) throw std::invalid_argument("got and want differ in size");
    const T* got_data = got.data();
    const T* want_data = want.data();
    const auto size = static_cast<std::size_t>(got.size());
    mgeconvert::Difference sum;
    {
        py::gil_scoped_release unlocked;
        sum = mgeconvert::difference(got_data, want_data, size, rtol, atol);
    }
    return py::make_tuple(sum.max_abs, sum.max_rel, sum.sum_error2, sum.sum_want2, sum.sum_got2,
                          sum.dot, sum.outside, sum.nonfinite_mismatches);
}

}  // namespace

PYBIND11_MODULE(_native, m) {
    m.doc() = "Loops over arrays that numpy needs several passes and temporaries for.";
    // noconvert: a wrong type or layout is an error here; mgeconvert.native casts.
    m.def("difference_f32", &difference<float>, py::arg("got").noconvert(),
          py::arg("want").noconvert(), py::arg("rtol"), py::arg("atol"));
    m.def("difference_f64", &difference<double>, py::arg("got").noconvert(),
          py::arg("want").noconvert(), py::arg("rtol"), py::arg("atol"));
    mgeconvert::bind_quantize(m);
    mgeconvert::bind_fixed_point(m);
    mgeconvert::bind_nibbles(m);
}
