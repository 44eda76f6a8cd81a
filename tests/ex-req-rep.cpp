#include "peer.hpp"

#include <algorithm>
#include <csignal>

#include "catch.hpp"

namespace {

struct Proxy : Process {
    Proxy() : Process("ex-req-rep/proxy", {"--frontend", any_port, "--backend", any_port}) {}
    const std::string frontend = endpoint(), backend = endpoint();
    /// Ends it, and returns its lines without the endpoints.
    Frames end() {
        CHECK(stop(SIGINT) == 128 + SIGINT);
        const auto all = lines();
        return {all.begin() + 2, all.end()};
    }
};

/// Answers the next request, and returns its body.
std::string answer(Peer& server, const std::string& body) {
    auto request = server.receive();
    const std::string asked = std::exchange(request.back(), body);
    server.send(request);
    return asked;
}

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
    CHECK(proxy.end().back() == "100 requests");
    CHECK(a.stop(SIGINT) == 128 + SIGINT);
    CHECK(b.stop(SIGINT) == 128 + SIGINT);
    CHECK(std::stoi(a.last_line()) + std::stoi(b.last_line()) == 100);
}

TEST_CASE("ex-req-rep: the proxy shows the frames, and the server names itself", "[ex-req-rep]") {
    Proxy proxy;
    Process server("ex-req-rep/server", {"--connect", proxy.backend, "--name", "A"});
    Process client("ex-req-rep/client", {"--connect", proxy.frontend, "--count", "1"});
    CHECK(client.wait() == 0);
    CHECK(client.output() == "received World\n1 reply\n");
    CHECK(proxy.end() ==
          Frames{"request [routing ID] [] [Hello]", "reply [routing ID] [] [World]", "1 request"});
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
    CHECK(server.output() == "A answers Hello\n1 request\n");
}

TEST_CASE("ex-req-rep: the envelope as it is on the wire and as it is shown", "[ex-req-rep]") {
    Proxy proxy;
    Peer server(ZMQ_DEALER), named(ZMQ_REQ), unnamed(ZMQ_REQ);
    server.connect(proxy.backend);
    named.set(ZMQ_ROUTING_ID, "ann\xff").connect(proxy.frontend);
    unnamed.connect(proxy.frontend);
    named.send({"one", "two"});
    CHECK(server.receive() == Frames{"ann\xff", "", "one", "two"});
    server.send({"ann\xff", "", "to ann"});
    CHECK(named.receive() == Frames{"to ann"});
    unnamed.send({std::string("\0", 1)});
    const auto request = server.receive();
    REQUIRE(request.size() == 3);
    CHECK(request[0].size() == 5);
    CHECK(request[0][0] == '\0');
    server.send({request[0], "", ""});
    CHECK(unnamed.receive() == Frames{""});
    CHECK(proxy.end() == Frames{"request [ann\\xff] [] [one] [two]", "reply [ann\\xff] [] [to ann]",
                                "request [routing ID] [] [\\x00]", "reply [routing ID] [] []",
                                "2 requests"});
}

TEST_CASE("ex-req-rep: whole messages of any size and any number of frames in their order",
          "[ex-req-rep]") {
    Proxy proxy;
    Peer server(ZMQ_ROUTER), client(ZMQ_DEALER);
    server.connect(proxy.backend);
    client.connect(proxy.frontend);
    Frames many{""};
    for (int n = 0; n < 1000; ++n) many.push_back(std::to_string(n));
    const std::vector<Frames> messages = {{"", ""},
                                          {"", std::string("\0\xff\n", 3)},
                                          {"", std::string(1 << 20, 'x')},
                                          many,
                                          {"no delimiter"},
                                          {"", "last"}};
    for (const auto& message : messages) client.send(message);
    for (const auto& message : messages) {
        auto request = server.receive();  // routing IDs of the proxy and, before it, of the client
        REQUIRE(request.size() == message.size() + 2);
        CHECK(std::equal(message.begin(), message.end(), request.begin() + 2));
        server.send(request);
    }
    for (const auto& message : messages) CHECK(client.receive() == message);
}

TEST_CASE("ex-req-rep: replies pass while requests wait for room, and all keep their order",
          "[ex-req-rep]") {
    const Folder folder;  // ipc: its buffers in the kernel are small
    const std::string front = folder.endpoint("front"), back = folder.endpoint("back");
    Process proxy("ex-req-rep/proxy", {"--frontend", front, "--backend", back, "--quiet"});
    Peer server(ZMQ_ROUTER), client(ZMQ_DEALER);
    server.set(ZMQ_RCVHWM, 1).connect(back);
    client.connect(front);
    // More than the server and the proxy's backend take in: one always waits for room, and a proxy
    // that waited with it would forward no reply.
    const std::string padding(1 << 14, ' ');
    constexpr int count = 2000;
    for (int n = 0; n < count; ++n) client.send({"", std::to_string(n) + padding});
    for (int n = 0; n < count; ++n) {
        REQUIRE(answer(server, std::to_string(n)) == std::to_string(n) + padding);
        REQUIRE(client.receive() == Frames{"", std::to_string(n)});
    }
}

TEST_CASE("ex-req-rep: replies without a client hold up no other", "[ex-req-rep]") {
    Proxy proxy;
    Peer server(ZMQ_DEALER), client(ZMQ_REQ);
    server.connect(proxy.backend);
    {
        Peer leaves(ZMQ_REQ);
        leaves.connect(proxy.frontend);
        leaves.send({"leaves"});
        CHECK(answer(server, "late") == "leaves");
    }
    server.send({"unknown", "", "no request"});
    server.send({"a single frame"});
    server.send({"", "", ""});
    client.connect(proxy.frontend);
    client.send({"Hello"});
    CHECK(answer(server, "World") == "Hello");
    CHECK(client.receive() == Frames{"World"});
    CHECK(proxy.end().back() == "2 requests");
}

TEST_CASE("ex-req-rep: a server answers requests of any bytes and any number of frames",
          "[ex-req-rep]") {
    Peer proxy(ZMQ_DEALER);
    Process server("ex-req-rep/server", {"--connect", proxy.bind(any_port)});
    for (const Frames& request :
         {Frames{"no delimiter"}, {"id", "", "one", "two"}, {"id", "", std::string("\0", 1)}}) {
        proxy.send(request);
        if (request.size() > 1) CHECK(proxy.receive() == Frames{"id", "", "World"});
    }
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
    CHECK(server.output() == "server answers one\nserver answers \\x00\n2 requests\n");
}
