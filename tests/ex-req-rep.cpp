#include <zmq.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"

using Lines = std::vector<std::string>;

namespace {

struct Proxy : Process {
    Proxy() : Process("ex-req-rep/proxy", {"--frontend", any_port, "--backend", any_port}) {}
    const std::string frontend = endpoint(), backend = endpoint();
};

}  // namespace

TEST_CASE("ex-req-rep: many clients and many servers, each reply to its client", "[ex-req-rep]") {
    Proxy proxy;
    Process a("ex-req-rep/server", {"--connect", proxy.backend, "--name", "A"});
    Process b("ex-req-rep/server", {"--connect", proxy.backend, "--name", "B"});
    Process one("ex-req-rep/client", {"--connect", proxy.frontend, "--count", "50"});
    Process two("ex-req-rep/client", {"--connect", proxy.frontend, "--count", "50"});
    CHECK(one.wait() == 0);
    CHECK(two.wait() == 0);
    CHECK(one.last_line() == "50 replies");
    CHECK(two.last_line() == "50 replies");
    CHECK(proxy.stop(SIGINT) == 0);
    CHECK(proxy.last_line() == "100 requests");
    CHECK(a.stop(SIGINT) == 0);
    CHECK(b.stop(SIGINT) == 0);
    CHECK(std::stoi(a.last_line()) + std::stoi(b.last_line()) == 100);
}

TEST_CASE("ex-req-rep: the proxy shows the frames as they pass", "[ex-req-rep]") {
    Proxy proxy;
    Process server("ex-req-rep/server", {"--connect", proxy.backend, "--name", "A"});
    Process client("ex-req-rep/client", {"--connect", proxy.frontend, "--count", "1"});
    CHECK(client.wait() == 0);
    CHECK(proxy.stop(SIGINT) == 0);
    CHECK(proxy.lines() == Lines{"listening on " + proxy.frontend, "listening on " + proxy.backend,
                                 "request [identity] [] [Hello]", "reply [identity] [] [World]",
                                 "1 request"});
    CHECK(server.stop(SIGINT) == 0);
    CHECK(server.output() == "A answers Hello\n1 request\n");
}

TEST_CASE("ex-req-rep: requests go to the servers in turn", "[ex-req-rep]") {
    Proxy proxy;
    Peer a(ZMQ_DEALER), b(ZMQ_DEALER), client(ZMQ_DEALER);
    a.connect(proxy.backend);
    b.connect(proxy.backend);
    client.connect(proxy.frontend);
    // Both are known to the proxy when each has been dealt one: until then one may get all.
    std::set<std::string> at_a, at_b;
    for (int n = 0; at_a.empty() || at_b.empty(); ++n) {
        client.send({"", "warm " + std::to_string(n)});
        zmq_pollitem_t items[] = {{a.get(), 0, ZMQ_POLLIN, 0}, {b.get(), 0, ZMQ_POLLIN, 0}};
        REQUIRE(zmq_poll(items, 2, 20000) == 1);
        if (items[0].revents != 0) at_a.insert(a.receive().back());
        if (items[1].revents != 0) at_b.insert(b.receive().back());
    }
    for (int n = 0; n < 10; ++n) client.send({"", std::to_string(n)});
    Lines of_a, of_b;
    for (int n = 0; n < 5; ++n) {
        of_a.push_back(a.receive().back());
        of_b.push_back(b.receive().back());
    }
    if (of_a.front() != "0") std::swap(of_a, of_b);
    CHECK(of_a == Lines{"0", "2", "4", "6", "8"});
    CHECK(of_b == Lines{"1", "3", "5", "7", "9"});
}

TEST_CASE("ex-req-rep: whole messages of any size and any number of frames in their order",
          "[ex-req-rep]") {
    Proxy proxy;
    Peer server(ZMQ_ROUTER), client(ZMQ_DEALER);
    server.connect(proxy.backend);
    client.connect(proxy.frontend);
    Lines many{""};
    for (int n = 0; n < 1000; ++n) many.push_back(std::to_string(n));
    const std::vector<Lines> messages = {{"", ""},
                                         {"", std::string("\0\xff\n", 3)},
                                         {"", std::string(1 << 20, 'x')},
                                         many,
                                         {"no delimiter"},
                                         {"", "last"}};
    for (const auto& message : messages) client.send(message);
    for (const auto& message : messages) {
        auto got = server.receive();  // identities of the proxy and of the client before it
        REQUIRE(got.size() == message.size() + 2);
        CHECK(std::equal(message.begin(), message.end(), got.begin() + 2));
        server.send(got);
    }
    for (const auto& message : messages) CHECK(client.receive() == message);
}

TEST_CASE("ex-req-rep: a thousand requests in flight keep their order", "[ex-req-rep]") {
    Process proxy("ex-req-rep/proxy", {"--frontend", any_port, "--backend", any_port, "--quiet"});
    Peer client(ZMQ_DEALER);
    client.connect(proxy.endpoint());
    Process server("ex-req-rep/server", {"--connect", proxy.endpoint()});
    for (int n = 0; n < 1000; ++n) client.send({"", std::to_string(n)});
    for (int n = 0; n < 1000; ++n) CHECK(client.receive() == Lines{"", "World"});
    CHECK(server.stop(SIGINT) == 0);
    const auto lines = server.lines();
    REQUIRE(lines.size() == 1001);
    for (size_t n = 0; n < 1000; ++n) CHECK(lines[n] == "server answers " + std::to_string(n));
    CHECK(proxy.stop(SIGINT) == 0);
    CHECK(proxy.last_line().rfind("1000 requests in ", 0) == 0);
}

TEST_CASE("ex-req-rep: replies go on while requests wait for a server with room", "[ex-req-rep]") {
    Proxy proxy;
    Peer server(ZMQ_ROUTER), client(ZMQ_DEALER);
    server.set(ZMQ_RCVHWM, 1).connect(proxy.backend);
    client.connect(proxy.frontend);
    // Far more than the server takes in: the proxy is left with one that nobody has room for.
    const std::string large(1 << 14, 'x');
    constexpr int count = 2000;
    for (int n = 0; n < count; ++n) client.send({"", large});
    for (int n = 0; n < count; ++n) {
        auto request = server.receive();
        REQUIRE(request.size() == 4);
        request.back() = std::to_string(n);
        server.send(request);
        CHECK(client.receive() == Lines{"", std::to_string(n)});
    }
}

TEST_CASE("ex-req-rep: a request waits for a server that comes later", "[ex-req-rep]") {
    Proxy proxy;
    Process one("ex-req-rep/client", {"--connect", proxy.frontend, "--count", "2"});
    Process two("ex-req-rep/client", {"--connect", proxy.frontend, "--count", "2"});
    Process server("ex-req-rep/server", {"--connect", proxy.backend});
    CHECK(one.wait() == 0);
    CHECK(two.wait() == 0);
    CHECK(server.stop(SIGINT) == 0);
    CHECK(server.last_line() == "4 requests");
}

TEST_CASE("ex-req-rep: the three may start in any order", "[ex-req-rep]") {
    const Folder folder;
    const std::string front = folder.endpoint("front"), back = folder.endpoint("back");
    Process client("ex-req-rep/client", {"--connect", front, "--count", "3"});
    Process server("ex-req-rep/server", {"--connect", back, "--count", "3"});
    Process proxy("ex-req-rep/proxy", {"--frontend", front, "--backend", back});
    CHECK(client.wait() == 0);
    CHECK(server.wait() == 0);
    CHECK(client.last_line() == "3 replies");
    CHECK(server.last_line() == "3 requests");
}

TEST_CASE("ex-req-rep: bytes that are no ZeroMQ do not become a server", "[ex-req-rep]") {
    Proxy proxy;
    RawPeer browser(proxy.backend);
    browser.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    browser.wait_for_end();
    Process client("ex-req-rep/client", {"--connect", proxy.frontend, "--count", "4"});
    Process server("ex-req-rep/server", {"--connect", proxy.backend});
    CHECK(client.wait() == 0);
}

TEST_CASE("ex-req-rep: Ctrl-C in the middle of traffic and with nobody there", "[ex-req-rep]") {
    const Folder folder;
    Process proxy("ex-req-rep/proxy",
                  {"--frontend", folder.endpoint("front"), "--backend", folder.endpoint("back")});
    Process server("ex-req-rep/server", {"--connect", folder.endpoint("back")});
    Process client("ex-req-rep/client", {"--connect", folder.endpoint("front"), "--count", "0"});
    client.wait_for("received World");
    CHECK(proxy.stop(SIGTERM) == 0);
    CHECK(proxy.errors() == "interrupted\n");
    CHECK(client.stop(SIGINT) == 0);
    CHECK(server.stop(SIGINT) == 0);
    Process alone("ex-req-rep/proxy", {"--frontend", any_port, "--backend", any_port});
    alone.endpoint();
    alone.endpoint();
    CHECK(alone.stop(SIGINT) == 0);
    CHECK(alone.last_line() == "0 requests");
}
