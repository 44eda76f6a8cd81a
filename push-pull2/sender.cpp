// Deals numbered tasks out to the workers, and tells each sinker how many results to expect there.
//   PUSH binds tcp://127.0.0.1:5557
//   PUSH connects tcp://127.0.0.1:5558, one to each sinker
// Its other halves are worker.cpp, which does the tasks, and sinker.cpp, which gathers the results.
#include <algorithm>
#include <charconv>
#include <cstdio>

#include "common.hpp"
#include "connections.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5557", name = "a";
    std::vector<std::string> sinks{"tcp://127.0.0.1:5558"};
    int count = 100, workers = 1;
    bool quiet = false;
    parse(argc, argv,
          "deals tasks out to workers, and tells each sinker how many results to expect",
          {{"bind ENDPOINT", &endpoint, "PUSH binds, for the workers"},
           {"sink ENDPOINT", &sinks, "PUSH connects, one to each sinker"},
           {"count N", &count, "tasks to send, 0: until interrupted"},
           {"workers N", &workers, "wait until so many are connected before the first task"},
           {"name NAME", &name, "what it is called in tasks and results"},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(),
                              count == 0 ? Interrupt::when_stopped : Interrupt::by_itself);
    Summary tasks("task", "tasks", quiet);
    std::vector<Socket> to_sinkers;
    std::vector<Events> sinkers;  // their monitors
    for (const auto& sink : sinks) {
        void* const socket = check(zmq_socket(context.get(), ZMQ_PUSH), "zmq_socket", "PUSH");
        to_sinkers.emplace_back(socket);
        check(zmq_setsockopt(socket, ZMQ_LINGER, &linger_at_interrupt, sizeof linger_at_interrupt),
              "zmq_setsockopt", "ZMQ_LINGER");
        void* const events = check(zmq_socket(context.get(), ZMQ_PAIR), "zmq_socket", "PAIR");
        sinkers.emplace_back(events, CloseEvents{socket});
        check(zmq_setsockopt(events, ZMQ_RCVHWM, &no_limit, sizeof no_limit), "zmq_setsockopt",
              "ZMQ_RCVHWM");  // they are read at the end only
        const std::string monitor = "inproc://sinker" + std::to_string(to_sinkers.size());
        check(zmq_socket_monitor(socket, monitor.c_str(), ZMQ_EVENT_HANDSHAKE_SUCCEEDED),
              "zmq_socket_monitor", monitor);
        check(zmq_connect(events, monitor.c_str()), "zmq_connect", monitor);
        check(zmq_connect(socket, sink.c_str()), "zmq_connect", sink);
    }
    const Socket to_workers(check(zmq_socket(context.get(), ZMQ_PUSH), "zmq_socket", "PUSH"));
    check(zmq_setsockopt(to_workers.get(), ZMQ_LINGER, &linger_at_interrupt,
                         sizeof linger_at_interrupt),
          "zmq_setsockopt", "ZMQ_LINGER");
    // Any bytes that are not today's protocol look like its first version, which has no handshake
    // and names no socket type: their sender would be dealt tasks. With a ZAP domain libzmq
    // refuses the old versions (and so peers older than libzmq 4.0).
    constexpr std::string_view domain = "tasks";
    check(zmq_setsockopt(to_workers.get(), ZMQ_ZAP_DOMAIN, domain.data(), domain.size()),
          "zmq_setsockopt", "ZMQ_ZAP_DOMAIN");
    check(zmq_socket_monitor(to_workers.get(), "inproc://events", Connections::events),
          "zmq_socket_monitor", "inproc://events");
    Events events(check(zmq_socket(context.get(), ZMQ_PAIR), "zmq_socket", "PAIR"),
                  {to_workers.get()});
    check(zmq_connect(events.get(), "inproc://events"), "zmq_connect", "inproc://events");
    check(zmq_setsockopt(to_workers.get(), ZMQ_MAXMSGSIZE, &largest_frame, sizeof largest_frame),
          "zmq_setsockopt", "ZMQ_MAXMSGSIZE");
    check(zmq_bind(to_workers.get(), endpoint.c_str()), "zmq_bind", endpoint);
    std::printf("listening on %s\n", last_endpoint(to_workers.get()).c_str());

    if (!quiet) std::printf("waiting for %d %s\n", workers, workers == 1 ? "worker" : "workers");
    Message event;
    for (Connections connections; connections.peers() < static_cast<size_t>(workers);) {
        check(zmq_msg_recv(event.get(), events.get(), 0), "zmq_msg_recv", "event");
        connections.event(event.bytes());
        check(zmq_msg_recv(event.get(), events.get(), 0), "zmq_msg_recv", "event");  // its endpoint
    }
    events.reset();
    // zmq_send looks for new connections only now and then; reading ZMQ_EVENTS takes them all in.
    int ready_for = 0;
    size_t size = sizeof ready_for;
    check(zmq_getsockopt(to_workers.get(), ZMQ_EVENTS, &ready_for, &size), "zmq_getsockopt",
          "ZMQ_EVENTS");

    // The result of task n goes to sinker n mod K. Each is told: whose batch, of how many tasks (0:
    // no end), which sinker it is itself, of how many. Only now: before, a sinker that has nothing
    // to expect would stop too soon for a worker to hear it.
    for (size_t k = 0; k < to_sinkers.size(); ++k) {
        const std::string frames[] = {"expect", name, std::to_string(count), std::to_string(k),
                                      std::to_string(to_sinkers.size())};
        for (const auto& frame : frames)
            check(zmq_send(to_sinkers[k].get(), frame.data(), frame.size(),
                           &frame == std::end(frames) - 1 ? 0 : ZMQ_SNDMORE),
                  "zmq_send");
    }
    tasks.start();
    const std::string whose = " " + name;
    std::string task(10 + whose.size(), ' ');  // no number is longer
    for (const int last = count == 0 ? INT_MAX : count; tasks.count() < last; ++tasks) {
        const int number = static_cast<int>(tasks.count()) + 1;
        const auto [after, error] = std::to_chars(task.data(), task.data() + 10, number);
        const char* const end = std::copy(whose.begin(), whose.end(), after);
        check(zmq_send(to_workers.get(), task.data(), static_cast<size_t>(end - task.data()), 0),
              "zmq_send");
        if (!quiet) std::printf("task %s %d\n", text(name).c_str(), number);
    }
    // All that was sent is to arrive, however long a sinker takes to come. Here Ctrl-C can end the
    // wait for it; in zmq_ctx_term, which waits for what is still unsent, nothing could.
    for (const auto& sinker : sinkers)
        for (int frames = 2; frames > 0; --frames)
            check(zmq_msg_recv(event.get(), sinker.get(), 0), "zmq_msg_recv", "event");
    check(zmq_setsockopt(to_workers.get(), ZMQ_LINGER, &linger_at_end, sizeof linger_at_end),
          "zmq_setsockopt", "ZMQ_LINGER");
    for (const auto& socket : to_sinkers)
        check(zmq_setsockopt(socket.get(), ZMQ_LINGER, &linger_for_ever, sizeof linger_for_ever),
              "zmq_setsockopt", "ZMQ_LINGER");
    return 0;
} catch (...) {
    return exit_status();
}
