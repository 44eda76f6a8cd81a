#include "peer.hpp"

#include <csignal>

#include "catch.hpp"

TEST_CASE("req-rep: each request gets one reply", "[req-rep]") {
    Process server("req-rep/server", {"--bind", any_port});
    const std::string endpoint = server.endpoint();
    Process client("req-rep/client", {"--connect", endpoint});
    CHECK(client.wait() == 0);
    auto expected = Frames(10, "received World");
    expected.push_back("10 replies");
    CHECK(client.lines() == expected);
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
    expected = Frames(10, "received Hello");
    expected.insert(expected.begin(), "listening on " + endpoint);
    expected.push_back("10 requests");
    CHECK(server.lines() == expected);
}

TEST_CASE("req-rep: a client that starts first waits for its server", "[req-rep]") {
    const Folder folder;
    Process client("req-rep/client", {"--connect", folder.endpoint("s"), "--count", "1"});
    Process server("req-rep/server", {"--bind", folder.endpoint("s")});
    CHECK(client.wait() == 0);
    CHECK(client.last_line() == "1 reply");
    CHECK(server.stop(SIGTERM) == 128 + SIGTERM);
    CHECK(server.last_line() == "1 request");
}

TEST_CASE("req-rep: one server serves several clients", "[req-rep]") {
    Process server("req-rep/server", {"--bind", any_port});
    const std::string endpoint = server.endpoint();
    Process a("req-rep/client", {"--connect", endpoint, "--count", "100"});
    Process b("req-rep/client", {"--connect", endpoint, "--count", "100"});
    CHECK(a.wait() == 0);
    CHECK(b.wait() == 0);
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
    CHECK(server.last_line() == "200 requests");
}

TEST_CASE("req-rep: the server answers requests of any bytes and any number of frames",
          "[req-rep]") {
    Process server("req-rep/server", {"--bind", any_port});
    Peer client(ZMQ_DEALER);
    client.connect(server.endpoint());
    client.send({"without a delimiter"});  // a REP drops it
    for (const Frames& request : {Frames{"", ""},
                                  {"", std::string("\0\xff\\A\n", 5)},
                                  {"", std::string(1 << 20, 'x')},
                                  {"", "one", "two", "three"},
                                  {"", "last"}}) {
        client.send(request);
        CHECK(client.receive() == Frames{"", "World"});
    }
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
    const auto lines = server.lines();
    CHECK(Frames(lines.begin() + 1, lines.end()) ==
          Frames{"received ", "received \\x00\\xff\\\\A\\x0a",
                 "received " + std::string(200, 'x') + "... (1048576 bytes)", "received one",
                 "received last", "5 requests"});
}

TEST_CASE("req-rep: a client reads replies of several frames", "[req-rep]") {
    Peer server(ZMQ_REP);
    Process client("req-rep/client", {"--connect", server.bind(any_port), "--count", "2"});
    for (const auto* reply : {"first", "second"}) {
        CHECK(server.receive() == Frames{"Hello"});
        server.send({reply, "and", "more"});
    }
    CHECK(client.wait() == 0);
    CHECK(client.output() == "received first\nreceived second\n2 replies\n");
}
