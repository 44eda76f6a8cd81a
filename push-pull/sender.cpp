// Deals numbered tasks out to the workers, and tells the sinker how many results to expect.
//   PUSH binds tcp://127.0.0.1:5557
//   PUSH connects tcp://127.0.0.1:5558
// Its other halves are worker.cpp, which does the tasks, and sinker.cpp, which gathers the results.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <set>

#include "common.hpp"

/// Reads the events of a socket that has been bound, until `workers` peers are connected to it.
static void wait_for_workers(void* events, int workers) {
    // A peer is a worker when its handshake is through: one that does not speak ZeroMQ or has the
    // wrong socket type never gets there. That event does not say whose it is: it is one of those
    // in `new_ones`. When as many have got there as there are, all of them are workers.
    std::set<int32_t> known, new_ones;
    size_t through = 0;
    Message frame;
    while (known.size() + through < static_cast<size_t>(workers)) {
        check(zmq_msg_recv(frame.get(), events, 0), "zmq_msg_recv", "event");
        uint16_t event = 0;
        int32_t connection = 0;
        std::memcpy(&event, frame.bytes().data(), sizeof event);
        std::memcpy(&connection, frame.bytes().data() + sizeof event, sizeof connection);
        check(zmq_msg_recv(frame.get(), events, 0), "zmq_msg_recv", "event");  // the endpoint
        if (event == ZMQ_EVENT_ACCEPTED) new_ones.insert(connection);
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) ++through;
        if (event == ZMQ_EVENT_DISCONNECTED && known.erase(connection) == 0)
            new_ones.erase(connection);
        if (through >= new_ones.size()) {
            known.merge(new_ones);
            through = 0;
        }
    }
}

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5557", sink = "tcp://127.0.0.1:5558";
    int count = 100, workers = 1;
    bool quiet = false;
    parse(argc, argv, "deals tasks out to workers, and tells the sinker how many results to expect",
          {{"bind ENDPOINT", &endpoint, "PUSH binds, for the workers"},
           {"sink ENDPOINT", &sink, "PUSH connects, to the sinker"},
           {"count N", &count, "tasks to send, 0: until interrupted"},
           {"workers N", &workers, "wait until so many are connected before the first task"},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(),
                              count == 0 ? Interrupt::when_stopped : Interrupt::by_itself);
    Summary tasks("task", "tasks", quiet);
    const Socket to_sinker(check(zmq_socket(context.get(), ZMQ_PUSH), "zmq_socket", "PUSH"));
    const Socket to_workers(check(zmq_socket(context.get(), ZMQ_PUSH), "zmq_socket", "PUSH"));
    for (void* socket : {to_sinker.get(), to_workers.get()})
        check(zmq_setsockopt(socket, ZMQ_LINGER, &linger_at_interrupt, sizeof linger_at_interrupt),
              "zmq_setsockopt", "ZMQ_LINGER");
    check(zmq_connect(to_sinker.get(), sink.c_str()), "zmq_connect", sink);

    // Any bytes that are not today's protocol look like its first version, which has no handshake
    // and names no socket type: their sender would be dealt tasks. With a ZAP domain libzmq
    // refuses the old versions.
    constexpr std::string_view domain = "tasks";
    check(zmq_setsockopt(to_workers.get(), ZMQ_ZAP_DOMAIN, domain.data(), domain.size()),
          "zmq_setsockopt", "ZMQ_ZAP_DOMAIN");
    check(zmq_socket_monitor(
              to_workers.get(), "inproc://events",
              ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED),
          "zmq_socket_monitor", "inproc://events");
    Socket events(check(zmq_socket(context.get(), ZMQ_PAIR), "zmq_socket", "PAIR"));
    check(zmq_connect(events.get(), "inproc://events"), "zmq_connect", "inproc://events");
    check(zmq_bind(to_workers.get(), endpoint.c_str()), "zmq_bind", endpoint);
    std::printf("listening on %s\n", last_endpoint(to_workers.get()).c_str());

    if (!quiet) std::printf("waiting for %d %s\n", workers, workers == 1 ? "worker" : "workers");
    wait_for_workers(events.get(), workers);
    // First this: libzmq's thread would wait for ever to pass an event on to a reader that is gone.
    check(zmq_socket_monitor(to_workers.get(), nullptr, 0), "zmq_socket_monitor", "off");
    events.reset();
    // zmq_send looks for new connections only now and then; reading ZMQ_EVENTS takes them all in.
    int ready_for = 0;
    size_t size = sizeof ready_for;
    check(zmq_getsockopt(to_workers.get(), ZMQ_EVENTS, &ready_for, &size), "zmq_getsockopt",
          "ZMQ_EVENTS");

    constexpr std::string_view expect = "expect";  // two frames: expect, how many (0: no end)
    const std::string how_many = std::to_string(count);
    check(zmq_send(to_sinker.get(), expect.data(), expect.size(), ZMQ_SNDMORE), "zmq_send");
    check(zmq_send(to_sinker.get(), how_many.data(), how_many.size(), 0), "zmq_send");
    tasks.start();
    for (const int last = count == 0 ? INT_MAX : count; tasks.count() < last; ++tasks) {
        char task[16];
        const auto [end, error] = std::to_chars(task, task + sizeof task, tasks.count() + 1);
        const auto length = static_cast<size_t>(end - task);
        check(zmq_send(to_workers.get(), task, length, 0), "zmq_send");
        if (!quiet) std::printf("task %.*s\n", static_cast<int>(length), task);
    }
    for (void* socket : {to_sinker.get(), to_workers.get()})  // all that was sent is to arrive
        check(zmq_setsockopt(socket, ZMQ_LINGER, &linger_for_ever, sizeof linger_for_ever),
              "zmq_setsockopt", "ZMQ_LINGER");
    return 0;
} catch (...) {
    return exit_status();
}
