// Does steps in order, each in its own thread, which begins when the thread before is ready.
//   PAIR binds inproc://step-N
//   PAIR connects inproc://step-N
// Run it alone: the threads talk to each other.
#include "threads.hpp"

int main(int argc, char** argv) try {
    int steps = 3;
    parse(argc, argv, "Do steps in order, each in its own thread.",
          {{"steps N", &steps, "steps, two sockets each", 1, 400}});

    const Context context(zmq_ctx_new());  // only one: an inproc endpoint belongs to its context
    const Interrupt interrupt(context);    // Ctrl-C makes the calls below throw
    SharedSummary in_order("step in order", "steps in order");
    const auto endpoint = [](int step) { return "inproc://step-" + std::to_string(step); };

    std::vector<Socket> done;  // done[n - 1] receives a message when step n is done
    for (int n = 1; n <= steps; ++n) {
        done.push_back(Socket(zmq_socket(context, ZMQ_PAIR)));
        check(zmq_bind(done.back(), endpoint(n).c_str()));
    }
    Threads threads(context);
    for (int n = steps; n >= 1; --n)  // starts the last step first: only messages set the order
        threads.start([&, n] {
            const Socket next(zmq_socket(context, ZMQ_PAIR));
            check(zmq_connect(next, endpoint(n).c_str()));
            if (n > 1) check(zmq_recv(done[static_cast<size_t>(n - 2)], nullptr, 0, 0));
            print("step ", n);
            ++in_order;
            check(zmq_send(next, nullptr, 0, 0));
        });
    check(zmq_recv(done.back(), nullptr, 0, 0));
    threads.join();
} catch (...) {
    return report_error();
}
