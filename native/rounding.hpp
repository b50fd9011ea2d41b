// Rounding to whole numbers without conversions to integers, so that NaN stays NaN and is defined.
#pragma once

#include <cmath>

namespace mgeconvert {

// Where the last bit is worth 1, half way up to the next power of two, so that it serves both signs.
template <typename Real>
constexpr Real LAST_BIT_IS_ONE = 0;
template <>
inline constexpr float LAST_BIT_IS_ONE<float> = 12582912.0F;  // 3 * 2^22
template <>
inline constexpr double LAST_BIT_IS_ONE<double> = 6755399441055744.0;  // 3 * 2^51

// Both: for |x| up to a third of LAST_BIT_IS_ONE, and NaN; 0 is always +0.
struct Even {
    template <typename Real>
    static Real round(Real x) {
        return (x + LAST_BIT_IS_ONE<Real>)-LAST_BIT_IS_ONE<Real>;
    }
};

struct Away {
    // Half to even, and one further where that was a tie that went towards zero. Without branches,
    // so that it becomes vector instructions.
    template <typename Real>
    static Real round(Real x) {
        const Real even = Even::round(x);
        const Real half = std::copysign(Real(0.5), x);
        return even + (x - even == half ? half + half : Real(0));
    }
};

// The nearest bound; NaN becomes `low`.
template <typename Real>
Real clamped(Real x, Real low, Real high) {
    x = x > low ? x : low;
    return x < high ? x : high;
}

// The nearest bound; NaN stays NaN.
template <typename Real>
Real clamped_or_nan(Real x, Real low, Real high) {
    x = low > x ? low : x;
    return high < x ? high : x;
}

}  // namespace mgeconvert
