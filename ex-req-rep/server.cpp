// Answers every request that the proxy passes on with World.
//   REP connects tcp://127.0.0.1:5560
// Its other halves are proxy.cpp and client.cpp.
#include <cstdio>

#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5560", name = "server";
    int count = 0;
    bool quiet = false;
    parse(argc, argv, "answers every request that the proxy passes on with World",
          {{"connect ENDPOINT", &endpoint, "REP connects, to the proxy's backend"},
           {"name NAME", &name, "who it says has answered"},
           {"count N", &count, "requests to answer, 0: until interrupted"},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(),
                              count == 0 ? Interrupt::when_stopped : Interrupt::by_itself);
    Summary requests("request", "requests", quiet);
    const Socket responder(check(zmq_socket(context.get(), ZMQ_REP), "zmq_socket", "REP"));
    check(zmq_setsockopt(responder.get(), ZMQ_LINGER, &linger_at_interrupt,
                         sizeof linger_at_interrupt),
          "zmq_setsockopt", "ZMQ_LINGER");
    check(zmq_connect(responder.get(), endpoint.c_str()), "zmq_connect", endpoint);

    constexpr std::string_view reply = "World";
    Message request;
    while (count == 0 || requests.count() < count) {
        check(zmq_msg_recv(request.get(), responder.get(), 0), "zmq_msg_recv");
        requests.start();
        if (!quiet)
            std::printf("%s answers %s\n", text(name).c_str(), text(request.bytes()).c_str());
        while (zmq_msg_more(request.get()) ==
               1)  // a request may have more frames: they are its own
            check(zmq_msg_recv(request.get(), responder.get(), 0), "zmq_msg_recv");
        check(zmq_send(responder.get(), reply.data(), reply.size(), 0), "zmq_send");
        ++requests;
    }
    check(zmq_setsockopt(responder.get(), ZMQ_LINGER, &linger_at_end, sizeof linger_at_end),
          "zmq_setsockopt", "ZMQ_LINGER");  // the last reply is to arrive, too
    return 0;
} catch (...) {
    return exit_status();
}
