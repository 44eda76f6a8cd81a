#include <zmq.h>

#include <algorithm>
#include <csignal>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"

using Lines = std::vector<std::string>;

namespace {

struct Proxy : Process {
    Proxy() : Process("ex-req-rep2/proxy", {"--frontend", any_port, "--backend", any_port}) {}
    const std::string frontend = endpoint(), backend = endpoint();
};

}  // namespace

TEST_CASE("ex-req-rep2: the clients and servers of ex-req-rep run against it unchanged",
          "[ex-req-rep2]") {
    Proxy proxy;
    Process a("ex-req-rep/server", {"--connect", proxy.backend, "--name", "A"});
    Process b("ex-req-rep/server", {"--connect", proxy.backend, "--name", "B"});
    Process one("ex-req-rep/client", {"--connect", proxy.frontend, "--count", "50"});
    Process two("ex-req-rep/client", {"--connect", proxy.frontend, "--count", "50"});
    CHECK(one.wait() == 0);
    CHECK(two.wait() == 0);
    CHECK(one.last_line() == "50 replies");
    CHECK(two.last_line() == "50 replies");
    CHECK(a.stop(SIGINT) == 0);
    CHECK(b.stop(SIGINT) == 0);
    CHECK(std::stoi(a.last_line()) + std::stoi(b.last_line()) == 100);
    CHECK(proxy.stop(SIGINT) == 0);
    CHECK(proxy.errors() == "interrupted\n");
    CHECK(proxy.lines() ==
          Lines{"listening on " + proxy.frontend, "listening on " + proxy.backend});
}

TEST_CASE("ex-req-rep2: whole messages of any size and any number of frames in their order",
          "[ex-req-rep2]") {
    Proxy proxy;
    Peer server(ZMQ_ROUTER), client(ZMQ_DEALER);
    server.connect(proxy.backend);
    client.connect(proxy.frontend);
    Lines many{""};
    for (int n = 0; n < 1000; ++n) many.push_back(std::to_string(n));
    const std::vector<Lines> messages = {
        {"", ""}, {"", std::string("\0\xff", 2)}, {"", std::string(1 << 20, 'x')}, many};
    for (const auto& message : messages) client.send(message);
    for (const auto& message : messages) {
        auto got = server.receive();
        REQUIRE(got.size() == message.size() + 2);
        CHECK(std::equal(message.begin(), message.end(), got.begin() + 2));
        server.send(got);
    }
    for (const auto& message : messages) CHECK(client.receive() == message);
}

TEST_CASE("ex-req-rep2: the capture socket gets everything that passes", "[ex-req-rep2]") {
    Process proxy("ex-req-rep2/proxy",
                  {"--frontend", any_port, "--backend", any_port, "--capture", any_port});
    const std::string front = proxy.endpoint(), back = proxy.endpoint();
    Peer capture(ZMQ_SUB), client(ZMQ_DEALER);
    capture.subscribe("").connect(proxy.endpoint());
    Process server("ex-req-rep/server", {"--connect", back, "--quiet"});
    client.connect(front);
    // A PUB cannot say when the subscription has come: the first copy does.
    zmq_pollitem_t item{capture.get(), 0, ZMQ_POLLIN, 0};
    do {
        client.send({"", "first"});
        CHECK(client.receive() == Lines{"", "World"});
    } while (zmq_poll(&item, 1, 10) == 0);
    client.send({"", "fence"});
    client.receive();
    while (capture.receive().back() != "fence") {
    }
    CHECK(capture.receive().back() == "World");
    // From here on none is missing, more than a high-water mark of them. The client has fewer than
    // that in flight: a ROUTER drops replies for a client that is at its mark.
    constexpr int count = 3000, in_flight = 300;
    for (int n = 0; n < count; ++n) {
        client.send({"", std::to_string(n)});
        if (n >= in_flight) client.receive();
    }
    for (int n = 0; n < in_flight; ++n) client.receive();
    int requests = 0, replies = 0;
    while (requests + replies < 2 * count) {
        const auto copy = capture.receive();
        REQUIRE(copy.size() == 3);
        if (copy.back() == "World") {
            ++replies;
        } else {
            CHECK(copy.back() == std::to_string(requests));
            ++requests;
        }
    }
    CHECK(requests == count);
    CHECK(proxy.stop(SIGINT) == 0);
}

TEST_CASE("ex-req-rep2: a request waits for a server that comes later", "[ex-req-rep2]") {
    const Folder folder;
    const std::string front = folder.endpoint("front"), back = folder.endpoint("back");
    Process client("ex-req-rep/client", {"--connect", front, "--count", "2"});
    Process proxy("ex-req-rep2/proxy", {"--frontend", front, "--backend", back});
    proxy.endpoint();
    Process server("ex-req-rep/server", {"--connect", back});
    CHECK(client.wait() == 0);
    CHECK(client.last_line() == "2 replies");
}

TEST_CASE("ex-req-rep2: bytes that are no ZeroMQ do not become a server", "[ex-req-rep2]") {
    Proxy proxy;
    RawPeer browser(proxy.backend);
    browser.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    browser.wait_for_end();
    Process client("ex-req-rep/client", {"--connect", proxy.frontend, "--count", "4"});
    Process server("ex-req-rep/server", {"--connect", proxy.backend});
    CHECK(client.wait() == 0);
}

TEST_CASE("ex-req-rep2: Ctrl-C ends zmq_proxy right away and in the middle of traffic",
          "[ex-req-rep2]") {
    for (int trial = 0; trial < 10; ++trial) {
        Proxy idle;
        CHECK(idle.stop(trial % 2 == 0 ? SIGINT : SIGTERM) == 0);
    }
    Proxy proxy;
    Process server("ex-req-rep/server", {"--connect", proxy.backend});
    Process client("ex-req-rep/client", {"--connect", proxy.frontend, "--count", "0"});
    client.wait_for("received World");
    CHECK(proxy.stop(SIGINT) == 0);
    CHECK(client.stop(SIGINT) == 0);
    CHECK(server.stop(SIGINT) == 0);
}
