// Reports to the publisher, and counts the updates from the first one to END.
//   SUB connects tcp://127.0.0.1:5561
//   REQ connects tcp://127.0.0.1:5562
// Run it with publisher.cpp.
#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5561", sync = "tcp://127.0.0.1:5562";
    int patience = 5000;
    parse(argc, argv, "Report to the publisher, and count the updates from the first one to END.",
          {{"connect ENDPOINT", &endpoint, "where the SUB socket connects"},
           {"sync ENDPOINT", &sync, "where the REQ socket connects"},
           {"patience MS", &patience, "give up if no further update comes in time, 0 = never"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary updates("update", "updates");
    const Socket subscriber(zmq_socket(context, ZMQ_SUB));
    const int no_limit = 0;  // queue all updates in memory, so that none is dropped
    check(zmq_setsockopt(subscriber, ZMQ_RCVHWM, &no_limit, sizeof no_limit));
    check(zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, "", 0));
    check(zmq_connect(subscriber, endpoint.c_str()), "zmq_connect " + endpoint);
    const Socket requester(zmq_socket(context, ZMQ_REQ));
    check(zmq_connect(requester, sync.c_str()), "zmq_connect " + sync);

    // Do not wait for the reply: a publisher that has begun to publish sends none.
    check(zmq_send(requester, nullptr, 0, 0));
    Message update;
    while (true) {
        if (!check_unless_again(zmq_msg_recv(update, subscriber, 0)))
            throw std::runtime_error("no update for " + std::to_string(patience) + " ms");
        skip_rest(update, subscriber);
        const auto expected = static_cast<size_t>(updates.count() + 1);
        const auto n = number(update.bytes());
        const bool end = !n && update.bytes() == "END";
        if (expected == 1 && (end || (n && n != expected)))
            throw std::runtime_error("joined late: the first update is " + printable(update));
        if (n && n != expected)
            throw std::runtime_error("missed updates: expected " + printable(expected) +
                                     ", received " + printable(update));
        if (end) break;
        print("received ", update);
        ++updates;
        if (expected == 1 && patience > 0)  // from now on, silence means that it died
            check(zmq_setsockopt(subscriber, ZMQ_RCVTIMEO, &patience, sizeof patience));
    }
} catch (...) {
    return report_error();
}
