// Forwards requests round-robin to servers, and each reply to its client, with zmq_proxy.
//   ROUTER binds tcp://127.0.0.1:5559
//   DEALER binds tcp://127.0.0.1:5560
//   PUB binds the endpoint of --capture
// Run it with ../ex-req-rep/client.cpp and ../ex-req-rep/server.cpp.
#include "peers.hpp"

int main(int argc, char** argv) try {
    std::string clients = "tcp://127.0.0.1:5559", servers = "tcp://127.0.0.1:5560", copies;
    parse(argc, argv, "Forward requests round-robin to servers, and the replies to the clients.",
          {{"frontend ENDPOINT", &clients, "where the ROUTER socket binds, for clients"},
           {"backend ENDPOINT", &servers, "where the DEALER socket binds, for servers"},
           {"capture ENDPOINT", &copies, "where a PUB socket binds, for a copy of all messages"}});

    const Context context(zmq_ctx_new());
    const Interrupt interrupt(context);  // Ctrl-C makes the calls below throw
    const Socket frontend(zmq_socket(context, ZMQ_ROUTER));
    check(zmq_bind(frontend, clients.c_str()), "zmq_bind " + clients);
    print_listening(frontend);
    const Socket backend(zmq_socket(context, ZMQ_DEALER));
    refuse_old_peers(backend);
    check(zmq_bind(backend, servers.c_str()), "zmq_bind " + servers);
    print_listening(backend);

    const Socket publisher(zmq_socket(context, ZMQ_PUB));
    if (!copies.empty()) {
        const int no_limit = 0;  // a PUB drops messages above its high-water mark
        check(zmq_setsockopt(publisher, ZMQ_SNDHWM, &no_limit, sizeof no_limit));
        check(zmq_bind(publisher, copies.c_str()), "zmq_bind " + copies);
        print_listening(publisher);
    }
    // Returns only when it fails, as after Ctrl-C. Without a third socket it copies nothing.
    check(zmq_proxy(frontend, backend, copies.empty() ? nullptr : static_cast<void*>(publisher)));
} catch (...) {
    return report_error();
}
