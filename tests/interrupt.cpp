#include "peer.hpp"

#include <csignal>

#include "catch.hpp"

TEST_CASE("interrupt: the server shows the signal and the clean-up", "[interrupt]") {
    Process server("interrupt/server", {"--bind", any_port});
    const std::string endpoint = server.endpoint();
    Process client("req-rep/client", {"--connect", endpoint, "--count", "2"});
    CHECK(client.wait() == 0);
    CHECK(client.last_line() == "2 replies");
    CHECK(server.stop(SIGINT) == 128 + SIGINT);
    const auto lines = server.lines();
    REQUIRE(lines.size() == 5);
    CHECK(Lines(lines.begin(), lines.begin() + 3) ==
          Lines{"listening on " + endpoint, "received Hello", "received Hello"});
    CHECK(server.errors() == "interrupted\n");
}

TEST_CASE("interrupt: no signal is missed, whenever it comes, and the last reply arrives",
          "[interrupt]") {
    for (int trial = 0; trial < 20; ++trial) {
        Process server("interrupt/server", {"--bind", any_port});
        Peer client(ZMQ_REQ);
        client.connect(server.endpoint());
        for (int n = 0; n <= trial; ++n) {
            if (n > 0) CHECK(client.receive() == Frames{"World"});
            client.send({"Hello"});
            server.wait_for("received Hello");
        }
        const int number = trial % 2 == 0 ? SIGINT : SIGTERM;
        CHECK(server.stop(number) == 128 + number);
        CHECK(client.receive() == Frames{"World"});
    }
}
