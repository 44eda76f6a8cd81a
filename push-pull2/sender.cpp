// Distributes numbered tasks, with its name in each, round-robin to the workers.
//   PUSH binds tcp://127.0.0.1:5557
// Run it with worker.cpp, which does the tasks, and sinker.cpp, which collects the results.
#include "peers.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5557", name = "a";
    int count = 100, workers = 1;
    parse(argc, argv, "Distribute numbered tasks round-robin to the workers.",
          {{"bind ENDPOINT", &endpoint, "where the PUSH socket binds"},
           {"name NAME", &name, "the sender's name, which each task begins with"},
           {"count N", &count, "tasks to send, 0 = until Ctrl-C"},
           {"workers N", &workers, "workers to wait for before the first task"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary tasks("task", "tasks");
    const Socket to_workers(zmq_socket(context, ZMQ_PUSH));
    Peers peers(context, to_workers);
    check(zmq_bind(to_workers, endpoint.c_str()), "zmq_bind " + endpoint);
    print_listening(to_workers);

    // Without this, the first worker to connect would get every task that its queue has room for.
    peers.wait_for(workers);
    while (count == 0 || tasks.count() < count) {
        const std::string task = name + " " + std::to_string(tasks.count() + 1);
        check(zmq_send(to_workers, task.data(), task.size(), 0));
        print("task ", task);
        ++tasks;
    }
} catch (...) {
    return report_error();
}
