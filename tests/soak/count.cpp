// Preloaded into a program (LD_PRELOAD): whenever a context is terminated, which needs all its
// sockets to be closed, it prints on standard error how many are left.
#include <dlfcn.h>

#include <atomic>
#include <cstdio>

namespace {

std::atomic<int> contexts;

template <class Function>
Function* real(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

void* zmq_ctx_new() {
    ++contexts;
    return real<void*()>("zmq_ctx_new")();
}

int zmq_ctx_term(void* context) {
    const int result = real<int(void*)>("zmq_ctx_term")(context);
    if (result == 0) std::fprintf(stderr, "contexts left: %d\n", --contexts);
    return result;
}
}
