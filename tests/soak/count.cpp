// Preloaded into a program (LD_PRELOAD): at the end it prints "left open: C contexts, S sockets" on
// standard error.
#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace {

std::atomic<int> contexts, sockets;
std::atomic<bool> reported;

template <class Function>
Function* real(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

void report() {
    if (!reported.exchange(true))
        std::fprintf(stderr, "left open: %d contexts, %d sockets\n", contexts.load(),
                     sockets.load());
}

struct AtExit {
    ~AtExit() { report(); }
} at_exit;

}  // namespace

extern "C" {

void* zmq_ctx_new() {
    ++contexts;
    return real<void*()>("zmq_ctx_new")();
}

int zmq_ctx_term(void* context) {
    const int result = real<int(void*)>("zmq_ctx_term")(context);
    if (result == 0) --contexts;
    return result;
}

void* zmq_socket(void* context, int type) {
    void* const socket = real<void*(void*, int)>("zmq_socket")(context, type);
    if (socket != nullptr) ++sockets;
    return socket;
}

int zmq_close(void* socket) {
    --sockets;
    return real<int(void*)>("zmq_close")(socket);
}

void _exit(int status) {
    report();
    real<void(int)>("_exit")(status);
    std::abort();  // not reached
}
}
