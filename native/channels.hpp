// One loop for all kernels that compute an element from an element and the numbers of its channel.
#pragma once

#include <cstddef>

namespace mgeconvert {

// An array as outer x channels x inner; one channel where the whole tensor shares its numbers.
struct Shape {
    std::size_t outer, channels, inner;
    std::size_t size() const { return outer * channels * inner; }
};

// `kernel.at(c)` is the function of one element in channel c, by value, so that it stays in
// registers; where each element has a channel of its own, its numbers are read beside the elements.
template <typename In, typename Out, typename Kernel>
void each(const In* __restrict x, Out* __restrict y, const Shape& shape, const Kernel& kernel) {
    for (std::size_t o = 0; o < shape.outer; ++o) {
        if (shape.inner == 1) {
            for (std::size_t c = 0; c < shape.channels; ++c) y[c] = kernel.at(c)(x[c]);
            x += shape.channels;
            y += shape.channels;
            continue;
        }
        for (std::size_t c = 0; c < shape.channels; ++c) {
            const auto function = kernel.at(c);
            for (std::size_t i = 0; i < shape.inner; ++i) y[i] = function(x[i]);
            x += shape.inner;
            y += shape.inner;
        }
    }
}

}  // namespace mgeconvert
