// Sends Hello and waits for the reply, again and again.
//   REQ connects tcp://127.0.0.1:5559
// Its other halves are proxy.cpp and server.cpp.
#include <cstdio>

#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5559";
    int count = 10;
    bool quiet = false;
    parse(argc, argv, "sends Hello and waits for the reply, again and again",
          {{"connect ENDPOINT", &endpoint, "REQ connects, to the proxy's frontend"},
           {"count N", &count, "requests to send, 0: until interrupted"},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(),
                              count == 0 ? Interrupt::when_stopped : Interrupt::by_itself);
    Summary replies("reply", "replies", quiet);
    const Socket requester(check(zmq_socket(context.get(), ZMQ_REQ), "zmq_socket", "REQ"));
    const int linger = 0;  // nobody is left to take the reply to a request that is still unsent
    check(zmq_setsockopt(requester.get(), ZMQ_LINGER, &linger, sizeof linger), "zmq_setsockopt",
          "ZMQ_LINGER");
    check(zmq_connect(requester.get(), endpoint.c_str()), "zmq_connect", endpoint);

    constexpr std::string_view request = "Hello";
    Message reply;
    replies.start();
    while (count == 0 || replies.count() < count) {
        check(zmq_send(requester.get(), request.data(), request.size(), 0), "zmq_send");
        check(zmq_msg_recv(reply.get(), requester.get(), 0), "zmq_msg_recv");
        if (!quiet) std::printf("received %s\n", text(reply.bytes()).c_str());
        while (zmq_msg_more(reply.get()) == 1)  // a reply may have more frames: they are its own
            check(zmq_msg_recv(reply.get(), requester.get(), 0), "zmq_msg_recv");
        ++replies;
    }
    return 0;
} catch (...) {
    return exit_status();
}
