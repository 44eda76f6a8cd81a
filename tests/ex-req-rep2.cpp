#include "peer.hpp"

#include <csignal>

#include "catch.hpp"
#include "relay.hpp"

TEST_CASE("ex-req-rep2: the capture socket gets a copy of all, and Ctrl-C ends a full proxy",
          "[ex-req-rep2]") {
    Process proxy("ex-req-rep2/proxy --frontend " + any_port + " --backend " + any_port +
                  " --capture " + any_port);
    Peer copies(ZMQ_SUB), server(ZMQ_DEALER), client(ZMQ_DEALER);
    client.connect(proxy.endpoint());
    server.set(ZMQ_RCVHWM, 1).connect(proxy.endpoint());
    Relay network(proxy.endpoint());
    copies.subscribe("").connect(network.endpoint());
    const auto end = std::chrono::steady_clock::now() + deadline;
    do {  // a PUB cannot report the subscription, but the first copy does
        REQUIRE(std::chrono::steady_clock::now() < end);
        client.send({"", "first"});
        server.receive();
    } while (poll(copies, ZMQ_POLLIN, 10) == 0);

    // More of them than high-water marks and the kernel take, while no copy gets through.
    network.hold_up();
    constexpr int count = 2500;
    const std::string padding(1 << 12, ' ');
    for (int n = 0; n < count; ++n) {
        client.send({"", std::to_string(n) + padding});
        server.send(server.receive());
        CHECK(client.receive() == Frames{"", std::to_string(n) + padding});
    }
    network.let_through();
    for (int n = 0; n < count; ++n) {
        auto copy = copies.receive();
        while (copy.back() == "first") copy = copies.receive();
        REQUIRE(copy.size() == 3);
        CHECK(copy.back() == std::to_string(n) + padding);
        CHECK(copies.receive() == copy);  // of the reply
    }

    // Now the server reads no more. The copies show how far the proxy gets before it waits for
    // room: half of a high-water mark at least, because room is given back by halves.
    const std::string large(1 << 14, ' ');
    for (int n = 0; n < 1500; ++n) client.send({"", std::to_string(n) + large});
    while (copies.receive().back() != "499" + large) continue;
    CHECK(proxy.stop(SIGTERM) == 128 + SIGTERM);
    CHECK(proxy.errors() == "interrupted\n");
}
