// Between real numbers and whole ones: quantize, fake-quantize, dequantize, requantize.
#pragma once

#include <cstdint>

#include "channels.hpp"
#include "rounding.hpp"

namespace mgeconvert {

// The numbers of each channel: real = scale * (whole - zero), low <= whole - zero <= high.
// Real is float where all of them are small enough to be exact, else double.
template <typename Real>
struct Grid {
    const float* scale;
    const Real* low;
    const Real* high;
    const Real* zero;
};

// Clamping first gives the same numbers as rounding first, for the bounds are whole, and keeps the
// rounding within its domain. Quotients and products are float's, as in all runtimes.
template <typename Rounding, typename Real, typename Out>
struct Quantize {
    Grid<Real> grid;
    struct Channel {
        float scale;
        Real low, high, zero;
        Out operator()(float x) const {
            const Real steps = clamped<Real>(x / scale, low, high);
            return static_cast<Out>(static_cast<std::int32_t>(Rounding::round(steps) + zero));
        }
    };
    Channel at(std::size_t c) const {
        return {grid.scale[c], grid.low[c], grid.high[c], grid.zero[c]};
    }
};

template <typename Rounding, typename Real>
struct FakeQuantize {
    Grid<Real> grid;
    struct Channel {
        float scale;
        Real low, high;
        float operator()(float x) const {
            const Real steps = clamped_or_nan<Real>(x / scale, low, high);
            return static_cast<float>(Rounding::round(steps)) * scale;
        }
    };
    Channel at(std::size_t c) const { return {grid.scale[c], grid.low[c], grid.high[c]}; }
};

template <typename Real>
struct Dequantize {
    Grid<Real> grid;
    struct Channel {
        float scale;
        Real zero;
        float operator()(std::int32_t whole) const {
            return static_cast<float>(static_cast<Real>(whole) - zero) * scale;
        }
    };
    Channel at(std::size_t c) const { return {grid.scale[c], grid.zero[c]}; }
};

// Sums to whole numbers by a float factor, which stands in `scale`.
template <typename Rounding, typename Real, typename Out>
struct Requantize {
    Grid<Real> grid;
    struct Channel {
        float factor;
        Real low, high, zero;
        Out operator()(std::int32_t sum) const {
            const Real steps = clamped<Real>(static_cast<float>(sum) * factor, low, high);
            return static_cast<Out>(static_cast<std::int32_t>(Rounding::round(steps) + zero));
        }
    };
    Channel at(std::size_t c) const {
        return {grid.scale[c], grid.low[c], grid.high[c], grid.zero[c]};
    }
};

}  // namespace mgeconvert
