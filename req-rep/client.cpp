// Sends Hello and waits for the reply, again and again.
//   REQ connects tcp://127.0.0.1:5555
// Its other half is server.cpp.
#include <cstdio>

#include "common.hpp"

/// Receives the first frame of the reply. False where, with --timeout, there is none and the
/// request is to be sent again.
static bool answered(void* requester, Message& reply, bool timeout) {
    const int size = zmq_msg_recv(reply.get(), requester, 0);
    if (size != -1 || !timeout || zmq_errno() != EFSM) return ready(size, "zmq_msg_recv");
    // The connection ended while zmq_send was writing. With IMMEDIATE libzmq drops the request,
    // says nothing, and would take what comes next for the rest of it, without an envelope. So this
    // is the rest; a REP throws away what has none.
    check(zmq_send(requester, nullptr, 0, 0), "zmq_send");
    return false;
}

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5555";
    int count = 10, timeout = 0;
    bool quiet = false;
    parse(argc, argv, "sends Hello and waits for the reply, again and again",
          {{"connect ENDPOINT", &endpoint, "REQ connects"},
           {"count N", &count, "requests to send, 0: until interrupted"},
           {"timeout MS", &timeout, "send a request again that has no reply yet, 0: never"},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(),
                              count == 0 ? Interrupt::when_stopped : Interrupt::by_itself);
    Summary replies("reply", "replies", quiet);
    const Socket requester(check(zmq_socket(context.get(), ZMQ_REQ), "zmq_socket", "REQ"));
    const int linger = 0;  // nobody is left to take the reply to a request that is still unsent
    check(zmq_setsockopt(requester.get(), ZMQ_LINGER, &linger, sizeof linger), "zmq_setsockopt",
          "ZMQ_LINGER");
    if (timeout > 0) {
        // RELAXED: a second request may follow one without a reply. CORRELATE: each carries a
        // number, and the late reply to an earlier one is dropped. IMMEDIATE: while there is no
        // server nothing is queued, or it would get every request that was sent again meanwhile.
        const int on = 1;
        check(zmq_setsockopt(requester.get(), ZMQ_REQ_RELAXED, &on, sizeof on), "zmq_setsockopt",
              "ZMQ_REQ_RELAXED");
        check(zmq_setsockopt(requester.get(), ZMQ_REQ_CORRELATE, &on, sizeof on), "zmq_setsockopt",
              "ZMQ_REQ_CORRELATE");
        check(zmq_setsockopt(requester.get(), ZMQ_IMMEDIATE, &on, sizeof on), "zmq_setsockopt",
              "ZMQ_IMMEDIATE");
        check(zmq_setsockopt(requester.get(), ZMQ_RCVTIMEO, &timeout, sizeof timeout),
              "zmq_setsockopt", "ZMQ_RCVTIMEO");
    }
    check(zmq_connect(requester.get(), endpoint.c_str()), "zmq_connect", endpoint);

    constexpr std::string_view hello = "Hello";
    Message reply;
    replies.start();
    while (count == 0 || replies.count() < count) {
        do {
            check(zmq_send(requester.get(), hello.data(), hello.size(), 0), "zmq_send");
        } while (!answered(requester.get(), reply, timeout > 0));
        if (!quiet) std::printf("received %s\n", text(reply.bytes()).c_str());
        while (zmq_msg_more(reply.get()) == 1)  // a reply may have more frames: they are its own
            check(zmq_msg_recv(reply.get(), requester.get(), 0), "zmq_msg_recv");
        ++replies;
    }
    return 0;
} catch (...) {
    return exit_status();
}
