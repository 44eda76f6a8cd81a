// Sends "Hello" and waits for the reply, and asks again if none comes in time (Lazy Pirate).
//   REQ connects tcp://127.0.0.1:5555
// Run it with ../req-rep/server.cpp, and kill and restart the server, which may receive a request
// twice, so a repeated request must do no harm.
#include "common.hpp"

static Socket connect(void* context, const std::string& endpoint, int timeout) {
    Socket requester(zmq_socket(context, ZMQ_REQ));
    // No call waits longer than the timeout, and closing the socket drops an unanswered request.
    const int none = 0;
    check(zmq_setsockopt(requester, ZMQ_SNDTIMEO, &timeout, sizeof timeout));
    check(zmq_setsockopt(requester, ZMQ_RCVTIMEO, &timeout, sizeof timeout));
    check(zmq_setsockopt(requester, ZMQ_LINGER, &none, sizeof none));
    check(zmq_connect(requester, endpoint.c_str()), "zmq_connect " + endpoint);
    return requester;
}

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5555";
    int count = 10, timeout = 1000;
    parse(argc, argv, "Send \"Hello\", wait for the reply, and ask again if none comes in time.",
          {{"connect ENDPOINT", &endpoint, "where the REQ socket connects"},
           {"count N", &count, "requests to send, 0 = until Ctrl-C"},
           {"timeout MS", &timeout, "how long to wait for a reply", 1}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary replies("reply", "replies");
    std::optional<Socket> requester(connect(context, endpoint, timeout));

    constexpr std::string_view hello = "Hello";
    Message reply;
    while (count == 0 || replies.count() < count) {
        if (!check_unless_again(zmq_send(*requester, hello.data(), hello.size(), 0)) ||
            !check_unless_again(zmq_msg_recv(reply, *requester, 0))) {
            print_error("no reply within " + std::to_string(timeout) + " ms, asking again");
            // A REQ that waits for a reply cannot send. And a late reply is lost with its socket,
            // so that each reply belongs to its own request.
            requester.reset();
            requester.emplace(connect(context, endpoint, timeout));
            continue;
        }
        print("received ", reply);
        skip_rest(reply, *requester);
        ++replies;
    }
} catch (...) {
    return report_error();
}
