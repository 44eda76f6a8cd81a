// Does steps in order, one in each thread: a step begins when the thread before says it is done.
//   PAIR binds inproc://step-N
//   PAIR connects inproc://step-N
// There is no other half: the threads talk to each other.
#include <cstdio>

#include "common.hpp"
#include "threads.hpp"

int main(int argc, char** argv) try {
    int steps = 3;
    bool quiet = false;
    parse(argc, argv, "does steps in order, each in a thread of its own",
          {{"", {}, "PAIR binds inproc://step-N, PAIR connects: between a thread and the next"},
           {"steps N", &steps, "how many", 1, 500},  // a context has 1023 sockets, a step needs two
           {"quiet", &quiet, quiet_help}});

    // One context for all threads: an inproc name means something only within its context.
    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(), Interrupt::by_itself);
    Summary in_order("step in order", "steps in order", quiet);
    const auto name = [](int step) { return "inproc://step-" + std::to_string(step); };

    // At done[n] one hears that step n is done. All are bound before a thread connects to one.
    std::vector<Socket> done(1);
    for (int n = 1; n <= steps; ++n) {
        done.emplace_back(check(zmq_socket(context.get(), ZMQ_PAIR), "zmq_socket", "PAIR"));
        check(zmq_bind(done.back().get(), name(n).c_str()), "zmq_bind", name(n));
    }

    Threads threads(context.get());
    for (int n = steps; n >= 1; --n)  // the last one first: messages make the order, not the start
        threads.start([&, n] {
            const Socket next(check(zmq_socket(context.get(), ZMQ_PAIR), "zmq_socket", "PAIR"));
            check(zmq_connect(next.get(), name(n).c_str()), "zmq_connect", name(n));
            Message signal;
            // A socket may go from one thread to another, as long as two never use it at once.
            if (n > 1)
                check(zmq_msg_recv(signal.get(), done[static_cast<size_t>(n - 1)].get(), 0),
                      "zmq_msg_recv");
            if (!quiet) std::printf("step %d\n", n);
            ++Share(in_order);
            check(zmq_send(next.get(), nullptr, 0, 0), "zmq_send");  // it says enough by coming
        });
    threads.here([&] {
        Message signal;
        check(zmq_msg_recv(signal.get(), done.back().get(), 0), "zmq_msg_recv");
    });
    threads.join();
    return 0;
} catch (...) {
    return exit_status();
}
