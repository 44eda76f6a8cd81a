// Passes requests on to servers in turn, and each reply back to the client that has asked.
//   ROUTER binds tcp://127.0.0.1:5559
//   DEALER binds tcp://127.0.0.1:5560
// Its other halves are client.cpp and server.cpp. ../ex-req-rep2/proxy.cpp does it in one call.
#include <cstdio>

#include "common.hpp"

/// One frame for a person: the identity that a ROUTER makes up is a zero byte and four random ones.
static std::string shown(std::string_view frame, bool first) {
    const bool made_up = first && frame.substr(0, 1) == std::string_view("\0", 1);
    return " [" + (made_up ? "identity" : text(frame)) + "]";
}

static short wait_for(bool message, bool room) {
    return static_cast<short>((message ? ZMQ_POLLIN : 0) | (room ? ZMQ_POLLOUT : 0));
}

int main(int argc, char** argv) try {
    std::string frontend_endpoint = "tcp://127.0.0.1:5559";
    std::string backend_endpoint = "tcp://127.0.0.1:5560";
    bool quiet = false;
    parse(argc, argv, "passes requests on to servers in turn, and each reply back to its client",
          {{"frontend ENDPOINT", &frontend_endpoint, "ROUTER binds, for clients"},
           {"backend ENDPOINT", &backend_endpoint, "DEALER binds, for servers"},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(), Interrupt::when_stopped);
    Summary requests("request", "requests", quiet);
    const Socket frontend(check(zmq_socket(context.get(), ZMQ_ROUTER), "zmq_socket", "ROUTER"));
    const Socket backend(check(zmq_socket(context.get(), ZMQ_DEALER), "zmq_socket", "DEALER"));
    for (void* socket : {frontend.get(), backend.get()}) {
        check(zmq_setsockopt(socket, ZMQ_LINGER, &linger_at_interrupt, sizeof linger_at_interrupt),
              "zmq_setsockopt", "ZMQ_LINGER");
        check(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &largest_frame, sizeof largest_frame),
              "zmq_setsockopt", "ZMQ_MAXMSGSIZE");
    }
    // Any bytes that are not today's protocol look like its first version, and their sender would
    // be dealt requests like a server. With a ZAP domain libzmq refuses the old versions (and so
    // peers older than libzmq 4.0).
    constexpr std::string_view domain = "servers";
    check(zmq_setsockopt(backend.get(), ZMQ_ZAP_DOMAIN, domain.data(), domain.size()),
          "zmq_setsockopt", "ZMQ_ZAP_DOMAIN");
    check(zmq_bind(frontend.get(), frontend_endpoint.c_str()), "zmq_bind", frontend_endpoint);
    std::printf("listening on %s\n", last_endpoint(frontend.get()).c_str());
    check(zmq_bind(backend.get(), backend_endpoint.c_str()), "zmq_bind", backend_endpoint);
    std::printf("listening on %s\n", last_endpoint(backend.get()).c_str());

    // Moves one whole message on. `frame` holds its first frame until `to` has room for it. False
    // when there is no message, or no room.
    const auto forward = [quiet](const char* what, void* from, void* to, Message& frame,
                                 bool& held) {
        if (!held && !ready(zmq_msg_recv(frame.get(), from, ZMQ_DONTWAIT), "zmq_msg_recv"))
            return false;
        std::string line = quiet ? "" : shown(frame.bytes(), true);
        int more = zmq_msg_more(frame.get());
        held = !ready(zmq_msg_send(frame.get(), to, ZMQ_DONTWAIT | (more == 1 ? ZMQ_SNDMORE : 0)),
                      "zmq_msg_send");
        if (held) return false;
        while (more == 1) {  // where the first frame has gone there is room for all
            check(zmq_msg_recv(frame.get(), from, 0), "zmq_msg_recv");
            more = zmq_msg_more(frame.get());
            if (!quiet) line += shown(frame.bytes(), false);
            check(zmq_msg_send(frame.get(), to, more == 1 ? ZMQ_SNDMORE : 0), "zmq_msg_send");
        }
        if (!quiet) std::printf("%s%s\n", what, line.c_str());
        return true;
    };

    Message request, reply;
    bool request_held = false, reply_held = false;
    while (true) {
        // A poll costs more than a message: there is one only when a burst each way has moved none.
        constexpr int burst = 1000;
        int moved = 0;
        for (int n = 0; n < burst; ++n, ++moved)
            if (!forward("reply", backend.get(), frontend.get(), reply, reply_held)) break;
        for (int n = 0; n < burst; ++n, ++moved, ++requests)
            if (!forward("request", frontend.get(), backend.get(), request, request_held)) break;
        if (moved > 0) continue;
        // With a request in hand that no server has room for, no other is taken: the rest waits in
        // the clients' queues, and the replies go on. (A ROUTER makes no reply wait: it drops.)
        zmq_pollitem_t items[] = {{backend.get(), 0, wait_for(!reply_held, request_held), 0},
                                  {frontend.get(), 0, wait_for(!request_held, reply_held), 0}};
        check(zmq_poll(items, 2, -1), "zmq_poll");
        requests.start();
    }
} catch (...) {
    return exit_status();
}
