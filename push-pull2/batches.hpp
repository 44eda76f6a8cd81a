// The books of sinker.cpp: no socket in here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common.hpp"
#include "numbers.hpp"
#include "task.hpp"

/// What is to come here of one sender's batch, and what has come.
struct Batch {
    int count = -1;              // its tasks; 0: no end; -1: the sender has not said it yet
    int index = 0, sinkers = 1;  // here come the numbers n with n mod sinkers == index
    int expected = 0;            // how many of these there are; 0 without end
    int results = 0, twice = 0, highest = 0;
    std::vector<int> early;  // what came before the sender's word, which has another connection
    Numbers seen;

    int first() const { return index == 0 ? sinkers : index; }
    int up_to(std::int64_t last) const {  // how many of the numbers from 1 to `last` come here
        return static_cast<int>((last - first() + sinkers) / sinkers);
    }
    bool complete() const { return count > 0 && results == expected; }
};

/// The batches of all senders.
class Batches {
 public:
    Batches(int senders, bool quiet) : senders_(senders), quiet_(quiet) {}
    bool complete() const { return complete_ == senders_; }
    /// All are known, and none is without end.
    bool bounded() const { return bounded_ == senders_; }
    /// One frame. Returns how many results this makes more.
    int result(std::string_view bytes) {
        const auto [n, sender] = task_in(bytes);
        if (n == 0) return left_out("no result: " + text(bytes)), 0;
        if (latest_ == batches_.end() || latest_->first != sender) latest_ = batches_.find(sender);
        if (latest_ == batches_.end() && announced_ < senders_)
            latest_ = batches_.try_emplace(std::string(sender)).first;
        if (latest_ == batches_.end() || (latest_->second.count == -1 && announced_ == senders_))
            return left_out("result " + text(sender) + " " + std::to_string(n) +
                            ": nobody asked for it"),
                   0;
        auto& [name, batch] = *latest_;
        if (batch.count != -1) return take(name, batch, n);
        batch.early.push_back(n);
        return 0;
    }
    /// An announcement is five frames: expect, sender, its tasks, which of the sinkers this is, of
    /// how many.
    int announcement(const std::vector<std::string>& frames) {
        const auto value = [&frames](size_t i) { return number(frames[i]).value_or(-1); };
        if (frames.size() != 5 || frames[0] != "expect" || value(2) < 0 || value(3) < 0 ||
            value(4) <= value(3))
            return left_out(std::to_string(frames.size()) + " frames: " + text(frames[0])), 0;
        const auto known = batches_.find(frames[1]);
        if (known != batches_.end() && known->second.count != -1)
            return left_out("a second sender called " + text(frames[1])), 0;
        if (announced_ == senders_)
            return left_out("a sender too many, called " + text(frames[1])), 0;
        Batch& batch = batches_[frames[1]];
        batch.count = value(2);
        batch.index = value(3);
        batch.sinkers = value(4);
        batch.expected = batch.up_to(batch.count);
        ++announced_;
        if (batch.count > 0) ++bounded_;
        if (!quiet_) std::printf("expecting results of %s\n", text(frames[1]).c_str());
        if (batch.complete()) ++complete_;  // none of its results comes here
        int more = 0;
        for (const int n : std::exchange(batch.early, {})) more += take(frames[1], batch, n);
        return more;
    }
    void name_missing() const {
        for (const auto& [name, batch] : batches_) {
            const auto missing = batch.seen.missing(batch.first(), batch.count, batch.sinkers);
            if (!missing.empty())
                std::fprintf(stderr, "sinker: lost, results of %s:%s\n", text(name).c_str(),
                             missing.c_str());
        }
    }
    std::string summary(std::int64_t results) const {
        std::string lines;
        for (const auto& [name, batch] : batches_) {
            if (!batch.early.empty())
                left_out("results of " + text(name) +
                         ", which has announced none: " + std::to_string(batch.early.size()));
            if (batch.count == -1) continue;
            const int expected = batch.up_to(batch.count > 0 ? batch.count : batch.highest);
            lines.append(text(name)).append(": ").append(std::to_string(batch.results));
            lines.append(" of ").append(std::to_string(expected)).append(" results, ");
            lines.append(std::to_string(expected - batch.results)).append(" missing, ");
            lines.append(std::to_string(batch.twice)).append(" twice\n");
        }
        if (!quiet_ && !lines.empty()) return lines.substr(0, lines.size() - 1);
        return lines + std::to_string(results) + (results == 1 ? " result" : " results");
    }

 private:
    int take(const std::string& name, Batch& batch, int n) {
        if ((batch.count > 0 && n > batch.count) || n % batch.sinkers != batch.index)
            return left_out("result " + text(name) + " " + std::to_string(n) +
                            ": nobody asked for it"),
                   0;
        const bool is_new = batch.seen.add(n);
        if (!quiet_) std::printf("result %s %d%s\n", text(name).c_str(), n, is_new ? "" : " again");
        batch.highest = std::max(batch.highest, n);
        if (!is_new) return ++batch.twice, 0;
        ++batch.results;
        if (batch.complete()) ++complete_;
        return 1;
    }

    using ByName = std::map<std::string, Batch, std::less<>>;
    ByName batches_;                            // by the senders' names
    ByName::iterator latest_ = batches_.end();  // the next result is often of the same sender
    const int senders_;
    const bool quiet_;
    int announced_ = 0, bounded_ = 0, complete_ = 0;
};
