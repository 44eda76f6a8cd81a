// Sends "Hello" and waits for the reply, in several threads at the same time.
//   REQ connects tcp://127.0.0.1:5555
// Run it with server.cpp.
#include "threads.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5555";
    int clients = 4, count = 10;
    parse(argc, argv, "Send \"Hello\" and wait for the reply, in several threads.",
          {{"connect ENDPOINT", &endpoint, "where the REQ socket of each thread connects"},
           {"clients N", &clients, "threads", 1, 400},
           {"count N", &count, "requests of each thread, 0 = until Ctrl-C"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    SharedSummary replies("reply", "replies");
    Threads threads(context);
    for (int n = 1; n <= clients; ++n)
        threads.start([&, n] {
            // Threads share the context, but each has a socket of its own.
            const Socket requester(zmq_socket(context, ZMQ_REQ));
            check(zmq_connect(requester, endpoint.c_str()), "zmq_connect " + endpoint);
            constexpr std::string_view hello = "Hello";
            Message reply;
            for (std::int64_t sent = 0; count == 0 || sent < count; ++sent) {
                check(zmq_send(requester, hello.data(), hello.size(), 0));
                check(zmq_msg_recv(reply, requester, 0));
                print("client ", n, " received ", reply);
                skip_rest(reply, requester);
                ++replies;
            }
        });
    threads.join();
} catch (...) {
    return report_error();
}
