// Forwards requests round-robin to servers, and each reply to the client that sent the request.
//   ROUTER binds tcp://127.0.0.1:5559
//   DEALER binds tcp://127.0.0.1:5560
// Run it with client.cpp and server.cpp. ../ex-req-rep2/proxy.cpp does it in one call.
#include "peers.hpp"

/// Forwards a message. Returns false if no peer has room; `frame` then still holds its first frame.
static bool forward(const char* what, Message& frame, void* from, void* to) {
    std::string line;  // a ROUTER creates routing IDs of a zero byte and four random bytes
    if (!quiet) line = frame.bytes().starts_with('\0') ? "routing ID" : printable(frame);
    bool more = zmq_msg_more(frame) == 1;
    if (!check_unless_again(zmq_msg_send(frame, to, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0))))
        return false;
    while (more) {  // a peer with room for the first frame takes them all
        check(zmq_msg_recv(frame, from, 0));
        if (!quiet) line.append("] [").append(printable(frame));
        more = zmq_msg_more(frame) == 1;
        check(zmq_msg_send(frame, to, more ? ZMQ_SNDMORE : 0));
    }
    if (!quiet) std::printf("%s [%s]\n", what, line.c_str());
    return true;
}

int main(int argc, char** argv) try {
    std::string clients = "tcp://127.0.0.1:5559", servers = "tcp://127.0.0.1:5560";
    parse(argc, argv, "Forward requests round-robin to servers, and the replies to the clients.",
          {{"frontend ENDPOINT", &clients, "where the ROUTER socket binds, for clients"},
           {"backend ENDPOINT", &servers, "where the DEALER socket binds, for servers"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    Summary requests("request", "requests");
    const Socket frontend(zmq_socket(context, ZMQ_ROUTER));
    check(zmq_bind(frontend, clients.c_str()), "zmq_bind " + clients);
    print_listening(frontend);
    const Socket backend(zmq_socket(context, ZMQ_DEALER));
    refuse_old_peers(backend);
    check(zmq_bind(backend, servers.c_str()), "zmq_bind " + servers);
    print_listening(backend);

    constexpr int burst = 1000;  // messages one way before the other way gets its turn
    Message request, reply;
    bool held = false;  // no server has room for `request`: later ones wait in the clients' queues
    zmq_pollitem_t both_sides[] = {{backend, 0, ZMQ_POLLIN, 0}, {frontend, 0, ZMQ_POLLIN, 0}};
    zmq_pollitem_t backend_only[] = {{backend, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0}};
    while (true) {
        check(held ? zmq_poll(backend_only, 1, -1) : zmq_poll(both_sides, 2, -1));
        for (int n = 0; n < burst; ++n) {
            if (!check_unless_again(zmq_msg_recv(reply, backend, ZMQ_DONTWAIT))) break;
            forward("reply", reply, backend, frontend);  // without room a ROUTER drops it
        }
        for (int n = 0; n < burst; ++n, ++requests) {
            if (!held && !check_unless_again(zmq_msg_recv(request, frontend, ZMQ_DONTWAIT))) break;
            held = !forward("request", request, frontend, backend);
            if (held) break;
        }
    }
} catch (...) {
    return report_error();
}
