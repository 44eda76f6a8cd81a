// Answers requests with "World" in several threads.
//   ROUTER binds tcp://127.0.0.1:5555
//   DEALER binds inproc://workers
//   REP connects inproc://workers
// Run it with client.cpp.
#include "threads.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5555";
    int workers = 4, work = 0;
    parse(argc, argv, "Answer requests with \"World\" in several threads.",
          {{"bind ENDPOINT", &endpoint, "where the ROUTER socket binds"},
           {"workers N", &workers, "threads", 1, 400},
           {"work MS", &work, "simulated work for each request"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    SharedSummary requests("request", "requests");
    const Socket frontend(zmq_socket(context, ZMQ_ROUTER));
    check(zmq_bind(frontend, endpoint.c_str()), "zmq_bind " + endpoint);
    print_listening(frontend);
    const Socket backend(zmq_socket(context, ZMQ_DEALER));
    check(zmq_bind(backend, "inproc://workers"));

    Threads threads(context);
    for (int n = 1; n <= workers; ++n)
        threads.start([&, n] {
            // Threads share the context, but each has a socket of its own.
            const Socket responder(zmq_socket(context, ZMQ_REP));
            check(zmq_connect(responder, "inproc://workers"));
            constexpr std::string_view world = "World";
            Message request;
            while (true) {
                check(zmq_msg_recv(request, responder, 0));
                print("worker ", n, " received ", request);
                skip_rest(request, responder);
                interrupt.pause(work);
                check(zmq_send(responder, world.data(), world.size(), 0));
                ++requests;
            }
        });
    // Fair-queues the requests of all clients and distributes them round-robin to the threads.
    check(zmq_proxy(frontend, backend, nullptr));
} catch (...) {
    return report_error();
}
