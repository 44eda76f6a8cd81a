// Gathers the results of the workers, until the batch that the sender has announced is complete.
//   PULL binds tcp://127.0.0.1:5558
//   PAIR connects inproc://events, the monitor of the PULL
// Its other halves are worker.cpp, which sends the results, and sender.cpp, which says how many.
#include <algorithm>
#include <cstdio>
#include <utility>

#include "common.hpp"
#include "connections.hpp"
#include "numbers.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5558";
    bool quiet = false;
    parse(argc, argv, "gathers results until the batch that the sender has announced is complete",
          {{"bind ENDPOINT", &endpoint, "PULL binds, for the workers and the sender"},
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

    int expected = -1;       // how many results; 0: no end; -1: the sender has not said it yet
    std::vector<int> early;  // what came before it said so, on another connection than its word
    Numbers seen;
    int highest = 0, twice = 0;
    Summary results(
        [&] {
            if (!early.empty())
                left_out("results that nobody has announced: " + std::to_string(early.size()));
            const std::int64_t n = results.count(), of = expected > 0 ? expected : highest;
            return std::to_string(n) + " of " + std::to_string(of) + " results, " +
                   std::to_string(of - n) + " missing, " + std::to_string(twice) + " twice";
        },
        quiet);
    const auto take = [&](int n) {
        if (expected > 0 && n > expected)
            return left_out("result " + std::to_string(n) + ": nobody asked for it");
        const bool is_new = seen.add(n);
        if (!quiet) std::printf("result %d%s\n", n, is_new ? "" : " again");
        if (is_new)
            ++results;
        else
            ++twice;
        highest = std::max(highest, n);
    };

    Connections connections;  // of the sender and the workers
    Message frame;
    zmq_pollitem_t items[] = {{puller.get(), 0, ZMQ_POLLIN, 0}, {events.get(), 0, ZMQ_POLLIN, 0}};
    while (expected <= 0 || results.count() < expected) {
        if (!ready(zmq_msg_recv(frame.get(), puller.get(), ZMQ_DONTWAIT), "zmq_msg_recv")) {
            // When the sender has been here and everybody has gone, nothing more will come: what
            // is missing then has been lost with a worker.
            const bool nobody = expected > 0 && connections.open() == 0;
            if (check(zmq_poll(items, 2, nobody ? 0 : -1), "zmq_poll") == 0) break;
            if (items[1].revents == 0) continue;
            check(zmq_msg_recv(frame.get(), events.get(), 0), "zmq_msg_recv", "event");
            connections.event(frame.bytes());
            check(zmq_msg_recv(frame.get(), events.get(), 0), "zmq_msg_recv", "event");
            continue;
        }
        results.start();
        if (zmq_msg_more(frame.get()) == 0) {  // a result: the number of its task
            const int n = number(frame.bytes()).value_or(0);
            if (n < 1)
                left_out("no result: " + text(frame.bytes()));
            else if (expected == -1)
                early.push_back(n);
            else
                take(n);
            continue;
        }
        std::vector<std::string> frames{std::string(frame.bytes())};
        while (zmq_msg_more(frame.get()) == 1) {
            check(zmq_msg_recv(frame.get(), puller.get(), 0), "zmq_msg_recv");
            frames.emplace_back(frame.bytes());
        }
        const int said = number(frames[1]).value_or(-1);
        if (frames.size() != 2 || frames[0] != "expect" || said < 0 || expected != -1) {
            left_out(std::to_string(frames.size()) + " frames: " + text(frames[0]));
            continue;
        }
        expected = said;
        if (!quiet) std::printf("expecting %d %s\n", said, said == 1 ? "result" : "results");
        for (const int n : std::exchange(early, {})) take(n);
    }
    if (results.count() == expected) return 0;
    std::fprintf(stderr, "sinker: lost, results%s\n", seen.missing(1, expected).c_str());
    return 1;
} catch (...) {
    return exit_status();
}
