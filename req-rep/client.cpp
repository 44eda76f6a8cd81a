// Sends "Hello" and waits for the reply, again and again.
//   REQ connects tcp://127.0.0.1:5555
// Run it with server.cpp.
#include "common.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5555";
    int count = 10;
    parse(argc, argv, "Send \"Hello\" and wait for the reply, again and again.",
          {{"connect ENDPOINT", &endpoint, "where the REQ socket connects"},
           {"count N", &count, "requests to send, 0 = until Ctrl-C"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary replies("reply", "replies");
    const Socket requester(zmq_socket(context, ZMQ_REQ));
    check(zmq_connect(requester, endpoint.c_str()), "zmq_connect " + endpoint);

    constexpr std::string_view hello = "Hello";
    Message reply;
    while (count == 0 || replies.count() < count) {
        check(zmq_send(requester, hello.data(), hello.size(), 0));
        check(zmq_msg_recv(reply, requester, 0));
        print("received ", reply);
        skip_rest(reply, requester);  // a reply may have more frames
        ++replies;
    }
} catch (...) {  // the socket and the context are closed by now
    return report_error();
}
