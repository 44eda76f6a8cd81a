// Collects its share of the results of several senders' tasks, and then stops the workers.
//   PULL binds tcp://127.0.0.1:5558
//   XPUB binds tcp://127.0.0.1:5559
// Run it with worker.cpp, which sends the results, and sender.cpp, which distributes the tasks.
#include "task.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5558", control_endpoint = "tcp://127.0.0.1:5559";
    int count = 200, patience = 5000;
    parse(argc, argv, "Collect results, and then stop the workers.",
          {{"bind ENDPOINT", &endpoint, "where the PULL socket binds"},
           {"control ENDPOINT", &control_endpoint, "where the XPUB socket binds"},
           {"count N", &count, "results to collect, 0 = until Ctrl-C"},
           {"patience MS", &patience, "give up if no further result comes in time, 0 = never"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary results("result", "results", count);
    const Socket from_workers(zmq_socket(context, ZMQ_PULL));
    check(zmq_bind(from_workers, endpoint.c_str()), "zmq_bind " + endpoint);
    print_listening(from_workers);
    const Socket control(zmq_socket(context, ZMQ_XPUB));
    const int on = 1;  // report the subscription of each worker, although all are the same
    check(zmq_setsockopt(control, ZMQ_XPUB_VERBOSE, &on, sizeof on));
    refuse_old_peers(control);
    check(zmq_bind(control, control_endpoint.c_str()), "zmq_bind " + control_endpoint);
    print_listening(control);

    constexpr std::string_view ready = "READY", stop = "STOP";
    const auto wants_more = [&] { return count == 0 || results.count() < count; };
    Message message;
    Deadline deadline(patience);  // starts with the first result
    zmq_pollitem_t items[] = {{from_workers, 0, ZMQ_POLLIN, 0}, {control, 0, ZMQ_POLLIN, 0}};
    while (wants_more() && !deadline.passed()) {
        check(zmq_poll(items, 2, deadline.left()));
        if (items[1].revents != 0) {
            check(zmq_msg_recv(message, control, 0));
            // This worker will now receive all that we publish. READY goes to the others, too.
            if (is_subscription(message))
                check(zmq_send(control, ready.data(), ready.size(), 0));
            else if (!is_unsubscription(message))
                warn_ignored("an invalid subscription: ", message);
            skip_rest(message, control);
        }
        // Read a limited number of results, so that a new worker does not wait long for READY.
        const auto before = results.count();
        for (int n = 0; n < 1000 && wants_more(); ++n) {
            if (!check_unless_again(zmq_msg_recv(message, from_workers, ZMQ_DONTWAIT))) break;
            if (task_number(message)) {
                print("result ", message);
                ++results;
            } else {
                warn_ignored("an invalid result: ", message);
                skip_rest(message, from_workers);
            }
        }
        if (results.count() > before) deadline.restart();
    }
    check(zmq_send(control, stop.data(), stop.size(), 0));
    if (wants_more()) throw std::runtime_error("no result for " + std::to_string(patience) + " ms");
} catch (...) {
    return report_error();
}
