#include "peer.hpp"

#include <csignal>

#include "catch.hpp"
#include "relay.hpp"

namespace {

/// A proxy with --capture, and peers of it. The subscription to the copies has arrived.
struct Captured {
    Process proxy{"ex-req-rep2/proxy --frontend " + any_port + " --backend " + any_port +
                  " --capture " + any_port};
    const std::string frontend = proxy.endpoint(), backend = proxy.endpoint();
    Relay network{proxy.endpoint()};  // of the copies
    Peer copies{ZMQ_SUB}, server{ZMQ_DEALER}, client{ZMQ_DEALER};
    explicit Captured(int server_hwm = 0) {
        copies.subscribe("").connect(network.endpoint());
        server.set(ZMQ_RCVHWM, server_hwm).connect(backend);
        client.connect(frontend);
        const auto end = std::chrono::steady_clock::now() + deadline;
        do {  // a PUB cannot report the subscription, but the first copy does
            REQUIRE(std::chrono::steady_clock::now() < end);
            client.send({"", "first"});
            server.receive();
        } while (poll(copies, ZMQ_POLLIN, 10) == 0);
    }
};

}  // namespace

TEST_CASE("ex-req-rep2: the capture socket gets a copy of all that passes", "[ex-req-rep2]") {
    Captured captured;
    // More of them than high-water marks and the kernel take, while no copy gets through.
    captured.network.hold_up();
    constexpr int count = 2500;
    const std::string padding(1 << 12, ' ');
    for (int n = 0; n < count; ++n) {
        captured.client.send({"", std::to_string(n) + padding});
        captured.server.send(captured.server.receive());
        CHECK(captured.client.receive() == Frames{"", std::to_string(n) + padding});
    }
    captured.network.let_through();
    for (int n = 0; n < count; ++n) {
        auto copy = captured.copies.receive();
        while (copy.back() == "first") copy = captured.copies.receive();
        REQUIRE(copy.size() == 3);
        CHECK(copy.back() == std::to_string(n) + padding);
        CHECK(captured.copies.receive() == copy);  // of the reply
    }
}

TEST_CASE("ex-req-rep2: Ctrl-C ends a proxy whose queues are full", "[ex-req-rep2]") {
    Captured captured(1);  // the server receives no more than the first ones
    // The copies show how far the proxy gets before it waits for room: half of a high-water mark at
    // least, because room is given back by halves.
    const std::string padding(1 << 14, ' ');
    for (int n = 0; n < 1500; ++n) captured.client.send({"", std::to_string(n) + padding});
    while (captured.copies.receive().back() != "499" + padding) continue;
    CHECK(captured.proxy.stop(SIGTERM) == 128 + SIGTERM);
    CHECK(captured.proxy.errors() == "interrupted\n");
}
