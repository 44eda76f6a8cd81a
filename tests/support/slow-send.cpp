// Stands in for zmq_send(3) in a program that is slow to ask again, so that what it asks meets the
// end of a connection more often.
#undef zmq_send
#include <zmq.h>

#include <chrono>

extern "C" int send_slowly(void* socket, const void* data, size_t size, int flags);

extern "C" int send_slowly(void* socket, const void* data, size_t size, int flags) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(300);
    while (std::chrono::steady_clock::now() < until) {  // no call in between
    }
    return zmq_send(socket, data, size, flags);
}
