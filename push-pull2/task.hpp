// What worker.cpp and sinker.cpp need besides the pattern.
#pragma once

#include <algorithm>

#include "peers.hpp"

/// Returns the number of a task or a result, which is one frame: the name of its sender, a space,
/// the number ("a 1"). Returns 0 for any other message.
inline size_t task_number(Message& message) {
    const auto bytes = message.bytes();
    const size_t space = bytes.rfind(' ');
    if (zmq_msg_more(message) == 1 || space == bytes.npos) return 0;
    return number(bytes.substr(space + 1));
}

/// A time limit of `ms` that starts with the first restart(). 0: none.
class Deadline {
 public:
    explicit Deadline(int ms) : limit_(ms) {}
    void restart() { end_ = Clock::now() + limit_; }
    bool passed() const { return left() == 0; }
    /// The time left in ms, as zmq_poll takes it: -1 without a limit.
    long left() const {
        if (end_ == never || limit_.count() == 0) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now());
        return std::max(0L, static_cast<long>(left.count()));
    }

 private:
    using Clock = std::chrono::steady_clock;
    const std::chrono::milliseconds limit_;
    static constexpr auto never = Clock::time_point::max();
    Clock::time_point end_ = never;
};
