// Answers every request with World.
//   REP binds tcp://127.0.0.1:5555
// Its other half is client.cpp.
#include <cstdio>

#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5555";
    int count = 0;
    bool quiet = false;
    parse(argc, argv, "answers every request with World",
          {{"bind ENDPOINT", &endpoint, "REP binds"},
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
    check(zmq_setsockopt(responder.get(), ZMQ_MAXMSGSIZE, &largest_frame, sizeof largest_frame),
          "zmq_setsockopt", "ZMQ_MAXMSGSIZE");
    check(zmq_bind(responder.get(), endpoint.c_str()), "zmq_bind", endpoint);
    std::printf("listening on %s\n", last_endpoint(responder.get()).c_str());

    constexpr std::string_view reply = "World";
    Message request;
    while (count == 0 || requests.count() < count) {
        check(zmq_msg_recv(request.get(), responder.get(), 0), "zmq_msg_recv");
        requests.start();
        if (!quiet) std::printf("received %s\n", text(request.bytes()).c_str());
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
