// How far two arrays are apart, in one pass and without temporaries.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mgeconvert {

struct Difference {
    double max_abs = 0;     // over the finite pairs, as all sums
    double max_rel = 0;     // of |got - want| / |want| where want != 0
    double sum_error2 = 0;  // of (got - want)^2
    double sum_want2 = 0;
    double sum_got2 = 0;
    double dot = 0;         // of got * want
    std::int64_t outside = 0;
    std::int64_t nonfinite_mismatches = 0;
};

template <typename T>
Difference difference(const T* got, const T* want, std::size_t size, double rtol, double atol);

extern template Difference difference(const float*, const float*, std::size_t, double, double);
extern template Difference difference(const double*, const double*, std::size_t, double, double);

}  // namespace mgeconvert
