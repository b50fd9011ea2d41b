#include <cstddef>
#include <cstdint>

#include "bindings.hpp"

namespace py = pybind11;

// Two numbers of four bits to a byte, the first one in the low bits.
namespace mgeconvert {
namespace {

// The bits that are 0 for numbers that fit: of -8..7, moved to 0..15, and of 0..15.
std::uint8_t excess(std::int8_t x) { return static_cast<std::uint8_t>(x + 8) & 0xF0; }
std::uint8_t excess(std::uint8_t x) { return x & 0xF0; }

// A nibble as the number it stands for; signed ones by flipping and subtracting the sign bit.
std::int8_t number(unsigned nibble, std::int8_t) {
    return static_cast<std::int8_t>(static_cast<int>(nibble ^ 8U) - 8);
}
std::uint8_t number(unsigned nibble, std::uint8_t) { return static_cast<std::uint8_t>(nibble); }

// Return whether all elements fit; the high bits of the last byte are 0 where size is odd.
template <typename T>
bool pack(const T* __restrict x, std::uint8_t* __restrict bytes, std::size_t size) {
    std::uint8_t outside = 0;
    for (std::size_t i = 0; i < size / 2; ++i) {
        const T low = x[2 * i], high = x[2 * i + 1];
        outside |= excess(low) | excess(high);
        bytes[i] = static_cast<std::uint8_t>((low & 15) | (high & 15) << 4);
    }
    if (size % 2) {
        outside |= excess(x[size - 1]);
        bytes[size / 2] = static_cast<std::uint8_t>(x[size - 1] & 15);
    }
    return outside == 0;
}

template <typename T>
void unpack(const std::uint8_t* __restrict bytes, T* __restrict x, std::size_t size) {
    for (std::size_t i = 0; i < size / 2; ++i) {
        x[2 * i] = number(bytes[i] & 15U, T{});
        x[2 * i + 1] = number(bytes[i] >> 4U, T{});
    }
    if (size % 2) x[size - 1] = number(bytes[size / 2] & 15U, T{});
}

template <typename T>
bool pack_array(const Array<T>& x, Array<std::uint8_t> bytes) {
    require(length(bytes) == (length(x) + 1) / 2, "half as many bytes as elements");
    const T* from = x.data();
    std::uint8_t* to = bytes.mutable_data();
    const std::size_t size = length(x);
    py::gil_scoped_release unlocked;
    return pack(from, to, size);
}

template <typename T>
void unpack_array(const Array<std::uint8_t>& bytes, Array<T> x) {
    require(length(bytes) == (length(x) + 1) / 2, "half as many bytes as elements");
    const std::uint8_t* from = bytes.data();
    T* to = x.mutable_data();
    const std::size_t size = length(x);
    py::gil_scoped_release unlocked;
    unpack(from, to, size);
}

template <typename T>
void define(py::module_& m) {
    m.def("pack_nibbles", &pack_array<T>, py::arg("x").noconvert(), py::arg("bytes").noconvert());
    m.def("unpack_nibbles", &unpack_array<T>, py::arg("bytes").noconvert(),
          py::arg("x").noconvert());
}

}  // namespace

void bind_nibbles(py::module_& m) {
    define<std::int8_t>(m);
    define<std::uint8_t>(m);
}

}  // namespace mgeconvert
