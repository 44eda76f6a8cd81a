// Receives the published messages whose envelope has its key.
//   SUB connects tcp://127.0.0.1:5563
// Its other half is publisher.cpp.
#include <cstdio>

#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5563", key = "B";
    int count = 10;
    bool quiet = false;
    parse(argc, argv, "receives the published messages whose envelope has its key",
          {{"connect ENDPOINT", &endpoint, "SUB connects"},
           {"key KEY", &key, "the key to subscribe to, all of it; empty: everything"},
           {"count N", &count, "messages to receive, 0: until interrupted"},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(),
                              count == 0 ? Interrupt::when_stopped : Interrupt::by_itself);
    Summary messages("message", "messages", quiet);
    const Socket subscriber(check(zmq_socket(context.get(), ZMQ_SUB), "zmq_socket", "SUB"));
    check(zmq_setsockopt(subscriber.get(), ZMQ_SUBSCRIBE, key.data(), key.size()),
          "zmq_setsockopt ZMQ_SUBSCRIBE", key);
    check(zmq_connect(subscriber.get(), endpoint.c_str()), "zmq_connect", endpoint);

    Message frame;
    while (count == 0 || messages.count() < count) {
        std::vector<std::string> frames;  // key, perhaps who has sent it, content
        do {
            check(zmq_msg_recv(frame.get(), subscriber.get(), 0), "zmq_msg_recv");
            frames.emplace_back(frame.bytes());
        } while (zmq_msg_more(frame.get()) == 1);
        messages.start();
        if (frames.size() < 2 || frames.size() > 3) {
            left_out("an envelope of " + std::to_string(frames.size()) +
                     (frames.size() == 1 ? " frame: " : " frames: ") + text(frames.front()));
            continue;
        }
        // A subscription is a prefix: one to B lets Bx through as well.
        if (!key.empty() && frames.front() != key) continue;
        if (!quiet)
            std::printf("received [%s] %s%s%s\n", text(frames[0]).c_str(),
                        text(frames.back()).c_str(), frames.size() == 3 ? ", from " : "",
                        frames.size() == 3 ? text(frames[1]).c_str() : "");
        ++messages;
    }
    return 0;
} catch (...) {
    return exit_status();
}
