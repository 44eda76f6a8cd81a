#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <thread>

#include "common.hpp"
#include "internal.hpp"

namespace {

// Signals belong to the process, and so does this. It is never destroyed, since the thread that
// waits for signals lives until the process ends.
struct State {
    std::mutex mutex;
    std::condition_variable came;
    void* context = nullptr;  // NULL from the end of main on
    int signal = 0;           // the one that came
    Interrupt::Ends ends = Interrupt::by_itself;
    std::atomic<bool> said = false;  // that it is interrupted
};

State& state() {
    static State& only = *new State;
    return only;
}

sigset_t signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

int exit_code() {
    const std::lock_guard lock(state().mutex);
    return state().ends == Interrupt::when_stopped ? 0 : 128 + state().signal;
}

void wait_for_signal() {
    const sigset_t set = signals();
    int signal = 0;
    sigwait(&set, &signal);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);  // a second one kills
    {
        const std::lock_guard lock(state().mutex);
        state().signal = signal;
        // Fails only for what is no context.
        if (state().context != nullptr && zmq_ctx_shutdown(state().context) == -1) std::abort();
    }
    state().came.notify_all();
    std::this_thread::sleep_for(
        std::chrono::milliseconds(700));  // a deadline: the process ends first
    // Somebody may have stopped reading standard error, and main be blocked there.
    pollfd standard_error{STDERR_FILENO, POLLOUT, 0};
    _exit(poll(&standard_error, 1, 0) == 1 ? interrupt_status() : exit_code());
}

}  // namespace

bool interrupted() {
    const std::lock_guard lock(state().mutex);
    return state().signal != 0;
}

int interrupt_status() {
    const bool finished = state().ends == Interrupt::when_stopped;
    if (!state().said.exchange(true)) {
        if (finished)
            std::fprintf(stderr, "interrupted\n");
        else
            std::fprintf(stderr, "%s: interrupted, not finished\n", program.c_str());
    }
    return exit_code();
}

Interrupt::Interrupt(void* context, Ends ends) {
    state().context = context;
    state().ends = ends;
    // A shell starts what ends in & with SIGINT ignored, and a signal that is ignored cannot be
    // waited for.
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    const sigset_t set = signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::thread(wait_for_signal).detach();
}

Interrupt::~Interrupt() {
    const std::lock_guard lock(state().mutex);
    state().context = nullptr;
}

void Interrupt::pause(int ms) const {
    std::unique_lock lock(state().mutex);
    if (state().came.wait_for(lock, std::chrono::milliseconds(ms),
                              [] { return state().signal != 0; }))
        throw Interrupted{};
}
