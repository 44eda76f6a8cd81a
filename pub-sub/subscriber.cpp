// Receives the published messages that begin with its name.
//   SUB connects tcp://127.0.0.1:5556
// Run it with publisher.cpp.
#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5556", name = "sub1";
    int count = 10;
    parse(argc, argv, "Receive the published messages that begin with a name.",
          {{"connect ENDPOINT", &endpoint, "where the SUB socket connects"},
           {"name NAME", &name, "the prefix to subscribe to, empty = everything"},
           {"count N", &count, "messages to receive, 0 = until Ctrl-C"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary messages("message", "messages");
    const Socket subscriber(zmq_socket(context, ZMQ_SUB));
    // A subscription is a prefix: "sub1" also matches "sub10: news".
    check(zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, name.data(), name.size()));
    check(zmq_connect(subscriber, endpoint.c_str()), "zmq_connect " + endpoint);

    Message message;
    while (count == 0 || messages.count() < count) {
        check(zmq_msg_recv(message, subscriber, 0));
        print("received ", message);
        skip_rest(message, subscriber);  // another publisher may send more frames
        ++messages;
    }
} catch (...) {
    return report_error();
}
