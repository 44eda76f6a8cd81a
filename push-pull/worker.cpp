// Does tasks, one after the other, and passes each result on.
//   PULL connects tcp://127.0.0.1:5557
//   PUSH connects tcp://127.0.0.1:5558
//   PAIR connects inproc://events, the monitor of the PUSH
// Its other halves are sender.cpp, which deals the tasks, and sinker.cpp, which gathers the
// results.
#include <cstdio>

#include "common.hpp"
#include "connections.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5557", sink = "tcp://127.0.0.1:5558";
    int work = 0;
    bool quiet = false;
    parse(argc, argv, "does tasks, one after the other, and passes each result on",
          {{"connect ENDPOINT", &endpoint, "PULL connects, to the sender"},
           {"sink ENDPOINT", &sink, "PUSH connects, to the sinker"},
           {"work MS", &work, "simulated work for each task"},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(), Interrupt::when_stopped);
    Summary tasks("task", "tasks", quiet);
    const Socket to_sinker(check(zmq_socket(context.get(), ZMQ_PUSH), "zmq_socket", "PUSH"));
    check(zmq_setsockopt(to_sinker.get(), ZMQ_LINGER, &linger_at_interrupt,
                         sizeof linger_at_interrupt),
          "zmq_setsockopt", "ZMQ_LINGER");
    Events events(check(zmq_socket(context.get(), ZMQ_PAIR), "zmq_socket", "PAIR"),
                  {to_sinker.get()});
    check(zmq_socket_monitor(to_sinker.get(), "inproc://events", Connections::events),
          "zmq_socket_monitor", "inproc://events");
    check(zmq_connect(events.get(), "inproc://events"), "zmq_connect", "inproc://events");
    check(zmq_connect(to_sinker.get(), sink.c_str()), "zmq_connect", sink);
    const Socket from_sender(check(zmq_socket(context.get(), ZMQ_PULL), "zmq_socket", "PULL"));
    if (over_ipc(endpoint))
        check(zmq_setsockopt(from_sender.get(), ZMQ_RCVHWM, &no_limit, sizeof no_limit),
              "zmq_setsockopt", "ZMQ_RCVHWM");
    if (!quiet) std::printf("waiting for the sinker\n");
    // The sinker expects results for as long as somebody is connected to it. So no task is taken
    // before.
    Message task;  // one frame: its number. The result is the same frame.
    for (Connections connections; connections.peers() == 0;) {
        check(zmq_msg_recv(task.get(), events.get(), 0), "zmq_msg_recv", "event");
        connections.event(task.bytes());
        check(zmq_msg_recv(task.get(), events.get(), 0), "zmq_msg_recv", "event");  // its endpoint
    }
    events.reset();
    check(zmq_connect(from_sender.get(), endpoint.c_str()), "zmq_connect", endpoint);
    if (!quiet) std::printf("asking for tasks\n");
    while (true) {
        check(zmq_msg_recv(task.get(), from_sender.get(), 0), "zmq_msg_recv");
        tasks.start();
        if (zmq_msg_more(task.get()) == 1 || number(task.bytes()).value_or(0) < 1) {
            left_out("no task: " + text(task.bytes()));
            while (zmq_msg_more(task.get()) == 1)
                check(zmq_msg_recv(task.get(), from_sender.get(), 0), "zmq_msg_recv");
            continue;
        }
        if (!quiet) std::printf("task %s\n", text(task.bytes()).c_str());
        if (work > 0) interrupt.pause(work);
        check(zmq_msg_send(task.get(), to_sinker.get(), 0), "zmq_msg_send");
        ++tasks;
    }
} catch (...) {
    return exit_status();
}
