// The books of the two sinkers.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <unordered_map>

/// A set of numbers, a bit for each, in pages of 1024: small, however large a number is.
class Numbers {
 public:
    /// Whether n, which is not negative, is new.
    bool add(int n);
    /// Which of first, first + step, ..., up to last, are not in the set: " 2 5 9-12".
    std::string missing(std::int64_t first, std::int64_t last, std::int64_t step = 1) const;

 private:
    std::unordered_map<std::int64_t, std::bitset<1024>> pages_;
};
