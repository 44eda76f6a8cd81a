// The books of the two sinkers.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// A set of numbers, a bit for each, in pages that are made when they are needed.
class Numbers {
 public:
    /// Whether n, which is not negative, is new.
    bool add(int n) {
        const auto page = static_cast<size_t>(n / per_page);
        if (page >= pages_.size()) pages_.resize(page + 1);
        if (pages_[page] == nullptr) pages_[page] = std::make_unique<Page>();
        auto bit = (*pages_[page])[static_cast<size_t>(n % per_page)];
        const bool is_new = !bit;
        bit = true;
        return is_new;
    }
    /// Which of first, first + step, ..., up to last, are not in the set: " 2 5 9-12".
    std::string missing(std::int64_t first, std::int64_t last, std::int64_t step = 1) const;

 private:
    static constexpr int per_page = 8192;
    using Page = std::bitset<per_page>;
    std::vector<std::unique_ptr<Page>> pages_;  // 2 MB of pointers for the largest number
};
