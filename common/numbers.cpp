#include "numbers.hpp"

#include <algorithm>

bool Numbers::add(int n) {
    auto bit = pages_[n / 1024][static_cast<size_t>(n % 1024)];
    if (bit) return false;
    return bit = true;
}

std::string Numbers::missing(std::int64_t first, std::int64_t last, std::int64_t step) const {
    std::string list;
    std::int64_t from = 0, to = -step;  // the row of missing numbers that may still go on
    const auto end_row = [&] {
        if (to < 0) return;
        list.append(" ").append(std::to_string(from));
        if (to > from) list.append("-").append(std::to_string(to));
    };
    for (std::int64_t n = first; n <= last;) {
        const auto page = pages_.find(n / 1024);
        std::int64_t until = n;  // all from n to here are missing
        if (page == pages_.end()) {
            until += (std::min(last, n | 1023) - n) / step * step;
        } else if (page->second[static_cast<size_t>(n % 1024)]) {
            n += step;
            continue;
        }
        if (to < 0 || n != to + step) {
            end_row();
            from = n;
        }
        to = until;
        n = until + step;
    }
    end_row();
    return list;
}
