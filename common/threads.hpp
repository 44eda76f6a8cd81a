// For the programs that have several threads.
#pragma once

#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "common.hpp"

/// Threads that end together. The first exception in any of them shuts the context down, which ends
/// the calls that the others are blocked in. Declare it after what its threads use.
class Threads {
 public:
    explicit Threads(void* context) : context_(context) {}
    ~Threads();
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;
    void start(std::function<void()> work);
    /// Does the work in this thread, as one of them.
    void here(const std::function<void()>& work);
    /// Waits until all have ended, and throws the first exception, if there was one.
    void join();

 private:
    void* const context_;
    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::exception_ptr first_;
};

/// One thread's part of a summary that several add to: added when this goes.
class Share {
 public:
    explicit Share(Summary& of) : of_(of) {}
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    void start();
    Share& operator++() {
        ++count_;
        return *this;
    }

 private:
    Summary& of_;
    bool started_ = false;
    std::int64_t count_ = 0;
};
