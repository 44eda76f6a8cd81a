#include "peer.hpp"

#include <csignal>

#include "catch.hpp"

TEST_CASE("retry-req-rep: works with the server of req-rep", "[retry-req-rep]") {
    Process server("req-rep/server", {"--bind", any_port});
    Process client("retry-req-rep/client", {"--connect", server.endpoint(), "--count", "3"});
    CHECK(client.wait() == 0);
    CHECK(client.output() == "received World\nreceived World\nreceived World\n3 replies\n");
}

TEST_CASE("retry-req-rep: a client outlives servers that are killed and restarted",
          "[retry-req-rep]") {
    const Folder folder;
    Process client("retry-req-rep/client",
                   {"--connect", folder.endpoint("s"), "--timeout", "100", "--count", "0"});
    for (int life = 0; life < 5; ++life) {
        Process server("req-rep/server", {"--bind", folder.endpoint("s")});
        server.wait_for("received Hello");
        client.wait_for("received World");
        CHECK(server.stop(SIGKILL) == -SIGKILL);
    }
    CHECK(client.stop(SIGINT) == 128 + SIGINT);
}

TEST_CASE("retry-req-rep: a client asks again when the reply does not come", "[retry-req-rep]") {
    Peer silent(ZMQ_ROUTER);
    Process client("retry-req-rep/client",
                   {"--connect", silent.bind(any_port), "--timeout", "50", "--count", "1"});
    const auto first = silent.receive();
    client.wait_for_error("client: no reply within 50 ms, asking again");
    const auto second = silent.receive();
    CHECK(first.at(2) == "Hello");
    CHECK(second.at(2) == "Hello");
    CHECK(first[0] != second[0]);  // it comes from another socket
    CHECK(client.output().empty());
}

TEST_CASE("retry-req-rep: a late reply is not taken for the reply to a later request",
          "[retry-req-rep]") {
    Peer server(ZMQ_ROUTER);
    Process client("retry-req-rep/client",
                   {"--connect", server.bind(any_port), "--timeout", "100", "--count", "2"});
    const auto answer = [&server](Frames request, const std::string& body) {
        request.back() = body;
        server.send(request);
    };
    const auto late = server.receive();  // has no reply in time
    // Each later one gets a late reply to the first one before its own.
    for (int idle = 0; client.output().find("2 replies") == std::string::npos;) {
        if (poll(server, ZMQ_POLLIN, 10) == 0) {
            REQUIRE(++idle * 10 < deadline_ms);
            continue;
        }
        const auto request = server.receive();
        answer(late, "late");
        answer(request, "its own");
    }
    CHECK(client.wait() == 0);
    CHECK(client.output() == "received its own\nreceived its own\n2 replies\n");
}

TEST_CASE("retry-req-rep: requests do not queue up for a server that comes late",
          "[retry-req-rep]") {
    const Folder folder;
    constexpr int tries = 5;
    Process client("retry-req-rep/client",
                   {"--connect", folder.endpoint("s"), "--timeout", "100", "--count", "1"});
    for (int n = 0; n < tries; ++n) client.wait_for_error("asking again");
    Peer late(ZMQ_ROUTER);
    late.bind(folder.endpoint("s"));
    int requests = 0;  // more than one if a reply takes longer than the timeout
    for (int idle = 0; client.output().find("1 reply") == std::string::npos;) {
        if (poll(late, ZMQ_POLLIN, 10) == 0) {
            REQUIRE(++idle * 10 < deadline_ms);
            continue;
        }
        late.send(late.receive());
        ++requests;
    }
    CHECK(client.wait() == 0);
    for (; poll(late, ZMQ_POLLIN, 100) != 0; ++requests) late.receive();
    CHECK(requests < tries);
}
