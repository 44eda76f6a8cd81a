#include "threads.hpp"

void Threads::start(std::function<void()> work) {
    threads_.emplace_back([this, work = std::move(work)] { here(work); });
}

void Threads::here(const std::function<void()>& work) {
    try {
        work();
    } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!first_) first_ = std::current_exception();
        // Fails only for what is no context, and then nothing is blocked in it.
        [[maybe_unused]] const int shut = zmq_ctx_shutdown(context_);
    }
}

void Threads::join() {
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    if (first_) std::rethrow_exception(first_);
}

Threads::~Threads() {
    if (!threads_.empty()) here([] { throw 0; });  // an exception in main ends them, too
    for (auto& thread : threads_) thread.join();
}

static std::mutex summaries;  // held while a thread adds to one

void Share::start() {
    if (started_) return;
    started_ = true;
    const std::lock_guard lock(summaries);
    of_.start();
}

Share::~Share() {
    const std::lock_guard lock(summaries);
    of_ += count_;
}
