#include <zmq.h>

#include <csignal>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"
#include "refusals.hpp"

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
    for (int trial = 0; trial < 50; ++trial) {
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

TEST_CASE("interrupt: a request that was received is answered though a signal comes",
          "[interrupt]") {
    for (int trial = 0; trial < 10; ++trial) {
        Process server("interrupt/server", {"--bind", any_port});
        Peer client(ZMQ_REQ);
        client.connect(server.endpoint());
        client.send({"Hello"});
        server.wait_for("received Hello");
        CHECK(server.stop(trial % 2 == 0 ? SIGINT : SIGTERM) == 0);
        CHECK(server.last_line() == "1 request");
        CHECK(client.receive() == Lines{"World"});
    }
}

TEST_CASE("interrupt: a second Ctrl-C kills during the clean-up", "[interrupt]") {
    const Folder folder;
    Process server("interrupt/server", {"--bind", folder.endpoint("s")});
    Peer client(ZMQ_DEALER);
    client.set(ZMQ_RCVHWM, 1).connect(folder.endpoint("s"));
    // The client takes no reply, so some are unsent, and the clean-up lasts as long as linger says.
    constexpr int count = 40000;
    for (int n = 0; n < count; ++n) client.send({"", std::to_string(n)});
    server.wait_for("received " + std::to_string(count - 1));
    const auto first = std::chrono::steady_clock::now();
    server.signal(SIGINT);
    server.wait_for("signal 2: cleaning up");
    server.signal(SIGINT);
    // Later than linger it may have ended by itself.
    const auto passed = std::chrono::steady_clock::now() - first;
    const int status = server.wait();
    if (passed < std::chrono::milliseconds(400)) CHECK(status == -SIGINT);
}

TEST_CASE("interrupt: a client that starts first waits for the server", "[interrupt]") {
    const Folder folder;
    Process client("req-rep/client", {"--connect", folder.endpoint("s"), "--count", "3"});
    Process server("interrupt/server", {"--bind", folder.endpoint("s"), "--quiet"});
    CHECK(client.wait() == 0);
    CHECK(client.last_line() == "3 replies");
    CHECK(server.stop(SIGINT) == 0);
    const auto lines = server.lines();
    CHECK(lines.back().rfind("3 requests in ", 0) == 0);
}

TEST_CASE("interrupt: an endpoint that is taken is named with a hint", "[interrupt]") {
    Peer holder(ZMQ_REP);
    holder.bind(any_port);
    finds_taken("interrupt/server", {"--bind", holder.endpoint()}, holder.endpoint());
}

TEST_CASE("interrupt: wrong arguments", "[interrupt]") {
    is_refused("interrupt/server", {"--bind"}, "--bind: its value is missing");
    is_refused("interrupt/server", {"--connect", "x"}, "--connect: no such option");
    is_refused("interrupt/server", {"stray"}, "stray: takes no such argument");
}
