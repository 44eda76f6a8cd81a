// Collects the results of the workers.
//   PULL binds tcp://127.0.0.1:5558
// Run it with worker.cpp, which sends the results, and sender.cpp, which distributes the tasks.
#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5558";
    int count = 100;
    parse(argc, argv, "Collect the results of the workers.",
          {{"bind ENDPOINT", &endpoint, "where the PULL socket binds"},
           {"count N", &count, "results to collect, 0 = until Ctrl-C"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary results("result", "results", count);
    const Socket from_workers(zmq_socket(context, ZMQ_PULL));
    check(zmq_bind(from_workers, endpoint.c_str()), "zmq_bind " + endpoint);
    print_listening(from_workers);

    Message result;  // one frame, the number of its task
    while (count == 0 || results.count() < count) {
        check(zmq_msg_recv(result, from_workers, 0));
        if (zmq_msg_more(result) == 1 || !number(result.bytes())) {
            warn_ignored("an invalid result: ", result);
            skip_rest(result, from_workers);
            continue;
        }
        print("result ", result);
        ++results;
    }
} catch (...) {
    return report_error();
}
