// Does tasks, one after the other, and sends each result on.
//   PULL connects tcp://127.0.0.1:5557
//   PUSH connects tcp://127.0.0.1:5558
// Run it with sender.cpp, which distributes the tasks, and sinker.cpp, which collects the results.
#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5557", sink = "tcp://127.0.0.1:5558";
    int work = 0;
    parse(argc, argv, "Do tasks, one after the other, and send each result on.",
          {{"connect ENDPOINT", &endpoint, "where the PULL socket connects, to the sender"},
           {"sink ENDPOINT", &sink, "where the PUSH socket connects, to the sinker"},
           {"work MS", &work, "simulated work for each task"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary tasks("task", "tasks");
    const Socket to_sinker(zmq_socket(context, ZMQ_PUSH));
    check(zmq_connect(to_sinker, sink.c_str()), "zmq_connect " + sink);
    const Socket from_sender(zmq_socket(context, ZMQ_PULL));
    check(zmq_connect(from_sender, endpoint.c_str()), "zmq_connect " + endpoint);

    Message task;  // one frame, its number; the result is the same frame
    while (true) {
        check(zmq_msg_recv(task, from_sender, 0));
        if (zmq_msg_more(task) == 1 || !number(task.bytes())) {
            warn_ignored("an invalid task: ", task);
            skip_rest(task, from_sender);
            continue;
        }
        print("task ", task);
        interrupt.pause(work);
        check(zmq_msg_send(task, to_sinker, 0));
        ++tasks;
    }
} catch (...) {
    return report_error();
}
