#include <zmq.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"
#include "refusals.hpp"

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
    const Folder folder;  // ipc: its buffers in the kernel are small
    const std::string front = folder.endpoint("front"), back = folder.endpoint("back");
    Process proxy("ex-req-rep/proxy", {"--frontend", front, "--backend", back, "--quiet"});
    Peer server(ZMQ_ROUTER), client(ZMQ_DEALER);
    server.set(ZMQ_RCVHWM, 1).connect(back);
    client.connect(front);
    // More than the server and the proxy's backend take in: there is always one that nobody has
    // room for, and a proxy that waited with it would pass no reply on.
    const std::string body(1 << 14, 'x');
    constexpr int count = 2000;
    for (int n = 0; n < count; ++n) client.send({"", body});
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

TEST_CASE("ex-req-rep: Ctrl-C right after an endpoint is known ends the proxy", "[ex-req-rep]") {
    for (int trial = 0; trial < 20; ++trial) {
        Process proxy("ex-req-rep/proxy", {"--frontend", any_port, "--backend", any_port});
        proxy.endpoint();
        if (trial % 2 == 0) proxy.endpoint();
        CHECK(proxy.stop(trial % 4 < 2 ? SIGINT : SIGTERM) == 0);
        CHECK(proxy.errors() == "interrupted\n");
    }
}

TEST_CASE("ex-req-rep: Ctrl-C ends a proxy whose queues are full", "[ex-req-rep]") {
    const Folder folder;
    const std::string front = folder.endpoint("front"), back = folder.endpoint("back");
    Process proxy("ex-req-rep/proxy", {"--frontend", front, "--backend", back});
    Peer server(ZMQ_DEALER), client(ZMQ_DEALER);
    server.set(ZMQ_RCVHWM, 1).connect(back);  // and never receives
    client.connect(front);
    const std::string body(1 << 12, 'x');
    for (int n = 0; n < 1500; ++n) client.send({"", body});
    for (int n = 0; n < 1000; ++n) proxy.wait_for("request [identity]");  // a high-water mark
    CHECK(proxy.stop(SIGINT) == 0);
    CHECK(proxy.last_line().find(" requests") != std::string::npos);
    CHECK(proxy.errors() == "interrupted\n");
}

TEST_CASE("ex-req-rep: Ctrl-C ends a client and servers that have no proxy", "[ex-req-rep]") {
    const Folder folder;
    const std::string there = folder.endpoint("proxy");
    Process client("ex-req-rep/client", {"--connect", there});
    {
        Peer proxy(ZMQ_ROUTER);  // shows that the client is up, and goes
        proxy.bind(there);
        CHECK(proxy.receive().back() == "Hello");
    }
    CHECK(client.stop(SIGINT) == 128 + SIGINT);
    CHECK(client.output() == "0 replies\n");
    CHECK(client.errors() == "client: interrupted, not finished\n");
    for (const std::string count : {"0", "5"}) {
        Process server("ex-req-rep/server", {"--connect", there, "--count", count});
        {
            Peer proxy(ZMQ_DEALER);
            proxy.bind(there);
            proxy.send({"", "Hello"});
            CHECK(proxy.receive() == Lines{"", "World"});
        }
        CHECK(server.stop(SIGTERM) == (count == "0" ? 0 : 128 + SIGTERM));
        CHECK(server.output() == "server answers Hello\n1 request\n");
        CHECK(server.errors() ==
              (count == "0" ? "interrupted\n" : "server: interrupted, not finished\n"));
    }
}

TEST_CASE("ex-req-rep: the envelope as it is on the wire and as it is shown", "[ex-req-rep]") {
    Proxy proxy;
    Peer server(ZMQ_DEALER), named(ZMQ_REQ), unnamed(ZMQ_REQ);
    REQUIRE(zmq_setsockopt(named.get(), ZMQ_ROUTING_ID, "ann\xff", 4) == 0);
    server.connect(proxy.backend);
    named.connect(proxy.frontend);
    unnamed.connect(proxy.frontend);
    named.send({"one", "two"});
    CHECK(server.receive() == Lines{"ann\xff", "", "one", "two"});
    server.send({"ann\xff", "", "to ann"});
    CHECK(named.receive() == Lines{"to ann"});
    unnamed.send({std::string("\0", 1)});
    const auto request = server.receive();
    REQUIRE(request.size() == 3);
    CHECK(request[0].size() == 5);
    CHECK(request[0][0] == '\0');
    server.send({request[0], "", ""});
    CHECK(unnamed.receive() == Lines{""});
    CHECK(proxy.stop(SIGINT) == 0);
    const auto lines = proxy.lines();
    CHECK(Lines(lines.begin() + 2, lines.end()) ==
          Lines{"request [ann\\xff] [] [one] [two]", "reply [ann\\xff] [] [to ann]",
                "request [identity] [] [\\x00]", "reply [identity] [] []", "2 requests"});
}

TEST_CASE("ex-req-rep: replies that have nobody to go to hold up no other", "[ex-req-rep]") {
    Proxy proxy;
    Peer server(ZMQ_DEALER), client(ZMQ_REQ);
    server.connect(proxy.backend);
    {
        Peer gone(ZMQ_REQ);
        gone.connect(proxy.frontend);
        gone.send({"leaves"});
        auto request = server.receive();
        CHECK(request.back() == "leaves");
        request.back() = "late";
        server.send(request);
    }
    server.send({"unknown", "", "nobody asked"});
    server.send({"a single frame"});
    server.send({"", "", ""});
    client.connect(proxy.frontend);
    client.send({"Hello"});
    auto request = server.receive();
    CHECK(request.back() == "Hello");
    request.back() = "World";
    server.send(request);
    CHECK(client.receive() == Lines{"World"});
    CHECK(proxy.stop(SIGINT) == 0);
    CHECK(proxy.last_line() == "2 requests");
}

TEST_CASE("ex-req-rep: when a server leaves the requests go to those that stay", "[ex-req-rep]") {
    Proxy proxy;
    Process leaves("ex-req-rep/server", {"--connect", proxy.backend, "--count", "5"});
    Peer client(ZMQ_DEALER);
    client.connect(proxy.frontend);
    for (int n = 0; n < 5; ++n) {
        client.send({"", "Hello"});
        CHECK(client.receive() == Lines{"", "World"});
    }
    CHECK(leaves.wait() == 0);
    CHECK(leaves.last_line() == "5 requests");
    Process stays("ex-req-rep/server", {"--connect", proxy.backend, "--name", "B"});
    // What is dealt to the one that has gone before the proxy knows is lost, so it is sent again.
    zmq_pollitem_t item{client.get(), 0, ZMQ_POLLIN, 0};
    do client.send({"", "again"});
    while (zmq_poll(&item, 1, 10) == 0);
    CHECK(client.receive() == Lines{"", "World"});
    stays.wait_for("B answers again");
}

TEST_CASE("ex-req-rep: a client that asks without a delimiter harms no other", "[ex-req-rep]") {
    Proxy proxy;
    Process server("ex-req-rep/server", {"--connect", proxy.backend});
    {
        Peer odd(ZMQ_DEALER);
        odd.set(ZMQ_LINGER, -1).connect(proxy.frontend);
        odd.send({"no delimiter"});
        odd.send({"nor", "here"});
    }
    proxy.wait_for("request [identity] [nor] [here]");
    Process client("ex-req-rep/client", {"--connect", proxy.frontend, "--count", "5"});
    CHECK(client.wait() == 0);
    CHECK(server.stop(SIGINT) == 0);
    CHECK(server.last_line() == "5 requests");
}

TEST_CASE("ex-req-rep: each endpoint that is taken is named with a hint", "[ex-req-rep]") {
    Peer holder(ZMQ_ROUTER);
    holder.bind(any_port);
    for (const std::string option : {"--frontend", "--backend"}) {
        const std::string other = option == "--frontend" ? "--backend" : "--frontend";
        finds_taken("ex-req-rep/proxy", {option, holder.endpoint(), other, any_port},
                    holder.endpoint(), option == "--frontend" ? 0 : 1);
    }
}

TEST_CASE("ex-req-rep: wrong arguments", "[ex-req-rep]") {
    is_refused("ex-req-rep/proxy", {"--frontend"}, "--frontend: its value is missing");
    is_refused("ex-req-rep/proxy", {"--count", "1"}, "--count: no such option");
    is_refused("ex-req-rep/server", {"--count", "-1"},
               "--count -1: not a whole number from 0 to 2147483647");
    is_refused("ex-req-rep/client", {"--count", "2147483648"},
               "--count 2147483648: not a whole number from 0 to 2147483647");
    is_refused("ex-req-rep/client", {"stray"}, "stray: takes no such argument");
    Process nowhere("ex-req-rep/client", {"--connect", "tcp://127.0.0.1:*"});
    CHECK(nowhere.wait() == 1);
    CHECK(nowhere.errors() ==
          "client: zmq_connect tcp://127.0.0.1:*: Invalid argument\n* is for bind: connect to the "
          "address of the machine that is bound\n");
}
