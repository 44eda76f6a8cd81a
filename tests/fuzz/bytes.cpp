// What a peer's bytes become: a text for a terminal, and perhaps a number, in a set of numbers.
#include <cerrno>
#include <cstdlib>
#include <set>

#include "common.hpp"
#include "numbers.hpp"

namespace {

/// What number() should say, by strtoll.
std::optional<int> by_the_book(const std::string& bytes) {
    if (bytes.find_first_not_of("0123456789", bytes[0] == '-' ? 1 : 0) != bytes.npos)
        return std::nullopt;
    errno = 0;
    char* end = nullptr;
    const long long value = std::strtoll(bytes.c_str(), &end, 10);
    if (bytes.empty() || bytes == "-" || errno != 0 || value < INT_MIN || value > INT_MAX)
        return std::nullopt;
    return static_cast<int>(value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    const std::string shown = text(bytes);
    for (const char c : shown)
        if (c < 0x20 || c > 0x7e) std::abort();
    if (shown.size() > 4 * 200 + 40 || (size > 0 && shown.empty())) std::abort();
    if (number(bytes) != by_the_book(bytes)) std::abort();

    // Each three bytes are a number; missing() of two small ranges names all the others.
    Numbers numbers;
    std::set<int> model;
    for (size_t i = 0; i + 3 <= size; i += 3) {
        const int n = data[i] + (data[i + 1] << 8) + (data[i + 2] << 16);
        if (numbers.add(n) != model.insert(n).second) std::abort();
    }
    for (const int step : {1, 3}) {
        std::string rows;
        int from = 0, to = -step;
        const auto end_row = [&] {
            if (to < 0) return;
            rows.append(" ").append(std::to_string(from));
            if (to > from) rows.append("-").append(std::to_string(to));
        };
        for (int n = 1; n <= 20000; n += step) {
            if (model.contains(n)) continue;
            if (to < 0 || n != to + step) {
                end_row();
                from = n;
            }
            to = n;
        }
        end_row();
        if (numbers.missing(1, 20000, step) != rows) std::abort();
    }
    return 0;
}
