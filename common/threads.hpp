// For the programs that have several threads.
#pragma once

#include <functional>
#include <mutex>
#include <thread>

#include "common.hpp"

/// Threads that end together: an exception in one shuts the context down, and join() throws it.
/// Declare them after everything that they use.
class Threads {
 public:
    explicit Threads(void* context) : context_(context) {}
    ~Threads();
    void start(std::function<void()> work);
    void join();

 private:
    void* const context_;
    std::vector<std::thread> threads_;
};

/// Counts in any thread.
class SharedSummary : public Summary {
 public:
    using Summary::Summary;
    void operator++() {
        static std::mutex mutex;
        const std::lock_guard lock(mutex);
        Summary::operator++();
    }
};
