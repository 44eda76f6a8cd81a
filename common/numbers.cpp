#include "numbers.hpp"

#include <algorithm>

std::string Numbers::missing(std::int64_t first, std::int64_t last, std::int64_t step) const {
    std::string list;
    std::int64_t from = 0, to = -step;  // the row of missing numbers that may still go on
    const auto end_row = [&] {
        if (to < 0) return;
        list.append(" ").append(std::to_string(from));
        if (to > from) list.append("-").append(std::to_string(to));
    };
    for (std::int64_t n = first; n <= last;) {
        const auto page = static_cast<size_t>(n / per_page);
        std::int64_t until = n;  // all from n to here are missing
        if (page >= pages_.size() || pages_[page] == nullptr) {
            until += (std::min(last, n | (per_page - 1)) - n) / step * step;
        } else if ((*pages_[page])[static_cast<size_t>(n % per_page)]) {
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
