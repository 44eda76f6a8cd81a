#include <zmq.h>

#include <algorithm>
#include <csignal>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"
#include "refusals.hpp"

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

TEST_CASE("ex-req-rep2: Ctrl-C ends a proxy whose queues are full", "[ex-req-rep2]") {
    const Folder folder;
    const std::string front = folder.endpoint("front"), back = folder.endpoint("back");
    Process proxy("ex-req-rep2/proxy", {"--frontend", front, "--backend", back, "--capture",
                                        folder.endpoint("capture")});
    Peer capture(ZMQ_SUB), server(ZMQ_DEALER), client(ZMQ_DEALER);
    capture.subscribe("").connect(folder.endpoint("capture"));
    server.set(ZMQ_RCVHWM, 1).connect(back);  // and receives no more than the first ones
    client.connect(front);
    zmq_pollitem_t item{capture.get(), 0, ZMQ_POLLIN, 0};
    do {  // until the subscription has come
        client.send({"", "first"});
        server.receive();
    } while (zmq_poll(&item, 1, 10) == 0);
    // The capture socket gets what the proxy takes, until it waits for room: half of a high-water
    // mark at least, since room is given back by halves.
    const std::string padding(1 << 12, ' ');
    for (int n = 0; n < 1500; ++n) client.send({"", std::to_string(n) + padding});
    while (capture.receive().back() != "499" + padding) {
    }
    CHECK(proxy.stop(SIGTERM) == 0);
    CHECK(proxy.errors() == "interrupted\n");
}

TEST_CASE("ex-req-rep2: replies that have nobody to go to hold up no other", "[ex-req-rep2]") {
    Proxy proxy;
    Peer server(ZMQ_DEALER), client(ZMQ_REQ);
    server.connect(proxy.backend);
    {
        Peer gone(ZMQ_REQ);
        gone.connect(proxy.frontend);
        gone.send({"leaves"});
        auto request = server.receive();
        request.back() = "late";
        server.send(request);
    }
    server.send({"unknown", "", "nobody asked"});
    server.send({"a single frame"});
    client.connect(proxy.frontend);
    client.send({"Hello"});
    auto request = server.receive();
    CHECK(request.back() == "Hello");
    request.back() = "World";
    server.send(request);
    CHECK(client.receive() == Lines{"World"});
}

TEST_CASE("ex-req-rep2: each endpoint that is taken is named with a hint", "[ex-req-rep2]") {
    Peer holder(ZMQ_ROUTER);
    holder.bind(any_port);
    const Lines options{"--frontend", "--backend", "--capture"};
    for (size_t taken = 0; taken < options.size(); ++taken) {
        Lines arguments;
        for (size_t n = 0; n < options.size(); ++n) {
            arguments.push_back(options[n]);
            arguments.push_back(n == taken ? holder.endpoint() : any_port);
        }
        finds_taken("ex-req-rep2/proxy", arguments, holder.endpoint(), taken);
    }
}

TEST_CASE("ex-req-rep2: wrong arguments", "[ex-req-rep2]") {
    for (const auto& [arguments, what] : std::vector<std::pair<Lines, std::string>>{
             {{"--capture"}, "--capture: its value is missing"},
             {{"--connect", "x"}, "--connect: no such option"},
             {{"stray"}, "stray: takes no such argument"}}) {
        Process proxy("ex-req-rep2/proxy", arguments);
        CHECK(proxy.wait() == 2);
        CHECK(proxy.output() == "");
        CHECK(proxy.errors() == "proxy: " + what + "\ntry: proxy --help\n");
    }
}
