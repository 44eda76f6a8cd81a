// Answers requests with World in several threads, each like a server of one thread.
//   ROUTER binds tcp://127.0.0.1:5555
//   DEALER binds inproc://workers
//   REP connects inproc://workers
// Its other half is client.cpp.
#include <cstdio>

#include "common.hpp"
#include "threads.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5555";
    const std::string inside = "inproc://workers";
    int workers = 4, work = 0;
    bool quiet = false;
    parse(argc, argv, "answers requests with World in several threads",
          {{"bind ENDPOINT", &endpoint, "ROUTER binds, for clients"},
           {"", {}, "DEALER binds inproc://workers, a REP in each thread connects to it"},
           {"workers N", &workers, "threads", 1, 10000},
           {"work MS", &work, "simulated work for each request"},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(), Interrupt::when_stopped);
    Summary requests("request", "requests", quiet);
    const Socket frontend(check(zmq_socket(context.get(), ZMQ_ROUTER), "zmq_socket", "ROUTER"));
    const Socket backend(check(zmq_socket(context.get(), ZMQ_DEALER), "zmq_socket", "DEALER"));
    check(zmq_setsockopt(frontend.get(), ZMQ_LINGER, &linger_at_interrupt,
                         sizeof linger_at_interrupt),
          "zmq_setsockopt", "ZMQ_LINGER");
    check(zmq_bind(backend.get(), inside.c_str()), "zmq_bind", inside);
    check(zmq_setsockopt(frontend.get(), ZMQ_MAXMSGSIZE, &largest_frame, sizeof largest_frame),
          "zmq_setsockopt", "ZMQ_MAXMSGSIZE");
    check(zmq_bind(frontend.get(), endpoint.c_str()), "zmq_bind", endpoint);
    std::printf("listening on %s\n", last_endpoint(frontend.get()).c_str());

    Threads threads(context.get());
    for (int n = 1; n <= workers; ++n)
        threads.start([&, n] {
            // The context may be shared by threads, a socket may not: each makes its own.
            const Socket responder(check(zmq_socket(context.get(), ZMQ_REP), "zmq_socket", "REP"));
            check(zmq_connect(responder.get(), inside.c_str()), "zmq_connect", inside);
            constexpr std::string_view reply = "World";
            Message request;
            Share answered(requests);
            while (true) {
                check(zmq_msg_recv(request.get(), responder.get(), 0), "zmq_msg_recv");
                answered.start();
                if (!quiet)
                    std::printf("worker %d received %s\n", n, text(request.bytes()).c_str());
                while (zmq_msg_more(request.get()) == 1)  // more frames belong to the same request
                    check(zmq_msg_recv(request.get(), responder.get(), 0), "zmq_msg_recv");
                if (work > 0) interrupt.pause(work);
                check(zmq_send(responder.get(), reply.data(), reply.size(), 0), "zmq_send");
                ++answered;
            }
        });
    // Requests from all clients in turn to all threads in turn, and each reply back to its client.
    threads.here([&] { check(zmq_proxy(frontend.get(), backend.get(), nullptr), "zmq_proxy"); });
    threads.join();
} catch (...) {
    return exit_status();
}
