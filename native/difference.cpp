#include "difference.hpp"

#include <algorithm>
#include <cmath>

namespace mgeconvert {
namespace {

// Sums of this many pairs are added up first, then added to the total, so that rounding errors
// stay small on arrays of hundreds of millions of elements.
constexpr std::size_t BLOCK = 4096;

bool same_nonfinite(double got, double want) {
    return got == want || (std::isnan(got) && std::isnan(want));
}

void add_pair(Difference& sum, double got, double want, double rtol, double atol) {
    if (!std::isfinite(got) || !std::isfinite(want)) {
        const bool mismatch = !same_nonfinite(got, want);
        sum.nonfinite_mismatches += mismatch;
        sum.outside += mismatch;
        return;
    }
    const double error = std::abs(got - want);
    const double size = std::abs(want);
    sum.max_abs = std::max(sum.max_abs, error);
    if (size > 0) sum.max_rel = std::max(sum.max_rel, error / size);
    sum.sum_error2 += error * error;
    sum.sum_want2 += want * want;
    sum.sum_got2 += got * got;
    sum.dot += got * want;
    sum.outside += error > atol + rtol * size;
}

void add_block(Difference& total, const Difference& block) {
    total.max_abs = std::max(total.max_abs, block.max_abs);
    total.max_rel = std::max(total.max_rel, block.max_rel);
    total.sum_error2 += block.sum_error2;
    total.sum_want2 += block.sum_want2;
    total.sum_got2 += block.sum_got2;
    total.dot += block.dot;
    total.outside += block.outside;
    total.nonfinite_mismatches += block.nonfinite_mismatches;
}

}  // namespace

template <typename T>
Difference difference(const T* got, const T* want, std::size_t size, double rtol, double atol) {
    Difference total;
    for (std::size_t start = 0; start < size; start += BLOCK) {
        const std::size_t stop = std::min(size, start + BLOCK);
        Difference block;
        for (std::size_t i = start; i < stop; ++i) add_pair(block, got[i], want[i], rtol, atol);
        add_block(total, block);
    }
    return total;
}

template Difference difference(const float*, const float*, std::size_t, double, double);
template Difference difference(const double*, const double*, std::size_t, double, double);

}  // namespace mgeconvert
