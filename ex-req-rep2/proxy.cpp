// Passes requests on to servers in turn, and each reply back to its client, by zmq_proxy.
//   ROUTER binds tcp://127.0.0.1:5559
//   DEALER binds tcp://127.0.0.1:5560
//   PUB binds, where --capture says
// Its other halves are ../ex-req-rep/client.cpp and ../ex-req-rep/server.cpp.
#include <cstdio>

#include "common.hpp"

int main(int argc, char** argv) try {
    std::string frontend_endpoint = "tcp://127.0.0.1:5559";
    std::string backend_endpoint = "tcp://127.0.0.1:5560";
    std::string capture_endpoint;
    bool quiet = false;
    parse(argc, argv, "passes requests on to servers in turn, and each reply back, by zmq_proxy",
          {{"frontend ENDPOINT", &frontend_endpoint, "ROUTER binds, for clients"},
           {"backend ENDPOINT", &backend_endpoint, "DEALER binds, for servers"},
           {"capture ENDPOINT", &capture_endpoint, "PUB binds, for a copy of all that passes"},
           {"quiet", &quiet, "changes nothing: zmq_proxy has no line for a message"}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(), Interrupt::when_stopped);
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

    Socket capture;
    if (!capture_endpoint.empty()) {
        capture.reset(check(zmq_socket(context.get(), ZMQ_PUB), "zmq_socket", "PUB"));
        const int no_limit = 0;  // a PUB drops what is above its high-water mark
        check(zmq_setsockopt(capture.get(), ZMQ_SNDHWM, &no_limit, sizeof no_limit),
              "zmq_setsockopt", "ZMQ_SNDHWM");
        check(zmq_setsockopt(capture.get(), ZMQ_LINGER, &linger_at_interrupt,
                             sizeof linger_at_interrupt),
              "zmq_setsockopt", "ZMQ_LINGER");
        check(zmq_setsockopt(capture.get(), ZMQ_MAXMSGSIZE, &largest_frame, sizeof largest_frame),
              "zmq_setsockopt", "ZMQ_MAXMSGSIZE");
        check(zmq_bind(capture.get(), capture_endpoint.c_str()), "zmq_bind", capture_endpoint);
        std::printf("listening on %s\n", last_endpoint(capture.get()).c_str());
    }

    // Comes back only by failing: with ETERM, when Ctrl-C has shut the context down.
    check(zmq_proxy(frontend.get(), backend.get(), capture.get()), "zmq_proxy");
} catch (...) {
    return exit_status();
}
