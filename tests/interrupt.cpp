#include "peer.hpp"

#include <csignal>

#include "catch.hpp"

TEST_CASE("interrupt: the server answers, and shows the signal and the clean-up", "[interrupt]") {
    Process server("interrupt/server", {"--bind", any_port});
    const std::string endpoint = server.endpoint();
    Process client("req-rep/client", {"--connect", endpoint, "--count", "2"});
    CHECK(client.wait() == 0);
    CHECK(client.last_line() == "2 replies");
    CHECK(server.lines() == Frames{"listening on " + endpoint, "received Hello", "received Hello"});
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
    CHECK(server.lines().size() == 5);
    CHECK(server.errors() == "interrupted\n");
}

TEST_CASE("interrupt: no signal is missed, whenever it comes", "[interrupt]") {
    for (int trial = 0; trial < 20; ++trial) {
        Process server("interrupt/server", {"--bind", any_port});
        Process client("req-rep/client", {"--connect", server.endpoint(), "--count", "0"});
        for (int n = 0; n < 5 * trial; ++n) client.wait_for("received World");
        const int number = trial % 2 == 0 ? SIGINT : SIGTERM;
        CHECK(server.stop(number) == 128 + number);
    }
}

TEST_CASE("interrupt: a request that was received is answered although a signal comes",
          "[interrupt]") {
    for (int trial = 0; trial < 10; ++trial) {
        Process server("interrupt/server", {"--bind", any_port});
        Peer client(ZMQ_REQ);
        client.connect(server.endpoint());
        client.send({"Hello"});
        server.wait_for("received Hello");
        CHECK(server.stop(SIGINT) == 128 + SIGINT);
        CHECK(client.receive() == Frames{"World"});
    }
}
