#include <exception>

#include "peers.hpp"

static void* not_null(void* result, const char* file, int line) {
    if (result == nullptr) fail({}, file, line);
    return result;
}

// ms. The first is an odd number, so that it shows whether the program has set its own linger.
constexpr int linger_at_interrupt = 501, linger_at_end = 5000;

Context::Context(void* made, const char* file, int line) : context_(not_null(made, file, line)) {}

// Fails only for EINTR; zmq_close never fails for a socket.
Context::~Context() {
    while (zmq_ctx_term(context_) == -1 && zmq_errno() == EINTR) continue;
}

Socket::Socket(void* made, const char* file, int line)
    : socket_(not_null(made, file, line), zmq_close) {
    int type = 0;
    size_t size = sizeof type;
    check(zmq_getsockopt(*this, ZMQ_TYPE, &type, &size));
    const bool waits = type != ZMQ_REQ && type != ZMQ_SUB && type != ZMQ_PULL;
    const int linger = waits ? linger_at_interrupt : 0;
    check(zmq_setsockopt(*this, ZMQ_LINGER, &linger, sizeof linger));
    const std::int64_t largest_frame = 64 << 20;
    check(zmq_setsockopt(*this, ZMQ_MAXMSGSIZE, &largest_frame, sizeof largest_frame));
}

Socket::~Socket() {
    int linger = 0;
    size_t size = sizeof linger;
    // After Ctrl-C these calls fail, and the short linger stays.
    if (socket_ && std::uncaught_exceptions() == 0 &&
        zmq_getsockopt(*this, ZMQ_LINGER, &linger, &size) == 0 && linger == linger_at_interrupt) {
        [[maybe_unused]] const int result =
            zmq_setsockopt(*this, ZMQ_LINGER, &linger_at_end, sizeof linger_at_end);
    }
}

void skip_rest(Message& frame, void* socket) {
    if (zmq_msg_more(frame) == 0) return;
    Message rest;
    do check(zmq_msg_recv(rest, socket, 0));
    while (zmq_msg_more(rest) == 1);
}

// With a ZAP domain libzmq refuses peers of ZMTP 1 and 2 (stream_engine.cpp). Without a ZAP handler
// all other peers may still connect. Not for a socket that connects: after one odd answer it never
// connects again.
void refuse_old_peers(void* socket) {
    constexpr std::string_view domain = "tasks";
    check(zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain.data(), domain.size()));
}

Peers::Peers(void* context, void* socket)
    : socket_(socket), events_(zmq_socket(context, ZMQ_PAIR)) {
    refuse_old_peers(socket_);
    const int no_limit = 0;  // at a limit libzmq's own thread would wait for the reader
    check(zmq_setsockopt(events_, ZMQ_RCVHWM, &no_limit, sizeof no_limit));
    check(zmq_socket_monitor(socket_, "inproc://peers", ZMQ_EVENT_HANDSHAKE_SUCCEEDED));
    check(zmq_connect(events_, "inproc://peers"));
}

// Ends the monitor first, because libzmq's thread would wait for a reader that is gone. Fails after
// Ctrl-C, but then no monitor is left.
Peers::~Peers() { [[maybe_unused]] const int result = zmq_socket_monitor(socket_, nullptr, 0); }

void Peers::wait_for(int n) {
    Message event;
    for (int connected = 0; connected < n; ++connected) {
        check(zmq_msg_recv(event, events_, 0));
        skip_rest(event, events_);
    }
    check(zmq_socket_monitor(socket_, nullptr, 0));  // or events would pile up, unread
    // zmq_send looks for new connections only now and then; reading ZMQ_EVENTS takes them all in.
    int events = 0;
    size_t size = sizeof events;
    check(zmq_getsockopt(socket_, ZMQ_EVENTS, &events, &size));
}
