#include <zmq.h>

#include <csignal>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"

TEST_CASE("req-rep: each request is answered", "[req-rep]") {
    Process server("req-rep/server", {"--bind", any_port, "--count", "10"});
    Process client("req-rep/client", {"--connect", server.endpoint()});
    CHECK(client.wait() == 0);
    CHECK(server.wait() == 0);
    CHECK(client.lines() == [] {
        std::vector<std::string> lines(10, "received World");
        lines.push_back("10 replies");
        return lines;
    }());
    CHECK(server.last_line() == "10 requests");
}

TEST_CASE("req-rep: a client that starts first waits for its server", "[req-rep]") {
    const Folder folder;
    Process client("req-rep/client", {"--connect", folder.endpoint("s"), "--count", "1"});
    Process server("req-rep/server", {"--bind", folder.endpoint("s"), "--count", "1"});
    CHECK(client.wait() == 0);
    CHECK(client.last_line() == "1 reply");
    CHECK(server.wait() == 0);
    CHECK(server.last_line() == "1 request");
}

TEST_CASE("req-rep: one server serves several clients", "[req-rep]") {
    Process server("req-rep/server", {"--bind", any_port, "--quiet"});
    const std::string endpoint = server.endpoint();
    Process a("req-rep/client", {"--connect", endpoint, "--count", "500"});
    Process b("req-rep/client", {"--connect", endpoint, "--count", "500"});
    CHECK(a.wait() == 0);
    CHECK(b.wait() == 0);
    CHECK(a.last_line() == "500 replies");
    CHECK(b.last_line() == "500 replies");
    CHECK(server.stop(SIGINT) == 0);
    CHECK(server.last_line().rfind("1000 requests in ", 0) == 0);
}

TEST_CASE("req-rep: with --timeout a client outlives its server", "[req-rep]") {
    const Folder folder;
    const std::vector<std::string> bind{"--bind", folder.endpoint("s")};
    Process client("req-rep/client",
                   {"--connect", folder.endpoint("s"), "--timeout", "100", "--count", "0"});
    for (int life = 0; life < 10; ++life) {  // killed between reply and request, some of them
        Process server("req-rep/server", bind);
        server.wait_for("received Hello");
        client.wait_for("received World");
        CHECK(server.stop(SIGKILL) == -SIGKILL);
    }
    CHECK(client.stop(SIGINT) == 0);
}

TEST_CASE("req-rep: with --timeout a client outlives servers that leave right after a reply",
          "[req-rep]") {
    // Its next request meets the end of the connection. Where libzmq has dropped it half written,
    // the rest comes to the next server, which must be able to tell it from a request.
    const Folder folder;
    const std::string endpoint = folder.endpoint("s");
    Process client(BINARY_DIR "/tests/slow-send/req-rep/client",
                   {"--connect", endpoint, "--timeout", "100", "--count", "0"});
    for (int life = 0; life < 20; ++life) {
        Peer server(ZMQ_ROUTER);
        server.set(ZMQ_LINGER, 1000).bind(endpoint);
        for (int replies = 0; replies < 2;) {
            const auto request = server.receive();
            if (request.size() == 2 && request[1].empty()) continue;
            REQUIRE(request.size() == 4);  // identity, number, delimiter, Hello
            CHECK(request[3] == "Hello");
            server.send(request);
            ++replies;
        }
    }
    CHECK(client.stop(SIGINT) == 0);
}

TEST_CASE("req-rep: with --timeout tries do not queue up for a server that comes late",
          "[req-rep]") {
    const Folder folder;
    const auto client = [](const std::string& endpoint) {
        return std::vector<std::string>{"--connect", endpoint, "--timeout", "100", "--count", "1"};
    };
    // The second client is a clock: when it has tried five times, so has the first.
    constexpr int tries = 5;
    Peer silent(ZMQ_ROUTER), late(ZMQ_ROUTER);
    silent.bind(any_port);
    Process early("req-rep/client", client(folder.endpoint("s")));
    Process clock("req-rep/client", client(silent.endpoint()));
    for (int n = 0; n < tries; ++n) silent.receive();
    late.bind(folder.endpoint("s"));
    int requests = 0;  // more than one where a reply took longer than the timeout
    while (early.output().find("1 reply") == std::string::npos) {
        zmq_pollitem_t item{late.get(), 0, ZMQ_POLLIN, 0};
        if (zmq_poll(&item, 1, 10) == 0) continue;
        late.send(late.receive());
        ++requests;
    }
    CHECK(requests < tries);
    CHECK(early.wait() == 0);
}

TEST_CASE("req-rep: with --timeout a late reply is not taken for the next one", "[req-rep]") {
    Peer router(ZMQ_ROUTER);
    router.bind(any_port);
    Process client("req-rep/client",
                   {"--connect", router.endpoint(), "--timeout", "50", "--count", "2"});
    const auto answer = [&router](std::vector<std::string> request, const std::string& body) {
        request.back() = body;
        router.send(request);
    };
    const auto first = router.receive();  // identity, number, delimiter, Hello
    REQUIRE(first.size() == 4);
    // That one has no reply in time. Each later one gets a late reply to it, and then its own.
    // Under load the client may have given up on that one too: then the request after it counts.
    while (client.output().find("2 replies") == std::string::npos) {
        zmq_pollitem_t item{router.get(), 0, ZMQ_POLLIN, 0};
        if (zmq_poll(&item, 1, 10) == 0) continue;
        const auto request = router.receive();
        CHECK(request[1] != first[1]);
        answer(first, "late");
        answer(request, "matching");
    }
    CHECK(client.wait() == 0);
    CHECK(client.lines() ==
          std::vector<std::string>{"received matching", "received matching", "2 replies"});
}

TEST_CASE("req-rep: messages of any size and any bytes, in any number of frames", "[req-rep]") {
    Process server("req-rep/server", {"--bind", any_port, "--count", "4"});
    Peer client(ZMQ_REQ);
    client.connect(server.endpoint());
    const std::vector<std::string> world{"World"};
    client.send({""});
    CHECK(client.receive() == world);
    client.send({std::string("\0\xff\\A\n", 5)});
    CHECK(client.receive() == world);
    client.send({std::string(1 << 20, 'x')});
    CHECK(client.receive() == world);
    client.send({"one", "two", "three"});
    CHECK(client.receive() == world);
    CHECK(server.wait() == 0);
    const auto lines = server.lines();
    REQUIRE(lines.size() == 6);
    CHECK(lines[1] == "received ");
    CHECK(lines[2] == "received \\x00\\xff\\\\A\\x0a");
    CHECK(lines[3] == "received " + std::string(200, 'x') + "... (1048576 bytes)");
    CHECK(lines[4] == "received one");
}

TEST_CASE("req-rep: a client reads a reply of several frames", "[req-rep]") {
    Peer server(ZMQ_REP);
    server.bind(any_port);
    Process client("req-rep/client", {"--connect", server.endpoint(), "--count", "2"});
    for (const auto* reply : {"first", "second"}) {
        CHECK(server.receive() == std::vector<std::string>{"Hello"});
        server.send({reply, "and", "more"});
    }
    CHECK(client.wait() == 0);
    CHECK(client.lines() ==
          std::vector<std::string>{"received first", "received second", "2 replies"});
}

TEST_CASE("req-rep: Ctrl-C ends a client that has no server", "[req-rep]") {
    const Folder folder;
    Process client("req-rep/client", {"--connect", folder.endpoint("nobody")});
    // It says nothing before its first reply, so a server shows that it is up.
    {
        Peer server(ZMQ_ROUTER);
        server.bind(folder.endpoint("nobody"));
        server.receive();
    }
    CHECK(client.stop(SIGINT) == 128 + SIGINT);
    CHECK(client.output() == "0 replies\n");
    CHECK(client.errors() == "client: interrupted, not finished\n");
}

TEST_CASE("req-rep: Ctrl-C in the middle of traffic", "[req-rep]") {
    Process server("req-rep/server", {"--bind", any_port});
    Process client("req-rep/client", {"--connect", server.endpoint(), "--count", "0"});
    client.wait_for("received World");
    CHECK(server.stop(SIGTERM) == 0);
    CHECK(server.errors() == "interrupted\n");
    CHECK(client.stop(SIGINT) == 0);
    CHECK(client.errors() == "interrupted\n");
}
