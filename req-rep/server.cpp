// Answers every request with "World".
//   REP binds tcp://127.0.0.1:5555
// Run it with client.cpp.
#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5555";
    parse(argc, argv, "Answer every request with \"World\".",
          {{"bind ENDPOINT", &endpoint, "where the REP socket binds"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary requests("request", "requests");
    const Socket responder(zmq_socket(context, ZMQ_REP));
    check(zmq_bind(responder, endpoint.c_str()), "zmq_bind " + endpoint);
    print_listening(responder);

    constexpr std::string_view world = "World";
    Message request;
    while (true) {
        check(zmq_msg_recv(request, responder, 0));
        print("received ", request);
        skip_rest(request, responder);  // a REP can reply only after the last frame
        check(zmq_send(responder, world.data(), world.size(), 0));
        ++requests;
    }
} catch (...) {  // the socket and the context are closed by now
    return report_error();
}
