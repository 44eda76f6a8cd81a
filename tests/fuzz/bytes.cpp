// The bytes of a peer become a text for a terminal, and perhaps a number.
#include <cerrno>
#include <cstdlib>

#include "common.hpp"

namespace {

/// What number() should return, by strtoull.
std::optional<size_t> by_the_book(const std::string& bytes) {
    if (bytes.empty() || bytes.find_first_not_of("0123456789") != bytes.npos) return std::nullopt;
    errno = 0;
    const unsigned long long value = std::strtoull(bytes.c_str(), nullptr, 10);
    if (errno != 0 || value == 0 || value > SIZE_MAX) return std::nullopt;
    return static_cast<size_t>(value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    const std::string shown = printable(bytes);
    for (const char c : shown)
        if (c < 0x20 || c > 0x7e) std::abort();
    if (shown.size() > 4 * 200 + 40 || (size > 0 && shown.empty())) std::abort();
    if (number(bytes) != by_the_book(bytes)) std::abort();
    return 0;
}
