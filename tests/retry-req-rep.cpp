#include "peer.hpp"

#include <csignal>

#include "catch.hpp"
#include "relay.hpp"

TEST_CASE("retry-req-rep: a client outlives servers that are killed and restarted",
          "[retry-req-rep]") {
    const Folder folder;
    Process client("retry-req-rep/client --timeout 100 --count 0 --connect " +
                   folder.endpoint("s"));
    for (int life = 0; life < 5; ++life) {
        Process server("req-rep/server", {"--bind", folder.endpoint("s")});
        server.wait_for("received Hello");
        client.wait_for("received World");
        CHECK(server.stop(SIGKILL) == -SIGKILL);
    }
    CHECK(client.stop(SIGINT) == 128 + SIGINT);
}

TEST_CASE("retry-req-rep: a client asks again on another socket and never takes a late reply",
          "[retry-req-rep]") {
    const Folder folder;
    Process client("retry-req-rep/client --timeout 100 --count 2 --connect " +
                   folder.endpoint("s"));
    constexpr int tries = 10;
    for (int n = 0; n < tries; ++n) client.wait_for_error("no reply within 100 ms, asking again");
    Peer server(ZMQ_ROUTER);
    server.bind(folder.endpoint("s"));
    const auto late = server.receive();  // has no reply in time
    CHECK(late.at(2) == "Hello");
    client.wait_for_error("asking again");
    CHECK(client.output().empty());
    const auto end = std::chrono::steady_clock::now() + deadline;
    int requests = 0;  // more than two if a reply takes longer than the timeout
    while (client.last_line() != "2 replies") {
        REQUIRE(requests < tries);  // the requests from before the server have not queued up
        REQUIRE(std::chrono::steady_clock::now() < end);
        if (poll(server, ZMQ_POLLIN, 10) == 0) continue;
        const auto request = server.receive();
        CHECK(request.at(0) != late[0]);
        server.send({late[0], "", "late"});
        server.send({request[0], "", "its own"});
        ++requests;
    }
    CHECK(client.wait() == 0);
    CHECK(client.output() == "received its own\nreceived its own\n2 replies\n");
}

TEST_CASE("retry-req-rep: heartbeats notice a silent network, and a client goes on after it",
          "[retry-req-rep]") {
    Process server("req-rep/server", {"--bind", any_port});
    Relay network(server.endpoint());
    Process client("retry-req-rep/client --timeout 200 --count 0 --connect " + network.endpoint());
    client.wait_for("received World");
    Peer with_heartbeats(ZMQ_REQ);
    with_heartbeats.set(ZMQ_HEARTBEAT_IVL, 50).set(ZMQ_HEARTBEAT_TIMEOUT, 200);
    Monitor monitor(with_heartbeats, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
    with_heartbeats.connect(network.endpoint());
    CHECK(monitor.next().id == ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    network.hold_up();  // the connections look intact
    CHECK(monitor.next().id == ZMQ_EVENT_DISCONNECTED);
    for (int n = 0; n < 3; ++n) client.wait_for_error("asking again");
    const size_t before = client.lines().size();
    network.let_through();
    while (client.lines().size() == before) client.wait_for("received World");
}
