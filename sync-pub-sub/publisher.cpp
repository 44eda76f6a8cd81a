// Publishes updates as soon as all its subscribers are subscribed, so that none misses any.
//   XPUB binds tcp://127.0.0.1:5561
//   REP binds tcp://127.0.0.1:5562
// Run it with subscriber.cpp.
#include "peers.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5561", sync = "tcp://127.0.0.1:5562";
    int subscribers = 2, count = 10;
    parse(argc, argv, "Publish updates as soon as all subscribers are subscribed.",
          {{"bind ENDPOINT", &endpoint, "where the XPUB socket binds"},
           {"sync ENDPOINT", &sync, "where the REP socket binds"},
           {"subscribers N", &subscribers, "subscribers to wait for"},
           {"count N", &count, "updates to publish, 0 = until Ctrl-C"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary updates("message", "messages");
    const Socket publisher(zmq_socket(context, ZMQ_XPUB));
    const int on = 1, limit = count == 0 ? 1000 : 0, minute = 60'000;
    check(zmq_setsockopt(publisher, ZMQ_XPUB_VERBOSER, &on, sizeof on));  // report duplicates
    check(zmq_setsockopt(publisher, ZMQ_XPUB_NODROP, &on, sizeof on));    // at the limit, wait
    check(zmq_setsockopt(publisher, ZMQ_SNDHWM, &limit, sizeof limit));   // 0: queue all in memory
    refuse_old_peers(publisher);
    check(zmq_bind(publisher, endpoint.c_str()), "zmq_bind " + endpoint);
    print_listening(publisher);
    const Socket responder(zmq_socket(context, ZMQ_REP));
    check(zmq_bind(responder, sync.c_str()), "zmq_bind " + sync);
    print_listening(responder);
    // Wait for both, because a report and its subscription travel on different connections.
    Message message;
    zmq_pollitem_t items[] = {{publisher, 0, ZMQ_POLLIN, 0}, {responder, 0, ZMQ_POLLIN, 0}};
    for (int subscribed = 0, reported = 0; subscribed < subscribers || reported < subscribers;) {
        check(zmq_poll(items, 2, -1));
        if (items[0].revents != 0) {
            check(zmq_msg_recv(message, publisher, 0));
            if (is_subscription(message))
                ++subscribed;
            else if (is_unsubscription(message))
                subscribed -= subscribed > 0 ? 1 : 0;  // a subscriber has left
            else
                warn_ignored("an invalid subscription: ", message);
            skip_rest(message, publisher);
        }
        // A REP drops a malformed report only during a receive, so a blocking call could wait.
        if (check_unless_again(zmq_msg_recv(message, responder, ZMQ_DONTWAIT))) {
            if (message.bytes().empty())
                ++reported;
            else
                warn_ignored("an invalid report: ", message);
            skip_rest(message, responder);
            check(zmq_send(responder, nullptr, 0, 0));
        }
    }
    for (; count == 0 || updates.count() < count; ++updates) {
        const std::string update = std::to_string(updates.count() + 1);
        check(zmq_send(publisher, update.data(), update.size(), 0));
        print("published ", update);
    }
    constexpr std::string_view end = "END";
    check(zmq_send(publisher, end.data(), end.size(), 0));
    check(zmq_setsockopt(publisher, ZMQ_LINGER, &minute, sizeof minute));  // for the slow ones
} catch (...) {
    return report_error();
}
