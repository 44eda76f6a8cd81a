#include "peer.hpp"

#include <csignal>

#include "catch.hpp"

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
        CHECK(server.errors() == "interrupted\n");
    }
}
