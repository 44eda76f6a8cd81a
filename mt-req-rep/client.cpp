// Sends Hello and waits for the reply in several threads at the same time.
//   REQ connects tcp://127.0.0.1:5555
// Its other half is server.cpp.
#include <cstdio>

#include "common.hpp"
#include "threads.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5555";
    int clients = 4, count = 10;
    bool quiet = false;
    parse(argc, argv, "sends Hello and waits for the reply in several threads at the same time",
          {{"connect ENDPOINT", &endpoint, "REQ connects, one in each thread"},
           {"clients N", &clients, "threads", 1, 10000},
           {"count N", &count, "requests of each thread, 0: until interrupted"},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(),
                              count == 0 ? Interrupt::when_stopped : Interrupt::by_itself);
    Summary replies("reply", "replies", quiet);
    Threads threads(context.get());
    for (int n = 1; n <= clients; ++n)
        threads.start([&, n] {
            // The context may be shared by threads, a socket may not: each makes its own.
            const Socket requester(check(zmq_socket(context.get(), ZMQ_REQ), "zmq_socket", "REQ"));
            const int linger = 0;  // nobody is left to take the reply to an unsent request
            check(zmq_setsockopt(requester.get(), ZMQ_LINGER, &linger, sizeof linger),
                  "zmq_setsockopt", "ZMQ_LINGER");
            check(zmq_connect(requester.get(), endpoint.c_str()), "zmq_connect", endpoint);
            constexpr std::string_view request = "Hello";
            Message reply;
            Share received(replies);
            for (std::int64_t sent = 0; count == 0 || sent < count; ++sent) {
                check(zmq_send(requester.get(), request.data(), request.size(), 0), "zmq_send");
                check(zmq_msg_recv(reply.get(), requester.get(), 0), "zmq_msg_recv");
                if (!quiet) std::printf("client %d received %s\n", n, text(reply.bytes()).c_str());
                while (zmq_msg_more(reply.get()) == 1)  // more frames belong to the same reply
                    check(zmq_msg_recv(reply.get(), requester.get(), 0), "zmq_msg_recv");
                ++received;
            }
        });
    threads.join();
    return 0;
} catch (...) {
    return exit_status();
}
