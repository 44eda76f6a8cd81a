// Publishes messages that begin with the name of the subscriber they are for.
//   PUB binds tcp://127.0.0.1:5556
// Run it with subscriber.cpp.
#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5556";
    std::vector<std::string> names = {"sub1", "sub2"};
    int count = 0, interval = 100;
    parse(argc, argv, "Publish messages that begin with the name of the subscriber they are for.",
          {{"bind ENDPOINT", &endpoint, "where the PUB socket binds"},
           {"to NAME", &names, "a name that each round has a message for"},
           {"count N", &count, "rounds to publish, 0 = until Ctrl-C"},
           {"interval MS", &interval, "time between two rounds"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary messages("message", "messages");
    const Socket publisher(zmq_socket(context, ZMQ_PUB));
    check(zmq_bind(publisher, endpoint.c_str()), "zmq_bind " + endpoint);
    print_listening(publisher);

    for (std::int64_t round = 1;; ++round) {
        for (const auto& name : names) {
            const std::string message = name + ": news " + std::to_string(round);
            // Goes to those whose subscription has arrived and matches. Without any, it is dropped.
            check(zmq_send(publisher, message.data(), message.size(), 0));
            print("published ", message);
            ++messages;
        }
        if (round == count) break;
        interrupt.pause(interval);
    }
} catch (...) {
    return report_error();
}
