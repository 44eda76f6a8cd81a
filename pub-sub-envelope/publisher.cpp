// Publishes messages with an envelope: the key that subscribers choose by, in a frame of its own.
//   PUB binds tcp://127.0.0.1:5563
// Its other half is subscriber.cpp.
#include <cstdio>

#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5563", sender;
    int count = 0, interval = 100;
    bool quiet = false;
    parse(argc, argv, "publishes messages with a key, A and B in turn, in a frame of its own",
          {{"bind ENDPOINT", &endpoint, "PUB binds"},
           {"sender NAME", &sender, "a second frame says who has sent it"},
           {"count N", &count, "rounds, 0: until interrupted"},
           {"interval MS", &interval, "time between two rounds"},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(),
                              count == 0 ? Interrupt::when_stopped : Interrupt::by_itself);
    Summary messages("message", "messages", quiet);
    const Socket publisher(check(zmq_socket(context.get(), ZMQ_PUB), "zmq_socket", "PUB"));
    check(zmq_setsockopt(publisher.get(), ZMQ_LINGER, &linger_at_interrupt,
                         sizeof linger_at_interrupt),
          "zmq_setsockopt", "ZMQ_LINGER");
    check(zmq_setsockopt(publisher.get(), ZMQ_MAXMSGSIZE, &largest_frame, sizeof largest_frame),
          "zmq_setsockopt", "ZMQ_MAXMSGSIZE");
    check(zmq_bind(publisher.get(), endpoint.c_str()), "zmq_bind", endpoint);
    std::printf("listening on %s\n", last_endpoint(publisher.get()).c_str());

    messages.start();
    for (std::int64_t round = 1;; ++round) {
        for (const std::string key : {"A", "B"}) {
            const std::string content = "letter " + std::to_string(round) + " to " + key;
            // The first frame alone is compared with the subscriptions; the others go with it.
            check(zmq_send(publisher.get(), key.data(), key.size(), ZMQ_SNDMORE), "zmq_send");
            if (!sender.empty())
                check(zmq_send(publisher.get(), sender.data(), sender.size(), ZMQ_SNDMORE),
                      "zmq_send");
            check(zmq_send(publisher.get(), content.data(), content.size(), 0), "zmq_send");
            if (!quiet) std::printf("published [%s] %s\n", key.c_str(), content.c_str());
            ++messages;
        }
        if (round == count) break;
        if (interval > 0) interrupt.pause(interval);
    }
    check(zmq_setsockopt(publisher.get(), ZMQ_LINGER, &linger_at_end, sizeof linger_at_end),
          "zmq_setsockopt", "ZMQ_LINGER");  // who has subscribed gets the last ones, too
    return 0;
} catch (...) {
    return exit_status();
}
