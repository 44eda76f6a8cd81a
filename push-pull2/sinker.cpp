// Gathers its share of the results of several senders' batches, and then stops the workers.
//   PULL binds tcp://127.0.0.1:5558
//   XPUB binds tcp://127.0.0.1:5559
//   PAIR connects inproc://events, the monitor of the PULL
// Its other halves are worker.cpp, which sends the results, and sender.cpp, which says how many.
#include <cstdio>

#include "batches.hpp"
#include "common.hpp"
#include "connections.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5558", control_endpoint = "tcp://127.0.0.1:5559";
    int senders = 2;
    bool quiet = false;
    parse(argc, argv, "gathers its share of the results of several senders, then stops the workers",
          {{"bind ENDPOINT", &endpoint, "PULL binds, for the workers and the senders"},
           {"control ENDPOINT", &control_endpoint, "XPUB binds, for the workers"},
           {"senders N", &senders, "how many batches to expect", 1},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(), Interrupt::by_itself);
    const Socket puller(check(zmq_socket(context.get(), ZMQ_PULL), "zmq_socket", "PULL"));
    // Nothing is sent here. Yet with the usual linger zmq_ctx_term may wait for ever, for a
    // connection that libzmq has thrown out just then.
    const int linger = 0;
    check(zmq_setsockopt(puller.get(), ZMQ_LINGER, &linger, sizeof linger), "zmq_setsockopt",
          "ZMQ_LINGER");
    if (over_ipc(endpoint))
        check(zmq_setsockopt(puller.get(), ZMQ_RCVHWM, &no_limit, sizeof no_limit),
              "zmq_setsockopt", "ZMQ_RCVHWM");
    const Events events(check(zmq_socket(context.get(), ZMQ_PAIR), "zmq_socket", "PAIR"),
                        {puller.get()});
    check(zmq_socket_monitor(puller.get(), "inproc://events", Connections::events),
          "zmq_socket_monitor", "inproc://events");
    check(zmq_connect(events.get(), "inproc://events"), "zmq_connect", "inproc://events");
    check(zmq_setsockopt(puller.get(), ZMQ_MAXMSGSIZE, &largest_frame, sizeof largest_frame),
          "zmq_setsockopt", "ZMQ_MAXMSGSIZE");
    check(zmq_bind(puller.get(), endpoint.c_str()), "zmq_bind", endpoint);
    std::printf("listening on %s\n", last_endpoint(puller.get()).c_str());

    const Socket control(check(zmq_socket(context.get(), ZMQ_XPUB), "zmq_socket", "XPUB"));
    check(
        zmq_setsockopt(control.get(), ZMQ_LINGER, &linger_at_interrupt, sizeof linger_at_interrupt),
        "zmq_setsockopt", "ZMQ_LINGER");
    // At a high-water mark it would drop signals.
    check(zmq_setsockopt(control.get(), ZMQ_SNDHWM, &no_limit, sizeof no_limit), "zmq_setsockopt",
          "ZMQ_SNDHWM");
    const int verbose = 1;  // show each subscription and each end of one, though all are the same
    check(zmq_setsockopt(control.get(), ZMQ_XPUB_VERBOSER, &verbose, sizeof verbose),
          "zmq_setsockopt", "ZMQ_XPUB_VERBOSER");
    check(zmq_setsockopt(control.get(), ZMQ_MAXMSGSIZE, &largest_frame, sizeof largest_frame),
          "zmq_setsockopt", "ZMQ_MAXMSGSIZE");
    check(zmq_bind(control.get(), control_endpoint.c_str()), "zmq_bind", control_endpoint);
    std::printf("listening on %s\n", last_endpoint(control.get()).c_str());

    Batches batches(senders, quiet);
    Summary results([&] { return batches.summary(results.count()); }, quiet);
    constexpr std::string_view greeting = "READY", last = "LAST", stop = "STOP";
    Connections connections;  // of senders and workers
    size_t workers = 0;       // that have subscribed, each after it had connected
    bool said_last = false;
    Message frame;
    zmq_pollitem_t items[] = {{puller.get(), 0, ZMQ_POLLIN, 0},
                              {control.get(), 0, ZMQ_POLLIN, 0},
                              {events.get(), 0, ZMQ_POLLIN, 0}};
    while (!batches.complete()) {
        // All senders have been here, and all have gone. When the workers have sent what they have,
        // they end their connections, too, and when all are gone, nothing more will come: what is
        // missing then has been lost with a worker or a sender. A worker that has just left may
        // still be counted as one: so workers also look for senders themselves.
        const bool no_sender = batches.bounded() && connections.open() <= workers;
        const bool nobody = batches.bounded() && connections.open() == 0;
        const bool look = nobody || (no_sender && !said_last);
        if (check(zmq_poll(items, 3, look ? 0 : -1), "zmq_poll") == 0) {
            if (nobody) break;
            check(zmq_send(control.get(), last.data(), last.size(), 0), "zmq_send");
            said_last = true;
        }
        if (items[2].revents != 0) {
            check(zmq_msg_recv(frame.get(), events.get(), 0), "zmq_msg_recv", "event");
            connections.event(frame.bytes());
            check(zmq_msg_recv(frame.get(), events.get(), 0), "zmq_msg_recv", "event");
        }
        if (items[1].revents != 0) {
            check(zmq_msg_recv(frame.get(), control.get(), 0), "zmq_msg_recv");
            // \1 and a prefix: a subscription; \0: the end of one. Whoever is told READY will hear
            // the rest, too.
            const auto first = frame.bytes().substr(0, 1);
            if (first == "\1") {
                check(zmq_send(control.get(), greeting.data(), greeting.size(), 0), "zmq_send");
                ++workers;
                said_last = false;
            } else if (first == std::string_view("\0", 1)) {
                if (workers > 0) --workers;
            } else {
                left_out("no subscription: " + text(frame.bytes()));
            }
            while (zmq_msg_more(frame.get()) == 1)
                check(zmq_msg_recv(frame.get(), control.get(), 0), "zmq_msg_recv");
        }
        // A few at a time, so that subscribers do not wait.
        for (int few = 1000; few > 0 && !batches.complete(); --few) {
            if (!ready(zmq_msg_recv(frame.get(), puller.get(), ZMQ_DONTWAIT), "zmq_msg_recv"))
                break;
            results.start();
            if (zmq_msg_more(frame.get()) == 0) {
                results += batches.result(frame.bytes());
                continue;
            }
            std::vector<std::string> frames{std::string(frame.bytes())};
            while (zmq_msg_more(frame.get()) == 1) {
                check(zmq_msg_recv(frame.get(), puller.get(), 0), "zmq_msg_recv");
                frames.emplace_back(frame.bytes());
            }
            results += batches.announcement(frames);
        }
    }
    check(zmq_send(control.get(), stop.data(), stop.size(), 0), "zmq_send");
    check(zmq_setsockopt(control.get(), ZMQ_LINGER, &linger_at_end, sizeof linger_at_end),
          "zmq_setsockopt", "ZMQ_LINGER");  // every worker is to hear it
    if (batches.complete()) return 0;
    batches.name_missing();
    return 1;
} catch (...) {
    return exit_status();
}
