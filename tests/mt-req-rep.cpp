#include <zmq.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"
#include "refusals.hpp"

using Lines = std::vector<std::string>;

TEST_CASE("mt-req-rep: every thread of the client gets all its replies", "[mt-req-rep]") {
    Process server("mt-req-rep/server", {"--bind", any_port});
    Process client("mt-req-rep/client", {"--connect", server.endpoint()});
    CHECK(client.wait() == 0);
    CHECK(client.last_line() == "40 replies");
    for (const std::string n : {"1", "2", "3", "4"}) {
        const auto lines = client.lines();
        CHECK(std::count(lines.begin(), lines.end(), "client " + n + " received World") == 10);
    }
    CHECK(server.stop(SIGINT) == 0);
    CHECK(server.last_line() == "40 requests");
    CHECK(server.errors() == "interrupted\n");
}

TEST_CASE("mt-req-rep: the requests of the client's threads are in flight together",
          "[mt-req-rep]") {
    Peer server(ZMQ_ROUTER);
    server.bind(any_port);
    Process client("mt-req-rep/client",
                   {"--connect", server.endpoint(), "--clients", "7", "--count", "2"});
    for (int round = 0; round < 2; ++round) {
        std::vector<Lines> requests;
        std::set<std::string> identities;
        while (requests.size() < 7) {  // none has its reply before all have asked
            requests.push_back(server.receive());
            identities.insert(requests.back().front());
        }
        CHECK(identities.size() == 7);
        for (const auto& request : requests) {
            CHECK(request.back() == "Hello");
            server.send({request[0], "", "World"});
        }
    }
    CHECK(client.wait() == 0);
    CHECK(client.last_line() == "14 replies");
}

TEST_CASE("mt-req-rep: the threads of the server work at the same time, until Ctrl-C",
          "[mt-req-rep]") {
    // No reply comes within the test: each worker that says it has a request holds it. Four workers
    // can queue 2,000 each, by the high-water marks of both ends, so that there is one for the
    // fifth, however late it connects.
    Process server("mt-req-rep/server",
                   {"--bind", any_port, "--workers", "5", "--work", "1000000"});
    Peer client(ZMQ_DEALER);
    client.connect(server.endpoint());
    for (int n = 0; n < 10000; ++n) client.send({"", "Hello"});
    std::set<std::string> workers;
    while (workers.size() < 5) workers.insert(server.wait_for("received Hello"));
    CHECK(server.stop(SIGINT) == 0);
    CHECK(server.last_line() == "0 requests");
}

TEST_CASE("mt-req-rep: requests go to the workers in turn", "[mt-req-rep]") {
    Process server("mt-req-rep/server", {"--bind", any_port, "--workers", "3"});
    Peer client(ZMQ_REQ);
    client.connect(server.endpoint());
    const auto ask = [&] {
        client.send({"Hello"});
        CHECK(client.receive() == Lines{"World"});
        return server.wait_for("received Hello");
    };
    std::set<std::string> connected;
    while (connected.size() < 3) connected.insert(ask());
    Lines order;
    for (size_t n = 0; n < 9; ++n) {
        order.push_back(ask());
        if (n >= 3) CHECK(order[n] == order[n - 3]);
    }
    CHECK(std::set<std::string>(order.begin(), order.end()) == connected);
}

TEST_CASE("mt-req-rep: a failing worker thread ends the server with its error", "[mt-req-rep]") {
    // More threads than a context has sockets.
    Process server("mt-req-rep/server", {"--bind", any_port, "--workers", "1100"});
    CHECK(server.wait() == 1);
    CHECK(server.errors() == "server: zmq_socket REP: Too many open files\n");
}

TEST_CASE("mt-req-rep: a client that starts first waits for its server", "[mt-req-rep]") {
    const Folder folder;
    Process client("mt-req-rep/client", {"--connect", folder.endpoint("s"), "--count", "1"});
    Process server("mt-req-rep/server", {"--bind", folder.endpoint("s")});
    CHECK(client.wait() == 0);
    CHECK(client.last_line() == "4 replies");
    CHECK(server.stop(SIGTERM) == 0);
}

TEST_CASE("mt-req-rep: messages of any bytes and any number of frames", "[mt-req-rep]") {
    Process server("mt-req-rep/server", {"--bind", any_port, "--workers", "1"});
    Peer client(ZMQ_REQ);
    client.connect(server.endpoint());
    for (const Lines& request : {Lines{""}, Lines{"one", "two", "three"},
                                 Lines{std::string("\0\n", 2)}, Lines{std::string(1 << 20, 'x')}}) {
        client.send(request);
        CHECK(client.receive() == Lines{"World"});
    }
    CHECK(server.stop(SIGINT) == 0);
    CHECK(server.last_line() == "4 requests");
    CHECK(server.output().find("worker 1 received \\x00\\x0a\n") != std::string::npos);
}

TEST_CASE("mt-req-rep: Ctrl-C in the middle of traffic", "[mt-req-rep]") {
    Process server("mt-req-rep/server", {"--bind", any_port, "--quiet"});
    Process client("mt-req-rep/client", {"--connect", server.endpoint(), "--count", "0"});
    client.wait_for("client 4 received World");
    CHECK(server.stop(SIGINT) == 0);
    CHECK(client.stop(SIGINT) == 0);
    CHECK(client.errors() == "interrupted\n");
}

TEST_CASE("mt-req-rep: Ctrl-C ends a client that has no server", "[mt-req-rep]") {
    const Folder folder;
    Process client("mt-req-rep/client", {"--connect", folder.endpoint("s")});
    {
        Peer server(ZMQ_ROUTER);  // shows that the client is up
        server.bind(folder.endpoint("s"));
        server.receive();
    }
    CHECK(client.stop(SIGTERM) == 128 + SIGTERM);
    CHECK(client.output() == "0 replies\n");
}

TEST_CASE("mt-req-rep: Ctrl-C ends the server right away with all its threads", "[mt-req-rep]") {
    for (int trial = 0; trial < 20; ++trial) {
        Process server("mt-req-rep/server", {"--bind", any_port, "--workers", "12"});
        server.endpoint();
        CHECK(server.stop(trial % 2 == 0 ? SIGINT : SIGTERM) == 0);
        CHECK(server.last_line() == "0 requests");
        CHECK(server.errors() == "interrupted\n");
    }
}

TEST_CASE("mt-req-rep: a failing thread ends the client with its error", "[mt-req-rep]") {
    const Folder folder;
    Process client("mt-req-rep/client",
                   {"--connect", folder.endpoint("nobody"), "--clients", "1100"});
    CHECK(client.wait() == 1);
    CHECK(client.output() == "");
    CHECK(client.errors() == "client: zmq_socket REQ: Too many open files\n");
}

TEST_CASE("mt-req-rep: odd peers leave the workers to the good ones", "[mt-req-rep]") {
    Process server("mt-req-rep/server", {"--bind", any_port, "--workers", "2"});
    const std::string endpoint = server.endpoint();
    {
        RawPeer browser(endpoint);
        browser.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Peer odd(ZMQ_DEALER);
        odd.set(ZMQ_LINGER, -1).connect(endpoint);
        odd.send({"no delimiter"});
        odd.send({"", "leaves"});
    }
    server.wait_for("received leaves");
    Process client("mt-req-rep/client", {"--connect", endpoint});
    CHECK(client.wait() == 0);
    CHECK(client.last_line() == "40 replies");
    CHECK(server.stop(SIGINT) == 0);
    CHECK(server.last_line() == "41 requests");
}

TEST_CASE("mt-req-rep: an endpoint that is taken is named with a hint", "[mt-req-rep]") {
    Peer holder(ZMQ_ROUTER);
    holder.bind(any_port);
    finds_taken("mt-req-rep/server", {"--bind", holder.endpoint()}, holder.endpoint());
}

TEST_CASE("mt-req-rep: wrong arguments", "[mt-req-rep]") {
    is_refused("mt-req-rep/server", {"--workers", "0"},
               "--workers 0: not a whole number from 1 to 10000");
    is_refused("mt-req-rep/server", {"--workers", "10001"},
               "--workers 10001: not a whole number from 1 to 10000");
    is_refused("mt-req-rep/server", {"--work", "1.5"},
               "--work 1.5: not a whole number from 0 to 2147483647");
    is_refused("mt-req-rep/client", {"--clients", "0"},
               "--clients 0: not a whole number from 1 to 10000");
    is_refused("mt-req-rep/client", {"--count", "x"},
               "--count x: not a whole number from 0 to 2147483647");
    is_refused("mt-req-rep/client", {"--bind", "x"}, "--bind: no such option");
}
