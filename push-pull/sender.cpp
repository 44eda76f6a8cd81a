// Deals numbered tasks out to the workers, and tells the sinker how many results to expect.
//   PUSH binds tcp://127.0.0.1:5557
//   PUSH connects tcp://127.0.0.1:5558
// Its other halves are worker.cpp, which does the tasks, and sinker.cpp, which gathers the results.
#include <charconv>
#include <cstdio>

#include "common.hpp"
#include "connections.hpp"

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
    check(zmq_socket_monitor(to_sinker.get(), "inproc://sinker", ZMQ_EVENT_HANDSHAKE_SUCCEEDED),
          "zmq_socket_monitor", "inproc://sinker");
    const Events sinker(check(zmq_socket(context.get(), ZMQ_PAIR), "zmq_socket", "PAIR"),
                        {to_sinker.get()});
    check(zmq_setsockopt(sinker.get(), ZMQ_RCVHWM, &no_limit, sizeof no_limit), "zmq_setsockopt",
          "ZMQ_RCVHWM");  // it is read at the end only
    check(zmq_connect(sinker.get(), "inproc://sinker"), "zmq_connect", "inproc://sinker");
    check(zmq_connect(to_sinker.get(), sink.c_str()), "zmq_connect", sink);

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
    // All that was sent is to arrive, however long the sinker takes to come. Here Ctrl-C can end
    // the wait for it; in zmq_ctx_term, which waits for what is still unsent, nothing could.
    for (int frames = 2; frames > 0; --frames)
        check(zmq_msg_recv(event.get(), sinker.get(), 0), "zmq_msg_recv", "event");
    check(zmq_setsockopt(to_workers.get(), ZMQ_LINGER, &linger_at_end, sizeof linger_at_end),
          "zmq_setsockopt", "ZMQ_LINGER");
    check(zmq_setsockopt(to_sinker.get(), ZMQ_LINGER, &linger_for_ever, sizeof linger_for_ever),
          "zmq_setsockopt", "ZMQ_LINGER");
    return 0;
} catch (...) {
    return exit_status();
}
