#include <zmq.h>

#include <csignal>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"

using Lines = std::vector<std::string>;

TEST_CASE("interrupt: the server answers and then shows each step of its end", "[interrupt]") {
    Process server("interrupt/server", {"--bind", any_port});
    const std::string endpoint = server.endpoint();
    Process client("req-rep/client", {"--connect", endpoint, "--count", "2"});
    CHECK(client.wait() == 0);
    CHECK(client.last_line() == "2 replies");
    CHECK(server.stop(SIGINT) == 0);
    CHECK(server.lines() == Lines{"listening on " + endpoint, "received Hello", "received Hello",
                                  "signal 2: cleaning up", "socket closed, context terminated",
                                  "2 requests"});
    CHECK(server.errors() == "interrupted\n");
}

TEST_CASE("interrupt: no signal is missed right after the endpoint is known", "[interrupt]") {
    for (int trial = 0; trial < 40; ++trial) {
        Process server("interrupt/server", {"--bind", any_port});
        server.endpoint();
        const int number = trial % 2 == 0 ? SIGINT : SIGTERM;
        CHECK(server.stop(number) == 0);
        CHECK(server.lines()[1] == "signal " + std::to_string(number) + ": cleaning up");
    }
}

TEST_CASE("interrupt: no signal is missed in the middle of traffic", "[interrupt]") {
    for (int trial = 1; trial <= 10; ++trial) {
        Process server("interrupt/server", {"--bind", any_port});
        Process client("req-rep/client", {"--connect", server.endpoint(), "--count", "0"});
        for (int n = 0; n < 20 * trial; ++n) client.wait_for("received World");
        CHECK(server.stop(SIGINT) == 0);
        CHECK(client.stop(SIGINT) == 0);
    }
}

TEST_CASE("interrupt: a request of several frames and one of any bytes", "[interrupt]") {
    Process server("interrupt/server", {"--bind", any_port});
    Peer client(ZMQ_REQ);
    client.connect(server.endpoint());
    for (const Lines& request : {Lines{"one", "two"}, Lines{""}, Lines{std::string("\0\xff", 2)}}) {
        client.send(request);
        CHECK(client.receive() == Lines{"World"});
    }
    CHECK(server.stop(SIGTERM) == 0);
    CHECK(server.last_line() == "3 requests");
}

TEST_CASE("interrupt: SIGINT that a shell has set to be ignored still ends the server",
          "[interrupt]") {
    Process server("/bin/sh", {"-c", "trap '' INT; exec \"$0\" --bind 'tcp://127.0.0.1:*'",
                               BINARY_DIR "/interrupt/server"});
    server.endpoint();
    CHECK(server.stop(SIGINT) == 0);
}
