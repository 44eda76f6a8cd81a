#include "peer.hpp"

#include <algorithm>
#include <csignal>

#include "catch.hpp"

namespace {

struct Proxy : Process {
    Proxy() : Process("ex-req-rep/proxy", {"--frontend", any_port, "--backend", any_port}) {}
    const std::string frontend = endpoint(), backend = endpoint();
    /// Ends it, and returns its lines without the endpoints.
    Lines end() {
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

TEST_CASE("ex-req-rep: many clients and many servers, and each server names itself",
          "[ex-req-rep]") {
    Proxy proxy;
    Process a("ex-req-rep/server", {"--connect", proxy.backend, "--name", "A"});
    Process b("ex-req-rep/server", {"--connect", proxy.backend, "--name", "B"});
    Process one("ex-req-rep/client", {"--connect", proxy.frontend, "--count", "50"});
    Process two("ex-req-rep/client", {"--connect", proxy.frontend, "--count", "50"});
    for (Process* client : {&one, &two}) {
        CHECK(client->wait() == 0);
        CHECK(client->last_line() == "50 replies");
    }
    CHECK(proxy.end().back() == "100 requests");
    CHECK(a.stop(SIGINT) == 128 + SIGINT);
    CHECK(b.stop(SIGINT) == 128 + SIGINT);
    const size_t answers = a.lines_with("A answers").size() + b.lines_with("B answers").size();
    CHECK(answers == 100);
    CHECK(std::stoi(a.last_line()) + std::stoi(b.last_line()) == 100);
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
    CHECK(proxy.end() == Lines{"request [ann\\xff] [] [one] [two]", "reply [ann\\xff] [] [to ann]",
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

TEST_CASE("ex-req-rep: a flood of messages one way does not hold up the other way",
          "[ex-req-rep]") {
    Proxy proxy;
    Peer server(ZMQ_DEALER), client(ZMQ_DEALER);
    server.connect(proxy.backend);
    client.set(ZMQ_ROUTING_ID, "ann").connect(proxy.frontend);
    client.send({"", "first"});
    CHECK(answer(server, "first") == "first");
    proxy.signal(SIGSTOP);  // so that messages wait on both sides before it forwards any
    constexpr int count = 4000;
    Frames message{"ann", ""};
    message.resize(8, std::string(200, '\xff'));  // takes long to print, so more come meanwhile
    for (int n = 0; n < count; ++n) client.send({message.begin() + 1, message.end()});
    for (int n = 0; n < count; ++n) server.send(message);
    proxy.signal(SIGCONT);
    for (int n = 0; n < count; ++n) server.receive();
    for (int n = 0; n <= count; ++n) proxy.wait_for("reply ");  // a slow client may lose some
    // Before the last message one way, many have passed the other way.
    int requests = 0, replies = 0, requests_before_reply = 0, replies_before_request = 0;
    for (const auto& line : proxy.end())
        if (line.rfind("request ", 0) == 0)
            ++requests, replies_before_request = replies;
        else if (line.rfind("reply ", 0) == 0)
            ++replies, requests_before_reply = requests;
    CHECK(replies_before_request > count / 3);
    CHECK(requests_before_reply > count / 3);
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
