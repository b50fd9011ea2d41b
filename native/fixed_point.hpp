// Sums to whole numbers by a fixed-point factor, multiplier * 2^(shift - 31), as TFLite has it.
#pragma once

#include <cstdint>
#include <limits>

#include "channels.hpp"

namespace mgeconvert {

// The low bits, as two's complement has them: what compiled kernels return beyond their domain.
template <typename To, typename From>
To wrapped(From x) {
    return static_cast<To>(static_cast<std::uint64_t>(x));
}

// For 32-bit sums: one rounding, half up. Shifts from -31 to 30.
struct RoundOnce {
    using Sum = std::int32_t;
    static std::int32_t scaled(Sum x, std::int32_t multiplier, int shift) {
        const int right = 31 - shift;
        const std::int64_t half = std::int64_t{1} << (right - 1);
        return wrapped<std::int32_t>((std::int64_t{x} * multiplier + half) >> right);
    }
};

// For 32-bit sums: a rounding of the high word of the doubled product, half away from zero but for
// the negative ties, which go up; then one of the shift to the right, half away from zero.
struct RoundTwice {
    using Sum = std::int32_t;
    static std::int32_t scaled(Sum x, std::int32_t multiplier, int shift) {
        const int left = shift > 0 ? shift : 0;
        const int right = shift > 0 ? 0 : -shift;
        const auto up = wrapped<std::int32_t>(static_cast<std::uint64_t>(std::int64_t{x}) << left);
        return halved(high_word(up, multiplier), right);
    }
    // multiplier >= 0, so that nothing saturates.
    static std::int32_t high_word(std::int32_t x, std::int32_t multiplier) {
        const std::int64_t product = std::int64_t{x} * multiplier;
        const std::int64_t nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);
        return static_cast<std::int32_t>((product + nudge) / (std::int64_t{1} << 31));
    }
    static std::int32_t halved(std::int32_t x, int times) {
        const auto mask = static_cast<std::int32_t>((std::int64_t{1} << times) - 1);
        const std::int32_t rest = x & mask, threshold = (mask >> 1) + (x < 0);
        return (x >> (times < 31 ? times : 31)) + (rest > threshold);
    }
};

// For 64-bit sums (16 bit activations): a multiplier of 16 bits, one rounding, half up. Shifts from
// -31 to 7; exact for sums within 48 bits.
struct RoundWide {
    using Sum = std::int64_t;
    static std::int32_t scaled(Sum x, std::int32_t multiplier, int shift) {
        const std::int64_t factor =
            multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
        const int right = 15 - shift;
        const std::uint64_t half = std::uint64_t{1} << (right - 1);
        const std::uint64_t product =
            static_cast<std::uint64_t>(x) * static_cast<std::uint64_t>(factor);
        return wrapped<std::int32_t>(static_cast<std::int64_t>(product + half) >> right);
    }
};

struct FixedPoint {
    const std::int32_t* multiplier;
    const std::int32_t* shift;
    const std::int32_t* zero;
    std::int32_t low, high;  // of the results
};

template <typename Form, typename Out>
struct RequantizeFixed {
    FixedPoint numbers;
    struct Channel {
        std::int32_t multiplier, shift, zero, low, high;
        Out operator()(typename Form::Sum sum) const {
            std::int64_t whole = std::int64_t{Form::scaled(sum, multiplier, shift)} + zero;
            whole = whole > low ? whole : low;
            return static_cast<Out>(whole < high ? whole : high);
        }
    };
    Channel at(std::size_t c) const {
        const FixedPoint& n = numbers;
        return {n.multiplier[c], n.shift[c], n.zero[c], n.low, n.high};
    }
};

}  // namespace mgeconvert
