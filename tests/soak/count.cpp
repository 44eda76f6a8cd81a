// Preloaded into a program (LD_PRELOAD): reports each context that is made, and each that is
// terminated, which needs all its sockets to be closed.
#include <dlfcn.h>

#include <cstdio>

namespace {

template <class Function>
Function* real(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

void* zmq_ctx_new() {
    std::fputs("a context is made\n", stderr);
    return real<void*()>("zmq_ctx_new")();
}

int zmq_ctx_term(void* context) {
    const int result = real<int(void*)>("zmq_ctx_term")(context);
    if (result == 0) std::fputs("a context is terminated\n", stderr);
    return result;
}
}
