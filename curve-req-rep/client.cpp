// Sends "Hello", encrypted, to a server whose key it knows, and waits for the reply.
//   REQ connects tcp://127.0.0.1:5566
// Run it with server.cpp. ../req-rep/client.cpp is the same without the keys.
#include "handshake.hpp"
#include "keys.hpp"

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5566", path = "keys/client";
    std::string server = "keys/server.public";
    int count = 10;
    parse(argc, argv, "Send \"Hello\" and wait for the reply, encrypted.",
          {{"connect ENDPOINT", &endpoint, "where the REQ socket connects"},
           {"key PATH", &path, "the client's keys, PATH.secret and PATH.public, made if missing"},
           {"server FILE", &server, "public key of the server"},
           {"count N", &count, "requests to send, 0 = until Ctrl-C"}});
    const KeyPair own = key_pair(path);

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary replies("reply", "replies");
    const Socket requester(zmq_socket(context, ZMQ_REQ));
    set_key(requester, ZMQ_CURVE_SERVERKEY, read_key(server));
    set_key(requester, ZMQ_CURVE_PUBLICKEY, own.public_key);
    set_key(requester, ZMQ_CURVE_SECRETKEY, own.secret_key);
    Handshakes handshakes(context, requester);
    check(zmq_connect(requester, endpoint.c_str()), "zmq_connect " + endpoint);

    constexpr std::string_view hello = "Hello";
    Message reply;
    while (count == 0 || replies.count() < count) {
        // After a refusal a REQ would wait forever, so no call on it may block.
        zmq_pollitem_t items[] = {{handshakes, 0, ZMQ_POLLIN, 0},
                                  {requester, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0}};
        check(zmq_poll(items, 2, -1));
        if (items[0].revents != 0) handshakes.check_next();
        // A REQ alternates between send and receive. If it has lost its connection, either call
        // returns EAGAIN, and the next poll reports why.
        if ((items[1].revents & ZMQ_POLLOUT) != 0 &&
            check_unless_again(zmq_send(requester, hello.data(), hello.size(), ZMQ_DONTWAIT)))
            continue;
        if ((items[1].revents & ZMQ_POLLIN) != 0 &&
            check_unless_again(zmq_msg_recv(reply, requester, ZMQ_DONTWAIT))) {
            print("received ", reply);
            skip_rest(reply, requester);
            ++replies;
        }
    }
} catch (...) {
    return report_error();
}
