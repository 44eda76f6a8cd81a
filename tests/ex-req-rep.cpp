#include "peer.hpp"

#include <algorithm>
#include <csignal>

#include "catch.hpp"

namespace {

struct Proxy : Process {
    Proxy() : Process("ex-req-rep/proxy", {"--frontend", any_port, "--backend", any_port}) {}
    const std::string frontend = endpoint(), backend = endpoint();
};

}  // namespace

TEST_CASE("ex-req-rep: many clients and many servers, and each server names itself",
          "[ex-req-rep]") {
    Proxy proxy;
    const std::string server = "ex-req-rep/server --connect " + proxy.backend + " --name ",
                      client = "ex-req-rep/client --count 50 --connect " + proxy.frontend;
    Process a(server + "A"), b(server + "B"), one(client), two(client);
    CHECK(one.wait() == 0);
    CHECK(two.wait() == 0);
    CHECK(proxy.stop(SIGINT) == 128 + SIGINT);
    CHECK(proxy.last_line() == "100 requests");
    CHECK(a.lines_with("A answers").size() + b.lines_with("B answers").size() == 100);
}

TEST_CASE(
    "ex-req-rep: whole messages in their order, and replies without a client hold up no other",
    "[ex-req-rep]") {
    Proxy proxy;
    Peer server(ZMQ_ROUTER), client(ZMQ_DEALER);
    server.connect(proxy.backend);
    client.set(ZMQ_ROUTING_ID, "ann\xff").connect(proxy.frontend);
    Frames many{""};
    for (int n = 0; n < 1000; ++n) many.push_back(std::to_string(n));
    const std::vector<Frames> messages = {{"", "one", "two"},
                                          {"", std::string("\0\xff\n", 3)},
                                          {"no delimiter"},
                                          {"", std::string(1 << 20, 'x')},
                                          many,
                                          {"", ""}};
    for (const auto& message : messages) client.send(message);
    for (const auto& message : messages) {
        const auto request = server.receive();
        const std::string of_proxy = request[0];  // a routing ID
        Frames expected{of_proxy, "ann\xff"};
        expected.insert(expected.end(), message.begin(), message.end());
        CHECK(request == expected);
        server.send({of_proxy, "unknown", "", "no request"});
        server.send({of_proxy, "a single frame"});
        server.send({of_proxy, "", "", ""});
        server.send(request);
    }
    for (const auto& message : messages) CHECK(client.receive() == message);
    CHECK(proxy.stop(SIGINT) == 128 + SIGINT);
    CHECK(proxy.last_line() == "6 requests");
    auto requests = proxy.lines_with("request"), replies = proxy.lines_with("reply");
    requests.resize(3);
    replies.resize(4);
    const std::string one = "[ann\\xff] [] [one] [two]";
    CHECK(requests == Lines{one, "[ann\\xff] [] [\\x00\\xff\\x0a]", "[ann\\xff] [no delimiter]"});
    CHECK(replies == Lines{"[unknown] [] [no request]", "[a single frame]", "[] [] []", one});
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
        const auto request = server.receive();
        REQUIRE(request.back() == std::to_string(n) + padding);
        server.send(request);
        REQUIRE(client.receive() == Frames{"", request.back()});
    }
}

TEST_CASE("ex-req-rep: a flood of messages one way does not hold up the other way",
          "[ex-req-rep]") {
    Proxy proxy;
    Peer server(ZMQ_DEALER), client(ZMQ_DEALER);
    server.connect(proxy.backend);
    client.set(ZMQ_ROUTING_ID, "ann").connect(proxy.frontend);
    client.send({"", "first"});
    server.send(server.receive());
    proxy.signal(SIGSTOP);  // so that messages wait on both sides before it forwards any
    constexpr int count = 4000;
    Frames message{"ann", ""};
    message.resize(8, std::string(200, '\xff'));  // takes long to print, so more come meanwhile
    for (int n = 0; n < count; ++n) client.send({message.begin() + 1, message.end()});
    for (int n = 0; n < count; ++n) server.send(message);
    proxy.signal(SIGCONT);
    for (int n = 0; n < count; ++n) server.receive();
    for (int n = 0; n <= count; ++n) proxy.wait_for("reply ");  // a slow client may lose some
    CHECK(proxy.stop(SIGINT) == 128 + SIGINT);
    const auto lines = proxy.lines();
    const auto requests = std::count_if(lines.begin(), lines.begin() + count, [](const auto& line) {
        return line.rfind("request ", 0) == 0;
    });
    CHECK(requests > count / 4);
    CHECK(requests < count * 3 / 4);
}
