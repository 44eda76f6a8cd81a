// Receives the published messages whose envelope has its key.
//   SUB connects tcp://127.0.0.1:5563
// Run it with publisher.cpp.
#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5563", key = "B";
    int count = 10;
    parse(argc, argv, "Receive the published messages whose envelope has a key.",
          {{"connect ENDPOINT", &endpoint, "where the SUB socket connects"},
           {"key KEY", &key, "the key to subscribe to, empty = everything"},
           {"count N", &count, "messages to receive, 0 = until Ctrl-C"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary messages("message", "messages");
    const Socket subscriber(zmq_socket(context, ZMQ_SUB));
    check(zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, key.data(), key.size()));
    check(zmq_connect(subscriber, endpoint.c_str()), "zmq_connect " + endpoint);

    Message frame;
    std::vector<std::string> frames;  // key, perhaps the sender's address, content
    while (count == 0 || messages.count() < count) {
        frames.clear();
        do {
            check(zmq_msg_recv(frame, subscriber, 0));
            frames.emplace_back(frame.bytes());
        } while (zmq_msg_more(frame) == 1);
        if (frames.size() != 2 && frames.size() != 3) {
            warn_ignored("a message of ", frames.size(), " frame(s): ", frames[0]);
            continue;
        }
        if (!key.empty() && frames[0] != key) continue;  // a subscription to B also matches BB
        const std::string from = frames.size() == 3 ? ", from " + frames[1] : "";
        print("received [", frames[0], "] ", frames.back(), from);
        ++messages;
    }
} catch (...) {
    return report_error();
}
