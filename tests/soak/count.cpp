// Preloaded into a program (LD_PRELOAD): at the end it prints on standard error whether all
// contexts are terminated, which needs all sockets to be closed.
#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace {

std::atomic<int> contexts;

template <class Function>
Function* real(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

void report() {
    std::fputs(contexts == 0 ? "all contexts terminated\n" : "a context is left\n", stderr);
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

void _exit(int status) {
    report();
    real<void(int)>("_exit")(status);
    std::abort();  // not reached
}
}
