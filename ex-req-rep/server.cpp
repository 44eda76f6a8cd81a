// Answers every request that the proxy forwards with "World".
//   REP connects tcp://127.0.0.1:5560
// Run it with proxy.cpp and client.cpp.
#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5560", name = "server";
    parse(argc, argv, "Answer every request that the proxy forwards with \"World\".",
          {{"connect ENDPOINT", &endpoint, "where the REP socket connects, to the proxy"},
           {"name NAME", &name, "the server's name in its output"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary requests("request", "requests");
    const Socket responder(zmq_socket(context, ZMQ_REP));
    check(zmq_connect(responder, endpoint.c_str()), "zmq_connect " + endpoint);

    constexpr std::string_view world = "World";
    Message request;
    while (true) {
        check(zmq_msg_recv(request, responder, 0));
        print(name, " answers ", request);
        skip_rest(request, responder);
        check(zmq_send(responder, world.data(), world.size(), 0));
        ++requests;
    }
} catch (...) {
    return report_error();
}
