// Publishes messages with an envelope: the key that subscribers choose by, in a frame of its own.
//   PUB binds tcp://127.0.0.1:5563
// Run it with subscriber.cpp.
#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5563", from;
    int count = 0, interval = 100;
    parse(argc, argv, "Publish messages with a key, A and B in turn, in a frame of its own.",
          {{"bind ENDPOINT", &endpoint, "where the PUB socket binds"},
           {"sender NAME", &from, "the sender's address, for a second frame"},
           {"count N", &count, "rounds to publish, 0 = until Ctrl-C"},
           {"interval MS", &interval, "time between two rounds"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary messages("message", "messages");
    const Socket publisher(zmq_socket(context, ZMQ_PUB));
    check(zmq_bind(publisher, endpoint.c_str()), "zmq_bind " + endpoint);
    print_listening(publisher);

    for (std::int64_t round = 1;; ++round) {
        for (const std::string key : {"A", "B"}) {
            const std::string content = "letter " + std::to_string(round) + " to " + key;
            check(zmq_send(publisher, key.data(), key.size(), ZMQ_SNDMORE));  // filtered by this
            if (!from.empty()) check(zmq_send(publisher, from.data(), from.size(), ZMQ_SNDMORE));
            check(zmq_send(publisher, content.data(), content.size(), 0));
            print("published [", key, "] ", content);
            ++messages;
        }
        if (round == count) break;
        interrupt.pause(interval);
    }
} catch (...) {
    return report_error();
}
